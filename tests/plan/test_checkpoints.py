"""Checkpoints: what is pending, in how many rounds it is worked out, and what is done once."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.api import Running, compile_file, ir_of, plan_file, run_file
from flowc.diagnostic import WorkflowError
from flowc.disk import Disk
from flowc.events import Event, JobSubmitted, RunStarted
from flowc.graph.job import JobGraph
from flowc.plan.checkpoints import next_graph
from flowc.plan.decision import Plan
from flowc.plan.options import PlanOptions
from flowc.run.options import RunOptions, RunOutcome

Run = Callable[..., RunOutcome]

SAMPLES = """
SAMPLES = ["s%d" % i for i in range({n})]

wildcard_constraints: s="[^/]+"

rule all:
    input: "all.txt"

checkpoint cut:
    output: directory("parts/{{s}}")
    shell: "mkdir {{output}}; touch {{output}}/{{wildcards.s}}x"

def made(wildcards):
    found = []
    for s in SAMPLES:
        folder = checkpoints.cut.get(s=s).output[0]
        found += [folder + "/" + name for name in glob_wildcards(folder + "/{{x}}x").x]
    return [path + "x" for path in found]

rule gather:
    input: made
    output: "all.txt"
    shell: "printf '%s\\\\n' {{input}} > {{output}}"
"""


@pytest.fixture
def seen() -> list[Event]:
    return []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: list[Event]) -> Run:
    monkeypatch.chdir(tmp_path)

    def go(
        text: str, options: PlanOptions | None = None, *, keep_going: bool = False
    ) -> RunOutcome:
        Path("Workflowfile").write_text(text)
        seen.clear()
        return run_file(
            "Workflowfile", (), None, options,
            running=Running(cores=2), run=RunOptions(keep_going=keep_going),
            listeners=[seen.append],
        )  # fmt: skip

    return go


def names(seen: list[Event]) -> list[str]:
    return [event.name for event in seen if isinstance(event, JobSubmitted)]


def rounds(seen: list[Event]) -> int:
    return sum(isinstance(event, RunStarted) for event in seen)


def test_a_function_that_asks_for_all_samples_takes_two_rounds(run: Run, seen: list[Event]) -> None:
    outcome = run(SAMPLES.format(n=30))
    assert (outcome.exit_code, outcome.done, rounds(seen)) == (0, 31, 2)
    assert Path("all.txt").read_text().split()[:2] == ["parts/s0/s0x", "parts/s1/s1x"]


READ = """
SAMPLES = ["s%d" % i for i in range(30)]

rule all:
    input: "all.txt"

checkpoint cut:
    output: "parts/{s}.list"
    shell: "echo {output} > {output}"

def made(wildcards):
    found = []
    for s in SAMPLES:
        found += open(checkpoints.cut.get(s=s).output[0]).read().split()
    return found

rule gather:
    input: made
    output: "all.txt"
    shell: "cat {input} > {output}"
"""


def test_a_function_that_reads_each_sample_takes_two_rounds(run: Run, seen: list[Event]) -> None:
    """What is read of files to come is thrown away: but all of them are asked for at once."""
    outcome = run(READ)
    assert (outcome.exit_code, outcome.done, rounds(seen)) == (0, 31, 2)
    assert len(Path("all.txt").read_text().split()) == 30


READ_ON = """
rule all:
    input: "end.txt"

checkpoint first:
    output: "first.txt"
    shell: "echo two > {output}"

checkpoint second:
    output: "second/{name}.txt"
    shell: "touch {output}"

def end(wildcards):
    name = "x" + open(checkpoints.first.get().output[0]).read().strip()
    return checkpoints.second.get(name=name).output

rule end:
    input: end
    output: "end.txt"
    shell: "cp {input} {output}"
"""


def test_what_is_in_a_file_to_come_is_not_guessed(run: Run) -> None:
    """No `second/x.txt` is asked for, as if `first.txt` were empty."""
    assert run(READ_ON).exit_code == 0
    assert [p.name for p in Path("second").iterdir()] == ["xtwo.txt"]


def test_a_file_to_come_is_not_empty_for_who_has_not_asked(run: Run) -> None:
    """`other` may read the checkpoint's file, as `end` has asked for it, but does not wait."""
    text = (
        READ_ON
        + """
rule other:
    input: lambda wildcards: open("first.txt").read().split()
    output: "other.txt"
    shell: "touch {output}"
"""
    )
    with pytest.raises(WorkflowError) as error:
        run(text.replace('input: "end.txt"', 'input: "end.txt", "other.txt"'))
    assert [d.code for d in error.value.diagnostics] == ["unreadable"]


def test_nobody_comes_in_between_two_rounds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is its process's: so another one asks for it."""
    codes = []

    def between(plan: Plan, disk: Disk) -> JobGraph | None:
        codes.append(subprocess.run([sys.executable, "-m", "flowc", "run"]).returncode)
        return next_graph(plan, disk)

    monkeypatch.setattr("flowc.plan.checkpoints.next_graph", between)
    assert run(SAMPLES.format(n=2)).done == 3
    assert codes == [4]
    assert subprocess.run([sys.executable, "-m", "flowc", "run"]).returncode == 0


def test_what_is_up_to_date_is_known_while_planning(run: Run, seen: list[Event]) -> None:
    run(SAMPLES.format(n=3))
    assert run(SAMPLES.format(n=3)).done == 0
    Path("all.txt").unlink()
    assert plan_file("Workflowfile").held == ()
    assert run(SAMPLES.format(n=3)).done == 1
    assert names(seen) == ["gather"]


def test_forced_jobs_run_once(run: Run, seen: list[Event]) -> None:
    run(SAMPLES.format(n=3))
    outcome = run(SAMPLES.format(n=3), PlanOptions(force_all=True))
    assert outcome.exit_code == 0
    assert sorted(names(seen)) == ["cut(s=s0)", "cut(s=s1)", "cut(s=s2)", "gather"]


def test_what_waits_is_held_and_all_else_planned(run: Run) -> None:
    Path("Workflowfile").write_text(SAMPLES.format(n=2))
    plan = plan_file("Workflowfile")
    assert sorted(plan.graph.job(job).name for job in plan.held) == ["all", "gather"]


def test_the_compiled_form_decides_anew(run: Run) -> None:
    Path("Workflowfile").write_text(SAMPLES.format(n=2))
    Path("w.ir.json").write_text("".join(ir_of(compile_file("Workflowfile"))))
    assert run_file("w.ir.json", running=Running(cores=2)).exit_code == 0
    assert Path("all.txt").read_text() == "parts/s0/s0x\nparts/s1/s1x\n"


MODULE = """
rule all:
    input: "end.txt"

checkpoint decide:
    output: "decision.txt"
    shell: "echo a b > {output}"

checkpoint cut:
    output: directory("parts/{x}")
    shell: "mkdir -p {output}; touch {output}/1 {output}/2"

def end(wildcards):
    found = []
    for x in open(checkpoints.decide.get().output[0]).read().split():
        folder = checkpoints.cut.get(x=x).output[0]
        found += expand("made/{x}/{i}", x=x, i=glob_wildcards(folder + "/{i}").i)
        found.append(folder + "/1")
    return found

rule made:
    output: "made/{x}/{i}"
    shell: "echo {wildcards.x} {wildcards.i} > {output}"

rule end:
    input: end
    output: "end.txt"
    shell: "cat {input} > {output}"
"""


@pytest.mark.parametrize("prefix", ["", "sub/"])
def test_a_module_s_checkpoints_have_another_name_in_the_compiled_form(
    run: Run, prefix: str
) -> None:
    Path("m.flow").write_text(MODULE)
    Path("Workflowfile").write_text(f"""
module m:
    snakefile: "m.flow"
    prefix: "{prefix}"

use rule * from m as m_*

rule top:
    default_target: True
    input: rules.m_end.output
""")
    Path("w.ir.json").write_text("".join(ir_of(compile_file("Workflowfile"))))
    for path in ("Workflowfile", "w.ir.json"):
        assert run_file(path, running=Running(cores=2)).exit_code == 0
        assert Path(f"{prefix}end.txt").read_text() == "a 1\na 2\nb 1\nb 2\n"
        assert run_file(path, running=Running(cores=2)).done == 0
        shutil.rmtree(".flowc")
        shutil.rmtree(f"{prefix}parts")
        Path(f"{prefix}end.txt").unlink()


CHAIN = """
rule all:
    input: "end.txt"

rule early:
    output: temp("early.txt")
    shell: "echo early > {output}"

rule reader:
    input: "early.txt"
    output: "read.txt"
    shell: "cp {input} {output}"

checkpoint decide:
    input: "read.txt"
    output: "decision.txt"
    shell: "echo a > {output}"

def end(wildcards):
    return [open(checkpoints.decide.get().output[0]).read().strip() + ".txt", "early.txt"]

rule a:
    output: "a.txt"
    shell: "echo a > {output}"

rule end:
    input: end
    output: "end.txt"
    shell: "cat {input} > {output}"
"""


def test_a_failed_checkpoint_ends_the_run(run: Run, seen: list[Event]) -> None:
    outcome = run(CHAIN.replace("echo a > {output}", "false", 1), keep_going=True)
    assert (outcome.exit_code, rounds(seen)) == (1, 1)


def test_a_decision_is_read(run: Run, seen: list[Event]) -> None:
    assert run(CHAIN).exit_code == 0
    assert Path("end.txt").read_text() == "a\nearly\n"
    assert not Path("early.txt").exists()


# fmt: off
FAULTS = {
    "not an output": ('open("Workflowfile").read()',     "unsupported"),
    "to write":      ('open(checkpoints.c.get(w="x").output[0], "w")', "unsupported"),
    "no checkpoint": ("checkpoints.nothing.get()",       "unknown-attribute"),
    "no wildcards":  ("checkpoints.c.get()",             "missing-wildcard"),
}
# fmt: on


@pytest.mark.parametrize(("asked", "code"), FAULTS.values(), ids=FAULTS)
def test_faults(run: Run, asked: str, code: str) -> None:
    Path("c").mkdir()
    Path("c/x").write_text("x")
    text = f"""
rule all:
    input: lambda wildcards: {asked}
checkpoint c:
    output: "c/{{w}}"
    shell: "touch {{output}}"
"""
    with pytest.raises(WorkflowError) as error:
        for _ in range(2):
            run(text)
            raise AssertionError("no fault")
    assert [d.code for d in error.value.diagnostics] == [code]
