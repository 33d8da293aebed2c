"""What was in use at each moment, and what the jobs that were ready then waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from flowc.record.story import RunStory
from flowc.report.bars import Bar
from flowc.report.words import limit_name

BUSY, DEPENDENCIES, CORES, MEMORY, STARTING, QUEUE, PAUSED, IDLE = (
    "all cores busy",  # and nothing else was ready
    "dependencies",
    "cores",
    "memory",
    "flowc",  # something was ready and would have fitted
    "the cluster's queue",
    "paused",  # by `flowc pause`
    "nothing",  # before the first job and behind the last one
)
SHORT_S = 0.05
"""So long a job may take to start without having waited for anything."""


@dataclass(slots=True)
class Usage:
    """Columns: from `times_s[i]` to the next one the others hold. The last is the end: all zero."""

    times_s: list[float] = field(default_factory=list)
    cores: list[int] = field(default_factory=list)  # asked for by what runs, as is the memory
    memory_bytes: list[int] = field(default_factory=list)
    cores_used: list[float] = field(default_factory=list)
    memory_used: list[float] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)  # ready, and not started
    limited_by: list[str] = field(default_factory=list)
    waited_for: dict[int, str] = field(default_factory=dict)  # of a bar, by its index

    def limits_s(self) -> dict[str, float]:
        """For how long the run was limited by what."""
        found: dict[str, float] = {}
        for i, what in enumerate(self.limited_by[:-1]):
            lasted_s = self.times_s[i + 1] - self.times_s[i]
            found[what] = found.get(what, 0.0) + lasted_s
        return dict(sorted(found.items(), key=lambda item: -item[1]))


class _State:
    """What is held right now, and what is left of the totals."""

    def __init__(self, run: RunStory) -> None:
        self.totals: dict[str, float] = dict(run.limits)
        if run.cores:
            self.totals[CORES] = run.cores
        if run.memory_bytes:
            self.totals[MEMORY] = run.memory_bytes
        self.held: dict[str, float] = {}
        self.running = 0
        self.is_paused = False

    def change(self, bar: Bar, sign: int) -> None:
        self.running += sign
        for name, units in _needs(bar).items():
            self.held[name] = self.held.get(name, 0) + sign * units
        self.held[MEMORY] += sign * bar.attempt.spare_bytes

    def lacks(self, needs: Mapping[str, float]) -> str:
        """The first of what is needed that is not free; empty: all is."""
        for name, units in needs.items():
            total = self.totals.get(name)
            if total is not None and units > total - self.held.get(name, 0) + 1e-9:
                return limit_name(name)
        return ""

    def verdict(self, waiting: Bar | None, now_s: float) -> str:
        """What limits the run while this one is the next to start."""
        if waiting is not None:
            if waiting.queued_s is not None and waiting.queued_s <= now_s:
                return QUEUE
            return self.lacks(_needs(waiting)) or (PAUSED if self.is_paused else STARTING)
        if not self.running:
            return IDLE
        if self.held.get(CORES, 0) >= self.totals.get(CORES, float("inf")):
            return BUSY
        return DEPENDENCIES


def usage(run: RunStory, bars: Sequence[Bar]) -> Usage:
    """One sweep over all starts and ends. Of the jobs that wait, the next one to start says what
    is lacking."""
    found, state = Usage(), _State(run)
    moments = _moments(run, bars)
    waiting: list[tuple[float, int]] = []  # start, bar: the next to start is first
    started: set[int] = set()
    count = 0
    used = _Used(bars)
    before: dict[str, float] = {}  # what was held before the last end
    freed_s = 0.0
    at = 0
    while at < len(moments):
        now_s = moments[at][0]
        held_before = dict(state.held)
        while at < len(moments) and moments[at][0] == now_s:
            _, what, index = moments[at]
            at += 1
            if index < 0:  # the run's own
                state.is_paused = what == _PAUSE if index == _OF_PAUSES else state.is_paused
                continue
            bar = bars[index]
            if what == _SEEN:
                used.look(index)
            if what in (_SEEN, _QUEUED):
                continue
            if what == _END:
                before, freed_s = held_before, now_s
                state.change(bar, -1)
            elif what == _READY:
                heappush(waiting, (bar.start_s, index))
                count += 1
            else:
                started.add(index)
                count -= 1
                if bar.wait_s > SHORT_S:
                    lacked = before if freed_s > bar.ready_s else None
                    found.waited_for[index] = _why(run, bar, lacked)
                state.change(bar, +1)
            if what != _READY:
                used.change(index, what == _START)
        while waiting and waiting[0][1] in started:
            started.discard(heappop(waiting)[1])
        found.times_s.append(now_s)
        found.cores.append(round(state.held.get(CORES, 0)))
        found.memory_bytes.append(round(state.held.get(MEMORY, 0)))
        found.cores_used.append(max(0.0, used.cores))
        found.memory_used.append(max(0.0, used.memory))
        found.running.append(state.running)
        found.waiting.append(count)
        found.limited_by.append(state.verdict(bars[waiting[0][1]] if waiting else None, now_s))
    return found


def _why(run: RunStory, bar: Bar, before: dict[str, float] | None) -> str:
    """What a job has waited for. `before`: what was held before something was given back in time
    for it; None: nothing was."""
    if bar.queue_s is not None and bar.queue_s > SHORT_S:
        return QUEUE
    for since_s, until_s in run.pauses:
        if since_s - run.start_s < bar.start_s and until_s - run.start_s > bar.ready_s:
            return PAUSED
    if before is None:
        return STARTING
    state = _State(run)
    state.held = before
    return state.lacks(_needs(bar)) or "its turn"


class _Used:
    """What the running attempts use: as it was seen from time to time where there is a series,
    else the mean of cores and the peak of memory."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self._bars = bars
        self._now: dict[int, tuple[float, float]] = {}
        self._at: dict[int, int] = {}  # how many values of its series are past
        self.cores = self.memory = 0.0

    def change(self, index: int, begins: bool) -> None:
        """An attempt begins or ends."""
        bar = self._bars[index]
        columns = _series(bar)
        whole = (bar.used_cores or 0.0, float(bar.attempt.peak_bytes or 0))
        self._set(index, ((0.0, 0.0) if columns else whole) if begins else None)

    def look(self, index: int) -> None:
        """A moment at which it was looked at: so much until the next one."""
        columns = _series(self._bars[index])
        at = self._at.get(index, 0)
        if index not in self._now or columns is None:
            return
        self._at[index] = at + 1
        self._set(index, (columns[1][at] or 0.0, columns[2][at] or 0.0))

    def _set(self, index: int, value: tuple[float, float] | None) -> None:
        cores, memory = self._now.pop(index, (0.0, 0.0))
        self.cores -= cores
        self.memory -= memory
        if value is not None:
            self._now[index] = value
            self.cores += value[0]
            self.memory += value[1]
        elif not self._now:
            self.cores = self.memory = 0.0  # no rounding is left over


_Column = Sequence[float | None]


def _series(bar: Bar) -> tuple[_Column, _Column, _Column] | None:
    """Times from its start, cores and memory, where they were looked at."""
    series = bar.attempt.series
    columns = [series.get(name, ()) for name in ("t_s", "cores", "rss_bytes")]
    if not columns[0] or len({len(column) for column in columns}) != 1:
        return None
    return columns[0], columns[1], columns[2]


def _looks(bar: Bar) -> list[float]:
    """When it was looked at, in seconds from its start."""
    series = _series(bar)
    if series is None:
        return []
    return [t_s for t_s in series[0] if t_s is not None and t_s <= bar.duration_s]


_END, _READY, _START, _SEEN, _QUEUED, _PAUSE, _RESUME = 0, 1, 2, 4, 5, 6, 7
_OF_RUN, _OF_PAUSES = -1, -2  # in place of a bar's index


def _moments(run: RunStory, bars: Sequence[Bar]) -> list[tuple[float, int, int]]:
    """(time, what, bar), in order; at one moment ends come first, then what they make ready."""
    found = [(0.0, _READY, _OF_RUN), (run.makespan_s, _START, _OF_RUN)]
    for since_s, until_s in run.pauses:
        found.append((max(0.0, since_s - run.start_s), _PAUSE, _OF_PAUSES))
        found.append((max(0.0, until_s - run.start_s), _RESUME, _OF_PAUSES))
    short: list[tuple[float, int, int]] = []
    for index, bar in enumerate(bars):
        found.append((bar.ready_s, _READY, index))
        found.append((bar.start_s, _START, index))
        found += [(bar.start_s + t_s, _SEEN, index) for t_s in _looks(bar)]
        if bar.queued_s is not None and bar.ready_s < bar.queued_s < bar.start_s:
            found.append((bar.queued_s, _QUEUED, index))
        if bar.end_s > bar.start_s:
            found.append((bar.end_s, _END, index))
        else:
            short.append((bar.end_s, _START + 1, index))  # behind its own start
    found += [(at_s, _START + 1, index) for at_s, _, index in short]
    found.sort()
    return [(at_s, _END if what == _START + 1 else what, index) for at_s, what, index in found]


def _needs(bar: Bar) -> dict[str, float]:
    attempt = bar.attempt
    needs: dict[str, float] = {CORES: attempt.cores, MEMORY: attempt.memory_bytes}
    needs.update(attempt.resources)
    return needs
