"""What a job on a node of a cluster begins with: what it imports, and the files that it reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowc.dataclass import replace
from flowc.executors.base import Task
from flowc.executors.grid.files import (
    read_task,
    read_tasks,
    read_word,
    write_tasks,
    write_word,
)
from flowc.ids import JobId
from flowc.units import GIB

ROOT = Path(__file__).resolve().parents[2]
SLOW = ["contextlib", "dataclasses", "enum", "inspect", "json", "re", "signal", "typing"]
"""2 to 8 ms each, and every job would pay for them."""
BROKEN = (OSError, ValueError, KeyError, TypeError)

TASK = Task(
    JobId(7), 2, "a \udcff b", ("sh", "-c", "echo \udcff\n'é' 𝄞"), None, {"A": "\udc80=", "B": ""},
    2, GIB, 60.0, ".flowc/logs/a.log", memory_limit_bytes=GIB,
)  # fmt: skip
COMMON = {"queue": "fake", "umask": 0o22, "env": {"X\udcff": "\n"}, "keys": ["k"], "beat_s": 0.5}


def test_a_node_imports_nothing_slow() -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]; import flowc.node.element; "
        f"print(*[name for name in {SLOW} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_tasks_come_back_as_they_were(tmp_path: Path) -> None:
    tasks = {n: replace(TASK, job=JobId(n), name=f"job {n}" * n) for n in (1, 2, 9)}
    write_tasks(str(tmp_path), COMMON, tasks)
    whole = {**COMMON, "elements": [1, 2, 9]}
    assert read_tasks(str(tmp_path)) == (whole, tasks)
    for number, task in tasks.items():
        assert read_task(str(tmp_path), number) == (whole, task)
    with pytest.raises(ValueError):
        read_task(str(tmp_path), 3)


def test_a_file_that_is_cut_is_not_believed(tmp_path: Path) -> None:
    write_tasks(str(tmp_path), COMMON, {1: TASK, 2: TASK})
    data = (tmp_path / "tasks").read_bytes()
    for length in range(len(data)):
        for rest in (b"", bytes(len(data) - length)):  # cut, or with a hole in it
            (tmp_path / "tasks").write_bytes(data[:length] + rest)
            with pytest.raises(BROKEN):
                read_tasks(str(tmp_path))


def test_a_word_is_whole_or_none(tmp_path: Path) -> None:
    path = tmp_path / "1.end"
    word = {"exit_code": 0, "cause": "", "host": "n\udcff", "wall_s": 0.25, "figures": {"t": [1.5]}}
    assert read_word(str(path)) is None
    write_word(str(path), word)
    assert read_word(str(path)) == word
    assert os.listdir(tmp_path) == ["1.end"]
    data = path.read_bytes()
    for damaged in (
        b"",
        data[:-1],
        data[:20],
        bytes(len(data)),
        b'{"exit_code": 0}\n',
        b"\xff" * 99,
    ):
        path.write_bytes(damaged)
        assert read_word(str(path)) is None
