"""`--touch`: declare that what exists is up to date, without running anything."""

import os
import time
from collections.abc import Callable, Sequence

from flowc.dataclass import dataclass
from flowc.disk import Disk, FileState
from flowc.events import Event, FilesTouched, RunEnded
from flowc.ids import FileId, JobId
from flowc.plan.decision import Plan
from flowc.plan.digest import FileDigests, JobDigests
from flowc.run.budget import Budget
from flowc.run.files import touch
from flowc.run.options import RunHistory, RunOptions
from flowc.run.tell import Teller


@dataclass(frozen=True, slots=True)
class TouchOutcome:
    """`missing`: outputs that do not exist, and were not made."""

    touched: int
    missing: tuple[str, ...]


def touch_plan(
    plan: Plan,
    *,
    options: RunOptions,
    history: RunHistory,
    disk: Disk,
    listeners: Sequence[Callable[[Event], None]] = (),
) -> TouchOutcome:
    """Give the existing outputs of the jobs that would run a new time, in the jobs' order, and have
    it remembered that they are what the present rules make of the present inputs."""
    graph = plan.graph
    tell = Teller(plan, listeners)
    jobs = plan.to_run()
    tell.run_started(options, Budget(), len(jobs))
    touched: list[JobId] = []
    paths: list[str] = []
    missing: list[str] = []
    groups: set[int] = set()
    now_ns = time.time_ns()
    for job in jobs:
        files = graph.outputs[job]
        names = [graph.paths[f] for f in files]
        states = disk.stat_many(names)
        absent = [n for n, state in zip(names, states, strict=True) if state is None]
        now_ns = max(now_ns, time.time_ns(), _newest(plan, job, groups))
        for name, state in zip(names, states, strict=True):
            if state is not None:
                _touch(name, state, now_ns)
                paths.append(name)
        missing += absent
        if not absent and names:
            touched.append(job)
    if paths:
        tell(FilesTouched(time.time(), tuple(paths)))
    digests = JobDigests(graph, FileDigests(disk, history))
    for job in touched:
        tell.done(job, 1, digests, now_ns)
    tell(RunEnded(time.time(), "ok", 0, len(touched), 0, 0, len(jobs) - len(touched)))
    history.catch_up()
    history.keep_digests(digests.files.new)
    return TouchOutcome(len(paths), tuple(missing))


def _newest(plan: Plan, job: JobId, groups: set[int]) -> int:
    """The newest time of the inputs that were found when the graph was made: no output may be
    older, even if that time lies in the future. Lists in `groups` have been looked at."""
    graph = plan.graph
    found = 0
    for ref in graph.inputs[job]:
        if ref < 0 and ref in groups:
            continue
        groups.add(ref)
        for file in (FileId(ref),) if ref >= 0 else graph.groups[~ref]:
            state = graph.states[file]
            if state is not None and state.mtime_ns > found:
                found = state.mtime_ns
    return found


def _touch(path: str, state: FileState, mtime_ns: int) -> None:
    try:
        touch(path, state.kind, mtime_ns)
    except PermissionError:  # of another owner: writing is allowed, setting a time is not
        os.utime(path)
