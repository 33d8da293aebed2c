"""A run in simulated time: the same state, the same choice, and a clock that jumps from end to end.

Nothing of it is a copy: `RunState` and `Chooser` are those of a real run, so that what a simulation
says of an order, a limit or a machine is what a run would do if jobs took as long as expected.
"""

from array import array
from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from flowc.dataclass import dataclass, field
from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.budget import Need, total
from flowc.run.choose import Chooser
from flowc.run.claims import Claims
from flowc.run.order import Ranking
from flowc.run.state import RunState


@dataclass(frozen=True)
class Simulated:
    """What came of it. Times are seconds from the start."""

    makespan_s: float
    starts_s: "array[float]"  # by job; -1 for those that do not run
    core_s: float  # cores held, added up over time; likewise for the memory
    memory_byte_s: float
    limited_s: dict[str, float] = field(default_factory=dict)
    """For how long ready jobs waited for "cores", "memory" or a name, or nothing was ready while
    there was room ("dependencies"). What the first in order of the waiting jobs lacks counts."""
    how: str = ""  # what the jobs were chosen by, as `arrange` has found best


class Simulation:
    """One simulated run. `needs` and `expected` are what the chooser is told; `durations`, how
    long jobs take, may differ from what is expected."""

    def __init__(
        self,
        state: RunState,
        chooser: Chooser,
        ranking: Ranking,
        request: Callable[[JobId], Request],
        durations: Sequence[float],
        expected: Sequence[float] | None,
    ) -> None:
        self._state, self._chooser, self._ranking = state, chooser, ranking
        self._request, self._expected = request, expected
        self._durations = _of_bundles(state, durations)
        self._needs: dict[JobId, Need] = {}
        self._consumers = state.graph.streams.consumers  # of each service
        self._claims = Claims(state, chooser.budget, self._need)
        self._services: dict[JobId, tuple[float, Need]] = {}  # that run: since when
        self._parked: list[JobId] = []  # services that wait for the end of others
        self._needed = state.graph.streams.needed
        self._waiting: list[JobId] = []  # for services to start
        self._runs = [r.command is not None for r in state.graph.workflow.rules]
        self._now_s = 0.0
        self._limited: dict[str, float] = {}
        self._core_s = self._memory_byte_s = 0.0

    def run(self) -> Simulated:
        state, chooser, durations = self._state, self._chooser, self._durations
        starts = array("d", [-1.0]) * len(state.graph)
        running: list[tuple[float, JobId]] = []
        state.start()
        while True:
            self._line_up()
            while (job := chooser.next(self._now_s)) is not None:
                state.started(job)
                for member in state.members(job):
                    starts[member] = self._now_s
                if job in self._consumers:
                    self._services[job] = (self._now_s, self._needs.pop(job))
                    state.ready += self._waiting
                    self._waiting = []
                    continue
                heappush(running, (self._now_s + durations[job], job))
                need = self._needs.pop(job)
                self._core_s += need.cores * durations[job]
                self._memory_byte_s += need.memory_bytes * durations[job]
            if self._end_services() or state.ready or state.undecided:
                continue
            if not running:
                break
            self._advance(running[0][0])
            while running and running[0][0] <= self._now_s:
                job = heappop(running)[1]
                chooser.ended(job)
                for member in state.members(job):
                    state.done(member)
        if not state.over:
            raise RuntimeError("jobs wait, and nothing runs that they could wait for")
        return Simulated(self._now_s, starts, self._core_s, self._memory_byte_s, self._limited)

    def _end_services(self) -> bool:
        """End those that nobody needs any more; whether there were any."""
        idle = [job for job in self._services if self._state.is_idle(job)]
        for job in idle:
            since_s, need = self._services.pop(job)
            self._core_s += need.cores * (self._now_s - since_s)
            self._memory_byte_s += need.memory_bytes * (self._now_s - since_s)
            self._chooser.ended(job)
            self._state.done(job)
        if idle:
            self._state.ready += self._parked
            self._parked = []
        return bool(idle)

    def _need(self, job: JobId) -> Need:
        """What a job takes, with those that run at once with it."""
        budget, members = self._chooser.budget, self._state.members(job)
        need = total([budget.need(self._request(member)) for member in members])
        return need if len(members) == 1 else budget.lowered(need)

    def _advance(self, to_s: float) -> None:
        why = self._chooser.waits_for() or "dependencies"
        self._limited[why] = self._limited.get(why, 0.0) + to_s - self._now_s
        self._now_s = to_s

    def _line_up(self) -> None:
        state, chooser, ranking = self._state, self._chooser, self._ranking
        expected, rule_of = self._expected, state.graph.rule_of
        while state.undecided or state.ready:
            undecided, state.undecided = state.undecided, []
            for job in undecided:
                state.decide(job, True)
            ready, state.ready = state.ready, []
            for job in ready:
                if not self._runs[rule_of[job]]:
                    state.started(job)
                    state.done(job)
                    continue
                needed = (s for m in state.members(job) for s in self._needed.get(m, ()))
                if any(service not in self._services for service in needed):
                    self._waiting.append(job)
                    continue
                is_service = job in self._consumers
                if is_service and not self._claims.claim(job):
                    self._parked.append(job)
                    continue
                need = self._needs[job] = self._claims.lowered(job, self._need(job))
                order = ranking.order(job, need, self._request(job).priority)
                if is_service:
                    chooser.lasting.add(job)
                lasts_s = None if expected is None or is_service else expected[job]
                chooser.add(job, need, order, lasts_s)


def _of_bundles(state: RunState, durations: Sequence[float]) -> Sequence[float]:
    """Jobs that run at once hold their cores until the last of them has ended."""
    bundles = state.graph.streams.bundles
    if not bundles:
        return durations
    found = array("d", durations)
    for job, bundle in bundles.items():
        found[job] = max(durations[member] for member in bundle)
    return found
