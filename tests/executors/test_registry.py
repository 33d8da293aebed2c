"""Executors are found by name; another package's, by its entry point."""

import json
import tomllib
from pathlib import Path

import pytest
from executors.conftest import PACKAGE, install_metadata
from support.program import flowc_here

from flowc.executors.registry import GROUP, OWN, executor_names

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """
rule all:
    input: "all.txt"
rule one:
    output: "one/{n}.txt"
    shell: "nice > {output}"
rule all_of_them:
    input: expand("one/{n}.txt", n=range(5))
    output: "all.txt"
    shell: "sort {input} > {output}"
"""


@pytest.fixture
def workdir(tmp_path: Path, installed: str) -> Path:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    return tmp_path


def test_flowc_s_own_metadata_say_the_same_as_its_table() -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert about["project"]["entry-points"][GROUP] == OWN


def test_another_package_s_executor_runs_a_workflow(workdir: Path) -> None:
    assert {"local", "nice"} <= {*executor_names()}
    words = ("run", "--executor", "nice", "--executor-option", "at_once=2", "--json")
    done = flowc_here(*words, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert (workdir / "all.txt").read_text() == "19\n" * 5
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(event["event"] == "job-done" for event in events) == 7 - 1


def test_a_job_that_fails_there_fails_the_run(workdir: Path) -> None:
    (workdir / "Workflowfile").write_text(WORKFLOW.replace("nice >", "exit 3; echo >"))
    done = flowc_here("run", "--executor", "nice", "-k", cwd=workdir)
    assert done.returncode == 1 and "exit code 3" in done.stderr
    assert not any((workdir / "one").iterdir())


# fmt: off
WRONG = {  #           words                                             code, what it says
    "near":            (["nise"],                                        "unknown-executor",
                        ["no executor `nise`", "did you mean `nice`?"]),
    "nothing like it": (["zzz"],                                         "unknown-executor",
                        ["`local`", "`nice`"]),
    "its own option":  (["nice", "--executor-option", "at_once=no"],     "bad-option",
                        ["`at_once`"]),
    "a site, here":    (["local", "--site", "site.yaml"],                "bad-option",
                        ["`--site` is about a cluster", "--executor slurm"]),
    "no such option":  (["local", "--executor-option", "fast=1"],        "bad-option",
                        ["no option `fast`"]),
}
# fmt: on


@pytest.mark.parametrize(("words", "code", "texts"), WRONG.values(), ids=WRONG)
def test_mistakes_are_told(workdir: Path, words: list[str], code: str, texts: list[str]) -> None:
    done = flowc_here("run", "--executor", *words, cwd=workdir)
    assert done.returncode == 2
    assert f"error[{code}]" in done.stderr
    assert all(text in done.stderr for text in texts)
    assert not (workdir / "one").exists()


BROKEN = {
    "no module": ("x = 'no_such_module:make'", "no_such_module"),
    "no function": ("x = 'flowc_nice:no_such_function'", "no_such_function"),
    "no executor": ("x = 'os:getcwdb'", "takes no arguments"),
    "half of one": ("x = 'builtins:str'", "no `capacity`"),
    "two of a name": ("nice = 'elsewhere:make'", "two packages offer"),
}


@pytest.mark.parametrize(("line", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_no_traceback(
    workdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, text: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    about = (PACKAGE / "pyproject.toml").read_text().replace("flowc-nice", "flowc-broken")
    start = about.index("nice = ")
    (project / "pyproject.toml").write_text(about[:start] + line.replace("'", '"') + "\n")
    install_metadata(project, tmp_path / "site")
    name = line.partition(" ")[0]
    monkeypatch.syspath_prepend(tmp_path / "site")
    done = flowc_here("run", "--executor", name, cwd=workdir)
    assert done.returncode == 2, done.stderr
    assert "error[bad-executor]" in done.stderr and text in done.stderr
