"""What a run that was killed has said it would do, and may not have come to: it is done now."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress

from flowc.graph.job import output_flags
from flowc.plan.decision import Plan
from flowc.run import backup
from flowc.run.files import REMOVED, protect, remove
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


def settle(plan: Plan, done: Iterable[Collection[str]]) -> None:
    """Write-protect what is `protected` of the outputs of jobs that were done, unless they are to
    be made again, and let go of the copies of what they have updated. Each job is given by its
    outputs."""
    graph = plan.graph
    flags_of = [output_flags(rule) for rule in graph.workflow.rules]
    guarded = any(flags.protected for outputs in flags_of for flags in outputs)
    for outputs in done:
        for path in outputs:
            backup.forget(path)
        ids = graph.file_ids if guarded else {}
        for job in {graph.producer[ids[path]] for path in outputs if path in ids}:
            if job < 0 or plan.decisions[job]:
                continue
            flags_here = flags_of[graph.rule_of[job]]
            for made, flags in zip(graph.outputs[job], flags_here, strict=True):
                if flags.protected and graph.paths[made] in outputs:
                    with suppress(OSError):
                        protect(graph.paths[made])
