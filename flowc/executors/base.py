"""The executor protocol: the seam between deciding what runs and running it.

An executor never sees a rule, the graph or the history: a `Task` is all it gets. One thread calls
all four methods and only `wait` blocks. A failed submission is an event, not an exception, and a
cancelled job still gets its last event.
"""

from __future__ import annotations

from flowc.dataclass import dataclass, field

TYPE_CHECKING = False  # nodes import this for each job, and `typing` takes 6 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from flowc.attempt import JobReturned
    from flowc.events import JobEnded, JobStarted, Notice
    from flowc.ids import JobId
else:
    Protocol = object


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at one job, ready to be executed."""

    job: JobId
    attempt: int  # counted from 1
    name: str  # for people and for the cluster's queue; not unique, any characters
    argv: tuple[str, ...]  # bytes that are not UTF-8 as surrogates
    cwd: str | None  # None: the directory flowc runs in
    env: Mapping[str, str]  # added to flowc's own environment
    cores: int
    memory_bytes: int  # asked for, not enforced by the protocol
    limit_s: float | None  # wall clock; None: no limit
    log: str  # where stdout and stderr go; its directory exists
    resources: Mapping[str, float] = field(default_factory=dict)  # custom ones, such as gpu
    memory_limit_bytes: int | None = None  # above it the executor may end the task; None: never
    kind: str = ""  # what tasks of one sort share: they may be submitted together
    words: Mapping[str, str] = field(default_factory=dict)  # resources that are text: `queue`
    here: bool = False  # on flowc's own machine, whatever runs the others


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an executor may use at once."""

    cores: int
    memory_bytes: int
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """What an executor is made from. An entry point of the group `flowc.executors` is called with
    one and gives an `Executor`; if it cannot, it raises WorkflowError. Fields are only ever added,
    with defaults."""

    run: str  # the run's id: unique in its directory, and what the run's log is named by
    here: Capacity  # what the run may use of this machine
    name: str = "local"  # by which the executor was asked for
    cores: int | None = None  # at once, over all machines; None: whatever the cluster gives
    memory_bytes: int | None = None
    tasks_at_once: int | None = None  # flowc never submits more; None: all that fit
    options: Mapping[str, str] = field(default_factory=dict)  # `--executor-option NAME=VALUE`
    site: str | None = None  # `--site FILE`, as an absolute path: see `flowc.site`
    directory: str = ""  # for the executor's own files, absolute; it need not exist
    measure: bool = False  # look closely at what tasks use while they run, for a profile
    rules: tuple[str, ...] | None = None  # of the workflow: a task's `kind` is one of these


class Executor(Protocol):
    """Runs tasks somewhere. `capacity` is None where the cluster decides what fits."""

    capacity: Capacity | None

    def submit(self, tasks: Sequence[Task]) -> None:
        """Take the tasks on. Each gets a `JobStarted` when it runs and a `JobEnded` at its end,
        also if it cannot be started (exit code 127 or 126, and the cause in its log)."""

    def wait(
        self, timeout_s: float | None
    ) -> Sequence[JobStarted | JobEnded | JobReturned | Notice]:
        """What has happened since the last call; blocks until something has, at most so long."""

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        """End these jobs: TERM to the whole process group, KILL if asked for."""

    def close(self) -> None:
        """Give back what is held. No process of a task is left behind."""


class Lasting(Executor, Protocol):
    """An executor whose tasks go on when flowc is killed, and that takes them up again."""

    def takes_up(self, task: Task) -> float | None:
        """When this very task was submitted, as Unix time, if a run that was killed has left it
        running, or well ended with nobody to hear of it; else None. Then nothing must be cleared
        away for it, and `submit` goes on with what there is."""


class Pausing(Executor, Protocol):
    """An executor that can stop what runs while a run is paused."""

    def pause(self, is_paused: bool) -> None:
        """Called again and again; only changes matter."""


class Ahead(Executor, Protocol):
    """An executor that starts tasks by itself as soon as others have ended: so no time is lost
    between short ones."""

    def submit_ahead(self, tasks: Sequence[Task], at_most: int) -> None:
        """Take on tasks each of which starts once fewer than `at_most` run, in order. If one ends
        badly, or leaves processes behind, those that still wait come back from `wait` as
        `JobReturned`; likewise one that is cancelled."""

    def recall(self) -> None:
        """Have all come back that still wait."""
