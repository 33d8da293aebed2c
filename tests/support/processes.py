"""Processes of this machine."""

from pathlib import Path


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
