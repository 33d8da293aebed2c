"""Tasks that wait in the local executor's own queue until others have ended."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from executors.test_forkserver import server_of
from executors.test_forkserver import task as made

from flowc.attempt import JobReturned
from flowc.events import JobEnded, JobStarted, Notice
from flowc.executors.base import Capacity
from flowc.executors.local import LocalExecutor
from flowc.ids import JobId

Told = JobStarted | JobEnded | JobReturned | Notice


@pytest.fixture
def local() -> Iterator[LocalExecutor]:
    executor = LocalExecutor(Capacity(4, 1 << 30))
    yield executor
    executor.close()


def until_over(executor: LocalExecutor, count: int) -> list[Told]:
    """What is told until so many tasks have ended or come back."""
    told: list[Told] = []
    until = time.monotonic() + 30
    while sum(isinstance(e, JobEnded | JobReturned) for e in told) < count:
        assert time.monotonic() < until, told
        told += executor.wait(1.0)
    return told


def order(told: list[Told]) -> list[str]:
    words = {JobStarted: "starts", JobEnded: "ends", JobReturned: "returns"}
    return [f"{e.job} {words[type(e)]}" for e in told if not isinstance(e, Notice)]


def test_each_starts_when_one_has_ended(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([made(1, tmp_path, "sleep", "0.2"), made(2, tmp_path, "sleep", "0.5")])
    local.submit_ahead([made(3, tmp_path, "sleep", "0.1"), made(4, tmp_path, "sleep", "0.4")], 2)
    told = until_over(local, 4)
    expected = ["1 starts", "2 starts", "1 ends", "3 starts", "3 ends", "4 starts", "2 ends"]
    assert order(told) == [*expected, "4 ends"]
    at_s = {what: e.at_s for what, e in zip(order(told), told, strict=True) if hasattr(e, "at_s")}
    assert 0 <= at_s["3 starts"] - at_s["1 ends"] < 0.1


def test_it_starts_at_once_where_there_is_room(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit_ahead([made(1, tmp_path, "true")], 1)
    assert order(until_over(local, 1)) == ["1 starts", "1 ends"]


ENDS = {
    "it has failed": ("sleep 0.1; exit 3", ["1 starts", "1 ends", "2 returns", "3 returns"]),
    "it was killed": ("sleep 0.1; kill -9 $$", ["1 starts", "1 ends", "2 returns", "3 returns"]),
    "it has left a process behind": (
        "sleep 0.5 & sleep 0.1",
        ["1 starts", "2 returns", "3 returns", "1 ends"],
    ),
}


@pytest.mark.parametrize(("command", "expected"), ENDS.values(), ids=ENDS)
def test_after_a_bad_end_none_starts(
    local: LocalExecutor, tmp_path: Path, command: str, expected: list[str]
) -> None:
    local.submit([made(1, tmp_path, "sh", "-c", command)])
    local.submit_ahead([made(job, tmp_path, "touch", str(tmp_path / "begun")) for job in (2, 3)], 1)
    assert order(until_over(local, 3)) == expected
    assert not (tmp_path / "begun").exists()
    local.submit_ahead([made(2, tmp_path, "true")], 1)  # it may be asked for again
    assert order(until_over(local, 1)) == ["2 starts", "2 ends"]


def test_recalled(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([made(1, tmp_path, "sleep", "0.3")])
    local.submit_ahead([made(2, tmp_path, "true"), made(3, tmp_path, "true")], 1)
    local.recall()
    told = order(until_over(local, 3))
    assert told == ["1 starts", "2 returns", "3 returns", "1 ends"]


def test_one_that_is_cancelled_comes_back(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([made(1, tmp_path, "sleep", "0.3")])
    local.submit_ahead([made(2, tmp_path, "true"), made(3, tmp_path, "true")], 1)
    local.cancel([JobId(2)])
    told = order(until_over(local, 3))
    assert told == ["1 starts", "2 returns", "1 ends", "3 starts", "3 ends"]


def test_what_waits_is_lost_with_the_server(local: LocalExecutor, tmp_path: Path) -> None:

    local.submit([made(1, tmp_path, "sleep", "300")])
    local.submit_ahead([made(2, tmp_path, "true")], 1)
    os.kill(server_of(local), signal.SIGKILL)
    ends = [e for e in until_over(local, 2) if isinstance(e, JobEnded)]
    assert [(e.job, e.cause) for e in ends] == [(1, "vanished"), (2, "vanished")]


def test_closing_starts_none(tmp_path: Path) -> None:
    executor = LocalExecutor(Capacity(4, 1 << 30))
    executor.submit([made(1, tmp_path, "sleep", "300")])
    executor.submit_ahead([made(2, tmp_path, "touch", str(tmp_path / "begun"))], 1)
    executor.close()
    assert not (tmp_path / "begun").exists()
