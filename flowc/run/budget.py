"""What a run may use at once, what of that is free, and what jobs take of it."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from flowc.plan.request import Request


class Need(NamedTuple):
    """What a job takes of a budget. `named`: custom resources and limits, sorted, of which the
    run has totals; limits are called `limit:NAME`."""

    cores: int
    memory_bytes: int
    named: tuple[tuple[str, float], ...] = ()


def total(needs: Sequence[Need]) -> Need:
    """What jobs take that run at once."""
    if len(needs) == 1:
        return needs[0]
    named: dict[str, float] = {}
    for need in needs:
        for name, units in need.named:
            named[name] = named.get(name, 0.0) + units
    cores, memory_bytes = sum(n.cores for n in needs), sum(n.memory_bytes for n in needs)
    return Need(cores, memory_bytes, tuple(sorted(named.items())))


def largest(needs: Sequence[Need]) -> Need:
    """Room for any one of them."""
    named: dict[str, float] = {}
    for need in needs:
        for name, units in need.named:
            named[name] = max(named.get(name, 0.0), units)
    cores = max([need.cores for need in needs], default=0)
    memory_bytes = max([need.memory_bytes for need in needs], default=0)
    return Need(cores, memory_bytes, tuple(sorted(named.items())))


HERE_CORES, HERE_MEMORY, IN_QUEUE = "here:cores", "here:memory", "queue:jobs"
"""Names of what jobs take that run beside a cluster, and of a place in that cluster's queue."""


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
        self.is_divided = HERE_CORES in self.named or IN_QUEUE in self.named

    @property
    def told(self) -> Mapping[str, float]:
        """Totals by name, for people."""
        own = (HERE_CORES, HERE_MEMORY, IN_QUEUE)
        return {name: units for name, units in self.named.items() if name not in own}

    def fresh(self) -> "Budget":
        """The same, with nothing taken."""
        return Budget(self.cores, self.memory_bytes, self.named)

    def need(self, request: Request) -> Need:
        """What a request means for this budget; what has no total is not limited."""
        if not self.named or not (request.resources or request.limits or self.is_divided):
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
        if request.here and HERE_CORES in self.named:  # nothing of what is there
            named += [(HERE_CORES, request.cores), (HERE_MEMORY, request.memory_bytes)]
            return Need(0, 0, tuple(sorted(named)))
        if IN_QUEUE in self.named:
            named.append((IN_QUEUE, 1))
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

    def lowered(self, need: Need) -> Need:
        """What there is, where more is needed."""
        return Need(
            int(min(need.cores, self.cores)),
            int(min(need.memory_bytes, self.memory_bytes)),
            tuple([(name, min(units, self.named[name])) for name, units in need.named]),
        )

    def beside(self, needs: Sequence[Need]) -> "Budget":
        """What is left of it all beside jobs that hold so much."""
        taken = total([Need(0, 0), *needs])
        named = {
            name: units - dict(taken.named).get(name, 0.0) for name, units in self.named.items()
        }
        return Budget(self.cores - taken.cores, self.memory_bytes - taken.memory_bytes, named)

    def share(self, need: Need) -> float:
        """The dominant share: the largest part that a job takes of anything there is."""
        share = max(need.cores / self.cores, need.memory_bytes / (self.memory_bytes or inf))
        for name, units in need.named:
            total = self.named[name]
            if total > 0 and units / total > share:
                share = units / total
        return share

    def fits(self, need: Need) -> bool:
        """Whether all that is needed is free."""
        return (
            need.cores <= self.free_cores
            and need.memory_bytes <= self.free_memory_bytes
            and all(units <= self.free_named[name] for name, units in need.named)
        )

    @property
    def is_kept(self) -> bool:
        """Whether no more is taken than there is."""
        free = (self.free_cores, self.free_memory_bytes, *self.free_named.values())
        return min(free) >= 0

    def places(self, need: Need) -> int:
        """How many can run at once that need this, and nothing else."""
        asked = [(self.named[name], units) for name, units in need.named]
        asked += [(self.cores, need.cores), (self.memory_bytes, need.memory_bytes)]
        return int(min([total // units for total, units in asked if units > 0], default=1))

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
