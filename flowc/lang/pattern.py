"""Paths with wildcards: `mapped/{sample}.bam`, matched and filled in.

A wildcard is `{name}` or `{name,regex}`; it matches `.+`, slashes included, unless constrained.
The same wildcard twice must match the same text. Precedence: inline, then the rule's, then the
global constraint.
"""

import re
from collections.abc import Mapping
from functools import cached_property

from flowc.lang.careful import match_carefully, sure_length
from flowc.lang.regex import fits_in_a_path

WILDCARD = re.compile(
    r"\{\s*(?P<name>\w[\w.]*)\s*(?:,\s*(?P<constraint>(?:[^{}]|\{\d+(?:,\d*)?\})*?)\s*)?\}"
)


class Pattern:
    """A compiled path pattern.

    `names` are its wildcards in order of first appearance, `parts` the literal text and the
    wildcards (as indices into `names`) in order. Raises ValueError for a constraint that is no
    regular expression or stands at a later occurrence of its wildcard.
    """

    __slots__ = ("__dict__", "constraints", "names", "parts", "text")

    def __init__(self, text: str, constraints: Mapping[str, str] | None = None) -> None:
        text = str(text)
        self.text: str = text
        names: list[str] = []
        parts: list[str | int] = []
        inline: dict[str, str] = {}
        at = 0
        for found in WILDCARD.finditer(text):
            if found.start() > at:
                parts.append(text[at : found.start()])
            at = found.end()
            name, constraint = found["name"], found["constraint"]
            if name not in names:
                names.append(name)
                if constraint:
                    inline[name] = constraint
            elif constraint and inline.get(name) != constraint:
                raise ValueError(
                    f"the constraint of `{{{name}}}` belongs at its first occurrence in `{text}`"
                )
            parts.append(names.index(name))
        if at < len(text):
            parts.append(text[at:])
        self.names: tuple[str, ...] = tuple(names)
        self.parts: tuple[str | int, ...] = tuple(parts)
        known = constraints or {}
        self.constraints: dict[str, str] = {
            n: c for n in names if (c := inline.get(n) or known.get(n))
        }
        for name, constraint in self.constraints.items():
            try:
                fits_in_a_path(constraint)
            except ValueError as fault:
                raise ValueError(
                    f"the constraint `{constraint}` of wildcard `{name}` is no regular "
                    f"expression: {fault}"
                ) from None

    @property
    def prefix(self) -> str:
        """The literal text before the first wildcard."""
        first = self.parts[0] if self.parts else ""
        return first if isinstance(first, str) else ""

    @property
    def suffix(self) -> str:
        """The literal text behind the last wildcard; the whole text where there is none."""
        last = self.parts[-1] if self.parts else ""
        return last if isinstance(last, str) else ""

    @cached_property
    def is_simple(self) -> bool:
        """One wildcard, once, unconstrained: a path matches by prefix and suffix alone."""
        return len(self.names) == 1 and not self.constraints and self._count == 1

    @property
    def _count(self) -> int:
        return sum(1 for part in self.parts if type(part) is int)

    @property
    def regex_text(self) -> str:
        seen: set[int] = set()
        out = []
        for part in self.parts:
            if isinstance(part, str):
                out.append(re.escape(part))
            elif part in seen:
                out.append(f"(?P=w{part})")
            else:
                seen.add(part)
                out.append(f"(?P<w{part}>{self.constraints.get(self.names[part], '.+')})")
        return "".join(out)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.regex_text, re.DOTALL)

    @cached_property
    def _groups(self) -> tuple[str, ...]:
        return tuple(f"w{i}" for i in range(len(self.names)))

    def match(self, path: str) -> tuple[str, ...] | None:
        """The wildcards' values in the order of `names`, or None where the path does not match."""
        if self.is_simple:
            prefix, suffix = self.prefix, self.suffix
            end = len(path) - len(suffix)
            if end > len(prefix) and path.startswith(prefix) and path.endswith(suffix):
                return (path[len(prefix) : end],)
            return None
        if not self.names:
            return () if path == self.text else None
        if len(path) > self._surely:
            return match_carefully(self, path)
        found = self.regex.fullmatch(path)
        return (
            None
            if found is None
            else found.group(*self._groups)
            if len(self._groups) > 1
            else (found[1],)
        )

    @cached_property
    def _surely(self) -> float:
        """Paths of up to so many characters are matched soon, whatever is in them."""
        return sure_length(self)

    def fill(self, values: Mapping[str, str]) -> str:
        """The path with the wildcards' values put in. Raises KeyError for one that is missing."""
        names = self.names
        return "".join([p if isinstance(p, str) else values[names[p]] for p in self.parts])

    @cached_property
    def template(self) -> str:
        """For `template % values` with values in the order of `names`, each occurring once; the
        fast way to fill many."""
        return "".join(p.replace("%", "%%") if isinstance(p, str) else "%s" for p in self.parts)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


def wildcard_names(text: str) -> tuple[str, ...]:
    """The wildcards of a pattern, each once, in order."""
    return tuple(dict.fromkeys(found["name"] for found in WILDCARD.finditer(text)))
