"""Which lanes of the chart an attempt occupies: one for each core that it holds.

Lanes never overlap. Jobs without cores get lanes of their own below the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from flowc.report.bars import Bar

Piece = tuple[int, int]
"""The first lane, and how many."""
_FEW, _FEW_BARS = 64, 20_000
"""On so many lanes a place is looked for that keeps wide jobs in one piece."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """`pieces`: of each bar, in the order of the bars. More than one where the free lanes were
    not next to each other."""

    pieces: Sequence[Sequence[Piece]]
    cores: int  # lanes that stand for a core
    total: int


def assign(bars: Sequence[Bar], cores: int = 0) -> Lanes:
    """`cores`: lanes there are in any case. There are more where the log says that more were
    used at once; `bars` are in the order of their starts."""
    times = [(bar.start_s, bar.end_s) for bar in bars]
    wide = [i for i, bar in enumerate(bars) if bar.attempt.cores > 0]
    pieces, count = _placed(times, [bar.attempt.cores for bar in bars], wide, cores)
    if len(bars) <= _FEW_BARS and any(len(of) > 1 for of in pieces):
        # Placed from the end to the start, fewer may come in pieces.
        back = [(-end_s, -start_s) for start_s, end_s in times]
        other, needed = _placed(back, [bar.attempt.cores for bar in bars], wide, cores)
        if needed == count and sum(map(len, other)) < sum(map(len, pieces)):
            pieces = other
    count = max(count, cores)
    narrow = [i for i, bar in enumerate(bars) if bar.attempt.cores <= 0]
    places, more = _placed(times, [1] * len(bars), narrow, 0)
    for index in narrow:
        pieces[index] = [(first + count, high) for first, high in places[index]]
    return Lanes(pieces, count, count + more)


def _placed(
    times: Sequence[tuple[float, float]], widths: Sequence[int], chosen: Sequence[int], lanes: int
) -> tuple[list[list[Piece]], int]:
    """The lanes of the chosen ones, and how many there are. Of those that start together the
    widest comes first, and side by side those that end together."""
    slots = _Slots(lanes)
    pieces: list[list[Piece]] = [[] for _ in times]
    for index in sorted(chosen, key=lambda i: (times[i][0], -widths[i], times[i][1])):
        pieces[index] = slots.take(widths[index], *times[index])
    return pieces, slots.used


class _Slots:
    """Lanes as bits of one number: 1 is free. There is always another one at the end."""

    def __init__(self, count: int) -> None:
        self.used = count  # lanes there are by now
        self._free = (1 << count) - 1
        self._ends_s = [-inf] * count  # until when each is taken
        self._busy: list[tuple[float, int, int]] = []  # until when, tie, the lanes as a mask
        self._tie = 0

    def take(self, count: int, start_s: float, end_s: float) -> list[Piece]:
        while self._busy and self._busy[0][0] <= start_s:
            self._free |= heappop(self._busy)[2]
        missing = count - self._free.bit_count()
        if missing > 0:
            self._free |= ((1 << missing) - 1) << self.used
            self.used += missing
            self._ends_s += [-inf] * missing
        mask = self._best(count, start_s, end_s)
        self._free &= ~mask
        for first, high in _runs(mask):
            self._ends_s[first : first + high] = [end_s] * high
        self._tie += 1
        heappush(self._busy, (end_s, self._tie, mask))
        return _runs(mask)

    def _best(self, count: int, start_s: float, end_s: float) -> int:
        """Lanes next to each other, beside such as get free at the same time, so that wide jobs
        find room in one piece later on. On many lanes the lowest ones will do."""
        starts = _starts(self._free, count)
        if not starts:
            return _lowest(self._free, count)
        block = (1 << count) - 1
        if self.used > _FEW:
            return block * (starts & -starts)
        best, best_cost = 0, inf
        while starts:
            lowest = starts & -starts
            starts ^= lowest
            first = lowest.bit_length() - 1
            cost = self._gap(first - 1, start_s, end_s) + self._gap(first + count, start_s, end_s)
            if cost < best_cost:
                best, best_cost = first, cost
        return block << best

    def _gap(self, lane: int, start_s: float, end_s: float) -> float:
        """How far apart a lane and one that gets free at `end_s` get free."""
        if not 0 <= lane < self.used:
            return 0.0
        return abs(max(self._ends_s[lane], start_s) - end_s)


def _starts(free: int, count: int) -> int:
    """Where `count` free lanes lie next to each other: the lowest of each such stretch."""
    starts, length = free, 1
    while length < count and starts:
        step = min(length, count - length)
        starts &= starts >> step
        length += step
    return starts


def _lowest(free: int, count: int) -> int:
    mask = 0
    for _ in range(count):
        lane = free & -free
        mask |= lane
        free ^= lane
    return mask


def _runs(mask: int) -> list[Piece]:
    found = []
    while mask:
        first = (mask & -mask).bit_length() - 1
        shifted = mask >> first
        count = (~shifted & (shifted + 1)).bit_length() - 1
        found.append((first, count))
        mask ^= ((1 << count) - 1) << first
    return found
