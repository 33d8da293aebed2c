"""nipype's callback log, and the columns of its resource monitor.

The log is JSON lines: today one for each node that has ended; by its documentation two, of which
the first has `start` and the second `finish`. Numbers may be texts; `N/A` is none.
`runtime_threads` is in percent of one core today, and a number of threads by the documentation.

`resource_monitor.json` has lists of equal length: `name`, `time` (Unix time), `rss_GiB`, `vms_GiB`
and `cpus` (percent); one entry for each look at a node.
"""

import json
from datetime import datetime
from typing import Any

from flowc.sizing.columns import thin_out
from flowc.sizing.importers.base import (
    MOST_CORES,
    MOST_S,
    Found,
    MalformedError,
    json_lines,
    number,
    whole,
)
from flowc.sizing.profile import FAILED, OK
from flowc.units import GIB

_MOST_GB = 1 << 30
_COLUMNS = ("name", "time", "rss_GiB", "cpus")


def read(text: str) -> list[Found]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict) and isinstance(data.get("time"), list):
        return _columns(data)
    return _log(text)


# --- the callback log ----------------------------------------------------------------------------


def _log(text: str) -> list[Found]:
    found: list[Found] = []
    begun: dict[str, tuple[dict[str, Any], int]] = {}
    for at, data in json_lines(text, "name"):
        key = str(data.get("id", data["name"]))
        if "start" in data and "finish" not in data and not data.get("error"):
            begun[key] = (data, at)
            continue
        first, _ = begun.pop(key, ({}, at))
        if "finish" not in data and not data.get("error"):
            raise MalformedError(at, "it has neither `start` nor `finish`")
        found.append(_node({**first, **data}, at))
    for data, at in begun.values():
        found.append(Found(str(data["name"]), line=at, left_out="not over when the log ends"))
    return found


def _node(data: dict[str, Any], at: int) -> Found:
    start_s, finish_s = (
        _time(data.get("start"), "start", at),
        _time(data.get("finish"), "finish", at),
    )
    wall_s = number(data.get("duration"), "duration", at, MOST_S)
    if wall_s is None and start_s is not None and finish_s is not None:
        if finish_s < start_s:
            raise MalformedError(at, "`finish` is before `start`")
        wall_s = finish_s - start_s
    used = number(data.get("runtime_threads"), "runtime_threads", at, 100 * MOST_CORES)
    memory_gb = number(data.get("runtime_memory_gb"), "runtime_memory_gb", at, _MOST_GB)
    asked_gb = number(data.get("estimated_memory_gb"), "estimated_memory_gb", at, _MOST_GB)
    threads = number(data.get("num_threads"), "num_threads", at, MOST_CORES)
    asked = {"cores": threads, "memory_bytes": whole(None if asked_gb is None else asked_gb * GIB)}
    figures: dict[str, Any] = {
        "at_s": start_s,
        "wall_s": wall_s,
        "cores_peak": _cores(used, threads, two_lines="duration" not in data),
        "memory_peak_bytes": None if not memory_gb else whole(memory_gb * GIB),
        "request": {name: value for name, value in asked.items() if value is not None},
    }
    outcome = FAILED if data.get("error") else OK
    return Found(str(data["name"]), figures, outcome, str(data.get("id", "")), at)


def _cores(used: float | None, threads: float | None, *, two_lines: bool) -> float | None:
    """Percent, but for the format with two lines, whose figures are threads."""
    if not used:  # nipype writes 0 where it has not looked
        return None
    return used if two_lines else used / 100


def _time(value: Any, what: str, at: int) -> float | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise MalformedError(at, f"`{what}` is no time: {str(value)[:40]!r}") from None


# --- resource_monitor.json -----------------------------------------------------------------------


def _columns(data: dict[str, Any]) -> list[Found]:
    missing = [name for name in _COLUMNS if not isinstance(data.get(name), list)]
    if missing:
        raise MalformedError(1, f"it has no list {', '.join(f'`{n}`' for n in missing)}")
    lengths = {name: len(column) for name, column in data.items() if isinstance(column, list)}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        raise MalformedError(1, f"its columns are of different lengths: {shown}")
    looks: dict[str, list[tuple[float, float, float]]] = {}
    for i, name in enumerate(data["name"]):
        where = f"[{i}]"
        at_s = number(data["time"][i], f"time{where}", 1, 1e11)
        rss = number(data["rss_GiB"][i], f"rss_GiB{where}", 1, _MOST_GB)
        percent = number(data["cpus"][i], f"cpus{where}", 1, 100 * MOST_CORES)
        if at_s is None or rss is None or percent is None:
            raise MalformedError(1, f"at {where} a figure is missing")
        looks.setdefault(str(name), []).append((at_s, rss, percent))
    return [_watched(name, rows) for name, rows in looks.items()]


def _watched(name: str, rows: list[tuple[float, float, float]]) -> Found:
    rows.sort()
    start_s = rows[0][0]
    times_s, used = [at_s for at_s, _, _ in rows], [percent / 100 for _, _, percent in rows]
    peak = whole(max(rss for _, rss, _ in rows) * GIB)
    figures: dict[str, Any] = {
        "at_s": start_s,
        "wall_s": rows[-1][0] - start_s or None,  # of a single look nothing is known
        "cores_peak": max(thin_out(times_s, used)),  # what is seen over an instant is chance
        "memory_peak_bytes": peak,
        "series": {
            "t_s": [round(at_s - start_s, 6) for at_s in times_s],
            "cores": used,
            "rss_bytes": [whole(rss * GIB) for _, rss, _ in rows],
        },
    }
    return Found(name, figures, OK)
