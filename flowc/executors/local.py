"""Local processes. Each task leads a session of its own, so that its whole group can be ended.

Ends are noticed through a pidfd for each process (where the kernel has none: by SIGCHLD), never
by polling, and `wait4` tells what the process has used. No thread is needed.

What leaves its session all the same (a daemon) is known by its environment, see `marks`. Nothing
is left when the executor is closed, nor, thanks to a `Guard`, when flowc is killed.
"""

import os
import resource
import signal
import time
from collections.abc import Iterable, Sequence

from flowc.events import JobEnded, JobStarted
from flowc.executors.base import Capacity, Task
from flowc.executors.exits import ExitWatch
from flowc.executors.guard import Guard
from flowc.executors.marks import end_marked, run_mark, task_mark
from flowc.executors.memory import MemoryWatch, kernel_kills
from flowc.executors.spawn import NotStartedError, Spawner
from flowc.ids import JobId

TERM_GRACE_S = 10.0
"""From TERM to KILL, for a task that has used up its time."""
LINGER_S = 2.0
"""How long a command's background processes may outlive it before its end is reported. Bash does
not wait for `tee >(gzip > x.gz)`; the file is good only when gzip has ended."""
_BLOCK_BYTES = 512
"""In which the kernel counts what goes to disks and comes from there."""
_LINGER_LOOK_S = 0.02
_SWEEP_FROM_S = 0.05
"""A task that fails sooner has hardly made a daemon: looking for one takes some 5 ms."""
_CLOSE_GRACE_S = 0.5


class _Running:
    """A task whose process has not been reported as ended."""

    __slots__ = ("cause", "ended", "floor_kib", "kill_at", "pid", "started_s", "task", "term_at")

    def __init__(self, task: Task, pid: int, started_s: float, floor_kib: int) -> None:
        self.task = task
        self.pid = pid
        self.started_s = started_s  # monotonic
        self.floor_kib = floor_kib
        self.cause = ""
        self.term_at: float | None = None if task.limit_s is None else started_s + task.limit_s
        self.kill_at: float | None = None
        self.ended: tuple[JobEnded, float] | None = None  # its end, and how long it may linger


class LocalExecutor:
    """Runs each task as a process of this machine. What fits is for the caller to decide."""

    capacity: Capacity | None

    def __init__(self, capacity: Capacity, run: str = "") -> None:
        """`run`: the id of the run, by which its processes are found if flowc is killed."""
        self.capacity = capacity
        self._run = run or f"{os.getpid()}-{time.time_ns()}"
        self._guard: Guard | None = None  # from the first task on
        self._spawner = Spawner(self._run)
        self._watch = ExitWatch()
        self._memory = MemoryWatch()
        self._kernel_kills = kernel_kills()
        self._running: dict[int, _Running] = {}  # by process id
        self._pids: dict[JobId, int] = {}
        self._timed: set[int] = set()  # processes with a deadline of some kind
        self._lingering: set[int] = set()
        self._leftover: set[int] = set()  # groups that have outlived their task
        self._events: list[JobStarted | JobEnded] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        # A process starts out in its parent's memory, and the kernel counts that as its own peak:
        # what is not above this says nothing about the task.
        floor_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self._guard is None:
            self._guard = Guard(self._run)
        for task in tasks:
            began_s = time.monotonic()  # the task runs before `spawn` is back
            try:
                pid = self._spawner.spawn(task)
            except NotStartedError as fault:
                self._not_started(task, fault)
                continue
            running = _Running(task, pid, began_s, floor_kib)
            self._running[pid] = running
            self._pids[task.job] = pid
            if running.term_at is not None:
                self._timed.add(pid)
            if task.memory_limit_bytes is not None:
                self._memory.add(pid, task.memory_limit_bytes, running.started_s)
            self._watch.add(pid)
            self._events.append(JobStarted(task.job, task.attempt, time.time(), str(pid)))

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        if self._events:  # something to tell already; what else has ended comes along
            for pid in self._watch.wait(0.0):
                self._reap(pid)
        elif not self._running and timeout_s:
            time.sleep(timeout_s)  # nothing can happen, and the caller has other things to wait for
        now = time.monotonic()
        self._keep_memory(now)
        until = None if timeout_s is None else now + timeout_s
        while self._running and not self._events:
            for pid in self._watch.wait(self._patience(until)):
                self._reap(pid)
            now = time.monotonic()
            if self._timed or self._lingering:
                self._keep_time(now)
            self._keep_memory(now)
            if until is not None and time.monotonic() >= until:
                break
        events, self._events = self._events, []
        return events

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        for job in jobs:
            pid = self._pids.get(job)
            running = None if pid is None else self._running.get(pid)
            if running is None or pid is None:
                continue
            running.cause = running.cause or "cancelled"
            _signal_group(pid, signal.SIGKILL if kill else signal.SIGTERM)

    def close(self) -> None:
        """End what still runs: TERM, and KILL after a short grace."""
        left = set(self._running) | {pid for pid in self._leftover if _group_is_ours(pid)}
        if left:
            for pid in left:
                _signal_group(pid, signal.SIGTERM)
            self._drain(time.monotonic() + _CLOSE_GRACE_S)
            for pid in left:
                if pid in self._running or _group_is_ours(pid):
                    _signal_group(pid, signal.SIGKILL)
            self._drain(None)
            until = time.monotonic() + TERM_GRACE_S
            while any(map(_is_alive, left)) and time.monotonic() < until:
                time.sleep(0.001)  # killed, but not yet gone; nothing tells when they are
        self._leftover.clear()
        self._watch.close()
        if self._guard is not None:
            end_marked(run_mark(self._run), _CLOSE_GRACE_S)
            self._guard.close()
            self._guard = None

    # ---- ends

    def _drain(self, until: float | None) -> None:
        """Reap until nothing runs, at most until then."""
        while any(r.ended is None for r in self._running.values()):
            patience = None if until is None else max(0.0, until - time.monotonic())
            for pid in self._watch.wait(patience):
                self._reap(pid)
            if until is not None and time.monotonic() >= until:
                return

    def _reap(self, pid: int) -> None:
        running = self._running[pid]
        _, status, used = os.wait4(pid, 0)
        self._watch.remove(pid)
        code = os.waitstatus_to_exitcode(status)
        peak_kib = used.ru_maxrss
        seen_bytes = self._memory.remove(pid)
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL) and not running.cause:
            kills, self._kernel_kills = self._kernel_kills, kernel_kills()
            running.cause = "oom" if self._kernel_kills > kills else ""
        event = JobEnded(
            job=running.task.job,
            attempt=running.task.attempt,
            at_s=time.time(),
            exit_code=code if code >= 0 else 128 - code,
            wall_s=time.monotonic() - running.started_s,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_rss_bytes=peak_kib * 1024 if peak_kib > running.floor_kib else None,
            cause=running.cause,
            user_s=used.ru_utime,
            system_s=used.ru_stime,
            seen_memory_bytes=seen_bytes,
            read_bytes=used.ru_inblock * _BLOCK_BYTES,
            written_bytes=used.ru_oublock * _BLOCK_BYTES,
        )
        if not _is_alive(pid):
            self._sweep(running, event)
            self._report(pid, event)
        elif code != 0 or running.cause:  # its outputs go: nothing may still write to them
            _signal_group(pid, signal.SIGKILL)
            self._sweep(running, event)
            self._report(pid, event)
        else:
            running.ended = (event, time.monotonic() + LINGER_S)
            self._lingering.add(pid)

    def _sweep(self, running: _Running, event: JobEnded) -> None:
        """End what a task that has failed has left outside of its session."""
        if (event.exit_code or running.cause) and event.wall_s >= _SWEEP_FROM_S:
            if running.cause == "cancelled":
                return  # with many others: `close` sweeps once for all
            task = running.task
            end_marked(task_mark(self._run, task.job, task.attempt), 0.0)

    def _report(self, pid: int, event: JobEnded) -> None:
        self._events.append(event)
        del self._running[pid]
        self._timed.discard(pid)
        self._lingering.discard(pid)
        if self._pids.get(event.job) == pid:
            del self._pids[event.job]

    def _not_started(self, task: Task, fault: NotStartedError) -> None:
        now_s = time.time()
        text = os.fsencode(f"{fault.message}\n")
        try:
            with open(task.log, "wb") as log:
                log.write(text)
        except OSError:
            pass  # the log's own directory may be the fault; the event tells it all the same
        self._events.append(JobStarted(task.job, task.attempt, now_s, ""))
        self._events.append(
            JobEnded(task.job, task.attempt, now_s, fault.exit_code, 0.0, 0.0, None, "not-started")
        )

    # ---- time

    def _patience(self, until: float | None) -> float | None:
        """How long nothing needs to be done, in seconds; None: for ever."""
        ends = [until] if until is not None else []
        for pid in self._timed:
            running = self._running[pid]
            at = running.kill_at if running.kill_at is not None else running.term_at
            if at is not None:
                ends.append(at)
        look_s = self._memory.next_s()
        if look_s is not None:
            ends.append(look_s)
        patience = max(0.0, min(ends) - time.monotonic()) if ends else None
        if self._lingering:
            patience = _LINGER_LOOK_S if patience is None else min(patience, _LINGER_LOOK_S)
        return patience

    def _keep_memory(self, now: float) -> None:
        """End what uses more memory than it may: at once, as the kernel would."""
        for pid in self._memory.look(now):
            running = self._running[pid]
            running.cause = running.cause or "oom"
            _signal_group(pid, signal.SIGKILL)

    def _keep_time(self, now: float) -> None:
        for pid in list(self._timed):
            running = self._running.get(pid)
            if running is None or running.ended is not None:
                self._timed.discard(pid)
            elif running.kill_at is not None and now >= running.kill_at:
                _signal_group(pid, signal.SIGKILL)
                self._timed.discard(pid)
            elif running.kill_at is None and running.term_at is not None and now >= running.term_at:
                running.cause = running.cause or "time-limit"
                _signal_group(pid, signal.SIGTERM)
                running.kill_at = now + TERM_GRACE_S
        for pid in list(self._lingering):
            end = self._running[pid].ended
            assert end is not None
            event, until = end
            alive = _is_alive(pid)
            if not alive or now >= until or self._running[pid].cause:
                if alive:
                    self._leftover.add(pid)
                self._report(pid, event)


def _signal_group(pid: int, number: int) -> bool:
    """Send a signal (0: none) to every process of a group; whether there was one."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # it has changed its user: it is there all the same
        return True
    return True


def _is_alive(group: int) -> bool:
    """Whether a group has a process that still does something. Only where one is left at all are
    the processes looked through: in a container, nobody may ever reap the orphans."""
    if not _signal_group(group, 0):
        return False
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] not in (b"Z", b"X"):
                return True
    return False


def _group_is_ours(pid: int) -> bool:
    """Whether a group whose leader has ended is still there. A process id is not given away while
    its group lives, so if such a process exists, the group is another one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return _signal_group(pid, 0)
    except PermissionError:
        return False
    return False
