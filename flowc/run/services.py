"""Services while a run lasts: they run beside their consumers, and are ended after the last.

A service starts when one of its consumers waits for nothing else (`flowc.run.state` sees when that
is). It serves as soon as its outputs are there; then its consumers may start. If it ends by itself
before they are over it has failed, and those that run fail with it; when it is tried again, so are
they, once it serves again.
"""

import os

from flowc.executors.base import Executor
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.run.causes import RESTARTED, SERVICE_FAILED
from flowc.run.files import Fault
from flowc.run.state import RunState, Status

PATIENCE_S = 10.0
"""From asking a job to end, to ending it."""


class Services:
    """The services that run now, and the jobs that wait for them."""

    def __init__(self, graph: JobGraph, state: RunState, executor: Executor) -> None:
        self._graph, self._state, self._executor = graph, state, executor
        self._consumers = graph.streams.consumers
        self._of = graph.streams.needed
        self._starting: set[JobId] = set()
        self.serving: set[JobId] = set()
        self._parked: list[JobId] = []  # ready but for services that are down, or have no room
        self._asked: set[JobId] = set()  # to end, as nobody needs them any more
        self._failed_with: dict[JobId, tuple[JobId, bool]] = {}  # consumers; whether again
        self._kill_at: dict[JobId, float] = {}

    @property
    def are_watched(self) -> bool:
        """Whether one is about to serve, or somebody was asked to end."""
        return bool(self._starting or self._kill_at)

    def is_one(self, job: JobId) -> bool:
        return job in self._consumers

    def park(self, job: JobId) -> None:
        """A job that is ready may not start yet; it is lined up anew when something changes."""
        self._parked.append(job)

    def are_up(self, job: JobId) -> bool:
        """Whether all services serve that a job needs, and those that run at once with it."""
        return not self._of or all(
            service in self.serving
            for member in self._state.members(job)
            for service in self._of.get(member, ())
        )

    def began(self, job: JobId) -> None:
        """A job was submitted."""
        if job in self._consumers:
            self._starting.add(job)

    def ended(self, job: JobId, fault: Fault | None) -> Fault | None:
        """A job's command has ended: what that means."""
        if not self._consumers:
            return fault
        self._kill_at.pop(job, None)
        if job in self._consumers:
            self._starting.discard(job)
            self.serving.discard(job)
            self._line_up_parked()
            if job in self._asked:
                return None
            early = "it ended by itself, and jobs that need it were not over"
            return fault or Fault("service-ended", early)
        service, again = self._failed_with.pop(job, (None, False))
        if service is None or fault is None:
            return fault
        name = self._graph.job(service).name
        cause = RESTARTED if again else SERVICE_FAILED
        return Fault(cause, f"the service {name}, which it needs, has failed")

    def failed(self, job: JobId, again: bool, now_s: float) -> None:
        """An attempt at a job has failed: if it is a service, nobody can go on with it."""
        if job in self._consumers:
            self._line_up_parked()
        running = []
        for consumer in self._consumers.get(job, ()):
            status = self._state.status(consumer)
            if status is Status.RUNNING and consumer not in self._failed_with:
                self._failed_with[consumer] = (job, again)
                self._kill_at[consumer] = now_s + PATIENCE_S
                running.append(consumer)
            elif not again:
                self._state.give_up(consumer)
        if running:
            self._executor.cancel(running)

    def look(self, now_s: float) -> None:
        """See which services serve, and end those that nobody needs any more."""
        if not self._consumers:
            return
        graph = self._graph
        for job in list(self._starting):
            if all(os.path.lexists(graph.paths[file]) for file in graph.outputs[job]):
                self._starting.discard(job)
                self.serving.add(job)
                self._line_up_parked()
        idle = [job for job in (*self._starting, *self.serving) if job not in self._asked]
        idle = [job for job in idle if self._state.is_idle(job)]
        for job in idle:
            self._asked.add(job)
            self._kill_at[job] = now_s + PATIENCE_S
        if idle:
            self._executor.cancel(idle)
        late = [job for job, kill_at_s in self._kill_at.items() if now_s >= kill_at_s]
        for job in late:
            del self._kill_at[job]
        if late:
            self._executor.cancel(late, kill=True)

    def _line_up_parked(self) -> None:
        parked, self._parked = self._parked, []
        self._state.ready += [j for j in parked if self._state.status(j) is Status.READY]
