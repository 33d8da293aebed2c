"""Reductions of statements, blocks and directives. See expressions.py for the manner."""

from flowc.source import Span
from flowc.syntax.expressions import Expressions
from flowc.syntax.tree import (
    Argument,
    Assign,
    Block,
    Def,
    Directive,
    Evaluate,
    Expr,
    Flow,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
    Unary,
    Unsupported,
    UseRule,
)
from flowc.syntax.words import Token

Body = tuple[str | None, list[Directive], int]
"""Docstring, directives, and where the last of them ends."""
Suite = tuple[list[Statement], int]
"""Statements, and where the last of them ends."""


class Branches:
    """`if` and the `elif`s read so far."""

    __slots__ = ("end", "parts", "start")

    def __init__(self, start: int, end: int, parts: list[tuple[Expr, tuple[Statement, ...]]]):
        self.start = start
        self.end = end
        self.parts = parts


class Statements(Expressions):
    """The whole language. A statement that could not be read is None, and left out."""

    def file(self, statements: list[Statement] | None) -> tuple[Statement, ...]:
        return tuple(statements or ())

    def statements(self, *items: Statement | list[Statement] | None) -> list[Statement]:
        """A line with `;` is several statements."""
        first, last = items[0], items[-1]
        if len(items) == 1:
            return first if isinstance(first, list) else [] if first is None else [first]
        assert isinstance(first, list)
        if isinstance(last, list):
            first += last
        elif last is not None:
            first.append(last)
        return first

    def refused(self, token: Token) -> Statement:
        return Unsupported(token.text, self.span(token.start, token.end))

    # --- rules and directives --------------------------------------------------------------------

    def block(self, kind: Token, name: Token | None, _: Token, body: Body) -> Statement:
        docstring, directives, end = body
        if name is None and kind.text == "module":
            span = self.span(kind.start, kind.end)
            self.fault("syntax", "a module needs a name", span, "write `module NAME:`")
        span = self.span(kind.start, end)
        label = self.name(name) if name else None
        return Block(self.name(kind), label, docstring, tuple(directives), span)

    def body(
        self,
        _newline: Token,
        _indent: Token,
        docstring: tuple[str, int] | None,
        directives: list[Directive],
        end: Token,
    ) -> Body:
        last = directives[-1].span.end if directives else end.start
        return docstring[0] if docstring else None, directives, last

    def docstring_body(
        self, _newline: Token, _indent: Token, docstring: tuple[str, int], _: Token
    ) -> Body:
        return docstring[0], [], docstring[1]

    def docstring(self, pieces: list[tuple[int, int, str]], _: Token) -> tuple[str, int]:
        text = "".join(text for _, _, text in pieces if isinstance(text, str))
        return text, pieces[-1][1]

    def directives(self, *items: Directive | list[Directive] | None) -> list[Directive]:
        first = items[0]
        if not isinstance(first, list):
            return [] if first is None else [first]
        last = items[1]
        if isinstance(last, Directive):
            first.append(last)
        return first

    def directive(
        self,
        word: Token,
        colon: Token,
        items: list[Argument] | None,
        comma: Token | None,
        _: Token,
    ) -> Directive:
        end = items[-1].span.end if items else colon.end
        if comma:
            end = comma.end
        arguments = tuple(self.checked(items)) if items else ()
        return Directive(self.name(word), arguments, None, self.span(word.start, end))

    def code_directive(self, word: Token, _colon: Token, code: Token, _: Token) -> Directive:
        return Directive(self.name(word), (), code.text, self.span(word.start, code.end))

    def rule_names(self, *items: Token | list[Name]) -> list[Name]:
        names = items[0] if isinstance(items[0], list) else []
        last = items[-1]
        assert isinstance(last, Token)
        names.append(self.name(last))
        return names

    def use_rule(
        self,
        use: Token,
        rules: list[Name],
        source: Token | None,
        module: Token | None,
        exclude: Token | None,
        excluded: list[Name] | None,
        as_: Token | None,
        alias: Token | None,
        end: Token,
    ) -> Statement:
        span = self.span(use.start, end.start)
        return self._use(rules, module, excluded, alias, None, span)

    def use_rule_with(
        self,
        use: Token,
        rules: list[Name],
        source: Token | None,
        module: Token | None,
        exclude: Token | None,
        excluded: list[Name] | None,
        as_: Token | None,
        alias: Token | None,
        with_: Token,
        _: Token,
        body: Body,
    ) -> Statement:
        span = self.span(use.start, body[2])
        return self._use(rules, module, excluded, alias, tuple(body[1]), span)

    def _use(
        self,
        rules: list[Name],
        module: Token | None,
        excluded: list[Name] | None,
        alias: Token | None,
        directives: tuple[Directive, ...] | None,
        span: Span,
    ) -> Statement:
        if alias and alias.text.count("*") > 1:
            where = self.span(alias.start, alias.end)
            self.fault("syntax", "the name behind `as` can hold one `*` only", where)
        return UseRule(
            tuple(rules),
            self.name(module) if module else None,
            tuple(excluded or ()),
            "".join(alias.text.split()) if alias else None,
            directives,
            span,
        )

    # --- simple statements -----------------------------------------------------------------------

    def simple_line(self, items: list[Statement], *_: Token | None) -> list[Statement]:
        return items

    def simples(self, *items: Statement | Token | list[Statement]) -> list[Statement]:
        first, last = items[0], items[-1]
        gathered = first if isinstance(first, list) else []
        assert not isinstance(last, Token | list)
        gathered.append(last)
        return gathered

    def evaluate(self, value: Expr) -> Statement:
        return Evaluate(value, value.span)

    def assignment(self, left: Expr | list[Expr], _: Token, value: Expr) -> list[Expr]:
        """All sides of `a = b = value`."""
        if not isinstance(left, list):
            return [left, value]
        left.append(value)
        return left

    def assign(self, sides: list[Expr]) -> Statement:
        targets = tuple(self.target(side) for side in sides[:-1])
        return Assign(targets, None, sides[-1], sides[0].span.to(sides[-1].span))

    def augment(self, left: Expr, operator: Token, value: Expr) -> Statement:
        if type(left).__name__ == "Sequence":
            message = f"`{operator.text}` cannot be used on several names"
            self.fault("assignment-target", message, left.span)
        target = self.target(left)
        return Assign((target,), operator.text[:-1], value, left.span.to(value.span))

    def return_statement(self, word: Token, value: Expr | None) -> Statement:
        return Return(value, self.span(word.start, value.span.end if value else word.end))

    def raise_statement(
        self, word: Token, value: Expr | None, _from: Token | None, cause: Expr | None
    ) -> Statement:
        last = cause or value
        return Flow(word.text, self.span(word.start, last.span.end if last else word.end), value)

    def assert_statement(
        self, word: Token, test: Expr, _: Token | None, message: Expr | None
    ) -> Statement:
        span = self.span(word.start, (message or test).span.end)
        fails = Flow(word.text, span, message)
        return If(((Unary("not", test, test.span), (fails,)),), (), span)

    def flow(self, word: Token) -> Statement:
        return Flow(word.text, self.span(word.start, word.end))

    # --- compound statements ---------------------------------------------------------------------

    def suite(self, items: list[Statement]) -> Suite:
        return items, items[-1].span.end

    def indented_suite(
        self, _newline: Token, _indent: Token, items: list[Statement], end: Token
    ) -> Suite:
        return items, items[-1].span.end if items else end.start

    def first_branch(self, word: Token, test: Expr, _: Token, suite: Suite) -> Branches:
        return Branches(word.start, suite[1], [(test, tuple(suite[0]))])

    def next_branch(
        self, known: Branches, _: Token, test: Expr, _colon: Token, suite: Suite
    ) -> Branches:
        known.parts.append((test, tuple(suite[0])))
        known.end = suite[1]
        return known

    def if_statement(
        self,
        branches: Branches,
        _: Token | None,
        _colon: Token | None,
        otherwise: Suite | None,
    ) -> Statement:
        statements: list[Statement] = []
        end = branches.end
        if otherwise:
            statements, end = otherwise
        return If(tuple(branches.parts), tuple(statements), self.span(branches.start, end))

    def for_statement(
        self,
        word: Token,
        target: Expr,
        _in: Token,
        iterable: Expr,
        _colon: Token,
        suite: Suite,
        else_: Token | None,
        _: Token | None,
        otherwise: Suite | None,
    ) -> Statement:
        statements, end = suite
        if else_ and otherwise:
            return Unsupported("for ... else", self.span(word.start, otherwise[1]))
        span = self.span(word.start, end)
        return For(self.target(target), iterable, tuple(statements), span)

    def with_statement(
        self, word: Token, value: Expr, _as: Token, target: Expr, _colon: Token, suite: Suite
    ) -> Statement:
        """`with open(path) as file:` gives the file its name, as files are read at once."""
        statements, end = suite
        bound = Assign((self.target(target),), None, value, value.span)
        always = Literal(True, self.span(word.start, word.end))
        return If(((always, (bound, *statements)),), (), self.span(word.start, end))

    def def_statement(
        self,
        word: Token,
        name: Token,
        _open: Token,
        items: list[Parameter] | None,
        _comma: Token | None,
        _close: Token,
        _arrow: Token | None,
        returns: Expr | None,
        _colon: Token,
        suite: Suite,
    ) -> Statement:
        statements, end = suite
        parameters = tuple(self.checked_parameters(items or []))
        span = self.span(word.start, end)
        return Def(self.name(name), parameters, tuple(statements), span, returns)

    def def_parameters(self, *items: Parameter | Token | list[Parameter]) -> list[Parameter]:
        return self.parameters(*items)

    def def_parameter(
        self,
        stars: Token | None,
        name: Token,
        _colon: Token | None,
        annotation: Expr | None,
        _: Token | None,
        default: Expr | None,
    ) -> Parameter:
        end = annotation.span.end if annotation else name.end
        made = self.make_parameter(stars, name, end, default)
        return Parameter(made.name, made.default, made.stars, made.span, annotation)
