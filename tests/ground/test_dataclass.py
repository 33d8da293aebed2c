"""The light data classes beside the standard library's: the same in all that flowc uses."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import flowc.lightclass as light


def family(kit: Any) -> SimpleNamespace:
    """The same classes, made by one kit or the other."""

    @kit.dataclass(frozen=True, slots=True)
    class Point:
        """Two numbers."""

        kind: ClassVar[str] = "point"
        x: int
        y: "int | None" = None

    @kit.dataclass(frozen=True)
    class Place:
        name: str
        tags: dict[str, int] = kit.field(default_factory=dict)
        secret: str = kit.field(default="", repr=False)

        @cached_property
        def size(self) -> int:
            return len(self.name)

    @kit.dataclass(slots=True)
    class Count:
        n: int = 0
        twice: int = kit.field(init=False)

        def __post_init__(self) -> None:
            self.n += 1
            self.twice = 2 * self.n

    @kit.dataclass(frozen=True, eq=False)
    class Identity:
        n: int

    @kit.dataclass(frozen=True, slots=True)
    class Empty:
        pass

    @kit.dataclass
    class Base:
        a: int

    @kit.dataclass
    class Derived(Base):
        b: int = 2

    return SimpleNamespace(
        Point=Point, Place=Place, Count=Count, Identity=Identity, Empty=Empty, Derived=Derived
    )


# fmt: off
SHOWN: dict[str, Callable[[SimpleNamespace, Any], Any]] = {
    "repr": lambda f, k: repr(f.Point(1)).replace("family.<locals>.", ""),
    "repr leaves out": lambda f, k: repr(f.Place("a", secret="b")),
    "by name": lambda f, k: f.Point(y=2, x=1).y,
    "default": lambda f, k: (f.Point(1).y, f.Point.kind),
    "equal": lambda f, k: (f.Point(1, 2) == f.Point(1, 2), f.Point(1) == f.Point(2)),
    "other class": lambda f, k: f.Point(1) == f.Derived(1),
    "hash": lambda f, k: (hash(f.Point(1)) == hash(f.Point(1)), len({f.Point(1), f.Point(1)})),
    "not hashable": lambda f, k: hash(f.Count()),
    "identity": lambda f, k: (f.Identity(1) == f.Identity(1), len({f.Identity(1), f.Identity(1)})),
    "empty": lambda f, k: (repr(f.Empty()), f.Empty() == f.Empty()),
    "factory": lambda f, k: f.Place("a").tags is f.Place("a").tags,
    "cached": lambda f, k: f.Place("abc").size,
    "post init": lambda f, k: (f.Count(4).n, f.Count(4).twice),
    "replace without init": lambda f, k: (k.replace(f.Count(4), n=1).twice),
    "derived": lambda f, k: (f.Derived(1), f.Derived(1, 3).b),
    "frozen": lambda f, k: setattr(f.Point(1), "x", 3),
    "not frozen": lambda f, k: setattr(f.Count(), "n", 3),
    "no such slot": lambda f, k: setattr(f.Count(), "m", 3),
    "missing": lambda f, k: f.Point(),
    "unknown": lambda f, k: f.Point(1, z=2),
    "too many": lambda f, k: f.Point(1, 2, 3),
    "replace": lambda f, k: k.replace(f.Point(1, 2), x=5),
    "replace unknown": lambda f, k: k.replace(f.Point(1, 2), z=5),
    "fields": lambda f, k: [(one.name, one.type) for one in k.fields(f.Point)],
    "standard fields": lambda f, k: [one.name for one in dataclasses.fields(f.Point(1))],
    "standard replace": lambda f, k: dataclasses.replace(f.Derived(1), b=9),
    "asdict": lambda f, k: dataclasses.asdict(f.Place("a", {"t": 1})),
    "match": lambda f, k: f.Point.__match_args__,
    "doc": lambda f, k: f.Point.__doc__,
    "mutable default": lambda f, k: k.dataclass(
        type("M", (), {"__annotations__": {"a": list}, "a": []})),
}
# fmt: on


def outcome(show: Callable[[SimpleNamespace, Any], Any], kit: Any) -> Any:
    try:
        return repr(show(family(kit), kit))
    except (TypeError, AttributeError, ValueError) as fault:
        base = AttributeError if isinstance(fault, AttributeError) else type(fault)
        return base.__name__


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_the_same_as_the_standard_library(
    show: Callable[[SimpleNamespace, Any], Any],
) -> None:
    assert outcome(show, light) == outcome(show, dataclasses)
