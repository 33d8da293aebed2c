"""What is known of one run, whoever has told it: the story that reports are made of.

It is made by folding flowc's own event log (`fold`), or from another tool's log (`foreign`). None,
or a time that is not there, means that nobody knows; a report says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PLANNED, RUNNING, OK, FAILED, CANCELLED, UPSTREAM, UP_TO_DATE = (
    "planned",  # never started
    "running",  # or cut short with its run: nothing was heard of its end
    "ok",
    "failed",
    "cancelled",  # ended with the run
    "upstream",  # not run, for a job that it needs has failed
    "up-to-date",  # need not run after all
)
STATES = (OK, FAILED, RUNNING, CANCELLED, UPSTREAM, UP_TO_DATE, PLANNED)


@dataclass(slots=True)
class AttemptStory:
    """One attempt at one job."""

    number: int  # counted from 1
    submitted_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    wall_s: float | None = None  # of the command alone
    ready_s: float | None = None  # from when on it could have started but for resources
    cores: int = 1  # asked for, as is the memory; 0: nothing
    memory_bytes: int = 0
    spare_bytes: int = 0  # what it held beyond that, unasked
    cpu_s: float | None = None
    peak_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    exit_code: int | None = None
    cause: str | None = None  # "": it went well; None: nobody knows (yet)
    message: str = ""
    will_retry: bool = False
    resources: Mapping[str, float] = field(default_factory=dict)
    host: str = ""
    external_id: str = ""
    executor: str = ""
    series: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    @property
    def begin_s(self) -> float | None:
        """From when on it held its cores."""
        return self.submitted_s if self.started_s is None else self.started_s


@dataclass(slots=True)
class JobStory:
    """One job of the run, with its attempts in order."""

    id: int
    rule: str = ""
    name: str = ""
    state: str = PLANNED
    wildcards: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    needs: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()  # of `RunStory.groups`: further inputs and needs
    reasons: tuple[str, ...] = ()
    command: str = ""
    log: str = ""
    input_bytes: int | None = None
    attempts: list[AttemptStory] = field(default_factory=list)

    @property
    def last(self) -> AttemptStory | None:
        return self.attempts[-1] if self.attempts else None


@dataclass(slots=True)
class Group:
    """Files that many jobs read as one item, and the jobs that make them."""

    files: tuple[str, ...]
    needs: tuple[int, ...]


@dataclass(slots=True)
class RunStory:
    """A run from its first to its last known moment."""

    run: str = ""
    tool: str = "flowc"
    tool_version: str = ""
    argv: tuple[str, ...] = ()
    workflow: str = ""
    directory: str = ""
    host: str = ""
    pid: int = 0
    pid_start_s: float = 0.0
    boot_id: str = ""
    start_s: float = 0.0
    end_s: float = 0.0  # of the run, or of what is known of it
    outcome: str = ""  # "ok", "failed", "interrupted"; "": it is going on, or was cut short
    is_live: bool = False  # its process was there when the record was made
    exit_code: int | None = None
    cores: int = 0  # 0: nobody has set a total, as for a cluster; likewise for the memory
    memory_bytes: int = 0
    limits: Mapping[str, float] = field(default_factory=dict)
    jobs_total: int = 0
    jobs: dict[int, JobStory] = field(default_factory=dict)  # by id, in order
    groups: dict[int, Group] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what is missing, in sentences
    pauses: list[tuple[float, float]] = field(default_factory=list)  # from when until when

    @property
    def makespan_s(self) -> float:
        return max(0.0, self.end_s - self.start_s)

    def needs_of(self, job: JobStory) -> Iterator[int]:
        """The jobs that must have ended before it, a few of them perhaps twice."""
        yield from job.needs
        for number in job.groups:
            if number in self.groups:
                yield from self.groups[number].needs

    def inputs_of(self, job: JobStory) -> Iterator[str]:
        yield from job.inputs
        for number in job.groups:
            if number in self.groups:
                yield from self.groups[number].files

    def attempts(self) -> Iterator[tuple[JobStory, AttemptStory]]:
        """All of them, job by job."""
        for job in self.jobs.values():
            for attempt in job.attempts:
                yield job, attempt


def set_ready_times(run: RunStory) -> None:
    """When each attempt could have started: with the run, behind what it needs, or behind the
    attempt before it."""
    done = {
        id: job.attempts[-1].ended_s
        for id, job in run.jobs.items()
        if job.attempts and job.attempts[-1].ended_s is not None
    }
    of_groups = {
        number: max((t for n in group.needs if (t := done.get(n)) is not None), default=0.0)
        for number, group in run.groups.items()
    }
    for job in run.jobs.values():
        times = [t for need in job.needs if (t := done.get(need)) is not None]
        times += [of_groups.get(number, 0.0) for number in job.groups]
        ready_s = max([run.start_s, *times])
        for attempt in job.attempts:
            begin_s = attempt.begin_s
            if begin_s is not None:
                known = ready_s if attempt.ready_s is None else attempt.ready_s
                attempt.ready_s = min(known, begin_s)
            if attempt.ended_s is not None:
                ready_s = attempt.ended_s


def to_data(run: RunStory) -> dict[str, Any]:
    """The record as JSON has it, complete."""
    names = [n for n in run.__slots__ if n not in ("jobs", "groups")]
    data: dict[str, Any] = {name: getattr(run, name) for name in names}
    data["groups"] = {str(n): _plain(group) for n, group in run.groups.items()}
    data["jobs"] = []
    for job in run.jobs.values():
        row = _plain(job)
        row["attempts"] = [_plain(attempt) for attempt in job.attempts]
        data["jobs"].append(row)
    return data


def _plain(thing: Any) -> dict[str, Any]:
    """The fields that say something."""
    found = ((name, getattr(thing, name)) for name in thing.__slots__)
    return {
        name: value
        for name, value in found
        if value not in (None, "", (), [], {}) or (name == "cause" and value is not None)
    }
