"""Processes that a thread makes: started, refused, cancelled before they are known to run."""

import os
import select
import time

import pytest

from flowc.events import JobEnded, JobStarted
from flowc.executors import native
from flowc.executors.background import BackgroundSpawner, Started
from flowc.executors.base import Capacity, Task
from flowc.executors.local import LocalExecutor
from flowc.ids import JobId


def task(*argv: str, job: int = 0) -> Task:
    log = os.path.join(os.environ["TASK_LOGS"], f"{job}.log")
    return Task(JobId(job), 1, f"job {job}", argv, None, {}, 1, 1 << 20, None, log)


@pytest.fixture(autouse=True)
def logs(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_LOGS", str(tmp_path))


def wait_for(spawner: BackgroundSpawner, count: int) -> list[Started]:
    found: list[Started] = []
    until = time.monotonic() + 20
    while len(found) < count and time.monotonic() < until:
        select.select([spawner.fd], [], [], 1)
        found += spawner.take()
    return found


def test_what_is_started_is_told_in_order() -> None:
    spawner = BackgroundSpawner(lambda one: 100 + one.job)
    for job in range(5):
        spawner.submit(task("x", job=job))
    assert [(s.task.job, s.pid, s.fault) for s in wait_for(spawner, 5)] == [
        (job, 100 + job, None) for job in range(5)
    ]
    assert spawner.close() == []


def test_a_fault_is_told_and_the_thread_goes_on() -> None:
    def spawn(one: Task) -> int:
        if one.job == 0:
            raise OSError("no")
        return 7

    spawner = BackgroundSpawner(spawn)
    spawner.submit(task("x", job=0))
    spawner.submit(task("x", job=1))
    found = wait_for(spawner, 2)
    assert [str(s.fault) for s in found] == ["no", "None"]
    spawner.close()


def ends(executor: LocalExecutor, count: int) -> list[JobStarted | JobEnded]:
    found: list[JobStarted | JobEnded] = []
    until = time.monotonic() + 20
    while sum(isinstance(e, JobEnded) for e in found) < count and time.monotonic() < until:
        found += executor.wait(1.0)
    return found


def test_cancelled_before_it_is_known_to_run() -> None:
    executor = LocalExecutor(Capacity(1, 1 << 30))
    executor.submit([task("sleep", "60")])
    executor.cancel([JobId(0)])  # at once: the thread is still at it, or has just done
    end = ends(executor, 1)[-1]
    assert isinstance(end, JobEnded)
    assert end.cause == "cancelled"
    executor.close()


def test_closed_with_much_still_to_start() -> None:
    executor = LocalExecutor(Capacity(1, 1 << 30))
    executor.submit([task("sleep", "60", job=job) for job in range(200)])
    executor.close()
    assert not executor._running


@pytest.mark.skipif(native.load() is None, reason="the C library is not glibc")
def test_the_native_call(tmp_path: os.PathLike[str]) -> None:
    spawn = native.load()
    assert spawn is not None
    log = os.fsencode(os.path.join(tmp_path, "log"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    words = [b"sh", b"-c", b'echo "$A $1" >&2; cut -d" " -f6 /proc/$$/stat', b"sh", b"\xff b"]
    environment = {b"A": b"a b", b"PATH": os.environb[b"PATH"]}
    pid = spawn(b"/bin/sh", words, environment, log, flags)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with open(log, "rb") as file:
        lines = file.read().split(b"\n")
    assert lines[0] == b"a b \xff b"
    assert int(lines[1]) == pid  # a session of its own
    with pytest.raises(FileNotFoundError):
        spawn(b"/no/such", [b"such"], {}, log, flags)
    with pytest.raises(ValueError, match="null"):
        spawn(b"/bin/sh", [b"a\0b"], {}, log, flags)
