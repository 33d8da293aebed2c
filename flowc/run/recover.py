"""What a run that was killed has said it would do, and may not have come to: it is done now."""

import os
from collections.abc import Collection, Sequence
from contextlib import suppress

from flowc.disk import Disk
from flowc.ids import NO_JOB, JobId
from flowc.plan.decision import Plan
from flowc.run import backup
from flowc.run.files import REMOVED, JobFiles, remove
from flowc.run.temp import TempFiles


def finish_removals(plan: Plan, paths: Collection[str], said_at_s: float) -> None:
    """Remove `temp` files that no job needed at a time (Unix, in seconds), unless one needs them
    now. What was written since is somebody else's."""
    if paths:
        graph, ids = plan.graph, plan.graph.file_ids
        needed = TempFiles(graph, (*plan.to_run(), *plan.held), plan.asked)
        for path in paths:
            file = ids.get(path)
            with suppress(OSError):
                is_old = os.lstat(path).st_mtime <= said_at_s
                if is_old and (file is None or not needed.stays(file)):
                    remove(path, whole=True)
    with suppress(OSError):
        if os.listdir(REMOVED):
            from shutil import rmtree  # few runs are killed

            rmtree(REMOVED, ignore_errors=True)


def settle(plan: Plan, disk: Disk, done: Sequence[Collection[str]]) -> None:
    """See `JobFiles.settle`, for jobs that were done, each given by its outputs. What is to be made
    again is not write-protected."""
    if not done:
        return
    graph, ids = plan.graph, plan.graph.file_ids
    files = JobFiles(graph, disk)
    for outputs in done:
        for path in outputs:
            backup.forget(path)
        for job in {graph.producer[ids[path]] for path in outputs if path in ids}:
            if job != NO_JOB and not plan.decisions[job]:
                files.settle(JobId(job), lambda: None)
