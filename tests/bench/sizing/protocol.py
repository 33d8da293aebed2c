"""Traces of real tasks, and how a way of sizing them is judged. The README tells the protocol."""

import csv
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

MOST_BYTES = 128e9
LEAST_TASKS = 34  # of a rule, for it to count
HISTORY = 0.3
SEEDS = (1996, 1, 2)
ONLINE, OFFLINE, COLD = REGIMES = ("online", "offline", "cold start")


class Task(NamedTuple):
    """What a task was given, and used."""

    input_bytes: float
    peak_bytes: float
    wall_s: float
    preset_bytes: float  # what the workflow's authors ask for
    submitted_ms: float
    cores: int
    sample: str


Workflow = Mapping[str, list[Task]]  # by rule


class Method(Protocol):
    """A way of sizing the tasks of one rule."""

    def learn(self, task: Task) -> None: ...

    def request(self, task: Task, attempt: int, previous_bytes: float) -> float:
        """Bytes. What the task uses is not to be looked at."""
        ...


class Score(NamedTuple):
    """What one workflow's tasks have come to, in byte-seconds."""

    waste: float = 0.0
    used: float = 0.0
    failed: int = 0  # tasks that failed at least once
    tasks: int = 0

    def __add__(self, other: "Score") -> "Score":  # type: ignore[override]
        return Score(
            self.waste + other.waste,
            self.used + other.used,
            self.failed + other.failed,
            self.tasks + other.tasks,
        )

    @property
    def ratio(self) -> float:
        return self.waste / self.used

    @property
    def failing(self) -> float:
        return self.failed / self.tasks


def read_workflow(path: Path) -> Workflow:
    """A trace in the columns of the README; rules with few tasks are left out."""
    rules: dict[str, list[Task]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rules[row["process"]].append(
                Task(
                    float(row["rchar"] or 0),
                    float(row["peak_rss"] or 0),
                    float(row["realtime_ms"] or 0) / 1000,
                    float(row["memory"] or 0),
                    float(row["submit_ms"] or 0),
                    int(float(row["cpus"] or 1)),
                    row["tag"],
                )
            )
    return {rule: tasks for rule, tasks in rules.items() if len(tasks) >= LEAST_TASKS}


def read_traces(folder: Path) -> dict[str, Workflow]:
    """By name, those of a folder, or of its folder `sizing`."""
    below = folder / "sizing"
    paths = sorted((below if below.is_dir() else folder).glob("*.csv"))
    return {path.stem: read_workflow(path) for path in paths}


def arrange(rule: str, tasks: Iterable[Task], regime: str, seed: int) -> tuple[list[Task], int]:
    """Tasks in the order in which they come, and how many of them are history."""
    if regime == COLD:
        return sorted(tasks, key=lambda task: task.submitted_ms), 0
    arranged = list(tasks)
    random.Random(f"{seed} {rule}").shuffle(arranged)
    return arranged, int(HISTORY * len(arranged))


def attempts(method: Method, task: Task) -> list[float]:
    """What is asked for, again and again, until it is enough."""
    asked: list[float] = []
    while not asked or asked[-1] < task.peak_bytes:
        previous = asked[-1] if asked else 0.0
        asked.append(min(method.request(task, len(asked) + 1, previous), MOST_BYTES))
        if asked[-1] <= previous:
            raise ValueError(f"{method}: asks for {asked[-1]} after {previous} was too little")
    return asked


def play(method: Method, task: Task, failed_share: float = 1.0) -> Score:
    """Size one task. `failed_share`: how much of its run time a task that is killed has run."""
    *failed, enough = attempts(method, task)
    waste = (enough - task.peak_bytes) * task.wall_s
    waste += sum(failed) * task.wall_s * failed_share
    return Score(waste, task.peak_bytes * task.wall_s, bool(failed), 1)


def score(
    workflow: Workflow,
    make: Callable[[], Method],
    regime: str,
    seed: int,
    failed_share: float = 1.0,
) -> Score:
    """All of a workflow's tasks but the history."""
    total = Score()
    for rule, tasks in workflow.items():
        arranged, known = arrange(rule, tasks, regime, seed)
        method = make()
        for task in arranged[:known]:
            method.learn(task)
        for task in arranged[known:]:
            total += play(method, task, failed_share)
            if regime != OFFLINE:
                method.learn(task)
    return total


class Result(NamedTuple):
    """One method in one regime: the means over seeds, by workflow."""

    ratios: dict[str, float]
    failing: dict[str, float]

    @property
    def ratio(self) -> float:
        """The geometric mean over workflows."""
        logs = [math.log(max(r, 1e-12)) for r in self.ratios.values()]
        return math.exp(sum(logs) / len(logs))

    @property
    def fails(self) -> float:
        return sum(self.failing.values()) / len(self.failing)


def judge(
    traces: Mapping[str, Workflow],
    make: Callable[[], Method],
    regime: str,
    seeds: Iterable[int] = SEEDS,
    failed_share: float = 1.0,
) -> Result:
    """A cold start has one order and needs no seeds."""
    ratios, failing = {}, {}
    for name, workflow in traces.items():
        scores = [
            score(workflow, make, regime, seed, failed_share)
            for seed in ([0] if regime == COLD else seeds)
        ]
        ratios[name] = sum(s.ratio for s in scores) / len(scores)
        failing[name] = sum(s.failing for s in scores) / len(scores)
    return Result(ratios, failing)
