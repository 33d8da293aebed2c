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
from dataclasses import dataclass, field, replace
from functools import lru_cache

SLOT = "\0"
MAX_DEPTH = 40
"""Substitutions nested deeper than that are not followed: every slot becomes `strict`."""


@dataclass(frozen=True, slots=True)
class Place:
    """How bash reads one slot.

    `kind` is one of
      bare      outside quotes
      double    inside "..."
      single    inside '...'
      ansi      inside $'...'
      default   inside the word of "${x:-...}"
      comment   behind #
      here      in a here-document that is expanded
      verbatim  in a here-document whose delimiter is quoted
      strict    where nothing can be quoted: arithmetic, the name in ${...}, patterns
      dollar    behind a $ that would take the value for a variable's name
      plain     not a shell's text at all
    """

    kind: str
    starts_word: bool = False  # the value is the first thing in its word
    escaped: bool = False  # a backslash stands before it
    before_redirect: bool = False  # `{n}>`: a number would be taken for a file descriptor
    in_braces: bool = False  # within `{a,...}`: a comma would divide the word
    reread: bool = False  # another shell reads the word again: `eval`, `bash -c`
    backtick: str = ""  # "bare" or "double": within `...`, standing outside or inside "..."
    strips_tabs: bool = False  # here-document begun by <<-
    line_is_free: bool = True  # False: a value could make this line the delimiter
    delimiter: str = ""  # of the here-document

    def __str__(self) -> str:
        """The text form kept in a `Placeholder`; `!` at its end: no value is harmless here."""
        words = [self.kind]
        words += [n for n in _FLAGS if getattr(self, n)]
        if self.backtick:
            words.append(f"backtick={self.backtick}")
        if not self.line_is_free:
            words.append("delimits")
        if self.kind in ("here", "verbatim"):
            words.append(f"delimiter={self.delimiter}")
        careful = self.before_redirect or self.in_braces or self.kind in ("here", "verbatim")
        return " ".join(words) + (" !" if careful else "")

    @staticmethod
    def parse(text: str) -> "Place":
        """Read back what `str` gave."""
        return _parse_place(text)


_FLAGS = ("starts_word", "escaped", "before_redirect", "in_braces", "reread", "strips_tabs")


@lru_cache(maxsize=512)
def _parse_place(text: str) -> Place:
    text, _, delimiter = text.removesuffix(" !").partition(" delimiter=")
    kind, *words = text.split(" ")
    flags = {word: True for word in words if word in _FLAGS}
    backtick = next((w.partition("=")[2] for w in words if w.startswith("backtick=")), "")
    free = "delimits" not in words
    return Place(kind, **flags, backtick=backtick, line_is_free=free, delimiter=delimiter)  # type: ignore[arg-type]


def read_places(command: str) -> list[Place]:
    """One `Place` for each SLOT in `command`, in order."""
    reader = _Reader(command)
    try:
        reader.commands("")
    except _TooDeepError:
        return [Place("strict")] * command.count(SLOT)
    return reader.places


class _TooDeepError(Exception):
    """More nested than anyone writes."""


@dataclass(slots=True)
class _Frame:
    """Where we are in one list of commands: at top level or in `$(`, `(`, `<(`."""

    end: str  # ")" or "" for the end of the text
    words: list[str] = field(default_factory=list)  # of the current simple command, unquoted
    word: list[str] | None = None  # pieces of the current word; None between words
    braces: int = 0  # open { in the current word
    is_target: bool = False  # the word belongs to a redirection
    is_delimiter: str = ""  # "<<" or "<<-": the word ends a here-document
    raw_from: int = 0
    cases: list[str] = field(default_factory=list)  # "subject", "pattern" or "body"
    condition: str = ""  # in [[ ]]: "test", or "number" where its operators calculate

    def add(self, text: str) -> None:
        if self.word is None:
            self.word = []
            self.braces = 0
        self.word.append(text)

    @property
    def at_start(self) -> bool:
        """Nothing of the current word has come yet, empty quotes aside."""
        return not self.word or not any(self.word)

    @property
    def in_subscript(self) -> bool:
        """In `name[...`, which bash calculates."""
        return bool(self.word) and SUBSCRIPT.fullmatch("".join(self.word or ())) is not None


PLAIN = re.compile(r"[^\0\\'\"$`#\s;&|()<>{}\[\]]+")
LEADERS = frozenset("if then else elif do while until { ! time".split())
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?\+?=", re.ASCII)
SUBSCRIPT = re.compile(r"[A-Za-z_]\w*\[[^\]]*", re.ASCII)
SHELLS = frozenset("sh bash dash ksh mksh zsh ash busybox su fish".split())
REREADERS = frozenset("eval ssh parallel watch trap let unset".split())
PASSERS = frozenset("command builtin exec nohup nice sudo env time".split())
RUN_OPTION = re.compile(r"-[A-Za-z]*c|--command")
DEFAULTS = re.compile(r"#?[\w@*#?$!-]+(?:\[[^\]{}$`'\"\0]*\])?:?[-+=?]", re.ASCII)
CALCULATES = re.compile(r"\s-(?:eq|ne|lt|le|gt|ge|v)\s")


def _is_reread(frame: _Frame) -> bool:
    """Whether the current word is a command line for another shell."""
    words = frame.words
    if not words:
        return False
    first = words[0]
    if first in PASSERS:
        first = next((w for w in words[1:] if w not in PASSERS and w[:1] != "-"), first)
    if first.rpartition("/")[2] in REREADERS:
        return first != "trap" or len(words) == 1
    last = words[-1]
    return RUN_OPTION.fullmatch(last) is not None and any(
        w.rpartition("/")[2] in SHELLS for w in words[:-1]
    )


class _Reader:
    """Walks over the text once; `places` grows by one for each slot."""

    def __init__(self, text: str, depth: int = 0, backtick: str = "") -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.backtick = backtick
        self.places: list[Place] = []
        self.documents: list[tuple[str, bool, bool]] = []  # delimiter, quoted, strips tabs

    # -- slots and nesting

    def slot(self, kind: str, *, reread: bool = False, **flags: bool) -> None:
        self.at += 1
        self.places.append(Place(kind, reread=reread, backtick=self.backtick, **flags))  # type: ignore[arg-type]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError

    def strict(self, end: str) -> None:
        """Skip to `end`, brackets balanced; every slot on the way is strict."""
        self.deeper()
        text, pairs = self.text, {"(": ")", "{": "}", "[": "]"}
        stack = [end]
        while self.at < len(text) and stack:
            char = text[self.at]
            if text.startswith(stack[-1], self.at):
                self.at += len(stack.pop())
            elif char == SLOT:
                self.slot("strict")
            elif char == "\\":
                self.at += 1 if self.peek(1) == SLOT else 2
            elif char == "'" and end == "}" and "'" in text[self.at + 1 :]:
                self.quoted("single", reread=False, start=False)
            elif char == '"' and end == "}":
                self.at += 1
                stack.append('"')
            else:
                if char in pairs and stack[-1] != '"':
                    stack.append(pairs[char])
                self.at += 1
        self.depth -= 1

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    # -- lists of commands

    def commands(self, end: str) -> None:
        """Read commands up to `end`."""
        self.deeper()
        frame = _Frame(end)
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

    def end_word(self, frame: _Frame) -> None:
        """The current word is complete: what does it mean to the command?"""
        if frame.word is None:
            return
        word = "".join(frame.word)
        frame.word = None
        if frame.is_delimiter:
            raw = self.text[frame.raw_from : self.at]
            quoted = any(c in raw for c in "\\'\"")
            self.documents.append((word, quoted, frame.is_delimiter == "<<-"))
            frame.is_delimiter = ""
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

    def _is_case_word(self, frame: _Frame, word: str) -> bool:
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

    def end_command(self, frame: _Frame) -> None:
        self.end_word(frame)
        if not frame.condition and not (frame.cases and frame.cases[-1] == "subject"):
            frame.words.clear()
        frame.is_target = False

    # -- what a character does; True: the frame has ended

    def _literal(self, frame: _Frame) -> bool:
        frame.add(self.text[self.at])
        self.at += 1
        return False

    def _brace(self, frame: _Frame) -> bool:
        char = self.text[self.at]
        frame.add(char)
        frame.braces += 1 if char == "{" else -1
        self.at += 1
        return False

    def _slot(self, frame: _Frame) -> bool:
        self._bare_slot(frame, escaped=False)
        return False

    def _bare_slot(self, frame: _Frame, *, escaped: bool) -> None:
        start = frame.at_start and not escaped
        strict = frame.condition == "number" or frame.is_delimiter or frame.in_subscript
        kind = "strict" if strict else "bare"
        self.slot(
            kind,
            reread=_is_reread(frame),
            starts_word=start,
            escaped=escaped,
            before_redirect=self.peek(1) in ("<", ">") and self.peek(1) != "",
            in_braces=frame.word is not None and frame.braces > 0,
        )
        frame.add(SLOT)

    def _backslash(self, frame: _Frame) -> bool:
        following = self.peek(1)
        if following == SLOT:
            self.at += 1
            self._bare_slot(frame, escaped=True)
        else:
            if following != "\n":  # a continued line is no character at all
                frame.add(following or "\\")
            self.at += 2
        return False

    def _space(self, frame: _Frame) -> bool:
        self.end_word(frame)
        self.at += 1
        return False

    def _newline(self, frame: _Frame) -> bool:
        self.end_command(frame)
        self.at += 1
        if self.documents:
            self.here_documents()
        return False

    def _hash(self, frame: _Frame) -> bool:
        if frame.word is not None:
            return self._literal(frame)
        while self.at < len(self.text) and self.text[self.at] != "\n":
            if self.text[self.at] == SLOT:
                self.slot("comment")
            else:
                self.at += 1
        return False

    def _quote(self, frame: _Frame) -> bool:
        start, begin = frame.at_start, self.at + 1
        reread = _is_reread(frame)
        frame.add("")
        if self.text[self.at] == "'":
            kind = "strict" if frame.condition == "number" else "single"
            self.quoted(kind, reread=reread, start=start)
        else:
            self.double(reread=reread, start=start, strict=frame.condition == "number")
        frame.add(self.text[begin : self.at - 1])
        return False

    def _dollar(self, frame: _Frame) -> bool:
        following = self.peek(1)
        if following in ("'", '"'):
            self.at += 1
            if following == '"':
                return self._quote(frame)
            start, begin = frame.at_start, self.at + 1
            frame.add("")
            self.quoted("ansi", reread=_is_reread(frame), start=start)
            frame.add(self.text[begin : self.at - 1])
            return False
        start = frame.at_start
        frame.add("$")
        self.expansion(inside="bare", start=start, reread=_is_reread(frame))
        return False

    def _backtick(self, frame: _Frame) -> bool:
        frame.add("`")
        self.backticks("bare")
        return False

    def _open(self, frame: _Frame) -> bool:
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

    def _inner(self, frame: _Frame) -> None:
        """A `(`: subshell, array, extended pattern, or grouping in `[[ ]]`."""
        if not frame.condition:
            self.commands(")")
            return
        self.deeper()
        inner = _Frame(")", condition=frame.condition)
        while self.at < len(self.text):
            if ACTIONS.get(self.text[self.at], _Reader._literal)(self, inner):
                break
        self.depth -= 1

    def _close(self, frame: _Frame) -> bool:
        self.end_word(frame)
        self.at += 1
        if frame.cases and frame.cases[-1] == "pattern":
            frame.cases[-1] = "body"
            frame.words.clear()
            return False
        self.end_command(frame)
        return frame.end == ")"

    def _separator(self, frame: _Frame) -> bool:
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

    def _redirect(self, frame: _Frame) -> bool:
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
            frame.is_delimiter, frame.raw_from = mark, self.at
        elif not frame.condition:
            frame.is_target = True
        return False

    # -- quotes and expansions

    def quoted(self, kind: str, *, reread: bool, start: bool) -> None:
        """'...' or $'...': from its opening quote to behind its closing one."""
        text = self.text
        self.at += 1
        begin = self.at
        while self.at < len(text):
            char = text[self.at]
            if char == "'":
                break
            if char == SLOT:
                self.slot(kind, reread=reread, starts_word=start and self.at == begin)
            elif char == "\\" and kind == "ansi":
                self.at += 1
                if self.peek() == SLOT:
                    self.slot(kind, escaped=True)
                else:
                    self.at += 1
            else:
                self.at += 1
        self.at += 1

    def double(self, *, reread: bool, start: bool, strict: bool = False) -> None:
        """ "...": from its opening quote to behind its closing one."""
        text = self.text
        self.at += 1
        begin = self.at
        kind = "strict" if strict else "double"
        while self.at < len(text):
            char = text[self.at]
            if char == '"':
                break
            if char == SLOT:
                self.slot(kind, reread=reread, starts_word=start and self.at == begin)
            elif char == "\\":
                self._escape_in(kind, reread)
            elif char == "$":
                self.expansion(inside="double", start=start and self.at == begin, reread=reread)
            elif char == "`":
                self.backticks("double")
            else:
                self.at += 1
        self.at += 1

    def _escape_in(self, kind: str, reread: bool) -> None:
        self.at += 1
        if self.peek() == SLOT:
            self.slot(kind, escaped=True, reread=reread)
        else:
            self.at += 1

    def expansion(self, *, inside: str, start: bool, reread: bool) -> None:
        """At a `$` that begins no quote: `$(`, `$((`, `${`, `$[`, a slot, or nothing special."""
        self.at += 1
        following = self.peek()
        if following == SLOT:
            self.slot("dollar")
        elif following == "(":
            self.at += 1
            if self.peek() == "(" and self._closes_twice():
                self.at += 1
                self.strict("))")
            else:
                self.commands(")")
        elif following == "{":
            self.at += 1
            self.parameter(inside, start=start, reread=reread)
        elif following == "[":
            self.at += 1
            self.strict("]")
        elif following in ("$", "#"):
            self.at += 1

    def _closes_twice(self) -> bool:
        """At the second `(` of `((`: whether it is arithmetic, closed by `))`."""
        depth, at = 0, self.at
        for at in range(self.at, len(self.text)):
            char = self.text[at]
            depth += (char == "(") - (char == ")")
            if depth == 0:
                break
        return self.text[at + 1 : at + 2] == ")"

    def parameter(self, inside: str, *, start: bool, reread: bool) -> None:
        """`${...}`, from behind its brace. Only the word of a default can be quoted."""
        found = DEFAULTS.match(self.text, self.at)
        if found is None or inside == "here":
            self.strict("}")
            return
        self.deeper()
        self.at = begin = found.end()
        kind = "bare" if inside == "bare" else "default"
        while self.at < len(self.text):
            char = self.text[self.at]
            first = start and self.at == begin
            if char == "}":
                break
            if char == SLOT:
                self.slot(kind, starts_word=first, reread=reread)
            elif char == "\\":
                self._escape_in(kind, reread)
            elif char == "'" and kind == "bare":
                self.quoted("single", reread=reread, start=first)
            elif char == '"':  # inside "..." the quotes end and begin again: not for a value
                self.double(reread=reread, start=first, strict=kind == "default")
            elif char == "$":
                self.expansion(inside=inside, start=first, reread=reread)
            elif char == "`":
                self.backticks(inside)
            else:
                self.at += 1
        self.at += 1
        self.depth -= 1

    def backticks(self, inside: str) -> None:
        """`...`: its text loses one level of backslashes and is then read as commands."""
        self.at += 1
        inner: list[str] = []
        text = self.text
        special = "\\`$" + ('"' if inside == "double" else "")
        while self.at < len(text) and text[self.at] != "`":
            if text[self.at] == "\\" and self.peek(1) and self.peek(1) in special:
                self.at += 1
            inner.append(text[self.at])
            self.at += 1
        self.at += 1
        reader = _Reader("".join(inner), self.depth, "double" if inside == "double" else "bare")
        reader.commands("")
        for place in reader.places:  # backticks in backticks: not worth a guess
            guess = bool(self.backtick) or place.escaped
            self.places.append(replace(place, kind="strict") if guess else place)

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
                self.places[i] = replace(self.places[i], kind="strict")

    def _document_slot(self, begin: int, place: Place, *, escaped: bool) -> None:
        start = max(self.text.rfind("\n", 0, self.at) + 1, begin)
        stop = self.text.find("\n", self.at)
        line = self.text[start : stop if stop >= 0 else None]
        if place.strips_tabs:
            line = line.lstrip("\t")
        shape = ".*".join(re.escape(piece) for piece in line.split(SLOT))
        free = re.fullmatch(shape, place.delimiter) is None
        self.places.append(
            replace(place, escaped=escaped, line_is_free=free, backtick=self.backtick)
        )
        self.at += 1


ACTIONS: dict[str, Callable[[_Reader, _Frame], bool]] = {
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
