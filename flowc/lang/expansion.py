"""How bash reads quotes and expansions: the inner half of the state machine of `quoting`."""

import re
from abc import ABC, abstractmethod

from flowc.lang.place import Place

SLOT = "\0"
"""Stands for a placeholder in a command's text: no command can hold a NUL."""

MAX_DEPTH = 40
"""Substitutions nested deeper than that are not followed: every slot becomes `strict`."""

DEFAULTS = re.compile(r"#?[\w@*#?$!-]+(?:\[[^\]{}$`'\"\0]*\])?:?[-+=?]", re.ASCII)


class TooDeepError(Exception):
    """More nested than anyone writes."""


class Expansions(ABC):
    """Walks over the text once; `places` grows by one for each slot."""

    def __init__(self, text: str, depth: int = 0, backtick: str = "") -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.backtick = backtick
        self.places: list[Place] = []

    # -- slots and nesting

    def slot(self, kind: str, *, reread: bool = False, **flags: bool) -> None:
        self.at += 1
        self.places.append(Place(kind, reread=reread, backtick=self.backtick, **flags))  # type: ignore[arg-type]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeepError

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

    @abstractmethod
    def commands(self, end: str) -> None:
        """Read commands up to `end`."""

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
        reader = type(self)("".join(inner), self.depth, "double" if inside == "double" else "bare")
        reader.commands("")
        for place in reader.places:  # backticks in backticks: not worth a guess
            guess = bool(self.backtick) or place.escaped
            self.places.append(place._replace(kind="strict") if guess else place)
