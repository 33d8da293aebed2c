"""How bash reads each place of a command: the state machine behind safe quoting.

A command's text comes with a `SLOT` (NUL, which no command can hold) for each placeholder.
`read_places` walks over it as bash's own parser would and says, for each slot, in what quoting it
stands. What a value must look like there is the business of `escape`.

The walk knows quotes, escapes, comments, here-documents, substitutions, parameter expansions,
arithmetic, `[[ ]]` and `case`. Where a value would be read again by another shell (`eval`,
`bash -c`), or is read as an expression, the place is marked, and only harmless values may stand
there: refusing is better than guessing.
"""

import re
from collections.abc import Callable

from flowc.lang.expansion import SLOT, Expansions, TooDeepError
from flowc.lang.frame import Frame, is_reread
from flowc.lang.place import ASSIGNMENT, Place

__all__ = ["SLOT", "Place", "read_places"]


PLAIN = re.compile(r"[^\0\\'\"$`#\s;&|()<>{}\[\]]+")
LEADERS = frozenset(["if", "then", "else", "elif", "do", "while", "until", "{", "!", "time"])
CALCULATES = re.compile(r"\s-(?:eq|ne|lt|le|gt|ge|v)\s")


def read_places(command: str) -> list[Place]:
    """One `Place` for each SLOT in `command`, in order."""
    reader = _Reader(command)
    try:
        reader.commands("")
    except TooDeepError:
        return [Place("strict")] * command.count(SLOT)
    return reader.places


class _Reader(Expansions):
    """Walks over the text once; `places` grows by one for each slot."""

    def __init__(self, text: str, depth: int = 0, backtick: str = "") -> None:
        super().__init__(text, depth, backtick)
        self.documents: list[tuple[str, bool, bool]] = []  # delimiter, quoted, strips tabs

    # -- lists of commands

    def commands(self, end: str) -> None:
        """Read commands up to `end`."""
        self.deeper()
        frame = Frame(end)
        text = self.text
        while self.at < len(text):
            found = PLAIN.match(text, self.at)
            if found is not None:
                self.at = found.end()
                frame.add(found[0])
            elif ACTIONS.get(text[self.at], _Reader._literal)(self, frame):
                break
        self.end_word(frame)
        self.depth -= 1

    def end_word(self, frame: Frame) -> None:
        """The current word is complete: what does it mean to the command?"""
        if frame.word is None:
            return
        word = "".join(frame.word)
        frame.word = None
        if frame.delimiter_mark:
            raw = self.text[frame.raw_from : self.at]
            quoted = any(c in raw for c in "\\'\"")
            self.documents.append((word, quoted, frame.delimiter_mark == "<<-"))
            frame.delimiter_mark = ""
            return
        if frame.is_target:
            frame.is_target = False
            return
        if frame.cases and self._is_case_word(frame, word):
            return
        if frame.condition:
            if word == "]]":
                frame.condition = ""
            return
        if not frame.words and (word in LEADERS or ASSIGNMENT.match(word)):
            return
        if not frame.words and word == "[[":
            until = self.text.find("]]", self.at)
            inner = self.text[self.at : until if until >= 0 else None]
            frame.condition = "number" if CALCULATES.search(inner) else "test"
        elif not frame.words and word == "case":
            frame.cases.append("subject")
        frame.words.append(word)

    def _is_case_word(self, frame: Frame, word: str) -> bool:
        """Follow `case x in a) ... ;; esac`; whether `word` was one of its own."""
        state = frame.cases[-1]
        if state == "subject" and word == "in" and len(frame.words) >= 2:
            frame.cases[-1] = "pattern"
            frame.words.clear()
            return True
        if word == "esac" and not frame.words and state != "subject":
            frame.cases.pop()
            return True
        return False

    def end_command(self, frame: Frame) -> None:
        self.end_word(frame)
        if not frame.condition and not (frame.cases and frame.cases[-1] == "subject"):
            frame.words.clear()
        frame.is_target = False

    # -- what a character does; True: the frame has ended

    def _literal(self, frame: Frame) -> bool:
        frame.add(self.text[self.at])
        self.at += 1
        return False

    def _brace(self, frame: Frame) -> bool:
        char = self.text[self.at]
        frame.add(char)
        frame.braces += 1 if char == "{" else -1
        self.at += 1
        return False

    def _slot(self, frame: Frame) -> bool:
        self._bare_slot(frame, escaped=False)
        return False

    def _bare_slot(self, frame: Frame, *, escaped: bool) -> None:
        start = frame.at_start and not escaped
        strict = frame.condition == "number" or frame.delimiter_mark or frame.in_subscript
        kind = "strict" if strict else "bare"
        self.slot(
            kind,
            reread=is_reread(frame),
            starts_word=start,
            escaped=escaped,
            before_redirect=self.peek(1) in ("<", ">") and self.peek(1) != "",
            in_braces=frame.word is not None and frame.braces > 0,
        )
        frame.add(SLOT)

    def _backslash(self, frame: Frame) -> bool:
        following = self.peek(1)
        if following == SLOT:
            self.at += 1
            self._bare_slot(frame, escaped=True)
        else:
            if following != "\n":  # a continued line is no character at all
                frame.add(following or "\\")
            self.at += 2
        return False

    def _space(self, frame: Frame) -> bool:
        self.end_word(frame)
        self.at += 1
        return False

    def _newline(self, frame: Frame) -> bool:
        self.end_command(frame)
        self.at += 1
        if self.documents:
            self.here_documents()
        return False

    def _hash(self, frame: Frame) -> bool:
        if frame.word is not None:
            return self._literal(frame)
        while self.at < len(self.text) and self.text[self.at] != "\n":
            if self.text[self.at] == SLOT:
                self.slot("comment")
            else:
                self.at += 1
        return False

    def _quote(self, frame: Frame) -> bool:
        start, begin = frame.at_start, self.at + 1
        reread = is_reread(frame)
        frame.add("")
        if self.text[self.at] == "'":
            kind = "strict" if frame.condition == "number" else "single"
            self.quoted(kind, reread=reread, start=start)
        else:
            self.double(reread=reread, start=start, strict=frame.condition == "number")
        frame.add(self.text[begin : self.at - 1])
        return False

    def _dollar(self, frame: Frame) -> bool:
        following = self.peek(1)
        if following in ("'", '"'):
            self.at += 1
            if following == '"':
                return self._quote(frame)
            start, begin = frame.at_start, self.at + 1
            frame.add("")
            self.quoted("ansi", reread=is_reread(frame), start=start)
            frame.add(self.text[begin : self.at - 1])
            return False
        start = frame.at_start
        frame.add("$")
        self.expansion(inside="bare", start=start, reread=is_reread(frame))
        return False

    def _backtick(self, frame: Frame) -> bool:
        frame.add("`")
        self.backticks("bare")
        return False

    def _open(self, frame: Frame) -> bool:
        if frame.word is not None and self.peek(1) == ")":  # f() { ...
            self.at += 2
            self.end_command(frame)
            return False
        calculates = self.text.startswith("((", self.at) and frame.word is None
        calculates = calculates and frame.words in ([], ["for"])
        in_pattern = bool(frame.cases) and frame.cases[-1] == "pattern" and frame.word is None
        if frame.word is None and not frame.condition and not in_pattern:
            self.end_command(frame)
        self.at += 1
        if calculates and self._closes_twice():
            self.at += 1
            self.strict("))")
        elif not in_pattern:
            if frame.word is not None:
                frame.add("(")
            self._inner(frame)
        return False

    def _inner(self, frame: Frame) -> None:
        """A `(`: subshell, array, extended pattern, or grouping in `[[ ]]`."""
        if not frame.condition:
            self.commands(")")
            return
        self.deeper()
        inner = Frame(")", condition=frame.condition)
        while self.at < len(self.text):
            if ACTIONS.get(self.text[self.at], _Reader._literal)(self, inner):
                break
        self.depth -= 1

    def _close(self, frame: Frame) -> bool:
        self.end_word(frame)
        self.at += 1
        if frame.cases and frame.cases[-1] == "pattern":
            frame.cases[-1] = "body"
            frame.words.clear()
            return False
        self.end_command(frame)
        return frame.end == ")"

    def _separator(self, frame: Frame) -> bool:
        text = self.text
        if text.startswith("&>", self.at):
            self.end_word(frame)
            self.at += 1
            return self._redirect(frame)
        self.end_command(frame)
        for mark in (";;&", ";&", ";;"):
            if text.startswith(mark, self.at):
                self.at += len(mark)
                if frame.cases and frame.cases[-1] == "body":
                    frame.cases[-1] = "pattern"
                return False
        self.at += 1
        return False

    def _redirect(self, frame: Frame) -> bool:
        text = self.text
        if frame.word is not None and "".join(frame.word).isdigit():
            frame.word = None  # 2> file: not a word of the command
        self.end_word(frame)
        for mark in ("<<<", "<<-", "<<", "<(", ">(", ">>", ">&", ">|", "<&", "<>", "<", ">"):
            if text.startswith(mark, self.at):
                break
        self.at += len(mark)
        if mark.endswith("("):
            frame.add("<(")
            self.commands(")")
        elif mark in ("<<", "<<-") and not frame.condition:
            while self.peek() in (" ", "\t") and self.peek():
                self.at += 1
            frame.delimiter_mark, frame.raw_from = mark, self.at
        elif not frame.condition:
            frame.is_target = True
        return False

    # -- here-documents

    def here_documents(self) -> None:
        """Read the bodies of the documents that were announced on the line before."""
        pending, self.documents = self.documents, []
        for delimiter, quoted, strips in pending:
            begin = end = self.at
            while self.at < len(self.text):
                newline = self.text.find("\n", self.at)
                newline = len(self.text) if newline < 0 else newline
                line, end = self.text[self.at : newline], self.at
                self.at = newline + 1
                if (line.lstrip("\t") if strips else line) == delimiter:
                    break
                end = newline
            kind = "verbatim" if quoted else "here"
            self._document(begin, end, Place(kind, delimiter=delimiter, strips_tabs=strips))

    def _document(self, begin: int, end: int, place: Place) -> None:
        """The slots between `begin` and `end`, the lines of one document."""
        after, self.at = self.at, begin
        whole, self.text = self.text, self.text[:end]
        while self.at < end:
            char = self.text[self.at]
            if char == SLOT:
                self._document_slot(begin, place, escaped=False)
            elif place.kind == "verbatim" or char not in "\\$`":
                self.at += 1
            elif char == "\\":
                self.at += 1
                if self.peek() == SLOT:
                    self._document_slot(begin, place, escaped=True)
                else:
                    self.at += 1
            else:
                self._in_document(char)
        self.at, self.text = after, whole

    def _in_document(self, char: str) -> None:
        """An expansion in a document. Its values could end the document: harmless ones only."""
        before = len(self.places)
        if char == "$":
            self.expansion(inside="here", start=False, reread=False)
        else:
            self.backticks("bare")
        for i in range(before, len(self.places)):
            if self.places[i].kind != "dollar":
                self.places[i] = self.places[i]._replace(kind="strict")

    def _document_slot(self, begin: int, place: Place, *, escaped: bool) -> None:
        start = max(self.text.rfind("\n", 0, self.at) + 1, begin)
        stop = self.text.find("\n", self.at)
        line = self.text[start : stop if stop >= 0 else None]
        if place.strips_tabs:
            line = line.lstrip("\t")
        shape = ".*".join(re.escape(piece) for piece in line.split(SLOT))
        free = re.fullmatch(shape, place.delimiter) is None
        self.places.append(
            place._replace(escaped=escaped, line_is_free=free, backtick=self.backtick)
        )
        self.at += 1


ACTIONS: dict[str, Callable[[_Reader, Frame], bool]] = {
    SLOT: _Reader._slot,
    "\\": _Reader._backslash,
    "'": _Reader._quote,
    '"': _Reader._quote,
    "$": _Reader._dollar,
    "`": _Reader._backtick,
    "#": _Reader._hash,
    " ": _Reader._space,
    "\t": _Reader._space,
    "\n": _Reader._newline,
    "(": _Reader._open,
    ")": _Reader._close,
    ";": _Reader._separator,
    "&": _Reader._separator,
    "|": _Reader._separator,
    "<": _Reader._redirect,
    ">": _Reader._redirect,
    "{": _Reader._brace,
    "}": _Reader._brace,
}
