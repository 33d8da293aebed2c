"""In what order ready jobs start: the schedules that `--schedule` offers.

    rank        the longest chain of work that still follows, times 1 + the dominant share: what
                the end waits for comes first, and of that what is hard to place
    mem-thread  most memory first, then most threads
    fifo        as they become ready
    search      as a search has found best (see `search.py`), if durations are known

`priority:` goes before all of them.
"""

from collections.abc import Sequence

from flowc.ids import JobId
from flowc.run.budget import Budget, Need
from flowc.run.queue import Order

SCHEDULES = ("rank", "mem-thread", "fifo", "search")

_MOST_CORES = 4096
"""A machine has less; so memory and threads make one number."""


class Ranking:
    """The order of one run's jobs. `ranks`: see `RunState.ranks`. Besides the schedules there are
    `path`, the rank alone, and `file`, the order of the graph."""

    def __init__(self, schedule: str, ranks: Sequence[float], budget: Budget) -> None:
        self._schedule = schedule
        self._ranks = ranks
        self._budget = budget
        self._came = 0

    def order(self, job: JobId, need: Need, priority: float = 0) -> Order:
        """To be asked once for each job that becomes ready, in that order."""
        if self._schedule == "fifo":
            self._came += 1
            return (-priority, self._came, job)
        if self._schedule == "mem-thread":
            return (-priority, -(need.memory_bytes + need.cores / _MOST_CORES), job)
        if self._schedule == "path":
            return (-priority, -self._ranks[job], job)
        if self._schedule == "file":
            return (-priority, job, job)
        return (-priority, -self._ranks[job] * (1 + self._budget.share(need)), job)
