"""Jobs at the two ends of pipes, while they run: they end well together, or not at all.

Nobody waits for ever at a pipe whose other end has gone: when a job has ended, whoever waits to
open one of its pipes is let through, and finds it empty.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from flowc.executors.base import Executor
from flowc.graph.job import JobGraph
from flowc.ids import FileId, JobId
from flowc.run.files import Fault, aside

PATIENCE_S = 10.0
"""From asking the other jobs at a pipe to end, to ending them."""


def at_the_other_end(graph: JobGraph, failed: JobId) -> Fault:
    """Why a job has come to nothing that had no fault of its own."""
    return Fault("pipe", f"it runs at once with {graph.job(failed).name}, which failed")


class Pipes:
    """The jobs at pipes that run now."""

    def __init__(self, graph: JobGraph, executor: Executor) -> None:
        self._graph, self._executor = graph, executor
        self._ends: dict[JobId, dict[JobId, Fault | None]] = {}  # by the first of a bundle
        self._failed: dict[JobId, JobId] = {}  # the first that failed, likewise
        self._kill_at: dict[JobId, float] = {}

    @property
    def are_ending(self) -> bool:
        """Whether some were asked to end and have not done so."""
        return bool(self._kill_at)

    def ended(
        self, job: JobId, fault: Fault | None, now_s: float
    ) -> Mapping[JobId, Fault | None] | None:
        """A job's command has ended: how all have that run at once with it, if that is all."""
        bundle = self._graph.streams.bundles.get(job)
        if bundle is None:
            return {job: fault}
        first = bundle[0]
        ends = self._ends.setdefault(first, {})
        if fault is None:
            self._let_through(job)
        elif first not in self._failed:
            self._failed[first] = job
            self._kill_at[first] = now_s + PATIENCE_S
            self._executor.cancel([other for other in bundle if other != job and other not in ends])
        elif fault.cause == "cancelled":
            fault = at_the_other_end(self._graph, self._failed[first])
        ends[job] = fault
        if len(ends) < len(bundle):
            return None
        self._failed.pop(first, None)
        self._kill_at.pop(first, None)
        return self._ends.pop(first)

    def look(self, now_s: float) -> None:
        """End those that were asked to end and will not."""
        for first, kill_at_s in list(self._kill_at.items()):
            if now_s >= kill_at_s:
                del self._kill_at[first]
                bundle, ends = self._graph.streams.bundles[first], self._ends[first]
                self._executor.cancel([job for job in bundle if job not in ends], kill=True)

    def _let_through(self, job: JobId) -> None:
        graph, pipes = self._graph, self._graph.streams.pipes
        files = [*graph.outputs[job], *graph.files_of(graph.inputs[job])]
        for file in files:
            if FileId(file) in pipes:
                with suppress(OSError):
                    _close(graph.paths[file])


def _close(path: str) -> None:
    """Put an empty file in place of a pipe, and let through who waits to open it. While flowc holds
    both of its ends, opening succeeds; when it lets go, readers find the end and writers nobody."""
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        return
    held = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        empty = aside()
        os.close(os.open(empty, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666))
        try:
            os.replace(empty, path)
        except OSError:  # on another file system
            os.unlink(empty)
            os.mknod(empty := f"{path}.{os.getpid()}.tmp", 0o666)
            os.replace(empty, path)
    finally:
        os.close(held)
