"""From a Workflowfile to a plan: the first half of `flowc.api`. Nothing is run or written.

Wherever a Workflowfile is taken, a file that `flowc compile` has written is taken too.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from flowc.dataclass import dataclass, field, replace
from flowc.diagnostic import fail
from flowc.disk import Disk, RealDisk
from flowc.graph.job import JobGraph
from flowc.lang.workflow import Workflow
from flowc.machine import allowed
from flowc.plan.decision import Plan
from flowc.plan.make import make_plan
from flowc.plan.options import PlanOptions
from flowc.plan.request import request_data
from flowc.record.history import History, HistoryView


@dataclass(frozen=True, slots=True)
class Reading:
    """How a workflow file is read."""

    config: Mapping[str, Any] = field(default_factory=dict)  # beats every file
    configfiles: Sequence[str] = ()  # read after the workflow's own, the last one wins
    cores: int | None = None  # what `workflow.cores` says; None: what the machine allows
    limits: Collection[str] = ()  # names of limits that the workflow need not declare
    scatter: Mapping[str, int] = field(default_factory=dict)  # numbers of parts: --set-scatter
    workdir: bool = True  # go where the file's `workdir:` says
    replace_config: bool = False  # the given config stands in place of the file's own
    all_temp: bool = False  # every output is `temp`
    groups: Mapping[str, str] = field(default_factory=dict)  # by rule; beats what the rules say


def is_compiled(path: str) -> bool:
    """Whether `flowc compile` has written this file. By its name: no Workflowfile ends so."""
    return path.endswith(".json")


def load_file(path: str, reading: Reading | None = None, *, disk: Disk | None = None) -> Workflow:
    """A Workflowfile's rules. Raises WorkflowError with every mistake found in it."""
    from flowc.lang.load import load_workflow  # the parser; a compiled workflow does without

    reading = reading or Reading()
    workflow = load_workflow(
        path,
        disk=disk or RealDisk(),
        config=reading.config,
        configfiles=reading.configfiles,
        cores=reading.cores or allowed().cores,
        limits=reading.limits,
        scatter=reading.scatter,
        workdir=reading.workdir,
        replace_config=reading.replace_config,
    )
    return _overridden(workflow, reading)


def _overridden(workflow: Workflow, reading: Reading) -> Workflow:
    if not reading.all_temp and not reading.groups:
        return workflow
    from flowc.lang.overrides import override  # for those who ask for it

    return override(workflow, all_temp=reading.all_temp, groups=reading.groups)


def compile_file(
    path: str,
    targets: Sequence[str] = (),
    reading: Reading | None = None,
    *,
    disk: Disk | None = None,
) -> JobGraph:
    """Every job that the targets need. Without targets, those of the workflow's default."""
    disk = disk or RealDisk()
    if is_compiled(path):
        from flowc.graph.ir import read_ir  # its schema check is for such files alone
        from flowc.graph.select import select_targets  # as above

        if reading is not None and (reading.config or reading.configfiles):
            raise fail(
                "fixed-config",
                f"`{path}` is compiled: its config cannot be changed any more",
                hint="compile the Workflowfile anew with this config",
            )
        graph = read_ir(path, disk)
        if reading is not None:
            graph = replace(graph, workflow=_overridden(graph.workflow, reading))
        names = graph.workflow.by_name
        if graph.workflow.checkpoints is not None:  # what they decide is not in the file
            from flowc.plan.checkpoints import expand_again

            return expand_again(graph, normal_targets(targets, names), disk)
        return select_targets(graph, normal_targets(targets, names)) if targets else graph
    from flowc.graph.build import build_graph  # as above

    workflow = load_file(path, reading, disk=disk)
    return build_graph(workflow, normal_targets(targets, workflow.by_name), disk)


def ir_of(graph: JobGraph, options: PlanOptions | None = None) -> Iterator[str]:
    """The lines of the graph's JSON form, with what each job asks for under these options."""
    from flowc.graph.ir import ir_lines  # the JSON form is for such files alone
    from flowc.plan.resolve import Resolver  # as above

    resolver = Resolver(graph, RealDisk(), options or PlanOptions())
    return ir_lines(graph, lambda job: request_data(resolver.request(job), places=True))


def plan_graph(
    graph: JobGraph,
    options: PlanOptions | None = None,
    *,
    history: HistoryView | None = None,
    disk: Disk | None = None,
) -> Plan:
    """What must run, and why. The history is that of the working directory; nothing is written."""
    view = History(read_only=True) if history is None else history
    disk, options = disk or RealDisk(), options or PlanOptions()
    if not graph.pending:
        return make_plan(graph, view, disk, options)
    from flowc.plan.checkpoints import settle  # few workflows have checkpoints

    return settle(graph, disk, lambda found: make_plan(found, view, disk, options))


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
