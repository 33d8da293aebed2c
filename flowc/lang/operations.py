"""Operators in expressions, compiled: arithmetic, comparison, `and`/`or`, conditionals."""

from typing import TYPE_CHECKING, Any

from flowc.diagnostic import fail
from flowc.lang.faults import explain_binary
from flowc.lang.limits import LARGE, a_type
from flowc.lang.names import Context, Frame, Run
from flowc.lang.operators import UNARY
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.compiler import Compiler


def compile_unary(compiler: "Compiler", node: tree.Unary, context: Context) -> Run:
    operand, operator, span = compiler.compile(node.operand, context), node.operator, node.span
    apply = UNARY[operator]
    if operator == "not":
        return lambda frame: not operand(frame)

    def run(frame: Frame) -> Any:
        value = operand(frame)
        try:
            return apply(value)
        except TypeError:
            raise fail(
                "wrong-type", f"`{operator}` cannot be put before {a_type(value)}", span
            ) from None

    return run


def compile_binary(compiler: "Compiler", node: tree.Binary, context: Context) -> Run:
    """A chain `a + b - c` leans to the left and may be long: it is walked in a loop."""
    chain: list[tree.Binary] = []
    leftmost: tree.Expr = node
    while isinstance(leftmost, tree.Binary):
        chain.append(leftmost)
        leftmost = leftmost.left
    run = compiler.compile(leftmost, context)
    if len(chain) <= 8:
        for link in reversed(chain):
            run = _operation(compiler, link, run, compiler.compile(link.right, context))
        return run
    first = run
    links = [
        (compiler.binary[link.operator], compiler.compile(link.right, context), link)
        for link in reversed(chain)
    ]

    def long(frame: Frame) -> Any:
        value = first(frame)
        for apply, right, link in links:
            other = right(frame)
            try:
                value = apply(value, other)
            except Exception as fault:
                raise explain_binary(fault, link.operator, value, other, link.span) from None
        return value

    return long


def _operation(compiler: "Compiler", node: tree.Binary, left: Run, right: Run) -> Run:
    symbol, span = node.operator, node.span
    apply = compiler.binary[symbol]
    if symbol == "+":

        def add(frame: Frame) -> Any:
            a = left(frame)
            b = right(frame)
            try:
                if type(a) is str and type(b) is str and len(a) + len(b) < LARGE:
                    return a + b
                return apply(a, b)
            except Exception as fault:
                raise explain_binary(fault, symbol, a, b, span) from None

        return add

    def run(frame: Frame) -> Any:
        a = left(frame)
        b = right(frame)
        try:
            return apply(a, b)
        except Exception as fault:
            raise explain_binary(fault, symbol, a, b, span) from None

    return run


def compile_logical(compiler: "Compiler", node: tree.Logical, context: Context) -> Run:
    *init, last = [compiler.compile(operand, context) for operand in node.operands]

    def run_and(frame: Frame) -> Any:
        for operand in init:
            value = operand(frame)
            if not value:
                return value
        return last(frame)

    def run_or(frame: Frame) -> Any:
        for operand in init:
            value = operand(frame)
            if value:
                return value
        return last(frame)

    return run_and if node.operator == "and" else run_or


def compile_comparison(compiler: "Compiler", node: tree.Comparison, context: Context) -> Run:
    operands = [compiler.compile(operand, context) for operand in node.operands]
    spans = [operand.span for operand in node.operands]
    applies = [compiler.compare[symbol] for symbol in node.operators]
    symbols = node.operators

    def single(frame: Frame) -> Any:
        a = left(frame)
        b = right(frame)
        try:
            return apply(a, b)
        except Exception as fault:
            raise explain_binary(fault, symbols[0], a, b, node.span) from None

    def chain(frame: Frame) -> Any:
        a = operands[0](frame)
        result: Any = True
        for i, compare in enumerate(applies):
            b = operands[i + 1](frame)
            try:
                result = compare(a, b)
            except Exception as fault:
                span = spans[i].to(spans[i + 1])
                raise explain_binary(fault, symbols[i], a, b, span) from None
            if not result:
                break
            a = b
        return result

    if len(applies) > 1:
        return chain
    left, right, apply = operands[0], operands[1], applies[0]
    return single


def compile_conditional(compiler: "Compiler", node: tree.Conditional, context: Context) -> Run:
    """A chain `a if p else b if q else ...` leans to the right and may be long."""
    cases: list[tuple[Run, Run]] = []
    otherwise: tree.Expr = node
    while isinstance(otherwise, tree.Conditional):
        test = compiler.compile(otherwise.test, context)
        cases.append((test, compiler.compile(otherwise.then, context)))
        otherwise = otherwise.otherwise
    last = compiler.compile(otherwise, context)

    def run(frame: Frame) -> Any:
        for test, then in cases:
            if test(frame):
                return then(frame)
        return last(frame)

    return run
