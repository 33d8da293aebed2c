"""What the functions of directives would do that reading a workflow may not, found before any of
them is called: so that all of it is told at once, and for a target that does not need them too."""

from collections.abc import Iterator
from typing import Any

from flowc.diagnostic import Diagnostic
from flowc.lang.callables import Foreign
from flowc.lang.functions import Closure
from flowc.source import Span
from flowc.syntax import tree
from flowc.syntax.depth import fields_of


def beyond(function: Any) -> Iterator[Diagnostic]:
    """Of a function and of all that it calls by name."""
    pending, seen = [function], {id(function)}
    while pending:
        closure = pending.pop()
        if not isinstance(closure, Closure):
            continue
        yield from closure.code.refused
        foreign: dict[str, Foreign] = {}
        for name in sorted(closure.code.context.globals_used):
            value = closure.scope.find(name)
            if isinstance(value, Foreign):
                foreign[name] = value
            elif isinstance(value, Closure) and id(value) not in seen:
                seen.add(id(value))
                pending.append(value)
        if foreign:
            yield from _uses(closure.code.node, foreign)


def _uses(node: tree.Node, foreign: dict[str, Foreign]) -> Iterator[Diagnostic]:
    """`name.member` and `name(...)`, where they stand."""
    pending: list[Any] = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, tuple):
            pending += reversed(part)
            continue
        if not isinstance(part, tree.Node):
            continue
        if isinstance(part, tree.Attribute) and (used := _named(part.value, foreign)):
            yield _use(used, part.name.text, part.name.span)
        elif isinstance(part, tree.Call) and (used := _named(part.function, foreign)):
            yield _use(used, "", part.span)
        pending += reversed(fields_of(part))


def _named(value: tree.Expr, foreign: dict[str, Foreign]) -> Foreign | None:
    return foreign.get(value.name) if isinstance(value, tree.Var) else None


def _use(name: Foreign, member: str, span: Span) -> Diagnostic:
    refusal = name.refusal(member)
    return Diagnostic(refusal.code, refusal.message, span, hint=refusal.hint)
