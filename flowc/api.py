"""What the command line, tests and other programs call.

    graph = compile_file("Workflowfile", ["results/a.txt"])
    plan = plan_file("Workflowfile")
    outcome = run_file("Workflowfile", running=Running(cores=4))
    page = report_run()

Wherever a Workflowfile is taken, a file that `flowc compile` has written is taken too. Paths are
relative to the process's working directory. A mistake of the user is raised as `WorkflowError`.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from flowc.compiling import (
    Reading,
    compile_file,
    ir_of,
    is_compiled,
    load_file,
    normal_targets,
    plan_file,
    plan_graph,
)
from flowc.dataclass import dataclass, field, replace
from flowc.disk import RealDisk
from flowc.events import Event, Notice
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.machine import allowed, boot_id, process_start_s
from flowc.plan.decision import Plan
from flowc.plan.options import PlanOptions
from flowc.record.history import History
from flowc.run.options import RunOptions, RunOutcome

if TYPE_CHECKING:
    from flowc.executors.base import Executor, Setup
    from flowc.record.log import EventLog
    from flowc.run.touch import TouchOutcome

__all__ = [
    "Listener",
    "Reading",
    "Running",
    "compile_file",
    "ir_of",
    "is_compiled",
    "load_file",
    "normal_targets",
    "plan_file",
    "plan_graph",
    "report_run",
    "run_file",
    "run_graph",
    "shell_command",
    "touch_graph",
]

Listener = Callable[[Event], None]

LOCAL_CORES, LOCAL_SHARE = 2, 4
"""Beside a cluster, so many cores and this part of the machine's memory are for local jobs:
others work on it, too."""
ORPHAN_GRACE_S = 2.0
"""From TERM to KILL, for jobs that a killed flowc has left."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where a run finds its resources and what it leaves behind, besides `RunOptions`."""

    cores: int | None = None  # None: what the machine allows; likewise for the memory
    memory_bytes: int | None = None
    lock: bool = True  # keep other runs out of this directory
    log: str | None = None  # a further event log
    save_profile: str | None = None  # a file to which what is measured is added
    callback_log: str | None = None  # likewise, in nipype's format
    executor: str = "local"  # where jobs run: see `flowc.executors.registry`
    jobs: int | None = None  # so many in a cluster's queue at once; None: all that can start
    local_cores: int | None = None  # of this machine, for jobs that do not go to the cluster
    local_memory_bytes: int | None = None
    local_below_s: float | None = None  # jobs known to be over sooner do not; None: local rules'
    executor_options: Mapping[str, str] = field(default_factory=dict)
    site: str | None = None  # settings of a cluster; an absolute path


def run_file(
    path: str,
    targets: Sequence[str] = (),
    reading: Reading | None = None,
    options: PlanOptions | None = None,
    *,
    running: Running | None = None,
    run: RunOptions | None = None,
    listeners: Sequence[Listener] = (),
) -> RunOutcome:
    """Make the targets in the working directory."""
    graph = compile_file(path, targets, reading)
    run = run or RunOptions()
    if not run.workflow_path:
        run = replace(run, workflow_path=path)
    return run_graph(graph, options, running=running, run=run, listeners=listeners)


def run_graph(
    graph: JobGraph,
    options: PlanOptions | None = None,
    *,
    running: Running | None = None,
    run: RunOptions | None = None,
    listeners: Sequence[Listener] = (),
    planned: Callable[[Plan], None] | None = None,
) -> RunOutcome:
    """Plan and run. `planned` is told the plan before anything starts.

    Raises ImpossibleRequestError where a job can never fit, LockedError where another flowc is at
    work; an event reaches each listener after it has been written to the log. Where jobs wait for
    checkpoints there are several rounds, each a run of its own.
    """
    from flowc.record.lock import DirectoryLock  # not for those who only plan

    run, options, running = run or RunOptions(), options or PlanOptions(), running or Running()
    with ExitStack() as stack:
        if running.lock:  # nobody comes in between two rounds
            stack.enter_context(DirectoryLock(command=run.argv))
            running = replace(running, lock=False)
        plan, outcome = _run_round(graph, options, running, run, listeners, planned)
        while plan.held and (outcome.exit_code == 0 or (run.keep_going and outcome.exit_code == 1)):
            from flowc.plan.checkpoints import next_graph, outputs_of  # few workflows have any

            found = next_graph(plan, RealDisk())
            if found is None:
                break
            options = replace(options, ran=options.ran | outputs_of(plan))
            plan, more = _run_round(found, options, running, replace(run, run=""), listeners, None)
            outcome = outcome.and_then(more)
    if graph.workflow.handlers and (outcome.done or outcome.failed):
        _handle(graph, "onerror" if outcome.exit_code else "onsuccess")
    return outcome


def _handle(graph: JobGraph, name: str) -> None:
    """Run the code of `onstart` and the like. Its faults are its own."""
    from flowc.record.log import list_runs  # few workflows have such code
    from flowc.run.handlers import call_handler

    runs = list_runs()
    call_handler(graph.workflow, name, os.path.normpath(runs[-1]) if runs else "")


def _run_round(
    graph: JobGraph,
    options: PlanOptions,
    running: Running,
    run: RunOptions,
    listeners: Sequence[Listener],
    planned: Callable[[Plan], None] | None,
) -> tuple[Plan, RunOutcome]:
    """All that can be done before a checkpoint has to be done."""
    from flowc.executors.registry import find_executor  # not for those who only plan, as below
    from flowc.record.heard import Heard
    from flowc.record.log import new_run_id
    from flowc.run.drive import run_plan

    find_executor(running.executor)  # or nothing need be planned
    if running.save_profile is not None:
        from flowc.sizing.profile import may_add_to  # for such runs alone

        may_add_to(running.save_profile)
    with ExitStack() as stack:
        plan, history, notices = _locked_plan(graph, options, running, run, stack)
        if plan.held:
            from flowc.plan.checkpoints import without_held  # few workflows have checkpoints

            plan = without_held(plan)
        if planned is not None:
            planned(plan)
        if not any(plan.decisions):
            for notice in notices:
                for listener in listeners:
                    listener(notice)
            return plan, RunOutcome(0, 0, 0, 0, 0)
        run = replace(run, run=run.run or new_run_id(), notices=notices)
        first, *others = _logs(running, run, stack)
        heard = Heard(first)
        history.hear(heard)
        logs: list[Listener] = [first, heard, *others]
        if running.save_profile is not None or running.callback_log is not None:
            logs.append(_profiler(running, graph, stack))
        benchmarked = _benchmarked(plan)
        if benchmarked:
            from flowc.measure.benchmarks import BenchmarkMemory  # for such runs alone

            memory = BenchmarkMemory(benchmarked)
            stack.callback(memory.close)
            logs.append(memory)
            run = replace(run, memory_of=memory.of)
        if graph.workflow.handlers and not options.ran:
            _handle(graph, "onstart")
        executor, run = _executor(running, run, tuple(graph.workflow.by_name), stack)
        return plan, run_plan(
            plan,
            executor,
            options=run,
            history=history,
            disk=RealDisk(),
            listeners=[*logs, *listeners],
        )


def _benchmarked(plan: Plan) -> frozenset[str]:
    """The rules with a benchmark that have jobs to run."""
    rules, rule_of = plan.graph.workflow.rules, plan.graph.rule_of
    found = {int(rule.id) for rule in rules if rule.benchmark is not None}
    if not found:
        return frozenset()
    return frozenset(rules[i].name for i in found & {rule_of[job] for job in plan.to_run()})


def _executor(
    running: Running, run: RunOptions, rules: tuple[str, ...], stack: ExitStack
) -> tuple["Executor", RunOptions]:
    """What runs the jobs, closed with `stack`, and the options with what it makes of them."""
    from flowc.executors.here import Divided, make_local  # not for those who only plan, as below
    from flowc.executors.registry import find_executor, make_executor

    setup = _setup(running, run, rules)
    executor = make_executor(find_executor(running.executor), setup)
    run = replace(run, executor=running.executor)
    if executor.capacity is not None:  # one machine, whatever it is called
        stack.callback(executor.close)
        return executor, run
    divided = Divided(make_local(replace(setup, options={}, site=None)), executor)
    stack.callback(divided.close)
    return divided, replace(
        run,
        here=setup.here,
        here_below_s=running.local_below_s,
        jobs_at_once=running.jobs,
        cores_at_once=running.cores,
        memory_at_once_bytes=running.memory_bytes,
    )


def _setup(running: Running, run: RunOptions, rules: tuple[str, ...]) -> "Setup":
    """What the run's executor is made from."""
    from flowc.executors.base import Capacity, Setup  # not for those who only plan

    machine = allowed()
    if running.executor == "local":
        cores, memory_bytes = running.cores, running.memory_bytes
    else:
        cores = running.local_cores or min(LOCAL_CORES, machine.cores)
        memory_bytes = running.local_memory_bytes or machine.memory_bytes // LOCAL_SHARE
    here = Capacity(cores or machine.cores, memory_bytes or machine.memory_bytes)
    is_measured = running.save_profile is not None or running.callback_log is not None
    return Setup(
        run.run,
        here,
        running.executor,
        running.cores,
        running.memory_bytes,
        running.jobs,
        running.executor_options,
        running.site,
        os.path.abspath(f".flowc/executors/{running.executor}"),
        is_measured or run.memory_of is not None,
        rules,
    )


def _profiler(running: Running, graph: JobGraph, stack: ExitStack) -> Listener:
    """Who measures the jobs of a run; what it has found is written however the run ends."""
    from flowc.measure.callback_log import CallbackLog  # for such runs alone, as below
    from flowc.measure.profiler import Profiler
    from flowc.plan.digest import code_digest
    from flowc.sizing.profile import add_run

    workflow = graph.workflow
    digests = {r.name: code_digest(r, workflow) for r in workflow.rules}
    profiler = Profiler(lambda rule: digests.get(rule, ""))
    if running.callback_log is not None:
        profiler.keepers.append(stack.enter_context(CallbackLog(running.callback_log)))
    path = running.save_profile
    if path is not None:
        stack.callback(lambda: add_run(path, profiler.run()) if profiler.attempts else None)
    stack.callback(profiler.close)
    return profiler


def touch_graph(
    graph: JobGraph,
    options: PlanOptions | None = None,
    *,
    running: Running | None = None,
    run: RunOptions | None = None,
    listeners: Sequence[Listener] = (),
) -> "TouchOutcome":
    """Declare the outputs that exist up to date. Nothing is run."""
    from flowc.record.log import new_run_id  # not for those who only plan
    from flowc.run.touch import touch_plan

    running, run = running or Running(), run or RunOptions()
    with ExitStack() as stack:
        plan, history, notices = _locked_plan(graph, options, running, run, stack)
        run = replace(run, run=run.run or new_run_id(), notices=notices)
        logs = _logs(running, run, stack)
        return touch_plan(
            plan, options=run, history=history, disk=RealDisk(), listeners=[*logs, *listeners]
        )


def _locked_plan(
    graph: JobGraph,
    options: PlanOptions | None,
    running: Running,
    run: RunOptions,
    stack: ExitStack,
) -> tuple[Plan, History, tuple[Notice, ...]]:
    """The plan of a directory in which nobody else is at work until `stack` is closed."""
    from flowc.record.lock import DirectoryLock  # not for those who only plan, as below
    from flowc.record.unfinished import undone
    from flowc.run.recover import finish_removals, settle

    if running.lock:
        stack.enter_context(DirectoryLock(command=run.argv))
    notices = list(_end_orphans())
    history = stack.enter_context(History())
    history.catch_up()  # what a run that was killed has left
    plan = plan_graph(graph, options, history=history)
    left = undone()
    finish_removals(plan, left.removed, left.removed_at_s)
    settle(plan, RealDisk(), left.done)
    if history.replaced:
        message = f"the history could not be used, and was made anew: {history.replaced}"
        notices.append(Notice(time.time(), "history-replaced", message))
    return plan, history, tuple(notices)


def _end_orphans() -> Iterator[Notice]:
    """End the jobs of runs that were killed: nobody else may write to the outputs."""
    from flowc.executors.marks import end_marked, run_mark  # not for those who only plan, as below
    from flowc.record.unfinished import cut_short

    for run in cut_short():
        if run.boot_id != boot_id():  # the machine has ended since, or it was another one
            continue
        if run.pid_start_s and process_start_s(run.pid) == run.pid_start_s:
            continue  # it runs, without a lock
        count = end_marked(run_mark(run.run), ORPHAN_GRACE_S)
        if count:
            what = "a process" if count == 1 else f"{count} processes"
            message = f"{what} of run {run.run}, which was killed, still ran; ended"
            yield Notice(time.time(), "orphans-ended", message)


def _logs(running: Running, run: RunOptions, stack: ExitStack) -> "list[EventLog]":
    from flowc.record.log import EventLog, log_path  # not for those who only plan

    paths = [log_path(run.run), *([running.log] if running.log else [])]
    return [stack.enter_context(EventLog(path)) for path in paths]


def report_run(
    which: str | None = None,
    form: str = "html",
    *,
    directory: str = ".",
    profile: str | None = None,
) -> str:
    """A report on the last run in a directory, on one by its id, or on a log by its path, in one
    of the forms of `flowc report --format`. `reporting.py` has what it is made of."""
    from flowc.reporting import figures_of, render  # not for those who plan and run

    return render(figures_of(which, directory=directory, profile=profile), form)


def shell_command(plan: Plan, job: JobId) -> str:
    """The command of a job's first attempt as it would run; empty for a rule without one."""
    from flowc.lang.template import fill  # only where commands are shown
    from flowc.run.values import JobValues  # as above

    view = plan.graph.job(job)
    if view.rule.command is None:
        return ""
    return fill(view.rule.command, JobValues(view, 1, plan.request(job, 1)))
