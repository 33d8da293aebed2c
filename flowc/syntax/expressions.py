"""Reductions of expressions: what the parser calls when it has read one, by the grammar's names.

Each method gets the symbols of its rule in order; punctuation is not looked at (`_`).
"""

from typing import TypeVar

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span
from flowc.syntax.operators import Prefixed, bind
from flowc.syntax.scan import Token
from flowc.syntax.strings import decode
from flowc.syntax.tree import (
    Argument,
    Attribute,
    Call,
    Clause,
    Comprehension,
    Conditional,
    Constant,
    Dict,
    Expr,
    FString,
    Lambda,
    Literal,
    Name,
    Parameter,
    Replacement,
    Sequence,
    Slice,
    Starred,
    Subscript,
    Target,
    Var,
)

T = TypeVar("T")
Piece = tuple[int, int, str | list[str | Replacement]]
"""A string literal between two offsets: its text, or the parts of an f-string."""
Pair = tuple[Expr | None, Expr]
CONSTANTS: dict[str, Constant] = {"True": True, "False": False, "None": None}


def more(items: list[T], _: Token, item: T) -> list[T]:
    """One item more of a list with separators."""
    items.append(item)
    return items


class Expressions:
    """Makes nodes of one source, and notes the faults that the grammar does not see."""

    def __init__(self, source: Source, faults: list[Diagnostic]) -> None:
        self.source = source
        self.faults = faults

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def fault(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.faults.append(Diagnostic(code, message, span, hint=hint))

    def name(self, token: Token) -> Name:
        return Name(_normal(token.text), self.span(token.start, token.end))

    # --- atoms -----------------------------------------------------------------------------------

    def variable(self, token: Token) -> Expr:
        return Var(_normal(token.text), Span(self.source, token.start, token.end))

    def constant(self, token: Token) -> Expr:
        return Literal(CONSTANTS[token.text], self.span(token.start, token.end))

    def number(self, token: Token) -> Expr:
        span = self.span(token.start, token.end)
        text = token.text.replace("_", "").lower()
        value: int | float = 0
        if text.endswith("j") and not text.startswith("0x"):
            self.fault("number", "complex numbers are not part of the language", span)
        elif text[:2] in ("0x", "0b", "0o"):
            value = int(text, 0)
        elif not text.isdigit():
            value = float(text)
        elif len(text) > 4300:  # Python's own limit on what it converts
            self.fault("number", f"a number of {len(text)} digits is too long", span)
        elif text[0] == "0" and text.strip("0"):
            hint = f"write `{text.lstrip('0')}`, or `0o{text.lstrip('0')}` for an octal one"
            self.fault("number", "a number cannot begin with 0", span, hint)
        else:
            value = int(text)
        return Literal(value, span)

    def strings(self, *pieces: Token | Piece | list[Piece]) -> list[Piece]:
        """Adjacent literals, gathered one by one."""
        gathered = pieces[0] if isinstance(pieces[0], list) else [self._piece(pieces[0])]
        if len(pieces) > 1:
            last = pieces[1]
            assert not isinstance(last, list)
            gathered.append(self._piece(last))
        return gathered

    def _piece(self, piece: Token | Piece) -> Piece:
        """The text of a plain literal, without its quotes and escapes."""
        if isinstance(piece, tuple):
            return piece
        text = piece.text
        prefix = text[: len(text) - len(text.lstrip("rRbBuU"))].lower()
        quotes = 3 if text[len(prefix) :].startswith(('"""', "'''")) else 1
        if "b" in prefix:
            span = self.span(piece.start, piece.start + len(prefix))
            hint = "leave the prefix `b` away"
            self.fault("bytes", "bytes are not part of the language", span, hint)
        start, end = piece.start + len(prefix) + quotes, piece.end - quotes
        if "r" in prefix:
            value = self.source.text[start:end]
        else:
            value = decode(self.source, start, end, self.faults)
        return piece.start, piece.end, value.replace("\r\n", "\n")

    def string(self, pieces: list[Piece]) -> Expr:
        span = self.span(pieces[0][0], pieces[-1][1])
        texts = [text for _, _, text in pieces if isinstance(text, str)]
        if len(texts) == len(pieces):
            return Literal("".join(texts), span)
        parts: list[str | Replacement] = []
        for _, _, piece in pieces:
            for part in [piece] if isinstance(piece, str) else piece:
                if isinstance(part, str) and parts and isinstance(parts[-1], str):
                    parts[-1] += part
                elif part != "":
                    parts.append(part)
        return FString(tuple(parts), span)

    # --- f-strings -------------------------------------------------------------------------------

    def format_string(self, start: Token, parts: list[str | Replacement], end: Token) -> Piece:
        return start.start, end.end, parts

    def format_text(
        self,
        parts: list[str | Replacement] | None = None,
        part: Token | list[str | Replacement] | None = None,
    ) -> list[str | Replacement]:
        if parts is None:
            return []
        if isinstance(part, Token):
            parts.append(part.text)
        elif part:
            parts += part
        return parts

    def replacement(
        self,
        start: Token,
        value: Expr,
        equal: Token | None,
        conversion: Token | None,
        colon: Token | None,
        spec: list[str | Replacement] | None,
        end: Token,
    ) -> list[str | Replacement]:
        """`{value}`, behind the text of the expression if it is `{value=}`."""
        letter = ""
        if conversion:
            letter = conversion.text
            if letter not in ("r", "s", "a"):
                span = self.span(conversion.start, conversion.end)
                message = f"`!{letter}` is no conversion of an f-string"
                self.fault("format-string", message, span, "there are `!r`, `!s` and `!a`")
        inner = None
        if colon and spec is not None:
            inner = FString(tuple(_merged(spec)), self.span(colon.end, end.start))
        span = self.span(start.start, end.end)
        if equal is None:
            return [Replacement(value, letter, inner, span)]
        last = min(t.start for t in (conversion, colon, end) if t)
        text = self.source.text[start.end : last]
        return [text, Replacement(value, letter or ("" if inner else "r"), inner, span)]

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
                waiting += reversed(node.items)
            elif isinstance(node, Starred):
                message = "`*` in what is assigned to is not part of the language"
                self.fault("assignment-target", message, node.span)
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
    """`x`, `[x ...] y` or `[x ...] , y` as one list; the list that grows is the same all the time."""
    first, last = items[0], items[-1]
    if isinstance(first, list):
        first.append(last)  # type: ignore[arg-type]
        return first
    found: list[T] = [item for item in items if not isinstance(item, Token)]  # type: ignore[misc]
    return found


def _merged(parts: list[str | Replacement]) -> list[str | Replacement]:
    """Neighbouring texts as one."""
    merged: list[str | Replacement] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def _normal(name: str) -> str:
    """Python takes names that look alike to be the same name."""
    if name.isascii():
        return name
    import unicodedata  # a large table that few files need

    return unicodedata.normalize("NFKC", name)
