"""What a rule's jobs read: its input items, compiled so that many jobs are filled in at once."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any

from flowc.dataclass import dataclass
from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.lang.pattern import Pattern, wildcard_names
from flowc.lang.values import FlaggedPath, Function, Unpack, Wildcards, flags_of
from flowc.lang.workflow import Item, Rule

Values = tuple[str, ...]

_DEEPEST_CALL = 10
"""An input function may return another one, so many times; as in Snakemake."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path pattern of an input item. `maker` names the rule it is bound to, if any."""

    fill_all: Callable[[Sequence[Values]], list[str]]
    maker: str | None
    before_update: bool


@dataclass(frozen=True, slots=True)
class InputItem:
    """A compiled input item. Exactly one of these is there: `constants` (the same paths for
    every job), `paths` to fill in, or a `function` to call for each job."""

    item: Item
    constants: Sequence[str]
    paths: tuple[Path, ...]
    function: Function | None
    unpack: bool

    @property
    def is_constant(self) -> bool:
        return self.function is None and not self.paths


@dataclass(frozen=True, slots=True)
class Found:
    """What an input function has returned for one job: an item each, with a name or not."""

    name: str | None
    paths: list[str]
    is_list: bool


def compile_inputs(rule: Rule, names: Sequence[str]) -> tuple[InputItem, ...]:
    """The rule's input items, for wildcard values in the order of `names`."""
    return tuple(_compile(item, names) for item in rule.inputs)


def _compile(item: Item, names: Sequence[str]) -> InputItem:
    if item.function is not None:
        return InputItem(item, (), (), item.function, item.unpack)
    if not any("{" in text and wildcard_names(text) for text in item.files):
        return InputItem(item, item.files, (), None, False)
    return InputItem(item, (), tuple(_path(text, names) for text in item.files), None, False)


def _path(text: str, names: Sequence[str]) -> Path:
    maker = maker_of(text)
    pattern = Pattern(text)
    if not pattern.names:
        plain = str(text)
        return Path(lambda rows: [plain] * len(rows), maker, flags_of(text).before_update)
    return Path(filler(pattern, names), maker, flags_of(text).before_update)


def maker_of(path: str) -> str | None:
    """The rule that `rules.X.output` has bound a path to."""
    return path.rule if isinstance(path, FlaggedPath) else None


def filler(pattern: Pattern, names: Sequence[str]) -> Callable[[Sequence[Values]], list[str]]:
    """A function that fills the pattern in for many rows of values at once."""
    used = tuple(names.index(pattern.names[p]) for p in pattern.parts if isinstance(p, int))
    template = pattern.template
    if len(used) == 1:
        at, prefix, suffix = used[0], pattern.prefix, pattern.suffix
        if len(names) == 1:
            return lambda rows: [f"{prefix}{value}{suffix}" for (value,) in rows]
        return lambda rows: [f"{prefix}{row[at]}{suffix}" for row in rows]
    if used == tuple(range(len(names))):
        return lambda rows: [template % row for row in rows]
    return lambda rows: [template % tuple([row[i] for i in used]) for row in rows]


def call_input(item: InputItem, wildcards: Wildcards, rule: Rule) -> list[Found]:
    """What the item's function returns for one job. Raises WorkflowError where it cannot."""
    assert item.function is not None
    try:
        value: Any = item.function(wildcards)
    except WorkflowError as fault:
        raise _while_calling(fault, rule, wildcards) from None
    unpack = item.unpack
    for _ in range(_DEEPEST_CALL):
        if isinstance(value, Unpack):
            unpack, value = True, value.function
        if not callable(value):
            break
        value = value(wildcards)
    if unpack:
        if not isinstance(value, dict):
            raise _bad_value(item, rule, "`unpack` needs a function that returns a dict", value)
        return [_found(item, rule, str(k), v, wildcards) for k, v in value.items()]
    if isinstance(value, dict):
        hint = "wrap the function in `unpack(...)` to name its items"
        raise _bad_value(item, rule, "an input function returned a dict", value, hint)
    return [_found(item, rule, item.item.name, value, wildcards)]


def _found(
    item: InputItem, rule: Rule, name: str | None, value: Any, wildcards: Wildcards
) -> Found:
    is_list = not isinstance(value, str | PurePath)
    paths: list[str] = []
    known = {n: wildcards.values[i] for n, i in wildcards.names.items() if isinstance(i, int)}
    for one in flatten(value):
        if isinstance(one, PurePath):
            one = str(one)
        if not isinstance(one, str):
            raise _bad_value(item, rule, "an input function may only return paths", one)
        if "{" in one:
            try:
                filled = Pattern(one).fill(known)
            except KeyError as fault:
                why = f"an input function returned `{one}`, but there is no wildcard {fault}"
                raise WorkflowError(Diagnostic("unknown-wildcard", why, item.item.span)) from None
            one = (
                FlaggedPath(filled, one.flags, one.rule) if isinstance(one, FlaggedPath) else filled
            )
        paths.append(one)
    return Found(name, paths, is_list)


def flatten(value: Any) -> Iterable[Any]:
    """The items of nested lists, in order."""
    if isinstance(value, list | tuple | set | frozenset) or (
        hasattr(value, "__iter__") and not isinstance(value, str | PurePath | dict)
    ):
        for one in value:
            yield from flatten(one)
    else:
        yield value


def _bad_value(
    item: InputItem, rule: Rule, message: str, value: Any, hint: str | None = None
) -> WorkflowError:
    what = type(value).__name__
    return WorkflowError(
        Diagnostic(
            "bad-input-function",
            f"{message}; here it is a {what} (rule `{rule.name}`)",
            item.item.span,
            hint=hint,
        )
    )


def _while_calling(fault: WorkflowError, rule: Rule, wildcards: Wildcards) -> WorkflowError:
    """The fault, with the rule and the wildcards for which the function was called."""
    values = str(wildcards)
    called = f"called for rule `{rule.name}`" + (f" with {values}" if values else "")
    return WorkflowError(
        Diagnostic(d.code, d.message, d.span, (*d.labels, Label(rule.span, called)), d.hint)
        for d in fault.diagnostics
    )
