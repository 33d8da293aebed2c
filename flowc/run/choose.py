"""Which of the ready jobs start now: the best in order of those that fit what is free.

A job that does not fit is passed over (backfill), but not for ever: once so many jobs behind it
have started before the first in order, what it lacks is kept for it, and only what does not hold
it up may start (a reservation). Who waits for a limit or for a custom resource holds nobody back
but those who want the same.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from flowc.ids import JobId
from flowc.run.budget import Budget, Need
from flowc.run.queue import Entry, Order, Place, ReadyQueue

PATIENCE = 12
"""So many starts for each core of the run may pass over the first in order."""
_LOOK = 16
"""How many jobs are looked at for one that ends before the reservation begins."""


class _Held(NamedTuple):
    """A running job."""

    need: Need
    ends_s: float  # as expected; inf where nothing is known


class Chooser:
    """The ready jobs, and the budget they share. Times are those of any one clock."""

    def __init__(self, budget: Budget, *, patience: float | None = None) -> None:
        self.budget = budget
        self._patience = PATIENCE * budget.cores if patience is None else patience
        self._queues: dict[tuple[int, tuple[str, ...]], ReadyQueue] = {}
        self._held: dict[JobId, _Held] = {}  # in the order of their starts
        self.lasting: set[JobId] = set()  # services: they end only when others have
        self._passed: dict[int, int] = {}  # how many have passed over a job that was first
        self._kept: dict[str, Entry] = {}  # of these names nobody gets any who comes after that job

    def add(self, job: JobId, need: Need, order: Order, expected_s: float | None = None) -> None:
        """A job has become ready. `expected_s`: how long it will run, where that is known."""
        names = tuple([name for name, _ in need.named])
        queue = self._queues.get((need.cores, names))
        if queue is None:
            queue = self._queues[need.cores, names] = ReadyQueue(need.cores, names)
        units = tuple([units for _, units in need.named])
        lasts_s = inf if expected_s is None else expected_s
        queue.add((*order, need.memory_bytes, units, lasts_s))

    def next(self, now_s: float = 0.0) -> JobId | None:
        """The job to start now, its share taken from the budget; None where nothing fits."""
        budget = self.budget
        if budget.free_cores <= 0 and all(key[0] > 0 for key in self._queues):
            return None
        found = self._first_that_fits(budget.free_cores, budget.free_memory_bytes)
        if found is None:
            return None
        queue, place = found
        first = self._first()
        if first is not None and first[1] < queue.entry(place):
            passed = self._passed.get(first[1][2], 0)
            if passed >= self._patience:
                found = self._around(first, now_s)
                if found is None:
                    return None
                queue, place = found
            else:
                self._passed[first[1][2]] = passed + 1
        if queue.names:
            self._keep_names(queue, place)
        if queue.entry(place)[2] in self.lasting:
            self._kept = {}  # it may be that nobody can have that before the service ends
        return self._start(queue, place, now_s)

    def successor(self, may: Callable[[JobId], bool], now_s: float = 0.0) -> JobId | None:
        """The job that is to take the place of whichever ends next: the first in order, where it
        may, and all that run hold just what it needs. Its share is taken at once: until that end
        less than nothing may be free."""
        if len(self._queues) != 1 or self._kept or self.lasting:
            return None
        (queue,) = self._queues.values()
        entry = queue.first()
        if entry is None or not may(JobId(entry[2])):
            return None
        need = _need_of(queue, entry)
        if any(held.need != need for held in self._held.values()):
            return None
        place = queue.find(need.memory_bytes, dict(need.named), None)
        return None if place is None else self._start(queue, place, now_s)

    def places_like(self, job: JobId) -> int:
        """How many jobs can run at once that need what this one does, which `next` has given."""
        return self.budget.places(self._held[job].need)

    def ended(self, job: JobId) -> None:
        """A job that `next` has given has ended: its share is free."""
        self.budget.give_back(self._held.pop(job).need)
        self.lasting.discard(job)

    def waits_for(self) -> str | None:
        """What the first in order of the waiting jobs lacks: "cores", "memory" or a name; None
        where no job waits."""
        budget = self.budget
        first: tuple[ReadyQueue, Entry] | None = None
        for queue in self._queues.values():
            entry = queue.first()
            if entry is not None and (first is None or entry < first[1]):
                first = (queue, entry)
        if first is None:
            return None
        queue, entry = first
        if entry[3] > budget.free_memory_bytes and queue.cores <= budget.free_cores:
            return "memory"
        for name, units in zip(queue.names, entry[4], strict=True):
            if units > budget.free_named[name]:
                return name
        return "cores"

    def lacks_memory(self) -> bool:
        """Whether some ready job could start if there were more memory."""
        budget = self.budget
        return any(
            queue.cores <= budget.free_cores
            and queue.has_room(budget.free_named)
            and queue.least_memory() > budget.free_memory_bytes
            for queue in self._queues.values()
            if queue
        )

    def give_more(self, job: JobId, memory_bytes: int) -> None:
        """A job that `next` has just given gets so much memory in place of what it asked for."""
        held = self._held[job]
        self.budget.free_memory_bytes -= memory_bytes - held.need.memory_bytes
        self._held[job] = held._replace(need=held.need._replace(memory_bytes=memory_bytes))

    # ---- steps

    def _start(self, queue: ReadyQueue, place: Place, now_s: float) -> JobId:
        entry = queue.take(place)
        job = JobId(entry[2])
        need = _need_of(queue, entry)
        self._passed.pop(job, None)
        if self._kept:
            self._kept = {name: kept for name, kept in self._kept.items() if kept[2] != job}
        return self._hold(job, need, now_s + entry[5])

    def _hold(self, job: JobId, need: Need, ends_s: float) -> JobId:
        self.budget.take(need)
        self._held[job] = _Held(need, ends_s)
        return job

    def _first_that_fits(self, cores: float, memory: float) -> tuple[ReadyQueue, Place] | None:
        free_named = self.budget.free_named
        best: Entry | None = None
        found: tuple[ReadyQueue, Place] | None = None
        empty = []
        for key, queue in self._queues.items():
            if not queue:
                empty.append(key)
            elif queue.cores <= cores:
                place = queue.find(memory, free_named, best)
                if place is not None and self._may_have_names(queue, queue.entry(place)):
                    best = queue.entry(place)
                    found = (queue, place)
        for key in empty:
            del self._queues[key]
        return found

    def _keep_names(self, queue: ReadyQueue, place: Place) -> None:
        """Count who is passed over for want of a name that this start takes of."""
        entry = queue.entry(place)
        free_named = self.budget.free_named
        for other in self._queues.values():
            first = other.first()
            if first is None or first >= entry or not {*other.names} & {*queue.names}:
                continue
            short = [
                name
                for name, units in zip(other.names, first[4], strict=True)
                if name in queue.names and units > free_named[name]
            ]
            if self.lasting and self._needs_an_end(other, first):
                continue
            passed = self._passed[first[2]] = self._passed.get(first[2], 0) + bool(short)
            if short and passed >= self._patience and not self._kept:  # two would wait for another
                self._kept = dict.fromkeys(short, first)

    def _may_have_names(self, queue: ReadyQueue, entry: Entry) -> bool:
        """Whether none of what it takes is kept for one that comes before it."""
        return not any(self._kept.get(name, entry) < entry for name in queue.names)

    def _first(self) -> tuple[ReadyQueue, Entry] | None:
        """The first in order of the jobs that wait for nothing but cores and memory."""
        free_named = self.budget.free_named
        first: tuple[ReadyQueue, Entry] | None = None
        for queue in self._queues.values():
            entry = queue.first()
            if entry is None or (first is not None and first[1] < entry):
                continue
            if not queue.names or (
                self._may_have_names(queue, entry)
                and all(
                    units <= free_named[name]
                    for name, units in zip(queue.names, entry[4], strict=True)
                )
            ):
                first = (queue, entry)
        return first

    def _around(
        self, first: tuple[ReadyQueue, Entry], now_s: float
    ) -> tuple[ReadyQueue, Place] | None:
        """A job that does not hold up the first in order: it is over before the first can start,
        or takes of what is left beside it."""
        budget = self.budget
        starts_s, cores, memory = self._reservation(first, now_s)
        best = self._first_that_fits(
            min(cores, budget.free_cores), min(memory, budget.free_memory_bytes)
        )
        if starts_s <= now_s or starts_s == inf:
            return best
        for queue in self._queues.values():
            if queue and queue.cores <= budget.free_cores:
                limit = None if best is None else best[0].entry(best[1])
                place = queue.find_short(
                    budget.free_memory_bytes, budget.free_named, limit, starts_s - now_s, _LOOK
                )
                if place is not None:
                    best = (queue, place)
        return best

    def _reservation(
        self, first: tuple[ReadyQueue, Entry], now_s: float
    ) -> tuple[float, float, float]:
        """When the first in order will be able to start, and what cores and memory will be left
        beside it then. Of jobs of unknown length the oldest is taken to end first."""
        budget = self.budget
        cores = budget.free_cores - first[0].cores
        memory = budget.free_memory_bytes - first[1][3]
        starts_s = now_s
        if self.lasting and self._needs_an_end(*first):
            return inf, budget.free_cores, budget.free_memory_bytes
        held_jobs = [held for job, held in self._held.items() if job not in self.lasting]
        for held in sorted(held_jobs, key=lambda held: held.ends_s):
            if cores >= 0 and memory >= 0:
                break
            cores += held.need.cores
            memory += held.need.memory_bytes
            starts_s = max(starts_s, held.ends_s)
        return starts_s, cores, memory

    def _needs_an_end(self, queue: ReadyQueue, entry: Entry) -> bool:
        """Whether a job can only start when a service has ended. It must hold up nobody: who is
        passed over may be whom the service waits for."""
        services = [held.need for job, held in self._held.items() if job in self.lasting]
        need = _need_of(queue, entry)
        return bool(self.budget.beside(services).excess(need))


def _need_of(queue: ReadyQueue, entry: Entry) -> Need:
    return Need(queue.cores, entry[3], tuple(zip(queue.names, entry[4], strict=True)))
