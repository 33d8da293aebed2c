"""A run as a scientist has one, to be looked at: seven rules, a limit by name, jobs that ran out of
memory, and closely measured. Made up, and the same each time."""

import random
from dataclasses import dataclass, field
from typing import Any

from support.runlog import START_S, job, run_ended, run_started

from flowc.events import Event
from flowc.record.fold import fold_events
from flowc.record.story import RunStory
from flowc.report.measured import add_measured
from flowc.units import GIB, MIB

CORES, MEMORY_GB, FTP = 16, 48.0, 3


@dataclass
class _Kind:
    """A rule: what its jobs ask for, and how they are."""

    cores: int
    memory_gb: float
    lasts_s: float
    busy: float  # share of its cores that it uses
    gb_of_input: float  # of memory for each GB that is read; on top of `least_gb`
    least_gb: float
    ftp: int = 0


RULES = {
    "fetch": _Kind(1, 0.5, 95, 0.12, 0, 0.2, ftp=1),
    "trim": _Kind(2, 2, 60, 0.95, 0.1, 0.6),
    "align": _Kind(4, 12, 260, 0.93, 3.4, 2.2),
    "sort": _Kind(4, 8, 85, 0.55, 1.2, 0.4),
    "call": _Kind(1, 4, 190, 0.98, 0.9, 0.7),
    "merge": _Kind(2, 4, 45, 0.7, 0.3, 0.9),
    "report": _Kind(1, 1, 20, 0.9, 0, 0.5),
}
STEPS = ("fetch", "trim", "align", "sort", "call")


@dataclass
class _Job:
    rule: str
    sample: str
    needs: list[int]
    input_gb: float
    attempt: int = 1
    ready_s: float = 0.0
    events: list[Event] = field(default_factory=list)


def showcase(samples: int = 14, *, fails: bool = False, tight: bool = False) -> RunStory:
    """`fails`: one sample's alignment comes to nothing. `tight`: requests as they should be."""
    draw = random.Random(7)
    jobs = _jobs(samples, draw)
    events: list[Event] = []
    measured: list[dict[str, Any]] = []
    free = {"cores": float(CORES), "memory": MEMORY_GB, "ftp": float(FTP)}
    waiting, running, done = set(range(len(jobs))), list[tuple[float, int, _Kind]](), set[int]()
    lost: set[int] = set()
    now_s = 0.0
    while waiting or running:
        for id in sorted(waiting, key=lambda id: (-STEPS.index(jobs[id].rule), id)
                         if jobs[id].rule in STEPS else (-9, id)):  # fmt: skip
            one = jobs[id]
            kind = _asked(RULES[one.rule], one, tight=tight)
            needs = {"cores": kind.cores, "memory": kind.memory_gb, "ftp": kind.ftp}
            if not {*one.needs} <= done or any(free[n] < units for n, units in needs.items()):
                continue
            waiting.discard(id)
            for name, units in needs.items():
                free[name] -= units
            end_s, cause = _run(id, one, kind, now_s, draw, fails=fails)
            events += one.events
            measured.append(_measured(one, id, kind, now_s, end_s, draw, cause))
            running.append((end_s, id, kind))
        if not running:
            break
        running.sort(key=lambda r: (r[0], r[1]))
        now_s, id, kind = running.pop(0)
        for name, units in (("cores", kind.cores), ("memory", kind.memory_gb), ("ftp", kind.ftp)):
            free[name] += units
        one = jobs[id]
        failed = getattr(one.events[-1], "cause", "")
        if not failed:
            done.add(id)
        elif one.attempt < 2:
            one.attempt += 1
            waiting.add(id)
        else:
            lost.add(id)
    start = run_started(
        CORES, MEMORY_GB, limits={"limit:ftp": float(FTP)}, jobs_total=len(jobs),
        argv=("flowc", "run", "--cores", "16", "--mem", "48", "--retries", "1", "--keep-going"),
        workflow="variants/Workflowfile", directory="/home/ada/variants", host="node07",
    )  # fmt: skip
    run = fold_events([start, *events, run_ended(now_s + 1, "failed" if lost else "ok")])
    add_measured(run, measured)
    return run


def _jobs(samples: int, draw: random.Random) -> list[_Job]:
    jobs: list[_Job] = []
    for n in range(samples):
        size_gb = round(draw.uniform(0.6, 3.0), 2)
        for step, rule in enumerate(STEPS):
            jobs.append(_Job(rule, f"s{n + 1:02}", [len(jobs) - 1] if step else [], size_gb))
    calls = [i for i, one in enumerate(jobs) if one.rule == "call"]
    jobs.append(_Job("merge", "", calls, float(samples) / 4))
    jobs.append(_Job("report", "", [len(jobs) - 1], 0.1))
    return jobs


def _peak_gb(kind: _Kind, one: _Job) -> float:
    return kind.least_gb + kind.gb_of_input * one.input_gb


def _asked(kind: _Kind, one: _Job, *, tight: bool) -> _Kind:
    memory_gb = kind.memory_gb if one.attempt == 1 else 1.5 * kind.memory_gb
    if tight:
        memory_gb = round(1.15 * _peak_gb(kind, one), 2)
    cores = 2 if tight and kind.busy < 0.6 and kind.cores > 2 else kind.cores
    return _Kind(
        cores, memory_gb, kind.lasts_s, min(1.0, kind.busy * kind.cores / cores),
        kind.gb_of_input, kind.least_gb, kind.ftp,
    )  # fmt: skip


def _run(
    id: int, one: _Job, kind: _Kind, now_s: float, draw: random.Random, *, fails: bool
) -> tuple[float, str]:
    lasts_s = kind.lasts_s * (0.5 + one.input_gb / 3) * draw.uniform(0.9, 1.1)
    peak_gb = min(_peak_gb(kind, one), kind.memory_gb)
    cause = "oom" if _peak_gb(kind, one) > kind.memory_gb else ""
    if fails and one.rule == "align" and one.sample == "s05":
        cause, peak_gb = "exit", peak_gb / 2
    if cause:
        lasts_s *= 0.6
    name = f"{one.rule}(sample={one.sample})" if one.sample else one.rule
    target = one.sample or "all"
    one.events = job(
        id, now_s, now_s + lasts_s, rule=one.rule, name=name, needs=one.needs, cores=kind.cores,
        memory_gb=kind.memory_gb, cpu_s=lasts_s * kind.cores * kind.busy, peak_gb=peak_gb,
        attempt=one.attempt, cause=cause, will_retry=one.attempt < 2,
        command=f"{one.rule} -t {kind.cores} data/{target}.in -o results/{one.rule}/{target}",
        wildcards={"sample": one.sample} if one.sample else {}, inputs=[f"data/{target}.in"],
        output=f"results/{one.rule}/{target}", log=f".flowc/logs/{one.rule}/sample={target}.log",
        resources={"limit:ftp": float(kind.ftp)} if kind.ftp else {},
    )  # fmt: skip
    return now_s + lasts_s, cause


def _measured(
    one: _Job, id: int, kind: _Kind, now_s: float, end_s: float, draw: random.Random, cause: str
) -> dict[str, Any]:
    """As a profile has it: memory grows to its peak, cores go up and down."""
    lasts_s, count = end_s - now_s, 24
    peak_bytes = min(_peak_gb(kind, one), kind.memory_gb) * GIB * (0.5 if cause == "exit" else 1)
    return {
        "rule": one.rule,
        "name": f"{one.rule}(sample={one.sample})" if one.sample else one.rule,
        "attempt": one.attempt,
        "input_bytes": round(one.input_gb * GIB),
        "memory_peak_bytes": round(peak_bytes),
        "series": {
            "t_s": [round(lasts_s * i / count, 2) for i in range(count)],
            "cores": [
                round(min(kind.cores, kind.cores * kind.busy * draw.uniform(0.8, 1.2)), 2)
                for _ in range(count)
            ],
            "rss_bytes": [
                round(max(30 * MIB, peak_bytes * min(1.0, (i + 1) / 14) * draw.uniform(0.94, 1)))
                for i in range(count)
            ],
        },
    }


__all__ = ["START_S", "showcase"]
