"""Files that are there only while jobs run: pipes, and what services make.

Jobs that pipes connect, however many, are a *bundle*: they start together, hold cores and memory
together, and end well together or not at all. A *service* runs beside those that read what it
makes, its consumers, until the last of them is over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING

from flowc.dataclass import dataclass, field, replace
from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.ids import NO_JOB, FileId, JobId, RuleId
from flowc.lang.values import Flags, flags_of

if TYPE_CHECKING:
    from flowc.graph.job import JobGraph

Bundle = tuple[JobId, ...]
"""Jobs in topological order; the first one stands for all."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The pipes and services of a graph, and whom they connect."""

    pipes: frozenset[FileId]
    bundles: Mapping[JobId, Bundle]  # of each job at a pipe: all that run at once with it
    services: frozenset[FileId] = frozenset()
    consumers: Mapping[JobId, tuple[JobId, ...]] = field(default_factory=dict)  # of each service
    passing: frozenset[FileId] = frozenset()  # both: gone when their readers are
    needed: Mapping[JobId, list[JobId]] = field(default_factory=dict)  # services, of each consumer

    def members(self, job: JobId) -> Bundle:
        """The jobs that run at once with this one, itself among them, in order."""
        return self.bundles.get(job) or (job,)


NOTHING = Streams(frozenset(), {})


def streams_of(graph: "JobGraph") -> Streams:
    """The pipes and services of a graph; most graphs have none."""
    pipes = _flagged(graph, lambda flags: flags.pipe)
    services = _flagged(graph, lambda flags: flags.service)
    if not pipes and not services:
        return NOTHING
    readers = readers_of(graph, pipes | services)
    consumers: dict[JobId, dict[JobId, None]] = {}
    for file in sorted(services):
        found = consumers.setdefault(JobId(graph.producer[file]), {})
        found.update(dict.fromkeys(readers[file]))
    needed: dict[JobId, list[JobId]] = {}
    for service, jobs in consumers.items():
        for job in jobs:
            needed.setdefault(job, []).append(service)
    return Streams(
        pipes,
        _bundles(graph, pipes, readers),
        services,
        {job: tuple(found) for job, found in consumers.items()},
        pipes | services,
        needed,
    )


def _flagged(graph: "JobGraph", is_meant: Callable[[Flags], bool]) -> frozenset[FileId]:
    """The outputs with such flags."""
    flags_by_rule = {
        rule.id: flags
        for rule in graph.workflow.rules
        if any(flags := [is_meant(flags_of(f)) for item in rule.outputs for f in item.files])
    }
    return frozenset(
        FileId(file)
        for job, rule in (enumerate(graph.rule_of) if flags_by_rule else ())
        if rule in flags_by_rule
        for file, is_one in zip(graph.outputs[JobId(job)], flags_by_rule[RuleId(rule)], strict=True)
        if is_one
    )


def readers_of(graph: "JobGraph", files: Set[FileId]) -> dict[FileId, list[JobId]]:
    """The jobs that read each of the files."""
    readers: dict[FileId, dict[JobId, None]] = {file: {} for file in files}
    groups = {
        ~number: [f for f in members if f in files]
        for number, members in enumerate(graph.groups)
        if not files.isdisjoint(members)
    }
    for id in range(len(graph)):
        for ref in graph.inputs[JobId(id)]:
            for file in (ref,) if ref >= 0 else groups.get(ref, ()):
                if file in readers:
                    readers[FileId(file)][JobId(id)] = None
    return {file: list(found) for file, found in readers.items()}


def _bundles(
    graph: "JobGraph", pipes: Iterable[FileId], readers: Mapping[FileId, list[JobId]]
) -> dict[JobId, Bundle]:
    """Jobs that pipes connect, directly or through others."""
    members: dict[JobId, set[JobId]] = {}
    for file in pipes:
        joined: set[JobId] = set()
        for job in (JobId(graph.producer[file]), *readers[file]):
            joined |= members.get(job, {job})
        for job in joined:
            members[job] = joined
    bundles = {id(jobs): tuple(sorted(jobs)) for jobs in members.values()}
    return {job: bundles[id(jobs)] for job, jobs in members.items()}


def join_bundles(graph: "JobGraph", marks: bytearray) -> bool:
    """Mark all jobs that run at once with one that is marked; whether there were any more."""
    before = marks.count(1)
    for job, bundle in graph.streams.bundles.items():
        if marks[job]:
            for other in bundle:
                marks[other] = 1
    return marks.count(1) > before


def with_streams(graph: "JobGraph") -> "JobGraph":
    """The graph, with no pipe or service taken for there: what lies at such a path is left from a
    run that was killed. Raises WorkflowError for those that cannot work."""
    files = graph.streams.passing
    if not files:
        return graph
    faults = [*_faults(graph)]
    if faults:
        raise WorkflowError(faults)
    states = list(graph.states)
    for file in files:
        states[file] = None
    return replace(graph, states=states)


def _faults(graph: "JobGraph") -> Iterator[Diagnostic]:
    streams = graph.streams
    for file in sorted(streams.passing & set(graph.targets)):
        yield _fault(
            graph, "passing-target", file, "cannot be a target: it is gone when its readers end"
        )
    yield from _service_faults(graph)
    readers = readers_of(graph, streams.pipes)
    for file in sorted(streams.pipes - set(graph.targets)):
        jobs = readers[file]
        names = " and ".join(f"`{graph.job(job).name}`" for job in jobs[:2])
        if len(jobs) > 1:
            yield _fault(graph, "pipe-readers", file, f"has two readers, {names}")
        elif not jobs and not graph.pending:
            yield _fault(graph, "pipe-readers", file, "has no reader")
        elif jobs and graph.job(jobs[0]).rule.command is None:
            yield _fault(graph, "pipe-readers", file, f"is read by {names}, which has no action")
    stuck = _stuck(graph)
    if stuck is not None:
        needed, by = stuck
        yield _fault(
            graph,
            "pipe-deadlock",
            needed,
            f"is needed by `{graph.job(by).name}`, which has to run at once with jobs that must "
            "have ended before",
            "of jobs that a pipe connects none can wait for another",
        )


def _service_faults(graph: "JobGraph") -> Iterator[Diagnostic]:
    streams, rules, rule_of = graph.streams, graph.workflow.rules, graph.rule_of
    asked = {file for file in streams.services if file in graph.targets}
    for job, consumers in streams.consumers.items():
        files = graph.outputs[job]
        file = next(FileId(file) for file in files if FileId(file) in streams.services)
        phony = [one for one in consumers if rules[rule_of[one]].command is None]
        if rules[rule_of[job]].command is None:
            yield _fault(graph, "bad-service", file, "is made by a rule without an action")
        elif any(FileId(other) not in streams.services for other in files):
            yield _fault(graph, "bad-service", file, "is made with other files: it serves alone")
        elif job in streams.bundles:
            yield _fault(graph, "bad-service", file, "is made by a job that stands at a pipe")
        elif rules[rule_of[job]].shadow is not None:
            yield _fault(graph, "bad-service", file, "is made in a directory of its own: `shadow`")
        elif phony:
            name = graph.job(phony[0]).name
            yield _fault(graph, "bad-service", file, f"is read by `{name}`, which has no action")
        elif not consumers and file not in asked and not graph.pending:
            yield _fault(graph, "bad-service", file, "has no reader")


def _fault(
    graph: "JobGraph", code: str, file: int, message: str, hint: str | None = None
) -> Diagnostic:
    maker = graph.job(JobId(graph.producer[file])).rule
    hints = {
        "passing-target": "ask for what its readers make",
        "bad-service": "all outputs of a service are `service(...)`, and jobs with an action "
        "read them; what else it writes may be its `log:`",
        "pipe-readers": "a pipe has one reader, a job with an action; `temp(...)` serves several",
    }
    path = graph.paths[file]
    return Diagnostic(code, f"`{path}` {message}", maker.span, hint=hint or hints[code])


def _stuck(graph: "JobGraph") -> tuple[int, JobId] | None:
    """A file that a job of a bundle waits for in vain, as its maker can only run after the bundle,
    or in it. Jobs are ordered with each bundle as one."""
    streams = graph.streams
    leader = [JobId(job) for job in range(len(graph))]
    for job, bundle in streams.bundles.items():
        leader[job] = bundle[0]
    waits: dict[JobId, int] = {}
    readers: dict[JobId, list[JobId]] = {}
    for id in range(len(graph)) if streams.bundles else ():
        for file in graph.files_of(graph.inputs[JobId(id)]):
            maker = JobId(graph.producer[file])
            if maker == NO_JOB or file in streams.pipes:
                continue
            if leader[maker] == leader[id]:
                return file, JobId(id)
            waits[leader[id]] = waits.get(leader[id], 0) + 1
            readers.setdefault(leader[maker], []).append(leader[id])
    free = [job for job in set(leader) if job not in waits]
    while free:
        for reader in readers.pop(free.pop(), ()):
            waits[reader] -= 1
            if not waits[reader]:
                del waits[reader]
                free.append(reader)
    for id in streams.bundles:
        if leader[id] in waits:
            for file in graph.files_of(graph.inputs[id]):
                maker = JobId(graph.producer[file])
                if maker != NO_JOB and file not in streams.pipes and leader[maker] in waits:
                    return file, id
    return None


def drop_idle(graph: "JobGraph", decisions: bytearray) -> None:
    """Take services out of a plan of which no job needs what they make."""
    for job, consumers in sorted(graph.streams.consumers.items(), reverse=True):
        if not any(decisions[consumer] for consumer in consumers):
            decisions[job] = 0
