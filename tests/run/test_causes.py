"""What follows from how attempts fail, and jobs that a killed run has left with an executor."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from flowc.api import compile_file, plan_graph
from flowc.disk import RealDisk
from flowc.events import Event, JobEnded, JobFailed, JobStarted, JobSubmitted
from flowc.executors.base import Capacity, Task
from flowc.ids import JobId
from flowc.record.history import History
from flowc.run.drive import run_plan
from flowc.run.options import RunOptions, RunOutcome

WORKFLOW = 'rule one:\n    output: "one.txt"\n    shell: "echo new > {output}"\n'


class Scripted:
    """Ends each attempt as its script says: a cause, "" for a good end."""

    capacity: Capacity | None = None

    def __init__(self, *causes: str, since_s: float | None = None) -> None:
        self.causes = [*causes]
        self.since_s = since_s
        self.tasks: list[Task] = []

    def takes_up(self, task: Task) -> float | None:
        return self.since_s

    def submit(self, tasks: Sequence[Task]) -> None:
        self.tasks += tasks

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        task = self.tasks.pop(0)
        cause = self.causes.pop(0) if self.causes else ""
        if not cause and self.since_s is None:
            Path(f"{task.name}.txt").write_text("new\n")
        return [
            JobStarted(task.job, task.attempt, 0.0, "1"),
            JobEnded(task.job, task.attempt, 0.0, 1 if cause else 0, 0.0, None, None, cause),
        ]

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        pass

    def close(self) -> None:
        pass


def run(scripted: Scripted, text: str, /, **options: object) -> tuple[RunOutcome, list[Event]]:
    Path("Workflowfile").write_text(text)
    graph = compile_file("Workflowfile")
    events: list[Event] = []
    with History() as history:
        outcome = run_plan(
            plan_graph(graph, history=history),
            scripted,
            options=RunOptions(**options),  # type: ignore[arg-type]
            history=history,
            disk=RealDisk(),
            listeners=[events.append],
        )
    return outcome, events


# fmt: off
CAUSES = {  #           how attempts end                        retries, exit code, attempts
    "its own fault":    (["signal", ""],                         0, 1, 1),
    "tried again":      (["signal", ""],                         1, 0, 2),
    "its node's fault": (["node-failure", ""],                   0, 0, 2),
    "nobody's":         (["requeued", "vanished", ""],           0, 0, 3),
    "both":             (["node-failure", "oom", ""],            1, 0, 3),
    "not for ever":     (["vanished"] * 9,                       0, 1, 4),
    "somebody's wish":  (["cancelled-elsewhere", ""],            5, 1, 1),
}
# fmt: on


@pytest.mark.parametrize(("causes", "retries", "code", "attempts"), CAUSES.values(), ids=CAUSES)
def test_retry_by_cause(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    causes: list[str],
    retries: int,
    code: int,
    attempts: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome, events = run(Scripted(*causes), WORKFLOW, retries=retries)
    assert outcome.exit_code == code
    assert sum(isinstance(event, JobSubmitted) for event in events) == attempts


def test_a_failure_says_what_has_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, events = run(Scripted("cancelled-elsewhere"), WORKFLOW, executor="cluster")
    (failed,) = (event for event in events if isinstance(event, JobFailed))
    assert failed.message == "it was cancelled, and not by flowc"
    (submitted,) = (event for event in events if isinstance(event, JobSubmitted))
    assert submitted.executor == "cluster"


def test_what_is_taken_up_is_not_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.txt").write_text("made by the job that is taken up\n")
    outcome, _ = run(Scripted(since_s=1e9), WORKFLOW, latency_wait_s=0.0)
    assert outcome.exit_code == 0
    assert (tmp_path / "one.txt").read_text() == "made by the job that is taken up\n"
