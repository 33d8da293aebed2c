"""What an input function has opened is an input of its job, though no item of `{input}`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.api import Running, compile_file, ir_of, plan_file, run_file
from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.events import Event, JobPlanned, JobSubmitted
from flowc.graph.ir import read_ir
from flowc.graph.select import select_targets
from flowc.plan.decision import Plan
from flowc.plan.options import Batch, PlanOptions

Run = Callable[..., list[str]]

WORKFLOW = """
rule all:
    input: "end.txt"

checkpoint list:
    input: "source.txt"
    output: "list.txt"
    shell: "cat {input} > {output}"

def names(wildcards):
    with open(checkpoints.list.get().output[0]) as file:
        return [line.split()[0] + ".one" for line in file]

rule one:
    output: "{x}.one"
    shell: "echo {wildcards.x} > {output}"

rule end:
    input: names, "source.txt"
    output: "end.txt"
    shell: "echo {input} > {output}"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Write the workflow and run it: the names of the jobs that ran."""
    monkeypatch.chdir(tmp_path)
    Path("source.txt").write_text("a 1\nb 2\n")

    def go(text: str = WORKFLOW, seen: list[Event] | None = None) -> list[str]:
        Path("Workflowfile").write_text(text)
        seen = [] if seen is None else seen
        outcome = run_file("Workflowfile", running=Running(cores=2), listeners=[seen.append])
        assert outcome.exit_code == 0
        return sorted(event.name for event in seen if isinstance(event, JobSubmitted))

    return go


def write_later(path: str, text: str, *, than: str) -> None:
    Path(path).write_text(text)
    later_ns = os.stat(than).st_mtime_ns + 10_000_000
    os.utime(path, ns=(later_ns, later_ns))


def reasons(plan: Plan) -> dict[str, list[str]]:
    return {
        plan.graph.job(job).name: [str(why) for why in plan.reasons(job)] for job in plan.to_run()
    }


def test_a_file_that_was_opened_and_has_changed_is_a_reason(run: Run) -> None:
    """Also where the function returns the same paths."""
    assert run() == ["end", "list", "one(x=a)", "one(x=b)"]
    assert Path("end.txt").read_text() == "a.one b.one source.txt\n"
    assert run() == []
    write_later("list.txt", "a 1\nb 3\n", than="end.txt")
    assert reasons(plan_file("Workflowfile")) == {
        "end": ["input newer than the output: list.txt"],
    }
    assert run() == ["end"]
    assert run() == []


def test_a_checkpoint_with_other_content_makes_its_reader_run(run: Run) -> None:
    run()
    other = WORKFLOW.replace('input: names, "source.txt"', "input: names")
    assert run(other) == ["end"]
    write_later("source.txt", "b 2\na 1\n", than="end.txt")
    assert run(other) == ["end", "list"]
    assert Path("end.txt").read_text() == "b.one a.one\n"


def test_the_same_content_is_no_reason(run: Run) -> None:
    run()
    write_later("list.txt", "a 1\nb 2\n", than="end.txt")
    assert not list(plan_file("Workflowfile").to_run())
    write_later("source.txt", "a 1\nb 2\n", than="list.txt")
    assert run() == []


def test_nobody_says_that_unknown_inputs_have_changed(run: Run) -> None:
    """While the checkpoint has to run, it stands for what is not known yet."""
    run()
    write_later("source.txt", "c 2\n", than="end.txt")
    found = reasons(plan_file("Workflowfile"))
    assert "input is made again: list.txt (by list)" in found["end"]
    assert not any("set of input files" in why for why in found["end"])


def test_a_function_that_opens_another_file_makes_its_job_run(run: Run) -> None:
    two = WORKFLOW.replace(
        'output: "list.txt"\n    shell: "cat {input} > {output}"',
        'output: "list.txt", "other.txt"\n    shell: "tee {output} < {input}"',
    )
    run(two)
    changed = two.replace("get().output[0]", "get().output[1]")
    assert run(changed) == ["end"]


def test_the_record_names_it_among_the_inputs(run: Run) -> None:
    seen: list[Event] = []
    run(seen=seen)
    planned = {event.name: event for event in seen if isinstance(event, JobPlanned)}
    assert planned["end"].inputs == ("a.one", "b.one", "source.txt", "list.txt")


def test_it_counts_for_neither_the_size_nor_the_items_of_input(run: Run) -> None:
    text = WORKFLOW.replace(
        'output: "end.txt"',
        'output: "end.txt"\n    resources: bytes=lambda wildcards, input: input.size\n'
        "    params: count=lambda wildcards, input: len(input)",
    )
    run(text)
    Path("list.txt").write_text("a 1" + " " * 1000 + "\nb 2\n")
    plan = plan_file("Workflowfile")
    end = next(job for job in plan.graph.jobs() if job.name == "end")
    assert plan.request(end.id, 1).resources["bytes"] == sum(
        os.path.getsize(path) for path in ("a.one", "b.one", "source.txt")
    )
    assert end.input_paths == list(end.input) == ["a.one", "b.one", "source.txt"]


def test_with_unpack_and_where_it_is_an_item_already(run: Run) -> None:
    text = WORKFLOW.replace("return [line.split()[0] + \".one\" for line in file]", (
        'return {"ones": [line.split()[0] + ".one" for line in file]}'
    )).replace("input: names,", "input: unpack(names),")  # fmt: skip
    run(text)
    write_later("list.txt", "b 2\na 1\n", than="end.txt")
    assert run(text) == ["end"]
    item = text.replace('"source.txt"\n    output: "end.txt"', '"list.txt"\n    output: "end.txt"')
    run(item)
    graph = plan_file("Workflowfile").graph
    assert not graph.opened
    write_later("list.txt", "a 3\n", than="end.txt")
    assert reasons(plan_file("Workflowfile"))["end"].count(
        "input newer than the output: list.txt"
    ) == 1  # fmt: skip


def test_a_temp_file_that_was_opened_stays(run: Run) -> None:
    """The next plan opens it again."""
    text = WORKFLOW.replace('output: "list.txt"', 'output: temp("list.txt")')
    run(text)
    assert Path("list.txt").exists()
    assert run(text) == []


def test_a_batch_counts_the_items_alone(run: Run) -> None:
    text = WORKFLOW.replace('input: names, "source.txt"', "input: names")
    run(text)
    Path("end.txt").unlink()
    options = PlanOptions(batch=Batch("end", 2, 2))
    assert list(reasons(plan_file("Workflowfile", options=options))) == ["end"]
    with pytest.raises(WorkflowError, match="2 inputs, which make no 3 parts"):
        plan_file("Workflowfile", options=PlanOptions(batch=Batch("end", 1, 3)))


def test_the_graph_is_written_and_read_with_it(run: Run) -> None:
    run()
    graph = plan_file("Workflowfile").graph
    assert graph.opened
    Path("w.ir.json").write_text("".join(f"{line}\n" for line in ir_of(graph)))
    read = read_ir("w.ir.json", RealDisk())
    assert (read.opened, read.groups) == (graph.opened, graph.groups)
    assert [list(row) for row in map(read.inputs.__getitem__, range(len(read)))] == [
        list(row) for row in map(graph.inputs.__getitem__, range(len(graph)))
    ]
    part = select_targets(read, ["end"])
    assert [part.job(job).name for job in part.opened] == ["end"]
    assert part.job(next(iter(part.opened))).input_paths == ["a.one", "b.one", "source.txt"]


# fmt: off
NOT_READ = {
    "a directory above": ('checkpoints.made.get().output[0] + "/../source.txt"', "unsupported"),
    "a pipe":            ('checkpoints.made.get().output[0] + "/pipe"',          "unsupported"),
    "a directory":       ("checkpoints.made.get().output[0]",                    "unreadable"),
}
# fmt: on


@pytest.mark.parametrize(("path", "code"), NOT_READ.values(), ids=NOT_READ)
def test_what_is_not_read(run: Run, path: str, code: str) -> None:
    text = f"""
rule all:
    input: lambda wildcards: open({path}).read().split()

checkpoint made:
    output: directory("made")
    shell: "mkdir made; mkfifo made/pipe"
"""
    with pytest.raises(WorkflowError) as error:
        run(text)
    assert [d.code for d in error.value.diagnostics] == [code]


def test_before_the_checkpoint_is_done_nothing_was_opened(run: Run) -> None:
    Path("Workflowfile").write_text(WORKFLOW)
    graph = compile_file("Workflowfile")
    assert graph.pending
    assert not graph.opened
