"""Of tasks that have printed nothing the next ones get the log, if nobody else can write to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from executors.test_forkserver import ends
from executors.test_forkserver import task as made
from support.clusters import eventually

from flowc.executors.base import Capacity
from flowc.executors.local import LocalExecutor


@pytest.fixture
def local() -> Iterator[LocalExecutor]:
    executor = LocalExecutor(Capacity(4, 1 << 30))
    yield executor
    executor.close()


def run(executor: LocalExecutor, where: Path, number: int, command: str) -> int:
    executor.submit([made(number, where, "sh", "-c", command)])
    (end,) = ends(executor, 1)
    return end.exit_code


def logs(where: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in where.glob("*.log")}


def test_what_was_printed_stays(local: LocalExecutor, tmp_path: Path) -> None:
    for number, command in enumerate(["true", "echo one", "true", "true", "echo two >&2", "true"]):
        assert run(local, tmp_path, number, command) == 0
    assert logs(tmp_path) == {"1.log": "one\n", "4.log": "two\n", "5.log": ""}


def test_who_has_failed_keeps_it(local: LocalExecutor, tmp_path: Path) -> None:
    assert run(local, tmp_path, 1, "exit 3") == 3
    assert run(local, tmp_path, 2, "true") == 0
    assert logs(tmp_path) == {"1.log": "", "2.log": ""}


def test_who_has_taken_long_keeps_it(local: LocalExecutor, tmp_path: Path) -> None:
    assert run(local, tmp_path, 1, "sleep 1.1") == 0
    assert run(local, tmp_path, 2, "true") == 0
    assert logs(tmp_path) == {"1.log": "", "2.log": ""}


def test_a_daemon_keeps_it(local: LocalExecutor, tmp_path: Path) -> None:
    """It has left its process group, so that nobody waits for it."""
    assert run(local, tmp_path, 1, "setsid sh -c 'sleep 0.5; echo late' & sleep 0.1") == 0
    assert run(local, tmp_path, 2, "true") == 0
    assert run(local, tmp_path, 3, "true") == 0
    eventually((tmp_path / "1.log").read_text)
    assert logs(tmp_path) == {"1.log": "late\n", "3.log": ""}


def test_what_an_earlier_run_has_left_goes(local: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "1.log").write_text("old\n")
    (tmp_path / "2.log").write_text("old\n")
    assert run(local, tmp_path, 1, "true") == 0
    assert run(local, tmp_path, 2, "true") == 0
    assert logs(tmp_path) == {"2.log": ""}


def test_a_task_that_runs_again_has_its_own(local: LocalExecutor, tmp_path: Path) -> None:
    local.submit([made(1, tmp_path, "true"), made(2, tmp_path, "true")])
    assert len(ends(local, 2)) == 2
    local.submit([made(1, tmp_path, "sh", "-c", "sleep 0.3; echo mine")])
    assert run(local, tmp_path, 3, "echo other") == 0
    assert len(ends(local, 1)) == 1
    assert logs(tmp_path) == {"1.log": "mine\n", "3.log": "other\n"}


def test_one_that_was_removed_meanwhile(local: LocalExecutor, tmp_path: Path) -> None:
    assert run(local, tmp_path, 1, "true") == 0
    (tmp_path / "1.log").unlink()
    assert run(local, tmp_path, 2, "echo two") == 0
    assert logs(tmp_path) == {"2.log": "two\n"}
