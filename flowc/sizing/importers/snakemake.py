"""Snakemake's `benchmark:` files: a table with tabs, or JSON lines. Sizes are in MB (MiB), the
load in percent of one core. The name is that of the file, unless the rows have the rule's."""

from typing import Any

from flowc.sizing.importers.base import (
    MOST_CORES,
    MOST_S,
    Found,
    MalformedError,
    json_lines,
    number,
    table,
    whole,
)
from flowc.units import MIB

NAME = ""
"""Stands for the file's own name, which this module is not told."""


def read(text: str) -> list[Found]:
    if text.lstrip().startswith("{"):
        return [_row(data, at) for at, data in json_lines(text, "s")]
    heads = text.splitlines()[0].split("\t")
    if "s" not in heads or "max_rss" not in heads:
        raise MalformedError(1, "its first line has no columns `s` and `max_rss`")
    return [_row(row, at) for at, row in table(text)]


def _row(row: dict[str, Any], at: int) -> Found:
    wall_s = number(row.get("s"), "s", at, MOST_S)
    if wall_s is None:
        raise MalformedError(at, "`s` is missing")
    cpu_s = number(row.get("cpu_time"), "cpu_time", at, MOST_S)
    load = number(row.get("mean_load"), "mean_load", at, 100 * MOST_CORES)
    mean = cpu_s / wall_s if cpu_s is not None and wall_s > 0 else None
    if mean is None and load is not None:
        mean = load / 100
    rss = _mb(row, "max_rss", at)
    pss = _mb(row, "max_pss", at)
    figures: dict[str, Any] = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "cores_mean": mean,
        "memory_peak_bytes": pss or rss,  # 0 where it may not be read
        "rss_peak_bytes": rss,
        "read_bytes": _mb(row, "io_in", at),
        "written_bytes": _mb(row, "io_out", at),
        "input_bytes": _mb(row, "input_size_mb", at) if _is_number(row) else None,
    }
    wildcards = row.get("wildcards")
    if isinstance(wildcards, dict):
        figures["wildcards"] = {str(k): str(v) for k, v in wildcards.items()}
    threads = number(row.get("threads"), "threads", at, MOST_CORES)
    if threads:
        figures["request"] = {"cores": threads}
    rule = row.get("rule_name")
    return Found(str(rule) if rule else NAME, figures, line=at)


def _is_number(row: dict[str, Any]) -> bool:
    return isinstance(row.get("input_size_mb"), int | float)


def _mb(row: dict[str, Any], name: str, at: int) -> int | None:
    value = number(row.get(name), name, at, 1 << 40)
    return None if value is None else whole(value * MIB)
