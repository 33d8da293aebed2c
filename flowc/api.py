"""What the command line, tests and other programs call.

    graph = compile_file("Workflowfile", ["results/a.txt"])
    plan = plan_file("Workflowfile")
    result = run_file("Workflowfile", run=RunOptions(cores=4))

Wherever a Workflowfile is taken, a file that `flowc compile` has written is taken too. Paths are
relative to the process's working directory. A mistake of the user is raised as `WorkflowError`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowc.diagnostic import fail
from flowc.disk import Disk, RealDisk
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.workflow import Workflow
from flowc.plan.decision import Plan
from flowc.plan.make import make_plan
from flowc.plan.options import PlanOptions
from flowc.plan.request import Request
from flowc.record.history import History, HistoryView


@dataclass(frozen=True, slots=True)
class Reading:
    """How a workflow file is read."""

    config: Mapping[str, Any] = field(default_factory=dict)  # beats every file
    configfiles: Sequence[str] = ()  # read after the workflow's own, the last one wins
    cores: int | None = None  # what `workflow.cores` says; None: what the machine allows


def load_file(path: str, reading: Reading | None = None, *, disk: Disk | None = None) -> Workflow:
    """A Workflowfile's rules. Raises WorkflowError with every mistake found in it."""
    from flowc.lang.load import load_workflow  # the parser; a compiled workflow does without

    reading = reading or Reading()
    return load_workflow(
        path,
        disk=disk or RealDisk(),
        config=reading.config,
        configfiles=reading.configfiles,
        cores=_cores(reading),
    )


def compile_file(
    path: str,
    targets: Sequence[str] = (),
    reading: Reading | None = None,
    *,
    disk: Disk | None = None,
) -> JobGraph:
    """Every job that the targets need. Without targets, those of the workflow's default."""
    from flowc.graph.ir import is_ir, read_ir  # its schema check is for such files alone

    disk = disk or RealDisk()
    if is_ir(path):
        from flowc.graph.select import select_targets  # as above

        if reading is not None and (reading.config or reading.configfiles):
            raise fail(
                "fixed-config",
                f"`{path}` is compiled: its config cannot be changed any more",
                hint="compile the Workflowfile anew with this config",
            )
        graph = read_ir(path, disk)
        names = graph.workflow.by_name
        return select_targets(graph, normal_targets(targets, names)) if targets else graph
    from flowc.graph.build import build_graph  # as above

    workflow = load_file(path, reading, disk=disk)
    return build_graph(workflow, normal_targets(targets, workflow.by_name), disk)


def ir_of(graph: JobGraph, options: PlanOptions | None = None) -> Iterator[str]:
    """The lines of the graph's JSON form, with what each job asks for under these options."""
    from flowc.graph.ir import ir_lines  # the JSON form is for such files alone
    from flowc.plan.resolve import Resolver  # as above

    resolver = Resolver(graph, RealDisk(), options or PlanOptions())
    return ir_lines(graph, lambda job: _request_data(resolver.request(job)))


def plan_graph(
    graph: JobGraph,
    options: PlanOptions | None = None,
    *,
    history: HistoryView | None = None,
    disk: Disk | None = None,
) -> Plan:
    """What must run, and why. The history is that of the working directory; nothing is written."""
    history = History(read_only=True) if history is None else history
    return make_plan(graph, history, disk or RealDisk(), options or PlanOptions())


def plan_file(
    path: str,
    targets: Sequence[str] = (),
    reading: Reading | None = None,
    options: PlanOptions | None = None,
    *,
    history: HistoryView | None = None,
    disk: Disk | None = None,
) -> Plan:
    """`compile_file` and `plan_graph` in one."""
    graph = compile_file(path, targets, reading, disk=disk)
    return plan_graph(graph, options, history=history, disk=disk)


def normal_targets(targets: Sequence[str], rules: Mapping[str, Any]) -> list[str]:
    """Names of rules as they are; relative paths as rules write them: `./a//b` is `a/b`."""
    found = []
    for target in targets:
        if not target:
            raise fail("bad-target", "a target is empty", hint="name a file or a rule")
        if target in rules or os.path.isabs(target):
            found.append(target)
        else:
            found.append(os.path.relpath(target))
    return found


def shell_command(plan: Plan, job: JobId) -> str:
    """The command of a job's first attempt as it would run; empty for a rule without one."""
    from flowc.lang.template import fill  # only where commands are shown
    from flowc.run.values import JobValues  # as above

    view = plan.graph.job(job)
    if view.rule.command is None:
        return ""
    return fill(view.rule.command, JobValues(view, 1, plan.request(job, 1)))


def _cores(reading: Reading) -> int:
    if reading.cores is not None:
        return reading.cores
    from flowc.machine import allowed  # reads /proc: only where nobody has said

    return allowed().cores


def _request_data(request: Request) -> dict[str, Any]:
    return {
        "cores": request.cores,
        "memory_bytes": request.memory_bytes,
        "limit_s": request.limit_s,
        "priority": request.priority,
        "resources": dict(request.resources),
        "limits": dict(request.limits),
        "unknown": request.unknown,
        "origins": {
            name: {"kind": origin.kind, "detail": origin.detail, "span": origin.span}
            for name, origin in request.origins.items()
        },
    }
