"""What only the executor of this machine does, as flowc is the parent of its processes."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from executors.test_contract import run, task

from flowc.executors.base import Capacity, Executor
from flowc.executors.local import LocalExecutor


@pytest.fixture
def executor() -> Iterator[Executor]:
    made = LocalExecutor(Capacity(4, 1 << 30))
    yield made
    made.close()


WORDS = {
    "no such command": ("no-such-command", "command not found"),
    "no such file": ("./no-such-file", "no such file or directory"),
    "a directory": ("/tmp", "is a directory"),
    "not executable": ("/etc/passwd", "permission denied"),
}


@pytest.mark.parametrize(("program", "words"), WORDS.values(), ids=WORDS)
def test_why_it_cannot_be_started(
    executor: Executor, tmp_path: Path, program: str, words: str
) -> None:
    assert run(executor, task(tmp_path, program))[1] == f"{program}: {words}\n"


def test_a_large_peak_is_measured(executor: Executor, tmp_path: Path) -> None:
    code = "b = bytearray(300 * 1024**2)"
    event, _ = run(executor, task(tmp_path, "python3", "-c", code))
    assert event.peak_rss_bytes is not None and event.peak_rss_bytes > 300 * 1024**2


def test_other_children_are_left_alone(executor: Executor, tmp_path: Path) -> None:
    other = os.posix_spawn("/bin/true", ["true"], {})
    run(executor, task(tmp_path, "sleep", "0.05"))
    assert os.waitpid(other, 0) == (other, 0)


def test_the_signal_mask_is_not_inherited(executor: Executor, tmp_path: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        event, _ = run(executor, task(tmp_path, "sh", "-c", "kill -TERM $$; sleep 60"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert event.exit_code == 143
