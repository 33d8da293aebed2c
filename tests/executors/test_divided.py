"""Jobs of local rules, and short ones, run on this machine; a cluster runs the others.

The cluster is the third party's `nice`: what it runs has a niceness of 19.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from support.program import Done, flowc_here

from flowc.events import JobEnded, JobStarted, Notice
from flowc.executors.base import Capacity, Task
from flowc.executors.here import Divided
from flowc.ids import JobId

WORKFLOW = """
localrules: gather
rule all:
    input: "all.txt"
rule part:
    output: "part/{n}.txt"
    threads: 3
    shell: "sleep 0.2; echo $(nice) {threads} > {output}"
rule here:
    output: "here/{n}.txt"
    localrule: True
    threads: 5
    shell: "sleep 0.2; echo $(nice) {threads} > {output}"
rule gather:
    input: expand("part/{n}.txt", n=range(6)), expand("here/{n}.txt", n=range(3))
    output: "all.txt"
    shell: "cat {input} > {output}; nice >> {output}"
"""


@pytest.fixture
def workdir(tmp_path: Path, installed: str) -> Path:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    return tmp_path


def flowc(workdir: Path, *words: str) -> Done:
    return flowc_here("run", "--executor", "nice", *words, cwd=workdir)


def at_once(events: Iterable[dict[str, object]], executor: str) -> int:
    """The most attempts that an executor has had at a time."""
    running: set[object] = set()
    most = 0
    for event in events:
        if event["event"] == "job-submitted" and event["executor"] == executor:
            running.add(event["job"])
        elif event["event"] == "job-ended":
            running.discard(event["job"])
        most = max(most, len(running))
    return most


def test_local_rules_run_here_within_their_own_cores(workdir: Path) -> None:
    limits = ("--jobs", "4", "--local-cores", "2", "--local-mem", "1")
    done = flowc(workdir, *limits, "--json")
    assert done.returncode == 0, done.stderr
    assert (workdir / "all.txt").read_text() == "19 3\n" * 6 + "0 2\n" * 3 + "0\n"
    events = [json.loads(line) for line in done.stdout.splitlines()]
    where = Counter(e["executor"] for e in events if e["event"] == "job-submitted")
    assert where == {"nice": 6, "local": 4}
    assert at_once(events, "nice") == 4, "as many as --jobs says, and no fewer"
    assert at_once(events, "local") == 1, "each of them wants both cores"
    started = next(event for event in events if event["event"] == "run-started")
    assert started["limits"] == {}


def test_cores_and_memory_bound_what_is_on_the_cluster(workdir: Path) -> None:
    done = flowc(workdir, "--cores", "7", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert at_once(events, "nice") == 2


def test_what_is_known_to_be_short_runs_here(workdir: Path) -> None:
    (workdir / "Workflowfile").write_text(WORKFLOW.replace("sleep 0.2; ", ""))
    known = flowc(workdir, "--local-below", "1h")
    assert known.returncode == 0, known.stderr
    assert "19 3\n" in (workdir / "all.txt").read_text(), "nothing was known yet"
    again = flowc(workdir, "-F", "--local-below", "1h", "--local-cores", "4")
    assert again.returncode == 0, again.stderr
    assert (workdir / "all.txt").read_text() == "0 3\n" * 6 + "0 4\n" * 3 + "0\n"
    small = flowc(workdir, "-F", "--local-below", "1h", "--local-cores", "2")
    assert small.returncode == 0, small.stderr
    assert (workdir / "all.txt").read_text().startswith("19 3\n" * 6), "these do not fit here"


def test_a_local_job_that_can_never_fit_is_told_before_anything_runs(workdir: Path) -> None:
    text = WORKFLOW.replace("localrule: True", "localrule: True\n    mem_gb: 3")
    (workdir / "Workflowfile").write_text(text)
    done = flowc(workdir, "--local-mem", "2")
    assert done.returncode == 3 and "local jobs may use 2 GB (--local-mem)" in done.stderr
    assert not (workdir / "part").exists()
    assert flowc(workdir, "--local-mem", "2", "--clip").returncode == 0


PIPE = """
rule all:
    input: "read.txt"
rule write:
    output: pipe("passing")
    shell: "seq 3 > {output}"
rule read:
    input: "passing"
    output: "read.txt"
    shell: "cat {input} > {output}; nice >> {output}"
"""


@pytest.mark.parametrize("words", [[], ["--cores", "4"]])
def test_two_ends_of_a_pipe_run_here_or_not_at_all(workdir: Path, words: list[str]) -> None:
    (workdir / "Workflowfile").write_text(PIPE)
    done = flowc(workdir, *words)
    assert done.returncode == 2 and "error[pipe-on-cluster]" in done.stderr
    (workdir / "Workflowfile").write_text(f"localrules: read, write\n{PIPE}")
    assert flowc(workdir, *words).returncode == 0
    assert (workdir / "read.txt").read_text() == "1\n2\n3\n0\n"
    few = flowc(workdir, *words, "-F", "--local-cores", "1")
    assert few.returncode == 3 and "2 cores, and local jobs may use 1" in few.stderr


class _Played:
    """An executor that does what the test says."""

    def __init__(self) -> None:
        self.capacity: Capacity | None = None
        self.told: list[tuple[object, object]] = []
        self.events: list[JobStarted | JobEnded] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        self.told.append(("submit", [task.job for task in tasks]))

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        self.told.append(("wait", timeout_s))
        events, self.events = self.events, []
        return events

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        self.told.append(("kill" if kill else "cancel", sorted(jobs)))

    def close(self) -> None:
        self.told.append(("close", None))
        raise OSError("it has gone")


def _tasks(places: str) -> Iterator[Task]:
    for job, place in enumerate(places):
        yield Task(JobId(job), 1, "", ("true",), None, {}, 1, 1, None, "", here=place == "h")


def test_each_task_goes_to_its_executor_and_so_do_the_calls() -> None:
    here, there = _Played(), _Played()
    both = Divided(here, there)
    both.submit([*_tasks("htth")])
    assert here.told == [("submit", [0, 3])] and there.told == [("submit", [1, 2])]
    end = JobEnded(JobId(3), 1, 0.0, 0, 0.0, None, None)
    here.events = [end]
    there.events = [JobStarted(JobId(1), 1, 0.0, "")]
    assert {event.job for event in both.wait(None) if not isinstance(event, Notice)} == {1, 3}
    both.cancel([JobId(job) for job in range(9)], kill=True)
    assert [here.told[-1], there.told[-1]] == [("kill", [0]), ("kill", [1, 2])]
    with pytest.raises(OSError, match="gone"):
        both.close()
    assert [here.told[-1][0], there.told[-1][0]] == ["close", "close"]


def test_nobody_polls_where_only_the_cluster_has_tasks() -> None:
    here, there = _Played(), _Played()
    both = Divided(here, there)
    both.submit([*_tasks("t")])
    both.wait(7.0)
    assert there.told[-1] == ("wait", 7.0) and not here.told
