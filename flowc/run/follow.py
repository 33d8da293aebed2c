"""Starting jobs as a search has found best, whatever really happens.

The schedule is made anew at each step, by the serial generation over the jobs that are left, in the
found order: as long as jobs take what they are expected to take, that gives the found schedule,
with its deliberate idling; and where they do not, the best that this order can still give. A job
starts if its turn is now. So jobs that come first in order have a reservation, and others are
filled in around it.
"""

from collections.abc import Sequence
from math import isfinite

from flowc.ids import JobId
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.queue import Order
from flowc.run.sgs import Problem, pack, place
from flowc.run.state import RunState

_AHEAD = 150
"""So many of the jobs that are left are planned ahead."""
_LATE = 0.1
"""A job that takes longer than expected is expected to take so much of its time more."""
_SOON_S = 1e-6


class Follower(Chooser):
    """A chooser that follows an order. `jobs[i]` is the job that `problem` calls i."""

    def __init__(
        self,
        budget: Budget,
        state: RunState,
        jobs: Sequence[JobId],
        problem: Problem,
        order: Sequence[int],
    ) -> None:
        super().__init__(budget)
        self._state, self._jobs, self._problem = state, jobs, problem
        self._names = sorted(name for name, total in budget.named.items() if isfinite(total))
        self._left = list(order)
        self._number = {job: i for i, job in enumerate(jobs)}
        self._ends = [0.0] * len(jobs)  # of the jobs that run, as expected
        self._ready: dict[int, Need] = {}
        self._turns: list[int] = []  # to start now
        self._is_planned = False

    def add(self, job: JobId, need: Need, order: Order, expected_s: float | None = None) -> None:
        number = self._number[job]
        self._ready[number] = need
        self._problem.asked[number] = self._packed(need)
        if number not in self._left:
            self._left.insert(0, number)  # another attempt
        self._is_planned = False

    def ended(self, job: JobId) -> None:
        super().ended(job)
        self._is_planned = False

    def next(self, now_s: float = 0.0) -> JobId | None:
        if not self._ready:
            return None
        if not self._is_planned:
            self._turns = self._plan(now_s)
            self._is_planned = True
        if not self._turns:
            return None
        number = self._turns.pop(0)
        self._left.remove(number)
        need = self._ready.pop(number)
        self._ends[number] = now_s + self._problem.durations[number]
        return self._hold(self._jobs[number], need, self._ends[number])

    def waits_for(self) -> str | None:
        """See `Chooser`; "order" where what is free is kept for a job that comes first."""
        budget = self.budget
        for number in self._left:
            need = self._ready.get(number)
            if need is None:
                continue
            if budget.fits(need):
                return "order"
            if need.cores > budget.free_cores:
                return "cores"
            if need.memory_bytes > budget.free_memory_bytes:
                return "memory"
            return next(name for name, units in need.named if units > budget.free_named[name])
        return None

    def lacks_memory(self) -> bool:
        return self.waits_for() in ("memory", "order")

    def _packed(self, need: Need) -> int:
        named = dict(need.named)
        row = [need.cores, need.memory_bytes, *(named.get(name, 0.0) for name in self._names)]
        return pack(row, self._problem.shifts)

    def _plan(self, now_s: float) -> list[int]:
        """The jobs whose turn is now."""
        state, problem, number = self._state, self._problem, self._number
        times, free = self._free_from(now_s)
        ends = {number[job]: self._ends[number[job]] for job in self._held}
        turns: list[int] = []
        gone: list[int] = []
        for place_in_order, i in enumerate(self._left):
            if i not in self._ready:
                if not state.is_active(self._jobs[i]):
                    gone.append(i)  # up to date after all, or what it needs has failed
                    continue
                if place_in_order >= _AHEAD:
                    continue
            earliest = max([now_s, *(ends.get(maker, now_s) for maker in problem.needs[i])])
            length = problem.durations[i]
            start = place(times, free, problem.guards, earliest, length, problem.asked[i])
            ends[i] = start + length
            if i in self._ready and start <= now_s + _SOON_S:
                turns.append(i)
        for i in gone:
            self._left.remove(i)
        return turns

    def _free_from(self, now_s: float) -> tuple[list[float], list[int]]:
        """What is free from now on, if what runs ends as expected."""
        problem, number = self._problem, self._number
        held: list[tuple[float, int]] = []
        for job, running in self._held.items():
            i = number[job]
            if self._ends[i] <= now_s:
                self._ends[i] = now_s + _LATE * problem.durations[i] + _SOON_S
            held.append((self._ends[i], self._packed(running.need)))
        taken = sum(amount for _, amount in held)
        times, free = [now_s], [problem.free - taken]
        for end_s, amount in sorted(held):
            taken -= amount
            if end_s == times[-1]:
                free[-1] = problem.free - taken
            else:
                times.append(end_s)
                free.append(problem.free - taken)
        return times, free
