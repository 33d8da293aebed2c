"""What sites and rules ask of exports: limits, arrays, setup, accounts, attempts, checks."""

import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from export.conftest import most_at_once
from support.program import Flowc

pytestmark = pytest.mark.slow

PARTS = """
limits: db=2
rule all:
    input: expand("a/{n}", n=range(4)), expand("b/{n}", n=range(4))
rule a:
    output: "a/{n}"
    limits: db=1
    shell: "ACTION"
rule b:
    output: "b/{n}"
    limits: db=1
    resources: gpu=2, licence="matlab"
    shell: "ACTION"
""".replace("ACTION", "echo + >> log; sleep 0.2; echo - >> log; touch {output}")


def export(workdir: Path, flowc: Flowc, text: str, *words: str) -> dict[str, str]:
    """The job scripts by name."""
    (workdir / "Workflowfile").write_text(text)
    done = flowc(*words, "-o", "out")
    assert done.returncode == 0, done.stderr
    for script in (workdir / "out").rglob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)
    return {path.stem: path.read_text() for path in (workdir / "out/jobs").iterdir()}


def submit(workdir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    argv = [str(workdir / "out/submit.sh"), *words]
    return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("arrays", [True, False])
def test_a_limit_holds_over_rules_however_many_run_at_once(
    workdir: Path, flowc: Flowc, arrays: bool
) -> None:
    export(workdir, flowc, PARTS, "export-script", *([] if arrays else ["--no-arrays"]))
    done = submit(workdir, "-j", "8")
    assert done.returncode == 0, done.stderr
    assert (workdir / "log").read_text().count("-") == 8
    assert most_at_once(workdir / "log") == 2


def test_arrays_that_share_a_limit_are_throttled_and_wait_for_each_other(
    workdir: Path, flowc: Flowc
) -> None:
    export(workdir, flowc, PARTS, "export-slurm")
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    assert [(unit["throttle"], unit["after"]) for unit in units] == [(2, []), (2, [1])]
    export(workdir, flowc, PARTS, "export-slurm", "--replace", "--no-arrays", "--limit", "db=3")
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    after = [unit["after"] for unit in units]
    assert after == [[], [], [], [1], [2], [3], [4], [5]], "in three lanes"


def test_large_arrays_are_cut(workdir: Path, flowc: Flowc) -> None:
    (workdir / "site.yaml").write_text("max_array: 3\n")
    scripts = export(workdir, flowc, PARTS, "export-script", "--site", "site.yaml")
    assert sorted(scripts) == ["0001-a", "0002-a", "0003-b", "0004-b"]
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    assert [unit["size"] for unit in units] == [3, 1, 3, 1]
    assert submit(workdir, "-j", "4").returncode == 0
    assert all((workdir / f"{rule}/{n}").exists() for rule in "ab" for n in range(4))


# fmt: off
ASKED = {  #       what a site says                                     lines for Slurm, for SGE
    "account":     ("account: lab-1",         ["--account=lab-1"],      ["-A lab-1"]),
    "queue":       ("queue: long",            ["--partition=long"],     ["-q long"]),
    "project":     ("project: genomes",       [],                       ["-P genomes"]),
    "qos":         ("qos: high",              ["--qos=high"],           []),
    "options":     ("options: ['--x=1']",     ["--x=1"],                ["--x=1"]),
    "a resource":  ("resources: {gpu: 'gres=gpu:{value}'}", ["gres=gpu:2"], ["gres=gpu:2"]),
    "text":        ("resources: {licence: '-L {value}:1'}", ["-L matlab:1"], ["-L matlab:1"]),
    "environment": ("environment: none", ["--export=HOME,LOGNAME,PATH,SHELL,USER"], []),
    "no memory":   ("memory: none",           [],                       []),
    "headroom":    ("memory_headroom: 3",     ["--mem=3072M"],          ["-l h_vmem=3072M"]),
}
# fmt: on


@pytest.fixture
def asked(workdir: Path, flowc: Flowc) -> Callable[..., list[str]]:
    """What the script of `b` asks an engine for."""

    def lines(dialect: str, *words: str) -> list[str]:
        script = export(workdir, flowc, PARTS, f"export-{dialect}", *words)["0002-b"]
        mark = {"slurm": "#SBATCH ", "sge": "#$ "}[dialect]
        return [line.removeprefix(mark) for line in script.splitlines() if line.startswith(mark)]

    return lines


PLAIN: dict[str, list[str]] = {}
"""The same where no site says anything, by dialect: once for all tests."""


@pytest.mark.parametrize(("text", "slurm", "sge"), ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("dialect", ["slurm", "sge"])
def test_what_a_site_says_is_asked_for(
    workdir: Path,
    asked: Callable[..., list[str]],
    dialect: str,
    text: str,
    slurm: list[str],
    sge: list[str],
) -> None:
    before = PLAIN.get(dialect) or PLAIN.setdefault(dialect, asked(dialect))
    (workdir / "site.yaml").write_text(text + "\n")
    now = asked(dialect, "--site", "site.yaml", "--replace")
    for line in slurm if dialect == "slurm" else sge:
        assert line in now and line not in before
    if "environment" in text:
        assert dialect == "slurm" or ("-V" in before and "-V" not in now)
    if "memory: none" in text:
        assert [line for line in before if "mem" in line]
        assert not [line for line in now if "mem" in line]


def test_setup_lines_run_before_each_job(workdir: Path, flowc: Flowc) -> None:
    (workdir / "site.yaml").write_text(
        "setup: |\n  export FROM_SITE='a b'\n  module() { echo loaded $1; }\n  module x\n"
    )
    text = 'rule a:\n    output: "a"\n    shell: "echo $FROM_SITE > {output}"\n'
    export(workdir, flowc, text, "export-script", "--site", "site.yaml")
    assert submit(workdir).returncode == 0
    assert (workdir / "a").read_text() == "a b\n"
    assert (workdir / "out/logs/0001-a.log").read_text() == "loaded x\n"


GROWS = """
rule all:
    input: "sum"
rule grow:
    output: "grow/{n}"
    retries: 2
    mem_gb: lambda wildcards, attempt: attempt
    resources: runtime=lambda wildcards, attempt: "5s" if attempt == 1 else "1h"
    shell:
        '''
        echo {wildcards.n} {attempt} {mem_gb} >> tries
        [ {wildcards.n} = 0 ] || [ {attempt} != 1 ] || sleep 60
        echo {attempt} > {output}
        '''
rule sum:
    input: expand("grow/{n}", n=range(2))
    output: "sum"
    shell: "cat {input} > {output}"
"""


def test_the_next_attempt_asks_for_more_and_does_only_what_is_missing(
    workdir: Path, flowc: Flowc
) -> None:
    scripts = export(workdir, flowc, GROWS, "export-script")
    assert sorted(scripts) == ["0001-grow", "0002-grow.2", "0003-grow.3", "0004-sum"]
    done = submit(workdir, "-j", "2")
    assert done.returncode == 0, done.stderr + (workdir / "out/logs").as_posix()
    tries = sorted((workdir / "tries").read_text().splitlines())
    assert tries == ["0 1 1", "1 1 1", "1 2 2"]
    assert (workdir / "sum").read_text() == "1\n2\n"
    status = subprocess.run([workdir / "out/status.sh"], capture_output=True, text=True)
    assert status.returncode == 0 and "3 of 3 jobs are done" in status.stdout


@pytest.mark.parametrize("dialect", ["slurm", "sge"])
def test_an_engine_is_asked_for_more_behind_the_first_attempt(
    workdir: Path, flowc: Flowc, dialect: str
) -> None:
    scripts = export(workdir, flowc, GROWS, f"export-{dialect}")
    pattern = {"slurm": r"--mem=(\d+)M", "sge": r"h_vmem=(\d+)M"}[dialect]
    asked = [int(re.findall(pattern, scripts[name])[0]) for name in sorted(scripts)]
    assert asked[1:3] == [2 * asked[0], 3 * asked[0]]
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    assert [(u["after"], u["whole"], u["again"]) for u in units] == [
        ([], [], 0), ([1], [], 1), ([2], [], 2), ([], [3], 0),
    ]  # fmt: skip


KILLED = """
rule all:
    input: "made/0", "made/1"
rule made:
    output: "made/{n}"
    retries: 2
    mem_gb: 1
    resources: runtime="2s"
    shell:
        '''
        echo {wildcards.n} {mem_gb} >> tries
        [ {wildcards.n} = 1 ] || [ {mem_gb} = 2 ] || sleep 60
        [ {wildcards.n} = 0 ] || [ $(grep -c ^1 tries) = 3 ]
        touch {output}
        '''
"""


def test_the_last_attempt_may_ask_for_more_of_all_that_a_job_is_killed_for(
    workdir: Path, flowc: Flowc
) -> None:
    """The first job is killed for its time; the other one fails twice, and is well the third
    time."""
    scripts = export(workdir, flowc, KILLED, "export-script", "--retry-with-more")
    assert sorted(scripts) == ["0001-made", "0002-made.2"]
    assert "# memory: 2048M, scaled (2 times" in scripts["0002-made.2"]
    done = submit(workdir, "-j", "2")
    assert done.returncode == 0, done.stderr
    tries = sorted((workdir / "tries").read_text().splitlines())
    assert tries == ["0 1", "0 2", "1 1", "1 1", "1 2"]
    units = json.loads((workdir / "out/manifest.json").read_text())["units"]
    assert [(u["limit_s"], u["after"]) for u in units] == [(2, []), (4, [1])]
    scripts = export(workdir, flowc, KILLED, "export-slurm", "--retry-with-more", "--replace", "-F")
    (first, second) = (scripts[name] for name in sorted(scripts))
    assert "--mem=1024M" in first and "--time=0:00:02" in first
    assert "--mem=2048M" in second and "--time=0:00:04" in second


ENSURE = """
rule a:
    output: ensure("a.txt", non_empty=True, sha256=lambda wildcards: "SUM")
    shell: "cat source > {output}"
"""


def test_ensured_outputs_are_checked(workdir: Path, flowc: Flowc) -> None:
    text = ENSURE.replace("SUM", sha256(b"right\n").hexdigest().upper())
    export(workdir, flowc, text, "export-script")
    for content, why in (("", "output is empty"), ("wrong\n", "output has the sha256")):
        (workdir / "source").write_text(content)
        assert submit(workdir).returncode == 1
        assert not (workdir / "a.txt").exists()
        (mark,) = (workdir / "out/state/failed").iterdir()
        assert why in mark.read_text()
    (workdir / "source").write_text("right\n")
    assert submit(workdir).returncode == 0
    assert (workdir / "a.txt").read_text() == "right\n"


@pytest.mark.parametrize("what", ['output: pipe("p")', 'output: "p"\n    shadow: "minimal"'])
def test_what_needs_flowc_is_refused(workdir: Path, flowc: Flowc, what: str) -> None:
    (workdir / "Workflowfile").write_text(
        f'rule a:\n    input: "p"\n    output: "a"\n    shell: "cat {{input}} > {{output}}"\n'
        f'rule p:\n    {what}\n    shell: "echo x > {{output}}"\n'
    )
    done = flowc("export-script", "-o", "out")
    assert done.returncode == 2 and "error[not-exportable]" in done.stderr
    assert not (workdir / "out").exists()
