"""Further attempts that ask for more: a unit of their own behind each unit whose rule wants them.

A script cannot ask for more than it was given. So where a rule has `retries`, and a figure of it
depends on `attempt`, the next attempt is submitted at once, to wait for the end of the one before;
it finds the markers of what is done, and runs only what is not.
"""

from collections.abc import Sequence

from flowc.dataclass import replace
from flowc.export.units import Unit, signature
from flowc.plan.decision import Plan
from flowc.plan.request import Request


def with_attempts(plan: Plan, units: Sequence[Unit]) -> list[Unit]:
    """The units with those of further attempts among them, numbered anew; what waits for a unit
    waits for its last attempt."""
    found: list[Unit] = []
    last: dict[int, int] = {}  # by the old number of a unit, its last attempt's new one
    for unit in units:
        whole = [last[number] for number in unit.whole]
        by_element = [last[number] for number in unit.by_element]
        after = [last[number] for number in unit.after]
        for attempt, request in enumerate(_requests(plan, unit), 1):
            number = len(found) + 1
            name = f"{number:04}-{unit.name.partition('-')[2]}"
            behind = [number - 1] if attempt > 1 else []
            found.append(
                replace(
                    unit,
                    number=number,
                    name=f"{name}.{attempt}" if attempt > 1 else name,
                    request=request,
                    whole=whole,
                    by_element=by_element,
                    after=[*after, *behind],
                    attempt=attempt,
                )
            )
        last[unit.number] = len(found)
    return found


def _requests(plan: Plan, unit: Unit) -> list[Request]:
    """What the attempts ask for, which differs; a single one where it would not."""
    jobs = [job for element in unit.elements for job in element]
    requests = [unit.request]
    if unit.here:  # nothing is asked for: a script tries again by itself
        return requests
    for attempt in range(2, (unit.rule.retries or 0) + 2):
        asked = [plan.request(job, attempt) for job in jobs]
        most = max(asked, key=lambda one: (one.memory_bytes, one.limit_s or 0, one.cores))
        limits = [one.limit_s for one in asked if one.limit_s is not None]
        requests.append(
            replace(
                most,
                cores=max(one.cores for one in asked),
                limit_s=max(limits) if len(limits) == len(asked) else None,
            )
        )
    differ = any(signature(one) != signature(unit.request) for one in requests)
    return requests if differ else requests[:1]
