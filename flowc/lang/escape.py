"""A value, written so that bash reads exactly it at a given place of a command."""

import re

from flowc.lang.place import ASSIGNMENT, Place

SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
"""Means itself outside quotes (but see `RESERVED`). Anything else is quoted."""

HARMLESS = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_@%+:./-]*").fullmatch
"""Means itself at every place but the careful ones, if it is not one of `RESERVED`."""

RESERVED = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "case",
        "esac",
        "for",
        "select",
        "while",
        "until",
        "do",
        "done",
        "in",
        "function",
        "time",
        "coproc",
    ]
)

NOTHING = "${_+}"
"""Expands to nothing, whatever is set: keeps a line from being a here-document's last."""


class CannotQuoteError(Exception):
    """There is no way to write this value at this place. Says why, in the user's terms."""


def escape(value: str, place: Place, *, is_path: bool, twice: bool = False) -> str:
    """What to put at `place` so that the command gets `value`. Raises CannotQuoteError.

    A path that begins a word and starts with `-` becomes `./-...`, so that no command takes it
    for an option. `twice`: where another shell reads the word again, quote for both.
    """
    if place.reread and SAFE.fullmatch(value) is None:
        if not twice:
            raise CannotQuoteError("another shell reads this text again, as a command")
        value, is_path = single(value), False
    if is_path and place.starts_word and value[:1] == "-":
        value = "./" + value
    text = _WRITERS[place.kind](value, place)
    if place.backtick:
        text = re.sub(r'[\\$`"]' if place.backtick == "double" else r"[\\$`]", r"\\\g<0>", text)
    return text


def single(value: str) -> str:
    """In single quotes."""
    return "'" + value.replace("'", "'\\''") + "'"


def _bare(value: str, place: Place) -> str:
    if not value:
        return "''" if place.starts_word else ""
    if place.escaped:  # the backslash takes a newline; then the value stands for itself
        return value if SAFE.fullmatch(value) else "\n" + single(value)
    return value if _is_plain(value, place) else single(value)


def _is_plain(value: str, place: Place) -> bool:
    """Whether `value` may stand outside quotes as it is."""
    if SAFE.fullmatch(value) is None or value in RESERVED:
        return False
    if place.before_redirect and value.isdigit():
        return False
    if place.starts_word and value[0] in "-=":  # operators of [[ ]]
        return False
    if place.in_braces and ("," in value or ".." in value):
        return False
    return "=" not in value or (place.starts_word and ASSIGNMENT.match(value) is None)


def _behind_backslash(text: str, place: Place) -> str:
    """In text where a backslash is itself unless something special follows: keep it so."""
    return "\\" + text if place.escaped and text and text[0] in BEHIND_BACKSLASH else text


BEHIND_BACKSLASH = '\\$`\n"\x01\x7f'
BASH_MARKS = re.compile(r"[\x01\x7f]")
"""bash uses these two inside itself and mixes them up with those of the text: it doubles them in
`a=("...")`, and worse. In $'...' they are safe."""


def _double(value: str, place: Place) -> str:
    text = re.sub(r'[\\$`"]', r"\\\g<0>", value)
    if BASH_MARKS.search(value):
        text = text.replace("\x01", "\"$'\\001'\"").replace("\x7f", "\"$'\\177'\"")
    return _behind_backslash(text, place)


def _single(value: str, place: Place) -> str:
    return value.replace("'", "'\\''")


def _ansi(value: str, place: Place) -> str:
    if place.escaped:
        raise CannotQuoteError("the backslash before it changes the meaning of the first character")
    return re.sub(r"[\\']", r"\\\g<0>", value)


def _default(value: str, place: Place) -> str:
    """In "${x:-...}" bash still sees single quotes and `<(`, unless they are quoted once more."""
    if place.escaped:
        return _strict(value, place)
    return re.sub(r"['(]", r'"\g<0>"', re.sub(r'[\\$`"}]', r"\\\g<0>", value))


def _comment(value: str, place: Place) -> str:
    return value.replace("\n", " ")


def _here(value: str, place: Place) -> str:
    text = re.sub(r"[\\$`]", r"\\\g<0>", value).replace("\n", "\n" + NOTHING)
    ends = not place.line_is_free and value in place.delimiter  # with its neighbours, perhaps
    if ends or "\n" in value or (place.strips_tabs and value[:1] == "\t"):
        text = NOTHING + text
    return _behind_backslash(text, place)


def _verbatim(value: str, place: Place) -> str:
    """`ends_document` must look at the whole line later."""
    if place.strips_tabs and (value[:1] == "\t" or "\n\t" in value):
        raise CannotQuoteError("the here-document (`<<-`) drops the tab at the start of its line")
    return value


def _strict(value: str, place: Place) -> str:
    if SAFE.fullmatch(value) is None:
        raise CannotQuoteError("nothing can be quoted at this place of a command")
    return value


def _dollar(value: str, place: Place) -> str:
    raise CannotQuoteError("the `$` before it makes it the name of a variable")


def _plain(value: str, place: Place) -> str:
    return value


_WRITERS = {
    "bare": _bare,
    "double": _double,
    "single": _single,
    "ansi": _ansi,
    "default": _default,
    "comment": _comment,
    "here": _here,
    "verbatim": _verbatim,
    "strict": _strict,
    "dollar": _dollar,
    "plain": _plain,
}


def ends_document(command: str, start: int, end: int, place: Place) -> bool:
    """Whether a line of the finished `command` that touches `start:end` is the delimiter."""
    first = command.rfind("\n", 0, start) + 1
    last = command.find("\n", end)
    lines = command[first : last if last >= 0 else None].split("\n")
    return any(
        (line.lstrip("\t") if place.strips_tabs else line) == place.delimiter for line in lines
    )


def next_item(place: Place) -> Place:
    """The place of the second and later items of a sequence, behind a space."""
    if place.kind == "bare":
        return place._replace(starts_word=True, escaped=False)
    return place._replace(starts_word=False, escaped=False)
