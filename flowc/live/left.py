"""How long a run may still take, from how far it has come.

Where it is known how long jobs take, from a profile or from earlier runs, what counts is their time
and not their number: three short jobs that are done say little of the long one that is left.
"""

from flowc.events import JobSubmitted, RunStarted
from flowc.ids import JobId

_FROM_S, _TO_S = 2.0, 1e7
"""So long a run must have lasted; who has set the clock back is told nothing."""


class TimeLeft:
    """Is told what happens, with the time on any one clock that only goes on."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._jobs = 0  # those that may still have to run
        self._done = 0
        self._work_s: float | None = None  # of all jobs, as expected
        self._done_s = 0.0  # of those that are done, as expected
        self._running: dict[JobId, tuple[float, float]] = {}  # since when, and how long expected

    def begin(self, event: RunStarted, now_s: float) -> None:
        self._began_s, self._jobs, self._work_s = now_s, event.jobs_total, event.expected_s
        self._done, self._done_s = 0, 0.0
        self._running.clear()

    def start(self, event: JobSubmitted, now_s: float) -> None:
        if event.expected_s is not None:
            self._running[event.job] = (now_s, event.expected_s)

    def end(self, job: JobId, *, well: bool) -> None:
        expected_s = self._running.pop(job, (0.0, 0.0))[1]
        if well:
            self._done += 1
            self._done_s += expected_s

    def drop(self) -> None:
        """A job will not run after all: one like the others, for all that is known."""
        if self._work_s is not None and self._jobs:
            self._work_s -= self._work_s / self._jobs
        self._jobs -= 1

    def seconds(self, now_s: float) -> float | None:
        """None where nothing can be said."""
        passed_s = now_s - self._began_s
        left = self._jobs - self._done
        if left <= 0 or not _FROM_S < passed_s < _TO_S:
            return None
        if self._work_s is None:
            return passed_s / self._done * left if self._done else None
        running = [(now_s - since_s, lasts_s) for since_s, lasts_s in self._running.values()]
        so_far_s = self._done_s + sum(min(pair) for pair in running)
        if so_far_s <= 0:
            return None
        last_s = max([lasts_s - for_s for for_s, lasts_s in running], default=0.0)
        return max((self._work_s - so_far_s) / so_far_s * passed_s, last_s, 0.0)
