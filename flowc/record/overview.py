"""How far a run has come, from its event log alone: what runs, what is done, how it ended."""

from flowc.dataclass import dataclass, field
from flowc.events import (
    JobDone,
    JobFailed,
    JobSkipped,
    JobSubmitted,
    Notice,
    RunEnded,
    RunStarted,
    from_line,
)
from flowc.ids import JobId
from flowc.machine import boot_id, process_start_s
from flowc.record.log import read_log
from flowc.record.unfinished import has_ended, last_line

PAUSED, RESUMED = "paused", "resumed"
"""Codes of notices."""


@dataclass(slots=True)
class Overview:
    """`started` is None where the log has no beginning."""

    path: str
    started: RunStarted | None = None
    ended: RunEnded | None = None
    done: int = 0
    failed: int = 0
    needless: int = 0  # need not run after all
    is_paused: bool = False
    running: dict[JobId, JobSubmitted] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Jobs that are to run, or have."""
        return max(0, (self.started.jobs_total if self.started else 0) - self.needless)

    @property
    def is_alive(self) -> bool:
        """Whether its flowc still runs, on this machine."""
        run = self.started
        return (
            run is not None
            and self.ended is None
            and run.boot_id == boot_id()
            and run.pid_start_s > 0
            and process_start_s(run.pid) == run.pid_start_s
        )

    @property
    def state(self) -> str:
        """ok, failed, interrupted; running, paused; or cut short, by KILL or a crash."""
        if self.ended is not None:
            return self.ended.outcome
        if self.is_alive:
            return "paused" if self.is_paused else "running"
        return "cut short"


def overview(path: str) -> Overview:
    """What a whole log tells."""
    found = Overview(path)
    for event in read_log(path):
        if isinstance(event, RunStarted):
            found.started = event
        elif isinstance(event, JobSubmitted):
            found.running[event.job] = event
        elif isinstance(event, JobDone):
            found.running.pop(event.job, None)
            found.done += 1
        elif isinstance(event, JobFailed):
            found.running.pop(event.job, None)
            found.failed += not event.will_retry
        elif isinstance(event, JobSkipped):
            found.needless += event.why == "up-to-date"
        elif isinstance(event, Notice):
            if event.code in (PAUSED, RESUMED):
                found.is_paused = event.code == PAUSED
        elif isinstance(event, RunEnded):
            found.ended = event
    return found


def summary(path: str) -> Overview:
    """The same from the first and the last line, where the run has come to its end."""
    if not has_ended(path):
        return overview(path)
    first = next(read_log(path), None)
    end = from_line(last_line(path).decode("ascii"))
    found = Overview(path, first if isinstance(first, RunStarted) else None)
    if isinstance(end, RunEnded):
        found.ended, found.done, found.failed = end, end.done, end.failed
        found.needless = end.skipped
    return found
