"""What is open, brackets and f-strings, and how reading goes on where it is never closed."""

from flowc.diagnostic import Diagnostic, Label
from flowc.source import Source, Span
from flowc.syntax.words import CLOSES, FRESH_LINE, MAX_DEPTH, NO_ITEM, Token

MAX_FRESH_STARTS = 20
"""How often reading starts again behind something that was never closed."""


class Format:
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


class Opened:
    """What a scanner has read so far. A fault leaves a BROKEN token, which the parser skips."""

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
        self.formats: list[Format] = []
        self.fresh_starts = 0

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

    def _line_end(self, at: int) -> int:
        end = self.text.find("\n", at, self.end)
        if end < 0:
            return self.end
        return end - 1 if end > at and self.text[end - 1] == "\r" else end

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
            last = len(self.tokens) - 1
            while self.tokens[last] is not opener:
                if self.tokens[last].type == "LAMBDA":  # and the body of a lambda
                    return
                last -= 1
            if last >= 2 and self.tokens[last - 2].text == "def":  # and a parameter
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
