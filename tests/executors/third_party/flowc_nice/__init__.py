"""`flowc run --executor nice`: jobs on this machine, but at the lowest priority.

It has a queue of its own, as a cluster has: flowc hands over all that can start, and a few at once
run. `--executor-option at_once=N` says how many; without it, one for each core.
"""

import errno
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Sequence

from flowc.diagnostic import fail
from flowc.events import JobEnded, JobStarted
from flowc.executors.base import Capacity, Setup, Task
from flowc.ids import JobId

LOOK_S = 0.01
TERM_GRACE_S = 10.0  # from TERM to KILL, once the time is used up
LINGER_S = 2.0  # for what a command has left in the background to write its last


def make_nice(setup: Setup) -> "Nice":
    """The entry point."""
    at_once = setup.options.get("at_once", str(setup.here.cores))
    if not at_once.isdecimal() or not int(at_once):
        raise fail("bad-option", f"`at_once` is a number of 1 or more, not `{at_once}`")
    for name in setup.options.keys() - {"at_once"}:
        raise fail("bad-option", f"the executor `nice` has no option `{name}`")
    return Nice(int(at_once))


class _Running:
    def __init__(self, task: Task, pid: int) -> None:
        self.task, self.pid, self.began_s = task, pid, time.monotonic()
        self.cause = ""
        self.term_at_s = None if task.limit_s is None else self.began_s + task.limit_s
        self.ended: JobEnded | None = None
        self.until_s = 0.0  # how long what it has left may go on


class Nice:
    """An executor as `flowc.executors.base` asks for it."""

    capacity: Capacity | None = None  # who has a queue decides by himself what fits

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queue: deque[Task] = deque()
        self._running: dict[JobId, _Running] = {}
        self._events: list[JobStarted | JobEnded] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        self._queue.extend(tasks)
        self._start_some()

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._start_some()
            for running in list(self._running.values()):
                self._look(running)
            is_idle = not self._running and not self._queue
            is_over = is_idle if until_s is None else time.monotonic() >= until_s
            if self._events or is_over:
                events, self._events = self._events, []
                return events
            time.sleep(LOOK_S)

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        for job in jobs:
            if job in self._running:
                self._end(self._running[job], "cancelled", kill=kill)
            for task in [task for task in self._queue if task.job == job]:
                self._queue.remove(task)
                self._tell(task, "", JobEnded(job, task.attempt, time.time(), 143, 0.0, None, None,
                                              "cancelled"))  # fmt: skip

    def close(self) -> None:
        self._queue.clear()
        groups = [running.pid for running in self._running.values()]
        for running in self._running.values():
            self._end(running, "cancelled", kill=True)
        while self._running:
            self.wait(LOOK_S)
        until_s = time.monotonic() + LINGER_S
        while any(_signal(pid, 0) for pid in groups) and time.monotonic() < until_s:
            time.sleep(LOOK_S)  # killed, but not all of them gone

    # ---- one task

    def _start_some(self) -> None:
        while self._queue and len(self._running) < self._at_once:
            self._start(self._queue.popleft())

    def _start(self, task: Task) -> None:
        argv = list(task.argv)
        for _ in range(2):
            try:
                pid = _popen(argv, task)
            except (OSError, ValueError) as fault:
                number = getattr(fault, "errno", None)
                if number == errno.ENOEXEC:  # a script that names no interpreter
                    argv = ["bash", *argv]
                    continue
                _write(task, f"{task.argv[0]}: {fault}\n")
                code = 127 if number == errno.ENOENT else 126  # as a shell has it
                self._tell(task, "", JobEnded(task.job, task.attempt, time.time(), code, 0.0, None,
                                              None, "not-started"))  # fmt: skip
                return
            self._running[task.job] = _Running(task, pid)
            self._events.append(JobStarted(task.job, task.attempt, time.time(), str(pid)))
            return

    def _look(self, running: _Running) -> None:
        now_s, task = time.monotonic(), running.task
        if running.ended is None:
            pid, status, used = os.wait4(running.pid, os.WNOHANG)
            if not pid:
                if running.term_at_s is not None and now_s >= running.term_at_s:
                    self._end(running, "time-limit", kill=running.cause == "time-limit")
                    running.term_at_s = now_s + TERM_GRACE_S
                return
            code = os.waitstatus_to_exitcode(status)
            running.ended = JobEnded(
                task.job, task.attempt, time.time(), code if code >= 0 else 128 - code,
                now_s - running.began_s, used.ru_utime + used.ru_stime, None, running.cause,
                user_s=used.ru_utime, system_s=used.ru_stime,
            )  # fmt: skip
            running.until_s = now_s + LINGER_S
        is_bad = running.ended.exit_code or running.cause
        if is_bad or now_s >= running.until_s:
            _signal(running.pid, signal.SIGKILL)
        elif _signal(running.pid, 0):
            return  # in the background, something still writes
        self._events.append(running.ended)
        del self._running[task.job]

    def _end(self, running: _Running, cause: str, *, kill: bool) -> None:
        running.cause = running.cause or cause
        _signal(running.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _tell(self, task: Task, id: str, end: JobEnded) -> None:
        self._events += [JobStarted(task.job, task.attempt, time.time(), id), end]


def _be_nice() -> None:
    os.nice(19)


def _popen(argv: list[str], task: Task) -> int:
    """The process id of a task, which leads a group of its own."""
    mask = signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a task starts without any
    try:
        with open(task.log, "wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=task.cwd,
                env={**os.environ, **task.env}, start_new_session=True,
                preexec_fn=_be_nice,
            )  # fmt: skip
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    process.returncode = 0  # it is waited for by its id, for what it has used
    return process.pid


def _write(task: Task, text: str) -> None:
    with open(task.log, "wb") as log:
        log.write(os.fsencode(text))


def _signal(group: int, number: int) -> bool:
    """Whether there was anybody to get it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
