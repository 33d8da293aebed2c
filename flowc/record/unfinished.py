"""Runs that were cut short: flowc was killed, or the machine. Told by a log without an end."""

import os
from collections.abc import Iterator

from flowc.events import RunEnded, RunStarted
from flowc.record.log import list_runs, read_log

_LOOKED_AT = 8
"""So many logs, the last ones by name: a run ends what earlier ones have left, before it starts."""
_LAST_BYTES = 4096
_END = f'{{"event":"{RunEnded.kind}"'.encode()


def cut_short(directory: str = ".") -> Iterator[RunStarted]:
    """The beginnings of the latest runs in a directory that have no end."""
    for path in list_runs(directory)[-_LOOKED_AT:]:
        if not has_ended(path):
            first = next(read_log(path), None)
            if isinstance(first, RunStarted):
                yield first


def has_ended(path: str) -> bool:
    """Whether the last line of a log is the end of its run."""
    return last_line(path).startswith(_END)


def last_line(path: str) -> bytes:
    """Of a log; without its beginning where it is very long."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LAST_BYTES))
            data = file.read()
    except OSError:
        return b""
    return data[data.rfind(b"\n", 0, -1) + 1 :]
