"""Text to tokens: one regular expression and a stack of what is open.

Newlines are tokens only outside brackets. An f-string becomes FSTART, FTEXT and replacements, FEND,
so that its expressions are parsed like all others, with their own places. What cannot be read is
reported and leaves a BROKEN token, at which the parser goes on with the next line.
"""

from flowc.syntax.opened import Format, Opened
from flowc.syntax.strings import decode
from flowc.syntax.words import (
    CONVERSION,
    DEBUG_EQUAL,
    FTEXTS,
    KEYWORDS,
    MAX_DEPTH,
    OPERATORS,
    TOKEN,
    Token,
)


class Scanner(Opened):
    """Reads a source from `start` to `end`; with `lines` False as if all stood in brackets."""

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

    def _rare(self, kind: str, start: int, end: int) -> int:
        text = self.text[start:end]
        if kind == "FSTART":
            token = Token("FSTART", text, start, end)
            self.tokens.append(token)
            self.formats.append(Format(token, len(self.opens)))
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
