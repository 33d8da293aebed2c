"""`update(...)`: the job finds the file as it was, and so does the next run if the job fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.program import Done, Flowc, flowc_here

RULE = """
rule grow:
    output: update("list.txt"), update(directory("many"))
    shell: {command!r}
"""
GROW = "mkdir -p many; echo new > many/new; echo new >> list.txt; "
RUN = ("run", "--cores", "1")


@pytest.fixture
def flowc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flowc:
    monkeypatch.chdir(tmp_path)
    Path("many").mkdir()
    Path("many/old").write_text("old\n")
    Path("list.txt").write_text("old\n")

    def go(end: str, *words: str) -> Done:
        Path("Workflowfile").write_text(RULE.format(command=GROW + end))
        return flowc_here(*RUN, *words)

    return go


def there() -> tuple[str, list[str]]:
    names = [n for n in os.listdir("many") if not n.startswith(".")]
    return Path("list.txt").read_text(), sorted(names)


OLD, GROWN = ("old\n", ["old"]), ("old\nnew\n", ["new", "old"])


def test_a_failure_puts_back_what_was_there(flowc: Flowc) -> None:
    assert flowc("exit 3", "-F").returncode == 1
    assert there() == OLD
    assert flowc("true", "-F").returncode == 0
    assert there() == GROWN
    assert os.listdir(".flowc/kept") == []


def test_so_does_each_attempt(flowc: Flowc) -> None:
    assert flowc("[ {attempt} = 3 ]", "-F", "--retries", "2").returncode == 0
    assert there() == GROWN


def test_a_file_that_was_not_there_is_removed(flowc: Flowc) -> None:
    Path("list.txt").unlink()
    assert flowc("exit 3").returncode == 1
    assert not Path("list.txt").exists()


def test_after_a_kill_the_next_run_begins_with_the_old(flowc: Flowc) -> None:
    Path("Workflowfile").write_text(RULE.format(command=GROW + "sleep 60"))
    run = subprocess.Popen(
        [sys.executable, "-m", "flowc", *RUN, "-F"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 50
    while there() != GROWN and time.monotonic() < until:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert flowc("true").returncode == 0
    assert there() == GROWN
