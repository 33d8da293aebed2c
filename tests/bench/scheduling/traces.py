"""Recorded workflows and PSPLIB instances as job graphs, for the benchmarks of this directory."""

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from support.jobgraphs import graph_of

from flowc.graph.job import JobGraph
from flowc.plan.request import Request
from flowc.run.budget import Budget

SCENARIOS = ("4c6g", "8c-bal", "8c-tight")
_SHORTEST_S = 0.1


@dataclass(frozen=True)
class Instance:
    """What is to be scheduled, and what is known of it."""

    name: str
    graph: JobGraph
    durations: list[float]
    medians: list[float]  # each job's is that of its rule
    requests: list[Request]
    cores: float
    memory_bytes: float
    resources: dict[str, float]
    lower_bound_s: float
    best_s: float

    def budget(self) -> Budget:
        return Budget(self.cores, self.memory_bytes, self.resources)


def workflows(folder: Path, scenario: str) -> list[Instance]:
    """The recorded workflows that have references for a scenario."""
    references = json.loads((folder / "workflows_refs.json").read_text())
    found = []
    for name, known in sorted(references.items()):
        path = folder / "workflows" / f"{name}.json"
        if scenario in known and path.exists():
            found.append(_workflow(name, json.loads(path.read_text()), known[scenario]))
    return found


def _workflow(name: str, data: dict[str, Any], known: dict[str, float]) -> Instance:
    tasks = data["tasks"]
    durations = [max(task[1], _SHORTEST_S) for task in tasks]
    by_type: dict[int, list[float]] = {}
    for task, duration in zip(tasks, durations, strict=True):
        by_type.setdefault(task[0], []).append(duration)
    medians = {kind: median(values) for kind, values in by_type.items()}
    cores = int(known["C"])
    requests = [
        Request(cores=min(cores, max(1, ceil(task[3] / 100 - 0.1))), memory_bytes=int(task[2]))
        for task in tasks
    ]
    return Instance(
        name,
        graph_of(data["parents"]),
        durations,
        [medians[task[0]] for task in tasks],
        requests,
        cores,
        known["M"],
        {},
        known["lb"],
        known["best"],
    )


def projects(folder: Path, name: str) -> list[Instance]:
    """PSPLIB's instances of a set such as `j60`: four resources, the first of which is called
    cores here."""
    lines = (folder / "psplib" / f"{name}.jsonl").read_text().splitlines()
    return [_project(json.loads(line)) for line in lines]


def _project(data: dict[str, Any]) -> Instance:
    names = ("b", "c", "d")
    requests = [
        Request(cores=row[0], memory_bytes=0, resources=dict(zip(names, row[1:], strict=True)))
        for row in data["req"]
    ]
    durations = [float(duration) for duration in data["dur"]]
    return Instance(
        data["name"],
        graph_of(data["par"]),
        durations,
        durations,
        requests,
        data["cap"][0],
        1.0,
        dict(zip(names, map(float, data["cap"][1:]), strict=True)),
        data["cp"],
        data["best"],
    )
