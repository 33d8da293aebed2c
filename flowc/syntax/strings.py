"""What a string literal stands for: its escapes, read as Python reads them.

As in Python, a backslash before any other character stays: `"\\."` is a backslash and a dot.
"""

import re

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span

# fmt: off
_PLAIN = {"\n": "", "\r": "", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f",
          "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# fmt: on
_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<x>[0-9a-fA-F]{0,2})|u(?P<u>[0-9a-fA-F]{0,4})"
    r"|U(?P<U>[0-9a-fA-F]{0,8})|N(?P<N>\{[^{}\r\n]*\})?|(?P<newline>\r\n)|(?P<other>.))",
    re.DOTALL,
)
_DIGITS = {"x": 2, "u": 4, "U": 8}


def decode(source: Source, start: int, end: int, faults: list[Diagnostic]) -> str:
    """The text that `source.text[start:end]`, the inside of a string that is not raw, means."""
    text = source.text[start:end]
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        kind = found.lastgroup
        if kind == "other":
            char = found["other"]
            return _PLAIN.get(char, "\\" + char)
        if kind == "newline":
            return ""
        value = chr(int(found["octal"], 8)) if kind == "octal" else _code_point(found)
        if value is None:
            at = start + found.start()
            span = Span(source, at, start + found.end())
            faults.append(Diagnostic("bad-escape", _why(found), span, hint=_HINT))
        return value or ""

    return _ESCAPE.sub(one, text)


_HINT = "double the backslash, or put `r` before the string, if a backslash is meant"


def _code_point(found: re.Match[str]) -> str | None:
    kind = found[0][1]
    if kind == "N":
        import unicodedata  # a large table that few files need

        try:
            return unicodedata.lookup((found["N"] or "{}")[1:-1])
        except (KeyError, ValueError):
            return None
    digits = found[kind]
    if len(digits) < _DIGITS[kind] or int(digits, 16) > 0x10FFFF:
        return None
    return chr(int(digits, 16))


def _why(found: re.Match[str]) -> str:
    kind = found[0][1]
    if kind == "N":
        return f"`{found[0]}` names no Unicode character"
    if len(found[kind]) == _DIGITS[kind]:
        return f"`{found[0]}` is beyond the last Unicode character"
    return f"`\\{kind}` in a string needs {_DIGITS[kind]} hexadecimal digits behind it"
