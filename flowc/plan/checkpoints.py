"""Checkpoints in a plan: what has to wait for one, and what is known when one is done.

A job whose input function asks for a checkpoint that is not done is *pending*: it, and all that
needs it, is held back. When no more can be done without it, the graph is made anew, with all that
has become known in the meantime.
"""

from collections.abc import Callable, Sequence

from flowc.dataclass import replace
from flowc.disk import Disk
from flowc.graph.build import build_graph
from flowc.graph.job import JobGraph
from flowc.graph.streams import join_bundles, readers_of
from flowc.ids import NO_JOB, JobId
from flowc.plan.decision import Decision, Plan


def settle(graph: JobGraph, disk: Disk, make: Callable[[JobGraph], Plan]) -> Plan:
    """The plan, with all checkpoints that are up to date taken for done."""
    plan = make(graph)
    while plan.graph.pending:
        skipped = {JobId(job) for job, what in enumerate(plan.decisions) if what == Decision.SKIP}
        if not _mark(plan, skipped.__contains__, disk):
            return replace(plan, held=_held(plan.graph))
        plan = make(_again(plan.graph, disk))
    return plan


def without_held(plan: Plan) -> Plan:
    """The plan for a run: what is held back is not part of it."""
    if not plan.held:
        return plan
    decisions = bytearray(plan.decisions)
    for job in plan.held:
        decisions[job] = Decision.SKIP
    return replace(plan, decisions=decisions)


def next_graph(plan: Plan, disk: Disk) -> JobGraph | None:
    """The graph after a run of `plan`; None where no checkpoint has been done in it."""
    held = set(plan.held)
    return _again(plan.graph, disk) if _mark(plan, lambda job: job not in held, disk) else None


def outputs_of(plan: Plan) -> frozenset[str]:
    """What the plan makes."""
    paths, outputs = plan.graph.paths, plan.graph.outputs
    return frozenset(paths[file] for job in plan.to_run() for file in outputs[job])


def _mark(plan: Plan, is_done: Callable[[JobId], bool], disk: Disk) -> bool:
    """Note the checkpoints that are done; whether there were any new ones."""
    graph, known = plan.graph, plan.graph.workflow.checkpoints
    if known is None:
        return False
    rules = {rule.id for rule in graph.workflow.rules if rule.is_checkpoint}
    before = len(known.done)
    for id, rule in enumerate(graph.rule_of):
        job = JobId(id)
        if rule not in rules or not is_done(job):
            continue
        paths = [graph.paths[file] for file in graph.outputs[job]]
        if paths and all(disk.stat(path) is not None for path in paths):
            known.done.add(paths[0])
    return len(known.done) > before


def expand_again(graph: JobGraph, targets: Sequence[str], disk: Disk) -> JobGraph:
    """The graph of these targets, or of those that it was made for, made anew."""
    return build_graph(graph.workflow, targets, disk) if targets else _again(graph, disk)


def _again(graph: JobGraph, disk: Disk) -> JobGraph:
    rules = graph.workflow.rules
    targets = [graph.paths[file] for file in graph.targets]
    targets += [rules[graph.rule_of[job]].name for job in graph.target_jobs]
    return build_graph(graph.workflow, targets, disk)


def _held(graph: JobGraph) -> tuple[JobId, ...]:
    """The pending jobs and all that need them; with them go those that would run at once, and the
    makers of pipes and services whose reader is not known yet."""
    held = bytearray(len(graph))
    for job in graph.pending:
        held[job] = 1
    passing = graph.streams.passing
    for file, readers in readers_of(graph, passing).items() if passing else ():
        if not readers:
            held[graph.producer[file]] = 1
    _spread(graph, held)
    while join_bundles(graph, held):
        _spread(graph, held)
    for job, consumers in sorted(graph.streams.consumers.items(), reverse=True):
        if all(held[consumer] for consumer in consumers):
            held[job] = 1
    return tuple(JobId(id) for id, is_held in enumerate(held) if is_held)


def _spread(graph: JobGraph, held: bytearray) -> None:
    """Hold back all that needs what is held."""
    producer, groups = graph.producer, graph.groups
    of_group: dict[int, bool] = {}

    def waits(ref: int) -> bool:
        if ref >= 0:
            return producer[ref] != NO_JOB and bool(held[producer[ref]])
        if ref not in of_group:
            of_group[ref] = any(producer[f] != NO_JOB and held[producer[f]] for f in groups[~ref])
        return of_group[ref]

    for id in range(len(graph)):
        if not held[id] and any(map(waits, graph.inputs[JobId(id)])):
            held[id] = 1
