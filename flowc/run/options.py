"""How a run is to go, and what came of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from flowc.dataclass import dataclass, field
from flowc.events import Notice
from flowc.record.history import HistoryView, Times

if TYPE_CHECKING:
    from flowc.executors.base import Capacity
    from flowc.run.benchmark import MemoryOf


class RunHistory(HistoryView, Times, Protocol):
    """What a run asks of the history: nothing is written to it but what the log has."""

    def catch_up(self) -> int: ...

    def keep_digests(self, digests: dict[str, tuple[int, int, str]]) -> None: ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Totals of cores, memory and resources are the executor's `capacity`."""

    resources: Mapping[str, float] = field(default_factory=dict)  # --resources: totals by name
    limits: Mapping[str, float] = field(default_factory=dict)  # --limit: beats the workflow's own
    env: Mapping[str, str] = field(default_factory=dict)  # of all jobs; beats those of rules
    executor: str = "local"  # its name, for the log
    here: "Capacity | None" = None  # of this machine, for local jobs; None: all are
    here_below_s: float | None = None  # jobs that are known to be over sooner are local, too
    jobs_at_once: int | None = None  # submitted to a cluster and not ended
    cores_at_once: int | None = None  # there; likewise the memory
    memory_at_once_bytes: int | None = None
    keep_going: bool = False
    retries: int = 0  # for rules that do not say
    keep_incomplete: bool = False  # leave what a failed job has written
    keep_temp: bool = False  # --notemp
    shadow_prefix: str | None = None  # where shadow directories are; None: in flowc's own
    memory_slack: float | None = None  # a job may exceed its request by this share; None: freely
    clip: bool = False  # lower what could never fit, instead of refusing
    schedule: str = "rank"  # in what order ready jobs start: see `order.SCHEDULES`
    search_s: float = 1.0  # how long `search` may take
    latency_wait_s: float = 0.0  # for outputs to appear: file systems of clusters are late
    kill_after_s: float = 30.0  # after the first signal; the second one kills at once
    run: str = ""  # its id, which is also the name of its log
    argv: tuple[str, ...] = ()
    workflow_path: str = ""
    notices: tuple[Notice, ...] = ()  # what was found before it began
    memory_of: "MemoryOf | None" = None  # what was seen of jobs with a benchmark


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """`exit_code`: 0, 1 where a job failed, 128 + n where signal n ended the run."""

    exit_code: int
    done: int
    failed: int
    skipped: int  # need not run after all
    not_run: int
    failed_jobs: tuple[int, ...] = ()

    def and_then(self, more: "RunOutcome") -> "RunOutcome":
        """The outcome of this and a further round."""
        return RunOutcome(
            exit_code=self.exit_code or more.exit_code,
            done=self.done + more.done,
            failed=self.failed + more.failed,
            skipped=self.skipped + more.skipped,
            not_run=self.not_run + more.not_run,
            failed_jobs=self.failed_jobs + more.failed_jobs,
        )
