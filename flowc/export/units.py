"""Which jobs are submitted together: arrays of many jobs of one rule, elements of short ones.

Jobs of one rule that are equally deep in the graph and ask for the same become one unit; with
more than one element it is an array. All that a unit needs is in units before it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from flowc.dataclass import dataclass, field
from flowc.diagnostic import ImpossibleRequestError, fail
from flowc.export.shell import plain_name
from flowc.graph.before import waits_in_graph
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.plan.decision import Plan
from flowc.plan.request import Request


class Grouping(NamedTuple):
    """How large units and their elements may be."""

    max_array: int = 1000
    group_to_s: float | None = None  # jobs of one element together take about so long
    arrays: bool = True
    local: bool = True  # rules that are not for the cluster stay with submit.sh
    more: bool = False  # the last attempt of each job asks for more


@dataclass(slots=True)
class Unit:
    """What is submitted in one call. `elements[i]`: jobs that run one after another."""

    number: int  # from 1
    name: str
    rule: Rule
    elements: list[list[JobId]]
    request: Request  # of each job
    whole: list[int] = field(default_factory=list)  # units that must have ended well
    by_element: list[int] = field(default_factory=list)  # the same, element by element
    after: list[int] = field(default_factory=list)  # units that must have ended: limits
    throttle: int | None = None  # so many elements at once
    is_matched: bool = False  # some unit is bound to another's elements
    attempt: int = 1  # a further one runs what the unit before has not done
    here: bool = False  # submit.sh itself runs it
    retries: int = 0  # that its script makes by itself
    times: int = 1  # so many times what its jobs ask for

    @property
    def limit_s(self) -> float | None:
        """Of an element: its jobs run one after another."""
        if self.request.limit_s is None:
            return None
        return self.request.limit_s * max(map(len, self.elements))


def exported_jobs(plan: Plan) -> list[JobId]:
    """Jobs that run or may have to, without those that neither do nor make anything."""
    rules, rule_of = plan.graph.workflow.rules, plan.graph.rule_of
    return [
        job
        for job in plan.to_run()
        if rules[rule_of[job]].command is not None or len(plan.graph.outputs[job])
    ]


def needs_of(graph: JobGraph, jobs: Sequence[JobId]) -> dict[JobId, list[JobId]]:
    """For each of the jobs, those of them that must have ended well before: who makes what it
    reads, and who reads what it updates."""
    exported, readers = set(jobs), waits_in_graph(graph)
    return {
        job: [
            need
            for need in dict.fromkeys((*graph.needs(job), *map(JobId, readers.get(job, ()))))
            if need in exported
        ]
        for job in jobs
    }


def make_units(
    plan: Plan,
    needs: Mapping[JobId, Sequence[JobId]],
    grouping: Grouping,
    seconds: Callable[[JobId], float],
    limits: Mapping[str, float],
) -> list[Unit]:
    """`needs` has all jobs, in topological order. `seconds`: how long one is expected to run."""
    graph = plan.graph
    depth: dict[JobId, int] = {}
    groups: dict[tuple[int, int, tuple[object, ...]], list[JobId]] = {}
    requests: dict[JobId, Request] = {}
    for job, before in needs.items():
        depth[job] = max((depth[need] + 1 for need in before), default=0)
        requests[job] = request = plan.request(job, 1)
        key = (depth[job], graph.rule_of[job], signature(request))
        groups.setdefault(key, []).append(job)
    units: list[Unit] = []
    place: dict[JobId, tuple[int, int]] = {}
    for key in sorted(groups, key=lambda key: key[:2]):
        jobs = sorted(groups[key], key=lambda job: (_first_place(needs[job], place), job))
        elements = _elements(jobs, grouping.group_to_s, seconds)
        size = grouping.max_array if grouping.arrays else 1
        rule = graph.workflow.rules[graph.rule_of[jobs[0]]]
        for at in range(0, len(elements), size):
            number = len(units) + 1
            part = elements[at : at + size]
            name = f"{number:04}-{plain_name(rule.name)}"
            units.append(Unit(number, name, rule, part, requests[jobs[0]]))
            for i, element in enumerate(part):
                place.update(dict.fromkeys(element, (number, i)))
    for unit in units:
        _bind(unit, units, needs, place)
        if grouping.local and unit.rule.local:
            unit.here = all(units[number - 1].here for number in (*unit.whole, *unit.by_element))
    _keep_limits(units, {**graph.workflow.limits, **limits})
    return units


def signature(request: Request) -> tuple[object, ...]:
    """What jobs have in common that ask for the same."""
    resources = tuple(sorted((name, str(value)) for name, value in request.resources.items()))
    limits = tuple(sorted(request.limits.items()))
    return request.cores, request.memory_bytes, request.limit_s, resources, limits


def _first_place(needs: Iterable[JobId], place: Mapping[JobId, tuple[int, int]]) -> tuple[int, int]:
    """Jobs in the order of what they need: so arrays come to match element by element."""
    return max((place[need] for need in needs), default=(0, 0))


def _elements(
    jobs: Sequence[JobId], group_to_s: float | None, seconds: Callable[[JobId], float]
) -> list[list[JobId]]:
    if group_to_s is None:
        return [[job] for job in jobs]
    elements: list[list[JobId]] = []
    room_s = 0.0
    for job in jobs:
        job_s = seconds(job)
        if not elements or job_s > room_s:
            elements.append([])
            room_s = group_to_s
        elements[-1].append(job)
        room_s -= job_s
    return elements


def _bind(
    unit: Unit,
    units: Sequence[Unit],
    needs: Mapping[JobId, Sequence[JobId]],
    place: Mapping[JobId, tuple[int, int]],
) -> None:
    """What the unit waits for: element by element where both are arrays of one size and no
    element needs any but its own."""
    matched: dict[int, bool] = {}
    for i, element in enumerate(unit.elements):
        for job in element:
            for need in needs[job]:
                number, at = place[need]
                matched[number] = matched.get(number, True) and at == i
    for number in sorted(matched):
        other = units[number - 1]
        size = len(unit.elements)
        if matched[number] and size > 1 and len(other.elements) == size and not other.here:
            unit.by_element.append(number)
            unit.is_matched = other.is_matched = True
        else:
            unit.whole.append(number)


def _keep_limits(units: Sequence[Unit], totals: Mapping[str, float]) -> None:
    """An array is throttled; the units that share a limit follow each other, single ones in as
    many lanes as there is room for."""
    users: dict[str, list[Unit]] = {}
    for unit in units:
        for name, count in unit.request.limits.items():
            if count and name in totals:
                users.setdefault(name, []).append(unit)
                at_once = int(totals[name] // count)
                if at_once < 1:
                    raise ImpossibleRequestError(
                        fail(
                            "impossible-request",
                            f"rule `{unit.rule.name}` can never run: it takes {count} of the "
                            f"limit `{name}`, and there is {totals[name]:g}",
                            unit.rule.span,
                        ).diagnostics
                    )
                unit.throttle = min(unit.throttle or at_once, at_once)
    for name, sharing in users.items():
        if all(len(unit.elements) == 1 for unit in sharing):
            lanes = int(totals[name] // max(unit.request.limits[name] for unit in sharing))
        else:
            lanes = 1
        for before, unit in zip(sharing, sharing[lanes:], strict=False):
            if before.number not in (*unit.whole, *unit.after):
                unit.after.append(before.number)
