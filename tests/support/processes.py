"""Processes of this machine."""

from contextlib import suppress
from pathlib import Path

import psutil


def with_word(word: bytes) -> list[int]:
    """Those that have this in their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def outermost(word: bytes) -> int:
    """The one of them that is no child of another. A fork of a program has its command line."""
    found = with_word(word)
    (one,) = [pid for pid in found if psutil.Process(pid).ppid() not in found]
    return one


def states(word: bytes) -> set[str]:
    """What they are doing, in psutil's words."""
    found = set()
    for pid in with_word(word):
        with suppress(psutil.NoSuchProcess):
            found.add(str(psutil.Process(pid).status()))
    return found
