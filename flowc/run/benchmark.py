"""The file of a `benchmark:` directive: one row for each time the job has run."""

import os
from collections.abc import Callable, Mapping, Sequence

from flowc.events import JobEnded
from flowc.units import MIB

COLUMNS = (
    "s",
    "h:m:s",
    "max_rss",
    "max_vms",
    "max_uss",
    "max_pss",
    "io_in",
    "io_out",
    "mean_load",
    "cpu_time",
)
"""As Snakemake writes them: seconds, MB, and percent of one core."""

MemoryOf = Callable[[JobEnded], Mapping[str, int]]
"""Bytes by kind (rss, vms, uss, pss) that an attempt has had; what was not seen is left out."""


def row(ended: JobEnded, memory: Mapping[str, int]) -> dict[str, str]:
    """What the executor knows and what was seen, as text; `NA` for what nobody has measured."""
    found = dict.fromkeys(COLUMNS, "NA")
    found["s"] = f"{ended.wall_s:.2f}"
    for kind, size in memory.items():
        found[f"max_{kind}"] = f"{size / MIB:.2f}"
    whole = int(ended.wall_s)
    found["h:m:s"] = f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
    if ended.peak_rss_bytes is not None:
        peak = max(ended.peak_rss_bytes, memory.get("rss", 0))  # of one process, of all together
        found["max_rss"] = f"{peak / MIB:.2f}"
    if ended.read_bytes is not None:
        found["io_in"] = f"{ended.read_bytes / MIB:.2f}"
    if ended.written_bytes is not None:
        found["io_out"] = f"{ended.written_bytes / MIB:.2f}"
    if ended.cpu_s is not None:
        found["cpu_time"] = f"{ended.cpu_s:.2f}"
        if ended.wall_s > 0:
            found["mean_load"] = f"{100 * ended.cpu_s / ended.wall_s:.2f}"
    return found


def write_benchmark(path: str, runs: Sequence[JobEnded], memory_of: MemoryOf | None = None) -> None:
    """Tab-separated with a header; as JSON, a line for each run, where the name ends in .jsonl."""
    rows = [row(run, {} if memory_of is None else memory_of(run)) for run in runs]
    if path.endswith(".jsonl"):
        import json  # rarely asked for

        lines = [json.dumps({k: _value(v) for k, v in one.items()}) for one in rows]
    else:
        lines = ["\t".join(COLUMNS)] + ["\t".join(one.values()) for one in rows]
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def _value(text: str) -> float | str | None:
    if text == "NA":
        return None
    try:
        return float(text)
    except ValueError:
        return text
