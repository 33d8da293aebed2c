"""Nextflow's trace.txt: a table with tabs, whose columns the user chooses."""

from typing import Any

from flowc.sizing.importers.base import (
    MOST_CORES,
    Found,
    MalformedError,
    duration,
    number,
    size,
    table,
)
from flowc.sizing.profile import FAILED, OK, OOM

_OUTCOMES = {"COMPLETED": OK, "FAILED": FAILED, "ABORTED": FAILED}


def read(text: str) -> list[Found]:
    heads = text.splitlines()[0].split("\t")
    if "name" not in heads and "process" not in heads:
        raise MalformedError(1, "its first line has no column `name` or `process`")
    found = []
    for at, row in table(text):
        if row.get("status") == "CACHED":  # its figures are those of the run that has made it
            name = row.get("name") or row["process"]
            found.append(Found(name, line=at, left_out="cached, and measured by an earlier run"))
        else:
            found.append(_row(row, at))
    return found


def _row(row: dict[str, str], at: int) -> Found:
    wall_s = duration(row.get("realtime") or row.get("duration"), "realtime", at)
    percent = row.get("%cpu", "").strip().rstrip("%")
    load = number(percent, "%cpu", at, 100 * MOST_CORES)
    asked = {
        "cores": number(row.get("cpus"), "cpus", at, MOST_CORES),
        "memory_bytes": size(row.get("memory"), "memory", at),
    }
    exit_code = number(row.get("exit"), "exit", at, 255)
    status = row.get("status", "COMPLETED")
    if status not in _OUTCOMES:
        raise MalformedError(at, f"`status` is {status!r}")
    outcome = _OUTCOMES[status]
    if outcome == FAILED and exit_code == 137:  # killed: by the kernel or the cluster, for memory
        outcome = OOM
    rss = size(row.get("peak_rss") or row.get("rss"), "peak_rss", at)
    figures: dict[str, Any] = {
        "wall_s": wall_s,
        "cores_mean": None if load is None else load / 100,
        "memory_peak_bytes": rss,
        "read_bytes": size(row.get("read_bytes"), "read_bytes", at),
        "written_bytes": size(row.get("write_bytes"), "write_bytes", at),
        "exit_code": None if exit_code is None else int(exit_code),
        "request": {name: value for name, value in asked.items() if value is not None},
    }
    attempt = number(row.get("attempt"), "attempt", at, 1e6)
    if attempt:
        figures["attempt"] = int(attempt)
    return Found(row.get("name") or row["process"], figures, outcome, row.get("tag", ""), at)
