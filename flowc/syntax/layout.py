"""Lines to blocks: indentation, the extent of directives, and which words are soft keywords.

A lark postlex: `process` takes the tokens of scan.py and gives those that the grammar knows.

A directive goes on over all lines that are indented more than its name; the newlines in it mean
nothing. `rule`, `use`, `input` and so on are ordinary names unless they begin a line and what
follows makes it a rule, a `use rule` or a directive.
"""

from collections.abc import Iterable, Iterator

from flowc.diagnostic import Diagnostic, Label
from flowc.source import Source, Span
from flowc.syntax.opened import TooDeepError
from flowc.syntax.words import MAX_DEPTH, Token

BLOCKS = frozenset(("rule", "checkpoint", "module"))
CODE_BLOCKS = frozenset(("run", "onstart", "onsuccess", "onerror"))
"""Directives whose value is Python, kept as text."""

REFUSED = frozenset(
    [
        "import",
        "from",
        "class",
        "while",
        "try",
        "with",
        "global",
        "nonlocal",
        "del",
        "async",
        "await",
        "yield",
        "except",
        "finally",
    ]
)
_REST_OF_REFUSED = {"try": ("except", "else", "finally"), "while": ("else",)}

_ENDS_VALUE = frozenset(("NAME", "NUMBER", "STRING", "CONSTANT", "FEND", "RPAR", "RSQB", "RBRACE"))
_IN_USE = {"exclude": "EXCLUDE", "from": "FROM", "as": "AS", "with": "WITH"}


class _Level:
    """An indentation that some block has. `width` None: the first deeper line will say."""

    __slots__ = ("is_block", "width", "width_of_tabs_as_1")

    def __init__(self, width: int | None, tabs_as_1: int, is_block: bool) -> None:
        self.width = width
        self.width_of_tabs_as_1 = tabs_as_1
        self.is_block = is_block


class Layout:
    """Gives each line its place. One object reads one source."""

    always_accept = ()

    def __init__(self, source: Source, faults: list[Diagnostic]) -> None:
        self.source = source
        self.faults = faults
        self.tokens: list[Token] = []
        self.at = 0
        self.levels = [_Level(0, 0, False)]
        self.opener: str | None = None  # "suite" or "block": what the line before has opened
        self.forgiven: Token | None = None  # begins a line whose indentation has been reported

    def process(self, stream: Iterable[Token]) -> Iterator[Token]:
        self.tokens = list(stream)
        while self.at < len(self.tokens):
            yield from self._indentation(self.tokens[self.at])
            yield from self._line()
        end = len(self.source.text)
        for _ in self.levels[1:]:
            yield Token("_DEDENT", "", end, end)

    # --- indentation -----------------------------------------------------------------------------

    def _measure(self, token: Token) -> tuple[int, int]:
        """The indentation of the line of `token`, with tabs to every eighth column and as 1."""
        text = self.source.text
        line_start = text.rfind("\n", 0, token.start) + 1
        blank = text[line_start : token.start]
        if not blank:
            return 0, 0
        blank = blank[: len(blank) - len(blank.lstrip())].rpartition("\f")[2]
        return len(blank.expandtabs(8)), len(blank)

    def _indentation(self, first: Token) -> Iterator[Token]:
        if first is self.forgiven:
            return
        width, tabs_as_1 = self._measure(first)
        opener, self.opener = self.opener, None
        start = first.start
        top = self.levels[-1]
        if top.width is None:
            parent = self.levels[-2]
            if width > (parent.width or 0):
                top.width, top.width_of_tabs_as_1 = width, tabs_as_1
                return
            top.width = width + 1
        if width > top.width:
            self._check_tabs(first, width, tabs_as_1)
            self.levels.append(_Level(width, tabs_as_1, opener == "block"))
            if len(self.levels) > MAX_DEPTH:
                message = f"blocks are nested more than {MAX_DEPTH} deep here"
                self._fault("nested-too-deeply", message, first)
                raise TooDeepError
            yield Token("_INDENT", "", start, start)
            return
        while width < (self.levels[-1].width or 0):
            if width > (self.levels[-2].width or 0):
                self._fits_nowhere(first, width)
                self.levels[-1].width, self.levels[-1].width_of_tabs_as_1 = width, tabs_as_1
                return
            self.levels.pop()
            yield Token("_DEDENT", "", start, start)
        self._check_tabs(first, width, tabs_as_1)

    def _fits_nowhere(self, first: Token, width: int) -> None:
        """Take the line as one of the innermost block, so that this is said once."""
        fits = " or ".join(str(level.width) for level in self.levels[-2:])
        message = f"this line is indented by {width} columns, which fits no block above"
        self._fault("indentation", message, first, hint=f"blocks here are indented by {fits}")

    def _check_tabs(self, first: Token, width: int, tabs_as_1: int) -> None:
        """Tabs and blanks may be mixed as long as no tab's width makes a difference."""
        for level in self.levels:
            known = level.width or 0
            if (width > known) != (tabs_as_1 > level.width_of_tabs_as_1) or (width == known) != (
                tabs_as_1 == level.width_of_tabs_as_1
            ):
                self._fault(
                    "mixed-tabs",
                    "tabs and blanks are mixed so that the indentation depends on a tab's width",
                    first,
                    hint="indent the whole block with blanks",
                )
                return

    def _fault(self, code: str, message: str, token: Token, *, hint: str | None = None) -> None:
        span = Span(self.source, token.start, token.end)
        self.faults.append(Diagnostic(code, message, span, hint=hint))

    # --- lines -----------------------------------------------------------------------------------

    def _line(self) -> Iterator[Token]:
        """One logical line, or one directive or refused block with all its lines."""
        tokens, at = self.tokens, self.at
        first, second = tokens[at], tokens[at + 1]
        kind, word, after = first.type, first.text, second.type
        if kind == "NAME":
            if word in BLOCKS and after in _AFTER_BLOCK:
                yield from self._head()
                return
            if word == "use" and second.text == "rule":
                yield from self._use()
                return
            if after == "COLON" or (self.levels[-1].is_block and after != "DOT"):
                yield from self._directive()
                return
            if (word == "type" and after == "NAME") or (word == "match" and self._ends_in_colon()):
                yield self._refused()
                return
        elif (word in REFUSED and not self._binds_a_file()) or word == "@":
            yield self._refused()
            return
        yield from self._plain("suite")

    def _binds_a_file(self) -> bool:
        """Whether this is `with open(path) as file:`. Any other `with` is refused as a whole."""
        at, brackets, names = self.at + 1, 0, 0
        if self.tokens[self.at].type != "WITH":
            return False
        while (kind := self.tokens[at].type) not in ("NEWLINE", "LAMBDA"):
            brackets += _NESTS.get(kind, 0)
            if not brackets:
                names += kind == "AS"
                if kind in ("COMMA", "COLON"):
                    return kind == "COLON" and names == 1
            at += 1
        return False

    def _ends_in_colon(self) -> bool:
        at = self.at
        while self.tokens[at].type != "NEWLINE":
            at += 1
        return self.tokens[at - 1].type == "COLON"

    def _plain(self, opens: str) -> Iterator[Token]:
        """The rest of the line as it is."""
        tokens, at = self.tokens, self.at
        token = tokens[at]
        body = self._suite_start() if token.type in _HAS_SUITE else None
        while token.type != "NEWLINE":
            if at == body and token.type != "NAME" and token.text in REFUSED:
                yield from self._refused_suite(at)
                return
            yield token
            at += 1
            token = tokens[at]
        if tokens[at - 1].type == "COLON":
            self.opener = opens
        self.at = at + 1
        yield Token("_NEWLINE", "\n", token.start, token.end)

    def _suite_start(self) -> int | None:
        """Where the statement behind `if test:` begins, if it stands on the same line."""
        tokens, at = self.tokens, self.at
        brackets = lambdas = 0
        while tokens[at].type != "NEWLINE":
            kind = tokens[at].type
            brackets += _NESTS.get(kind, 0)
            if not brackets and kind == "LAMBDA":
                lambdas += 1
            elif not brackets and kind == "COLON":
                if not lambdas:
                    return at + 1
                lambdas -= 1
            at += 1
        return None

    def _refused_suite(self, at: int) -> Iterator[Token]:
        """`if test: import x`, as if the statement stood on a line of its own."""
        tokens, first = self.tokens, self.tokens[at]
        while tokens[at].type != "NEWLINE":
            at += 1
        self.at = at + 1
        start, end = first.start, tokens[at - 1].end
        yield Token("_NEWLINE", "", start, start)
        yield Token("_INDENT", "", start, start)
        yield Token("REFUSED", first.text, start, end)
        yield Token("_DEDENT", "", end, end)

    def _head(self) -> Iterator[Token]:
        """`rule NAME:`. What follows the colon on its line is the first line of the block."""
        tokens = self.tokens
        yield _as(tokens[self.at], "KIND")
        self.at += 1
        yield from self._to_body()

    def _to_body(self) -> Iterator[Token]:
        tokens = self.tokens
        while (token := tokens[self.at]).type not in ("COLON", "NEWLINE"):
            yield token
            self.at += 1
        if token.type == "NEWLINE" or tokens[self.at + 1].type == "NEWLINE":
            yield from self._plain("block")
            return
        yield token
        self.at += 1
        end = token.end
        yield Token("_NEWLINE", "", end, end)
        yield Token("_INDENT", "", end, end)
        self.levels.append(_Level(None, 0, True))
        yield from self._line()

    def _use(self) -> Iterator[Token]:
        """`use rule a, b from m exclude c as m_* with:`"""
        tokens = self.tokens
        first = tokens[self.at]
        yield Token("USE", "use rule", first.start, tokens[self.at + 1].end)
        self.at += 2
        while (token := tokens[self.at]).type not in ("COLON", "NEWLINE"):
            yield _as(token, _IN_USE.get(token.text, token.type))
            self.at += 1
            if token.text == "as":
                start = self.at
                while tokens[self.at].type in ("NAME", "STAR"):
                    self.at += 1
                if self.at > start:
                    parts = tokens[start : self.at]
                    text = self.source.text[parts[0].start : parts[-1].end]
                    yield Token("ALIAS", text, parts[0].start, parts[-1].end)
        yield from self._to_body()

    # --- directives ------------------------------------------------------------------------------

    def _directive(self) -> Iterator[Token]:
        tokens = self.tokens
        word = tokens[self.at]
        parent = self.levels[-2 if self.levels[-1].width is None else -1]
        width = self._measure(word)[0] if self.levels[-1].width is not None else parent.width or 0
        yield _as(word, "WORD")
        self.at += 1
        if tokens[self.at].type != "COLON":
            yield from self._plain("suite")
            return
        yield tokens[self.at]
        self.at += 1
        if word.text in CODE_BLOCKS:
            yield from self._code(width)
            return
        lambdas = 0  # that wait for their colon
        while True:
            token = tokens[self.at]
            if token.type == "NEWLINE":
                if not self._goes_on(word, width, lambdas):
                    break
                following = tokens[self.at + 1]
                if (
                    word.text == "limits"  # its items may stand on lines of their own
                    and tokens[self.at - 1].type in _ENDS_VALUE
                    and following.type == "NAME"
                    and tokens[self.at + 2].type == "EQUAL"
                ):
                    yield Token("COMMA", "", tokens[self.at - 1].end, tokens[self.at - 1].end)
            else:
                if token.type == "LAMBDA":
                    lambdas += 1
                elif token.type == "COLON" and lambdas:
                    lambdas -= 1
                yield token
            self.at += 1
        yield Token("_NEWLINE", "\n", token.start, token.end)
        self.at += 1

    def _goes_on(self, word: Token, width: int, lambdas: int) -> bool:
        """Whether the line behind this NEWLINE still belongs to the directive `word`."""
        tokens, at = self.tokens, self.at + 1
        if at >= len(tokens) or self._measure(tokens[at])[0] <= width:
            return False
        first = tokens[at]
        if first.type != "NAME" or tokens[at + 1].type != "COLON" or lambdas:
            return True
        if self.levels[-1].width is not None:
            span = Span(self.source, word.start, word.end)
            self.faults.append(
                Diagnostic(
                    "indentation",
                    f"`{first.text}:` is indented more than `{word.text}:` above it",
                    Span(self.source, first.start, first.end),
                    (Label(span, "it would be part of this one"),),
                    "directives of one block begin in the same column",
                )
            )
            self.forgiven = first
        return False

    def _code(self, width: int) -> Iterator[Token]:
        """The verbatim text of a code block, as far as its lines are indented more than `width`."""
        tokens, start = self.tokens, self.at
        at = start
        while tokens[at].type != "NEWLINE" or (
            at + 1 < len(tokens) and self._measure(tokens[at + 1])[0] > width
        ):
            at += 1
        last = tokens[at - 1]
        self.at = at + 1
        if at > start:
            text = self.source.text
            begin = tokens[start].start
            if tokens[start].type == "NEWLINE":  # with the indentation of the first line
                begin = text.rfind("\n", 0, tokens[start + 1].start) + 1
            yield Token("CODE", text[begin : last.end], begin, last.end)
        yield Token("_NEWLINE", "\n", tokens[at].start, tokens[at].end)

    # --- what is refused -------------------------------------------------------------------------

    def _refused(self) -> Token:
        """A statement that the language has not, with its block and all that belongs to it."""
        tokens = self.tokens
        first = tokens[self.at]
        width = self._measure(first)[0]
        rest = _REST_OF_REFUSED.get(first.text, ())
        decorates = first.text == "@"
        at = self.at
        while True:
            while tokens[at].type != "NEWLINE":
                at += 1
            last = tokens[at - 1]
            at += 1
            if at >= len(tokens):
                break
            following = tokens[at]
            if self._measure(following)[0] > width:
                continue
            if decorates:
                decorates = following.text == "@"
            elif following.text not in rest:
                break
        self.at = at
        return Token("REFUSED", first.text, first.start, last.end)


_HAS_SUITE = frozenset(("IF", "ELIF", "ELSE", "FOR", "DEF", "WITH"))
_NESTS = {"LPAR": 1, "LSQB": 1, "LBRACE": 1, "FOPEN": 1}
_NESTS |= {"RPAR": -1, "RSQB": -1, "RBRACE": -1, "FCLOSE": -1}
_AFTER_BLOCK = frozenset(("COLON", "NAME", "STRING", "NUMBER", "FSTART"))


def _as(token: Token, type: str) -> Token:
    return token if token.type == type else Token(type, token.text, token.start, token.end)
