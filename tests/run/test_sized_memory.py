"""Memory that measurements have sized: who gets too little is tried again, and with how much."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from flowc.api import compile_file, plan_graph
from flowc.disk import RealDisk
from flowc.events import Event, JobEnded, JobFailed, JobStarted, JobSubmitted
from flowc.executors.base import Capacity, Task
from flowc.ids import JobId
from flowc.plan.options import PlanOptions
from flowc.record.history import History
from flowc.run.drive import run_plan
from flowc.run.options import RunOptions
from flowc.run.spare import with_memory
from flowc.run.task import Launch
from flowc.sizing.resources import read_resources
from flowc.units import GIB, MIB

RULE = 'rule one:\n    output: "one.txt"\n    shell: "touch {output}"\n'


class Greedy:
    """Kills whatever gets less than it needs, and has seen what it was given."""

    def __init__(self, needed_gb: float, memory_gb: float | None = None) -> None:
        """`memory_gb`: what there is; None: a cluster decides, and nothing is to spare."""
        self.capacity = None if memory_gb is None else Capacity(1, int(memory_gb * GIB), {})
        self.needed_bytes = needed_gb * GIB
        self.tasks: list[Task] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        self.tasks += tasks

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        task = self.tasks.pop(0)
        is_enough = task.memory_bytes >= self.needed_bytes
        if is_enough:
            Path("one.txt").touch()
        cause, code = ("", 0) if is_enough else ("oom", 137)
        return [
            JobStarted(task.job, task.attempt, 0.0, "1"),
            JobEnded(task.job, task.attempt, 0.0, code, 0.0, None, None, cause),
        ]

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None: ...

    def close(self) -> None: ...


def asked_gb(
    executor: Greedy, text: str, figures: dict[str, object] | None = None
) -> tuple[list[float], int]:
    """What each attempt has asked for, and the exit code of the run."""
    Path("Workflowfile").write_text(text)
    Path("res.json").write_text(json.dumps({"one": figures or {"threads": 1}}))
    events: list[Event] = []
    with History() as history:
        plan = plan_graph(
            compile_file("Workflowfile"),
            options=PlanOptions(resource_file=read_resources("res.json")),
            history=history,
        )
        outcome = run_plan(
            plan,
            executor,
            options=RunOptions(),
            history=history,
            disk=RealDisk(),
            listeners=[events.append],
        )
    begun = [e for e in events if isinstance(e, JobSubmitted)]
    asked = [(e.memory_bytes - e.spare_bytes) / GIB for e in begun]
    return asked, outcome.exit_code


MEASURED = {"mem_gb": 1, "peak_gb": 3}
MORE = 3 + 16 * MIB / GIB

# fmt: off
ATTEMPTS = {  #                 figures        more of the rule    needs  there is, attempts
    "enough":                   (MEASURED,      "",                  1, None, [1], 0),
    "the largest seen":         (MEASURED,      "",                  2, None, [1, MORE], 0),
    "and then twice":           (MEASURED,      "",                  5, None,
                                 [1, MORE, 2 * MORE], 0),
    "not for ever":             (MEASURED,      "",                999, None,
                                 [1, MORE, 2 * MORE, 4 * MORE], 1),
    "nobody has measured it":   ({"mem_gb": 1}, "",                  2, None, [1], 1),
    "it must not run again":    (MEASURED,      "    retries: 0\n",  2, None, [1], 1),
    "retries come on top":      (MEASURED,      "    retries: 1\n", 999, None,
                                 [1, MORE, 2 * MORE, 4 * MORE, 8 * MORE], 1),
    "there is room for the largest seen":       (MEASURED, "", 3.4,   64, [1], 0),
    "it has had all that there is":             (MEASURED, "", 999,    2, [1], 1),
    "there is a little more":   ({"mem_gb": 1, "peak_gb": 1.1}, "", 999, 2, [1, 2], 1),
}
# fmt: on


@pytest.mark.parametrize(
    ("figures", "more", "needed_gb", "memory_gb", "attempts", "code"),
    ATTEMPTS.values(),
    ids=ATTEMPTS,
)
def test_what_attempts_ask_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: dict[str, object],
    more: str,
    needed_gb: float,
    memory_gb: float | None,
    attempts: list[float],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = RULE.replace("    shell", f"{more}    shell")
    asked, exit_code = asked_gb(Greedy(needed_gb, memory_gb), text, figures)
    assert asked == pytest.approx(attempts) and exit_code == code


@pytest.mark.parametrize("line", ["", "    mem_gb: 1\n"])
def test_a_profile_of_the_rule_says_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Also behind a figure that is declared, as `flowc profile apply` writes it."""
    monkeypatch.chdir(tmp_path)
    attempts = [
        {"rule": "one", "outcome": "ok", "memory_peak_bytes": int(b * GIB)} for b in (4, 1, 1, 1)
    ]
    runs = [{"run": "a", "attempts": attempts}]
    data = {"format": "flowc-profile", "version": 1, "runs": runs}
    Path("p.json").write_text(json.dumps(data))
    text = RULE.replace("    shell", f'{line}    profile: "p.json"\n    shell')
    asked, code = asked_gb(Greedy(1e6), text)
    assert code == 1 and len(asked) == 4
    if line:
        assert asked[:3] == pytest.approx([1, 4 + 16 * MIB / GIB, 2 * (4 + 16 * MIB / GIB)])


class Unlucky(Greedy):
    """Its nodes fail, and jobs have all they need."""

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded]:
        task = self.tasks.pop(0)
        if task.attempt > 3:
            Path("one.txt").touch()
        cause, code = ("", 0) if task.attempt > 3 else ("node-failure", 1)
        return [JobEnded(task.job, task.attempt, 0.0, code, 0.0, None, None, cause)]


def test_who_fails_for_another_s_fault_asks_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    attempts = [{"rule": "one", "outcome": "ok", "memory_peak_bytes": 4 * GIB}] * 3
    runs = [{"run": "a", "attempts": attempts}]
    data = {"format": "flowc-profile", "version": 1, "runs": runs}
    Path("p.json").write_text(json.dumps(data))
    text = RULE.replace("    shell", '    profile: "p.json"\n    shell')
    asked, code = asked_gb(Unlucky(1), text)
    assert code == 0 and len(asked) == 4
    assert asked == [pytest.approx(asked[0])] * 4


def test_what_is_given_may_be_used() -> None:
    """Spare memory raises the limit above which a job is killed, and never lowers it."""
    task = Task(JobId(0), 1, "one", ("true",), ".", {}, 1, 100, None, "x", memory_limit_bytes=125)
    launch = Launch(task, "one", {}, "true", "", None)
    assert with_memory(launch, 110).task.memory_limit_bytes == 125
    more = with_memory(launch, 230)
    assert (more.task.memory_bytes, more.task.memory_limit_bytes, more.spare_bytes) == (
        230,
        230,
        130,
    )


def test_it_is_told_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(RULE)
    events: list[Event] = []
    with History() as history:
        run_plan(
            plan_graph(compile_file("Workflowfile"), history=history),
            Greedy(2),
            options=RunOptions(),
            history=history,
            disk=RealDisk(),
            listeners=[events.append],
        )
    (failed,) = (e for e in events if isinstance(e, JobFailed))
    assert failed.message == "it was killed: the memory was used up, 1 GB asked for"
