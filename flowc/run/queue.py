"""Ready jobs that ask for the same cores and the same kinds of things, in order.

The list is cut into blocks, and each knows the least memory that one of its jobs asks for, so that
the first job that fits is found without a look at each: adding, finding and taking cost some
microseconds, also with hundreds of thousands of ready jobs of which no two ask for the same memory.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from operator import itemgetter
from typing import NamedTuple

Order = tuple[float, float, int]
"""Smaller starts first: minus the priority, the place by the schedule, the job."""

Entry = tuple[float, float, int, int, tuple[float, ...], float]
"""An `Order`, then the memory in bytes, units of each of the queue's names, and how many
seconds it is expected to run (inf: unknown). What follows the job is never compared."""

_BLOCK = 256
_memory_of = itemgetter(3)
_units_of = itemgetter(4)


class Place(NamedTuple):
    """Where an entry is, until the queue changes."""

    block: int
    at: int


class _Block:
    __slots__ = ("entries", "least_bytes", "least_units", "same")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.measure()

    def measure(self) -> None:
        """Work out what the least is that a job of the block asks for."""
        memory = list(map(_memory_of, self.entries))
        self.least_bytes = min(memory)
        self.same = self.least_bytes == max(memory)  # taking one away changes nothing
        units = list(map(_units_of, self.entries))
        self.least_units = units[0]
        if units[0]:
            self.least_units = tuple(map(min, zip(*units, strict=True)))
            self.same = self.same and all(one == units[0] for one in units)

    def has_room(self, memory: float, units: tuple[float, ...]) -> bool:
        """Whether one of its jobs may fit."""
        if self.least_bytes > memory:
            return False
        return not units or all(a <= b for a, b in zip(self.least_units, units, strict=True))

    def find(self, memory: float, units: tuple[float, ...]) -> int:
        """The place of the first job that fits; -1 where none does."""
        if not units:
            for at, entry in enumerate(self.entries):
                if entry[3] <= memory:
                    return at
            return -1
        for at, entry in enumerate(self.entries):
            if entry[3] <= memory and all(a <= b for a, b in zip(entry[4], units, strict=True)):
                return at
        return -1


class ReadyQueue:
    """See the head of the file. `names`: the custom resources and limits that its jobs use."""

    def __init__(self, cores: int, names: tuple[str, ...]) -> None:
        self.cores = cores
        self.names = names
        self._blocks: list[_Block] = []
        self._fresh: list[Entry] = []  # not in a block yet
        self._least_bytes = 0  # of all blocks, as `_least_units`; right unless `_is_stale`
        self._least_units: tuple[float, ...] = ()
        self._is_stale = True

    def __bool__(self) -> bool:
        return bool(self._blocks or self._fresh)

    def add(self, entry: Entry) -> None:
        self._fresh.append(entry)
        self._is_stale = True

    def first(self) -> Entry | None:
        if self._fresh:
            self._settle()
        return self._blocks[0].entries[0] if self._blocks else None

    def entry(self, place: Place) -> Entry:
        return self._blocks[place.block].entries[place.at]

    def least_memory(self) -> int:
        """The least that one of its jobs asks for. It has some."""
        if self._is_stale:
            self._measure()
        return self._least_bytes

    def has_room(self, free: Mapping[str, float]) -> bool:
        """Whether enough is left of each of the names for one of its jobs. It has some."""
        if not self.names:
            return True
        if self._is_stale:
            self._measure()
        return all(
            units <= free[name] for units, name in zip(self._least_units, self.names, strict=True)
        )

    def find(self, memory: float, free: Mapping[str, float], before: Entry | None) -> Place | None:
        """The first job that fits, if it comes before that entry."""
        first = self.first()
        if first is None or (before is not None and before < first):
            return None
        if self.least_memory() > memory or not self.has_room(free):
            return None
        units = tuple([free[name] for name in self.names])
        for number, block in enumerate(self._blocks):
            if block.least_bytes > memory or (units and not block.has_room(memory, units)):
                continue
            if before is not None and before < block.entries[0]:
                return None
            at = block.find(memory, units)
            if at >= 0:
                found = block.entries[at]
                return None if before is not None and before < found else Place(number, at)
        return None

    def find_short(
        self,
        memory: float,
        free: Mapping[str, float],
        before: Entry | None,
        most_s: float,
        look: int,
    ) -> Place | None:
        """As `find`, of the first `look` jobs those that are expected to run no longer than so."""
        units = tuple([free[name] for name in self.names])
        for number, block in enumerate(self._blocks):
            if not block.has_room(memory, units):
                continue
            for at, entry in enumerate(block.entries):
                if before is not None and before < entry:
                    return None
                if entry[3] > memory or any(a > b for a, b in zip(entry[4], units, strict=True)):
                    continue
                if entry[5] <= most_s:
                    return Place(number, at)
                look -= 1
                if not look:
                    return None
        return None

    def take(self, place: Place) -> Entry:
        block = self._blocks[place.block]
        entry = block.entries.pop(place.at)
        if not block.entries:
            del self._blocks[place.block]
            self._is_stale = True
        elif not block.same and (entry[3] == block.least_bytes or entry[4]):
            block.measure()
            self._is_stale = True
        return entry

    def _measure(self) -> None:
        if self._fresh:
            self._settle()
        self._least_bytes = min([block.least_bytes for block in self._blocks])
        if self.names:
            columns = zip(*[block.least_units for block in self._blocks], strict=True)
            self._least_units = tuple(map(min, columns))
        self._is_stale = False

    def _settle(self) -> None:
        """Put what was added into the blocks."""
        fresh, self._fresh = self._fresh, []
        if len(fresh) > _BLOCK:
            entries = [entry for block in self._blocks for entry in block.entries] + fresh
            entries.sort()
            step = range(0, len(entries), _BLOCK)
            self._blocks = [_Block(entries[at : at + _BLOCK]) for at in step]
            return
        for entry in fresh:
            self._insert(entry)

    def _insert(self, entry: Entry) -> None:
        blocks = self._blocks
        if not blocks:
            blocks.append(_Block([entry]))
            return
        at = min(bisect_left(blocks, entry, key=_last), len(blocks) - 1)
        block = blocks[at]
        insort(block.entries, entry)
        if len(block.entries) > 2 * _BLOCK:
            half = _Block(block.entries[_BLOCK:])
            del block.entries[_BLOCK:]
            block.measure()
            blocks.insert(at + 1, half)
        elif entry[3] != block.least_bytes or not block.same or entry[4] != block.least_units:
            block.same = False
            block.least_bytes = min(block.least_bytes, entry[3])
            if entry[4]:
                block.least_units = tuple(map(min, block.least_units, entry[4]))


def _last(block: _Block) -> Entry:
    return block.entries[-1]
