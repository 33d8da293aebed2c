"""Jobs whose action is code: what makes them run again, what they are given, how they fail."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.api import Running, compile_file, ir_of, plan_file, run_file
from flowc.disk import RealDisk
from flowc.graph.ir import read_ir
from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.run.options import RunOutcome

Run = Callable[..., RunOutcome]

SCRIPTED = 'rule a:\n    output: "a.txt"\n    script: "make.py"\n'
MAKE = "open(snakemake.output[0], 'w').write({!r})\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def go(text: str, *targets: str) -> RunOutcome:
        Path("Workflowfile").write_text(text)
        return run_file("Workflowfile", targets, running=Running(cores=2))

    return go


def reasons() -> list[str]:
    plan = plan_file("Workflowfile")
    return [str(r) for j in range(len(plan.graph)) for r in plan.reasons(JobId(j))]


def test_a_script_that_has_changed_runs_again(run: Run) -> None:
    Path("make.py").write_text(MAKE.format("one"))
    assert run(SCRIPTED).done == 1
    assert run(SCRIPTED).done == 0
    Path("make.py").write_text(MAKE.format("two"))
    assert reasons() == ["the rule's command has changed"]
    assert run(SCRIPTED).done == 1
    assert Path("a.txt").read_text() == "two"


def test_the_code_of_a_run_that_has_changed_runs_again(run: Run) -> None:
    text = 'rule a:\n    output: "a.txt"\n    run:\n        open(output[0], "w").write("1")\n'
    assert run(text).done == 1
    assert run(text.replace('"1"', '"2"')).done == 1
    assert Path("a.txt").read_text() == "2"


def test_a_traceback_names_the_line_of_the_workflow_file(run: Run) -> None:
    text = 'N = 1\nrule a:\n    output: "a.txt"\n    run:\n        x = 1\n        x / 0\n'
    assert run(text).exit_code == 1
    log = Path(".flowc/logs/a/a.log").read_text()
    assert 'File "Workflowfile", line 6' in log
    assert "ZeroDivisionError" in log
    assert not list(Path(".flowc/scripts").iterdir()), "what the job was given is gone"


def test_reading_a_file_with_code_runs_none_of_it(run: Run) -> None:
    Path("Workflowfile").write_text(
        'rule a:\n    output: "a.txt"\n    run:\n        open("bad", "w")\n'
        'onstart:\n    open("bad", "w")\n'
    )
    graph = compile_file("Workflowfile")
    assert len(graph) == 1
    assert not Path("bad").exists()


@pytest.mark.parametrize("kind", ["run", "py", "sh"])
def test_names_may_hold_any_bytes(run: Run, kind: str) -> None:
    name = "a b;$x'\"\\\udcff\n\té"
    Path(name + ".in").write_text("content")
    action = {
        "run": "run:\n        open(output[0], 'w').write(open(input[0]).read())",
        "py": 'script: "copy.py"',
        "sh": 'script: "copy.sh"',
    }[kind]
    Path("copy.py").write_text(
        "open(flowc.output[0], 'w').write(open(flowc.input.x).read() + flowc.wildcards.n[:0])\n"
    )
    Path("copy.sh").write_text('cp "${snakemake_input[x]}" "${flowc_output[0]}"\n')
    text = f'rule a:\n    input: x="{{n}}.in"\n    output: "{{n}}.out"\n    {action}\n'
    assert run(text, name + ".out").exit_code == 0
    assert Path(name + ".out").read_text() == "content"


def test_code_goes_through_the_compiled_form(run: Run) -> None:
    Path("Workflowfile").write_text(
        'WORDS = ["x", "y"]\n\ndef join(words):\n    return "-".join(words)\n\n'
        'rule a:\n    output: "a.txt"\n    run:\n        open(output[0], "w").write(join(WORDS))\n'
    )
    Path("w.ir.json").write_text("".join(ir_of(compile_file("Workflowfile"))))
    before: Rule = compile_file("Workflowfile").workflow.rules[0]
    assert read_ir("w.ir.json", RealDisk()).workflow.rules[0].script == before.script
    os.unlink("Workflowfile")
    assert run_file("w.ir.json").exit_code == 0
    assert Path("a.txt").read_text() == "x-y"


def test_a_script_that_is_not_there(run: Run) -> None:
    assert run(SCRIPTED).exit_code == 1


R_SCRIPT = """
out <- file(snakemake@output[[1]], "w")
writeLines(paste(snakemake@input[["x"]], snakemake@params[["word"]], snakemake@threads), out)
writeLines(paste(snakemake@wildcards[["n"]], snakemake@config[["a"]], snakemake@rule), out)
close(out)
"""


def test_r_scripts_get_an_object_with_lists(run: Run) -> None:
    Path("make.R").write_text(R_SCRIPT)
    Path("b.in").write_text("")
    text = (
        'config["a"] = "from the config"\n'
        'rule r:\n    input: x="{n}.in"\n    output: "{n}.txt"\n'
        '    params: word="a \\"word\\""\n    threads: 2\n    script: "make.R"\n'
    )
    Path("Workflowfile").write_text(text)
    if shutil.which("Rscript") is None:
        assert run(text, "b.txt").exit_code == 1
        pytest.skip("R is not installed")
    assert run(text, "b.txt").exit_code == 0
    assert Path("b.txt").read_text() == 'b.in a "word" 2\nb from the config r\n'


def test_what_is_ensured_is_checked(run: Run) -> None:
    text = 'rule a:\n    output: ensure("a.txt", {})\n    shell: "printf \'{}\' > {{output}}"\n'
    assert run(text.format("non_empty=True", "")).exit_code == 1
    assert not Path("a.txt").exists()
    assert run(text.format('md5="0cc175b9c0f1b6a831c399e269772661"', "b")).exit_code == 1
    assert run(text.format('md5=lambda w: "0cc175b9c0f1b6a831c399e269772661"', "a")).exit_code == 0


def test_what_is_run_when_a_run_has_failed(run: Run) -> None:
    text = (
        'onerror:\n    open("seen", "w").write(log)\nrule a:\n    output: "a"\n    shell: "false"\n'
    )
    assert run(text).exit_code == 1
    assert Path("seen").read_text().startswith(".flowc/")


def test_a_shadow_is_made_for_each_run_of_a_benchmark(run: Run) -> None:
    text = (
        'rule a:\n    output: "a.txt"\n    benchmark: repeat("b.tsv", 2)\n'
        '    shadow: "minimal"\n    shell: "touch rest; echo a > {output}"\n'
    )
    assert run(text).exit_code == 0
    assert len(Path("b.tsv").read_text().splitlines()) == 3
    assert sorted(path.name for path in Path().glob("[!.]*")) == ["Workflowfile", "a.txt", "b.tsv"]
    assert not list(Path(".flowc/shadow").iterdir())


def test_a_script_stands_beside_its_file_wherever_the_workdir_is(run: Run) -> None:
    """Also of a file that is included before and after."""
    Path("elsewhere").mkdir()
    Path("rules").mkdir()
    for place, text in (("make.py", "main"), ("rules/make.py", "included")):
        Path(place).write_text(MAKE.format(text))
    for name in ("before", "after"):
        included = SCRIPTED.replace("rule a", f"rule {name}").replace("a.txt", f"{name}.txt")
        Path(f"rules/{name}.flow").write_text(included)
    text = 'include: "rules/before.flow"\nworkdir: "elsewhere"\ninclude: "rules/after.flow"\n'
    assert run(text + SCRIPTED, "a.txt", "before.txt", "after.txt").exit_code == 0
    found = {path: Path(path).read_text() for path in ("a.txt", "before.txt", "after.txt")}
    assert found == {"a.txt": "main", "before.txt": "included", "after.txt": "included"}
