"""From a job that may start to its launch: room is made for its outputs, and its command filled in.

Where a run that was killed has left this very job with an executor, it is taken up instead: what
there is to clear away may be its outputs.
"""

import os
import time
from contextlib import suppress

from flowc.dataclass import replace
from flowc.diagnostic import WorkflowError
from flowc.executors.base import Executor
from flowc.graph.job import Job, JobGraph
from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.files import Fault, JobFiles
from flowc.run.spare import with_memory
from flowc.run.task import Launch, Launcher


class Preparer:
    """Gets jobs ready to be submitted."""

    def __init__(
        self, graph: JobGraph, launcher: Launcher, files: JobFiles, executor: Executor
    ) -> None:
        self._graph, self._launcher, self._files = graph, launcher, files
        self._takes_up = getattr(executor, "takes_up", None)  # see `executors.base.Lasting`

    def prepare(
        self, job: JobId, attempt: int, request: Request, memory_bytes: int | None
    ) -> Launch | Fault:
        """`memory_bytes`: what it gets where that is more than it asks for."""
        view = self._graph.job(job)
        may_be_left = self._takes_up is not None
        fault = None if may_be_left else self._files.before(job)
        if fault is not None:
            return fault
        try:
            launch = self._launcher.launch(job, attempt, request)
            launch = with_memory(launch, memory_bytes)
        except WorkflowError as wrong:
            return Fault("workflow", str(wrong))
        except OSError as wrong:
            return Fault("not-started", str(wrong))
        found = self._take_up(view, launch) if may_be_left else self._begin(view, launch)
        if isinstance(found, Fault) and launch.script is not None:
            with suppress(OSError):
                os.unlink(launch.script)
        return found

    def _take_up(self, job: Job, launch: Launch) -> Launch | Fault:
        """It is there already, or there is room for it now."""
        assert self._takes_up is not None
        since_s = self._takes_up(launch.task)
        if since_s is not None:
            self._launcher.shadows.adopt(job, launch.task.cwd)
            return replace(launch, since_s=since_s)
        fault = self._files.before(launch.task.job)
        return self._begin(job, launch) if fault is None else fault

    def _begin(self, job: Job, launch: Launch) -> Launch | Fault:
        """A shadow directory is made of what is there: room comes first."""
        try:
            self._launcher.shadows.begin(job, launch.task.cwd)
        except OSError as wrong:
            return Fault("not-started", str(wrong))
        return launch


def began_ns(launch: Launch) -> int:
    """Since when the job's inputs must not have changed."""
    return time.time_ns() if launch.since_s is None else int(launch.since_s * 1e9)
