"""The figures of a run: how long, how well used, what was wasted, on what it hung.

*Requested* is what was held; *used* what was measured. Wasted is what was held and not used, and
all that an attempt held which came to nothing. What nobody measured is in no sum of used or wasted;
`measured` says how many attempts those sums are made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowc.record.story import STATES, RunStory
from flowc.report.bars import Bar, bars
from flowc.report.lanes import Lanes, assign
from flowc.report.rulefigures import RuleFigures, rule_figures
from flowc.report.usage import Usage, usage


@dataclass(frozen=True, slots=True)
class Bound:
    """No order of these jobs could have been faster: the largest of three."""

    critical_path_s: float
    by_cores_s: float | None  # None: there is no total
    by_memory_s: float | None

    @property
    def seconds(self) -> float:
        return max(self.critical_path_s, self.by_cores_s or 0.0, self.by_memory_s or 0.0)

    @property
    def by(self) -> str:
        if self.seconds == self.critical_path_s:
            return "critical path"
        return "cores" if self.seconds == self.by_cores_s else "memory"


@dataclass(frozen=True, slots=True)
class Area:
    """Something held over time: core-seconds or byte-seconds."""

    capacity: float | None  # the total over the whole run; None: there was none
    requested: float
    requested_measured: float  # by attempts of which the use is known
    used: float
    wasted: float
    measured: int  # attempts

    @property
    def utilisation(self) -> float | None:
        """Share of the capacity that was held."""
        return self.requested / self.capacity if self.capacity else None

    @property
    def efficiency(self) -> float | None:
        """Share of what was held that was used."""
        if not self.measured or not self.requested_measured:
            return None
        return self.used / self.requested_measured


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report says, and what it is made of."""

    run: RunStory
    bars: Sequence[Bar]
    lanes: Lanes
    usage: Usage
    states: Mapping[str, int]  # jobs by state
    attempts: int
    failed_attempts: int
    retried: int  # jobs with more than one attempt
    cores: int  # lanes, where the run has no total
    core_area: Area
    memory_area: Area
    bound: Bound
    critical_path: Sequence[int]  # ids of jobs, first to last
    causes: Mapping[str, int]  # failed attempts
    rules: Sequence[RuleFigures]
    makespan_s: float
    wait_s: float  # of all attempts together
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def jobs(self) -> int:
        return len(self.run.jobs)


def figures(run: RunStory, *, cores: int | None = None) -> Figures:
    """`cores`: lanes and capacity, for a log that does not tell."""
    if cores is not None:
        run.cores = cores
    found = bars(run)
    lanes = assign(found, run.cores)
    makespan_s = run.makespan_s
    failed = [bar for bar in found if bar.attempt.cause]
    causes: dict[str, int] = {}
    for bar in failed:
        causes[bar.attempt.cause or ""] = causes.get(bar.attempt.cause or "", 0) + 1
    states = dict.fromkeys(STATES, 0)
    for job in run.jobs.values():
        states[job.state] += 1
    states["planned"] += max(0, run.jobs_total - len(run.jobs))
    path, bound = _bound(run, found)
    return Figures(
        run=run,
        bars=found,
        lanes=lanes,
        usage=usage(run, found),
        states=states,
        attempts=len(found),
        failed_attempts=len(failed),
        retried=sum(len(job.attempts) > 1 for job in run.jobs.values()),
        cores=run.cores or lanes.cores,
        core_area=_core_area(found, run.cores * makespan_s or None),
        memory_area=_memory_area(found, run.memory_bytes * makespan_s or None),
        bound=bound,
        critical_path=path,
        causes=dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        rules=rule_figures(run, found),
        makespan_s=makespan_s,
        wait_s=sum(bar.wait_s for bar in found),
        notes=tuple(run.notes),
    )


def _core_area(found: Sequence[Bar], capacity: float | None) -> Area:
    measured = [bar for bar in found if bar.attempt.cpu_s is not None and not bar.is_open]
    lost = [bar for bar in found if bar.attempt.cause]
    good = [bar for bar in measured if not bar.attempt.cause]
    return Area(
        capacity,
        sum(bar.core_s for bar in found),
        sum(bar.core_s for bar in measured),
        sum(bar.attempt.cpu_s or 0.0 for bar in measured),
        sum(max(0.0, bar.core_s - (bar.attempt.cpu_s or 0.0)) for bar in good)
        + sum(bar.core_s for bar in lost),
        len(measured),
    )


def _memory_area(found: Sequence[Bar], capacity: float | None) -> Area:
    """Used is the peak for as long as the attempt lasted: what it could not have done without.
    What an attempt got unasked was to spare: it is held, and not wasted."""
    measured = [bar for bar in found if bar.attempt.peak_bytes is not None and not bar.is_open]
    lost = [bar for bar in found if bar.attempt.cause]
    good = [bar for bar in measured if not bar.attempt.cause]
    return Area(
        capacity,
        sum(bar.held_byte_s for bar in found),
        sum(bar.held_byte_s for bar in measured),
        sum((bar.attempt.peak_bytes or 0) * bar.duration_s for bar in measured),
        sum(max(0.0, bar.byte_s - (bar.attempt.peak_bytes or 0) * bar.duration_s) for bar in good)
        + sum(bar.byte_s for bar in lost),
        len(measured),
    )


def _bound(run: RunStory, found: Sequence[Bar]) -> tuple[list[int], Bound]:
    """Of the last attempts alone: those that failed before them need not have been."""
    last: dict[int, Bar] = {}
    for bar in found:
        known = last.get(bar.job.id)
        if known is None or bar.attempt.number > known.attempt.number:
            last[bar.job.id] = bar
    path = critical_path(run, {id: bar.duration_s for id, bar in last.items()})
    work = list(last.values())
    return path, Bound(
        sum(last[id].duration_s for id in path),
        sum(bar.core_s for bar in work) / run.cores if run.cores else None,
        sum(bar.byte_s for bar in work) / run.memory_bytes if run.memory_bytes else None,
    )


def critical_path(run: RunStory, duration_s: Mapping[int, float]) -> list[int]:
    """The chain of jobs, each of which needs the one before it, that takes longest."""
    longest: dict[int, float] = {}  # up to the end of a job
    before: dict[int, int] = {}
    of_groups: dict[int, tuple[float, int]] = {}
    for id in _in_order(run):
        if id not in duration_s:
            continue
        job = run.jobs[id]
        best_s, best = 0.0, -1
        for need in job.needs:
            if longest.get(need, 0.0) > best_s:
                best_s, best = longest[need], need
        for number in job.groups:
            if number not in of_groups and number in run.groups:
                known = [(longest.get(n, 0.0), -n) for n in run.groups[number].needs]
                of_groups[number] = max(known, default=(0.0, 1))
            group_s, minus = of_groups.get(number, (0.0, 1))
            if group_s > best_s:
                best_s, best = group_s, -minus
        longest[id] = best_s + duration_s[id]
        if best >= 0:
            before[id] = best
    if not longest:
        return []
    at = max(longest, key=lambda id: (longest[id], -id))
    path = [at]
    while at in before:
        at = before[at]
        path.append(at)
    return path[::-1]


def _in_order(run: RunStory) -> list[int]:
    """Jobs behind all that they need. A log that is wrong may have a cycle: it is cut open."""
    order: list[int] = []
    state: dict[int, int] = {}  # 1: begun, 2: in `order`
    seen_groups: set[int] = set()
    for first in run.jobs:
        stack = [first]
        while stack:
            id = stack[-1]
            if id not in run.jobs or state.get(id, 0):
                stack.pop()
                if id in run.jobs and state[id] == 1:
                    state[id] = 2
                    order.append(id)
                continue
            state[id] = 1
            job = run.jobs[id]
            new_groups = [n for n in job.groups if n not in seen_groups and n in run.groups]
            seen_groups.update(new_groups)
            needs = [*job.needs, *(n for g in new_groups for n in run.groups[g].needs)]
            stack += [need for need in needs if not state.get(need, 0)]
    return order
