"""Reductions of expressions: what the parser calls when it has read one, by the grammar's names.

Each method gets the symbols of its rule in order; punctuation is not looked at (`_`).
"""

from typing import TypeVar

from flowc.syntax.atoms import Atoms
from flowc.syntax.operators import Prefixed, bind
from flowc.syntax.tree import (
    Argument,
    Attribute,
    Call,
    Clause,
    Comprehension,
    Conditional,
    Dict,
    Expr,
    Lambda,
    Name,
    Parameter,
    Sequence,
    Slice,
    Starred,
    Subscript,
    Target,
    Var,
)
from flowc.syntax.words import Token

T = TypeVar("T")
Pair = tuple[Expr | None, Expr]


class Expressions(Atoms):
    """All that has a value."""

    # --- displays and comprehensions -------------------------------------------------------------

    def elements(self, *items: Expr | Token | list[Expr]) -> list[Expr]:
        return _gather(items)

    target_items = indices = elements

    def starred(self, star: Token, value: Expr) -> Expr:
        return Starred(value, self.span(star.start, value.span.end))

    def bare_tuple(self, items: list[Expr], comma: Token, last: Expr | None = None) -> Expr:
        if last is not None:
            items.append(last)
        end = comma.end if last is None else last.span.end
        return Sequence("tuple", tuple(items), self.span(items[0].span.start, end))

    def empty_tuple(self, start: Token, end: Token) -> Expr:
        return Sequence("tuple", (), self.span(start.start, end.end))

    def parenthesised(self, start: Token, value: Expr, end: Token) -> Expr:
        # The node is nobody else's yet, so it can still be given the span of its parentheses.
        object.__setattr__(value, "span", self.span(start.start, end.end))
        return value

    def list_display(self, start: Token, items: list[Expr] | None, _: Token, end: Token) -> Expr:
        return Sequence("list", tuple(items or ()), self.span(start.start, end.end))

    def set_display(self, start: Token, items: list[Expr], _: Token, end: Token) -> Expr:
        return Sequence("set", tuple(items), self.span(start.start, end.end))

    def dict_display(self, start: Token, pairs: list[Pair] | None, _: Token, end: Token) -> Expr:
        return Dict(tuple(pairs or ()), self.span(start.start, end.end))

    def pairs(self, *items: Pair | Token | list[Pair]) -> list[Pair]:
        return _gather(items)

    def pair(self, key: Expr, _: Token, value: Expr) -> Pair:
        return key, value

    def pair_of_all(self, _: Token, value: Expr) -> Pair:
        return None, value

    def generator(self, element: Expr, clauses: list[Clause]) -> Expr:
        span = element.span.to(clauses[-1].span)
        return Comprehension("generator", element, None, tuple(clauses), span)

    def list_comprehension(
        self, start: Token, element: Expr, clauses: list[Clause], end: Token
    ) -> Expr:
        span = self.span(start.start, end.end)
        return Comprehension("list", element, None, tuple(clauses), span)

    def set_comprehension(
        self, start: Token, element: Expr, clauses: list[Clause], end: Token
    ) -> Expr:
        span = self.span(start.start, end.end)
        return Comprehension("set", element, None, tuple(clauses), span)

    def dict_comprehension(
        self, start: Token, key: Expr, _: Token, value: Expr, clauses: list[Clause], end: Token
    ) -> Expr:
        span = self.span(start.start, end.end)
        return Comprehension("dict", value, key, tuple(clauses), span)

    def clauses(self, *items: Clause | list[Clause]) -> list[Clause]:
        return _gather(items)

    def clause(
        self, start: Token, target: Expr, _: Token, iterable: Expr, conditions: list[Expr] | None
    ) -> Clause:
        last = conditions[-1] if conditions else iterable
        span = self.span(start.start, last.span.end)
        return Clause(self.target(target), iterable, tuple(conditions or ()), span)

    def conditions(self, *items: Token | Expr | list[Expr]) -> list[Expr]:
        return _gather(items)

    bare_target = bare_tuple

    def target(self, value: Expr) -> Target:
        """`value`, which must be something that can be assigned to."""
        waiting = [value]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Sequence) and node.kind != "set":
                starred = [item for item in node.items if isinstance(item, Starred)]
                if len(starred) > 1:
                    message = "only one `*` may stand in what is assigned to"
                    self.fault("assignment-target", message, starred[1].span)
                inside = [i.value if isinstance(i, Starred) else i for i in node.items]
                waiting += reversed(inside)
            elif not isinstance(node, Var | Attribute | Subscript):
                what = _WHAT.get(type(node).__name__, "an expression")
                hint = "`==` compares" if type(node).__name__ == "Comparison" else None
                self.fault("assignment-target", f"{what} cannot be assigned to", node.span, hint)
        return value

    # --- primaries -------------------------------------------------------------------------------

    def attribute(self, value: Expr, _: Token, name: Token) -> Expr:
        return Attribute(value, self.name(name), self.span(value.span.start, name.end))

    def subscripted(self, value: Expr, _: Token, index: Expr, end: Token) -> Expr:
        return Subscript(value, index, self.span(value.span.start, end.end))

    def index_tuple(self, items: list[Expr], comma: Token | None) -> Expr:
        end = comma.end if comma else items[-1].span.end
        return Sequence("tuple", tuple(items), self.span(items[0].span.start, end))

    def index_tuple_of_one(self, item: Expr, comma: Token) -> Expr:
        return Sequence("tuple", (item,), self.span(item.span.start, comma.end))

    def slice(
        self,
        start: Expr | None,
        colon: Token,
        stop: Expr | None,
        second: Token | None,
        step: Expr | None,
    ) -> Expr:
        first = start.span.start if start else colon.start
        last = step.span.end if step else second.end if second else None
        if last is None:
            last = stop.span.end if stop else colon.end
        return Slice(start, stop, step, self.span(first, last))

    def call(
        self, function: Expr, _: Token, items: list[Argument] | None, _comma: Token, end: Token
    ) -> Expr:
        arguments = tuple(self.checked(items)) if items else ()
        return Call(function, arguments, self.span(function.span.start, end.end))

    def generator_call(self, function: Expr, start: Token, value: Expr, end: Token) -> Expr:
        argument = Argument(None, value, 0, value.span)
        return Call(function, (argument,), self.span(function.span.start, end.end))

    def arguments(self, *items: Argument | Token | list[Argument]) -> list[Argument]:
        return _gather(items)

    def positional(self, value: Expr) -> Argument:
        return Argument(None, value, 0, value.span)

    def keyword(self, name: Token, _: Token, value: Expr) -> Argument:
        return Argument(self.name(name), value, 0, self.span(name.start, value.span.end))

    def starred_argument(self, stars: Token, value: Expr) -> Argument:
        span = self.span(stars.start, value.span.end)
        return Argument(None, value, len(stars.text), span)

    def checked(self, items: list[Argument]) -> list[Argument]:
        """Report a name given twice, and a positional argument behind a named one."""
        names: set[str] = set()
        for item in items:
            if item.name:
                if item.name.text in names:
                    message = f"`{item.name.text}` is given twice"
                    self.fault("repeated-name", message, item.name.span)
                names.add(item.name.text)
            elif item.stars == 0 and names:
                message = "a positional item cannot stand behind a named one"
                hint = "put it first, or give it a name"
                self.fault("positional-after-named", message, item.span, hint)
        return items

    # --- operators, conditionals, lambda ---------------------------------------------------------

    def prefixed(self, prefix: Token, value: Expr | Prefixed) -> Prefixed:
        if not isinstance(value, Prefixed):
            return Prefixed([prefix], value)
        value.prefixes.append(prefix)  # innermost first
        return value

    def bind_prefixed(self, value: Prefixed) -> Expr:
        return bind(self.source, self.faults, value, [])

    def chain(
        self,
        left: Expr | Prefixed | list[Expr | Prefixed | Token],
        operator: Token,
        right: Expr | Prefixed,
    ) -> list[Expr | Prefixed | Token]:
        if not isinstance(left, list):
            return [left, operator, right]
        left += (operator, right)
        return left

    def bind_chain(self, items: list[Expr | Prefixed | Token]) -> Expr:
        first = items[0]
        assert not isinstance(first, Token)
        return bind(self.source, self.faults, first, items[1:])

    def conditional(self, then: Expr, _: Token, test: Expr, _else: Token, otherwise: Expr) -> Expr:
        return Conditional(test, then, otherwise, then.span.to(otherwise.span))

    def lambda_expression(
        self, start: Token, items: list[Parameter] | None, _: Token, _colon: Token, body: Expr
    ) -> Expr:
        parameters = tuple(self.checked_parameters(items or []))
        return Lambda(parameters, body, self.span(start.start, body.span.end))

    def parameters(self, *items: Parameter | Token | list[Parameter]) -> list[Parameter]:
        return _gather(items)

    def parameter(
        self, stars: Token | None, name: Token, _: Token | None, default: Expr | None
    ) -> Parameter:
        return self.make_parameter(stars, name, name.end, default)

    def bare_star(self, star: Token) -> Parameter:
        """A `*` alone: what follows is given by name."""
        span = self.span(star.start, star.end)
        return Parameter(Name("*", span), None, 1, span)

    def make_parameter(
        self, stars: Token | None, name: Token, end: int, default: Expr | None
    ) -> Parameter:
        start = stars.start if stars else name.start
        if stars and default:
            message = f"a parameter with `{stars.text}` cannot have a default"
            self.fault("parameter", message, default.span)
        count = len(stars.text) if stars else 0
        span = self.span(start, default.span.end if default else end)
        return Parameter(self.name(name), default, count, span)

    def checked_parameters(self, items: list[Parameter]) -> list[Parameter]:
        """Report a name used twice, and what stands in the wrong order."""
        names: set[str] = set()
        stars, has_default = 0, False
        for item in items:
            text = item.name.text
            if text in names:
                self.fault("repeated-name", f"two parameters are called `{text}`", item.name.span)
            names.add(text)
            if (item.stars and item.stars <= stars) or stars == 2:
                message = f"parameter `{text}` cannot stand behind one with `{'*' * stars}`"
                self.fault("parameter", message, item.span)
            elif not item.stars and not stars and has_default and item.default is None:
                message = f"parameter `{text}` needs a default, as one before it has"
                self.fault("parameter", message, item.span)
            elif text == "*" and (item is items[-1] or items[items.index(item) + 1].stars):
                self.fault("parameter", "behind a bare `*` a parameter has to follow", item.span)
            stars = max(stars, item.stars)
            has_default = has_default or item.default is not None
        return items


# fmt: off
_WHAT = {
    "Literal": "a constant", "FString": "an f-string", "Call": "a call", "Comparison":
    "a comparison", "Dict": "a dict", "Lambda": "a lambda", "Conditional": "a conditional",
    "Comprehension": "a comprehension", "Sequence": "a set",
}
# fmt: on


def _gather(items: tuple[T | Token | list[T], ...]) -> list[T]:
    """`x`, `[x ...] y` or `[x ...] , y` as one list, which is the same one all the time."""
    first, last = items[0], items[-1]
    if isinstance(first, list):
        first.append(last)  # type: ignore[arg-type]
        return first
    found: list[T] = [item for item in items if not isinstance(item, Token)]  # type: ignore[misc]
    return found
