"""What bounds an evaluation: steps, sizes and nesting. Whatever a stranger's file says, it ends.

Steps are counted at calls and loop iterations, and in proportion at built-ins that go over a whole
value. Sizes are tested before a value is made. A built-in that must not go on raises `Refusal`;
whoever knows the place in the file turns it into a diagnostic.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any

from flowc.lang.values import FlaggedPath, Record, Wildcards

MAX_TEXT = 1 << 26
"""Characters in one string."""
MAX_ITEMS = 1 << 24
"""Items in one list, or in all lists of one nested value together."""
MAX_BITS = 1 << 16
"""Bits of an integer."""
MAX_NESTING = 100
"""Levels of lists in lists, where a value must be walked through."""
MAX_CALLS = 60
"""Functions that wait for one another."""
STEP_LIMIT = 50_000_000
BYTE_LIMIT = 1 << 30
"""What all large values of one evaluation may take together."""

STEPS_PER_CALL = 10_000
"""A function called from outside (once a job) earns so many steps back, up to the limit."""
BYTES_PER_CALL = 1 << 20

LARGE = 1024
"""Texts below this are not worth counting."""


class Refusal(Exception):  # noqa: N818 - it is no error of flowc's
    """A built-in cannot do what it is asked for. The caller adds the place."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Budget:
    """The steps and bytes that are left, and how many calls are open."""

    __slots__ = ("bytes", "depth", "step_limit", "steps")

    def __init__(self, step_limit: int = STEP_LIMIT) -> None:
        self.step_limit = step_limit
        self.steps = step_limit
        self.bytes = BYTE_LIMIT
        self.depth = 0

    def refill(self) -> None:
        """A call from outside begins: a job's functions have a part of their own."""
        self.steps = min(self.step_limit, max(0, self.steps) + STEPS_PER_CALL)
        self.bytes = min(BYTE_LIMIT, max(0, self.bytes) + BYTES_PER_CALL)

    def spend(self, steps: int) -> None:
        """Take steps before they are made. What could never be made costs nothing; whoever finds
        no steps left takes the last ones."""
        if steps > self.steps:
            if steps <= self.step_limit:
                self.steps = 0
            raise too_many_steps(self.step_limit)
        self.steps -= steps

    def _take(self, size_bytes: int) -> None:
        if size_bytes > self.bytes:
            raise too_large("what this workflow makes")
        self.bytes -= size_bytes

    def text(self, length: int) -> None:
        """A string of `length` characters is about to be made."""
        if length > LARGE:
            if length > MAX_TEXT:
                raise too_large(f"a string of {length:,} characters")
            self.spend(length >> 8)
            self._take(length)

    def items(self, count: int) -> None:
        """A list of `count` items is about to be made from what is there."""
        if count > LARGE:
            if count > MAX_ITEMS:
                raise too_large(f"a list of {count:,} items")
            self.spend(count >> 4)
            self._take(count << 3)

    def iterate(self, value: Any) -> Iterable[Any]:
        """What a loop over `value` goes through, already paid for.

        A list that grows meanwhile is gone through as far as it was long at the start.
        """
        kind = type(value)
        if kind in SIZED:
            count = size(value)
            self.spend(count)
            return islice(value, count) if kind is list else value
        if hasattr(value, "__next__"):
            return self.counted(value)
        raise not_iterable(value)

    def counted(self, iterator: Iterator[Any]) -> Iterator[Any]:
        for value in iterator:
            self.steps -= 1
            if self.steps < 0:
                raise too_many_steps(self.step_limit)
            yield value

    def tuples(self, iterator: Iterator[Any], width: int) -> Iterator[Any]:
        """An iterator of tuples of `width` values each, which may be wide."""
        return self._wide(iterator, width) if width > 8 else iterator

    def _wide(self, iterator: Iterator[Any], width: int) -> Iterator[Any]:
        for value in iterator:
            self.spend(width >> 2)
            self._take(width << 3)
            yield value

    def listed(self, value: Any) -> list[Any]:
        """All items of an iterable as a new list."""
        return list(self.iterate(value))

    def admit(self, value: Any) -> Any:
        """`value`, once it is known that going through all of it (to compare it, hash it, sort
        it) is affordable. An iterator is read into a list."""
        kind = type(value)
        if kind in SCALARS:
            return value
        if kind is str or kind is FlaggedPath:
            if len(value) > LARGE:
                self.spend(len(value) >> 6)
            return value
        if kind in NESTING:
            self.spend(weigh(value) >> 3)
        elif kind is range or kind in VIEWS:
            count = size(value)
            self.spend(count >> 3)
        elif hasattr(value, "__next__"):
            value = list(self.counted(value))
            self.spend(weigh(value) >> 3)
        return value

    def admit_text(self, value: Any) -> None:
        """Going to print `value`: its text must have a size that can be borne."""
        kind = type(value)
        if kind in SCALARS:
            return
        if kind is str or kind is FlaggedPath:
            self.text(len(value))
        elif kind in NESTING or kind in VIEWS:
            self.text(weigh(value, with_text=True))


_NOTHING: dict[Any, Any] = {}
VIEWS = frozenset({type(_NOTHING.keys()), type(_NOTHING.values()), type(_NOTHING.items())})
SCALARS = frozenset({int, float, bool, type(None)})
RECORDS = frozenset({Record, Wildcards})
NESTING = frozenset({list, tuple, dict, set, frozenset}) | RECORDS
SIZED = NESTING | VIEWS | {str, FlaggedPath, range}


def size(value: Any) -> int:
    try:
        return len(value)
    except OverflowError:  # a range beyond what fits an index
        return MAX_ITEMS << 32


def weigh(value: Any, *, with_text: bool = False) -> int:
    """How many things are inside a value, things inside things counted at each place where they
    stand; with text, how many characters they print as, nearly.

    A value that holds itself, or that would unfold beyond all measure, is refused.
    """
    total = 0
    limit = MAX_TEXT if with_text else MAX_ITEMS
    level: list[Any] = [value]
    times: list[int] | None = None  # how often each of the level stands there; None: once each
    for _ in range(MAX_NESTING):
        below: list[list[Any]] = []
        for i, holder in enumerate(level):
            inside: Iterable[Any] = holder
            if type(holder) is dict:
                inside = [*holder.keys(), *holder.values()]
            found = len(holder) * (2 if with_text else 1)
            if with_text:
                found += sum([_text_size(thing) for thing in inside])
            total += found if times is None else found * times[i]
            below.append([thing for thing in inside if type(thing) in NESTING])
        if total > limit:
            raise too_large("the value with all that is nested in it")
        level, times = _distinct(below, times)
        if not level:
            return total
    raise Refusal("too-deep", f"a value nested more than {MAX_NESTING} levels deep")


def _distinct(
    below: list[list[Any]], times: list[int] | None
) -> tuple[list[Any], list[int] | None]:
    """All values of the next level, each once, and how often each stands there."""
    flat = list(chain.from_iterable(below))
    known = {id(thing): thing for thing in flat}
    if times is None and len(known) == len(flat):
        return flat, None
    counts = dict.fromkeys(known, 0)
    for i, things in enumerate(below):
        weight = 1 if times is None else times[i]
        for thing in things:
            counts[id(thing)] += weight
    return list(known.values()), list(counts.values())


def _text_size(thing: Any) -> int:
    kind = type(thing)
    if kind is str or kind is FlaggedPath:
        return len(thing) + 4
    if kind is int:
        return int(thing.bit_length()) // 3 + 3
    return 24 if kind is not PurePosixPath else len(str(thing)) + 20


def bounded_int(value: Any) -> Any:
    """`value`, refused where it is an integer beyond all use."""
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise too_large("this integer")
    return value


def too_large(what: str) -> Refusal:
    return Refusal("too-large", f"{what} is too large")


def too_many_steps(limit: int) -> Refusal:
    return Refusal(
        "too-many-steps",
        f"the evaluation takes more than {limit:,} steps",
        "loops in a workflow file should go over samples and files only",
    )


def not_iterable(value: Any) -> Refusal:
    return Refusal("not-iterable", f"{a_type(value)} cannot be iterated over")


TYPE_NAMES = {
    type(None): "None",
    FlaggedPath: "str",
    PurePosixPath: "Path",
    Record: "record",
    Wildcards: "record of wildcards",
}


def type_name(value: Any) -> str:
    """The type of a value in the words of the language."""
    kind = type(value)
    return TYPE_NAMES.get(kind) or getattr(kind, "type_name", None) or str(kind.__name__)


def a_type(value: Any) -> str:
    """`a str`, `an int`, `None`."""
    name = type_name(value)
    if name == "None":
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
