"""The serial generation of schedules: each job in turn gets the earliest start at which all it
needs is over and all it asks for is free until its end, also in a gap between others.

What is free is one integer with a field for each resource, and a guard bit above each field: a
subtraction and a mask tell whether a job fits, however many resources there are. Among the
schedules that can be made so is a shortest one, which starting whatever fits may not find.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

_GRAIN = 1000
"""Amounts that are no whole numbers are rounded to so many parts, upwards for what is asked for."""


@dataclass(frozen=True)
class Problem:
    """Jobs are numbers from 0, in topological order."""

    durations: list[float]
    asked: list[int]  # packed
    free: int  # packed, with the guard bits set
    guards: int
    needs: list[list[int]]
    needed_by: list[list[int]]
    shifts: list[int]  # of the resources' fields
    bound: float  # no schedule is shorter

    def __len__(self) -> int:
        return len(self.durations)

    def backwards(self) -> "Problem":
        """The same in a mirror: what a job needs comes after it."""
        return Problem(
            self.durations,
            self.asked,
            self.free,
            self.guards,
            self.needed_by,
            self.needs,
            self.shifts,
            self.bound,
        )


def pack(amounts: Sequence[float], shifts: Sequence[int]) -> int:
    """What is asked for, as one number."""
    return sum(ceil(units * _GRAIN) << at for units, at in zip(amounts, shifts, strict=True))


def problem_of(
    durations: Sequence[float],
    amounts: Sequence[Sequence[float]],
    totals: Sequence[float],
    needs: Sequence[Sequence[int]],
) -> Problem:
    """`amounts`: for each job, what it takes of each resource; no more than its total."""
    shifts, guards, free, at = [], 0, 0, 0
    for total in totals:
        whole = floor(total * _GRAIN)
        shifts.append(at)
        free |= whole << at
        at += whole.bit_length() + 1
        guards |= 1 << (at - 1)
    asked = [pack(row, shifts) for row in amounts]
    needed_by: list[list[int]] = [[] for _ in durations]
    for job, makers in enumerate(needs):
        for maker in makers:
            needed_by[maker].append(job)
    ends = [0.0] * len(durations)
    for job, makers in enumerate(needs):
        ends[job] = max([ends[maker] for maker in makers], default=0.0) + durations[job]
    work = [
        sum(row[k] * seconds for row, seconds in zip(amounts, durations, strict=True)) / total
        for k, total in enumerate(totals)
        if total
    ]
    return Problem(
        list(durations),
        asked,
        free | guards,
        guards,
        [list(makers) for makers in needs],
        needed_by,
        shifts,
        max([*ends, *work], default=0.0),
    )


def place(
    times: list[float], free: list[int], guards: int, earliest: float, length: float, amount: int
) -> float:
    """The first start from `earliest` on at which so much is free for so long; it is taken.
    `free[i]` is what is free from `times[i]` until `times[i + 1]`, at last for ever."""
    start = earliest
    first = bisect_right(times, start) - 1
    at, end, count = first, start + length, len(times)
    while at < count and (at == first or times[at] < end):
        if (free[at] - amount) & guards != guards:
            first = at + 1
            start = times[first]
            end = start + length
        at += 1
    if not length or not amount:
        return start
    if at == count or times[at] > end:
        times.insert(at, end)
        free.insert(at, free[at - 1])
    if times[first] != start:
        first += 1
        at += 1
        times.insert(first, start)
        free.insert(first, free[first - 1])
    free[first:at] = [left - amount for left in free[first:at]]
    return start


def generate(problem: Problem, order: Sequence[int]) -> tuple[list[float], float]:
    """Starts by job, and the makespan. In `order` a job comes after all that it needs."""
    durations, asked, needs = problem.durations, problem.asked, problem.needs
    guards = problem.guards
    times, free = [0.0], [problem.free]
    starts, ends = [0.0] * len(durations), [0.0] * len(durations)
    for job in order:
        earliest = 0.0
        for maker in needs[job]:
            if ends[maker] > earliest:
                earliest = ends[maker]
        length = durations[job]
        start = starts[job] = place(times, free, guards, earliest, length, asked[job])
        ends[job] = start + length
    return starts, max(ends, default=0.0)
