"""What other programs used of the machine while jobs were measured: on a busy one, the cores that a
job has used are those that it got, and tell too little of what it could use."""

import os
from typing import NamedTuple

SHORTEST_S = 1.0
"""Over less time nothing is told: the kernel counts in steps of 10 ms."""
_IDLE_SHARE, _OTHERS_SHARE = 0.1, 0.15


class CpuTimes(NamedTuple):
    """Since the machine was started, of all its cores together."""

    busy_s: float
    idle_s: float


def cpu_times(path: str = "/proc/stat") -> CpuTimes | None:
    """None where nobody tells."""
    try:
        with open(path, "rb") as file:
            words = file.readline().split()
        user, nice, system, idle, wait, irq, softirq, steal = map(int, words[1:9])
    except (OSError, ValueError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    busy = user + nice + system + irq + softirq + steal
    return CpuTimes(busy / ticks, (idle + wait) / ticks)


def crowded_by(
    before: CpuTimes | None, after: CpuTimes | None, own_s: float, wall_s: float
) -> float | None:
    """The cores that others had on the average, where they were many and few were left idle; None
    where that is not so, or not known. `own_s`: CPU time of what was measured."""
    if before is None or after is None or wall_s < SHORTEST_S:
        return None
    busy_s, idle_s = after.busy_s - before.busy_s, after.idle_s - before.idle_s
    others_s = busy_s - own_s
    all_s = busy_s + idle_s
    if all_s <= 0 or idle_s > _IDLE_SHARE * all_s or others_s < _OTHERS_SHARE * all_s:
        return None
    return others_s / wall_s
