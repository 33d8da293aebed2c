"""The process that makes the processes: what it bears, and what happens when it is killed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowc.events import JobEnded, JobStarted
from flowc.executors.base import Capacity, Task
from flowc.executors.local import LocalExecutor
from flowc.executors.marks import find_marked, run_mark
from flowc.ids import JobId

RUN = f"forkserver-{os.getpid()}"


@pytest.fixture
def local() -> Iterator[LocalExecutor]:
    executor = LocalExecutor(Capacity(4, 1 << 30), RUN)
    yield executor
    executor.close()
    assert find_marked(run_mark(RUN)) == []


def task(job: int, where: Path, *argv: str, **more: object) -> Task:
    fields = {
        "job": JobId(job),
        "attempt": 1,
        "name": f"job {job}",
        "argv": argv,
        "cwd": None,
        "env": {},
        "cores": 1,
        "memory_bytes": 1 << 20,
        "limit_s": None,
        "log": str(where / f"{job}.log"),
    }
    return Task(**{**fields, **more})  # type: ignore[arg-type]


def ends(executor: LocalExecutor, count: int, patience_s: float = 30.0) -> list[JobEnded]:
    found: list[JobEnded] = []
    until = time.monotonic() + patience_s
    while len(found) < count and time.monotonic() < until:
        found += [e for e in executor.wait(1.0) if isinstance(e, JobEnded)]
    return found


def server_of(executor: LocalExecutor) -> int:
    """The parent of a task's process."""
    started = [e for e in executor.wait(10.0) if isinstance(e, JobStarted)]
    stat = Path(f"/proc/{started[0].external_id}/stat").read_bytes()
    return int(stat.rpartition(b")")[2].split()[1])


def test_killed_server_takes_its_tasks_along(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([task(1, tmp_path, "sleep", "300"), task(2, tmp_path, "sleep", "300")])
    os.kill(server_of(local), signal.SIGKILL)
    found = ends(local, 2)
    assert [(e.exit_code, e.cause) for e in found] == [(137, "vanished")] * 2
    assert find_marked(run_mark(RUN)) == []
    local.submit([task(1, tmp_path, "true", attempt=2)])
    (again,) = ends(local, 1)
    assert (again.exit_code, again.cause, again.attempt) == (0, "", 2)


def test_more_than_the_pipes_hold_at_once(local: LocalExecutor, tmp_path: Path) -> None:
    """Both ends write more than fits while the other one does not read."""
    long = "x" * 20_000
    local.submit([task(job, tmp_path, "/bin/echo", "-n", long) for job in range(400)])
    found = ends(local, 400)
    assert sorted(e.job for e in found) == list(range(400))
    assert {e.exit_code for e in found} == {0}
    assert all((tmp_path / f"{job}.log").read_text() == long for job in range(400))


def test_signals_do_not_end_the_server(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([task(1, tmp_path, "sleep", "0.3")])
    server = server_of(local)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        os.kill(server, number)
    (end,) = ends(local, 1)
    assert (end.exit_code, end.cause) == (0, "")


def test_peak_of_a_small_command_is_small(local: LocalExecutor, tmp_path: Path) -> None:
    """And not that of flowc, of which a process made by flowc itself would start as a copy."""
    ballast = bytearray(os.urandom(1) * (64 << 20))
    grow = "x = b'x' * (100 << 20)"
    local.submit([task(1, tmp_path, "true"), task(2, tmp_path, sys.executable, "-c", grow)])
    small, big = sorted(ends(local, 2), key=lambda e: e.job)
    assert small.peak_rss_bytes is not None and big.peak_rss_bytes is not None
    assert 1 << 20 < small.peak_rss_bytes < 32 << 20
    assert 100 << 20 < big.peak_rss_bytes < 132 << 20
    del ballast


def test_folder_and_environment(local: LocalExecutor, tmp_path: Path) -> None:
    inside = tmp_path / "in side"
    inside.mkdir()
    (inside / "tool").write_text("#!/bin/sh\npwd; echo $WORD\n")
    (inside / "tool").chmod(0o755)
    local.submit(
        [
            task(1, tmp_path, "./tool", cwd=str(inside), env={"WORD": "here"}),
            task(2, tmp_path, "sh", "-c", "pwd; echo $WORD"),
            task(3, tmp_path, "./absent", cwd=str(inside)),
            task(4, tmp_path, "true", cwd=str(tmp_path / "absent")),
        ]
    )
    codes = {e.job: e.exit_code for e in ends(local, 4)}
    assert codes == {1: 0, 2: 0, 3: 127, 4: 126}
    assert (tmp_path / "1.log").read_text() == f"{inside}\nhere\n"
    assert (tmp_path / "2.log").read_text() == f"{Path.cwd()}\n\n"
