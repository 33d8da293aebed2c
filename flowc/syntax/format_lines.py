"""A file as the formatter sees it: logical lines with their depth, words, comments and blank lines.

The words are the scanner's, an f-string being one word; `Layout` says which of them make a line.
"""

from bisect import bisect_right
from collections.abc import Iterator

from flowc.diagnostic import Diagnostic
from flowc.source import Source
from flowc.syntax.layout import Layout
from flowc.syntax.scan import Scanner
from flowc.syntax.words import Token


class Comment:
    """A comment on a line of its own."""

    __slots__ = ("blank_lines", "column", "start", "text")

    def __init__(self, text: str, start: int, column: int, blank_lines: int) -> None:
        self.text = text
        self.start = start
        self.column = column
        self.blank_lines = blank_lines  # before it


class Word:
    """A token and the comments that stand with it."""

    __slots__ = ("after", "before", "end", "start", "text", "type")

    def __init__(self, type: str, text: str, start: int, end: int) -> None:
        self.type = type
        self.text = text
        self.start = start
        self.end = end
        self.before: list[Comment] = []  # on lines of their own
        self.after = ""  # on the same line


class Line:
    """One logical line: a statement, a head such as `rule a:`, or a whole directive."""

    __slots__ = ("blank_lines", "column", "depth", "leading", "opens", "tail", "trailing", "words")

    def __init__(self, depth: int, words: list[Word], column: int | None) -> None:
        self.depth = depth
        self.words = words
        self.column = column  # where it begins; None behind a colon on the same line
        self.blank_lines = 0  # between the comments before it and itself
        self.leading: list[Comment] = []
        self.tail: list[Comment] = []  # below a directive, indented as its items are
        self.trailing: list[tuple[int, Comment]] = []  # (depth, comment) at the end of its block

    @property
    def kind(self) -> str:
        return self.words[0].type


class Lines:
    """Reads one source that has no faults. `lines` are its logical lines, `end` what follows."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        faults: list[Diagnostic] = []
        scanner = Scanner(source, faults)
        scanned = scanner.scan()
        self.long_strings = list(long_strings(scanned, self.text))
        self.lines = list(self._logical(Layout(source, faults).process(scanned)))
        self.end: list[Comment] = []
        self._attach(scanner.comments)

    # --- words and lines -------------------------------------------------------------------------

    def _logical(self, stream: Iterator[Token]) -> Iterator[Line]:
        depth = 0
        words: list[Word] = []
        for token in _without_formats(stream, self.text):
            if token.type == "_INDENT":
                depth += 1
            elif token.type == "_DEDENT":
                depth -= 1
            elif token.type == "_NEWLINE":
                if words:
                    yield from self._split(depth, words)
                words = []
            else:
                text = self.text[token.start : token.end]
                words.append(Word(token.type, text, token.start, token.end))
                if token.type == "REFUSED":
                    yield Line(depth, words, self._column(words[0]))
                    words = []

    def _split(self, depth: int, words: list[Word]) -> Iterator[Line]:
        """`if x: a; b` is three lines."""
        column = self._column(words[0])
        if words[0].type in ("IF", "ELIF", "ELSE", "FOR", "DEF"):
            colon = suite_colon(words)
            yield Line(depth, words[: colon + 1], column)
            words, depth, column = words[colon + 1 :], depth + 1, None
        elif words[0].type in ("WORD", "KIND", "USE"):
            yield Line(depth, words, column)
            return
        statement: list[Word] = []
        brackets = 0
        for word in words:
            brackets += _NESTS.get(word.type, 0)
            if word.type == "SEMICOLON" and not brackets:
                yield Line(depth, statement, column)
                statement, column = [], None
            else:
                statement.append(word)
        if statement:
            yield Line(depth, statement, column)

    def _column(self, word: Word) -> int | None:
        """The column of a word that begins its line."""
        start = self.text.rfind("\n", 0, word.start) + 1
        blank = self.text[start : word.start]
        return None if blank.strip() else width_of(blank)

    # --- comments --------------------------------------------------------------------------------

    def _attach(self, comments: list[tuple[int, int]]) -> None:
        words = [word for line in self.lines for word in line.words]
        first = {id(line.words[0]): i for i, line in enumerate(self.lines)}
        ends = [word.end for word in words]
        text = self.text
        before: dict[int, list[Comment]] = {}  # by the index of the line that follows
        reached = 0  # up to here, blank lines belong to something
        for start, end in comments:
            at = bisect_right(ends, start)
            while at and words[at - 1].end > start:
                at -= 1
            if at < len(words) and words[at].start < start:
                continue  # inside of a code block
            body = text[start:end].rstrip()
            previous = words[at - 1] if at else None
            if previous is not None and "\n" not in text[previous.end : start]:
                previous.after = body
                reached = end
                continue
            line_start = text.rfind("\n", 0, start) + 1
            since = max(reached, previous.end if previous else 0)
            blank = blank_lines(text[since:line_start], at_start=not since)
            comment = Comment(body, start, width_of(text[line_start:start]), blank)
            reached = end
            following = words[at] if at < len(words) else None
            if following is None or id(following) in first:
                index = len(self.lines) if following is None else first[id(following)]
                before.setdefault(index, []).append(comment)
            else:
                following.before.append(comment)
        self._measure_blank_lines(before, comments)
        self._place(before)

    def _measure_blank_lines(
        self, before: dict[int, list[Comment]], comments: list[tuple[int, int]]
    ) -> None:
        ends = [end for _, end in comments]
        previous = 0
        for line in self.lines:
            start = line.words[0].start
            at = bisect_right(ends, start)
            since = max(previous, ends[at - 1] if at else 0)
            line.blank_lines = blank_lines(self.text[since:start], at_start=not since)
            previous = line.words[-1].end

    def _place(self, before: dict[int, list[Comment]]) -> None:
        """Comments between two lines go with the one or the other, by their columns."""
        widths: list[int] = []  # of the levels that are open
        for i in range(len(self.lines) + 1):
            line = self.lines[i] if i < len(self.lines) else None
            above = self.lines[i - 1] if i else None
            depth = line.depth if line else 0
            leading = before.get(i, [])
            if above is not None:
                leading = self._below(above, depth, leading, widths)
            if line is None:
                self.end = leading
                return
            line.leading = leading
            del widths[depth + 1 :]
            while len(widths) <= depth:
                widths.append((widths[-1] + 1) if widths else 0)
            if line.column is not None:
                widths[depth] = line.column

    def _below(
        self, above: Line, depth: int, comments: list[Comment], widths: list[int]
    ) -> list[Comment]:
        """Give `above` what is indented as a part of it; the rest is for the line that follows."""
        rest = iter(comments)
        allowed = above.depth
        in_items = above.kind == "WORD" and above.column is not None and depth <= above.depth
        for comment in rest:
            if in_items and above.column is not None and comment.column > above.column:
                above.tail.append(comment)
                continue
            in_items = False
            while allowed > depth and widths[allowed] > comment.column:
                allowed -= 1
            if allowed <= depth:
                return [comment, *rest]
            above.trailing.append((allowed, comment))
        return []


_NESTS = {"LPAR": 1, "LSQB": 1, "LBRACE": 1, "RPAR": -1, "RSQB": -1, "RBRACE": -1}


def suite_colon(words: list[Word]) -> int:
    """The index of the colon behind `if test`."""
    brackets = lambdas = 0
    for i, word in enumerate(words):
        brackets += _NESTS.get(word.type, 0)
        if brackets:
            continue
        if word.type == "LAMBDA":
            lambdas += 1
        elif word.type == "COLON":
            if not lambdas:
                return i
            lambdas -= 1
    raise AssertionError("a head without a colon")


def width_of(blank: str) -> int:
    """Columns of an indentation, tabs going to every eighth."""
    blank = blank[: len(blank) - len(blank.lstrip())]
    return len(blank.rpartition("\f")[2].expandtabs(8))


def blank_lines(between: str, *, at_start: bool) -> int:
    """How many lines of a stretch without words are empty."""
    count = between.count("\n")
    return count if at_start else max(0, count - 1)


def long_strings(tokens: list[Token], text: str) -> Iterator[tuple[int, int]]:
    """Where strings that go over several lines begin and end."""
    for token in _without_formats(iter(tokens), text):
        if token.type == "STRING" and "\n" in text[token.start : token.end]:
            yield token.start, token.end


def _without_formats(stream: Iterator[Token], text: str) -> Iterator[Token]:
    """Each f-string as one STRING."""
    start = depth = 0
    for token in stream:
        if token.type == "FSTART":
            start = start if depth else token.start
            depth += 1
        elif token.type == "FEND":
            depth -= 1
            if not depth:
                yield Token("STRING", text[start : token.end], start, token.end)
        elif not depth:
            yield token
