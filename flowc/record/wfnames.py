"""Names in WfFormat, whose ids hold letters, digits, `-`, `.` and `_` alone.

`_` is written `__`, and any other character as `_` and two hexadecimal digits for each byte.
"""

import re

_PLAIN = re.compile(r"[^0-9a-zA-Z.-]")
_ESCAPED = re.compile(r"__|(?:_[0-9a-f]{2})+")


def escape_name(name: str) -> str:
    """The name as an id, from which `unescape_name` makes the name again."""

    def escaped(match: re.Match[str]) -> str:
        if match[0] == "_":
            return "__"
        return "".join(f"_{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))

    return _PLAIN.sub(escaped, name)


def unescape_name(id: str) -> str:
    """The name of an id that `escape_name` has made."""

    def name(match: re.Match[str]) -> str:
        if match[0] == "__":
            return "_"
        return bytes.fromhex(match[0].replace("_", "")).decode("utf-8", "surrogateescape")

    return _ESCAPED.sub(name, id)
