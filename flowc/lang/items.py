"""What stands behind `input:`, `output:`, `log:` and `benchmark:`, as `Item`s.

Lists are flattened; a list of a million plain paths is looked at as a whole, never path by path.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

from flowc.dataclass import replace
from flowc.diagnostic import Diagnostic
from flowc.lang.beyond import beyond
from flowc.lang.faults import near
from flowc.lang.pattern import WILDCARD
from flowc.lang.values import FLAG_NAMES, NO_FLAGS, FlaggedPath, Record, Unpack
from flowc.lang.wording import listing, narrow
from flowc.lang.workflow import Item
from flowc.source import Span
from flowc.syntax.tree import Name

Given = tuple[Name | None, Any, Span]
"""One evaluated item of a directive, as `Interpreter.arguments` gives it."""

_MEANT_FOR = {
    "temp": "output",
    "protected": "output",
    "directory": "output",
    "touch": "output",
    "ancient": "input",
    "pipe": "output",
    "service": "output",
    "update": "output",
    "before_update": "input",
}
_INPUT_ARGUMENTS = ("wildcards", "groupid")
_DEEPEST_LIST = 100


class ItemReader:
    """Reads the items of one directive of one rule; faults go to `faults`."""

    def __init__(self, directive: str, rule: str, faults: list[Diagnostic]) -> None:
        self.directive = directive
        self.rule = rule
        self.faults = faults

    def read(self, given: Sequence[Given]) -> tuple[Item, ...]:
        items: list[Item] = []
        for name, value, span in given:
            items += self._item(name.text if name is not None else None, value, span)
        named: dict[str, Item] = {}
        for item in items:
            if item.name is None:
                continue
            if item.name in named:  # by `**` or `multiext`; the parser sees to the others
                self._fault(
                    "repeated-name",
                    f"`{self.directive}` has two items called `{item.name}`",
                    item.span,
                )
            named[item.name] = item
        return tuple(items)

    def _item(self, name: str | None, value: Any, span: Span) -> list[Item]:
        if isinstance(value, str):
            path = self._path(value, span)
            return [Item(name, (path,), False, None, False, span)] if path is not None else []
        if isinstance(value, PurePath):
            return self._item(name, value.as_posix(), span)
        if isinstance(value, Unpack):
            return self._unpack(name, value, span)
        if callable(value) and not isinstance(value, Record):
            return self._function(name, value, span, unpack=False)
        if isinstance(value, Mapping):
            self._fault(
                "bad-path",
                f"a path of `{self.directive}` is a text; this is a dict",
                span,
                hint="write `**` before it, so that its keys become names",
            )
            return []
        if isinstance(value, Iterator):
            value = list(value)
        if name is None and isinstance(value, Record) and _gives_names(value):
            return [
                item
                for label, place in value.names.items()
                for item in self._item(label, value.values[place], span)
            ]
        if isinstance(value, list | tuple | Record | AbstractSet):
            return self._list(name, value, span)
        self._fault(
            "bad-path",
            f"a path of `{self.directive}` is a text; this is {_kind(value)}",
            span,
            hint="write `[]` for no file" if value is None else None,
        )
        return []

    def _list(self, name: str | None, value: Any, span: Span) -> list[Item]:
        flat = _flat(value)
        if flat is None:
            self._fault("bad-path", "this list is nested too deeply", span)
            return []
        types = set(map(type, flat))
        if types <= {str}:
            return [Item(name, self._plain(flat, span), True, None, False, span)]
        if any(callable(v) or isinstance(v, Unpack) for v in flat):
            return self._list_of_functions(name, flat, span)
        paths: list[str] = []
        for path in flat:
            if isinstance(path, PurePath):
                path = path.as_posix()
            if not isinstance(path, str):
                self._fault(
                    "bad-path",
                    f"a path of `{self.directive}` is a text; this list holds {_kind(path)}",
                    span,
                )
                return []
            checked = self._path(path, span)
            if checked is not None:
                paths.append(checked)
        return [Item(name, tuple(paths), True, None, False, span)]

    def _plain(self, paths: Sequence[str], span: Span) -> tuple[str, ...]:
        """Paths of which none has flags: looked at together, as there may be a million."""
        if "" in paths:
            self._path("", span)
            return tuple(p for p in paths if p)
        joined = "".join(paths)
        if "{" not in joined and "\0" not in joined:
            return tuple(paths)
        return tuple(c for p in paths if (c := self._path(p, span)) is not None)

    def _list_of_functions(self, name: str | None, flat: list[Any], span: Span) -> list[Item]:
        if name is not None:
            self._fault(
                "function-in-list",
                f"the list `{name}` holds a function",
                span,
                hint="let one function return the whole list",
            )
            return []
        return [item for value in flat for item in self._item(None, value, span)]

    def _path(self, path: str, span: Span) -> str | None:
        """The path as it is kept, or None after a fault."""
        if not path or "\0" in path:
            what = "holds a null character" if path else "is empty"
            self._fault("bad-path", f"a path of `{self.directive}` {what}", span)
            return None
        if type(path) is FlaggedPath:
            path = self._flagged(path, span)
        if "{" not in path or self.directive != "input":
            return path
        return self._without_constraints(path, span)

    def _flagged(self, path: FlaggedPath, span: Span) -> str:
        flags = path.flags
        wrong = [
            flag
            for flag in FLAG_NAMES
            if getattr(flags, flag) and _MEANT_FOR.get(flag, self.directive) != self.directive
        ]
        for flag in wrong:
            self._warn(
                "misplaced-flag",
                f"`{flag}` has no effect in `{self.directive}`",
                narrow(span, flag),
                hint=f"it belongs in `{_MEANT_FOR[flag]}`",
            )
        if wrong:
            off: dict[str, Any] = dict.fromkeys(wrong, False)
            flags = replace(flags, **off)
        rule = path.rule if self.directive == "input" else None
        if flags == NO_FLAGS and rule is None:
            return str(path)
        return path if not wrong and rule == path.rule else FlaggedPath(path, flags, rule)

    def _without_constraints(self, path: str, span: Span) -> str:
        constrained = [m for m in WILDCARD.finditer(path) if m["constraint"]]
        if not constrained:
            return path
        self._warn(
            "ignored-constraint",
            "constraints of wildcards have no effect in `input`",
            narrow(span, constrained[0][0]),
            hint="write them where the wildcard stands in `output`, or as `wildcard_constraints:`",
        )
        plain = without_constraints(path)
        if isinstance(path, FlaggedPath):
            return FlaggedPath(plain, path.flags, path.rule)
        return plain

    def _function(self, name: str | None, value: Any, span: Span, *, unpack: bool) -> list[Item]:
        if self.directive != "input":
            self._fault(
                "function-as-output",
                f"`{self.directive}` cannot be a function: flowc must know what a rule makes "
                "before it knows the wildcards",
                span,
                hint='write the path with wildcards: "results/{sample}.txt"',
            )
            return []
        if not hasattr(value, "required"):
            called = getattr(value, "name", "this")
            self._fault("bad-path", f"the function `{called}` is not called here", span)
            return []
        check_function(value, _INPUT_ARGUMENTS, "an input function", span, self.faults)
        return [Item(name, (), False, value, unpack, span)]

    def _unpack(self, name: str | None, value: Unpack, span: Span) -> list[Item]:
        if name is not None:
            self._fault(
                "named-unpack",
                f"`unpack` makes names of its own and cannot have the name `{name}`",
                span,
            )
            return []
        return self._function(None, value.function, span, unpack=True)

    def _fault(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.faults.append(Diagnostic(code, message, span, hint=hint))

    def _warn(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.faults.append(Diagnostic(code, message, span, hint=hint, severity="warning"))


def check_function(
    function: Any,
    arguments: Sequence[str],
    what: str,
    span: Span,
    faults: list[Diagnostic],
) -> None:
    """See that flowc can call `function`: the wildcards come first, under any name, then any of
    the other `arguments` by name. Parameters with a default of their own are the author's."""
    faults += beyond(function)
    parameters: tuple[str, ...] = getattr(function, "parameters", ())
    required: int = getattr(function, "required", 0)
    takes_rest: bool = getattr(function, "takes_rest", True)
    others = arguments[1:]
    if not parameters:
        if not takes_rest:
            faults.append(
                Diagnostic(
                    "bad-function",
                    f"{what} takes the wildcards; this one takes nothing",
                    span,
                    hint="write `lambda wildcards: ...`",
                )
            )
        return
    if parameters[0] in others:
        faults.append(
            Diagnostic(
                "bad-function",
                f"the first argument of {what} is the wildcards, not `{parameters[0]}`",
                span,
                hint=f"write `lambda wildcards, {parameters[0]}: ...`",
            )
        )
        return
    unknown = [p for p in parameters[1:required] if p not in others]
    if unknown:
        allowed = listing(others) if others else "nothing else"
        faults.append(
            Diagnostic(
                "bad-function",
                f"{what} cannot have an argument `{unknown[0]}`",
                narrow(span, unknown[0]),
                hint=near(unknown[0], others) or f"after the wildcards it may take {allowed}",
            )
        )


def without_constraints(path: str) -> str:
    """`{sample,[A-Z]+}.txt` as `{sample}.txt`."""
    if "{" not in path:
        return path
    return WILDCARD.sub(lambda m: f"{{{m['name']}}}", path)


def _gives_names(record: Record) -> bool:
    """Whether it comes from `multiext` with names. What `rules.X.output` gives has no names here:
    they are those of the other rule."""
    return len(record.names) == len(record.values) and not any(
        isinstance(path, FlaggedPath) and path.rule is not None for path in record.values
    )


def _flat(value: Any, depth: int = 0) -> list[Any] | None:
    """All that is in a list, in order; None where it is nested too deeply."""
    if isinstance(value, AbstractSet):
        value = sorted(value, key=str)  # a set has no order; the same file gives the same rule
    if isinstance(value, Record):
        return list(value.values)
    nests = (list, tuple, Record, AbstractSet)
    if not any(issubclass(kind, nests) for kind in set(map(type, value))):
        return list(value)
    flat: list[Any] = []
    for one in value:
        if isinstance(one, nests):
            if depth > _DEEPEST_LIST or (inner := _flat(one, depth + 1)) is None:
                return None
            flat += inner
        else:
            flat.append(one)
    return flat


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, bool):
        return f"`{value}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    return f"a {type(value).__name__}"
