"""Calls, compiled: arguments are evaluated in order, spread, and handed to what is called."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.callables import Bound, Builtin
from flowc.lang.faults import called_from, explain
from flowc.lang.limits import RECORDS, Budget, Refusal, a_type, too_many_steps
from flowc.lang.names import Context, Frame, Run
from flowc.lang.values import Namespace
from flowc.source import Span
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.compiler import Compiler

Arguments = Callable[[Frame], tuple[list[Any], dict[str, Any]]]


def compile_call(compiler: "Compiler", node: tree.Call, context: Context) -> Run:
    if isinstance(node.function, tree.Attribute):
        return _method_call(compiler, node, node.function, context)
    function = compiler.compile(node.function, context)
    invoke = _invoker(compiler.budget, node.function.span, node.span)
    if all(a.name is None and not a.stars for a in node.arguments):
        values = [compiler.compile(a.value, context) for a in node.arguments]
        nothing: dict[str, Any] = {}
        return lambda frame: invoke(function(frame), [v(frame) for v in values], nothing)
    arguments = compile_arguments(compiler, node.arguments, context)

    def run(frame: Frame) -> Any:
        called = function(frame)
        args, kwargs = arguments(frame)
        return invoke(called, args, kwargs)

    return run


def _method_call(
    compiler: "Compiler", node: tree.Call, attribute: tree.Attribute, context: Context
) -> Run:
    """`value.name(...)`: the method is called without making a bound one first."""
    name = attribute.name.text
    if isinstance(attribute.value, tree.Var):
        context.members_used.setdefault(attribute.value.name, set()).add(name)
        holder = compiler.variable(attribute.value, context, whole=False)
    else:
        holder = compiler.compile(attribute.value, context)
    arguments = compile_arguments(compiler, node.arguments, context)
    members, budget, span = compiler.members, compiler.budget, node.span
    find, get = members.method, members.get
    invoke = _invoker(budget, attribute.span, span)

    def run(frame: Frame) -> Any:
        value = holder(frame)
        method = find(value, name)
        if method is None:
            try:
                called = get(value, name)
            except Exception as fault:
                raise explain(fault, attribute.name.span) from None
            args, kwargs = arguments(frame)
            return invoke(called, args, kwargs)
        args, kwargs = arguments(frame)
        try:
            budget.steps -= 1
            if budget.steps < 0:
                raise too_many_steps(budget.step_limit)
            return method(value, *args, **kwargs)
        except Exception as fault:
            raise explain(fault, span, name) from None

    return run


def _invoker(
    budget: Budget, function_span: Span, span: Span
) -> Callable[[Any, list[Any], dict[str, Any]], Any]:
    """What calls a value, and tells the place of the call where that goes wrong."""

    def invoke(called: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        try:
            budget.steps -= 1
            if budget.steps < 0:
                raise too_many_steps(budget.step_limit)
            if not callable(called):
                raise _not_callable(called, function_span)
            return called(*args, **kwargs)
        except WorkflowError as fault:
            if not _within(fault, span):
                raise called_from(fault, span, getattr(called, "name", "?")) from None
            raise
        except Exception as fault:
            name = called.name if isinstance(called, Builtin | Bound) else None
            if name is None:
                name = getattr(called, "name", None)
            raise explain(fault, span, name) from None

    return invoke


def _not_callable(called: Any, span: Span) -> WorkflowError:
    hint = None
    if isinstance(called, Namespace):
        from flowc.lang.refusals import instead_of  # only for what is refused

        hint = instead_of(called.name)
    return fail("not-callable", f"{a_type(called)} cannot be called", span, hint=hint)


def _within(fault: WorkflowError, span: Span) -> bool:
    """Whether the call's own text holds the fault: then its place says nothing new."""
    for diagnostic in fault.diagnostics:
        at = diagnostic.span
        if at is None or at.source is not span.source:
            return False
        if at.start < span.start or at.end > span.end:
            return False
    return True


def compile_arguments(
    compiler: "Compiler", items: tuple[tree.Argument, ...], context: Context
) -> Arguments:
    """Code for the positional and the keyword arguments of a call."""
    parts = [(a.stars, a.name, compiler.compile(a.value, context), a.span) for a in items]
    positional = [run for stars, name, run, _ in parts if not stars and name is None]
    named = [(name.text, run) for stars, name, run, _ in parts if not stars and name is not None]
    seen: set[str] = set()
    for argument in items:
        if argument.name is not None and argument.name.text in seen:
            raise fail("wrong-arguments", f"`{argument.name.text}` is given twice", argument.span)
        if argument.name is not None:
            seen.add(argument.name.text)
    if not any(stars for stars, *_ in parts):
        if not named:
            nothing: dict[str, Any] = {}
            return lambda frame: ([run(frame) for run in positional], nothing)
        return lambda frame: (
            [run(frame) for run in positional],
            {name: run(frame) for name, run in named},
        )
    budget = compiler.budget

    def run_all(frame: Frame) -> tuple[list[Any], dict[str, Any]]:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for stars, name, run, span in parts:
            value = run(frame)
            if not stars and name is None:
                args.append(value)
            elif not stars:
                assert name is not None
                _add(kwargs, {name.text: value}, span)
            else:
                try:
                    if stars == 1:
                        more = budget.listed(value)
                        budget.items(len(args) + len(more))
                        args += more
                    else:
                        _add(kwargs, keywords(value), span)
                except Exception as fault:
                    raise explain(fault, span) from None
        return args, kwargs

    return run_all


def keywords(value: Any) -> dict[str, Any]:
    """What `**value` gives by name."""
    if type(value) in RECORDS:
        return {name: value.get_name(name) for name in value.names}
    if type(value) is not dict:
        raise Refusal("wrong-type", f"`**` needs a dict, not {a_type(value)}")
    for key in value:
        if not isinstance(key, str):
            raise Refusal("wrong-type", f"`**` needs names as keys, not {a_type(key)}")
    return value


def _add(kwargs: dict[str, Any], more: dict[str, Any], span: Span) -> None:
    for name, value in more.items():
        if name in kwargs:
            raise fail("wrong-arguments", f"`{name}` is given twice", span)
        kwargs[name] = value
