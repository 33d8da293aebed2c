"""Jobs of local rules: submit.sh runs those that need nothing of what it submits."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.program import Flowc

pytestmark = pytest.mark.slow

LOCAL = """
localrules: fetch, index, tidy
rule all:
    input: "all.txt", "tidy.txt"
rule fetch:
    output: "in/{n}"
    threads: 2
    shell: "[ ! -e hang ] || {{ echo part > {output}; sleep 60; }}; "
        "echo {wildcards.n} $SITE > {output}; [ ! -e fail.{wildcards.n} ]"
rule index:
    input: expand("in/{n}", n=range(3))
    output: "index"
    shell: "cat {input} > {output}"
rule far:
    input: "in/{n}", "index"
    output: "far/{n}"
    shell: "cat {input} > {output}"
rule join:
    input: expand("far/{n}", n=range(3))
    output: "all.txt"
    shell: "cat {input} > {output}"
rule tidy:
    input: "all.txt"
    output: "tidy.txt"
    shell: "touch {output}"
"""
SBATCH = """#!/bin/sh
echo "$@" >> CALLS
wc -l < CALLS
"""


@pytest.fixture
def env(workdir: Path, flowc: Flowc, tmp_path: Path) -> dict[str, str]:
    """An export for a Slurm that takes everything and runs nothing."""
    (workdir / "Workflowfile").write_text(LOCAL)
    (workdir / "site.yaml").write_text("setup: export SITE=set\nqueue: long\n")
    done = flowc("export-slurm", "-o", "out", "--site", "site.yaml")
    assert done.returncode == 0, done.stderr
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "calls").touch()
    (programs / "sbatch").write_text(SBATCH.replace("CALLS", str(tmp_path / "calls")))
    (programs / "squeue").write_text("#!/bin/sh\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    return os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}


def call(workdir: Path, env: dict[str, str], name: str) -> "subprocess.CompletedProcess[str]":
    program = str(workdir / "out" / name)
    return subprocess.run([program], cwd="/", env=env, capture_output=True, text=True, timeout=60)


def test_they_run_before_the_others_are_submitted(
    workdir: Path, env: dict[str, str], tmp_path: Path
) -> None:
    done = call(workdir, env, "submit.sh")
    assert done.returncode == 0, done.stderr
    said = ["here 0001-fetch", "here 0002-index", "1 0003-far", "2 0004-join", "3 0005-tidy"]
    assert done.stdout.splitlines() == said
    assert (workdir / "index").read_text() == "0 set\n1 set\n2 set\n"
    far, join, tidy = (tmp_path / "calls").read_text().splitlines()
    assert "--array=1-3" in far and "--dependency" not in far
    assert "--dependency=afterok:1" in join and "--dependency=afterok:2" in tidy
    assert "#SBATCH" not in (workdir / "out/jobs/0001-fetch.sh").read_text()
    assert "#SBATCH" in (workdir / "out/jobs/0005-tidy.sh").read_text()
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    assert [unit["here"] for unit in units] == [1, 1, 0, 0, 0]


def test_where_one_fails_nothing_is_submitted(
    workdir: Path, env: dict[str, str], tmp_path: Path
) -> None:
    (workdir / "fail.1").touch()
    done = call(workdir, env, "submit.sh")
    assert done.returncode == 1
    assert "0001-fetch has failed here, see " in done.stderr and "fetch.2.log" in done.stderr
    assert not (tmp_path / "calls").read_text()
    assert [(workdir / f"in/{n}").exists() for n in range(3)] == [True, False, True]
    (workdir / "fail.1").unlink()
    os.utime(workdir / "in/0", (1, 1))
    assert call(workdir, env, "submit.sh").returncode == 0
    assert (workdir / "in/0").stat().st_mtime == 1, "what is done is not done again"


def test_they_can_be_interrupted(workdir: Path, env: dict[str, str], tmp_path: Path) -> None:
    (workdir / "hang").touch()
    first = subprocess.Popen(
        [workdir / "out/submit.sh"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not (workdir / "in/0").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert call(workdir, env, "submit.sh").returncode == 4
    assert call(workdir, env, "status.sh").returncode == 3
    assert call(workdir, env, "cancel.sh").returncode == 1
    assert (workdir / "in/0").exists(), "it still runs"
    first.send_signal(signal.SIGTERM)
    assert b"nothing was submitted" in first.communicate(timeout=60)[1]
    assert first.returncode == 143
    assert not (workdir / "in/0").exists() and not (tmp_path / "calls").read_text()


def test_on_one_machine_all_are_alike(workdir: Path, flowc: Flowc) -> None:
    (workdir / "Workflowfile").write_text(LOCAL)
    (workdir / "site.yaml").write_text("setup: export SITE=set\n")
    assert flowc("export-script", "-o", "out", "--site", "site.yaml").returncode == 0
    done = subprocess.run([workdir / "out/submit.sh", "-j", "3"], capture_output=True, text=True)
    assert done.returncode == 0 and "here" not in done.stdout
