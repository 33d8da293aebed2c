"""Inputs while a job runs: changed, large, many; and what `--until` asks for."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.program import flowc_here

from flowc.api import compile_file, plan_graph
from flowc.disk import RealDisk
from flowc.events import JobDone, JobEnded, JobStarted, Notice
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.digest import FileDigests, JobDigests
from flowc.plan.make import still_needed
from flowc.record.history import History, NoHistory
from flowc.record.log import list_runs, read_log
from flowc.run.contents import SMALLEST_BYTES, Contents


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(text: str, *options: str) -> str:
    Path("Workflowfile").write_text(text)
    done = flowc_here("run", "--cores", "2", *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


def events(kind: type) -> list[object]:
    return [event for event in read_log(list_runs()[-1]) if isinstance(event, kind)]


def test_an_input_that_changes_while_it_is_read_is_read_again() -> None:
    Path("in").write_text("old")
    text = 'rule x:\n    input: "in"\n    output: "x"\n    shell: "cat in > x; %s"\n'
    run(text % "sleep 0.05; echo new > in; sleep 0.05")
    (done,) = events(JobDone)
    assert isinstance(done, JobDone) and done.content_digest is None
    assert len(events(Notice)) == 1
    plan = plan_graph(compile_file("Workflowfile"))
    assert list(map(str, plan.reasons(JobId(0)))) == ["input newer than the output: in"]


def test_an_input_that_was_touched_before_is_not_taken_for_changed() -> None:
    """Between the plan and the job's start."""
    Path("in").write_text("old")
    text = """
rule x:
    input: "in", "first"
    output: "x"
    shell: "sleep 0.05; cat in > x"
rule first:
    output: "first"
    shell: "echo new > in; sleep 0.1; touch first"
"""
    run(text)
    assert all(isinstance(e, JobDone) and e.content_digest for e in events(JobDone))
    assert plan_graph(compile_file("Workflowfile")).to_run() == []


def test_large_inputs_do_not_hold_up_other_jobs() -> None:
    """The digest of a file is made while the job that reads it runs, and is the right one."""
    Path("large").write_bytes(os.urandom(SMALLEST_BYTES))
    Path("small").write_bytes(b"s")
    text = """
rule all:
    input: "a", "b"
rule a:
    input: "large", "small"
    output: "a"
    shell: "sleep 0.2; touch {output}"
rule b:
    input: "large"
    output: "b"
    shell: "touch {output}"
"""
    run(text)
    graph = compile_file("Workflowfile")
    with History(read_only=True) as history:
        digests = JobDigests(graph, FileDigests(RealDisk(), NoHistory()))
        records = history.records(["a", "b"])
        for job in range(len(graph)):
            for file in graph.outputs[job]:
                if (path := graph.paths[file]) in records:
                    assert records[path].content_digest == digests.content(JobId(job))


def test_reading_ahead() -> None:
    Path("large").write_bytes(b"x" * SMALLEST_BYTES)
    Path("small").write_bytes(b"x")
    text = 'rule x:\n    input: "large", "small"\n    output: "x"\n    shell: "true"\n'
    Path("Workflowfile").write_text(text)
    graph = compile_file("Workflowfile")
    files = FileDigests(RealDisk(), NoHistory())
    contents = Contents(graph, RealDisk(), files)
    contents.begin(JobId(0))
    until_s = time.monotonic() + 50
    while not contents.is_ready(JobId(0)) and time.monotonic() < until_s:
        time.sleep(0.01)
    assert list(files.new) == ["large"]
    assert files.new["large"][2] == RealDisk().digest("large")


def layers(width: int) -> JobGraph:
    """Each job of the second layer reads all of the first."""
    Path("Workflowfile").write_text(f"""
rule all:
    input: expand("b/{{n}}", n=range({width}))
rule a:
    output: "a/{{n}}"
    shell: "true"
rule b:
    input: expand("a/{{n}}", n=range({width}))
    output: "b/{{n}}"
    shell: "true"
""")
    return compile_file("Workflowfile")


@pytest.mark.parametrize("who", [None, 7])
def test_a_list_that_many_jobs_read_is_looked_through_once(who: int | None) -> None:
    graph = layers(200)
    plan = plan_graph(graph)
    asked: list[int] = []

    def ran(job: JobId) -> bool:
        asked.append(job)
        return graph.job(job).name == f"a(n={who})"

    digests = JobDigests(graph, FileDigests(RealDisk(), NoHistory()))
    news: dict[int, bool] = {}
    readers = [JobId(j) for j in range(len(graph)) if graph.job(JobId(j)).rule.name == "b"]
    answers = {
        still_needed(plan, job, RealDisk(), NoHistory(), ran, digests, news) for job in readers
    }
    assert answers == {who is not None}
    assert len(asked) <= 200


@pytest.mark.parametrize(
    ("options", "left"),
    [([], []), (["-U", "middle"], ["middle"]), (["-O", "end"], ["middle"])],
)
def test_what_until_asks_for_stays_though_it_is_temp(
    options: Sequence[str], left: list[str]
) -> None:
    text = """
rule end:
    input: "middle"
    output: "end"
    shell: "touch {output}"
rule middle:
    output: temp("middle")
    shell: "touch {output}"
"""
    run(text, *options)
    assert [name for name in ["middle"] if Path(name).exists()] == left


def test_started_jobs_are_in_the_log_while_they_run() -> None:
    run('rule x:\n    output: "x"\n    shell: "cp .flowc/runs/*.jsonl x"\n')
    told = [event for event in read_log("x") if isinstance(event, JobStarted | JobEnded)]
    assert len(told) <= 1  # it may have been quicker than the log
    assert events(JobStarted)
