"""Figures of a resource file in the form `{name: {ncpu, cpumax, mem, time}}`, made from series.

By the rules of those who defined the form: samples less than 0.1 s after the one before are
dropped; `ncpu` is the highest use rounded up to whole cores, at least 1, and 1 for what took less
than a second; each figure is the largest over all jobs (participants) of one name. `cpumax` is in
percent of one core, `mem` in GiB, `time` in seconds.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from flowc.sizing.profile import OK, Attempt
from flowc.units import GIB

CLOSE_S = 0.1
SHORT_S = 1.0


def thin_out(times_s: Sequence[float], values: Sequence[float | None]) -> list[float]:
    """The values whose sample is not too close to the one kept before."""
    kept: list[float] = []
    last_s = -math.inf
    for at_s, value in zip(times_s, values, strict=True):
        if value is None or at_s - last_s < CLOSE_S - 1e-9:
            continue
        kept.append(value)
        last_s = at_s
    return kept


def column_figures(attempts: Iterable[Attempt]) -> dict[str, dict[str, Any]]:
    """By rule."""
    found: dict[str, dict[str, Any]] = {}
    for attempt in attempts:
        if attempt.outcome != OK:
            continue
        entry = found.setdefault(attempt.rule, {"ncpu": 1, "cpumax": 0.0, "mem": 0.0, "time": 0.0})
        cpumax = _cpumax(attempt)
        wall_s = attempt.wall_s or 0.0
        ncpu = max(1, math.ceil(round(cpumax / 100, 6))) if wall_s >= SHORT_S else 1
        entry["ncpu"] = max(entry["ncpu"], ncpu)
        entry["cpumax"] = max(entry["cpumax"], round(cpumax, 2))
        entry["mem"] = max(entry["mem"], round((_memory_bytes(attempt)) / GIB, 4))
        entry["time"] = max(entry["time"], round(wall_s, 3))
    return found


def _cpumax(attempt: Attempt) -> float:
    times = [t for t in attempt.series.get("t_s", ()) if t is not None]
    cores = attempt.series.get("cores", ())
    seen = thin_out(times, cores) if times and len(times) == len(cores) else []
    if seen:
        return 100 * max(seen)
    return 100 * (attempt.cores_peak or attempt.cores_mean or 0.0)


def _memory_bytes(attempt: Attempt) -> float:
    if attempt.memory_peak_bytes is not None:
        return attempt.memory_peak_bytes
    return max((b for b in attempt.series.get("rss_bytes", ()) if b is not None), default=0)
