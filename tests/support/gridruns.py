"""Tasks for batch engines, and what comes of them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flowc.events import JobEnded, JobStarted, Notice
from flowc.executors.base import Task
from flowc.executors.grid.base import Pace
from flowc.executors.grid.driver import GridExecutor
from flowc.ids import JobId
from flowc.units import MIB

QUICK = Pace(
    look_s=(0.05, 0.2), query_s=(0.3, 1.0), gather_s=0.0, late_s=4.0, lost_s=4.0, beat_s=0.5
)


def task(job: int, command: str, *, attempt: int = 1, **more: object) -> Task:
    """A command for `sh` in the working directory. Its log is `JOB.log`."""
    log = f"{job}.log" if attempt == 1 else f"{job}.{attempt}.log"
    values: dict[str, object] = {"cores": 1, "memory_bytes": 64 * MIB, "limit_s": None, **more}
    argv = ("sh", "-c", command)
    return Task(JobId(job), attempt, f"job {job}", argv, None, {}, log=log, **values)  # type: ignore[arg-type]


class Story:
    """What an executor has told."""

    def __init__(self, executor: GridExecutor) -> None:
        self.executor = executor
        self.started: dict[int, JobStarted] = {}
        self.ended: dict[int, JobEnded] = {}
        self.notices: list[Notice] = []

    def until(self, holds: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Hear what is told until something holds. Each end has a beginning, and there is one."""
        until_s = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < until_s, (self.started, self.ended, self.notices)
            for event in self.executor.wait(0.2):
                if isinstance(event, Notice):
                    self.notices.append(event)
                elif isinstance(event, JobStarted):
                    assert event.job not in self.started
                    self.started[event.job] = event
                else:
                    assert event.job in self.started and event.job not in self.ended
                    self.ended[event.job] = event

    def wait(self, for_s: float) -> None:
        """Hear what is told for so long."""
        until_s = time.monotonic() + for_s
        self.until(lambda: time.monotonic() >= until_s)

    def end(self, *jobs: int, timeout_s: float = 60.0) -> list[JobEnded]:
        self.until(lambda: all(job in self.ended for job in jobs), timeout_s)
        return [self.ended[job] for job in jobs]

    def run(self, tasks: Sequence[Task], timeout_s: float = 60.0) -> list[JobEnded]:
        self.executor.submit(tasks)
        return self.end(*(one.job for one in tasks), timeout_s=timeout_s)

    def started_files(self, *paths: Path, timeout_s: float = 60.0) -> None:
        """Until the jobs have made these files."""
        self.until(lambda: all(path.exists() for path in paths), timeout_s)
