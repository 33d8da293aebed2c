"""What jobs find in their environment, in a run and in exported scripts."""

import os
import subprocess
from pathlib import Path

import pytest
from support.program import Done, flowc_here

WORKFLOW = """
rule all:
    input: "a b.txt"
rule one:
    output: "{s}.txt"
    threads: 2
    env:
        TEXT = "it's {s}\\n$HOME `x`",
        NUMBER = 3,
        COMPUTED = lambda wildcards, threads: threads + 1,
        BOTH = "rule's",
    shell: "printenv TEXT NUMBER COMPUTED BOTH GIVEN PASSED LC_ALL OMP_NUM_THREADS > {output:q}; "
        "umask >> {output:q}"
"""
SEEN = "it's a b\n$HOME `x`\n3\n3\noption's\nx=y\nthere\nC.UTF-8\n2\n0027\n"
OPTIONS = ("--cores", "2", "--env", "GIVEN=x=y", "PASSED", "--env", "BOTH=option's")


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    return tmp_path


def flowc(workdir: Path, *words: str) -> Done:
    env = {"PASSED": "there", "LC_ALL": "C.UTF-8"}
    return flowc_here(*words, cwd=workdir, env=env, umask=0o027)


def test_variables_reach_a_job_and_count_as_params(workdir: Path) -> None:
    assert flowc(workdir, "run", *OPTIONS).returncode == 0
    assert (workdir / "a b.txt").read_text() == SEEN
    assert "Nothing to be done" in flowc(workdir, "plan").stdout
    (workdir / "Workflowfile").write_text(WORKFLOW.replace("NUMBER = 3", "NUMBER = 4"))
    assert "the rule's params have changed" in flowc(workdir, "plan").stdout


def test_a_compiled_workflow_has_them(workdir: Path) -> None:
    assert flowc(workdir, "compile", "-o", "all.json").returncode == 0
    assert flowc(workdir, "run", "-s", "all.json", *OPTIONS).returncode == 0
    assert (workdir / "a b.txt").read_text() == SEEN


def test_exported_scripts_have_them_and_the_umask_of_who_submits(workdir: Path) -> None:
    done = flowc(workdir, "export-script", "-o", "out", *OPTIONS)
    assert done.returncode == 0, done.stderr
    # C.utf8 is the same locale by another name: not the one of the export
    env = os.environ | {"PASSED": "not this one", "LC_ALL": "C.utf8"}
    submit = [workdir / "out/submit.sh"]
    subprocess.run(submit, env=env, check=True, umask=0o077, stdout=subprocess.DEVNULL)
    seen = SEEN.replace("C.UTF-8", "C.utf8").replace("0027", "0077")
    assert (workdir / "a b.txt").read_text() == seen


# fmt: off
WRONG = {
    "no name":     ('env: "x"',                             "`NAME=value`"),
    "a list":      ("env: A=[1]",                           "neither a text nor a number"),
    "a wildcard":  ('env: A="{t}"',                         "has the wildcard"),
    "a function":  ("env: A=lambda wildcards, nothing: 1",  "nothing"),
    "a null byte": ('env: A="a\\0b"',                       "neither a text nor a number"),
}
# fmt: on


@pytest.mark.parametrize(("line", "text"), WRONG.values(), ids=WRONG)
def test_mistakes_are_told(workdir: Path, line: str, text: str) -> None:
    lines = WORKFLOW.replace("    threads: 2\n", f"    {line}\n").splitlines()
    at = lines.index("    env:")
    (workdir / "Workflowfile").write_text("\n".join(lines[:at] + lines[at + 5 :]))
    done = flowc(workdir, "check")
    assert done.returncode == 2 and text in done.stderr + done.stdout


def test_a_function_that_gives_no_text_fails_its_job(workdir: Path) -> None:
    text = WORKFLOW.replace("threads + 1", "[threads]")
    (workdir / "Workflowfile").write_text(text)
    done = flowc(workdir, "run", *OPTIONS)
    assert done.returncode == 1 and "`COMPUTED` is no text or number" in done.stderr


@pytest.mark.parametrize("word", ["1A=x", "NOT_SET_ANYWHERE", "a-b=c", "=x"])
def test_a_wrong_variable_is_told(workdir: Path, word: str) -> None:
    done = flowc(workdir, "run", "--env", word)
    assert done.returncode == 2 and "error[bad-option]" in done.stderr
