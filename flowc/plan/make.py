"""`make_plan`: the front door of this phase. `still_needed`: the late decision on a `MAYBE` job."""

from collections.abc import Callable, Sequence

from flowc.disk import Disk
from flowc.graph.job import JobGraph
from flowc.graph.streams import drop_idle
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
    drop_idle(graph, assessment.decisions)
    resolver = Resolver(graph, disk, options)
    request, measured = resolver.request, resolver.measured
    return Plan(
        graph, assessment.decisions, Why(assessment), request, selection.asked, measured=measured
    )


def still_needed(
    plan: Plan,
    job: JobId,
    disk: Disk,
    history: HistoryView,
    ran: Callable[[JobId], bool],
    digests: JobDigests | None = None,
    news: dict[int, bool] | None = None,
) -> bool:
    """Whether a `MAYBE` job must run, now that all jobs it needs are over.

    It must if something upstream has run, unless all its inputs hold what they held when it ran
    last. `digests` (made without `states`) spares reading what other jobs have asked for; `news`,
    by list of files, looking through lists that others read too."""
    graph = plan.graph
    if digests is None:
        digests = JobDigests(graph, FileDigests(disk, history))
    if not _has_news(graph, digests.rules, job, ran, {} if news is None else news):
        return False
    paths = [graph.paths[f] for f in graph.outputs[job]]
    records = history.records(paths)
    known = known_content(list(records.values()))
    return known is None or known != digests.content(job)


def _has_news(
    graph: JobGraph,
    rules: Sequence[RuleFacts],
    job: JobId,
    ran: Callable[[JobId], bool],
    news: dict[int, bool],
) -> bool:
    """Whether a job with an action that makes what counts of the job's inputs has run."""
    waiting, seen = [job], {job}
    phony: set[int] = set()  # files of phony jobs

    def is_new(file: int) -> bool:
        maker = JobId(graph.producer[file])
        if maker == NO_JOB:
            return False
        if not rules[graph.rule_of[maker]].is_phony:
            return ran(maker)
        phony.add(file)
        if maker not in seen:  # it stands for what it reads
            seen.add(maker)
            waiting.append(maker)
        return False

    while waiting:
        for ref in counted_inputs(graph, rules, waiting.pop()):
            if ref >= 0:
                if is_new(ref):
                    return True
            elif ~ref not in news:
                found = any(map(is_new, graph.groups[~ref]))
                if found or phony.isdisjoint(graph.groups[~ref]):  # else those have a say
                    news[~ref] = found
                if found:
                    return True
            elif news[~ref]:
                return True
    return False
