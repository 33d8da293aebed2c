"""Before a run: how its jobs will be chosen, by the schedule that was asked for.

Where it is known how long jobs take, some orders are tried in simulated time and the best is taken,
as long as that costs little beside the run itself. A search goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

from flowc.diagnostic import WorkflowError
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.request import Request
from flowc.run.budget import Budget
from flowc.run.choose import Chooser
from flowc.run.durations import Durations
from flowc.run.order import Ranking
from flowc.run.simulate import Simulated, Simulation
from flowc.run.state import RunState

_ORDERS: tuple[tuple[str, float | None], ...] = (
    ("rank", None), ("rank", 0), ("path", None), ("file", inf), ("mem-thread", 0), ("rank", 4)
)  # fmt: skip
"""What is tried: a ranking, and how many starts may pass over the first in order."""
_NAMES = {"path": "the rank alone", "file": "the order of the graph"}
_TRY_S = 25e-6
"""What trying an order costs, for each job."""
_WORTH = 0.01
"""Trying may cost so much of the time that the run takes at least."""
_MOST_JOBS = 4000
"""No search goes through more."""


@dataclass(frozen=True)
class Arranged:
    """`ranking` says in what order; `chooser` which fits. `how`: for people."""

    ranking: Ranking
    chooser: Chooser
    how: str


@dataclass(frozen=True)
class Outlook:
    """What is known of a run before it starts. `new_state` gives a state that has not begun."""

    new_state: Callable[[], RunState]
    request: Callable[[JobId], Request]
    expected: Sequence[float]  # seconds by job
    is_known: bool  # whether those say anything
    is_exact: bool  # whether they say it of each job


def outlook_of(plan: Plan, request: Callable[[JobId], Request], known: Durations) -> Outlook:
    """What is known of a plan's run."""
    return Outlook(
        lambda: RunState(plan.graph, plan.decisions),
        request,
        known.seconds,
        known.is_known,
        known.is_exact,
    )


def arrange(
    schedule: str, state: RunState, budget: Budget, outlook: Outlook, search_s: float = 1.0
) -> Arranged:
    """How the jobs of `state` are to be chosen. `search_s`: how long a search may take."""
    ranks = state.ranks(outlook.expected)
    if schedule not in ("rank", "search"):
        return Arranged(Ranking(schedule, ranks, budget), Chooser(budget), schedule)
    plain = Arranged(Ranking("rank", ranks, budget), Chooser(budget), "rank")
    if not outlook.is_known or not isfinite(budget.cores + budget.memory_bytes):
        return plain
    rules, rule_of = state.graph.workflow.rules, state.graph.rule_of
    jobs = [job for job in state.active if rules[rule_of[job]].command is not None]
    is_simple = outlook.is_exact and not state.graph.streams.passing
    searches = schedule == "search" and is_simple and 1 < len(jobs) <= _MOST_JOBS
    worth_s = search_s if searches else _WORTH * sum(outlook.expected) / budget.cores
    best: tuple[float, str, float | None, Simulated] | None = None
    for number, (name, patience) in enumerate(_ORDERS):
        if (number + 1) * len(jobs) * _TRY_S > worth_s:
            break
        try:
            done = _tried(name, patience, ranks, budget, outlook)
        except WorkflowError:  # what a job asks for cannot be had: the run will tell of it
            return plain
        if best is None or done.makespan_s < 0.999 * best[0]:
            best = (done.makespan_s, name, patience, done)
    if best is None:
        return plain
    _, name, patience, done = best
    how = _NAMES.get(name, name)
    if patience is not None and isfinite(patience):
        how += f", passing over {patience:g} times"
    if searches:
        from flowc.run.found import searched  # the search is for those who ask for it

        request, expected = outlook.request, outlook.expected
        found = searched(state, budget, jobs, request, expected, done, search_s)
        if found is not None:
            return Arranged(Ranking("rank", ranks, budget), found, "search")
    return Arranged(Ranking(name, ranks, budget), Chooser(budget, patience=patience), how)


def _tried(
    name: str, patience: float | None, ranks: Sequence[float], budget: Budget, outlook: Outlook
) -> Simulated:
    mine = budget.fresh()
    chooser = Chooser(mine, patience=patience)
    ranking = Ranking(name, ranks, mine)
    expected = outlook.expected
    state = outlook.new_state()
    return Simulation(state, chooser, ranking, outlook.request, expected, expected).run()


def simulate(
    new_state: Callable[[], RunState],
    budget: Budget,
    request: Callable[[JobId], Request],
    durations: Sequence[float],
    *,
    expected: Sequence[float] | None = None,
    schedule: str = "rank",
    search_s: float = 1.0,
    is_known: bool = True,
    is_exact: bool = True,
) -> Simulated:
    """A run in simulated time. `durations`: by job, how long each takes; `expected`: how long it
    is thought to take (None: the very same)."""
    expected = durations if expected is None else expected
    state = new_state()
    outlook = Outlook(new_state, request, expected, is_known, is_exact)
    how = arrange(schedule, state, budget, outlook, search_s)
    done = Simulation(state, how.chooser, how.ranking, request, durations, expected).run()
    return replace(done, how=how.how)
