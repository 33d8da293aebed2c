"""flowc fmt: what is written, what is not, and the exit codes."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Flowc = Callable[..., tuple[int, str, str]]
UGLY = "rule a :\n  output:'x'\n"
FINE = "rule a:\n    output: 'x'\n"


def test_check_and_diff_write_nothing(flowc: Flowc) -> None:
    Path("a.smk").write_text(UGLY)
    code, out, err = flowc("fmt", "--check", "a.smk")
    assert (code, out, err) == (1, "", "a.smk: would be formatted\n")
    code, out, _ = flowc("fmt", "--diff", "a.smk")
    assert code == 1 and "-rule a :\n" in out and "+rule a:\n" in out
    assert Path("a.smk").read_text() == UGLY


def test_written_once(flowc: Flowc) -> None:
    Path("real.smk").write_text(UGLY)
    os.chmod("real.smk", 0o640)
    os.symlink("real.smk", "a.smk")
    assert flowc("fmt", "a.smk") == (0, "", "a.smk: formatted\n")
    assert Path("real.smk").read_text() == FINE and os.path.islink("a.smk")
    assert os.stat("real.smk").st_mode & 0o777 == 0o640
    before = os.stat("real.smk")
    assert flowc("fmt", "a.smk")[0] == 0 == flowc("fmt", "--check", "a.smk")[0]
    assert os.stat("real.smk").st_mtime_ns == before.st_mtime_ns
    assert not list(Path(".").glob("*.part"))


def test_a_file_with_faults_is_left_alone_and_the_others_are_formatted(flowc: Flowc) -> None:
    Path("bad.smk").write_text("x = (\n")
    Path("good.smk").write_text(UGLY)
    code, _, err = flowc("fmt", "bad.smk", "good.smk")
    assert code == 2 and "error[unclosed-bracket]" in err
    assert Path("bad.smk").read_text() == "x = (\n" and Path("good.smk").read_text() == FINE


def test_without_files_the_workflow_and_its_rules(flowc: Flowc) -> None:
    os.mkdir("rules")
    Path("rules/a.smk").write_text(UGLY)
    Path("rules/notes.txt").write_text("no workflow (")
    Path("Workflowfile").write_text(UGLY)
    code, out, _ = flowc("fmt", "--json")
    assert code == 0
    rows = [json.loads(line)["fmt"] for line in out.splitlines()]
    assert [(r["file"], r["written"]) for r in rows] == [
        ("Workflowfile", True),
        ("rules/a.smk", True),
    ]


def test_stdin(flowc: Flowc) -> None:
    reading, writing = os.pipe()
    os.write(writing, UGLY.encode())
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert flowc("fmt", "-") == (0, FINE, "")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)


def test_a_directory_that_cannot_be_written(flowc: Flowc) -> None:
    os.mkdir("closed")
    Path("closed/a.smk").write_text(UGLY)
    os.chmod("closed", 0o555)
    try:
        if os.access("closed", os.W_OK):
            pytest.skip("this user may write anywhere")
        code, _, err = flowc("fmt", "closed/a.smk")
        assert code == 2 and "error[unwritable-file]" in err
        assert Path("closed/a.smk").read_text() == UGLY
    finally:
        os.chmod("closed", 0o755)
