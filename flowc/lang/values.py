"""The values of the language that Python does not have: flagged paths, records, functions.

Everything else is Python's own: str, int, float, bool, None, list, tuple, dict, set and
`pathlib.PurePosixPath`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Protocol

from flowc.dataclass import dataclass, replace
from flowc.source import Span


@dataclass(frozen=True, slots=True)
class Flags:
    """What `temp(...)`, `protected(...)` and the like say of a path."""

    temp: bool = False
    protected: bool = False
    directory: bool = False
    touch: bool = False
    ancient: bool = False
    pipe: bool = False
    service: bool = False
    update: bool = False
    before_update: bool = False
    local: bool = False  # in a module: the prefix does not concern it
    ensure: tuple[tuple[str, Any], ...] = ()  # ("non_empty", True), ("sha256", text or function)

    @property
    def passing(self) -> bool:
        """Whether the file is gone when its readers have ended, whatever else is said of it."""
        return self.pipe or self.service

    def __or__(self, other: "Flags") -> "Flags":
        on: dict[str, Any] = {name: True for name in FLAG_NAMES if getattr(other, name)}
        if other.ensure:
            on["ensure"] = (*self.ensure, *other.ensure)
        return replace(self, **on)


FLAG_NAMES = (
    "temp",
    "protected",
    "directory",
    "touch",
    "ancient",
    "pipe",
    "service",
    "update",
    "before_update",
    "local",
)
NO_FLAGS = Flags()


def flags_named(names: Iterable[str]) -> Flags:
    """The flags of these names."""
    on: dict[str, Any] = dict.fromkeys(names, True)
    return Flags(**on)


class FlaggedPath(str):
    """A path (or pattern) with flags. It is a str wherever only the path matters.

    `rule` names the rule it was taken from, as `rules.X.output` does: that rule makes it.
    """

    __slots__ = ("flags", "rule")
    flags: Flags
    rule: str | None

    def __new__(cls, path: str, flags: Flags, rule: str | None = None) -> "FlaggedPath":
        self = super().__new__(cls, path)
        self.flags = flags
        self.rule = rule
        return self


def flags_of(path: str) -> Flags:
    return path.flags if isinstance(path, FlaggedPath) else NO_FLAGS


class Record(Sequence[Any]):
    """Values with positions, some with names: `wildcards`, `input`, `output`, `params` ...

    `values` holds every item flat; `names` says where a name's item stands: an int for a single
    value, a slice for a list. As text: the items joined by one space.
    """

    __slots__ = ("extras", "names", "values")

    def __init__(
        self,
        values: tuple[Any, ...],
        names: Mapping[str, int | slice],
        extras: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.values = values
        self.names = names
        self.extras = extras or {}  # computed when asked for: `size_mb` of an input

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return self.get_name(index)
        return self.values[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def get_name(self, name: str) -> Any:
        """The item of that name. Raises KeyError."""
        if name in self.names:
            place = self.names[name]
            found = self.values[place]
            return list(found) if isinstance(place, slice) else found
        return self.extras[name]()

    def __str__(self) -> str:
        return " ".join(str(v) for v in self.values)


class Wildcards(Record):
    """A job's wildcard values. As text: `a=x,b=y`."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(f"{n}={self.values[i]}" for n, i in self.names.items() if type(i) is int)


class Function(Protocol):
    """A lambda or def of a Workflowfile, ready to be called. Made by `lang.evaluate` alone."""

    name: str  # "<lambda>" for a lambda
    span: Span
    parameters: tuple[str, ...]  # the names it takes, in order
    required: int  # how many of them have no default
    takes_rest: bool  # has *args or **kwargs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises WorkflowError for a fault in its body, with the place."""
        ...

    def to_data(self) -> dict[str, Any]:
        """Source text and captured values, as JSON data. `evaluate.function_from_data` reads it
        back. Raises WorkflowError where a captured value has no data form."""
        ...


@dataclass(frozen=True, slots=True)
class Unpack:
    """`unpack(function)`: the function's dict becomes named items."""

    function: Function


class Namespace:
    """Names behind a dot: `os.path`, `rules`, `workflow`. `members` may go on growing."""

    __slots__ = ("members", "missing", "name")
    type_name = "namespace"

    def __init__(
        self,
        name: str,
        members: Mapping[str, Any],
        missing: Callable[[str], str] | None = None,
    ) -> None:
        self.name = name
        self.members = members
        self.missing = missing  # the message for a member that is not there

    def __repr__(self) -> str:
        return f"<{self.name}>"


def variable_text(value: Any) -> str | None:
    """What a variable of the environment is set to; None for what cannot stand in one."""
    if isinstance(value, PurePath):
        value = value.as_posix()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    return None if "\0" in text else text
