"""What a run is expected to come to: how long, how well it uses the machine, what limits it."""

from array import array
from collections.abc import Sequence

from flowc.dataclass import dataclass
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.request import Request
from flowc.run.arrange import simulate
from flowc.run.budget import Budget
from flowc.run.claims import Claims
from flowc.run.durations import Durations
from flowc.run.need import Requests
from flowc.run.simulate import Simulated
from flowc.run.state import RunState


@dataclass(frozen=True)
class Bound:
    """No schedule is shorter: `what` ("cores", "memory", "dependencies" or a name) is the reason.
    The work of all jobs has to fit into it, and so has the longest chain."""

    seconds: float
    what: str


@dataclass(frozen=True)
class Prediction:
    """See the head of the file. Shares are parts of 1, over the whole makespan."""

    cores: float
    memory_bytes: float
    jobs: int
    makespan_s: float
    bound: Bound
    cores_used: float
    memory_used: float
    limited: dict[str, float]  # what waiting jobs waited for: the part of the makespan, most first
    critical_path: list[JobId]
    critical_path_s: float
    simulated: Simulated

    @property
    def limit(self) -> str:
        """What limits most."""
        return next(iter(self.limited), "nothing")


def predict(
    plan: Plan,
    budget: Budget,
    durations: Durations,
    *,
    schedule: str = "rank",
    search_s: float = 1.0,
    clip: bool = False,
) -> Prediction:
    """Run the plan in simulated time. Jobs that may have to run are taken to run.

    Raises ImpossibleRequestError where a job can never fit. A job that gets fewer threads than it
    asks for takes so much longer."""
    graph = plan.graph
    state = RunState(graph, plan.decisions)
    requests = Requests(plan, budget, clip=clip)
    requests.check(state.active)
    if not clip:
        Claims(state, budget, lambda job: requests.first_need(state.members(job))).check()
    granted: dict[JobId, Request] = {}
    seconds = array("d", durations.seconds)
    runs = [rule.command is not None for rule in graph.workflow.rules]
    jobs = [job for job in state.active if runs[graph.rule_of[job]]]
    for job in jobs:
        request = granted[job] = requests.of(job, 1)
        asked = plan.request(job, 1).cores
        if request.cores < asked:
            seconds[job] *= asked / request.cores
    ranks = state.ranks(seconds)
    path = _critical_path(state, jobs, ranks)
    path_s = max((ranks[job] for job in path), default=0.0)
    bound = _bound(budget, jobs, granted, seconds, path_s)
    done = simulate(
        lambda: RunState(graph, plan.decisions),
        budget,
        granted.__getitem__,
        seconds,
        schedule=schedule,
        search_s=search_s,
        is_known=durations.is_known,
        is_exact=durations.is_exact,
    )
    whole_s = done.makespan_s or 1.0
    limited = sorted(done.limited_s.items(), key=lambda item: -item[1])
    return Prediction(
        cores=budget.cores,
        memory_bytes=budget.memory_bytes,
        jobs=len(jobs),
        makespan_s=done.makespan_s,
        bound=bound,
        cores_used=done.core_s / (budget.cores * whole_s),
        memory_used=done.memory_byte_s / (budget.memory_bytes * whole_s),
        limited={what: part_s / whole_s for what, part_s in limited},
        critical_path=path,
        critical_path_s=path_s,
        simulated=done,
    )


def _bound(
    budget: Budget,
    jobs: Sequence[JobId],
    granted: dict[JobId, Request],
    seconds: Sequence[float],
    path_s: float,
) -> Bound:
    work: dict[str, float] = {}
    for job in jobs:
        need, job_s = budget.need(granted[job]), seconds[job]
        shares = [
            ("cores", need.cores / budget.cores),
            ("memory", need.memory_bytes / budget.memory_bytes),
            *((name, units / budget.named[name]) for name, units in need.named if units),
        ]
        for name, share in shares:
            work[name] = work.get(name, 0.0) + share * job_s
    most = max(work.items(), key=lambda item: item[1], default=("cores", 0.0))
    return Bound(path_s, "dependencies") if path_s >= most[1] else Bound(most[1], most[0])


def _critical_path(state: RunState, jobs: Sequence[JobId], ranks: Sequence[float]) -> list[JobId]:
    """The longest chain of jobs, from its beginning."""
    active = set(jobs)
    first = max(jobs, key=ranks.__getitem__, default=None)
    path: list[JobId] = []
    while first is not None:
        if first in active:
            path.append(first)
        first = max(state.readers(first), key=ranks.__getitem__, default=None)
    return path
