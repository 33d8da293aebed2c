"""Attempts as bars in time: the ground of every figure and of every drawing.

Times are seconds since the run's start. An attempt that nothing was heard of again lasts until the
last moment that is known.
"""

from dataclasses import dataclass

from flowc.record.story import OK, AttemptStory, JobStory, RunStory

LOCAL = "local"
"""The executor that has no queue of its own."""


@dataclass(slots=True)
class Bar:
    """One attempt while it held its cores and its memory."""

    job: JobStory
    attempt: AttemptStory
    start_s: float
    end_s: float
    ready_s: float
    is_open: bool  # it was still running, as far as is known
    queued_s: float | None = None  # from when on a cluster had it

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def wait_s(self) -> float:
        """From when it could have started until it did."""
        return max(0.0, self.start_s - self.ready_s)

    @property
    def queue_s(self) -> float | None:
        """For how long a cluster kept it waiting; None: it was not on one."""
        return None if self.queued_s is None else max(0.0, self.start_s - self.queued_s)

    @property
    def where(self) -> str:
        """A cluster's name for it, and the machine it ran on: `slurm 4711 on node07`."""
        attempt = self.attempt
        if self.queued_s is None:
            return ""
        words = f"{attempt.executor} {attempt.external_id}".rstrip()
        return f"{words} on {attempt.host}" if attempt.host else words

    @property
    def core_s(self) -> float:
        """Core-seconds asked for."""
        return self.attempt.cores * self.duration_s

    @property
    def byte_s(self) -> float:
        """Likewise byte-seconds."""
        return self.attempt.memory_bytes * self.duration_s

    @property
    def held_byte_s(self) -> float:
        """With what it got unasked."""
        return (self.attempt.memory_bytes + self.attempt.spare_bytes) * self.duration_s

    @property
    def is_good(self) -> bool:
        """Whether it made its outputs."""
        return self.attempt.cause == "" and self.job.state == OK

    @property
    def used_cores(self) -> float | None:
        """On the average; None: nobody measured."""
        cpu_s = self.attempt.cpu_s
        if cpu_s is None:
            return None
        wall_s = self.attempt.wall_s or self.duration_s
        return cpu_s / wall_s if wall_s > 0 else 0.0


def bars(run: RunStory) -> list[Bar]:
    """Every attempt that has begun, in the order of their starts."""
    found = []
    for job, attempt in run.attempts():
        begin_s = attempt.begin_s
        if begin_s is None:
            if attempt.ended_s is None:
                continue
            begin_s = attempt.ended_s  # it could not be started
        end_s = run.end_s if attempt.ended_s is None else attempt.ended_s
        start_s = max(0.0, begin_s - run.start_s)
        ready_s = start_s if attempt.ready_s is None else attempt.ready_s - run.start_s
        found.append(
            Bar(
                job,
                attempt,
                start_s,
                max(start_s, end_s - run.start_s),
                max(0.0, min(ready_s, start_s)),
                attempt.ended_s is None,
                _queued_s(run, attempt),
            )
        )
    found.sort(key=lambda bar: (bar.start_s, bar.job.id, bar.attempt.number))
    return found


def _queued_s(run: RunStory, attempt: AttemptStory) -> float | None:
    if attempt.executor in ("", LOCAL) or attempt.submitted_s is None:
        return None
    return max(0.0, attempt.submitted_s - run.start_s)
