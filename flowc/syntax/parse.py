"""Tokens to a tree: an LALR driver over the table that lark has made of the grammar.

The driver is our own, for two reasons that were measured: lark need not be imported (40 ms) when
the table has been kept, and no intermediate tree is built. It also goes on after a fault, with the
next statement or directive, so that one pass reports all.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.source import Source
from flowc.syntax.complain import Situation, complaint
from flowc.syntax.depth import check_depth
from flowc.syntax.expressions import Expressions
from flowc.syntax.layout import Layout
from flowc.syntax.opened import TooDeepError
from flowc.syntax.scan import Scanner
from flowc.syntax.statements import Statements
from flowc.syntax.table import Reduction, Table, load_table
from flowc.syntax.tree import Expr, Tree
from flowc.syntax.words import Token

MAX_FAULTS = 100
"""A file with more is no Workflowfile; reading on would help nobody."""

Action = tuple[str, int, Callable[..., Any] | None]


def parse(source: Source) -> Tree:
    """The tree of a whole file. Raises a WorkflowError with all faults of its syntax."""
    faults: list[Diagnostic] = []
    scanner = Scanner(source, faults)
    try:
        tokens = list(Layout(source, faults).process(scanner.scan()))
    except TooDeepError:
        raise WorkflowError(faults) from None
    end = len(source.text)
    tokens.append(Token("$END", "", end, end))
    statements = _Parser(source, faults, "file", Statements(source, faults)).run(tokens)
    tree = Tree(source, statements or ())
    if not faults:
        check_depth(tree, faults)
    if faults:
        raise WorkflowError(_in_order(faults))
    return tree


def parse_expression(source: Source, start: int = 0, end: int | None = None) -> Expr:
    """One expression, or tuple without parentheses, in `source.text[start:end]`."""
    faults: list[Diagnostic] = []
    end = len(source.text) if end is None else end
    try:
        tokens = Scanner(source, faults, start, end, lines=False).scan()
    except TooDeepError:
        raise WorkflowError(faults) from None
    tokens.append(Token("$END", "", end, end))
    parser = _Parser(source, faults, "expressions", Expressions(source, faults))
    value: Expr | None = parser.run(tokens)
    if value is not None and not faults:
        check_depth(value, faults)
    if faults or value is None:
        raise WorkflowError(_in_order(faults))
    return value


def _in_order(faults: list[Diagnostic]) -> list[Diagnostic]:
    """As they stand in the file, each once; the first of very many."""
    found: dict[tuple[int, str], Diagnostic] = {}
    for fault in faults:
        start = fault.span.start if fault.span else -1
        found.setdefault((start, fault.message), fault)
    return [found[key] for key in sorted(found, key=lambda key: key[0])][:MAX_FAULTS]


class _Parser:
    """One run over the tokens of one source."""

    def __init__(
        self, source: Source, faults: list[Diagnostic], start: str, nodes: Expressions
    ) -> None:
        self.source = source
        self.faults = faults
        self.table = load_table()
        self.first, self.last = self.table.starts[start]
        self.actions = _bound(self.table, nodes)
        self.can_recover = start == "file"

    def run(self, tokens: list[Token]) -> Any:
        """The value of the start symbol. None after a fault that nothing could follow."""
        rows, actions, last = self.table.rows, self.actions, self.last
        states, values = [self.first], [None]
        push_state, push_value = states.append, values.append
        at = 0
        failed_at = -1
        while True:
            token = tokens[at]
            kind = token.type
            while True:
                action = rows[states[-1]].get(kind)
                if action is None:
                    break
                if action >= 0:
                    push_state(action)
                    push_value(token)  # type: ignore[arg-type]
                    at += 1
                    token = tokens[at]
                    kind = token.type
                    continue
                symbol, length, call = actions[~action]
                if call is None:  # one symbol, whose value is the value
                    states[-1] = rows[states[-2]][symbol]
                elif length:
                    arguments = values[-length:]
                    del values[-length:]
                    del states[-length:]
                    push_value(call(*arguments))
                    push_state(rows[states[-1]][symbol])
                else:
                    push_value(call())
                    push_state(rows[states[-1]][symbol])
                if states[-1] == last and kind == "$END":
                    return values[-1]
            self._settle(tokens, at, states, values)
            self._complain(tokens, at, states)
            if not self.can_recover or len(self.faults) >= MAX_FAULTS:
                return None
            at = self._recover(tokens, at, states, values, at == failed_at)
            failed_at = at
            if at >= len(tokens):
                return None

    def _settle(self, tokens: list[Token], at: int, states: list[int], values: list[Any]) -> None:
        """Finish the statement in front of a faulty one: it is whole, and not to be dropped."""
        if not at or tokens[at - 1].type not in ("_NEWLINE", "_DEDENT"):
            return
        for begins in ("FLOW", "WORD", "_DEDENT"):  # what a statement or directive may precede
            if not self._accepts(states, begins):
                continue
            while (action := self.table.rows[states[-1]][begins]) < 0:
                symbol, length, call = self.actions[~action]
                arguments = values[-length:] if length else []
                del values[len(values) - length :], states[len(states) - length :]
                values.append(call(*arguments) if call else arguments[0])
                states.append(self.table.rows[states[-1]][symbol])
            return

    def _complain(self, tokens: list[Token], at: int, states: list[int]) -> None:
        """Note the fault, unless the scanner has noted what is broken here."""
        if tokens[at].type == "BROKEN":
            return
        expected = {t for t in self.table.rows[states[-1]] if self._accepts(states, t)}
        situation = Situation(self.source, tokens, at, expected)
        self.faults.append(complaint(situation))

    def _accepts(self, states: list[int], terminal: str) -> bool:
        """Whether `terminal` could follow: reductions are tried on a copy of the states."""
        rows, actions = self.table.rows, self.actions
        states = states[:]
        while True:
            action = rows[states[-1]].get(terminal)
            if action is None or action >= 0:
                return action is not None
            symbol, length, _ = actions[~action]
            if length:
                del states[-length:]
            states.append(rows[states[-1]][symbol])
            if states[-1] == self.last:
                return terminal == "$END"

    def _recover(
        self, tokens: list[Token], at: int, states: list[int], values: list[Any], again: bool
    ) -> int:
        """Drop what has been read of the faulty statement, skip the rest; where to go on."""
        rows = self.table.rows
        before = tokens[at - 1].type if at else "_NEWLINE"
        kind = tokens[at].type
        begins_line = before in ("_NEWLINE", "_DEDENT", "_INDENT")
        if kind == "$END":
            return len(tokens)
        if not begins_line or again or kind == "_INDENT":
            at = _skip_statement(tokens, at)
        while len(states) > 1 and not (
            "statement" in rows[states[-1]] or "directive" in rows[states[-1]]
        ):
            states.pop()
            values.pop()
        symbol = "statement" if "statement" in rows[states[-1]] else "directive"
        if symbol not in rows[states[-1]]:
            return len(tokens)
        states.append(rows[states[-1]][symbol])
        values.append(None)
        return at


def _skip_statement(tokens: list[Token], at: int) -> int:
    """Behind the line that `at` stands on, and behind the block below it."""
    while tokens[at].type not in ("_NEWLINE", "_INDENT", "_DEDENT", "$END"):
        at += 1
    if tokens[at].type == "_NEWLINE":
        at += 1
    if tokens[at].type == "_INDENT":
        depth = 0
        while True:
            depth += {"_INDENT": 1, "_DEDENT": -1}.get(tokens[at].type, 0)
            at += 1
            if depth == 0 or tokens[at].type == "$END":
                break
    return at


def _bound(table: Table, nodes: Expressions) -> list[Action]:
    """Each reduction with the method that makes its node."""
    return [
        (
            reduction.symbol,
            reduction.length,
            None if reduction.action is None else _method(reduction, nodes),
        )
        for reduction in table.reductions
    ]


def _method(reduction: Reduction, nodes: Expressions) -> Callable[..., Any] | None:
    call = getattr(nodes, reduction.action or "", None)
    if reduction.places is None or call is None:
        return call
    return partial(_spread, call, reduction.places)


def _spread(call: Callable[..., Any], places: tuple[int, ...], *values: Any) -> Any:
    """Call with None for what the rule's `[...]` has left out."""
    return call(*[None if place < 0 else values[place] for place in places])
