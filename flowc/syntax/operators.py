"""Precedence: a flat run of operands and operators becomes a tree, without recursion."""

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span
from flowc.syntax.tree import Binary, Comparison, Expr, Logical, Unary
from flowc.syntax.words import Token

# fmt: off
BINDING = {  # how tightly each operator binds, as in Python
    "or": 1, "and": 2,
    "in": 4, "not in": 4, "is": 4, "is not": 4,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "!=": 4, "==": 4,
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9,
    "*": 10, "/": 10, "//": 10, "%": 10, "**": 12,
}
PREFIX_BINDING = {"not": 3, "-": 11, "+": 11, "~": 11}
# fmt: on
_COMPARES = 4


class Prefixed:
    """An operand behind `not`, `-`, `+` or `~`: the innermost prefix is last."""

    __slots__ = ("prefixes", "value")

    def __init__(self, prefixes: list[Token], value: Expr) -> None:
        self.prefixes = prefixes
        self.value = value


class _Open:
    """A comparison or a chain of `and` or `or` that may still grow."""

    __slots__ = ("binding", "operands", "operators")

    def __init__(self, binding: int, operator: str, left: Expr, right: Expr) -> None:
        self.binding = binding
        self.operators = [operator]
        self.operands = [left, right]

    def close(self) -> Expr:
        operands = tuple(self.operands)
        span = operands[0].span.to(operands[-1].span)
        if self.binding == _COMPARES:
            return Comparison(tuple(self.operators), operands, span)
        return Logical(self.operators[0], operands, span)


class _Run:
    """One run of operators being bound: operands and operators that wait for their right side."""

    def __init__(self, source: Source, faults: list[Diagnostic]) -> None:
        self.source = source
        self.faults = faults
        self.values: list[Expr | _Open] = []
        self.waiting: list[tuple[int, Token, bool]] = []  # binding, operator, is it a prefix

    def operand(self, item: Expr | Prefixed) -> None:
        if not isinstance(item, Prefixed):
            self.values.append(item)
            return
        for token in reversed(item.prefixes):
            binding = PREFIX_BINDING[token.text]
            if token.text == "not" and self.waiting and self.waiting[-1][0] > binding:
                span = Span(self.source, token.start, token.end)
                message = f"`not` cannot stand behind `{self.waiting[-1][1].text}`"
                hint = "put parentheses around `not ...`"
                self.faults.append(Diagnostic("syntax", message, span, hint=hint))
            self.waiting.append((binding, token, True))
        self.values.append(item.value)

    def operator(self, token: Token) -> None:
        binding = BINDING[token.text]
        self.bind_down_to(binding + 1 if token.text == "**" else binding)
        self.waiting.append((binding, token, False))

    def bind_down_to(self, binding: int) -> None:
        """Bind all that waits and binds at least as tightly."""
        values, waiting = self.values, self.waiting
        while waiting and waiting[-1][0] >= binding:
            tightness, token, is_prefix = waiting.pop()
            right = _closed(values.pop())
            if is_prefix:
                span = Span(self.source, token.start, right.span.end)
                values.append(Unary(token.text, right, span))
                continue
            left = values[-1]
            if isinstance(left, _Open) and left.binding == tightness:
                left.operators.append(token.text)
                left.operands.append(right)
                continue
            left = _closed(left)
            if tightness == _COMPARES or tightness <= 2:
                values[-1] = _Open(tightness, token.text, left, right)
            else:
                values[-1] = Binary(token.text, left, right, left.span.to(right.span))

    def whole(self) -> Expr:
        self.bind_down_to(0)
        return _closed(self.values[0])


def _closed(value: Expr | _Open) -> Expr:
    return value.close() if isinstance(value, _Open) else value


def bind(
    source: Source,
    faults: list[Diagnostic],
    first: Expr | Prefixed,
    rest: list[Expr | Prefixed | Token],
) -> Expr:
    """The tree of `first operator operand operator operand ...`."""
    run = _Run(source, faults)
    run.operand(first)
    pairs = iter(rest)
    for token in pairs:
        assert isinstance(token, Token)
        run.operator(token)
        item = next(pairs)
        assert not isinstance(item, Token)
        run.operand(item)
    return run.whole()
