"""What the driver knows of each element between its submission and its end."""

import os
import time
from collections.abc import Mapping
from hashlib import blake2b
from math import inf
from typing import Any

from flowc.events import JobEnded, JobStarted
from flowc.executors.base import Task
from flowc.executors.grid.base import Account, Ask, Batch, Status

# Where a batch is.
NEW, CALLED, LOST, SUBMITTED = "new", "called", "lost", "submitted"


class Slot:
    """One element. Times are monotonic unless they say otherwise."""

    __slots__ = (
        "account",
        "asked_s",
        "beat_ns",
        "beat_seen_s",
        "cancelled",
        "end",
        "end_seen_s",
        "group",
        "killed",
        "missing_s",
        "number",
        "orphan",
        "over_s",
        "start",
        "start_at_s",
        "start_seen_s",
        "status",
        "task",
        "then",
        "told_start",
        "was",
    )

    def __init__(self, task: Task, group: "Group", number: int, *, orphan: bool = False) -> None:
        self.task = task
        self.group = group
        self.was: Task | None = None  # as the run that was killed had it
        self.number = number
        self.orphan = orphan  # of a run that was killed, and nobody has asked for it so far
        self.start: Mapping[str, Any] | None = None  # the node's words
        self.end: Mapping[str, Any] | None = None
        self.start_seen_s = self.end_seen_s = inf
        self.start_at_s = 0.0  # Unix time on flowc's clock
        self.told_start = False
        self.cancelled = self.killed = False  # by flowc
        self.status: Status | None = None  # the engine's words
        self.asked_s = -inf  # when the query for it began
        self.missing_s = inf  # since when the engine does not know it
        self.over_s = inf  # since when it has ended, as the engine says
        self.account: Account | None = None
        self.beat_ns, self.beat_seen_s = 0, -inf  # the node's last sign of life, and when seen
        self.then: list[Task] = []  # what is in its way


class Group:
    """A batch, and its elements that have not ended."""

    def __init__(self, batch: Batch, submitted_s: float) -> None:
        self.batch = batch
        self.submitted_s = submitted_s  # Unix time
        self.id: str | None = None
        self.at = NEW
        self.open: dict[int, Slot] = {}
        self.tries = 0
        self.next_s = 0.0  # when to submit, or to look it up
        self.first_miss_s = inf

    @property
    def directory(self) -> str:
        return self.batch.directory


def ask_of(task: Task) -> Ask:
    return Ask(
        task.kind,
        task.cores,
        task.memory_bytes,
        task.limit_s,
        tuple(sorted(task.resources.items())),
        tuple(sorted(task.words.items())),
    )


def stem_of(task: Task) -> str:
    """Which job it is: no two jobs share a log."""
    end = ".log" if task.attempt == 1 else f".{task.attempt}.log"
    return os.path.abspath(task.log.removesuffix(end))


def key_of(task: Task) -> str:
    """Tells whether two tasks, perhaps of two runs, do the same for the same job. A file that is
    made for one attempt, such as a script, counts by what is in it."""
    digest = blake2b(digest_size=16)
    for word in (stem_of(task), task.cwd or "", *task.argv):
        data = os.fsencode(word)
        if ".flowc/scripts/" in word:
            try:
                with open(word, "rb") as file:
                    data = file.read()
            except OSError:
                pass
        digest.update(b"%d:" % len(data) + data)
    for name, value in sorted(task.env.items()):
        digest.update(os.fsencode(f"{name}={value}\0"))
    return digest.hexdigest()


def started_event(slot: Slot, external_id: str) -> JobStarted:
    """Its beginning, on flowc's clock: a node's may be wrong, but not before the submission."""
    word = slot.start or slot.end or {}
    now_s = time.time()
    at_s = min(max(float(word.get("at_s", now_s)), slot.group.submitted_s), now_s)
    slot.start_at_s = at_s
    slot.told_start = True
    host = str(word.get("host", ""))
    return JobStarted(slot.task.job, slot.task.attempt, at_s, external_id, host)


def ended_event(slot: Slot, cause: str, exit_code: int | None) -> JobEnded:
    """Its end. What nobody has measured on the node, the accounting may know."""
    word: Mapping[str, Any] = slot.end or {}
    account = slot.account or Account("")
    now_s = time.time()
    at_s = min(max(float(word.get("ended_s", now_s)), slot.start_at_s), now_s)
    wall_s = word.get("wall_s", account.wall_s)
    if wall_s is None:
        wall_s = 0.0 if slot.start is None else at_s - slot.start_at_s
    code = word.get("exit_code") if exit_code is None else exit_code
    return JobEnded(
        job=slot.task.job,
        attempt=slot.task.attempt,
        at_s=at_s,
        exit_code=1 if code is None else int(code),
        wall_s=float(wall_s),
        cpu_s=word.get("cpu_s", account.cpu_s),
        peak_rss_bytes=word.get("peak_rss_bytes", account.peak_rss_bytes),
        cause=cause,
        read_bytes=word.get("read_bytes"),
        written_bytes=word.get("written_bytes"),
        user_s=word.get("user_s"),
        system_s=word.get("system_s"),
        seen_memory_bytes=word.get("seen_memory_bytes"),
        figures=word.get("figures"),
    )
