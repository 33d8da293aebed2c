"""Paths of rules that come from another file: a prefix before them, other names of their rules.

Patterns are changed where they stand; what a function returns is changed when it has been called.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from flowc.dataclass import replace
from flowc.lang.encode import Encoder
from flowc.lang.faults import explain
from flowc.lang.limits import RECORDS, Refusal
from flowc.lang.pathvars import Pathvars
from flowc.lang.values import FlaggedPath, Record, Unpack, flags_of
from flowc.lang.workflow import Item
from flowc.source import Span


class PathChange:
    """What becomes of a path. `names`: the names that rules of the module have here; it may still
    grow after the change was made. `is_made`: whether a path is what a checkpoint has told a
    function of, which has been changed already."""

    def __init__(
        self,
        prefix: str = "",
        replacements: Sequence[tuple[str, str]] = (),
        pathvars: Pathvars | None = None,
        names: Mapping[str, str] | None = None,
        is_made: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self.prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self.replacements = tuple(replacements)
        self.pathvars = pathvars
        self.names = names
        self.is_made = is_made

    @property
    def moves(self) -> bool:
        return bool(self.prefix or self.replacements)

    def path(self, path: str) -> str:
        """The path, with its flags. Raises Refusal."""
        changed = path if flags_of(path).local else self._moved(path)
        if self.pathvars is not None and "<" in changed:
            changed = self.pathvars.apply(changed)
        if not isinstance(path, FlaggedPath):
            return str(changed)
        rule = path.rule
        if rule is not None and self.names is not None:
            rule = self.names.get(rule)
        return FlaggedPath(changed, path.flags, rule)

    def _moved(self, path: str) -> str:
        if path.startswith(("/", "..")) or self.is_made(path):
            return path
        if self.replacements:
            found = [(old, new) for old, new in self.replacements if path.startswith(old)]
            if len(found) > 1:
                raise Refusal(
                    "ambiguous-prefix",
                    f"several prefixes of `replace_prefix` match `{path}`: "
                    + ", ".join(f"`{old}`" for old, _ in found),
                )
            return found[0][1] + path[len(found[0][0]) :] if found else path
        return self.prefix + path

    def value(self, value: Any) -> Any:
        """All paths in what an input function has returned."""
        if isinstance(value, str):
            return self.path(value)
        if isinstance(value, PurePath):
            return self.path(value.as_posix())
        if isinstance(value, dict):
            return {name: self.value(one) for name, one in value.items()}
        if isinstance(value, Unpack):
            return Unpack(moved(value.function, self))
        if callable(value) and hasattr(value, "required"):
            return moved(value, self)
        if type(value) in RECORDS:
            return Record(tuple([self.value(one) for one in value.values]), value.names)
        if isinstance(value, list | tuple | set | frozenset) or hasattr(value, "__next__"):
            return [self.value(one) for one in value]
        return value

    def items(self, items: tuple[Item, ...], *, functions: bool) -> tuple[Item, ...]:
        """Items with their paths changed; with `functions`, those that functions return too."""
        return tuple(self._item(item, functions) for item in items)

    def _item(self, item: Item, functions: bool) -> Item:
        if item.function is not None:
            return replace(item, function=moved(item.function, self)) if functions else item
        if not self.moves and self.names is None and "<" not in "".join(item.files):
            return item
        return replace(item, files=tuple([self.path(path) for path in item.files]))


class MovedFunction:
    """An input function whose paths are changed. It satisfies the protocol `values.Function`."""

    type_name = "function"

    def __init__(self, function: Any, change: PathChange) -> None:
        self.function = function
        self.change = change
        self.name: str = function.name
        self.span: Span = function.span
        self.parameters: tuple[str, ...] = function.parameters
        self.required: int = function.required
        self.takes_rest: bool = function.takes_rest

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self.function(*args, **kwargs)
        try:
            return self.change.value(found)
        except Refusal as fault:
            raise explain(fault, self.span) from None

    def to_data(self) -> dict[str, Any]:
        return Encoder(self.span).function(self)

    def write_to(self, encoder: Encoder) -> dict[str, Any]:
        change = self.change
        return {
            "function": "moved",
            "of": encoder.function(self.function),
            "prefix": change.prefix,
            "replacements": [list(pair) for pair in change.replacements],
            "pathvars": None if change.pathvars is None else dict(change.pathvars.values),
            "names": None if change.names is None else dict(change.names),
        }


def moved(function: Any, change: PathChange) -> Any:
    return MovedFunction(function, change)


def read_moved(
    data: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], Any],
    is_made: Callable[[str], bool],
) -> MovedFunction:
    """What `write_to` wrote."""
    pathvars = None
    if data["pathvars"] is not None:
        pathvars = Pathvars()
        pathvars.values = dict(data["pathvars"])
    replacements = [(old, new) for old, new in data["replacements"]]
    change = PathChange(data["prefix"], replacements, pathvars, data["names"], is_made)
    return MovedFunction(read(data["of"]), change)
