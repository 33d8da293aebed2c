"""A run on a cluster and on the machine that submits, and what its jobs find there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.clusters import Cluster

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """
localrules: gather
rule all:
    input: "all.txt"
rule far:
    output: "far/{n}.txt"
    env: WORD="it's {n}"
    shell: "echo far ${{SLURM_JOB_ID:+id}}${{JOB_ID:+id}} > {output}; "
        "echo $WORD $GIVEN $LC_ALL $PWD $(umask) >> {output}"
rule gather:
    input: expand("far/{n}.txt", n=range(3))
    output: "all.txt"
    threads: 9
    shell: "cat {input} > {output}; "
        "echo here ${{SLURM_JOB_ID:-}}${{JOB_ID:-}} {threads} >> {output}"
"""


def test_local_rules_stay_here_and_the_rest_finds_what_a_local_job_finds(
    cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    env = cluster.env | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    words = ["run", "--executor", cluster.name, "--local-cores", "1", "--env", "GIVEN=a  b"]
    done = subprocess.run(
        [sys.executable, "-m", "flowc", *words],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, umask=0o027,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = f"a b C.UTF-8 {os.path.realpath(tmp_path)} 0027"
    far = "".join(f"far id\nit's {n} {found}\n" for n in range(3))
    assert (tmp_path / "all.txt").read_text() == f"{far}here 1\n"


def test_benchmarks_are_measured_on_the_node(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "Workflowfile").write_text("""
rule hold:
    output: "held"
    benchmark: "bench.tsv"
    shell: "python3 -c 'import time; held = bytearray(60 << 20); time.sleep(3)'; touch {output}"
""")
    done = subprocess.run(
        [sys.executable, "-m", "flowc", "run", "--executor", cluster.name],
        cwd=tmp_path, env=cluster.env | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names, values = (line.split("\t") for line in (tmp_path / "bench.tsv").open())
    row = dict(zip(names, values, strict=True))
    rss, vms, uss, pss = (float(row[f"max_{kind}"]) for kind in ("rss", "vms", "uss", "pss"))
    assert 60 < uss <= pss <= rss <= vms


def test_a_site_reaches_the_nodes(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "Workflowfile").write_text(
        "rule all:\n    input: 'a.txt', 'b.txt'\n"
        "rule a:\n    output: 'a.txt'\n    shell: 'echo $FROM_SITE ${{FROM_FLOWC:-}} > {output}'\n"
        "rule b:\n    output: 'b.txt'\n    shell: 'echo $FROM_SITE ${{FROM_FLOWC:-}} > {output}'\n"
    )
    site = "setup: export FROM_SITE=set\nmax_running: 2\nrules:\n  {}: {{environment: none}}\n"
    env = cluster.env | {"PYTHONPATH": str(ROOT), "FROM_FLOWC": "inherited"}
    words = [
        sys.executable,
        "-m",
        "flowc",
        "run",
        "--executor",
        cluster.name,
        "--site",
        "site.yaml",
    ]
    for rule, code in (("bb", 2), ("b", 0)):
        (tmp_path / "site.yaml").write_text(site.format(rule))
        done = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr
        assert ("there is no rule `bb`" in done.stderr) is (code == 2)
    assert (tmp_path / "a.txt").read_text() == "set inherited\n"
    assert (tmp_path / "b.txt").read_text() == "set\n"


WAYS = [("slurm", "slurm"), ("sge", "sge"), ("sge", "drmaa")]


@pytest.mark.parametrize(("cluster", "executor"), WAYS, indirect=["cluster"])
def test_one_option_says_where_jobs_run_and_touch_runs_none(
    cluster: Cluster, executor: str, tmp_path: Path
) -> None:
    def workflow(more: str) -> None:
        text = "${{SLURM_JOB_ID:+there}}${{JOB_ID:+there}}" + more
        rule = f'rule one:\n    output: "one"\n    shell: "echo {text} > {{output}}"\n'
        (tmp_path / "Workflowfile").write_text(rule)

    def flowc(*words: str) -> str:
        argv = [sys.executable, "-m", "flowc", "run", *words]
        env = cluster.env | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / "one").read_text()

    workflow("")
    assert flowc() == "\n"
    (tmp_path / "one").unlink()
    assert flowc("--executor", executor) == "there\n"
    workflow(" changed")
    os.utime(tmp_path / "one", (1e9, 1e9))
    assert flowc("--executor", executor, "--touch") == "there\n"
    assert (tmp_path / "one").stat().st_mtime > 1e9
    assert flowc("--executor", executor) == "there\n", "it was run although it was touched"
