"""The functions of a file: `lambda` and `def`, compiled once, called often."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.lang.encode import Encoder
from flowc.lang.limits import MAX_CALLS, Budget, Refusal
from flowc.lang.names import AROUND, SCOPE, UNSET, Context, Frame, Run, Scope, assigned
from flowc.lang.values import Namespace
from flowc.source import Span
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.compiler import Compiler


@dataclass(slots=True)
class Code:
    """A function without the values that it captured."""

    name: str
    node: tree.Lambda | tree.Def
    context: Context
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    rest: str | None  # the name behind `*`
    rest_named: str | None  # the name behind `**`
    defaults: tuple[tuple[str, Run], ...]
    body: Run = field(default=lambda frame: None)
    running: bool = False
    refused: Sequence[Diagnostic] = ()  # of its statements: only the code of jobs may call it
    arity: int = field(init=False)  # so many positional arguments fill the frame just as they are

    def __post_init__(self) -> None:
        plain = not (self.keyword_only or self.rest or self.rest_named)
        self.arity = len(self.positional) if plain else -1

    @property
    def span(self) -> Span:
        return self.node.span


class Closure:
    """A function as a value: code, the frame it was made in, and its defaults.

    It satisfies the protocol `values.Function`.
    """

    __slots__ = ("budget", "code", "defaults", "frame", "name")
    type_name = "function"

    def __init__(self, code: Code, frame: Frame, defaults: dict[str, Any], budget: Budget) -> None:
        self.code = code
        self.frame = frame
        self.defaults = defaults
        self.budget = budget
        self.name = code.name

    @property
    def span(self) -> Span:
        return self.code.span

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.code.positional + self.code.keyword_only

    @property
    def required(self) -> int:
        return sum(1 for name in self.parameters if name not in self.defaults)

    @property
    def takes_rest(self) -> bool:
        return self.code.rest is not None or self.code.rest_named is not None

    @property
    def scope(self) -> Scope:
        found: Scope = self.frame[SCOPE]
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        code, budget = self.code, self.budget
        if code.refused:
            raise WorkflowError(code.refused)
        if code.running:
            raise fail(
                "recursion",
                f"{describe(code)} calls itself, which is not allowed in a workflow file",
                code.span,
                hint="a loop over a list does the same and always ends",
            )
        if budget.depth == 0:
            budget.refill()
        elif budget.depth >= MAX_CALLS:
            raise fail("too-deep", f"more than {MAX_CALLS} functions call one another", code.span)
        frame: Frame = [self.frame[SCOPE], self.frame, *args]
        if (
            kwargs
            or len(args) != len(code.positional)
            or code.rest
            or code.rest_named
            or code.keyword_only
        ):
            frame = bind(self, args, kwargs)
        frame += [UNSET] * (code.context.size - len(frame))
        code.running = True
        budget.depth += 1
        try:
            return code.body(frame)
        except RecursionError:
            raise fail("too-deep", f"{describe(code)} is nested too deeply", code.span) from None
        finally:
            code.running = False
            budget.depth -= 1

    def to_data(self) -> dict[str, Any]:
        return Encoder(self.span).function(self)

    def write_to(self, encoder: Encoder) -> dict[str, Any]:
        """What `to_data` gives, as a part of the value that `encoder` is writing."""
        code, span = self.code, self.code.span
        line, column = span.source.position(span.start)
        data: dict[str, Any] = {
            "function": "lambda" if isinstance(code.node, tree.Lambda) else "def",
            "text": span.text,
            "file": span.source.name,
            "line": line,
            "column": column,
            "names": {name: encoder.value(value) for name, value in captured(self)},
            "defaults": {name: encoder.value(value) for name, value in self.defaults.items()},
        }
        spaces = {
            name: encoder.members(space, members) for name, space, members in captured_members(self)
        }
        return data | ({"members": spaces} if spaces else {})

    def __repr__(self) -> str:
        return f"<function {self.name}>"


def describe(code: Code) -> str:
    return "this lambda" if code.name == "<lambda>" else f"`{code.name}`"


def bind(function: Closure, args: Sequence[Any], kwargs: dict[str, Any]) -> Frame:
    """The frame of a call: slots in the order positional, keyword-only, `*rest`, `**rest`."""
    code, defaults = function.code, function.defaults
    names = code.positional
    if len(args) > len(names) and code.rest is None:
        takes = f"{len(names)} argument{'' if len(names) == 1 else 's'}"
        raise wrong_arguments(function, f"takes {takes}, {len(args)} are given")
    frame: Frame = [function.frame[SCOPE], function.frame, *args[: len(names)]]
    left = dict(kwargs)
    for name in names[: len(args)]:
        if name in left:
            raise wrong_arguments(function, f"is given `{name}` twice")
    missing = []
    for name in names[len(args) :] + code.keyword_only:
        if name in left:
            frame.append(left.pop(name))
        elif name in defaults:
            frame.append(defaults[name])
        else:
            missing.append(name)
    if missing:
        raise wrong_arguments(function, "needs " + ", ".join(f"`{name}`" for name in missing))
    if code.rest is not None:
        frame.append(tuple(args[len(names) :]))
    if code.rest_named is not None:
        frame.append(left)
    elif left:
        raise wrong_arguments(function, f"takes no `{next(iter(left))}`")
    return frame


def wrong_arguments(function: Closure, message: str) -> Exception:
    code = function.code
    listed = ", ".join(
        [*code.positional, *code.keyword_only]
        + ([f"*{code.rest}"] if code.rest else [])
        + ([f"**{code.rest_named}"] if code.rest_named else [])
    )
    return Refusal(
        "wrong-arguments",
        f"{describe(code)} {message}",
        f"its parameters are ({listed})" if listed else "it has no parameters",
    )


# --- compiling -----------------------------------------------------------------------------------


def compile_lambda(compiler: "Compiler", node: tree.Lambda, context: Context) -> Run:
    code = _signature(compiler, "<lambda>", node, context)
    code.body = compiler.compile(node.body, code.context)
    return _maker(compiler, code, context)


def compile_def(compiler: "Compiler", node: tree.Def, context: Context) -> Run:
    """Code that makes the function (the caller stores it under its name)."""
    code = _signature(compiler, node.name.text, node, context)
    for name in assigned(node.body):
        code.context.declare(name)
    code.body = compiler.body(node.body, code.context)
    code.refused = tuple(code.context.refused)
    return _maker(compiler, code, context)


def _signature(
    compiler: "Compiler", name: str, node: tree.Lambda | tree.Def, context: Context
) -> Code:
    positional: list[str] = []
    keyword_only: list[str] = []
    rest: str | None = None
    rest_named: str | None = None
    starred = False
    defaults: list[tuple[str, Run]] = []
    seen: set[str] = set()
    for parameter in node.parameters:
        text = parameter.name.text
        if text in seen:
            raise fail("wrong-arguments", f"two parameters `{text}`", parameter.span)
        seen.add(text)
        if parameter.stars == 1:
            starred, rest = True, None if text == "*" else text
        elif parameter.stars == 2:
            rest_named = text
        else:
            (keyword_only if starred else positional).append(text)
            if parameter.default is not None:
                defaults.append((text, compiler.compile(parameter.default, context)))
            elif defaults and not starred:
                raise fail(
                    "wrong-arguments",
                    f"`{text}` needs a default, since the parameter before it has one",
                    parameter.span,
                )
    inner = Context(parent=context, is_function=True)
    for text in [*positional, *keyword_only, *filter(None, (rest, rest_named))]:
        inner.always_set.add(inner.declare(text))
    return Code(
        name, node, inner, tuple(positional), tuple(keyword_only), rest, rest_named, tuple(defaults)
    )


def _maker(compiler: "Compiler", code: Code, context: Context) -> Run:
    budget = compiler.budget
    context.makes_functions = True
    inner = code.context
    # what an inner function uses, the outer one must keep as well
    context.globals_used |= inner.globals_used
    context.whole_used |= inner.whole_used
    for name, members in inner.members_used.items():
        context.members_used.setdefault(name, set()).update(members)
    for name, (up, slot) in inner.cells_used.items():
        if up > 1:
            context.cells_used[name] = (up - 1, slot)
    defaults = code.defaults

    def run(frame: Frame) -> Closure:
        values = {name: default(frame) for name, default in defaults}
        return Closure(code, frame, values, budget)

    return run


# --- what a function has captured ----------------------------------------------------------------


def captured(function: Closure) -> list[tuple[str, Any]]:
    """The names that the function uses, but built-ins, and their values now."""
    context, scope = function.code.context, function.scope
    found: dict[str, Any] = {}
    for name in sorted(context.globals_used):
        value = scope.find(name)
        if value is not UNSET and (not isinstance(value, Namespace) or name in context.whole_used):
            found[name] = value
    for name, (up, slot) in sorted(context.cells_used.items()):
        value = _cell(function.frame, up, slot)
        if value is not UNSET:
            found[name] = value
    return list(found.items())


def captured_members(function: Closure) -> list[tuple[str, Namespace, list[str]]]:
    """Of namespaces such as `rules`, the members that the function uses."""
    context = function.code.context
    found: list[tuple[str, Namespace, list[str]]] = []
    for name, members in sorted(context.members_used.items()):
        space = function.scope.find(name) if name in context.globals_used else UNSET
        if isinstance(space, Namespace) and name not in context.whole_used:
            found.append((name, space, sorted(members)))
    return found


def _cell(frame: Frame, up: int, slot: int) -> Any:
    """The value of a name of a function around; `frame` is the one the function was made in."""
    for _ in range(up - 1):
        frame = frame[AROUND]
    return frame[slot]
