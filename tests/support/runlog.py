"""Event logs for tests of what is made of them: a small language of jobs, and hostile names."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from flowc.events import (
    Event,
    JobDone,
    JobEnded,
    JobFailed,
    JobPlanned,
    JobStarted,
    JobSubmitted,
    RunEnded,
    RunStarted,
)
from flowc.ids import JobId
from flowc.units import GIB

START_S = 1_769_868_301.0


def run_started(cores: int = 4, memory_gb: float = 8, **more: Any) -> RunStarted:
    about = {
        "run": "20260131-142501-4242", "at_s": START_S, "version": 1, "flowc_version": "0.1.0",
        "argv": ("flowc", "run", "--cores", str(cores)), "workflow": "Workflowfile",
        "directory": "/home/a/b", "host": "node1", "boot_id": "", "pid": 4242, "pid_start_s": 0.0,
        "cores": cores, "memory_bytes": round(memory_gb * GIB), "limits": {}, "jobs_total": 0,
    }  # fmt: skip
    return RunStarted(**{**about, **more})


def run_ended(at_s: float, outcome: str = "ok") -> RunEnded:
    return RunEnded(START_S + at_s, outcome, 0 if outcome == "ok" else 1, 0, 0, 0, 0)


def job(
    id: int,
    start_s: float,
    end_s: float,
    *,
    rule: str = "map",
    name: str = "",
    needs: Sequence[int] = (),
    cores: int = 1,
    memory_gb: float = 1,
    cpu_s: float | None = None,
    peak_gb: float | None = None,
    attempt: int = 1,
    cause: str = "",
    will_retry: bool = False,
    command: str = "",
    wildcards: Mapping[str, str] | None = None,
    inputs: Sequence[str] = (),
    output: str = "",
    log: str = "",
    resources: Mapping[str, float] | None = None,
) -> list[Event]:
    """The events of one attempt, with times from the run's start."""
    number = JobId(id)
    name = name or f"{rule}(n={id})"
    outputs = (output or f"out/{id}",)
    memory_bytes = round(memory_gb * GIB)
    filled = {"n": str(id)} if wildcards is None else wildcards
    planned = JobPlanned(
        number, rule, name, filled, tuple(inputs), outputs, tuple(map(JobId, needs)),
        (f"{outputs[0]} is missing",), cores, memory_bytes, START_S + start_s,
    )  # fmt: skip
    submitted = JobSubmitted(
        number, attempt, START_S + start_s, rule, name, filled, outputs,
        command or f"make {id}", cores, memory_bytes, resources or {}, log,
    )  # fmt: skip
    started = JobStarted(number, attempt, START_S + start_s, str(1000 + id), "node1")
    peak = None if peak_gb is None else round(peak_gb * GIB)
    code = 1 if cause else 0
    ended = JobEnded(number, attempt, START_S + end_s, code, end_s - start_s, cpu_s, peak, cause)
    last: Event = JobDone(number, attempt, START_S + end_s, rule, outputs, "", "", "", None)
    if cause:
        last = JobFailed(
            number, attempt, START_S + end_s, rule, name, outputs, cause, "it went wrong", code,
            command or f"make {id}", log, will_retry,
        )  # fmt: skip
    events: list[Event] = [submitted, started, ended, last]
    return [planned, *events] if attempt == 1 else events


def many_jobs(count: int, *, cores: int = 8, seed: int = 1) -> list[Event]:
    """A run of so many jobs in chains of three rules, some of which fail once."""
    draw = random.Random(seed)
    free_at = [0.0] * cores
    ends: dict[int, float] = {}
    events: list[Event] = []
    for id in range(count):
        rule = ("align", "sort", "call")[id % 3]
        needs = [id - 1] if id % 3 else []
        lane = min(range(cores), key=free_at.__getitem__)
        start_s = max([free_at[lane], *(ends[n] for n in needs)])
        lasts_s = draw.uniform(0.5, 4.0)
        attempts = 2 if draw.random() < 0.01 else 1
        for attempt in range(1, attempts + 1):
            cause = "oom" if attempt < attempts else ""
            events += job(
                id, start_s, start_s + lasts_s, rule=rule, needs=needs, attempt=attempt,
                cause=cause, will_retry=bool(cause), cpu_s=lasts_s * draw.uniform(0.3, 1),
                peak_gb=draw.uniform(0.1, 0.9), command=f"tool --threads 1 --in {id}.bam",
                inputs=[f"in/{id}.bam"], log=f".flowc/logs/{rule}/{id}.log",
            )  # fmt: skip
            start_s += lasts_s
        free_at[lane] = ends[id] = start_s
    end_s = max(free_at, default=0.0)
    return [run_started(cores, jobs_total=count), *events, run_ended(end_s)]


# What names, commands and wildcards may hold, and what would happen on a page that is not careful.
CANARY = "flowcCanary"
HOSTILE = {
    "script": f"</script><script>window.{CANARY}=1</script>",
    "style": f"</style><img src=x onerror=window.{CANARY}=1>",
    "quotes": f"\"'><svg onload=window.{CANARY}=1>",
    "url": f"javascript:window.{CANARY}=1",
    "comment": f"<!--<script>window.{CANARY}=1//-->",
    "template": "{{ 7*7 }}{% raw %}${7*7}",
    "ansi": "\x1b[31mred\x1b[0m\x07\r\n\t",
    "formula": '=HYPERLINK("http://example.invalid","x")',
    "right to left": "a\u202etxt.exe\u2066b\u200f",
    "bytes": "caf\udce9\udcff",
    "separators": "a\u2028b\u2029c\x00d",
    "long": "n" * 10_000,
    "entities": "&lt;b&gt;&#x41;&amp;",
    "combining": "Z\u0361\u0489algo \U0001f600",
}


def hostile_run() -> list[Event]:
    """Every hostile text in every place that takes one."""
    events: list[Event] = []
    for id, text in enumerate(HOSTILE.values()):
        events += job(
            id, id, id + 1, rule=text, name=text, command=text, wildcards={text: text},
            inputs=[text], output=text, log=text, cause=text if id % 2 else "",
        )  # fmt: skip
    texts = tuple(HOSTILE.values())
    start = run_started(
        2, run=texts[0], workflow=texts[2], argv=texts, host=texts[1], directory=texts[4],
        limits={texts[0]: 1.0}, flowc_version=texts[3],
    )  # fmt: skip
    return [start, *events, run_ended(len(texts), texts[0])]
