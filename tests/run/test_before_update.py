"""`before_update(...)`: a job reads a file before another updates it, in the same run."""

import json
from pathlib import Path

import pytest
from support.program import Done, Flowc, flowc_here

FLOW = """
rule all:
    input: "list.txt", "count.txt"

rule grow:
    output: update("list.txt")
    shell: "echo new >> {output}"

rule count:
    input: ITEM
    output: "count.txt"
    shell: "sleep 0.3; cat {input} | wc -l > {output}"
"""


@pytest.fixture
def flowc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flowc:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("old\n")

    def go(text: str, *words: str, command: str = "run") -> Done:
        Path("Workflowfile").write_text(text)
        return flowc_here(command, *words)

    return go


ITEMS = {
    "a path": 'before_update("list.txt")',
    "with a name": 'text=before_update("list.txt")',
    "a list": '[before_update("list.txt"), "other.txt"]',
    "a function": 'lambda wildcards: before_update("list.txt")',
    "two flags": 'ancient(before_update("list.txt"))',
    "unpacked": 'unpack(lambda wildcards: {"a": before_update("list.txt")})',
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_who_reads_it_comes_first(flowc: Flowc, item: str) -> None:
    Path("other.txt").touch()
    ended = flowc(FLOW.replace("ITEM", item), "-F", "--cores", "4")
    assert ended.returncode == 0, ended.stderr
    assert Path("list.txt").read_text() == "old\nnew\n"
    assert Path("count.txt").read_text().split()[0] == "1"


def test_the_usual_order_is_the_other_one(flowc: Flowc) -> None:
    assert flowc(FLOW.replace("ITEM", '"list.txt"'), "-F", "--cores", "4").returncode == 0
    assert Path("count.txt").read_text() == "2\n"


def test_a_pattern_with_wildcards(flowc: Flowc) -> None:
    text = """
rule all:
    input: "a.txt", "a.count"

rule grow:
    output: update("{x}.txt")
    shell: "echo new >> {output}"

rule count:
    input: before_update("{x}.txt")
    output: "{x}.count"
    shell: "sleep 0.2; wc -l < {input} > {output}"
"""
    Path("a.txt").write_text("old\n")
    assert flowc(text, "-F", "--cores", "4").returncode == 0
    assert (Path("a.count").read_text(), Path("a.txt").read_text()) == ("1\n", "old\nnew\n")


LOOP = """
rule update:
    input: "in.txt"
    output: update("list.txt")
    shell: "cat {input} >> {output}"

rule look:
    input: before_update("list.txt")
    output: "in.txt"
    shell: "cp {input} {output}"
"""


def test_what_was_read_before_may_make_the_update(flowc: Flowc) -> None:
    ended = flowc(LOOP, "-F", "--cores", "2")
    assert ended.returncode == 0, ended.stderr
    assert Path("list.txt").read_text() == "old\nold\n"


def test_the_job_that_updates_may_read_it_itself(flowc: Flowc) -> None:
    text = """
rule sort:
    input: before_update("list.txt")
    output: update("list.txt")
    shell: "sort -r {input} > sorted; cat sorted >> {output}"
"""
    ended = flowc(text, "-F", "--cores", "1")
    assert ended.returncode == 0, ended.stderr
    assert Path("list.txt").read_text() == "old\nold\n"
    assert "changed" not in ended.stderr
    assert "Nothing to be done" in flowc(text, "--cores", "1").stderr


def test_a_failure_keeps_the_update_from_happening(flowc: Flowc) -> None:
    text = FLOW.replace("ITEM", ITEMS["a path"]).replace("sleep 0.3", "exit 1")
    assert flowc(text, "-F", "-k", "--cores", "4").returncode == 1
    assert Path("list.txt").read_text() == "old\n"


def test_nothing_makes_what_is_read_before(flowc: Flowc) -> None:
    Path("list.txt").unlink()
    ended = flowc(FLOW.replace("ITEM", ITEMS["a path"]), "--cores", "1")
    assert ended.returncode == 2
    assert "error[missing-input]" in ended.stderr


def test_no_order_for_who_needs_the_update_too(flowc: Flowc) -> None:
    item = ITEMS["a path"] + ', "list.txt"'
    ended = flowc(FLOW.replace("ITEM", item), "--cores", "1")
    assert ended.returncode == 2
    assert "error[cyclic-graph]" in ended.stderr
    assert "before rule `grow` updates it" in ended.stderr


def test_the_compiled_workflow_knows(flowc: Flowc) -> None:
    text = FLOW.replace("ITEM", ITEMS["a path"])
    assert flowc(text, "-o", "whole.json", command="compile").returncode == 0
    files = json.loads(Path("whole.json").read_text())["files"]
    assert [f.get("before_update", False) for f in files if f["path"] == "list.txt"].count(
        True
    ) == 1
    ended = flowc(text, "-s", "whole.json", "-F", "--cores", "4")
    assert ended.returncode == 0, ended.stderr
    assert Path("count.txt").read_text() == "1\n"
