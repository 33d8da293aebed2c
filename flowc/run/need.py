"""What jobs ask for, held against what the run may use."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from flowc.dataclass import replace
from flowc.diagnostic import Diagnostic, ImpossibleRequestError, WorkflowError, fail
from flowc.executors.base import Capacity, Task
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.plan.call import is_function
from flowc.plan.decision import Plan
from flowc.plan.request import Origin, Request
from flowc.run.budget import HERE_CORES, HERE_MEMORY, IN_QUEUE, Budget, Need, total
from flowc.run.causes import NOT_ITS_FAULT
from flowc.run.options import RunOptions
from flowc.run.place import Places
from flowc.units import MIB, show_gb

TWICE = Origin("scaled", "twice what was used when the memory was used up")
MEASURED = Origin("scaled", "the most that was measured of its rule, as the memory was used up")
SLACK_BYTES = 16 * MIB
"""More than the same job used when it was measured."""


def is_constant(rule: Rule) -> bool:
    """Whether all jobs of a rule ask for the same, whatever their inputs and attempts."""
    settings = (rule.threads, rule.mem, rule.runtime, *rule.resources.values())
    return rule.profile is None and not any(
        setting is not None and is_function(setting.value) for setting in settings
    )


def run_budget(graph: JobGraph, capacity: Capacity | None, options: RunOptions) -> Budget:
    """`budget_of` a run, which may be divided between a cluster and this machine."""
    resources = dict(options.resources)
    if options.here is not None:
        resources |= {HERE_CORES: options.here.cores, HERE_MEMORY: options.here.memory_bytes}
    if options.jobs_at_once is not None:
        resources[IN_QUEUE] = options.jobs_at_once
    if capacity is not None or options.here is None:
        return budget_of(graph, capacity, resources, options.limits)
    limits = {**graph.workflow.limits, **options.limits}
    cores, memory_bytes = options.cores_at_once, options.memory_at_once_bytes
    return Budget(cores or inf, memory_bytes or inf, resources, limits)


def budget_of(
    graph: JobGraph,
    capacity: Capacity | None,
    resources: Mapping[str, float],
    limits: Mapping[str, float],
) -> Budget:
    """What a run may use: `capacity` None: the cluster decides. The workflow's own limits hold
    where `limits` does not say otherwise."""
    limits = {**graph.workflow.limits, **limits}
    if capacity is None:
        return Budget(resources=resources, limits=limits)
    resources = {**capacity.resources, **resources}
    return Budget(capacity.cores, capacity.memory_bytes, resources, limits)


class Requests:
    """Requests of jobs as they are to be granted."""

    def __init__(
        self, plan: Plan, budget: Budget, *, clip: bool, places: Places | None = None
    ) -> None:
        self._plan = plan
        self.places = places or Places(plan.graph, None, None)
        self._budget = budget
        self._clip = clip
        self._raised: dict[JobId, Request] = {}  # what was learnt from attempts that failed
        self._innocent: dict[JobId, int] = {}  # how many of them have failed for another's fault

    def learn(
        self,
        job: JobId,
        cause: str,
        memory_bytes: int,
        seen_bytes: int | None,
        limit_s: float | None,
    ) -> None:
        """An attempt has used up its memory or its time: the next one asks for twice as much, or
        for the most memory that was measured of its rule, where that is more than it has had."""
        if cause in NOT_ITS_FAULT:
            self._innocent[job] = self._innocent.get(job, 0) + 1
        known = self._raised.get(job, Request(memory_bytes=0))
        if cause == "oom":
            used_bytes = max(memory_bytes, seen_bytes or 0)
            most_bytes = self._plan.measured(job) or 0
            origin, next_bytes = TWICE, 2 * used_bytes
            if most_bytes > used_bytes:
                origin, next_bytes = MEASURED, most_bytes + SLACK_BYTES
            origins = {"memory": origin}
            known = replace(known, memory_bytes=next_bytes, origins=origins)
        elif cause == "time-limit" and limit_s is not None:
            known = replace(known, limit_s=2 * limit_s)
        self._raised[job] = known

    def reckoned_with(self, cause: str, task: Task) -> bool:
        """Whether an attempt has used up memory that measurements have sized, and another can get
        more: such sizes are chosen so that few jobs fail, and not none. A rule that says
        `retries: 0` is taken at its word."""
        rule = self._plan.graph.job(task.job).rule
        if cause != "oom" or rule.retries == 0 or task.memory_bytes >= self._budget.memory_bytes:
            return False
        return self._plan.measured(task.job) is not None

    def _raise(self, job: JobId, request: Request) -> Request:
        """What a job asks for, after what was learnt from its earlier attempts."""
        known = self._raised.get(job)
        if known is None:
            return request
        if known.memory_bytes > request.memory_bytes:
            memory_bytes = int(
                max(request.memory_bytes, min(known.memory_bytes, self._budget.memory_bytes))
            )
            origins = {**request.origins, **known.origins}
            request = replace(request, memory_bytes=memory_bytes, origins=origins)
        if known.limit_s is not None and request.limit_s is not None:
            origin = Origin("scaled", "twice the time that was used up")
            limit_s = max(request.limit_s, known.limit_s)
            origins = {**request.origins, "runtime": origin}
            request = replace(request, limit_s=limit_s, origins=origins)
        return request

    def _planned(self, job: JobId, attempt: int) -> Request:
        """Figures of measurements rise from attempt to attempt, but for those that have failed for
        another's fault."""
        request = self._plan.request(job, attempt)
        own = attempt - self._innocent.get(job, 0)
        origin = request.origins.get("memory")
        if own == attempt or origin is None or origin.kind not in ("profile", "override"):
            return request
        return replace(request, memory_bytes=self._plan.request(job, own).memory_bytes)

    def of(self, job: JobId, attempt: int) -> Request:
        """What an attempt at a job gets. Raises WorkflowError where it can never get it.

        Threads are scaled down to what there is. So is all else with `clip`, and in later
        attempts: who asks for more each time gets all there is in the end.
        """
        request = self._raise(job, self._planned(job, attempt))
        request = self.places.placed(job, request)
        budget = self._budget
        if request.cores > budget.cores:
            request = _lowered(request, "cores", budget.cores)
        excess = budget.excess(budget.need(request))
        if not excess:
            return request
        if not self._clip and attempt == 1:
            name = self._plan.graph.job(job).name
            what = ", ".join(asked(*one) for one in excess)
            raise fail("impossible-request", f"{name} asks for {what}")
        for what, _, most in excess:
            request = _lowered(request, what, most)
        return request

    def need(self, jobs: Sequence[JobId], requests: Sequence[Request]) -> Need:
        """What jobs take that run at once. Raises WorkflowError where it can never be had."""
        need = total([self._budget.need(request) for request in requests])
        if len(jobs) == 1:
            return need
        excess = self._budget.excess(need)
        if not excess:
            return need
        if not self._clip:
            raise WorkflowError(_bundle_fault(self._plan.graph, jobs, excess))
        return self._budget.lowered(need)

    def first_need(self, jobs: Sequence[JobId]) -> Need:
        """What jobs take that run at once, in their first attempts; what cannot be had is lowered
        without a word: whoever starts them will see."""
        requests = [self.places.placed(job, self._plan.request(job, 1)) for job in jobs]
        return self._budget.lowered(total([self._budget.need(one) for one in requests]))

    def _check_place(self, jobs: Sequence[JobId]) -> None:
        """What has to run on one machine runs on a cluster nowhere, but may beside it."""
        graph, streams = self._plan.graph, self._plan.graph.streams
        for job in jobs if streams.passing else ():
            together = (*streams.bundles.get(job, ()), *streams.consumers.get(job, ()))
            if together and not all(map(self.places.is_local, (job, *together))):
                raise fail(
                    "pipe-on-cluster",
                    f"`{graph.job(job).name}` has to run on one machine with others",
                    graph.job(job).rule.span,
                    hint="run it with `--executor local`, or write `localrule: True` into each",
                )

    def _check_bundles(self, jobs: Sequence[JobId]) -> Iterator[Diagnostic]:
        """Faults of jobs that cannot run at once, once for each set of rules."""
        graph, bundles = self._plan.graph, self._plan.graph.streams.bundles
        seen: set[tuple[int, ...]] = set()
        for job in jobs if bundles else ():
            bundle = bundles.get(job, (job,))
            rules = tuple(graph.rule_of[member] for member in bundle)
            if len(bundle) == 1 or job != bundle[0] or rules in seen:
                continue
            requests = [self.places.placed(one, self._plan.request(one, 1)) for one in bundle]
            needs = [self._budget.need(request) for request in requests]
            cores = [min(need.cores, self._budget.cores) for need in needs]
            needs = [n._replace(cores=int(c)) for n, c in zip(needs, cores, strict=True)]
            excess = self._budget.excess(total(needs))
            if excess:
                seen.add(rules)
                yield _bundle_fault(graph, bundle, excess)

    def check(self, jobs: Sequence[JobId]) -> None:
        """Raises ImpossibleRequestError, naming every rule with a job that can never fit."""
        graph, budget = self._plan.graph, self._budget
        if budget.is_divided or budget.cores == inf:  # it is not for this machine alone
            self._check_place(jobs)
        if self._clip:
            return
        seen: set[int] = set()
        faults: dict[int, Diagnostic] = {}
        for job in jobs:
            id = graph.rule_of[job]
            if id in seen:
                continue
            rule = graph.workflow.rules[id]
            if rule.command is None or is_constant(rule):
                seen.add(id)
            if rule.command is None:
                continue
            request = self.places.placed(job, self._plan.request(job, 1))
            need = budget.need(request)
            excess = [
                one for one in budget.excess(need) if one[0] not in ("cores", *request.unknown)
            ]
            if excess:
                seen.add(id)
                faults[id] = _fault(graph, job, request, excess)
        found = [faults[id] for id in sorted(faults)] or [*self._check_bundles(jobs)]
        if found:
            raise ImpossibleRequestError(found)


def _fault(
    graph: JobGraph, job: JobId, request: Request, excess: list[tuple[str, float, float]]
) -> Diagnostic:
    view = graph.job(job)
    figure = excess[0][0].removeprefix("limit:").removeprefix("here:")
    origin: Origin | None = request.origins.get(figure)
    span = origin.span if origin is not None and origin.span is not None else view.rule.span
    what = ", ".join(asked(*one) for one in excess)
    name = f" (its job {view.name})" if len(view.wildcards) else ""
    return Diagnostic(
        "impossible-request",
        f"rule `{view.rule.name}` can never run{name}: it asks for {what}",
        span,
        hint="give the run more, let the rule ask for less, or let `--clip` lower what it asks for",
    )


def _bundle_fault(
    graph: JobGraph, jobs: Sequence[JobId], excess: list[tuple[str, float, float]]
) -> Diagnostic:
    *names, last = [f"`{graph.job(job).name}`" for job in jobs]
    what = ", ".join(asked(*one) for one in excess)
    return Diagnostic(
        "impossible-request",
        f"{', '.join(names)} and {last} run at once, as pipes connect them, and ask for {what}",
        graph.job(jobs[0]).rule.span,
        hint="give the run more (`--cores`, `--mem`), let the rules ask for less, or let `--clip` "
        "run them with what there is",
    )


def asked(what: str, asked: float, total: float) -> str:
    """A figure that cannot be had, for people."""
    if what == "memory":
        return f"{show_gb(asked)} of memory, and the run may use {show_gb(total)}"
    if what == HERE_CORES:
        return f"{asked:g} cores, and local jobs may use {total:g} (--local-cores)"
    if what == HERE_MEMORY:
        return f"{show_gb(asked)} of memory, and local jobs may use {show_gb(total)} (--local-mem)"
    name = what.removeprefix("limit:")
    kind = "the limit " if what.startswith("limit:") else ""
    return f"{asked:g} of {kind}`{name}`, and the run has {total:g}"


def _lowered(request: Request, what: str, total: float) -> Request:
    figure = what.removeprefix("here:")
    origins = {**request.origins, figure: Origin("scaled", "to what the run may use")}
    if what == "cores":
        return replace(request, cores=max(1, int(total)), origins=origins)
    if figure == "memory":
        return replace(request, memory_bytes=int(total), origins=origins)
    if what.startswith("limit:"):
        limits = {**request.limits, what.removeprefix("limit:"): int(total)}
        return replace(request, limits=limits, origins=origins)
    lowered = int(total) if total == int(total) else total
    return replace(request, resources={**request.resources, what: lowered}, origins=origins)
