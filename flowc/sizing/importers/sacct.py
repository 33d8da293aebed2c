"""Slurm's accounting: `sacct --parsable2 --units=K`, or any other unit, with at least the columns
JobID, JobName, State, Elapsed and MaxRSS. What is measured stands with a job's steps: of these the
largest counts; the name and what was asked for stand with the job."""

import re
from typing import Any

from flowc.sizing.importers.base import MOST_CORES, Found, MalformedError, duration, number, size
from flowc.sizing.profile import CANCELLED, FAILED, OK, OOM, TIME_LIMIT

_OUTCOMES = {
    "COMPLETED": OK,
    "OUT_OF_MEMORY": OOM,
    "TIMEOUT": TIME_LIMIT,
    "DEADLINE": TIME_LIMIT,
    "CANCELLED": CANCELLED,
    "PREEMPTED": CANCELLED,
    "REVOKED": CANCELLED,
    "FAILED": FAILED,
    "NODE_FAIL": FAILED,
    "BOOT_FAIL": FAILED,
}
_NOT_OVER = {"RUNNING", "PENDING", "SUSPENDED", "REQUEUED", "RESIZING", "COMPLETING"}
_NEEDED = ("JobID", "JobName", "State", "Elapsed", "MaxRSS")


def read(text: str) -> list[Found]:
    lines = text.splitlines()
    heads = lines[0].rstrip("|").split("|")
    missing = [name for name in _NEEDED if name not in heads]
    if missing:
        raise MalformedError(
            1,
            f"its first line has no column {', '.join(f'`{n}`' for n in missing)}",
            f"`sacct --parsable2 --format {','.join(_NEEDED)},TotalCPU,ReqCPUS,ReqMem,ExitCode`",
        )
    jobs: dict[str, tuple[Found, str]] = {}
    unfinished: list[Found] = []
    for at, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("|")
        if len(cells) == len(heads) + 1 and not cells[-1]:  # --parsable
            cells.pop()
        if len(cells) != len(heads):
            raise MalformedError(at, f"{len(cells)} columns where the first line has {len(heads)}")
        row = dict(zip(heads, cells, strict=True))
        job, _, step = row["JobID"].partition(".")
        if not step:
            state = row["State"].split()[0] if row["State"] else ""
            if state in _NOT_OVER:
                unfinished.append(Found(row["JobName"], line=at, left_out="not over"))
            else:
                jobs[job] = (_job(row, state, at), job)
        elif job in jobs:
            _step(jobs[job][0], row, at)
    return [*(found for found, _ in jobs.values()), *unfinished]


def _job(row: dict[str, str], state: str, at: int) -> Found:
    if state not in _OUTCOMES:
        raise MalformedError(at, f"`State` is {row['State']!r}")
    wall_s = duration(row["Elapsed"], "Elapsed", at)
    cpu_s = duration(row.get("TotalCPU"), "TotalCPU", at)
    asked: dict[str, float] = {}
    cores = number(row.get("ReqCPUS") or row.get("AllocCPUS"), "ReqCPUS", at, MOST_CORES)
    if cores:
        asked["cores"] = cores
    memory = row.get("ReqMem", "")
    per_core = memory.endswith("c")
    bytes_ = size(memory.rstrip("cn"), "ReqMem", at)
    if bytes_:
        asked["memory_bytes"] = round(bytes_ * (cores or 1)) if per_core else bytes_
    figures: dict[str, Any] = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "cores_mean": cpu_s / wall_s if cpu_s is not None and wall_s else None,
        "memory_peak_bytes": size(row["MaxRSS"], "MaxRSS", at),
        "request": asked,
    }
    code = re.match(r"\d+", row.get("ExitCode", ""))
    if code is not None:
        figures["exit_code"] = int(code[0])
    return Found(row["JobName"], figures, _OUTCOMES[state], row["JobID"], at)


def _step(found: Found, row: dict[str, str], at: int) -> None:
    peak = size(row["MaxRSS"], "MaxRSS", at)
    before = found.figures["memory_peak_bytes"]
    if peak is not None:
        found.figures["memory_peak_bytes"] = max(peak, before or 0)
