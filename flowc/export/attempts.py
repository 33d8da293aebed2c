"""Further attempts that ask for more: a unit of their own behind each unit whose rule wants them.

A script cannot ask for more than it was given. So where a rule has `retries`, and a figure of it
depends on `attempt`, the next attempt is submitted at once, to wait for the end of the one before;
it finds the markers of what is done, and runs only what is not. The same can be had for rules that
say nothing of it: then the last attempt asks for twice the memory and the time.
"""

from collections.abc import Sequence

from flowc.dataclass import replace
from flowc.export.units import Unit, signature
from flowc.plan.decision import Plan
from flowc.plan.request import Origin, Request

MORE = 2
"""So many times the memory and the time a job gets that was perhaps killed for lack of them."""


def with_attempts(plan: Plan, units: Sequence[Unit], *, more: bool) -> list[Unit]:
    """The units with those of further attempts among them, numbered anew; what waits for a unit
    waits for its last attempt. `more`: where no rule says what else to ask for, the last attempt
    asks for more of what a job can be killed for."""
    found: list[Unit] = []
    last: dict[int, int] = {}  # by the old number of a unit, its last attempt's new one
    for unit in units:
        whole = [last[number] for number in unit.whole]
        by_element = [last[number] for number in unit.by_element]
        after = [last[number] for number in unit.after]
        for attempt, one in enumerate(_attempts(plan, unit, more), 1):
            number = len(found) + 1
            name = f"{number:04}-{unit.name.partition('-')[2]}"
            behind = [number - 1] if attempt > 1 else []
            found.append(
                replace(
                    one,
                    number=number,
                    name=f"{name}.{attempt}" if attempt > 1 else name,
                    whole=whole,
                    by_element=by_element,
                    after=[*after, *behind],
                    attempt=attempt,
                )
            )
        last[unit.number] = len(found)
    return found


def _attempts(plan: Plan, unit: Unit, more: bool) -> list[Unit]:
    """The unit once for each script that it takes."""
    retries = unit.rule.retries or 0
    if retries and not unit.here:  # nothing is asked for here: a script tries again by itself
        requests = [_request(plan, unit, attempt) for attempt in range(2, retries + 2)]
        if any(signature(one) != signature(unit.request) for one in requests):
            return [replace(unit, request=one) for one in (unit.request, *requests)]
        if more:
            first = replace(unit, retries=retries - 1)
            return [first, replace(unit, request=times(unit.request, MORE), times=MORE)]
    return [replace(unit, retries=retries)]


def times(request: Request, factor: int) -> Request:
    """So many times the memory and the time."""
    if factor == 1:
        return request
    why = Origin("scaled", f"{factor} times, in case it was killed for want of it")
    return replace(
        request,
        memory_bytes=request.memory_bytes * factor,
        limit_s=None if request.limit_s is None else request.limit_s * factor,
        origins={**request.origins, "memory": why, "runtime": why},
    )


def _request(plan: Plan, unit: Unit, attempt: int) -> Request:
    """The most that any of its jobs asks for."""
    asked = [plan.request(job, attempt) for element in unit.elements for job in element]
    most = max(asked, key=lambda one: (one.memory_bytes, one.limit_s or 0, one.cores))
    limits = [one.limit_s for one in asked if one.limit_s is not None]
    return replace(
        most,
        cores=max(one.cores for one in asked),
        limit_s=max(limits) if len(limits) == len(asked) else None,
    )
