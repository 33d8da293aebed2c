"""A token that the grammar does not allow, in the user's terms."""

from collections.abc import Iterator

from flowc.dataclass import dataclass
from flowc.diagnostic import Diagnostic, Label
from flowc.source import Source, Span
from flowc.syntax.words import Token

# fmt: off
_WORDS = {
    "COLON": "`:`", "COMMA": "`,`", "EQUAL": "`=`", "RPAR": "`)`", "RSQB": "`]`", "RBRACE": "`}`",
    "LPAR": "`(`", "NAME": "a name", "ELSE": "`else`", "IN": "`in`", "FCLOSE": "`}`",
    "_NEWLINE": "the end of the line", "WORD": "a directive", "WITH": "`with:`", "AS": "`as`",
    "FROM": "`from`", "ALIAS": "a name", "_INDENT": "an indented block", "FEND": "its end",
    "STAR": "`*`", "CODE": "Python code",
}
_ENDS_VALUE = frozenset((
    "NAME", "NUMBER", "STRING", "CONSTANT", "FEND", "RPAR", "RSQB", "RBRACE"))
_BEGINS_VALUE = frozenset((
    "NAME", "NUMBER", "STRING", "CONSTANT", "FSTART", "LPAR", "LSQB", "LBRACE", "LAMBDA", "NOT",
    "TILDE", "DSTAR", "STAR", "SIGN"))
_PUNCTUATION = frozenset(("COMMA", "COLON", "RPAR", "RSQB", "RBRACE", "SEMICOLON", "FCLOSE"))
_HEADS = frozenset(("IF", "ELIF", "ELSE", "FOR", "DEF"))
_REFUSED = {
    ":=": "assign the name on a line of its own",
    "@": None,
    "...": None,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the parser has stopped: `tokens[at]` is not one of `expected`."""

    source: Source
    tokens: list[Token]
    at: int
    expected: set[str]

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def before(self) -> Token | None:
        return self.tokens[self.at - 1] if self.at else None

    @property
    def begins_line(self) -> bool:
        before = self.before
        return before is None or before.type in ("_NEWLINE", "_INDENT", "_DEDENT")

    @property
    def line(self) -> list[Token]:
        """The tokens of the statement so far, or of the one that has just ended."""
        start = end = self.at - 1 if self.begins_line else self.at
        while start > 0 and self.tokens[start - 1].type not in ("_NEWLINE", "_INDENT", "_DEDENT"):
            start -= 1
        return self.tokens[start:end]

    def span(self, token: Token | None = None) -> Span:
        """The place of a token; of the end of a line, right behind what stands before it."""
        token = token or self.token
        if token.type in ("_NEWLINE", "_DEDENT", "$END") and self.before and token is self.token:
            end = self.before.end
            return Span(self.source, end, end + 1)
        return Span(self.source, token.start, max(token.end, token.start + 1))


def complaint(situation: Situation) -> Diagnostic:
    """The first explanation that fits."""
    for explain in (_of_layout, _of_names, _of_words, _of_items):
        for diagnostic in explain(situation):
            return diagnostic
    return _unexpected(situation)


def _fault(s: Situation, message: str, hint: str | None = None, *labels: Label) -> Diagnostic:
    return Diagnostic("syntax", message, s.span(), labels, hint)


def _of_layout(s: Situation) -> Iterator[Diagnostic]:
    """Indented where it must not be, or not where it must."""
    token = s.token
    if token.type == "_INDENT":
        first = s.tokens[s.at + 1]
        span = Span(s.source, first.start, first.end)
        hint = None
        if s.line and s.line[0].type == "NAME" and s.line[-1].type == "NAME":
            hint = "is a `:` missing at the end of the line above?"
        yield Diagnostic("indentation", "this line is indented for no reason", span, (), hint)
        return
    if "_INDENT" in s.expected and s.begins_line:
        line = s.line
        span = Span(s.source, line[0].start, line[-1].end) if line else s.span()
        what = "rule" if line and line[0].type == "KIND" else "statement"
        if line and line[0].type == "KIND":
            what = line[0].text
        message = f"this {what} has nothing in it"
        hint = "what belongs to it stands below, indented"
        yield Diagnostic("indentation", message, span, (), hint)
        return
    in_block = "WORD" in s.expected and "FLOW" not in s.expected
    if in_block and token.type == "STRING":
        yield _fault(s, "a docstring can only be the first thing in a rule")
    elif in_block and token.type == "KIND":
        hint = "begin it in the column of the block above"
        yield _fault(s, f"`{token.text}` begins inside another block", hint)
    elif in_block and token.type != "_DEDENT":
        yield _fault(s, f"only directives can stand in a rule, not `{_shown(token)}`")
    elif s.begins_line and token.type in ("ELSE", "ELIF"):
        hint = "it must begin in the column of its `if`"
        yield _fault(s, f"this `{token.text}` belongs to no `if`", hint)


def _of_names(s: Situation) -> Iterator[Diagnostic]:
    """Behind `rule`, `def`, a directive's name."""
    before, token = s.before, s.token
    if before is None or s.begins_line:
        return
    line = s.line
    first = line[0]
    if before.type == "WORD":
        hint = None
        if token.type == "EQUAL":
            hint = f"write `{before.text}: ...`; `=` gives names to the items behind it"
        yield _fault(s, f"expected `:` behind `{before.text}`", hint)
    elif first.type == "KIND" and before is first:
        yield _fault(s, f"a {first.text}'s name is a word, not {_named(token)}")
    elif first.type == "KIND" and "COLON" in s.expected and len(line) == 2:
        hint = "a name has letters, digits and `_` only" if token.text in ("-", ".", "/") else None
        yield _fault(s, f"expected `:` behind the {first.text}'s name", hint)
    elif first.type == "USE" and token.type not in ("BROKEN",):
        yield _fault(
            s,
            f"expected {_listed(s.expected)}, not {_named(token)}",
            "`use rule a from m as b with:` is the form of it",
        )
    elif first.type == "DEF" and before is first:
        yield _fault(s, f"a function's name is a word, not {_named(token)}")
    elif first.type in _HEADS and token.type == "_NEWLINE" and "COLON" in s.expected:
        yield _fault(s, f"expected `:` at the end of this `{first.text}`")
    elif len(line) == 1 and first.type == "NAME" and token.type == "NAME":
        if s.tokens[s.at + 1].type == "COLON":
            message = f"`{first.text}` begins no block that there is"
            span = Span(s.source, first.start, first.end)
            hint = "there are `rule`, `checkpoint` and `module`"
            yield Diagnostic("syntax", message, span, hint=hint)
    elif len(line) == 1 and first.type == "NAME" and token.type in ("STRING", "FSTART"):
        yield _fault(s, f"expected `:` behind `{first.text}`")


def _of_words(s: Situation) -> Iterator[Diagnostic]:
    """Words and signs that Python has and the language has not."""
    token = s.token
    if token.type == "OTHER" and token.text in _REFUSED:
        yield _fault(s, f"`{token.text}` is not part of the language", _REFUSED[token.text])
    elif (
        token.type == "OTHER"
        or (token.type == "AUGMENT" and "AUGMENT" not in s.expected)
        or token.type == "REFUSED"
    ):
        yield _fault(s, f"`{token.text}` cannot stand here")
    elif token.type == "KEYWORD" or token.type in ("FROM", "AS", "WITH"):
        yield _fault(s, f"`{token.text}` is a word of Python that is not part of the language")
    elif token.type == "FCLOSE" and s.before and s.before.type == "FOPEN":
        hint = "write `{{}}` for braces that are text"
        yield _fault(s, "there is no expression between these braces", hint)
    elif token.type == "FCOLON" and any(t.type == "LAMBDA" for t in s.tokens[s.at - 3 : s.at]):
        yield _fault(s, "a lambda in an f-string needs parentheses around it")


def _of_items(s: Situation) -> Iterator[Diagnostic]:
    """Between the items of a directive, a call or a display."""
    before, token = s.before, s.token
    if before is None:
        return
    if token.type == "EQUAL":
        opener = _opener(s)
        if opener is None and s.line and s.line[0].type == "WORD":
            yield _fault(s, "`=` can only stand behind the name of an item", "`==` compares")
        else:
            yield _fault(s, "`=` cannot stand here", "`==` compares")
    elif before.type in _ENDS_VALUE and token.type in _BEGINS_VALUE - {"STAR", "SIGN", "DSTAR"}:
        opener = _opener(s)
        separated = opener is not None or (s.line and s.line[0].type == "WORD")
        if "COMMA" in s.expected and separated:
            span = Span(s.source, before.end, before.end + 1)
            labels: tuple[Label, ...] = (Label(s.span(), "the next item begins here"),)
            if s.source.position(before.end)[0] == s.source.position(token.start)[0]:
                span, labels = s.span(), ()
            message = f"a comma is missing {'here' if labels else 'before this'}"
            yield Diagnostic("missing-comma", message, span, labels)
    elif token.type in ("_NEWLINE", "$END", "COMMA", "RPAR", "RSQB", "RBRACE"):
        if "NAME" not in s.expected or before.type in _ENDS_VALUE:
            return
        if before.type == "COMMA":
            yield _fault(s, f"expected an item between `,` and {_named(token)}")
        else:
            yield _fault(s, f"expected a value between `{before.text}` and {_named(token)}")


def _unexpected(s: Situation) -> Diagnostic:
    """No better explanation: what stands here, and what could."""
    message = f"{_named(s.token)} cannot stand here"
    few = s.expected & _WORDS.keys()
    if 0 < len(few) <= 4 and "NAME" not in few:
        message = f"expected {_listed(few)}, not {_named(s.token)}"
    elif "NAME" in few and len(few) > 1 and s.before and not s.begins_line:
        message = f"expected a value, not {_named(s.token)}"
    return _fault(s, message)


def _opener(s: Situation) -> Token | None:
    """The bracket around the place, on this line of tokens."""
    depth = 0
    for token in reversed(s.line):
        if token.type in ("RPAR", "RSQB", "RBRACE", "FCLOSE"):
            depth += 1
        elif token.type in ("LPAR", "LSQB", "LBRACE", "FOPEN"):
            if depth == 0:
                return token
            depth -= 1
    return None


def _named(token: Token) -> str:
    if token.type in ("_NEWLINE", "$END", "_DEDENT"):
        return "the end of the line"
    if token.type in ("STRING", "FSTART"):
        return "a string"
    if token.type == "FTEXT":
        return "text"
    return f"`{_shown(token)}`"


def _shown(token: Token) -> str:
    return token.text if len(token.text) <= 40 else token.text[:37] + "..."


def _listed(terminals: set[str]) -> str:
    words = sorted({_WORDS[t] for t in terminals if t in _WORDS})
    return " or ".join(words) or "something else"
