"""Exports on a real Slurm and a real Grid Engine; skipped where none can be started."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from export.conftest import NAMES, SUM, most_at_once
from support.clusters import Cluster
from support.program import Flowc

pytestmark = pytest.mark.slow
EXPORT = "ex p'%"


def call(cluster: Cluster, workdir: Path, program: str) -> "subprocess.CompletedProcess[str]":
    return cluster.call(str(workdir / EXPORT / program), timeout_s=120)


def wait(cluster: Cluster, workdir: Path) -> int:
    until = time.monotonic() + 60
    while (code := call(cluster, workdir, "status.sh").returncode) == 3:
        assert time.monotonic() < until, "the jobs do not end"
        time.sleep(0.3)
    return code


def test_no_job_runs_after_a_failure_and_the_rest_is_done_later(
    workdir: Path, flowc: Flowc, cluster: Cluster
) -> None:
    assert flowc(f"export-{cluster.name}", "-o", EXPORT).returncode == 0
    (workdir / "fail").touch()
    first = call(cluster, workdir, "submit.sh")
    assert first.returncode == 0 and len(first.stdout.splitlines()) == 4, first.stderr
    assert call(cluster, workdir, "submit.sh").returncode == 4, "it is at work"
    assert wait(cluster, workdir) == 1
    assert not (workdir / "two/a.txt").exists()
    assert not (workdir / "ran.sum").exists()
    (workdir / "fail").unlink()
    assert call(cluster, workdir, "submit.sh").returncode == 0
    assert wait(cluster, workdir) == 0
    assert (workdir / "sum.txt").read_text(encoding="utf-8") == SUM
    assert (workdir / "ran.two").read_text() == "x\n" * len(NAMES), "once each"
    assert (workdir / "made/f").read_text() == "x"
    assert call(cluster, workdir, "submit.sh").stdout == "all is done\n"


def test_what_is_cancelled_leaves_no_half_output_and_goes_on_later(
    workdir: Path, flowc: Flowc, cluster: Cluster
) -> None:
    (workdir / "Workflowfile").write_text(
        'rule slow:\n    output: "slow.txt"\n    shell: "echo part > {output}; '
        '[ -e quick ] || sleep 60; echo whole > {output}"\n'
    )
    assert flowc(f"export-{cluster.name}", "-o", EXPORT).returncode == 0
    assert call(cluster, workdir, "submit.sh").returncode == 0
    until = time.monotonic() + 50
    while not (workdir / "slow.txt").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    done = call(cluster, workdir, "cancel.sh")
    assert done.returncode == 0, done.stderr
    assert not os.path.lexists(workdir / "slow.txt")
    (workdir / "quick").touch()
    assert call(cluster, workdir, "submit.sh").returncode == 0
    assert wait(cluster, workdir) == 0
    assert (workdir / "slow.txt").read_text() == "whole\n"


GROWS = """
limits: few=2
rule all:
    input: "sum"
rule part:
    output: "part/{n}"
    limits: few=1
    retries: 1
    mem_gb: lambda wildcards, attempt: 0.25 * attempt
    env: WORD="it's {n}"
    shell: "echo {wildcards.n} {attempt} >> tries; [ {attempt}{wildcards.n} != 13 ]; "
        "echo $WORD $SITE ${{OTHER:-}} $LC_ALL $(umask) {mem_gb} > {output}"
rule sum:
    input: expand("part/{n}", n=range(5))
    output: ensure("sum", non_empty=True)
    shell: "cat {input} > {output}"
"""


def test_the_next_attempt_gets_more_and_a_site_is_heeded(
    workdir: Path, flowc: Flowc, cluster: Cluster
) -> None:
    (workdir / "Workflowfile").write_text(GROWS)
    (workdir / "site.yaml").write_text(
        "max_array: 4\nmax_running: 3\nsetup: export SITE=here\nenvironment: none\n"
    )
    words = (f"export-{cluster.name}", "-o", EXPORT, "--site", "site.yaml")
    assert flowc(*words).returncode == 0
    locale = Cluster(cluster.name, cluster.env | {"LC_ALL": "C.UTF-8", "OTHER": "not for jobs"})
    first = call(locale, workdir, "submit.sh")
    assert first.returncode == 0 and len(first.stdout.splitlines()) == 5, first.stderr
    assert wait(cluster, workdir) == 0
    tries = sorted((workdir / "tries").read_text().splitlines())
    assert tries == ["0 1", "1 1", "2 1", "3 1", "3 2", "4 1"]
    umask = subprocess.run("umask", shell=True, capture_output=True, text=True).stdout.strip()
    made = [f"it's {n} here C.UTF-8 {umask} {0.5 if n == 3 else 0.25}" for n in range(5)]
    assert (workdir / "sum").read_text().splitlines() == made


SHAPES = """
limits: db=2
rule all:
    input: expand("b/{n}", n=range(5)), expand("c/{n}", n=range(5))
rule a:
    output: "a/{n}"
    resources: mem_mb=64
    shell:
        '''
        # The first one ends when the second one's reader has run: it must not wait for the first.
        [ {wildcards.n} != 0 ] || timeout 60 bash -c 'until [ -e b/1 ]; do ls b; sleep 0.1; done'
        touch {output}
        '''
rule b:
    input: "a/{n}"
    output: "b/{n}"
    resources: mem_mb=64
    shell: "touch {output}"
rule c:
    output: "c/{n}"
    limits: db=1
    resources: mem_mb=64
    shell: "echo + >> ran; sleep 0.4; echo - >> ran; touch {output}"
"""


def test_arrays_are_throttled_and_elements_wait_for_their_own(
    workdir: Path, flowc: Flowc, cluster: Cluster
) -> None:
    (workdir / "Workflowfile").write_text(SHAPES)
    (workdir / "b").mkdir()
    assert flowc(f"export-{cluster.name}", "-o", EXPORT).returncode == 0
    assert call(cluster, workdir, "submit.sh").returncode == 0
    assert wait(cluster, workdir) == 0
    assert most_at_once(workdir / "ran") <= 2
    (workdir / "ran").unlink()
    for path in (workdir / "c").iterdir():
        path.unlink()
    words = ("c/0", "c/1", "c/2", "c/3", "c/4", "-R", "c")
    assert flowc("run", *words).returncode == 0  # now it is known how long they take
    (workdir / "ran").unlink()
    more = ("--replace", "--group-to", "1h", *words)
    assert flowc(f"export-{cluster.name}", "-o", EXPORT, *more).returncode == 0
    assert len(call(cluster, workdir, "submit.sh").stdout.splitlines()) == 1
    assert wait(cluster, workdir) == 0
    assert (workdir / "ran").read_text() == "+\n-\n" * 5, "one after another"


UNEVEN = """
rule all:
    input: expand("{n}.txt", n=range(3))
rule one:
    output: "{n}.txt"
    resources: mem_mb=64
    shell: "[ {wildcards.n} = 2 ] || until [ -e go ]; do ls; sleep 0.2; done; touch {output}"
"""


def test_what_is_in_the_queue_is_known_whatever_has_become_of_its_id(
    workdir: Path, flowc: Flowc, cluster: Cluster, tmp_path: Path
) -> None:
    """submit.sh is killed before it hears its array's id, and the array's last element ends."""
    (workdir / "Workflowfile").write_text(UNEVEN)
    assert flowc(f"export-{cluster.name}", "-o", EXPORT).returncode == 0
    program = {"slurm": "sbatch", "sge": "qsub"}[cluster.name]
    real = shutil.which(program, path=cluster.env["PATH"])
    (tmp_path / "bin").mkdir()
    deadly = tmp_path / "bin" / program
    deadly.write_text(f'#!/bin/bash\n{real} "$@" >/dev/null; kill -9 $PPID; sleep 0.2\n')
    deadly.chmod(0o755)
    env = cluster.env | {"PATH": f"{tmp_path}/bin:{cluster.env['PATH']}"}
    call(Cluster(cluster.name, env), workdir, "submit.sh")
    until = time.monotonic() + 60
    while not (workdir / "2.txt").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    assert call(cluster, workdir, "status.sh").returncode == 3
    assert call(cluster, workdir, "submit.sh").returncode == 4
    cancelled = call(cluster, workdir, "cancel.sh")
    assert cancelled.returncode == 0, cancelled.stderr
    assert call(cluster, workdir, "status.sh").returncode == 1
    (workdir / "go").touch()
    assert call(cluster, workdir, "submit.sh").returncode == 0
    assert wait(cluster, workdir) == 0
