"""Runs that were cut short: flowc was killed, or the machine. Told by a log without an end."""

import os
from collections.abc import Iterator

from flowc.dataclass import dataclass
from flowc.events import Event, FilesRemoved, JobDone, RunEnded, RunStarted, from_line
from flowc.record.log import list_runs, read_log

_LOOKED_AT = 8
"""So many logs, the last ones by name: a run ends what earlier ones have left, before it starts."""
_LAST_BYTES = 4096
_STEP_BYTES = 1 << 16
_END = f'{{"event":"{RunEnded.kind}"'.encode()


@dataclass(frozen=True, slots=True)
class Undone:
    """What the last run may not have come to after it had written that it would."""

    removed: tuple[str, ...] = ()
    """`temp` files that no job needs any more: some may still be there."""
    removed_at_s: float = 0.0  # when that was written, as Unix time
    done: tuple[tuple[str, ...], ...] = ()
    """The outputs of jobs that have ended well, by job: `protected` ones may not yet be so."""


def undone(directory: str = ".") -> Undone:
    """What the last run in a directory has left undone. A run does one thing after the other, so
    it is only what stands at the very end of its log."""
    logs = list_runs(directory)
    if not logs or has_ended(logs[-1]):
        return Undone()
    removed = FilesRemoved(0.0, (), "temp")
    done: list[tuple[str, ...]] = []
    for place, event in enumerate(_backwards(logs[-1])):
        if isinstance(event, JobDone):
            done.append(event.outputs)
        elif isinstance(event, FilesRemoved) and event.why == "temp" and place == 0:
            removed = event
        else:
            break
    return Undone(removed.paths, removed.at_s, tuple(done))


def _backwards(path: str) -> Iterator[Event | None]:
    """The events of a log, the last one first; None for a line that says nothing."""
    with open(path, "rb") as file:
        left, head = file.seek(0, os.SEEK_END), b""
        while left:
            step = min(left, _STEP_BYTES)
            left -= step
            file.seek(left)
            lines = (file.read(step) + head).split(b"\n")
            head = lines[0]
            for line in reversed(lines[1:] if left else lines):
                if line:
                    yield _event(line)


def _event(line: bytes) -> Event | None:
    try:
        return from_line(line.decode("utf-8", "replace"))
    except ValueError:
        return None


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
