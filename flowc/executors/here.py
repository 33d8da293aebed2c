"""The machine that flowc runs on: as an executor of its own, and beside a cluster's."""

import time
from collections.abc import Iterable, Sequence

from flowc.attempt import JobReturned
from flowc.diagnostic import fail
from flowc.events import JobEnded, JobStarted, Notice
from flowc.executors.base import Capacity, Executor, Setup, Task
from flowc.executors.local import LocalExecutor
from flowc.ids import JobId

_TURN_S = 0.05
"""How long one of two executors is waited for before the other has its turn."""


def make_local(setup: Setup) -> LocalExecutor:
    """The entry point of `--executor local`."""
    for name in setup.options:
        raise fail("bad-option", f"the executor `local` has no option `{name}`")
    if setup.site is not None:
        raise fail(
            "bad-option",
            "`--site` is about a cluster, and the jobs would run on this machine",
            hint="name the cluster's executor: `--executor slurm`, sge or drmaa",
        )
    return LocalExecutor(setup.here, setup.run)


class Divided:
    """Two executors as one: tasks that say so run on this machine, all others on the cluster.

    What fits on this machine is for the caller to decide, as with `LocalExecutor`.
    """

    capacity: Capacity | None

    def __init__(self, here: Executor, there: Executor) -> None:
        self.capacity = there.capacity
        self._here, self._there = here, there
        self._of_here: set[JobId] = set()
        self._of_there: set[JobId] = set()

    def submit(self, tasks: Sequence[Task]) -> None:
        mine = [task for task in tasks if task.here]
        others = [task for task in tasks if not task.here]
        self._of_here.update(task.job for task in mine)
        self._of_there.update(task.job for task in others)
        if mine:
            self._here.submit(mine)
        if others:
            self._there.submit(others)

    def takes_up(self, task: Task) -> float | None:
        """See `Lasting`; nothing on this machine outlives flowc."""
        ask = getattr(self._there, "takes_up", None)
        since_s: float | None = None if task.here or ask is None else ask(task)
        return since_s

    def pause(self, is_paused: bool) -> None:
        """See `Pausing`; what runs on this machine goes on."""
        tell = getattr(self._there, "pause", None)
        if tell is not None:
            tell(is_paused)

    def wait(
        self, timeout_s: float | None
    ) -> Sequence[JobStarted | JobEnded | JobReturned | Notice]:
        if not self._of_here:
            return self._told(self._there.wait(timeout_s))
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = None if until_s is None else max(0.0, until_s - time.monotonic())
            turn_s = _TURN_S if left_s is None else min(_TURN_S, left_s)
            events = self._told([*self._there.wait(0.0), *self._here.wait(turn_s)])
            if events or left_s == 0.0:
                return events

    def _told(
        self, events: Sequence[JobStarted | JobEnded | JobReturned | Notice]
    ) -> Sequence[JobStarted | JobEnded | JobReturned | Notice]:
        for event in events:
            if isinstance(event, JobEnded):
                self._of_here.discard(event.job)
                self._of_there.discard(event.job)
        return events

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        asked = set(jobs)
        self._here.cancel(asked & self._of_here, kill=kill)
        self._there.cancel(asked & self._of_there, kill=kill)

    def close(self) -> None:
        try:
            self._here.close()
        finally:
            self._there.close()
