"""When a database cannot be believed any more: the history goes on without it, from the logs.

What is wrong with a file's bytes is damage. A disk that is full or read-only, or a file that
another process holds, is not: nothing is gained by a new database there.
"""

import os
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_UNUSABLE = frozenset(
    {
        "SQLITE_AUTH",
        "SQLITE_BUSY",
        "SQLITE_CANTOPEN",
        "SQLITE_FULL",
        "SQLITE_INTERRUPT",
        "SQLITE_IOERR",
        "SQLITE_LOCKED",
        "SQLITE_NOMEM",
        "SQLITE_PERM",
        "SQLITE_PROTOCOL",
        "SQLITE_READONLY",
    }
)


class DamagedError(Exception):
    """`suffix`: for the name under which the file is set aside."""

    def __init__(self, what: str, suffix: str = "damaged") -> None:
        super().__init__(what)
        self.suffix = suffix


class Replaceable(Protocol):
    def replace(self, damage: DamagedError) -> None:
        """Go on without what is damaged. Raises WorkflowError where that cannot help."""
        ...


H = TypeVar("H", bound=Replaceable)


def sound(method: Callable[Concatenate[H, P], R]) -> Callable[Concatenate[H, P], R]:
    """A method that is tried again without the database where that turns out to be damaged."""

    def tried(history: H, /, *args: P.args, **named: P.kwargs) -> R:
        try:
            return method(history, *args, **named)
        except DamagedError as damage:
            history.replace(damage)
            return method(history, *args, **named)

    tried.__doc__ = method.__doc__
    return tried


def is_damage(fault: Exception) -> bool:
    """Whether it is the file's content that is wrong."""
    name: Any = getattr(fault, "sqlite_errorname", None)
    if name is None:  # not SQLite's own error, but for text that is no text
        return "decode" in str(fault) and not isinstance(fault, OSError)
    if name == "SQLITE_IOERR_SHORT_READ":  # the file was cut
        return True
    main = "_".join(str(name).split("_")[:2])
    return main not in _UNUSABLE


def stored_name(path: str) -> str | bytes:
    """A path as SQLite takes it: text has to be UTF-8, so other names are stored as bytes."""
    if path.isascii():
        return path
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape" if _is_of_bytes(path) else "surrogatepass")
    return path


def _is_of_bytes(path: str) -> bool:
    """Whether all that is no text in it stands for bytes, as in names of files."""
    return not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in path)


def name_of(key: object) -> str:
    """The path that is stored so."""
    if isinstance(key, str):
        return key
    if not isinstance(key, bytes):
        raise DamagedError("a path in it is none")
    return os.fsdecode(key)
