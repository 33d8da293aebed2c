"""Making text of values: f-strings, `str.format`, `%` and `str()`. Safe in size, and attributes
inside a format are those of the language alone."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flowc.lang.limits import NESTING, RECORDS, SCALARS, Budget, Refusal, a_type, too_large, weigh
from flowc.lang.values import FlaggedPath

MAX_WIDTH = 100_000
"""The largest width or precision that a format may ask for."""

_FIRST = re.compile(r"[^.\[]*")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<key>[^\]]+)\]")
_NUMBER = re.compile(r"\d{6,}")
_PERCENT = re.compile(
    r"%(?:\((?P<key>[^)]*)\))?[-#0 +]*(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+)?)?"
)

GetMember = Callable[[Any, Any], Any]


def text_of(budget: Budget, value: Any) -> str:
    """`str(value)`."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind in SCALARS or kind is PurePosixPath:
        return str(value)
    if kind is FlaggedPath:
        return str.__str__(value)
    _refuse_iterator(value)
    budget.admit_text(value)
    if kind in RECORDS:
        for item in value:
            budget.admit_text(item)
    return str(value)


def repr_of(budget: Budget, value: Any) -> str:
    """`repr(value)`; a path as `Path('a')`."""
    _refuse_iterator(value)
    budget.admit_text(value)
    kind = type(value)
    if kind is PurePosixPath:
        return f"PosixPath({str(value)!r})"
    if kind in RECORDS:
        return repr(list(value.values))
    return repr(value)


NESTED = frozenset((list, tuple, set, frozenset))
"""Kinds of values of which a command shows one that stands in another as Python does."""


def literal(value: Any) -> str:
    """`repr(value)`, the same in each run."""
    kind = type(value)
    if kind is list:
        return f"[{', '.join(map(literal, value))}]"
    if kind is tuple:
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if kind is dict:
        return f"{{{', '.join([f'{literal(k)}: {literal(v)}' for k, v in value.items()])}}}"
    if kind in NESTED and value:
        items = ", ".join(sorted(map(literal, value)))
        return f"{{{items}}}" if kind is set else f"frozenset({{{items}}})"
    if kind is PurePosixPath:
        return f"PosixPath({str(value)!r})"
    return repr(list(value.values)) if kind in RECORDS else repr(value)


def _refuse_iterator(value: Any) -> None:
    """Python would print where it lies in memory, which differs from run to run."""
    if hasattr(value, "__next__"):
        raise Refusal("wrong-type", "an iterator has no text", "`list(...)` makes a list of it")


def ascii_of(budget: Budget, value: Any) -> str:
    budget.text(len(repr_of(budget, value)) * 10)
    return ascii(value) if type(value) not in RECORDS else ascii(list(value.values))


def converted(budget: Budget, value: Any, conversion: str) -> Any:
    """A value after `!r`, `!s` or `!a`."""
    if conversion == "r":
        return repr_of(budget, value)
    if conversion == "s":
        return text_of(budget, value)
    if conversion == "a":
        return ascii_of(budget, value)
    raise Refusal("wrong-value", f"there is no conversion `!{conversion}`", "use `!r` or `!s`")


def formatted(budget: Budget, value: Any, spec: str) -> str:
    """`format(value, spec)`."""
    if not spec:
        return text_of(budget, value)
    if len(spec) > 4 and (_NUMBER.search(spec) or len(spec) > 200):
        raise too_large(f"the width or precision in the format `{spec[:40]}`")
    if type(value) in NESTING or type(value) is PurePosixPath or not _formats(value):
        raise Refusal("wrong-type", f"{a_type(value)} takes no format such as `:{spec}`")
    if isinstance(value, str):
        budget.text(len(value))
    try:
        return format(value, spec)
    except ValueError as fault:
        raise Refusal("wrong-value", f"{fault} (in the format `:{spec}`)") from None


def _formats(value: Any) -> bool:
    return isinstance(value, str | int | float)


class TextFormat:
    """`template.format(...)`; what stands behind a dot goes through the language's own table."""

    def __init__(self, budget: Budget, get_member: GetMember, get_item: GetMember) -> None:
        self.budget = budget
        self.get_member = get_member
        self.get_item = get_item

    def __call__(self, template: str, positional: Sequence[Any], named: Mapping[str, Any]) -> str:
        self.budget.spend(len(template) >> 4)
        return self._fill(template, positional, named, itertools.count(), 1)

    def _fill(
        self,
        text: str,
        positional: Sequence[Any],
        named: Mapping[str, Any],
        numbers: Iterator[int],
        level: int,
    ) -> str:
        if "{" not in text and "}" not in text:
            return text
        if level > 2:
            raise Refusal("wrong-value", "a format inside a format inside a format")
        out: list[str] = []
        length = 0
        try:
            for literal, field, spec, conversion in parse_format(text):
                out.append(literal)
                length += len(literal)
                if field is None:
                    continue
                self.budget.spend(1)
                value = self._field(field, positional, named, numbers)
                if conversion:
                    value = converted(self.budget, value, conversion)
                how = self._fill(spec or "", positional, named, numbers, level + 1)
                out.append(formatted(self.budget, value, how))
                length += len(out[-1])
                self.budget.text(length)
        except ValueError as fault:
            raise Refusal("wrong-value", f"{fault} (in the format {text[:60]!r})") from None
        return "".join(out)

    def _field(
        self,
        field: str,
        positional: Sequence[Any],
        named: Mapping[str, Any],
        numbers: Iterator[int],
    ) -> Any:
        """The value that `name.member[item]` stands for."""
        first = field[: _FIRST.match(field).end()]  # type: ignore[union-attr]
        value = _argument(first or str(next(numbers)), positional, named)
        at = len(first)
        while at < len(field):
            step = _STEP.match(field, at)
            if step is None:
                raise Refusal("wrong-value", f"`{{{field}}}` is no valid field of a format")
            if step["name"] is not None:
                value = self.get_member(value, step["name"])
            else:
                key = step["key"]
                value = self.get_item(value, int(key) if _is_index(key) else key)
            at = step.end()
        return value


def _argument(name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
    if _is_index(name):
        if int(name) >= len(positional):
            raise Refusal(
                "out-of-range", f"the format asks for value {name}, there are {len(positional)}"
            )
        return positional[int(name)]
    if name not in named:
        raise Refusal("missing-key", f"the format asks for `{name}`, which is not given")
    return named[name]


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def parse_format(text: str) -> Any:
    """(literal, field or None, spec, conversion) for each part. Raises ValueError."""
    from string import Formatter  # not needed by most files

    return Formatter().parse(text)


def percent_format(budget: Budget, template: str, values: Any) -> str:
    """`template % values`."""
    budget.spend(len(template) >> 4)
    length = len(template)
    for found in _PERCENT.finditer(template):
        for figure in (found["width"], found["precision"]):
            if figure == "*":
                raise Refusal("unsupported", "`*` in a format is not supported", "use an f-string")
            if figure and (len(figure) > 6 or int(figure) > MAX_WIDTH):
                raise too_large(f"the width or precision in the format `{found.group()[:40]}`")
            length += int(figure or 0)
    items = values if type(values) is tuple else [values]
    times = 1
    if type(values) is dict:
        items, times = list(values.values()), template.count("%(")
    for item in items:
        budget.admit_text(item)
        if isinstance(item, str):
            length += len(item) * times
        elif type(item) in NESTING:
            length += weigh(item, with_text=True) * times
    budget.text(length)
    if type(values) is tuple:
        values = tuple([_printable(budget, v) for v in values])
    elif type(values) is not dict:
        values = _printable(budget, values)
    else:
        values = {k: _printable(budget, v) for k, v in values.items()}
    return str(template % values)


def _printable(budget: Budget, value: Any) -> Any:
    """A value that Python may print by itself."""
    if isinstance(value, str | int | float) or type(value) in NESTING - RECORDS:
        return value
    return text_of(budget, value)
