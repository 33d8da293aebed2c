"""A listener of a run that makes its profile: what is seen while jobs run, and what the kernel
says of them at their end."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from flowc.events import (
    Event,
    GroupPlanned,
    JobDone,
    JobEnded,
    JobFailed,
    JobPlanned,
    JobStarted,
    JobSubmitted,
    RunStarted,
)
from flowc.ids import JobId
from flowc.measure.benchmarks import KINDS
from flowc.measure.processes import maker_bytes
from flowc.measure.sample import Sampler
from flowc.measure.series import Moment, Series, cores_between
from flowc.sizing.profile import (
    CANCELLED,
    FAILED,
    NOT_STARTED,
    OK,
    OOM,
    TIME_LIMIT,
    Attempt,
    ProfileRun,
)

FEW_INPUTS = 20
"""Of so many inputs each one's size is kept; of more only the sum."""
FEW_LOOKS = 10
"""What was looked at no more often, at its beginning, may have grown unseen."""
SHORTEST_S = 0.01
"""The kernel does not tell CPU time finely enough to say how many cores a shorter job has used."""
LIKE_MAKER = 1.25
"""A process begins in the memory of the one that makes it, and the kernel counts that as its own
peak: where it is hardly more than that, it is an upper bound."""
_ENDED_BY_OTHERS = ("cancelled-elsewhere", "requeued", "node-failure", "vanished")
_CAUSES = {c: c for c in (CANCELLED, NOT_STARTED, OOM, TIME_LIMIT)} | dict.fromkeys(
    _ENDED_BY_OTHERS, CANCELLED
)


class _Job:
    """What is known of a job between its submission and the end of an attempt."""

    __slots__ = (
        "ended",
        "input_bytes",
        "inputs",
        "maker_bytes",
        "pid",
        "series",
        "started_s",
        "submitted",
    )

    def __init__(self, submitted: JobSubmitted, inputs: Mapping[str, int | None]) -> None:
        self.submitted = submitted
        self.inputs = inputs
        self.input_bytes: int | None = None
        self.started_s: float | None = None
        self.pid: int | None = None
        self.maker_bytes = 0
        self.series: Series | None = None
        self.ended: JobEnded | None = None


class Profiler:
    """Call it with each event of a run. `digest_of`: a rule's command digest, by its name.

    `keepers` are given each attempt when it is over."""

    def __init__(self, digest_of: Callable[[str], str] = lambda rule: "") -> None:
        self.attempts: list[Attempt] = []
        self.keepers: list[Callable[[Attempt], None]] = [self.attempts.append]
        self._digest_of = digest_of
        self._sampler = Sampler()
        self._run: RunStarted | None = None
        self._planned: dict[JobId, tuple[tuple[str, ...], tuple[int, ...]]] = {}
        self._groups: dict[int, tuple[str, ...]] = {}
        self._group_bytes: dict[int, int | None] = {}
        self._jobs: dict[JobId, _Job] = {}
        self._maker_bytes = 0

    def __call__(self, event: Event) -> None:
        found = _STEPS.get(type(event))
        if found is not None:
            found(self, event)

    def close(self) -> None:
        self._sampler.close()

    def run(self) -> ProfileRun:
        """What has been measured so far."""
        run = self._run
        if run is None:
            return ProfileRun("", self.attempts)
        return ProfileRun(
            run.run,
            self.attempts,
            flowc=run.flowc_version,
            at_s=run.at_s,
            date=date(run.at_s),
            host=run.host,
            workflow=run.workflow,
            cores=run.cores or None,
            memory_bytes=run.memory_bytes or None,
        )

    # ---- events

    def _run_started(self, event: RunStarted) -> None:
        self._run = event

    def _group_planned(self, event: GroupPlanned) -> None:
        self._groups[event.group] = event.files

    def _job_planned(self, event: JobPlanned) -> None:
        self._planned[event.job] = (event.inputs, event.groups)

    def _submitted(self, event: JobSubmitted) -> None:
        before = self._jobs.get(event.job)
        if before is not None and before.ended is not None:  # repeated for its benchmark
            self._over(event.job, OK, 0)
        paths, groups = self._planned.get(event.job, ((), ()))
        sizes = {path: _size(path) for path in paths}
        job = _Job(event, sizes if len(sizes) <= FEW_INPUTS and not groups else {})
        parts = [*sizes.values(), *map(self._size_of_group, groups)]
        job.input_bytes = None if None in parts else sum(p for p in parts if p is not None)
        self._jobs[event.job] = job

    def _size_of_group(self, group: int) -> int | None:
        if group not in self._group_bytes:
            sizes = [_size(path) for path in self._groups.get(group, ())]
            known = [size for size in sizes if size is not None]
            self._group_bytes[group] = sum(known) if len(known) == len(sizes) else None
        return self._group_bytes[group]

    def _started(self, event: JobStarted) -> None:
        job = self._jobs.get(event.job)
        if job is None:
            return
        job.started_s = event.at_s
        found_bytes = maker_bytes(event.external_id)
        if found_bytes is not None:
            self._maker_bytes = found_bytes
            job.pid = int(event.external_id)
            self._sampler.watch(job.pid)
        if job.submitted.executor == "local":  # of one that is gone already, too
            job.maker_bytes = self._maker_bytes

    def _ended(self, event: JobEnded) -> None:
        job = self._jobs.get(event.job)
        if job is None:
            return
        job.ended = event
        if job.pid is not None:
            job.series = self._sampler.forget(job.pid)

    def _done(self, event: JobDone) -> None:
        if event.job in self._jobs:
            self._over(event.job, OK, 0)
        self._planned.pop(event.job, None)

    def _failed(self, event: JobFailed) -> None:
        if event.job in self._jobs:
            self._over(event.job, _CAUSES.get(event.cause, FAILED), event.exit_code)
        if not event.will_retry:
            self._planned.pop(event.job, None)

    def _over(self, id: JobId, outcome: str, exit_code: int) -> None:
        job = self._jobs.pop(id)
        if job.pid is not None and job.ended is None:
            job.series = self._sampler.forget(job.pid)
        submitted = job.submitted
        attempt = Attempt(
            rule=submitted.rule,
            name=submitted.name,
            wildcards=submitted.wildcards,
            attempt=submitted.attempt,
            outcome=outcome,
            exit_code=exit_code,
            at_s=job.started_s,
            input_bytes=job.input_bytes,
            inputs=job.inputs,
            command_digest=self._digest_of(submitted.rule),
            request={
                "cores": submitted.cores,
                "memory_bytes": submitted.memory_bytes - submitted.spare_bytes,
                **{n: v for n, v in submitted.resources.items() if not n.startswith("limit:")},
            },
            limits=_limits(submitted),
            **(_figures(job) if outcome != NOT_STARTED else {}),
        )
        for keep in self.keepers:
            keep(attempt)


def _figures(job: _Job) -> Mapping[str, Any]:
    """What was measured: where the job ran, if that was elsewhere."""
    if job.ended is not None and job.ended.figures is not None:
        return {name: value for name, value in job.ended.figures.items() if name != KINDS}
    return measured(job.ended, job.series, job.maker_bytes)


def _limits(submitted: JobSubmitted) -> dict[str, float]:
    """What bounded an attempt, and what it took of the run's named limits."""
    known = {"memory_bytes": submitted.memory_limit_bytes, "wall_s": submitted.limit_s}
    found: dict[str, float] = {name: value for name, value in known.items() if value is not None}
    taken = submitted.resources.items()
    return found | {name: units for name, units in taken if name.startswith("limit:")}


_STEPS: dict[type[Any], Callable[[Profiler, Any], None]] = {
    RunStarted: Profiler._run_started,
    GroupPlanned: Profiler._group_planned,
    JobPlanned: Profiler._job_planned,
    JobSubmitted: Profiler._submitted,
    JobStarted: Profiler._started,
    JobEnded: Profiler._ended,
    JobDone: Profiler._done,
    JobFailed: Profiler._failed,
}


def measured(ended: JobEnded | None, series: Series | None, maker_bytes: int = 0) -> dict[str, Any]:
    """The figures of an attempt. The kernel's own are the floor: of CPU time because nothing
    escapes them that a process waits for, of memory because they know the peak between looks,
    though of the largest process alone. `maker_bytes`: what the process has that makes those of
    jobs."""
    if ended is None:
        return {}
    wall_s = ended.wall_s
    seen = series if series is not None and series.looks else None
    cpu_s = ended.cpu_s
    if seen is not None and seen.cpu_s > (cpu_s or 0.0):  # of processes nobody has waited for
        cpu_s = seen.cpu_s
    mean = None if cpu_s is None else cpu_s / max(wall_s, SHORTEST_S)
    peak = None if seen is None else seen.cores_peak
    if mean is not None:
        peak = max(mean, peak or 0.0)
    found: dict[str, Any] = {
        "wall_s": _round(wall_s),
        "cpu_s": _round(cpu_s),
        "user_s": _round(ended.user_s),
        "system_s": _round(ended.system_s),
        "cores_mean": _round(mean),
        "cores_peak": _round(peak),
        "read_bytes": ended.read_bytes,
        "written_bytes": ended.written_bytes,
        **_memory(ended, seen, maker_bytes),
    }
    if seen is not None:
        found["threads_peak"] = seen.threads_peak
        found["processes_peak"] = seen.processes_peak
        found["gpu_memory_peak_bytes"] = seen.gpu_memory_peak_bytes
        found["gpu_use_peak"] = _round(seen.gpu_use_peak)
        found["series"] = series_data(seen.shown())
    return found


def _memory(ended: JobEnded, seen: Series | None, maker_bytes: int) -> dict[str, Any]:
    if ended.peak_rss_bytes is None and (seen is None or seen.looks < FEW_LOOKS):
        return {}
    known = [ended.peak_rss_bytes or 0]
    if seen is not None:
        known.append(seen.memory_peak_bytes or seen.rss_peak_bytes)
    peak_bytes = max(known)
    rss_bytes = max(peak_bytes, 0 if seen is None else seen.rss_peak_bytes)
    found: dict[str, Any] = {"memory_peak_bytes": peak_bytes, "rss_peak_bytes": rss_bytes}
    if peak_bytes <= LIKE_MAKER * maker_bytes:
        found["memory_is_bound"] = True
    if seen is not None and not seen.every_pss_read:
        found["memory_counts_twice"] = True
    return found


def series_data(moments: list[Moment]) -> dict[str, list[float | None]]:
    """Columns, as a profile has them."""
    found: dict[str, list[float | None]] = {
        "t_s": [round(m.at_s, 3) for m in moments],
        "cores": [round(cores, 2) for cores in cores_between(moments)],
        "rss_bytes": [m.rss_bytes for m in moments],
        "memory_bytes": [m.memory_bytes for m in moments],
        "threads": [m.threads for m in moments],
    }
    if any(m.gpu_memory_bytes is not None or m.gpu_use is not None for m in moments):
        found["gpu_memory_bytes"] = [m.gpu_memory_bytes for m in moments]
        found["gpu_use"] = [_round(m.gpu_use) for m in moments]
    return found


def date(at_s: float) -> str:
    """`2026-01-31T14:25:01Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return None
