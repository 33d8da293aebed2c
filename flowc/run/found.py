"""From a run's jobs to a scheduling problem, and from what a search finds to a chooser."""

from collections.abc import Callable, Sequence
from math import isfinite

from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.budget import Budget
from flowc.run.follow import Follower
from flowc.run.search import Search
from flowc.run.sgs import Problem, problem_of
from flowc.run.simulate import Simulated
from flowc.run.state import RunState


def searched(
    state: RunState,
    budget: Budget,
    jobs: Sequence[JobId],
    request: Callable[[JobId], Request],
    expected: Sequence[float],
    known: Simulated,
    seconds: float,
) -> Follower | None:
    """A chooser that follows what a search of so many seconds finds; None where that is no shorter
    than a schedule that is known already, or where priorities say what comes first."""
    requests = [request(job) for job in jobs]
    if any(one.priority != requests[0].priority for one in requests):
        return None
    problem = _problem(state.graph, jobs, requests, budget, expected)
    starts = [known.starts_s[job] for job in jobs]
    count = range(len(jobs))
    ranks = state.ranks(expected)
    orders = [
        sorted(count, key=lambda i: (starts[i], i)),
        sorted(count, key=lambda i: (-ranks[jobs[i]], i)),
        list(count),
    ]
    found = Search(problem).run(orders, seconds)
    if found.makespan > 0.999 * known.makespan_s:
        return None
    return Follower(budget, state, jobs, problem, found.order)


def _problem(
    graph: JobGraph,
    jobs: Sequence[JobId],
    requests: Sequence[Request],
    budget: Budget,
    expected: Sequence[float],
) -> Problem:
    names = sorted(name for name, total in budget.named.items() if isfinite(total))
    rows = []
    for one in requests:
        need = budget.need(one)
        named = dict(need.named)
        rows.append([need.cores, need.memory_bytes, *(named.get(name, 0.0) for name in names)])
    totals = [budget.cores, budget.memory_bytes, *(budget.named[name] for name in names)]
    return problem_of([expected[job] for job in jobs], rows, totals, _needs(graph, jobs))


def _needs(graph: JobGraph, jobs: Sequence[JobId]) -> list[list[int]]:
    """What each job waits for, as places in `jobs`; through jobs without a command."""
    place = {job: i for i, job in enumerate(jobs)}
    rules, rule_of = graph.workflow.rules, graph.rule_of
    through: dict[JobId, set[int]] = {}

    def behind(job: JobId) -> set[int]:
        found: set[int] = set()
        for maker in graph.needs(job):
            if maker in place:
                found.add(place[maker])
            elif rules[rule_of[maker]].command is None:
                if maker not in through:
                    through[maker] = behind(maker)
                found |= through[maker]
        return found

    return [sorted(behind(job)) for job in jobs]
