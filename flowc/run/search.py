"""`--schedule search`: looks for a better order, for so long, where it is known how long jobs take.

A population of orders is crossed; each child is scheduled, pushed to the right from its end and
back to the left (forward-backward improvement), and takes the place of the worst if it is better.
The method is that of the hybrid genetic algorithm of Valls, Ballestin and Quintanilla (European
Journal of Operational Research 185, 2008), with another crossover.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from flowc.run.sgs import Problem, generate

_POPULATION = 60
_MUTATIONS = 0.03
_FIRST_PART = 0.3
"""So much of the time at most goes into the first population."""
_ENOUGH = 1.000001
"""A schedule so close to the bound is a shortest one."""


@dataclass(frozen=True)
class Found:
    """The best schedule. `order`: jobs by their starts."""

    starts: list[float]
    makespan: float
    order: list[int]
    schedules: int  # how many were made


class Search:
    def __init__(self, problem: Problem, seed: int = 0) -> None:
        self.problem = problem
        self._mirror = problem.backwards()
        self._random = random.Random(seed)
        self._population: list[tuple[float, list[int]]] = []
        self._seen: set[float] = set()
        self._best: tuple[float, list[float]] = (float("inf"), [])
        self.schedules = 0

    def run(
        self,
        orders: Sequence[Sequence[int]],
        seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> Found:
        """`orders`: to begin with; in each a job comes after all that it needs."""
        begin = clock()
        until = begin + seconds
        for order in orders:
            self._add(self._improve(order))
        first = begin + _FIRST_PART * seconds
        while clock() < first and not self._is_done() and len(self._population) < _POPULATION:
            self._add(self._improve(self._sample(self._random.choice(list(orders)))))
        while clock() < until and not self._is_done() and len(self.problem) > 1:
            self._add(self._improve(self._child()))
        makespan, starts = self._best
        order = sorted(range(len(starts)), key=lambda job: (starts[job], job))
        return Found(starts, makespan, order, self.schedules)

    def _is_done(self) -> bool:
        return self._best[0] <= self.problem.bound * _ENOUGH

    def _add(self, one: tuple[float, list[int]]) -> None:
        population = self._population
        if len(population) < _POPULATION:
            population.append(one)
        else:
            worst = max(range(len(population)), key=lambda i: population[i][0])
            if one[0] < population[worst][0] and all(one[1] != p[1] for p in population):
                population[worst] = one

    def _improve(self, order: Sequence[int]) -> tuple[float, list[int]]:
        """Schedule an order, forwards, backwards and forwards again."""
        starts, makespan = generate(self.problem, order)
        self._keep(starts, makespan)
        durations = self.problem.durations
        count = range(len(durations))
        while True:
            ends = [start + length for start, length in zip(starts, durations, strict=True)]
            order = sorted(count, key=lambda job: (-ends[job], -job))
            mirrored, _ = generate(self._mirror, order)
            begins = [-start - length for start, length in zip(mirrored, durations, strict=True)]
            order = sorted(count, key=lambda job: (begins[job], job))
            starts, shorter = generate(self.problem, order)
            self.schedules += 2
            self._keep(starts, shorter)
            if shorter >= makespan:
                return makespan, sorted(count, key=lambda job: (starts[job], job))
            makespan = shorter

    def _keep(self, starts: list[float], makespan: float) -> None:
        self.schedules += 1
        if makespan < self._best[0]:
            self._best = (makespan, starts)

    def _sample(self, order: Sequence[int]) -> list[int]:
        """An order near that one: jobs are drawn from the first few that may come next."""
        place = {job: i for i, job in enumerate(order)}
        spread = max(2.0, len(order) * 0.15)
        key = [place[job] + self._random.random() * spread for job in range(len(order))]
        return self._in_order(key)

    def _in_order(self, key: list[float]) -> list[int]:
        """By key, but each job after all that it needs."""
        for job, makers in enumerate(self.problem.needs):
            for maker in makers:
                if key[maker] >= key[job]:
                    key[job] = key[maker] + 1e-6
        return sorted(range(len(key)), key=lambda job: (key[job], job))

    def _child(self) -> list[int]:
        mother, father = self._parent(), self._parent()
        rng, count = self._random, len(mother)
        a, b = sorted((rng.randrange(count + 1), rng.randrange(count + 1)))
        child = mother[:a]
        taken = set(child)
        middle = [job for job in father if job not in taken][: b - a]
        taken.update(middle)
        child += middle
        child += [job for job in mother if job not in taken]
        needs = self.problem.needs
        for i in range(count - 1):
            if rng.random() < _MUTATIONS and child[i] not in needs[child[i + 1]]:
                child[i], child[i + 1] = child[i + 1], child[i]
        if any(child == known for _, known in self._population):  # nothing new: take a stranger
            return self._in_order([rng.random() for _ in range(count)])
        return child

    def _parent(self) -> list[int]:
        """The better of two."""
        one, other = self._random.choice(self._population), self._random.choice(self._population)
        return one[1] if one[0] <= other[0] else other[1]
