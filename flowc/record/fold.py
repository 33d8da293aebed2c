"""Events to the story of a run. Pure: the same events, in whatever order, give the same story.

A log may be cut short, may lack its beginning, hold events that this version does not know, and be
that of a run that is still going. What is missing is said in the story's `notes`, and whatever can
be told is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from flowc.events import (
    Event,
    GroupPlanned,
    JobDone,
    JobEnded,
    JobFailed,
    JobPlanned,
    JobSkipped,
    JobStarted,
    JobSubmitted,
    Notice,
    RunEnded,
    RunStarted,
)
from flowc.record.overview import PAUSED, RESUMED
from flowc.record.story import (
    CANCELLED,
    FAILED,
    OK,
    RUNNING,
    UP_TO_DATE,
    UPSTREAM,
    AttemptStory,
    Group,
    JobStory,
    RunStory,
    set_ready_times,
)

NO_END = (
    "The log has no end: the run was still going when this was made, or was cut short. "
    "Figures are those up to the last event."
)
_Number = TypeVar("_Number", int, float)


@dataclass(slots=True)
class _Attempt:
    """What has been heard of one attempt. Its command runs more than once for a benchmark."""

    submitted: JobSubmitted | None = None
    starts: dict[JobStarted, None] = field(default_factory=dict)
    ends: dict[JobEnded, None] = field(default_factory=dict)
    done: JobDone | None = None
    failed: JobFailed | None = None


@dataclass(slots=True)
class _Job:
    planned: JobPlanned | None = None
    skipped: JobSkipped | None = None
    attempts: dict[int, _Attempt] = field(default_factory=dict)


class Fold:
    """Takes events one by one; `story()` says what is known so far."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._earlier: list[str] = []  # runs that came before in the same log
        self._jobs: dict[int, _Job] = {}
        self._groups: dict[int, GroupPlanned] = {}
        self._pauses: dict[float, bool] = {}  # when, and whether it began then
        self._first_s: float | None = None
        self._last_s: float | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            if self._started is not None and self._started.run != event.run:
                earlier = [*self._earlier, self._started.run]
                self.__init__()  # type: ignore[misc] # several runs in one file: the last counts
                self._earlier = earlier
            self._started = event
        if event.at_s > 0:
            self._first_s = min(event.at_s, self._first_s or event.at_s)
            self._last_s = max(event.at_s, self._last_s or event.at_s)
        if isinstance(event, JobSubmitted):
            known = self._attempt(event.job, event.attempt)
            if known.submitted is None or event.at_s < known.submitted.at_s:
                known.submitted = event
        elif isinstance(event, JobStarted):
            self._attempt(event.job, event.attempt).starts[event] = None
        elif isinstance(event, JobEnded):
            self._attempt(event.job, event.attempt).ends[event] = None
        elif isinstance(event, JobDone):
            self._attempt(event.job, event.attempt).done = event
        elif isinstance(event, JobFailed):
            self._attempt(event.job, event.attempt).failed = event
        elif isinstance(event, JobPlanned):
            self._job(event.job).planned = event
        elif isinstance(event, JobSkipped):
            self._job(event.job).skipped = event
        elif isinstance(event, GroupPlanned):
            self._groups[event.group] = event
        elif isinstance(event, Notice):
            if event.code in (PAUSED, RESUMED):
                self._pauses[event.at_s] = event.code == PAUSED
        elif isinstance(event, RunEnded):
            self._ended = event

    def _job(self, id: int) -> _Job:
        job = self._jobs.get(id)
        if job is None:
            job = self._jobs[id] = _Job()
        return job

    def _attempt(self, id: int, number: int) -> _Attempt:
        job = self._job(id)
        attempt = job.attempts.get(number)
        if attempt is None:
            attempt = job.attempts[number] = _Attempt()
        return attempt

    def story(self) -> RunStory:
        """What is known of the run. May be asked again later."""
        run = self._run()
        for number in sorted(self._groups):
            group = self._groups[number]
            run.groups[number] = Group(group.files, tuple(group.needs))
        for id in sorted(self._jobs):
            run.jobs[id] = _job_story(id, self._jobs[id], is_over=bool(run.outcome))
        set_ready_times(run)
        if self._earlier:
            run.notes.append(
                "Before this run came others, as checkpoints make them, which have reports of "
                f"their own: {', '.join(self._earlier[-5:])}."
            )
        _note(run)
        return run

    def _run(self) -> RunStory:
        started, ended = self._started, self._ended
        run = RunStory(start_s=self._first_s or 0.0, end_s=self._last_s or 0.0)
        if started is not None:
            run.run, run.tool_version = started.run, started.flowc_version
            run.argv, run.workflow = started.argv, started.workflow
            run.directory, run.host, run.boot_id = started.directory, started.host, started.boot_id
            run.pid, run.pid_start_s = started.pid, started.pid_start_s
            run.start_s = started.at_s
            run.cores, run.memory_bytes = started.cores, started.memory_bytes
            run.limits, run.jobs_total = started.limits, started.jobs_total
        else:
            run.notes.append(
                "The log's beginning is missing: totals of cores and memory are unknown."
            )
        if ended is not None:
            run.outcome, run.exit_code, run.end_s = ended.outcome, ended.exit_code, ended.at_s
        run.end_s = max(run.start_s, run.end_s)
        run.pauses = _pauses(self._pauses, run.end_s)
        return run


def fold_events(events: Iterable[Event]) -> RunStory:
    """The story of a whole log."""
    fold = Fold()
    for event in events:
        fold(event)
    return fold.story()


def _job_story(id: int, known: _Job, *, is_over: bool) -> JobStory:
    job = JobStory(id)
    planned = known.planned
    if planned is not None:
        job.rule, job.name, job.wildcards = planned.rule, planned.name, planned.wildcards
        job.inputs, job.outputs = planned.inputs, planned.outputs
        job.needs, job.groups, job.reasons = planned.needs, planned.groups, planned.reasons
    elif known.skipped is not None:
        job.rule, job.name = known.skipped.rule, known.skipped.name
    for number in sorted(known.attempts):
        attempt = known.attempts[number]
        submitted, failed = attempt.submitted, attempt.failed
        if submitted is not None:
            job.rule, job.name = submitted.rule, submitted.name
            job.wildcards, job.outputs = submitted.wildcards, submitted.outputs
            job.command, job.log = submitted.command, submitted.log
        elif failed is not None:
            job.rule, job.name, job.command, job.log = (
                failed.rule, failed.name, failed.command, failed.log
            )  # fmt: skip
        elif attempt.done is not None and not job.rule:
            job.rule, job.outputs = attempt.done.rule, attempt.done.outputs
        job.attempts.append(_attempt_story(number, attempt, planned))
    job.name = job.name or job.rule or f"job {id}"
    job.state = _state(job, known, is_over=is_over)
    return job


def _attempt_story(number: int, known: _Attempt, planned: JobPlanned | None) -> AttemptStory:
    found = AttemptStory(number)
    submitted, done, failed = known.submitted, known.done, known.failed
    if submitted is not None:
        found.submitted_s, found.ready_s = submitted.at_s, submitted.ready_at_s
        found.cores, found.spare_bytes = submitted.cores, submitted.spare_bytes
        found.memory_bytes = max(0, submitted.memory_bytes - submitted.spare_bytes)
        found.resources, found.executor = submitted.resources, submitted.executor
    elif planned is not None:
        found.cores, found.memory_bytes = planned.cores, planned.memory_bytes
    if known.starts:
        first = min(known.starts, key=lambda event: (event.at_s, event.external_id))
        found.started_s, found.host = first.at_s, first.host
        found.external_id = first.external_id
    if known.ends:
        ends = sorted(known.ends, key=lambda event: event.at_s)
        last = ends[-1]
        found.ended_s, found.exit_code = last.at_s, last.exit_code
        found.wall_s = sum(end.wall_s for end in ends)
        found.cpu_s = _sum([end.cpu_s for end in ends])
        found.read_bytes = _sum([end.read_bytes for end in ends])
        found.written_bytes = _sum([end.written_bytes for end in ends])
        peaks = [size for end in ends for size in (end.peak_rss_bytes, end.seen_memory_bytes)]
        found.peak_bytes = max((size for size in peaks if size is not None), default=None)
        if found.started_s is None:
            found.started_s = max(last.at_s - last.wall_s, found.submitted_s or 0.0)
        found.started_s = min(found.started_s, last.at_s)
    if done is not None:
        found.cause = ""
        found.ended_s = done.at_s if found.ended_s is None else found.ended_s
    elif failed is not None:
        found.cause, found.message = failed.cause, failed.message
        found.exit_code, found.will_retry = failed.exit_code, failed.will_retry
        found.ended_s = failed.at_s if found.ended_s is None else found.ended_s
    return found


def _state(job: JobStory, known: _Job, *, is_over: bool) -> str:
    if any(attempt.done is not None for attempt in known.attempts.values()):
        return OK
    last = job.last
    if known.skipped is not None and last is None:
        return UPSTREAM if known.skipped.why == "upstream" else UP_TO_DATE
    if last is None:
        return "planned"
    if last.cause:
        return CANCELLED if last.cause == "cancelled" else FAILED
    return CANCELLED if is_over else RUNNING


def _note(run: RunStory) -> None:
    """Say what is missing."""
    if not run.outcome:
        run.notes.append(NO_END)
    ran = [a for _, a in run.attempts() if a.ended_s is not None]
    if not run.jobs:
        run.notes.append("No job was started.")
    elif not ran:
        run.notes.append("No job has ended.")
    elif not any(a.cpu_s is not None for a in ran):
        run.notes.append("Nobody has measured what the jobs used: only requests are shown.")
    elif not any(a.peak_bytes is not None for a in ran):
        run.notes.append("Nobody has measured the jobs' memory.")
    unnamed = sum(not job.rule for job in run.jobs.values())
    if unnamed:
        run.notes.append(f"Of {unnamed} jobs the log does not say what they were.")


def _pauses(known: Mapping[float, bool], end_s: float) -> list[tuple[float, float]]:
    """From when until when no job was started."""
    found: list[tuple[float, float]] = []
    since_s: float | None = None
    for at_s, begins in [*sorted(known.items()), (end_s, False)]:
        if not begins and since_s is not None:
            found.append((since_s, at_s))
        since_s = (at_s if since_s is None else since_s) if begins else None
    return found


def _sum(values: list[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
