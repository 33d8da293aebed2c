"""Text to tokens: one regular expression and a stack of what is open.

Newlines are tokens only outside brackets. An f-string becomes FSTART, FTEXT and replacements, FEND,
so that its expressions are parsed like all others, with their own places. What cannot be read is
reported and leaves a BROKEN token, at which the parser goes on with the next line.
"""

from flowc.diagnostic import Diagnostic, Label
from flowc.source import Source, Span
from flowc.syntax.strings import decode
from flowc.syntax.words import (
    CLOSES,
    CONVERSION,
    DEBUG_EQUAL,
    FRESH_LINE,
    FTEXTS,
    KEYWORDS,
    MAX_DEPTH,
    NO_ITEM,
    OPERATORS,
    TOKEN,
    Token,
)

MAX_FRESH_STARTS = 20
"""How often reading starts again behind something that was never closed."""


class _Format:
    """An f-string that is being read."""

    __slots__ = ("depth", "quote", "raw", "start")

    def __init__(self, start: Token, depth: int) -> None:
        prefix = start.text.rstrip("\"'")
        self.start = start
        self.quote = start.text[len(prefix) :]
        self.raw = "r" in prefix.lower()
        self.depth = depth  # how many brackets were open before it


class TooDeepError(Exception):
    """Nothing behind this place is worth reading. The fault has been noted."""


class Scanner:
    """Reads a source from `start` to `end`; with `lines` False as if all stood in brackets."""

    def __init__(
        self,
        source: Source,
        faults: list[Diagnostic],
        start: int = 0,
        end: int | None = None,
        *,
        lines: bool = True,
    ) -> None:
        self.source = source
        self.text = source.text
        self.start = start
        self.end = len(source.text) if end is None else end
        self.lines = lines
        self.faults = faults
        self.tokens: list[Token] = []
        self.comments: list[tuple[int, int]] = []
        self.opens: list[Token] = []  # brackets, and `{` of replacements as FOPEN
        self.formats: list[_Format] = []
        self.fresh_starts = 0

    def scan(self) -> list[Token]:
        """All tokens. A NEWLINE ends every line that has any; the last one, too."""
        text, end, tokens = self.text, self.end, self.tokens
        match, keyword = TOKEN.match, KEYWORDS.get
        at = self.start
        while True:
            found = match(text, at, end)
            assert found is not None  # BAD and END leave nothing else
            kind = found.lastgroup
            assert kind is not None
            start, at = found.span(kind)
            if kind == "NAME" or kind == "PREFIX":
                word = found[kind]
                type = keyword(word)
                if type is None:
                    tokens.append(Token("NAME", word, start, at))
                else:
                    self._keyword(type, word, start, at)
            elif kind == "OP":
                at = self._operator(found["OP"], start, at)
            elif kind == "NEWLINE":
                if self.formats and len(self.formats[-1].quote) == 1:
                    at = self._unclosed_format(start)
                elif self.lines:
                    if self.opens and not self.formats:
                        self._check_closed(at)
                    if not self.opens and tokens and tokens[-1].type != "NEWLINE":
                        tokens.append(Token("NEWLINE", "\n", start, at))
            elif kind == "COMMENT":
                if text[at - 1] == "\r":
                    at -= 1
                self.comments.append((start, at))
            elif kind == "STRING" or kind == "NUMBER":
                tokens.append(Token(kind, found[kind], start, at))
            elif kind == "END":
                if not (self.opens or self.formats):
                    break
                at = self._unclosed()
            else:
                at = self._rare(kind, start, at)
        if self.lines and tokens and tokens[-1].type != "NEWLINE":
            tokens.append(Token("NEWLINE", "", end, end))
        return tokens

    def _keyword(self, type: str, word: str, start: int, end: int) -> None:
        """A keyword; `is not` and `not in` become one operator."""
        tokens = self.tokens
        if tokens and (type == "NOT" or type == "IN"):
            last = tokens[-1]
            if (type == "NOT" and last.text == "is" and last.type == "OPERATOR") or (
                type == "IN" and last.type == "NOT"
            ):
                tokens[-1] = Token("OPERATOR", f"{last.text} {word}", last.start, end)
                return
        tokens.append(Token(type, word, start, end))

    def _operator(self, text: str, start: int, end: int) -> int:
        """Note an operator or bracket; where to read on."""
        tokens, opens = self.tokens, self.opens
        if opens and opens[-1].type == "FOPEN":
            at = self._in_replacement(text, start)
            if at is not None:
                return at
        token = Token(OPERATORS.get(text, "OTHER"), text, start, end)
        if text in "([{":
            self._open(token)
        elif text in ")]}" and not self._close(token):
            return end
        tokens.append(token)
        return end

    def _open(self, token: Token) -> None:
        self.opens.append(token)
        if len(self.opens) > MAX_DEPTH:
            self._fault(
                "nested-too-deeply",
                f"brackets are nested more than {MAX_DEPTH} deep here",
                token.start,
                token.end,
                hint="give parts of the expression names of their own",
            )
            raise TooDeepError

    def _close(self, token: Token) -> bool:
        """Close what `token` closes. False if it does not fit: the fault has been noted."""
        opens = self.opens
        floor = self.formats[-1].depth if self.formats else 0
        if len(opens) <= floor:
            self._fault(
                "unmatched-bracket", f"this `{token.text}` closes nothing", token.start, token.end
            )
            self._broken(token.start, token.end)
            return False
        if opens[-1].text == CLOSES[token.text]:
            opens.pop()
            return True
        self._fault(
            "unmatched-bracket",
            f"`{token.text}` cannot close `{opens[-1].text}`",
            token.start,
            token.end,
            Label(Span(self.source, opens[-1].start, opens[-1].end), "opened here"),
        )
        # If it closes an outer one, the inner was forgotten; else it is the wrong kind of bracket.
        depth = next(
            (
                i
                for i in range(len(opens) - 1, floor - 1, -1)
                if opens[i].text == CLOSES[token.text] and opens[i].type != "FOPEN"
            ),
            len(opens) - 1,
        )
        if opens[depth].type != "FOPEN":
            del opens[depth:]
        self._broken(token.start, token.end)
        return False

    def _broken(self, start: int, end: int) -> None:
        self.tokens.append(Token("BROKEN", self.text[start:end], start, end))

    def _fault(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        *labels: Label,
        hint: str | None = None,
    ) -> None:
        span = Span(self.source, start, end)
        self.faults.append(Diagnostic(code, message, span, labels, hint))

    # --- f-strings -------------------------------------------------------------------------------

    def _in_replacement(self, text: str, start: int) -> int | None:
        """What `} : ! =` mean directly inside a replacement. None: what they mean elsewhere."""
        if text == "}":
            self.opens.pop()
            self.tokens.append(Token("FCLOSE", "}", start, start + 1))
            return self._format_text(start + 1)
        if text[0] == ":":
            self.tokens.append(Token("FCOLON", ":", start, start + 1))
            return self._format_text(start + 1)
        if text == "=" and DEBUG_EQUAL.match(self.text, start, self.end):
            self.tokens.append(Token("FEQUAL", "=", start, start + 1))
            return start + 1
        return None

    def _format_text(self, at: int) -> int:
        """Read the text of the innermost f-string from `at` to its end or its next replacement."""
        form, text, tokens = self.formats[-1], self.text, self.tokens
        in_spec = len(self.opens) > form.depth  # behind the colon of a replacement
        match = FTEXTS[form.quote, form.raw].match
        while True:
            found = match(text, at, self.end)
            if found:
                raw = found[0]
                value = raw if form.raw else decode(self.source, at, found.end(), self.faults)
                tokens.append(Token("FTEXT", value.replace("\r\n", "\n"), at, found.end()))
                at = found.end()
            char = text[at : at + 1] if at < self.end else ""
            if char == "{" or char == "}":
                if text.startswith(char * 2, at) and not in_spec:
                    tokens.append(Token("FTEXT", char, at, at + 2))
                    at += 2
                elif char == "{":
                    token = Token("FOPEN", "{", at, at + 1)
                    self._open(token)
                    tokens.append(token)
                    return at + 1
                elif in_spec:
                    self.opens.pop()
                    tokens.append(Token("FCLOSE", "}", at, at + 1))
                    at += 1
                    in_spec = len(self.opens) > form.depth
                else:
                    self._fault(
                        "format-string",
                        "a single `}` in an f-string closes nothing",
                        at,
                        at + 1,
                        hint="write `}}` for a brace that is text",
                    )
                    at += 1
            elif text.startswith(form.quote, at) and at < self.end and not in_spec:
                tokens.append(Token("FEND", form.quote, at, at + len(form.quote)))
                self.formats.pop()
                return at + len(form.quote)
            else:
                return self._unclosed_format(at)

    def _unclosed_format(self, at: int) -> int:
        """The innermost f-string ends without its quote. Go on with the line behind it."""
        form = self.formats[-1]
        if len(self.opens) > form.depth:
            brace = self.opens[form.depth]
            self._fault(
                "format-string",
                "this `{` of an f-string is not closed",
                brace.start,
                brace.end,
                hint="write `{{` for a brace that is text",
            )
        else:
            self._unclosed_string(form.start, at)
        outermost = self.formats[0]
        if len(outermost.quote) == 1:
            at = self._line_end(at)
        return self._give_up_string(outermost.start, outermost.quote, at)

    # --- what goes wrong -------------------------------------------------------------------------

    def _rare(self, kind: str, start: int, end: int) -> int:
        text = self.text[start:end]
        if kind == "FSTART":
            token = Token("FSTART", text, start, end)
            self.tokens.append(token)
            self.formats.append(_Format(token, len(self.opens)))
            if len(self.formats) > MAX_DEPTH:
                self._open(token)
            return self._format_text(end)
        if kind == "OPENSTRING":
            if self.formats and self.formats[-1].quote == text:
                return self._unclosed_format(start)
            token = Token(kind, text, start, end)
            quote = text.lstrip("rRbBuU")
            line_end = self._line_end(end) if len(quote) == 1 else self.end
            self._unclosed_string(token, line_end)
            return self._give_up_string(token, quote, line_end)
        if kind == "BADNUMBER":
            self._fault("number", f"`{text}` is not a number", start, end)
            self._broken(start, end)
            return end
        if text == "!" and self.opens and self.opens[-1].type == "FOPEN":
            found = CONVERSION.match(self.text, start, self.end)
            if found:
                self.tokens.append(Token("FCONVERSION", found[1], start, found.end()))
                return found.end()
        if self.tokens and self.tokens[-1].type == "BROKEN" and self.tokens[-1].end == start:
            self.tokens[-1].end = end  # one message for a run of them
            return end
        self._strange(text, start, end)
        self._broken(start, end)
        return end

    def _line_end(self, at: int) -> int:
        end = self.text.find("\n", at, self.end)
        if end < 0:
            return self.end
        return end - 1 if end > at and self.text[end - 1] == "\r" else end

    def _strange(self, text: str, start: int, end: int) -> None:
        """A character that begins nothing."""
        name = f"`{text}`" if text.isprintable() and text != " " else "this character"
        hint = None
        if text in "“”„«»‘’‚":
            hint = "strings stand between straight quotes, \" or '"
        elif text == "\\":
            hint = "a `\\` continues the line only if nothing, not even a blank, follows it"
        elif text.isspace():
            hint = "put an ordinary blank in its place"
        elif text == "$":
            hint = "shell variables can stand inside strings only"
        self._fault(
            "strange-character",
            f"{name} (U+{ord(text):04X}) cannot stand here",
            start,
            end,
            hint=hint,
        )

    def _unclosed_string(self, quote: Token, at: int) -> None:
        kind = quote.text.lstrip("rRbBuUfF")
        where = "the end of the line" if len(kind) == 1 else "the end of the file"
        self._fault(
            "unclosed-string",
            f"this string has no closing {kind} before {where}",
            quote.start,
            at,
            hint="a string over several lines stands between three quotes"
            if len(kind) == 1
            else None,
        )

    def _give_up_string(self, start: Token, quote: str, at: int) -> int:
        """Skip what an unclosed string has swallowed: its line and the brackets opened on it, or,
        if it may go over lines, all up to what looks like a rule."""
        self.formats.clear()
        while self.tokens and self.tokens[-1].start >= start.start:
            self.tokens.pop()
        if len(quote) == 1:
            line_start = self.text.rfind("\n", 0, start.start) + 1
            while self.opens and (
                self.opens[-1].start >= line_start or self.opens[-1].type == "FOPEN"
            ):
                self.opens.pop()
            self._broken(start.start, at)
            return at
        return self._fresh_line(start)

    def _unclosed(self) -> int:
        """The end is reached inside brackets: report the innermost, go on behind it."""
        if self.formats:
            return self._unclosed_format(self.end)
        opener = self.opens[-1]
        self._fault(
            "unclosed-bracket", f"this `{opener.text}` is never closed", opener.start, opener.end
        )
        return self._fresh_line(opener)

    def _check_closed(self, at: int) -> None:
        """A line that can only be a rule or directive ends what was left open above it."""
        found = NO_ITEM.match(self.text, at, self.end)
        if not found:
            return
        opener = self.opens[-1]
        if not found["block"]:
            if opener.text != "(":  # `name:` can begin a line of a dict or a slice
                return
            for token in reversed(self.tokens):  # and the body of a lambda
                if token is opener:
                    break
                if token.type == "LAMBDA":
                    return
        self._fault(
            "unclosed-bracket",
            f"this `{opener.text}` is never closed",
            opener.start,
            opener.end,
            Label(Span(self.source, found.start("line"), found.end("line")), "before this line"),
        )
        self.opens.clear()
        self._broken(opener.start, opener.end)

    def _fresh_line(self, guilty: Token) -> int:
        """The next line behind `guilty` that looks like the start of a statement no deeper than
        the line that `guilty` stands on; all read since is dropped."""
        self.fresh_starts += 1
        self.formats.clear()
        self.opens.clear()
        line_start = self.text.rfind("\n", 0, guilty.start) + 1
        line = self.text[line_start : guilty.start]
        width = len(line) - len(line.lstrip())
        at = self.end
        if self.lines and self.fresh_starts <= MAX_FRESH_STARTS:
            for found in FRESH_LINE.finditer(self.text, guilty.start, self.end):
                if len(found["blank"]) <= width:
                    at = found.start()
                    break
        while self.tokens and self.tokens[-1].start >= guilty.start:
            self.tokens.pop()
        while self.comments and self.comments[-1][0] >= guilty.start:
            self.comments.pop()
        self._broken(guilty.start, guilty.end)
        if at < self.end:
            self.tokens.append(Token("NEWLINE", "\n", at, at))
        return at
