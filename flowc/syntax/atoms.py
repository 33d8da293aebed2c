"""Reductions of names, numbers and strings. See expressions.py for the manner."""

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span
from flowc.syntax.strings import decode
from flowc.syntax.tree import Constant, Expr, FString, Literal, Name, Replacement, Var
from flowc.syntax.words import Token

Piece = tuple[int, int, str | list[str | Replacement]]
"""A string literal between two offsets: its text, or the parts of an f-string."""
CONSTANTS: dict[str, Constant] = {"True": True, "False": False, "None": None}


class Atoms:
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
