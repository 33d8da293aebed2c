"""What was in use, as a table of a few stretches of time: for those who do not see the charts."""

from collections.abc import Sequence
from typing import NamedTuple

from flowc.report.figures import Figures

STRETCHES = 20


class Stretch(NamedTuple):
    """Means over a part of the run. None: nobody measured."""

    start_s: float
    end_s: float
    cores: float
    used_cores: float | None
    memory_bytes: float
    used_bytes: float | None
    running: float
    waiting: float
    limited_by: str  # for the longest


def stretches(figures: Figures, count: int = STRETCHES) -> list[Stretch]:
    """The run in equal parts."""
    usage, end_s = figures.usage, figures.makespan_s
    if end_s <= 0 or not figures.bars:
        return []
    edges = [end_s * i / count for i in range(count + 1)]
    columns = (
        usage.cores,
        usage.cores_used if figures.core_area.measured else None,
        usage.memory_bytes,
        usage.memory_used if figures.memory_area.measured else None,
        usage.running,
        usage.waiting,
    )
    sums = [[0.0] * count for _ in columns]
    limits: list[dict[str, float]] = [{} for _ in range(count)]
    for i, at_s in enumerate(usage.times_s[:-1]):
        until_s = min(usage.times_s[i + 1], end_s)
        part = min(count - 1, int(at_s / end_s * count))
        while at_s < until_s and part < count:
            edge_s = min(until_s, edges[part + 1])
            lasts_s = edge_s - at_s
            for known, column in zip(sums, columns, strict=True):
                if column is not None:
                    known[part] += column[i] * lasts_s
            what = usage.limited_by[i]
            limits[part][what] = limits[part].get(what, 0.0) + lasts_s
            at_s, part = edge_s, part + 1
    return [_stretch(edges, part, sums, columns, limits[part]) for part in range(count)]


def _stretch(
    edges: Sequence[float],
    part: int,
    sums: Sequence[Sequence[float]],
    columns: Sequence[Sequence[float] | None],
    limits: dict[str, float],
) -> Stretch:
    lasts_s = edges[part + 1] - edges[part]
    cores, used_cores, memory, used_bytes, running, waiting = (
        None if column is None else known[part] / lasts_s
        for known, column in zip(sums, columns, strict=True)
    )
    limited_by = max(limits, key=lambda what: (limits[what], what), default="")
    return Stretch(
        edges[part],
        edges[part + 1],
        cores or 0.0,
        used_cores,
        memory or 0.0,
        used_bytes,
        running or 0.0,
        waiting or 0.0,
        limited_by,
    )
