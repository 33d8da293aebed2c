"""The statements inside a `def`, compiled."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowc.diagnostic import fail
from flowc.lang.comprehension import Store, compile_store
from flowc.lang.faults import explain, explain_binary
from flowc.lang.functions import compile_def
from flowc.lang.names import SCOPE, Context, Frame, Run
from flowc.lang.operators import get_item, set_item
from flowc.lang.speaking import raised
from flowc.source import Span
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.compiler import Compiler


class Signal:
    """Why a statement ends the ones around it: `break`, `continue` or `return value`."""

    __slots__ = ("value",)

    def __init__(self, value: Any = None) -> None:
        self.value = value


BREAK, CONTINUE = Signal(), Signal()

Step = Callable[[Frame], Signal | None]
"""A compiled statement."""


def compile_body(
    compiler: "Compiler", statements: tuple[tree.Statement, ...], context: Context
) -> Run:
    """A function's body: code that gives what it returns."""
    if len(statements) == 1 and isinstance(statements[0], tree.Return):
        value = statements[0].value
        if value is not None:
            return compiler.compile(value, context)
    steps = _steps(compiler, statements, context, in_loop=False)

    def run(frame: Frame) -> Any:
        for step in steps:
            signal = step(frame)
            if signal is not None:
                return signal.value
        return None

    return run


def _steps(
    compiler: "Compiler",
    statements: tuple[tree.Statement, ...],
    context: Context,
    *,
    in_loop: bool,
) -> list[Step]:
    return [_step(compiler, statement, context, in_loop) for statement in statements]


def _step(compiler: "Compiler", node: tree.Statement, context: Context, in_loop: bool) -> Step:
    match node:
        case tree.Assign():
            return compile_assign(compiler, node, context)
        case tree.Evaluate():
            value = compiler.compile(node.value, context)

            def evaluate(frame: Frame) -> None:
                value(frame)

            return evaluate
        case tree.Return():
            return _return(compiler, node, context)
        case tree.If():
            return _if(compiler, node, context, in_loop)
        case tree.For():
            return _for(compiler, node, context)
        case tree.Def():
            make = compile_def(compiler, node, context)
            store = compile_store(compiler, tree.Var(node.name.text, node.name.span), context)
            return lambda frame: store(frame, make(frame))
        case tree.Flow(keyword="raise" | "assert"):
            return compile_raise(compiler, node, context)
        case tree.Flow(keyword=keyword):
            if keyword == "pass":
                return lambda frame: None
            if not in_loop:
                raise fail("misplaced-statement", f"`{keyword}` outside a loop", node.span)
            signal = BREAK if keyword == "break" else CONTINUE
            return lambda frame: signal
        case tree.Unsupported(keyword="import" | "from"):
            return _import(compiler, node, context)
        case tree.Unsupported():
            from flowc.lang.refusals import refuse  # most workflows have no such statement

            context.refused.append(refuse(node))
            return lambda frame: None  # never: the function is refused when it is called
    raise fail("misplaced-statement", "this cannot stand inside a function", node.span)


def _return(compiler: "Compiler", node: tree.Return, context: Context) -> Step:
    if node.value is None:
        nothing = Signal()
        return lambda frame: nothing
    value = compiler.compile(node.value, context)
    return lambda frame: Signal(value(frame))


def _if(compiler: "Compiler", node: tree.If, context: Context, in_loop: bool) -> Step:
    branches = [
        (compiler.compile(test, context), _steps(compiler, body, context, in_loop=in_loop))
        for test, body in node.branches
    ]
    otherwise = _steps(compiler, node.otherwise, context, in_loop=in_loop)

    def run(frame: Frame) -> Signal | None:
        chosen = otherwise
        for test, body in branches:
            if test(frame):
                chosen = body
                break
        for step in chosen:
            signal = step(frame)
            if signal is not None:
                return signal
        return None

    return run


def _for(compiler: "Compiler", node: tree.For, context: Context) -> Step:
    iterable = compiler.compile(node.iterable, context)
    store = compile_store(compiler, node.target, context)
    body = _steps(compiler, node.body, context, in_loop=True)
    iterate, span = compiler.budget.iterate, node.iterable.span

    def run(frame: Frame) -> Signal | None:
        value = iterable(frame)
        try:
            values = iter(iterate(value))
        except Exception as fault:
            raise explain(fault, span) from None
        while True:
            try:
                item = next(values)
            except StopIteration:
                return None
            except Exception as fault:
                raise explain(fault, span) from None
            store(frame, item)
            for step in body:
                signal = step(frame)
                if signal is None:
                    continue
                if signal is CONTINUE:
                    break
                if signal is BREAK:
                    return None
                return signal

    return run


def compile_raise(compiler: "Compiler", node: tree.Flow, context: Context) -> Step:
    """`raise value`, also at the top of a file."""
    value = compiler.compile(node.value, context) if node.value is not None else None
    keyword, budget = node.keyword, compiler.budget
    span = Span(node.span.source, node.span.start, node.span.start + len(keyword))

    def run(frame: Frame) -> Signal | None:
        found = value(frame) if value is not None else None
        raise raised(budget, keyword, found, node.span if keyword == "raise" else span)

    return run


def _import(compiler: "Compiler", node: tree.Unsupported, context: Context) -> Step:
    """`import` inside a function: its names are the function's own."""
    from flowc.lang.imports import imported, of_unknown_names, value_of  # few functions import

    known = compiler.builtins
    unknown = of_unknown_names(node, known)
    if unknown is not None:
        context.refused.append(unknown)
    bound = [
        (each, compile_store(compiler, tree.Var(each.bound, node.span), context))
        for each in imported(node.span.text)
    ]

    def run(frame: Frame) -> None:
        for each, store in bound:
            store(frame, value_of(each, known, frame[SCOPE].get))

    return run


def compile_assign(compiler: "Compiler", node: tree.Assign, context: Context) -> Step:
    """`a = b = value` or `a += value`, also at the top of a file."""
    value = compiler.compile(node.value, context)
    if node.operator is not None:
        return _augmented(compiler, node, value, context)
    stores = [compile_store(compiler, target, context) for target in node.targets]
    if len(stores) == 1:
        only = stores[0]
        return lambda frame: only(frame, value(frame))

    def run(frame: Frame) -> None:
        found = value(frame)
        for store in stores:
            store(frame, found)

    return run


def _augmented(compiler: "Compiler", node: tree.Assign, value: Run, context: Context) -> Step:
    target, symbol, span = node.targets[0], node.operator or "", node.span
    apply = compiler.in_place[symbol]
    budget = compiler.budget
    if isinstance(target, tree.Subscript):
        holder = compiler.compile(target.value, context)
        index = compiler.compile(target.index, context)

        def run_item(frame: Frame) -> None:
            found, key = holder(frame), index(frame)
            try:
                old = get_item(budget, found, key)
            except Exception as fault:
                raise explain(fault, target.span) from None
            new = value(frame)
            try:
                set_item(budget, found, key, apply(old, new))
            except Exception as fault:
                raise explain_binary(fault, symbol, old, new, span) from None

        return run_item
    if not isinstance(target, tree.Var):
        raise fail("not-assignable", f"`{symbol}=` needs a single name or item", target.span)
    load = compiler.compile(target, context)
    store: Store = compile_store(compiler, target, context)

    def run(frame: Frame) -> None:
        old = load(frame)
        new = value(frame)
        try:
            result = apply(old, new)
        except Exception as fault:
            raise explain_binary(fault, symbol, old, new, span) from None
        store(frame, result)

    return run
