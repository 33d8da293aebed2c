"""The event log of a run: `.flowc/runs/RUN.jsonl`, one event a line.

It alone is the truth about what has happened; the history is made from it. So what must survive
even `kill -9` is handed to the kernel, in one write, before anything else happens: before a job
starts, before the run waits, before a file is removed for which an event gives leave.
"""

import os
import time
from collections.abc import Iterator
from types import TracebackType

from flowc.events import (
    Event,
    GroupPlanned,
    JobDone,
    JobEnded,
    JobPlanned,
    JobStarted,
    JobSubmitted,
    from_line,
    to_line,
)

RUNS = ".flowc/runs"
_FURTHEST_S = 1 << 31
"""Who has set the clock further back than that has other worries."""
_LATER = frozenset({GroupPlanned, JobPlanned, JobSubmitted, JobStarted, JobEnded, JobDone})
"""There are many of these: they are written together, when the run calls `flush`."""


def new_run_id(now_s: float | None = None, pid: int | None = None) -> str:
    """`20260131-142501-4242`: sorts after every other in this directory, also where the clock was
    set back, or two runs begin within a second."""
    now_s = time.time() if now_s is None else now_s
    pid = os.getpid() if pid is None else pid
    logs = list_runs()
    last = os.path.basename(logs[-1]) if logs else ""
    ahead_s = 1
    while (name := f"{_stamp(now_s)}-{pid}") + ".jsonl" <= last and ahead_s < _FURTHEST_S:
        now_s += ahead_s
        ahead_s *= 2
    return name


def _stamp(at_s: float) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(at_s))


def log_path(run: str, directory: str = ".") -> str:
    return os.path.join(directory, RUNS, f"{run}.jsonl")


class EventLog:
    """Appends events to a log. Call it with each event: it is a listener of a run.

    Should be the first of the listeners, so that nothing is shown that is not remembered.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o666)
        self._waiting: list[str] = []
        self.size_bytes = os.fstat(self._fd).st_size  # with what waits

    def __call__(self, event: Event) -> None:
        line = to_line(event)
        self._waiting.append(line)
        self.size_bytes += len(line)  # it is ASCII
        if type(event) not in _LATER:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits. After this call it survives the end of flowc."""
        if self._waiting:
            data = "".join(self._waiting).encode("ascii")
            self._waiting.clear()
            while data:
                data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        if self._fd >= 0:
            self.flush()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_log(path: str) -> Iterator[Event]:
    """The events of a log, in order. A last line that was cut is left out, as are events that a
    later version of flowc has added, and lines that a full disk has spoiled."""
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            try:
                event = from_line(line)
            except ValueError:
                continue
            if event is not None:
                yield event


def list_runs(directory: str = ".") -> list[str]:
    """The logs there are, as paths, oldest first."""
    place = os.path.join(directory, RUNS)
    try:
        names = os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [os.path.join(place, name) for name in sorted(names) if name.endswith(".jsonl")]
