"""Memory that nobody waits for, given to jobs that are about to start.

An estimate that is tight fails now and then; where there is room anyway it need not. A job may get
what the hungriest job of its rule has ever had, and a margin; but each no more than its part of
what is free, with a part kept for every core that is still idle, so that who comes next finds some.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import NamedTuple

from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.choose import Chooser
from flowc.run.task import Launch

_MARGIN_PERCENT = 15
"""Above the most that was ever seen."""


class Starting(NamedTuple):
    """A job that is about to start, what it asks for, and the most that its rule has had."""

    job: JobId
    memory_bytes: int
    peak_bytes: int


def spare_memory(
    starting: Sequence[Starting], free_bytes: float, free_cores: float
) -> Mapping[JobId, int]:
    """What each job that gets more gets in all."""
    if not starting or free_bytes <= 0 or not isfinite(free_bytes) or not isfinite(free_cores):
        return {}
    part = int(free_bytes / (len(starting) + max(0.0, free_cores)))
    found: dict[JobId, int] = {}
    for job, memory_bytes, peak_bytes in starting:
        more = min(peak_bytes * (100 + _MARGIN_PERCENT) // 100, memory_bytes + part)
        if more > memory_bytes:
            found[job] = more
    return found


def share_out(chooser: Chooser, starting: Sequence[Starting]) -> Mapping[JobId, int]:
    """Give what is to spare to jobs that the chooser has just chosen: nothing where a ready job
    waits for memory."""
    if not starting or chooser.budget.is_divided or chooser.lacks_memory():
        return {}
    budget = chooser.budget
    found = spare_memory(starting, budget.free_memory_bytes, budget.free_cores)
    for job, memory_bytes in found.items():
        chooser.give_more(job, memory_bytes)
    return found


def starting(
    jobs: Sequence[JobId], requests: Mapping[JobId, Request], peak: Callable[[JobId], int]
) -> list[Starting]:
    """Those of the jobs of whose rule it is known what memory it has had."""
    return [Starting(j, requests[j].memory_bytes, most) for j in jobs if (most := peak(j))]


def with_memory(launch: Launch, memory_bytes: int | None) -> Launch:
    """A launch that gets more than it asks for; its command need not know. It may use all of it."""
    if memory_bytes is None:
        return launch
    spare_bytes = memory_bytes - launch.task.memory_bytes
    limit_bytes = launch.task.memory_limit_bytes
    if limit_bytes is not None:
        limit_bytes = max(limit_bytes, memory_bytes)
    task = replace(launch.task, memory_bytes=memory_bytes, memory_limit_bytes=limit_bytes)
    return replace(launch, task=task, spare_bytes=spare_bytes)
