"""The ways in which bash reads a value that stands somewhere in a command."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?\+?=", re.ASCII)
"""How a word begins that bash takes for an assignment in front of a command."""


class Place(NamedTuple):
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
        careful = careful or (self.kind == "ansi" and self.escaped)
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
    flags: dict[str, Any] = {word: True for word in words if word in _FLAGS}
    backtick = next((w.partition("=")[2] for w in words if w.startswith("backtick=")), "")
    free = "delimits" not in words
    place = Place(kind, backtick=backtick, line_is_free=free, delimiter=delimiter)
    return place._replace(**flags)
