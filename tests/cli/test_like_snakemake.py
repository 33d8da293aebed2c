"""Options that Snakemake has, and mean the same: `--batch`, `--all-temp`, `--groups` and others."""

import json
from pathlib import Path

import pytest
from support.program import Done, Flowc, flowc_here

BATCHES = """
rule all:
    input: "end.txt", "aside.txt"
rule aside:
    output: "aside.txt"
    shell: "touch {output}"
rule end:
    input: "sum.txt", "other.txt"
    output: "end.txt"
    shell: "cat {input} > {output}"
rule other:
    output: "other.txt"
    shell: "echo other > {output}"
rule sums:
    input: expand("p/{i}.txt", i=range(7))
    output: "sum.txt"
    shell: "cat {input} > {output}"
rule part:
    output: temp("p/{i}.txt")
    shell: "echo {wildcards.i} > {output}"
"""


@pytest.fixture
def flowc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flowc:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(BATCHES)

    def go(*words: str) -> Done:
        return flowc_here(*words, "--cores", "2")

    return go


def parts() -> list[str]:
    return sorted(path.stem for path in Path("p").iterdir())


def test_batches_make_the_parts_one_after_the_other(flowc: Flowc) -> None:
    assert flowc("run", "--batch", "sums=1/3").returncode == 0
    assert parts() == ["0", "1", "2"]
    assert Path("aside.txt").exists() and Path("other.txt").exists()
    assert not Path("sum.txt").exists()
    early = flowc("run", "--batch", "sums=3/3")
    assert early.returncode == 2
    assert "`p/3.txt` and 1 more of the other parts is not there" in early.stderr
    assert flowc("run", "--batch", "sums=2/3").returncode == 0
    assert parts() == ["0", "1", "2", "3", "4"]
    assert flowc("run", "--batch", "sums=3/3").returncode == 0
    assert Path("end.txt").read_text() == "0\n1\n2\n3\n4\n5\n6\nother\n"


def test_batches_of_the_target_s_rule(flowc: Flowc) -> None:
    """What a target gathers is made in parts, too."""
    Path("Snakefile").write_text("""
rule all:
    input: expand("p/{i}.txt", i=range(5))
rule part:
    output: "p/{i}.txt"
    shell: "touch {output}"
""")
    assert flowc("run", "--batch", "all=1/2").returncode == 0
    assert parts() == ["0", "1", "2"]
    assert flowc("run", "--batch", "all=2/2").returncode == 0
    assert parts() == ["0", "1", "2", "3", "4"]


# fmt: off
ELSEWHERE = {
    ("run", "--dag"): "`flowc graph`",
    ("run", "--lint"): "`flowc check`",
    ("plan", "--use-conda"): "before flowc",
    ("run", "--cluster=qsub"): "`--executor`",
    ("run", "--corse"): "did you mean `--cores`?",
}
# fmt: on


@pytest.mark.parametrize("words", ELSEWHERE)
def test_an_option_of_snakemake_s_that_is_elsewhere(words: tuple[str, str], flowc: Flowc) -> None:
    done = flowc(*words)
    assert done.returncode == 2
    assert ELSEWHERE[words] in done.stderr


# fmt: off
BAD = {
    "sums=8/3": "option `--batch`: there is no part 8 of 3",
    "sums=1":   "is not of the form RULE=I/N",
    "sum=1/2":  "the run has no rule `sum`",
    "end=1/3":  "end has 2 inputs, which make no 3 parts",
}
# fmt: on


@pytest.mark.parametrize("value", BAD)
def test_a_batch_that_cannot_be(value: str, flowc: Flowc) -> None:
    done = flowc("plan", "--batch", value)
    assert done.returncode == 2
    assert BAD[value] in done.stderr


def test_all_temp_leaves_the_targets(flowc: Flowc) -> None:
    assert flowc("run", "--all-temp").returncode == 0
    left = sorted(p.name for p in Path().iterdir() if p.is_file())
    assert left == ["Snakefile", "aside.txt", "end.txt"]


def test_groups_are_put_into_the_compiled_workflow(flowc: Flowc) -> None:
    done = flowc("compile", "--groups", "part=many", "sums=many", "-o", "flow.json")
    assert done.returncode == 0, done.stderr
    rules = json.loads(Path("flow.json").read_text())["workflow"]["rules"]
    assert [r["name"] for r in rules if r.get("group") == "many"] == ["sums", "part"]
    done = flowc("plan", "--groups", "prat=many")
    assert done.returncode == 2 and "did you mean `part`?" in done.stderr


def test_groups_are_in_the_plan_of_each_job(flowc: Flowc) -> None:
    """A text with wildcards, or a function of them, also of a compiled workflow."""
    Path("Snakefile").write_text("""
rule all:
    input: "a.one", "a.two", "a.three"
rule one:
    output: "{x}.one"
    group: "of-{x}"
    shell: "touch {output}"
rule two:
    output: "{x}.two"
    group: lambda wildcards: wildcards.x.upper()
    shell: "touch {output}"
rule three:
    output: "{x}.three"
    shell: "touch {output}"
""")

    def groups(*argv: str) -> dict[str, str | None]:
        lines = flowc("plan", "--json", *argv).stdout.splitlines()
        return {job["rule"]: job["group"] for job in map(json.loads, lines[:-1])}

    assert groups() == {"one": "of-a", "two": "A", "three": None}
    assert groups("--groups", "three=3{x}", "one=1") == {"one": "1", "two": "A", "three": "3a"}
    flowc("compile", "--groups", "three=3", "-o", "flow.json")
    assert groups("-s", "flow.json") == {"one": "of-a", "two": "A", "three": "3"}
    Path("Snakefile").write_text("rule a:\n    group: lambda a, b: 1\n")
    assert "error[bad-function]" in flowc("plan").stderr


def test_shadow_prefix_is_where_jobs_work(flowc: Flowc, tmp_path: Path) -> None:
    Path("Snakefile").write_text(
        'rule a:\n    output: "here"\n    shadow: "minimal"\n    shell: "pwd > {output}"\n'
    )
    assert flowc("run", "--shadow-prefix", "scratch").returncode == 0
    assert Path("here").read_text().startswith(f"{tmp_path}/scratch/shadow/")


def test_list_and_summary_are_options_too(flowc: Flowc) -> None:
    for option, command in {"--list": "list", "-l": "list", "--summary": "summary"}.items():
        assert flowc("run", option).stdout == flowc(command).stdout != ""


def test_the_nearest_option_is_named(flowc: Flowc) -> None:
    done = flowc("run", "--rerun-incomplet")
    assert done.returncode == 2 and "did you mean `--rerun-incomplete`?" in done.stderr
