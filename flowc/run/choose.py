"""Which of the ready jobs start now: the best in order of those that fit what is free.

A job that does not fit is passed over (backfill). Ready jobs that ask for the same share a bucket
and only its head is looked at, so that the cost of a start depends on how many different requests
there are, not on how many jobs wait. Memory differs from job to job where it depends on the input,
so a bucket takes all jobs within a quarter of an octave.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from math import inf
from typing import NamedTuple

from flowc.ids import JobId
from flowc.plan.request import Request

Order = tuple[float, int, int]
"""Smaller starts first: minus the priority, minus the rank, the place of declaration."""

_LOOK = 32
"""How many jobs of a bucket are tried in order, before the one that asks for least is taken."""


class Need(NamedTuple):
    """What a job takes of a budget. `named`: custom resources and limits, sorted, of which the
    run has totals; limits are called `limit:NAME`."""

    cores: int
    memory_bytes: int
    named: tuple[tuple[str, float], ...] = ()


class Budget:
    """What a run may use at once, and what of that is free."""

    def __init__(
        self,
        cores: float = inf,
        memory_bytes: float = inf,
        resources: Mapping[str, float] | None = None,
        limits: Mapping[str, float] | None = None,
    ) -> None:
        self.cores = self.free_cores = cores
        self.memory_bytes = self.free_memory_bytes = memory_bytes
        self.named: dict[str, float] = dict(resources or {})
        self.named.update((f"limit:{name}", units) for name, units in (limits or {}).items())
        self.free_named = dict(self.named)

    def need(self, request: Request) -> Need:
        """What a request means for this budget; what has no total is not limited."""
        if not self.named or not (request.resources or request.limits):
            return Need(request.cores, request.memory_bytes)
        named = [
            (name, float(value))
            for name, value in request.resources.items()
            if name in self.named and isinstance(value, int | float)
        ]
        named += [
            (key, float(units))
            for name, units in request.limits.items()
            if (key := f"limit:{name}") in self.named
        ]
        return Need(request.cores, request.memory_bytes, tuple(sorted(named)))

    def excess(self, need: Need) -> list[tuple[str, float, float]]:
        """What could never be had: (name, asked for, total) with "cores" and "memory"."""
        found: list[tuple[str, float, float]] = []
        if need.cores > self.cores:
            found.append(("cores", need.cores, self.cores))
        if need.memory_bytes > self.memory_bytes:
            found.append(("memory", need.memory_bytes, self.memory_bytes))
        found += [
            (name, units, self.named[name])
            for name, units in need.named
            if units > self.named[name]
        ]
        return found

    def has_room(self, cores: int, named: tuple[tuple[str, float], ...]) -> bool:
        if cores > self.free_cores:
            return False
        if not named:
            return True
        free = self.free_named
        return all(units <= free[name] for name, units in named)

    def take(self, need: Need) -> None:
        self.free_cores -= need.cores
        self.free_memory_bytes -= need.memory_bytes
        for name, units in need.named:
            self.free_named[name] -= units

    def give_back(self, need: Need) -> None:
        self.free_cores += need.cores
        self.free_memory_bytes += need.memory_bytes
        for name, units in need.named:
            self.free_named[name] += units


class _Bucket:
    """Ready jobs that ask for the same, but for a little memory."""

    __slots__ = ("by_memory", "in_order", "taken")

    def __init__(self) -> None:
        self.in_order: list[tuple[Order, int, JobId]] = []
        self.by_memory: list[tuple[int, Order, JobId]] | None = None  # None: all the same so far
        self.taken: set[JobId] = set()  # still in one of the heaps

    def add(self, order: Order, memory_bytes: int, job: JobId) -> None:
        if self.taken:
            self._clean(force=job in self.taken)  # the next attempt at a job
        heap = self.in_order
        if self.by_memory is None and heap and heap[0][1] != memory_bytes:
            self.by_memory = [(m, o, j) for o, m, j in heap]
            heapify(self.by_memory)
        if self.by_memory is not None:
            heappush(self.by_memory, (memory_bytes, order, job))
        heappush(heap, (order, memory_bytes, job))

    def best(self, free_bytes: float) -> tuple[Order, int, JobId] | None:
        """The first in order that needs no more memory than that, or nearly the first."""
        heap = self.in_order
        while heap and heap[0][2] in self.taken:
            self._forget(heappop(heap)[2])
        if not heap:
            return None
        if heap[0][1] <= free_bytes:
            return heap[0]
        if self.by_memory is None:
            return None
        while self.by_memory[0][2] in self.taken:
            heappop(self.by_memory)
        least = self.by_memory[0]
        if least[0] > free_bytes:
            return None
        passed = []
        found = (least[1], least[0], least[2])
        for _ in range(min(_LOOK, len(heap))):
            entry = heappop(heap)
            passed.append(entry)
            if entry[1] <= free_bytes and entry[2] not in self.taken:
                found = entry
                break
        for entry in passed:
            heappush(heap, entry)
        return found

    def take(self, job: JobId) -> None:
        if self.in_order[0][2] == job:
            heappop(self.in_order)
            if self.by_memory is not None:
                self.taken.add(job)
        else:
            self.taken.add(job)

    def _forget(self, job: JobId) -> None:
        """Gone from `in_order`; it stays marked while `by_memory` may still have it."""
        if self.by_memory is None:
            self.taken.discard(job)

    def _clean(self, *, force: bool) -> None:
        """Drop what is taken once it outweighs what is left: each job is moved O(1) times."""
        if not force and 2 * len(self.taken) < len(self.by_memory or ()):
            return
        taken = self.taken
        self.in_order = [entry for entry in self.in_order if entry[2] not in taken]
        heapify(self.in_order)
        self.by_memory = [(m, o, j) for o, m, j in self.in_order]
        heapify(self.by_memory)
        taken.clear()


class Chooser:
    """The ready jobs, and the budget they share."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._buckets: dict[tuple[int, int, tuple[tuple[str, float], ...]], _Bucket] = {}
        self._held: dict[JobId, Need] = {}

    def add(self, job: JobId, need: Need, order: Order) -> None:
        """A job has become ready."""
        key = (need.cores, _memory_class(need.memory_bytes), need.named)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket()
        bucket.add(order, need.memory_bytes, job)

    def next(self) -> JobId | None:
        """The job to start now, its share taken from the budget; None where nothing fits."""
        budget = self.budget
        if budget.free_cores <= 0 and all(key[0] > 0 for key in self._buckets):
            return None
        best: tuple[Order, int, JobId] | None = None
        best_key = None
        empty = []
        for key, bucket in self._buckets.items():
            if not bucket.in_order:
                empty.append(key)
            elif budget.has_room(key[0], key[2]):
                found = bucket.best(budget.free_memory_bytes)
                if found is not None and (best is None or found < best):
                    best, best_key = found, key
        for key in empty:
            del self._buckets[key]
        if best is None or best_key is None:
            return None
        self._buckets[best_key].take(best[2])
        need = Need(best_key[0], best[1], best_key[2])
        budget.take(need)
        self._held[best[2]] = need
        return best[2]

    def ended(self, job: JobId) -> None:
        """A job that `next` has given has ended: its share is free."""
        self.budget.give_back(self._held.pop(job))


def _memory_class(memory_bytes: int) -> int:
    """A number that all sizes within a quarter of an octave share."""
    shift = max(0, memory_bytes.bit_length() - 3)
    return (memory_bytes >> shift) + (shift << 3)
