"""What was seen of one job, moment by moment, in bounded memory."""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

MOST_MOMENTS = 240
"""Of a job that is still watched. When there are more, neighbours are merged."""
SHOWN_MOMENTS = 60
"""Of a series that is kept in a file."""
CORES_WINDOW_S = 1.0
"""Cores in use are counted over no less time: the kernel tells CPU time in steps of 10 ms."""


@dataclass(slots=True)
class Moment:
    """A job's processes, all together. A merged moment has the largest of each, but the last CPU
    time."""

    at_s: float  # since the job's start
    cpu_s: float  # since then
    rss_bytes: int  # memory that processes share is counted for each
    memory_bytes: int | None  # shared memory counted once; None: not looked at
    threads: int
    processes: int
    gpu_memory_bytes: int | None = None  # on all GPUs; None: nothing tells
    gpu_use: float | None = None  # 1: one GPU, all of it


@dataclass(slots=True)
class Series:
    """Moments of one job, and the largest of each figure that was ever seen."""

    moments: list[Moment] = field(default_factory=list)
    looks: int = 0
    cores_peak: float | None = None  # None: not watched for long enough to say
    rss_peak_bytes: int = 0
    memory_peak_bytes: int = 0
    virtual_peak_bytes: int = 0  # this one and the next two: only of jobs that are told apart
    pss_peak_bytes: int = 0
    unique_peak_bytes: int = 0
    threads_peak: int = 0
    processes_peak: int = 0
    gpu_memory_peak_bytes: int | None = None
    gpu_use_peak: float | None = None
    cpu_s: float = 0.0
    every_pss_read: bool = True  # whether shared memory could be told apart whenever it mattered
    _window: deque[tuple[float, float]] = field(default_factory=lambda: deque([(0.0, 0.0)]))

    def add(self, moment: Moment) -> None:
        self.looks += 1
        self.cpu_s = max(self.cpu_s, moment.cpu_s)
        self.rss_peak_bytes = max(self.rss_peak_bytes, moment.rss_bytes)
        if moment.memory_bytes is not None:
            self.memory_peak_bytes = max(self.memory_peak_bytes, moment.memory_bytes)
        self.threads_peak = max(self.threads_peak, moment.threads)
        self.processes_peak = max(self.processes_peak, moment.processes)
        self.gpu_memory_peak_bytes = _larger(self.gpu_memory_peak_bytes, moment.gpu_memory_bytes)
        self.gpu_use_peak = _larger(self.gpu_use_peak, moment.gpu_use)
        self._cores(moment)
        self.moments.append(moment)
        if len(self.moments) > MOST_MOMENTS:
            self.moments = halve(self.moments)

    def _cores(self, moment: Moment) -> None:
        """Over all times of a second or little more that end now: where looks are far apart, the
        shortest of them may have missed what was before."""
        window = self._window
        window.append((moment.at_s, moment.cpu_s))
        while moment.at_s - window[0][0] >= CORES_WINDOW_S:
            at_s, cpu_s = window[0]
            cores = (moment.cpu_s - cpu_s) / (moment.at_s - at_s)
            self.cores_peak = max(self.cores_peak or 0.0, cores)
            if window[1][0] > moment.at_s - CORES_WINDOW_S:
                break
            window.popleft()

    def shown(self) -> list[Moment]:
        """At most `SHOWN_MOMENTS` moments, with the same peaks."""
        found = self.moments
        while len(found) > SHOWN_MOMENTS:
            found = halve(found)
        return found


def halve(moments: list[Moment]) -> list[Moment]:
    """Two neighbours become one."""
    pairs = zip(moments[::2], moments[1::2], strict=False)
    merged = [_merge(a, b) for a, b in pairs]
    return [*merged, moments[-1]] if len(moments) % 2 else merged


_Known = TypeVar("_Known", int, float)


def _larger(a: _Known | None, b: _Known | None) -> _Known | None:
    """Of what is known."""
    return b if a is None else a if b is None else max(a, b)


def _merge(a: Moment, b: Moment) -> Moment:
    return Moment(
        b.at_s,
        b.cpu_s,
        max(a.rss_bytes, b.rss_bytes),
        _larger(a.memory_bytes, b.memory_bytes),
        max(a.threads, b.threads),
        max(a.processes, b.processes),
        _larger(a.gpu_memory_bytes, b.gpu_memory_bytes),
        _larger(a.gpu_use, b.gpu_use),
    )


def cores_between(moments: list[Moment]) -> list[float]:
    """For each moment, the cores in use since the one before it."""
    found = []
    at_s = cpu_s = 0.0
    for moment in moments:
        passed_s = moment.at_s - at_s
        found.append(max(0.0, moment.cpu_s - cpu_s) / passed_s if passed_s > 0 else 0.0)
        at_s, cpu_s = moment.at_s, moment.cpu_s
    return found
