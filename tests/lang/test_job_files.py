"""What a workflow says of a job's files before there are jobs: `subpath(input[0])`, checkpoints of
modules, `with open(...)`."""

from pathlib import Path

import pytest
from support.program import flowc_here as flowc

SUBPATH = """
rule a:
    input: "data/x.txt", b="y.txt"
    output: "o/x.out", "o/some.y"
    params:
        base=subpath(input[0], strip_suffix=".txt"),
        b=subpath(input.b, with_suffix=".gz"),
        name=subpath(output[1], basename=True),
        up=subpath(output[-1], parent=True),
    shell: "echo {params} > {output[0]}; touch {output[1]}"
"""
MODULE = """
module m:
    snakefile: "m.smk"
    prefix: "pre"
use rule * from m as m_*
rule all:
    default_target: True
    input: "pre/all.txt", "pre/list.txt"
"""
INNER = """
checkpoint c:
    output: "n.txt", d=directory("parts")
    shell: "echo 2 > {output[0]}; mkdir -p {output.d}; touch {output.d}/a {output.d}/b"
def wanted(wildcards):
    n = int(open(checkpoints.c.get().output[0]).read())
    return [f"p{i}.txt" for i in range(n)]
def listed(wildcards):
    folder = checkpoints.c.get().output.d
    return expand(folder + "/{i}", i=sorted(glob_wildcards(folder + "/{i,[ab]}").i))
rule gather:
    input: wanted
    output: "all.txt"
    shell: "echo {input} > {output}"
rule listing:
    input: listed
    output: "list.txt"
    shell: "echo {input} > {output}"
rule p:
    output: "p{i}.txt"
    shell: "touch {output}"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name in ("data/x.txt", "y.txt"):
        Path(name).touch()


def test_subpath_of_a_job_s_files() -> None:
    Path("Workflowfile").write_text(SUBPATH)
    assert flowc("run").returncode == 0
    assert Path("o/x.out").read_text() == "data/x y.txt.gz some.y o\n"
    assert "Nothing to be done" in flowc("run").stderr
    assert flowc("compile", "-o", "flow.json").returncode == 0
    assert flowc("run", "-s", "flow.json", "-F").returncode == 0
    assert Path("o/x.out").read_text() == "data/x y.txt.gz some.y o\n"


def test_a_file_that_the_job_has_not() -> None:
    Path("Workflowfile").write_text(SUBPATH.replace("output[1], base", "output[2], base"))
    done = flowc("run")
    assert done.returncode != 70
    assert "this job has no `output[2]`" in done.stderr


def test_a_checkpoint_in_a_module_with_a_prefix() -> None:
    Path("Workflowfile").write_text(MODULE)
    Path("m.smk").write_text(INNER)
    done = flowc("run", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert Path("pre/all.txt").read_text() == "pre/p0.txt pre/p1.txt\n"
    assert Path("pre/list.txt").read_text() == "pre/parts/a pre/parts/b\n"


WITH = """
rule all:
    input: "a.out", "b.out", "c.out"
checkpoint c:
    output: "n.txt"
    shell: "printf '1\\n2\\n' > {output}"
def attribute(wildcards):
    with checkpoints.c.get().output[0].open() as f:
        return [f"p{line.strip()}.txt" for line in f]
def function(wildcards):
    names = []
    with open(checkpoints.c.get().output[0]) as f:
        for line in f:
            if line.startswith("2"):
                break
            names.append(f"p{int(line)}.txt")
    return names
def short(wildcards):
    with open(checkpoints.c.get().output[0]) as f: return f"p{f.read()[0]}.txt"
rule a:
    input: attribute
    output: "a.out"
    shell: "echo {input} > {output}"
use rule a as b with:
    input: function
    output: "b.out"
use rule a as c2 with:
    input: short
    output: "c.out"
rule p:
    output: "p{i}.txt"
    shell: "touch {output}"
"""


def test_a_function_reads_a_file_in_a_with() -> None:
    Path("Workflowfile").write_text(WITH)
    assert flowc("compile", "-o", "flow.json").returncode == 0
    for words in (["run"], ["run", "-s", "flow.json", "-F"]):
        done = flowc(*words, "--cores", "2")
        assert done.returncode == 0, done.stderr
        left = [Path(f"{name}.out").read_text() for name in "abc"]
        assert left == ["p1.txt p2.txt\n", "p1.txt\n", "p1.txt\n"]


def test_nothing_else_is_opened() -> None:
    Path("Workflowfile").write_text('with open("/etc/passwd") as f:\n    A = f.read()\n')
    done = flowc("check")
    assert done.returncode == 2
    assert "`open` reads outputs of checkpoints, and nothing else" in done.stderr
