"""flowc plan FILE --why: which job makes a file, what is to happen to it, and the cause at the end
of the chain."""

import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from flowc.api import compile_file, normal_targets, plan_graph
from flowc.cli.asked import Asked
from flowc.cli.plan_text import decision_data
from flowc.cli.planning import plan_options
from flowc.cli.show import print_json
from flowc.diagnostic import WorkflowError, fail, printable
from flowc.disk import DIRECTORY, FileState
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, FileId, JobId
from flowc.plan.decision import Decision, Plan
from flowc.plan.reason import UpstreamMayRun, UpstreamRuns
from flowc.units import show_bytes

DEEPEST = 100
"""Of the chain that is printed; its end is what matters, and it is printed as well."""


def explain(found: Asked, args: Namespace) -> int:
    """Explain each file that is named."""
    if not found.targets:
        raise fail("bad-target", "`--why` needs a file to explain", hint="flowc plan FILE --why")
    plan = plan_graph(_graph(found), plan_options(args))
    graph = plan.graph
    for i, path in enumerate(normal_targets(found.targets, graph.workflow.by_name)):
        jobs = _jobs(graph, path)
        if args.json:
            for data in _data(plan, path, jobs):
                print_json(data)
            continue
        if i:
            print()
        print(printable(path))
        for line in _lines(plan, path, jobs):
            print(f"  {printable(line)}")
    return 0


def _graph(found: Asked) -> JobGraph:
    """What a run without targets would look at, if the files are part of that; else what making
    the files would take. A temporary file is needed by the one and not by the other."""
    path, targets, reading = found
    try:
        graph = compile_file(path, (), reading)
    except WorkflowError:
        return compile_file(path, targets, reading)
    names = normal_targets(targets, graph.workflow.by_name)
    if all(_is_in(graph, name) for name in names):
        return graph
    return compile_file(path, targets, reading)


def _is_in(graph: JobGraph, name: str) -> bool:
    if name in graph.file_ids:
        return True
    rule = graph.workflow.by_name.get(name)
    return rule is not None and rule.id in set(graph.rule_of)


def _jobs(graph: JobGraph, name: str) -> list[JobId]:
    """The job that makes a file, or those of a rule."""
    file = graph.file_ids.get(name)
    if file is not None:
        maker = graph.producer[file]
        return [] if maker == NO_JOB else [JobId(maker)]
    rule = graph.workflow.by_name[name]
    return [JobId(j) for j, r in enumerate(graph.rule_of) if r == rule.id]


def _data(plan: Plan, path: str, jobs: list[JobId]) -> Iterator[dict[str, Any]]:
    """The decision of the job that makes the file, and those of the jobs that are its cause."""
    if not jobs:
        yield {"file": path, "source": True}
    for job in jobs:
        chain = [decision_data(plan, cause) for cause in _chain(plan, job)]
        yield {"file": path, "source": False, **chain[0], "causes": chain[1:]}


def _lines(plan: Plan, path: str, jobs: list[JobId]) -> Iterator[str]:
    graph = plan.graph
    file = graph.file_ids.get(path)
    if file is not None:
        yield f"{_state(graph, file)}"
    if not jobs:
        yield "no rule makes it: it is a source"
    for job in jobs:
        depth = 0
        for depth, cause in enumerate(_chain(plan, job)):
            pad = "  " * depth
            verb = "made by" if not depth else "which comes from"
            yield f"{pad}{verb} {_place(graph, cause)}"
            yield from (f"{pad}  {line}" for line in _verdict(plan, cause))
        if depth + 1 >= DEEPEST:
            yield "... and so on"


def _chain(plan: Plan, job: JobId) -> list[JobId]:
    """The job, the job because of which it runs, and so on to one with a cause of its own."""
    chain = [job]
    while len(chain) < DEEPEST:
        reasons = plan.reasons(chain[-1])
        upstream = [r for r in reasons if isinstance(r, UpstreamRuns | UpstreamMayRun)]
        if not upstream or len(upstream) < len(reasons):
            break  # it has a cause of its own
        chain.append(JobId(plan.graph.producer[plan.graph.file_ids[upstream[0].path]]))
    return chain


def _place(graph: JobGraph, id: JobId) -> str:
    job = graph.job(id)
    span = job.rule.span
    return f"{job.name} ({span.source.name}:{span.line})"


def _verdict(plan: Plan, id: JobId) -> Iterator[str]:
    """What is to happen to a job and why."""
    decision = plan.decisions[id]
    if decision == Decision.RUN:
        yield "runs, because"
    elif decision == Decision.MAYBE:
        yield "runs only if what is made before it comes out different"
    else:
        yield from _up_to_date(plan.graph, id)
    if decision:
        for reason in plan.reasons(id):
            yield f"- {reason}{_when(plan.graph, getattr(reason, 'path', None))}"


def _up_to_date(graph: JobGraph, id: JobId) -> Iterator[str]:
    job = graph.job(id)
    outputs = [graph.states[f] for f in graph.outputs[id]]
    if any(state is None for state in outputs):
        yield "does not run: nothing that runs needs it"
        return
    yield "is up to date"
    inputs = [s for f in graph.files_of(graph.inputs[id]) if (s := graph.states[f]) is not None]
    if inputs and job.output_paths:
        newest = max(state.mtime_ns for state in inputs)
        yield f"- newest input: {_time(newest)}"


def _when(graph: JobGraph, path: str | None) -> str:
    """` (changed 2026-01-31 14:25:01)` for a path that exists."""
    file = None if path is None else graph.file_ids.get(path)
    state = None if file is None else graph.states[file]
    return "" if state is None else f" (changed {_time(state.mtime_ns)})"


def _state(graph: JobGraph, file: FileId) -> str:
    state: FileState | None = graph.states[file]
    if state is None:
        return "does not exist"
    size = "a directory" if state.kind == DIRECTORY else show_bytes(state.size_bytes)
    return f"exists: {size}, changed {_time(state.mtime_ns)}"


def _time(mtime_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(mtime_ns // 10**9))
