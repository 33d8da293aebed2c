"""Exports on a real Slurm and a real Grid Engine, where one answers; skipped elsewhere."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from export.conftest import NAMES, SUM, Flowc

pytestmark = pytest.mark.slow
ANSWERS = {"slurm": ["squeue", "-h"], "sge": ["qstat"]}
EXPORT = "ex p'%"


@pytest.fixture(params=["slurm", "sge"])
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    argv = ANSWERS[name]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} here")
    if subprocess.run(argv, capture_output=True, timeout=60).returncode:
        pytest.skip(f"{argv[0]} does not answer: no cluster runs here")
    return name


def call(workdir: Path, program: str) -> "subprocess.CompletedProcess[str]":
    argv = [str(workdir / EXPORT / program)]
    return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=120)


def wait(workdir: Path) -> int:
    until = time.monotonic() + 60
    while (code := call(workdir, "status.sh").returncode) == 3:
        assert time.monotonic() < until, "the jobs do not end"
        time.sleep(0.3)
    return code


def test_no_job_runs_after_a_failure_and_the_rest_is_done_later(
    workdir: Path, flowc: Flowc, dialect: str
) -> None:
    assert flowc(f"export-{dialect}", "-o", EXPORT).returncode == 0
    (workdir / "fail").touch()
    first = call(workdir, "submit.sh")
    assert first.returncode == 0 and len(first.stdout.splitlines()) == 4, first.stderr
    assert call(workdir, "submit.sh").returncode == 4, "it is at work"
    assert wait(workdir) == 1
    assert not (workdir / "two/a.txt").exists()
    assert not (workdir / "ran.sum").exists()
    (workdir / "fail").unlink()
    assert call(workdir, "submit.sh").returncode == 0
    assert wait(workdir) == 0
    assert (workdir / "sum.txt").read_text(encoding="utf-8") == SUM
    assert (workdir / "ran.two").read_text() == "x\n" * len(NAMES), "once each"
    assert (workdir / "made/f").read_text() == "x"
    assert call(workdir, "submit.sh").stdout == "all is done\n"


def test_what_is_cancelled_leaves_no_half_output_and_goes_on_later(
    workdir: Path, flowc: Flowc, dialect: str
) -> None:
    (workdir / "Workflowfile").write_text(
        'rule slow:\n    output: "slow.txt"\n    shell: "echo part > {output}; '
        '[ -e quick ] || sleep 60; echo whole > {output}"\n'
    )
    assert flowc(f"export-{dialect}", "-o", EXPORT).returncode == 0
    assert call(workdir, "submit.sh").returncode == 0
    until = time.monotonic() + 30
    while not (workdir / "slow.txt").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    done = call(workdir, "cancel.sh")
    assert done.returncode == 0, done.stderr
    assert not os.path.lexists(workdir / "slow.txt")
    (workdir / "quick").touch()
    assert call(workdir, "submit.sh").returncode == 0
    assert wait(workdir) == 0
    assert (workdir / "slow.txt").read_text() == "whole\n"
