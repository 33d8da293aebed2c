"""Local processes. Each task leads a process group of its own, so that all of it can be ended.

A small process makes them and waits for their ends (`spawn`), and tells when they end and what
they have used. No thread is needed, and nothing polls.

What leaves its session all the same (a daemon) is known by its environment, see `marks`. Nothing
is left when the executor is closed, nor when flowc is killed: then that small process ends all.
"""

from __future__ import annotations

import os
import time

from flowc.attempt import JobEnded, JobReturned, JobStarted
from flowc.executors.forkserver import send
from flowc.executors.marks import end_marked, run_mark, task_mark
from flowc.executors.memory import MemoryWatch, kernel_kills
from flowc.executors.spawn import (
    Ended,
    LostError,
    NotStartedError,
    Returned,
    Spawner,
    Started,
)

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Sequence

    from flowc.executors.base import Capacity, Task
    from flowc.executors.cgroup import Group
    from flowc.ids import JobId
else:
    import _signal as signal  # `signal` without its enums, which take 6 ms

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
    """A task whose end has not been reported."""

    __slots__ = (
        "began_s", "cause", "ended", "group", "kill_at", "number", "pid", "task", "term_at"
    )  # fmt: skip

    def __init__(self, number: int, task: Task) -> None:
        self.number = number
        self.task = task
        self.group: Group | None = None  # in which the kernel limits its memory
        self.pid = 0  # from its start on, as the next ones
        self.began_s = 0.0  # monotonic
        self.term_at: float | None = None
        self.kill_at: float | None = None
        self.cause = ""
        self.ended: tuple[JobEnded, float] | None = None  # its end, and how long it may linger


class LocalExecutor:
    """Runs each task as a process of this machine. What fits is for the caller to decide."""

    capacity: Capacity | None

    def __init__(self, capacity: Capacity, run: str = "", *, is_small: bool = False) -> None:
        """`run`: the id of the run, by which its processes are found if flowc is killed.
        `is_small`: this process is so, and has one thread."""
        self.capacity = capacity
        self._run = run or f"{os.getpid()}-{time.time_ns()}"
        self._is_small = is_small
        self._spawner: Spawner | None = None  # from the first task on
        self._memory = MemoryWatch()
        self._kernel_kills = kernel_kills()
        self._count = 0
        self._running: dict[int, _Running] = {}  # by number
        self._of_job: dict[JobId, _Running] = {}
        self._of_pid: dict[int, _Running] = {}
        self._timed: dict[int, _Running] = {}  # those with a deadline of some kind
        self._lingering: dict[int, _Running] = {}
        self._leftover: set[int] = set()  # groups that have outlived their task
        self._events: list[JobStarted | JobEnded | JobReturned] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        self._take_on(tasks, None)

    def submit_ahead(self, tasks: Sequence[Task], at_most: int) -> None:
        """See `executors.base.Ahead`."""
        self._take_on(tasks, at_most)

    def recall(self) -> None:
        """See `executors.base.Ahead`."""
        if self._spawner is not None:
            self._spawner.recall()

    def _take_on(self, tasks: Sequence[Task], at_most: int | None) -> None:
        for task in tasks:
            self._count += 1
            running = _Running(self._count, task)
            self._running[running.number] = running
            self._of_job[task.job] = running
            try:
                if self._spawner is None:
                    self._spawner = Spawner(self._run, as_copy=self._is_small)
                self._start(self._spawner, running, at_most)
            except NotStartedError as fault:
                self._not_started(running, fault)
            except OSError as fault:
                text = f"no process can be made: {fault.strerror}"
                self._not_started(running, NotStartedError(126, text))

    def _start(self, spawner: Spawner, running: _Running, at_most: int | None) -> None:
        group = None
        limit_bytes = running.task.memory_limit_bytes
        if limit_bytes is not None:
            group = running.group = self._memory.group(limit_bytes)
        place = None if group is None else (group.path, group.is_below_own)
        spawner.start(running.number, running.task, place, at_most)

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded | JobReturned]:
        if self._events:  # something to tell already; what else has happened comes along
            self._listen(0.0)
        elif not self._running and timeout_s:
            time.sleep(timeout_s)  # nothing can happen, and the caller has other things to wait for
        now = time.monotonic()
        self._keep_memory(now)
        until = None if timeout_s is None else now + timeout_s
        while self._running and not self._events:
            self._listen(self._patience(until))
            now = time.monotonic()
            if self._timed or self._lingering:
                self._keep_time(now)
            self._keep_memory(now)
            if until is not None and now >= until:
                break
        events, self._events = self._events, []
        return events

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        for job in jobs:
            running = self._of_job.get(job)
            if running is not None:
                running.cause = running.cause or "cancelled"
                self._signal(running, signal.SIGKILL if kill else signal.SIGTERM)

    def close(self) -> None:
        """End what still runs: TERM, and KILL after a short grace."""
        ours = list(self._running.values())
        groups = {group for group in self._leftover if _group_is_ours(group)}
        if ours or groups:
            self._end(ours, groups, signal.SIGTERM)
            self._drain(time.monotonic() + _CLOSE_GRACE_S)
            self._end(ours, groups, signal.SIGKILL)
            self._drain(None)
            groups.update(running.pid for running in ours if running.pid)
            until = time.monotonic() + TERM_GRACE_S
            while any(map(_is_alive, groups)) and time.monotonic() < until:
                time.sleep(0.001)  # killed, but not yet gone; nothing tells when they are
        self._leftover.clear()
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None
            end_marked(run_mark(self._run), _CLOSE_GRACE_S)
        self._memory.close()

    # ---- signals

    def _signal(self, running: _Running, which: int) -> None:
        if running.ended is None and running.number in self._running:
            if self._spawner is not None:
                self._spawner.signal(running.number, which)
        elif _group_is_ours(running.pid):
            send(os.killpg, running.pid, which)

    def _end(self, ours: Iterable[_Running], groups: Iterable[int], which: int) -> None:
        for running in ours:
            self._signal(running, which)
        for group in groups:
            if _group_is_ours(group):
                send(os.killpg, group, which)

    # ---- what the spawner tells

    def _listen(self, timeout_s: float | None) -> None:
        if self._spawner is None:
            return
        try:
            told = self._spawner.wait(timeout_s)
        except LostError:
            self._lost()
            return
        for one in told:
            running = self._running[one.number]
            if isinstance(one, Ended):
                self._ended(running, one)
            elif isinstance(one, Started):
                self._started(running, one)
            elif isinstance(one, Returned):
                self._returned(running)
            else:
                self._not_started(running, one.why)

    def _drain(self, until: float | None) -> None:
        """Listen until nothing runs, at most until then."""
        while any(running.ended is None for running in self._running.values()):
            self._listen(None if until is None else max(0.0, until - time.monotonic()))
            if until is not None and time.monotonic() >= until:
                return

    def _started(self, running: _Running, start: Started) -> None:
        task = running.task
        running.pid, running.began_s = start.pid, start.began_s
        self._of_pid[start.pid] = running
        if task.limit_s is not None:
            running.term_at = start.began_s + task.limit_s
            self._timed[running.number] = running
        if task.memory_limit_bytes is not None:
            self._memory.add(start.pid, task.memory_limit_bytes, start.began_s, running.group)
        self._events.append(JobStarted(task.job, task.attempt, start.at_s, str(start.pid)))

    def _returned(self, running: _Running) -> None:
        self._memory.give_back(running.group)
        del self._running[running.number], self._of_job[running.task.job]
        self._events.append(JobReturned(running.task.job))

    def _ended(self, running: _Running, end: Ended) -> None:
        code = os.waitstatus_to_exitcode(end.status)
        if code != 0 and self._memory.was_killed(running.pid):
            running.cause = running.cause or "oom"
            self._kernel_kills = kernel_kills()
        seen_bytes = self._memory.remove(running.pid)
        del self._of_pid[running.pid]
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL) and not running.cause:
            kills, self._kernel_kills = self._kernel_kills, kernel_kills()
            running.cause = "oom" if self._kernel_kills > kills else ""
        event = JobEnded(
            job=running.task.job,
            attempt=running.task.attempt,
            at_s=end.at_s,
            exit_code=code if code >= 0 else 128 - code,
            wall_s=end.ended_s - running.began_s,
            cpu_s=end.user_s + end.system_s,
            peak_rss_bytes=end.peak_rss_kib * 1024,
            cause=running.cause,
            user_s=end.user_s,
            system_s=end.system_s,
            seen_memory_bytes=seen_bytes,
            read_bytes=end.blocks_in * _BLOCK_BYTES,
            written_bytes=end.blocks_out * _BLOCK_BYTES,
        )
        if not end.group_lives or not _is_alive(running.pid):
            self._sweep(running, event)
            self._report(running, event)
        elif code != 0 or running.cause:  # its outputs go: nothing may still write to them
            send(os.killpg, running.pid, signal.SIGKILL)
            self._sweep(running, event)
            self._report(running, event)
        else:
            running.ended = (event, time.monotonic() + LINGER_S)
            self._lingering[running.number] = running

    def _sweep(self, running: _Running, event: JobEnded) -> None:
        """End what a task that has failed has left outside of its session."""
        if (event.exit_code or running.cause) and event.wall_s >= _SWEEP_FROM_S:
            if running.cause == "cancelled":
                return  # with many others: `close` sweeps once for all
            task = running.task
            end_marked(task_mark(self._run, task.job, task.attempt), 0.0)

    def _report(self, running: _Running, event: JobEnded) -> None:
        self._events.append(event)
        del self._running[running.number]
        self._timed.pop(running.number, None)
        self._lingering.pop(running.number, None)
        if self._of_job.get(event.job) is running:
            del self._of_job[event.job]

    def _not_started(self, running: _Running, fault: NotStartedError) -> None:
        task = running.task
        self._memory.give_back(running.group)
        now_s = time.time()
        text = os.fsencode(f"{fault.message}\n")
        try:
            with open(task.log, "wb") as log:
                log.write(text)
        except OSError:
            pass  # the log's own directory may be the fault; the event tells it all the same
        self._events.append(JobStarted(task.job, task.attempt, now_s, ""))
        self._report(
            running,
            JobEnded(task.job, task.attempt, now_s, fault.exit_code, 0.0, 0.0, None, "not-started"),
        )

    def _lost(self) -> None:
        """The spawner was killed. Nobody can tell how its tasks end: they must not go on."""
        spawner, self._spawner = self._spawner, None
        end_marked(run_mark(self._run), _CLOSE_GRACE_S)
        if spawner is not None:
            spawner.close()
        now_s, now = time.time(), time.monotonic()
        for running in list(self._running.values()):
            if running.ended is not None:
                self._report(running, running.ended[0])
                continue
            task = running.task
            if running.pid:
                self._memory.remove(running.pid)
                del self._of_pid[running.pid]
            else:
                self._memory.give_back(running.group)
                self._events.append(JobStarted(task.job, task.attempt, now_s, ""))
            wall_s = now - running.began_s if running.pid else 0.0
            cause = running.cause or "vanished"
            code = 128 + signal.SIGKILL
            event = JobEnded(task.job, task.attempt, now_s, code, wall_s, None, None, cause)
            self._report(running, event)

    # ---- time

    def _patience(self, until: float | None) -> float | None:
        """How long nothing needs to be done, in seconds; None: for ever."""
        ends = [until] if until is not None else []
        for running in self._timed.values():
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
            running = self._of_pid[pid]
            running.cause = running.cause or "oom"
            self._signal(running, signal.SIGKILL)

    def _keep_time(self, now: float) -> None:
        for running in list(self._timed.values()):
            if running.ended is not None:
                del self._timed[running.number]
            elif running.kill_at is not None and now >= running.kill_at:
                self._signal(running, signal.SIGKILL)
                del self._timed[running.number]
            elif running.kill_at is None and running.term_at is not None and now >= running.term_at:
                running.cause = running.cause or "time-limit"
                self._signal(running, signal.SIGTERM)
                running.kill_at = now + TERM_GRACE_S
        for running in list(self._lingering.values()):
            assert running.ended is not None
            event, until = running.ended
            alive = _is_alive(running.pid)
            if not alive or now >= until or running.cause:
                if alive:
                    self._leftover.add(running.pid)
                self._report(running, event)


def _is_alive(group: int) -> bool:
    """Whether a group has a process that still does something. Only where one is left at all are
    the processes looked through: in a container, nobody may ever reap the orphans."""
    if not send(os.killpg, group, 0):
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
        return send(os.killpg, pid, 0)
    except PermissionError:
        return False
    return False
