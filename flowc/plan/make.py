"""`make_plan`: the front door of this phase. `still_needed`: the late decision on a `MAYBE` job."""

from collections.abc import Callable, Sequence

from flowc.disk import Disk
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, JobId
from flowc.plan.assess import Assessment, known_content
from flowc.plan.decision import Plan
from flowc.plan.digest import FileDigests, JobDigests
from flowc.plan.needed import add_needed
from flowc.plan.options import TRIGGERS, PlanOptions
from flowc.plan.resolve import Resolver
from flowc.plan.rules import RuleFacts, counted_inputs
from flowc.plan.select import select
from flowc.plan.why import Why
from flowc.record.history import HistoryView

__all__ = ["TRIGGERS", "PlanOptions", "make_plan", "still_needed"]

_DEFAULTS = PlanOptions()


def make_plan(
    graph: JobGraph, history: HistoryView, disk: Disk, options: PlanOptions = _DEFAULTS
) -> Plan:
    """What must run. Reasons and requests are worked out when they are asked for.

    Raises WorkflowError for options that name what is not there, and for functions of `params`
    that fail."""
    if options.resource_file:
        from flowc.plan.measured import check_rules_named

        path = next(iter(options.resource_file.values())).path
        check_rules_named(options.resource_file, graph.workflow, path)
    selection = select(graph, options)
    digests = JobDigests(graph, FileDigests(disk, history), graph.states)
    assessment = Assessment(graph, options, selection, history, digests)
    assessment.run()
    add_needed(assessment)
    resolver = Resolver(graph, disk, options)
    return Plan(graph, assessment.decisions, Why(assessment), resolver.request)


def still_needed(
    plan: Plan,
    job: JobId,
    disk: Disk,
    history: HistoryView,
    ran: Callable[[JobId], bool],
    digests: JobDigests | None = None,
) -> bool:
    """Whether a `MAYBE` job must run, now that all jobs it needs are over.

    It must if something upstream has run, unless all its inputs hold what they held when it ran
    last. `digests` (made without `states`) spares reading what other jobs have asked for."""
    graph = plan.graph
    if digests is None:
        digests = JobDigests(graph, FileDigests(disk, history))
    if not any(map(ran, _makers(graph, digests.rules, job))):
        return False
    paths = [graph.paths[f] for f in graph.outputs[job]]
    records = history.records(paths)
    known = known_content(list(records.values()))
    return known is None or known != digests.content(job)


def _makers(graph: JobGraph, rules: Sequence[RuleFacts], job: JobId) -> list[JobId]:
    """The jobs with an action that make what counts of the job's inputs."""
    found: dict[JobId, None] = {}
    waiting, seen = [job], {job}
    while waiting:
        for file in graph.files_of(counted_inputs(graph, rules, waiting.pop())):
            maker = JobId(graph.producer[file])
            if maker == NO_JOB:
                continue
            if not rules[graph.rule_of[maker]].is_phony:
                found[maker] = None
            elif maker not in seen:
                seen.add(maker)
                waiting.append(maker)
    return list(found)
