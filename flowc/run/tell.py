"""What a run tells its listeners: the events, made from what the run knows."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from math import inf

from flowc import __version__
from flowc.diagnostic import WorkflowError
from flowc.events import VERSION as EVENTS_VERSION
from flowc.events import (
    Event,
    FilesRemoved,
    GroupPlanned,
    JobDone,
    JobEnded,
    JobFailed,
    JobPlanned,
    JobSkipped,
    JobSubmitted,
    Notice,
    RunEnded,
    RunStarted,
)
from flowc.graph.job import job_name
from flowc.ids import JobId, RuleId
from flowc.machine import boot_id, process_start_s
from flowc.plan.decision import Plan
from flowc.plan.digest import JobDigests
from flowc.run.budget import Budget
from flowc.run.files import Fault
from flowc.run.options import RunOptions, RunOutcome
from flowc.run.task import Launch
from flowc.units import show_gb, show_seconds

CAUSES = {
    "cancelled-elsewhere": "it was cancelled, and not by flowc",
    "requeued": "it was put back into the queue, and not by flowc",
    "node-failure": "its node has failed",
    "vanished": "it is not in the queue any more, and nobody knows how it has ended",
    "no-result": "it has ended, but its node has not written how",
    "signal": "it was killed on its node",
}
"""What else executors have to say of an end."""
_FULL_BYTES = 64 * 1024
_PAUSE_LOOK_S = 0.25
"""How often a run that waits looks whether it is to pause: a signal alone does not end its wait."""
_LONG_LIST = 16
"""A list of more inputs is told once, and not by each job that reads it."""


class Teller:
    """Hands each event to each listener, in the order of the listeners."""

    def __init__(self, plan: Plan, listeners: Sequence[Callable[[Event], None]]) -> None:
        self._plan = plan
        self._graph = plan.graph
        self._listeners = tuple(listeners)
        self._flushes = tuple(
            flush for one in listeners if (flush := getattr(one, "flush", None)) is not None
        )
        ticks = [one for one in listeners if getattr(one, "tick_s", None) is not None]
        self.tick_s = min([_PAUSE_LOOK_S, *(one.tick_s for one in ticks)])  # type: ignore[attr-defined]
        self._ticks = tuple(one.tick for one in ticks)  # type: ignore[attr-defined]
        self._planned = bytearray(len(plan.graph))  # by job: whether it has been told of
        self._groups: set[int] = set()
        self._exceeded: set[str] = set()  # rules
        self._is_paused = False
        self._executor = "local"

    def __call__(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def flush(self) -> None:
        """Have everything kept that was told: what comes next builds on it."""
        for flush in self._flushes:
            flush()
        for tick in self._ticks:
            tick()

    def run_started(
        self, options: RunOptions, budget: Budget, jobs_total: int, expected_s: float | None = None
    ) -> None:
        self._executor = options.executor
        pid = os.getpid()
        self(
            RunStarted(
                run=options.run,
                at_s=time.time(),
                version=EVENTS_VERSION,
                flowc_version=__version__,
                argv=options.argv,
                workflow=options.workflow_path,
                directory=os.getcwd(),
                host=os.uname().nodename,
                boot_id=boot_id(),
                pid=pid,
                pid_start_s=process_start_s(pid),
                cores=0 if budget.cores == inf else int(budget.cores),
                memory_bytes=0 if budget.memory_bytes == inf else int(budget.memory_bytes),
                limits=budget.told,
                jobs_total=jobs_total,
                expected_s=expected_s,
            )
        )
        for notice in options.notices:
            self(notice)

    def run_ended(self, outcome: RunOutcome, *, interrupted: bool) -> None:
        how = "interrupted" if interrupted else "failed" if outcome.exit_code else "ok"
        self(
            RunEnded(
                time.time(),
                how,
                outcome.exit_code,
                outcome.done,
                outcome.failed,
                outcome.skipped,
                outcome.not_run,
            )
        )

    def paused(self, is_paused: bool) -> bool:
        """Tell it where that has changed; whether it is paused. What a paused run has told is
        kept at once: it may be long until something else happens."""
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            if is_paused:
                self(Notice(time.time(), "paused", "paused: no new jobs until `flowc resume`"))
            else:
                self(Notice(time.time(), "resumed", "resumed"))
        if is_paused:
            self.flush()
        return is_paused

    def planned(self, id: JobId, cores: int, memory_bytes: int) -> None:
        """Once for each job, when it is its turn: a plan of a million jobs is not told at once."""
        if self._planned[id]:
            return
        self._planned[id] = True
        graph, plan = self._graph, self._plan
        job = graph.job(id)
        rule, wildcards = job.rule.name, job.wildcard_items
        files: list[int] = []
        groups: list[int] = []
        for ref in graph.inputs[id]:
            if ref >= 0:
                files.append(ref)
            elif len(graph.groups[~ref]) > _LONG_LIST:
                self._group(~ref)
                groups.append(~ref)
            else:
                files += graph.groups[~ref]
        paths, producer, decisions = graph.paths, graph.producer, plan.decisions
        makers = [JobId(m) for file in files if (m := producer[file]) >= 0 and decisions[m]]
        self(
            JobPlanned(
                job=id,
                rule=rule,
                name=job_name(rule, wildcards),
                wildcards=wildcards,
                inputs=tuple([paths[file] for file in files]),
                outputs=tuple([paths[file] for file in graph.outputs[id]]),
                needs=tuple(dict.fromkeys(makers)),
                reasons=tuple(map(str, plan.reasons(id))),
                cores=cores,
                memory_bytes=memory_bytes,
                at_s=time.time(),
                groups=tuple(groups),
            )
        )

    def _group(self, group: int) -> None:
        if group in self._groups:
            return
        self._groups.add(group)
        graph, decisions = self._graph, self._plan.decisions
        files = tuple(graph.paths[f] for f in graph.groups[group])
        needs = tuple(m for m in graph.group_producers[group] if decisions[m])
        self(GroupPlanned(group, files, needs, time.time()))

    def submitted(self, launch: Launch, outputs: Sequence[str]) -> None:
        task = launch.task
        self.planned(task.job, task.cores, task.memory_bytes - launch.spare_bytes)
        resources = task.resources
        if launch.limits:
            taken = {f"limit:{name}": float(units) for name, units in launch.limits.items()}
            resources = {**resources, **taken}
        self(
            JobSubmitted(
                job=task.job,
                attempt=task.attempt,
                at_s=time.time(),
                rule=launch.rule,
                name=task.name,
                wildcards=launch.wildcards,
                outputs=tuple(outputs),
                command=launch.command,
                cores=task.cores,
                memory_bytes=task.memory_bytes,
                resources=resources,
                log=task.log,
                executor="local" if task.here else self._executor,
                message=launch.message,
                spare_bytes=launch.spare_bytes,
                expected_s=launch.expected_s,
                memory_limit_bytes=task.memory_limit_bytes,
                limit_s=task.limit_s,
            )
        )

    def done(
        self,
        id: JobId,
        attempt: int,
        digests: JobDigests,
        started_ns: int,
        run: JobEnded | None = None,
        *,
        was_changed: bool = False,
    ) -> None:
        """`was_changed`: an input, while the job ran: nobody knows what it has read."""
        graph = self._graph
        rule = RuleId(graph.rule_of[id])
        try:
            params = digests.params(id)
        except WorkflowError:  # it has run all the same; the next plan will say what is wrong
            params = ""
        self(
            JobDone(
                job=id,
                attempt=attempt,
                at_s=time.time(),
                rule=graph.workflow.rules[rule].name,
                outputs=tuple([graph.paths[f] for f in graph.outputs[id]]),
                code_digest=digests.code(rule),
                params_digest=params,
                inputs_digest=digests.inputs(id),
                content_digest=None if was_changed else digests.content(id),
                inputs_at_ns=started_ns,
                wall_s=None if run is None else run.wall_s,
                peak_rss_bytes=None if run is None else run.peak_rss_bytes,
            )
        )
        if was_changed:
            message = f"an input of {graph.job(id).name} changed while it ran"
            self(Notice(time.time(), "input-changed", f"{message}: the next run makes it again"))

    def failed(
        self,
        id: JobId,
        attempt: int,
        outputs: Sequence[str],
        fault: Fault,
        exit_code: int,
        launch: Launch | None,
        *,
        will_retry: bool,
    ) -> None:
        job = self._graph.job(id)
        self(
            JobFailed(
                job=id,
                attempt=attempt,
                at_s=time.time(),
                rule=job.rule.name,
                name=job.name,
                outputs=tuple(outputs),
                cause=fault.cause,
                message=fault.message,
                exit_code=exit_code,
                command="" if launch is None else launch.command,
                log="" if launch is None else launch.task.log,
                will_retry=will_retry,
            )
        )

    def exceeded(self, event: JobEnded, launch: Launch | None) -> None:
        """Say, once for each rule, that a job has used more memory than it had asked for."""
        used_bytes = max(event.seen_memory_bytes or 0, event.peak_rss_bytes or 0)
        if launch is None or used_bytes <= launch.task.memory_bytes or event.cause == "oom":
            return
        if launch.rule not in self._exceeded:
            self._exceeded.add(launch.rule)
            used, asked = show_gb(used_bytes), show_gb(launch.task.memory_bytes)
            message = f"{launch.task.name} used {used} of memory, and had asked for {asked}"
            self(Notice(time.time(), "memory-exceeded", message))

    def skipped(self, id: JobId, why: str) -> None:
        job = self._graph.job(id)
        self(JobSkipped(id, time.time(), job.rule.name, job.name, why))

    def removed(self, paths: Sequence[str], why: str) -> None:
        self(FilesRemoved(time.time(), tuple(paths), why))


def how_it_ended(event: JobEnded, launch: Launch | None) -> tuple[str, str]:
    """The cause and the sentence for an attempt whose command has not ended well."""
    code = event.exit_code
    if event.cause == "time-limit":
        limit_s = None if launch is None else launch.task.limit_s
        said = "" if limit_s is None else f" of {show_seconds(limit_s)}"
        return event.cause, f"it was ended: its time limit{said} was reached"
    if event.cause == "cancelled":
        return event.cause, "it was ended with the run"
    if event.cause == "not-started":
        return event.cause, "its command could not be started"
    if event.cause == "oom":
        seen_bytes = event.seen_memory_bytes or 0
        if launch is not None and seen_bytes > launch.task.memory_bytes:
            asked = show_gb(launch.task.memory_bytes)
            said = f"it used {show_gb(seen_bytes)} of memory, and had asked for {asked}"
            return event.cause, f"it was killed: {said}"
        asked = "" if launch is None else f", {show_gb(launch.task.memory_bytes)} asked for"
        return event.cause, f"it was killed: the memory was used up{asked}"
    if event.cause:
        return event.cause, CAUSES.get(event.cause, f"it was ended: {event.cause}")
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            return "exit", f"exit code {code}"
        hint = ", as the kernel does when memory is used up" if name == "SIGKILL" else ""
        return "signal", f"ended by signal {name}{hint} (exit code {code})"
    full = ", and the disk is full" if launch is not None and _is_full(launch.task.log) else ""
    return "exit", f"exit code {code}{full}"


def _is_full(path: str) -> bool:
    """Whether the disk of a log has no room left: then what the job has said of it is lost."""
    try:
        found = os.statvfs(path)
    except OSError:
        return False
    return found.f_blocks > 0 and found.f_bavail * found.f_frsize < _FULL_BYTES
