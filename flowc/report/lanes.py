"""Which lanes of the chart an attempt occupies: one for each core that it holds.

Lanes never overlap. Jobs without cores get lanes of their own below the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from flowc.report.bars import Bar

Piece = tuple[int, int]
"""The first lane, and how many."""


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
    slots, places = _Slots(), _Slots()
    pieces: list[list[Piece]] = []
    without: list[int] = []
    for index, bar in enumerate(bars):
        count = bar.attempt.cores
        if count > 0:
            pieces.append(slots.take(count, bar.start_s, bar.end_s))
        else:
            pieces.append(places.take(1, bar.start_s, bar.end_s))
            without.append(index)
    wide = max(cores, slots.used)
    for index in without:
        pieces[index] = [(first + wide, count) for first, count in pieces[index]]
    return Lanes(pieces, wide, wide + places.used)


class _Slots:
    """Lanes as bits of one number: 1 is free. There is always another one at the end."""

    def __init__(self) -> None:
        self.used = 0  # lanes that have ever been taken
        self._free = 0
        self._busy: list[tuple[float, int, int]] = []  # until when, tie, the lanes as a mask
        self._tie = 0

    def take(self, count: int, start_s: float, end_s: float) -> list[Piece]:
        while self._busy and self._busy[0][0] <= start_s:
            self._free |= heappop(self._busy)[2]
        missing = count - self._free.bit_count()
        if missing > 0:
            self._free |= ((1 << missing) - 1) << self.used
            self.used += missing
        mask = _together(self._free, count) or _lowest(self._free, count)
        self._free &= ~mask
        self._tie += 1
        heappush(self._busy, (end_s, self._tie, mask))
        return _runs(mask)


def _together(free: int, count: int) -> int:
    """The lowest `count` free lanes that lie next to each other; 0: there are none."""
    starts, length = free, 1
    while length < count and starts:
        step = min(length, count - length)
        starts &= starts >> step
        length += step
    return ((1 << count) - 1) * (starts & -starts)


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
