"""`expand`: patterns with wildcards times lists of values, a million at a time."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

from flowc.lang.callables import Builtin
from flowc.lang.encode import Encoder
from flowc.lang.faults import near
from flowc.lang.formatting import parse_format, text_of
from flowc.lang.limits import LARGE, Budget, Refusal, a_type
from flowc.lang.members import Members
from flowc.lang.methods import text_format
from flowc.lang.values import NO_FLAGS, FlaggedPath
from flowc.source import Span

_FIELD = re.compile(
    r"\{\{|\}\}|\{\s*(?P<name>\w+)\s*(?P<constraint>,(?:[^{}]|\{\d+(?:,\d*)?\})*)?\}"
)
"""What a plain pattern is made of; other fields (`{i:03d}`, `{s.x}`) go the long way."""


class Expander:
    """`expand(patterns, *[combinator], allow_missing=False, **values)`."""

    def __init__(self, budget: Budget, members: Members) -> None:
        self.budget = budget
        self.members = members

    def __call__(
        self, patterns: Any, combine: Any = None, *, allow_missing: Any = False, **values: Any
    ) -> Any:
        if any(_holds_function(value) for value in values.values()):
            return DeferredExpand(self, patterns, combine, allow_missing, values)
        if callable(patterns):
            raise Refusal(
                "wrong-type",
                "the pattern of `expand` is a text, not a function",
                "call `expand` inside the function",
            )
        out: list[str] = []
        for pattern in self._patterns(patterns):
            out += self._one(pattern, combine, bool(allow_missing), values)
        return out

    def _patterns(self, patterns: Any) -> list[str]:
        found: list[str] = []
        holder = [patterns] if isinstance(patterns, str | PurePosixPath) else None
        for pattern in holder if holder is not None else self.budget.listed(patterns):
            if isinstance(pattern, FlaggedPath) and pattern.flags != NO_FLAGS:
                raise Refusal(
                    "flag-in-expand",
                    f"the pattern `{pattern}` of `expand` has a flag",
                    "write the flag around: `temp(expand(...))`",
                )
            if isinstance(pattern, PurePosixPath):
                pattern = str(pattern)
            if not isinstance(pattern, str):
                raise Refusal(
                    "wrong-type", f"a pattern of `expand` is a text, not {a_type(pattern)}"
                )
            found.append(pattern)
        return found

    def _one(
        self, pattern: str, combine: Any, allow_missing: bool, values: Mapping[str, Any]
    ) -> list[str]:
        self.budget.spend((len(values) + 1) * len(pattern) >> 2)
        names = [name for name in values if _uses(pattern, name)]
        lists = [self._values(values[name]) for name in names]
        template = _simple_template(pattern, names, allow_missing)
        if combine is None:
            count = 1
            for found in lists:
                count *= len(found)
            self.budget.spend(count)
            self.budget.items(count)
        if template is not None:
            made = self._fast(template, lists, combine, names)
        else:
            made = self._slow(pattern, lists, combine, names, allow_missing)
        if isinstance(pattern, FlaggedPath) and pattern.rule is not None:
            return [FlaggedPath(path, NO_FLAGS, pattern.rule) for path in made]
        return made

    def _values(self, value: Any) -> list[str]:
        """A wildcard's values as texts."""
        if isinstance(value, str):
            return [value]
        if isinstance(value, int | float | PurePosixPath) or value is None:
            return [value]  # type: ignore[list-item]
        found = value if type(value) is list else self.budget.listed(value)
        kinds = set(map(type, found))
        if kinds <= _PLAIN:
            return found
        for each in found:
            if isinstance(each, FlaggedPath) and each.flags != NO_FLAGS:
                raise Refusal("flag-in-expand", f"the value `{each}` of `expand` has a flag")
        return found

    def _fast(
        self,
        template: tuple[str, list[int]],
        lists: list[list[str]],
        combine: Any,
        names: list[str],
    ) -> list[str]:
        """By `%` formatting: the pattern holds plain wildcards only."""
        text, order = template
        if (
            combine is None
            and len(lists) == 1
            and order == [0]
            and "\0" not in text
            and _are_plain(lists[0])
        ):
            before, _, after = (text % "\0").partition("\0")
            self._room(len(before) + len(after), lists[0])
            return [f"{before}{value}{after}" for value in lists[0]]
        lists = [self._printable(values) for values in lists]
        combos: Any = product(*lists) if combine is None else self._combined(combine, lists, names)
        if not order:
            plain = text % ()
            return [plain for _ in combos]
        width = len(text) + sum(max(map(len, lists[i]), default=0) for i in order)
        if order != list(range(len(lists))):
            pick = itemgetter(*order)
            combos = map(pick, combos) if len(order) > 1 else ((pick(c),) for c in combos)
        return self._joined(text, combos, width)

    def _joined(self, text: str, combos: Any, width: int) -> list[str]:
        """`width`: how long a result may become."""
        if width < LARGE:
            return [text % combo for combo in combos]
        out = []
        for combo in combos:
            self.budget.text(len(text) + sum([len(value) for value in combo]))
            out.append(text % combo)
        return out

    def _room(self, width: int, values: list[Any]) -> None:
        """The list of all results must have a bearable size."""
        width += max([len(value) for value in values if type(value) is str], default=20)
        if width > LARGE:
            for value in values:
                self.budget.text(width - 20 + (len(value) if type(value) is str else 20))

    def _printable(self, values: list[Any]) -> list[str]:
        if set(map(type, values)) <= {str}:
            return values
        return [text_of(self.budget, value) for value in values]

    def _combined(
        self, combine: Any, lists: list[list[Any]], names: Sequence[str]
    ) -> Iterator[tuple[Any, ...]]:
        """What `zip`, `product` or a function of the user makes of lists of (name, value)."""
        if isinstance(combine, Builtin) and combine.name in ("zip", "itertools.product"):
            return self.budget.counted(combine(*lists))
        if not callable(combine):
            raise Refusal(
                "wrong-type",
                f"the second argument of `expand` combines lists, as `zip` does; "
                f"{a_type(combine)} cannot",
            )
        pairs = [
            [(name, value) for value in values] for name, values in zip(names, lists, strict=True)
        ]
        return self._own_combination(combine(*pairs), names)

    def _own_combination(self, found: Any, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for combo in self.budget.iterate(found):
            chosen = dict(combo)
            yield tuple([chosen[name] for name in names])

    def _slow(
        self,
        pattern: str,
        lists: list[list[Any]],
        combine: Any,
        names: list[str],
        allow_missing: bool,
    ) -> list[str]:
        """Through `str.format`'s language: `{i:03d}`, `{sample[id]}`."""
        fill = text_format(self.budget, self.members)
        pattern = _escape_constraints(pattern, names, allow_missing)
        out = []
        combos: Any = product(*lists) if combine is None else self._combined(combine, lists, names)
        for combo in combos:
            named = dict(zip(names, combo, strict=True))
            out.append(fill(pattern, (), named))
        return out


_PLAIN = frozenset({str, int, float, bool, type(None), PurePosixPath})


def _are_plain(values: list[Any]) -> bool:
    return set(map(type, values)) <= _PLAIN


def _holds_function(value: Any) -> bool:
    if type(value) is list and len(value) < 1000:
        return any(_holds_function(each) for each in value if type(each) is not list)
    return callable(value)


def _uses(pattern: str, name: str) -> bool:
    """Whether `{name}`, `{name:...}`, `{name.x}`, `{name[x]}` or `{name,regex}` is in it."""
    return name in pattern and any(
        re.fullmatch(rf"\s*{re.escape(name)}\s*", field) for field in _fields(pattern)
    )


def _fields(pattern: str) -> list[str]:
    """The names at the beginning of the fields of a pattern."""
    return re.findall(r"(?<!\{)(?:\{\{)*\{([^{}.\[!:,]+)", pattern)


def _simple_template(
    pattern: str, names: Sequence[str], allow_missing: bool
) -> tuple[str, list[int]] | None:
    """A template for `%` and which value goes where; None where the pattern has fields that
    only `str.format` understands. Raises Refusal for a wildcard without values."""
    out: list[str] = []
    order: list[int] = []
    at = 0
    for found in _FIELD.finditer(pattern):
        between = pattern[at : found.start()]
        if "{" in between or "}" in between:
            return None
        out.append(between.replace("%", "%%"))
        at = found.end()
        text = found.group()
        if found["name"] is None:
            out.append(text[0])
        elif found["name"] in names:
            out.append("%s")
            order.append(names.index(found["name"]))
        elif allow_missing:
            out.append(text.replace("%", "%%"))
        else:
            raise _no_values(found["name"], names)
    rest = pattern[at:]
    if "{" in rest or "}" in rest:
        return None
    out.append(rest.replace("%", "%%"))
    return "".join(out), order


def _no_values(name: str, names: Sequence[str]) -> Refusal:
    return Refusal(
        "missing-wildcard",
        f"no values are given for the wildcard `{name}`",
        near(name, names) or f"`{{{{{name}}}}}` keeps it as a wildcard",
    )


def _escape_constraints(pattern: str, names: Sequence[str], allow_missing: bool) -> str:
    """The pattern as `str.format` takes it: `{w,regex}` without its constraint, and what has no
    values kept in braces if that is allowed."""

    def replace(found: re.Match[str]) -> str:
        text = found.group()
        name = found["name"]
        if name is None:
            return text
        if name in names:
            return f"{{{name}}}"
        if allow_missing:
            return "{{" + text[1:-1].replace("{", "{{").replace("}", "}}") + "}}"
        raise _no_values(name, names)

    pattern = _FIELD.sub(replace, pattern)
    try:
        for _, field, _, _ in parse_format(pattern):
            first = re.split(r"[.\[]", field or "", maxsplit=1)[0]
            if field is not None and first not in names:
                raise _no_values(first, names)
    except ValueError as fault:
        raise Refusal("wrong-value", f"{fault} (in the pattern {pattern[:60]!r})") from None
    return pattern


class DeferredExpand:
    """`expand` with functions among the values: it is done when the wildcards are known.

    It satisfies the protocol `values.Function`.
    """

    type_name = "function"
    parameters: tuple[str, ...] = ("wildcards",)
    required = 1
    takes_rest = True
    name = "expand"
    span: Span

    def __init__(
        self,
        expander: Expander,
        patterns: Any,
        combine: Any,
        allow_missing: Any,
        values: dict[str, Any],
    ) -> None:
        self.expander = expander
        self.patterns = patterns
        self.combine = combine
        self.allow_missing = allow_missing
        self.values = values
        self.span = next(
            f.span for v in values.values() for f in _functions(v) if hasattr(f, "span")
        )

    def __call__(self, wildcards: Any, *args: Any, **kwargs: Any) -> Any:
        def result(value: Any) -> Any:
            if type(value) is list:
                return [result(each) for each in value]
            if not callable(value):
                return value
            known = {k: v for k, v in kwargs.items() if k in getattr(value, "parameters", ())}
            return value(wildcards, **known)

        return self.expander(
            self.patterns,
            self.combine,
            allow_missing=self.allow_missing,
            **{name: result(value) for name, value in self.values.items()},
        )

    def to_data(self) -> dict[str, Any]:
        return Encoder(self.span).function(self)

    def write_to(self, encoder: Encoder) -> dict[str, Any]:
        return {
            "function": "expand",
            "patterns": encoder.value(self.patterns),
            "combine": getattr(self.combine, "name", None),
            "allow_missing": bool(self.allow_missing),
            "values": {name: encoder.value(value) for name, value in self.values.items()},
        }

    def __repr__(self) -> str:
        return "<function expand>"


def _functions(value: Any) -> list[Callable[..., Any]]:
    if type(value) is list:
        return [each for each in value if callable(each)]
    return [value] if callable(value) else []
