"""Path variables: `<name>` in the paths of a rule, replaced before wildcards are looked for.

As in Snakemake a rule's own value comes first, then a module's, that of `config["pathvars"]`, that
of `pathvars:` at the top level, and what is there by itself.
"""

import re
from collections.abc import Mapping
from typing import Any

from flowc.lang.faults import choices, near
from flowc.lang.limits import Refusal

PATHVAR = re.compile(r"<(?P<name>[a-z][a-z0-9_]*)>")
NAME = re.compile(r"[a-z][a-z0-9_]*")

RULE, MODULE, CONFIG, TOP, DEFAULT = range(5)
"""Where a value comes from; the smaller wins."""

DEFAULTS = ("results", "stats", "reports", "temp", "resources", "logs", "benchmarks")
"""Names that stand for themselves unless something else is said."""

_DEEPEST = 20


class Pathvars:
    """The variables of one namespace."""

    def __init__(self, around: "Pathvars | None" = None) -> None:
        self.values: dict[str, str] = dict(around.values if around else {n: n for n in DEFAULTS})
        self.levels: dict[str, int] = (
            dict(around.levels) if around else dict.fromkeys(DEFAULTS, DEFAULT)
        )

    @property
    def is_declared(self) -> bool:
        return any(level != DEFAULT for level in self.levels.values())

    def update(self, values: Mapping[Any, Any], level: int) -> None:
        """Take in what one place says. Raises Refusal for what is no variable, and for cycles."""
        for name, value in values.items():
            if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(value, str):
                raise Refusal(
                    "bad-pathvar",
                    "`pathvars` are texts whose names are lower-case letters, digits and `_`",
                    'write `results="some/directory"`',
                )
            if level <= self.levels.get(name, DEFAULT):
                self.values[name], self.levels[name] = value, level
        for name in values:
            self.apply(f"<{name}>")

    def apply(self, path: str) -> str:
        """The path with its variables filled in. Raises Refusal."""
        found = path
        for _ in range(_DEEPEST):
            if not PATHVAR.search(found):
                return found
            found = PATHVAR.sub(self._value, found)
        raise Refusal("cyclic-pathvar", f"the path variables of `{path}` lead to one another")

    def _value(self, found: re.Match[str]) -> str:
        name = found["name"]
        if name not in self.values:
            raise Refusal(
                "unknown-pathvar",
                f"there is no path variable `<{name}>`",
                near(name, self.values) or choices(sorted(self.values)),
            )
        return self.values[name]
