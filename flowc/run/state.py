"""What each job of a run is at, and what follows when one ends. It decides; nothing is done here.

No clock, disk or process: what happens is told to `RunState`, which answers by filling `ready`,
`undecided` and `skipped`. A list that many jobs read (a group of the graph) is a node between its
makers and its readers, so that n jobs which read the outputs of m others cost n + m steps.

    WAITING -> UNDECIDED -> READY -> RUNNING -> DONE
       |           |          ^         |-----> FAILED
       |           v          '---------'  (another attempt)
       |       UP_TO_DATE
       '-----> UPSTREAM  (something it needs has failed)

Jobs without an action (phony ones) do not run; they only pass on who waits for whom. Jobs that
pipes connect do not wait for another: they are ready together, as the first of them (see
`flowc.graph.streams`), start together, and fail together. Who needs a service does not wait for it
either, but for all that the service waits for; and a service is not lined up before one of those is
ready that need it (who may start is said by `flowc.run.services`).
"""

from array import array
from collections.abc import Callable, Sequence
from enum import IntEnum

from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, JobId

MAYBE = 1
"""`plan.decision.Decision.MAYBE`, as it stands in the bytes of a plan."""


class Status(IntEnum):
    """Where a job stands. Stored as one byte a job."""

    ABSENT = 0  # not part of the run
    WAITING = 1  # for jobs it needs
    UNDECIDED = 2  # all it needs is over; whether it must run is now to be looked at
    READY = 3
    RUNNING = 4
    DONE = 5
    UP_TO_DATE = 6  # need not run after all
    FAILED = 7
    UPSTREAM = 8  # a job it needs has failed
    PASSES = 9  # never runs: who reads what it claims to make waits for what it reads


_WAITS = (Status.WAITING, Status.PASSES)


class RunState:
    """The state of a run. `retries(job)`: how often a failed job is tried again."""

    def __init__(
        self,
        graph: JobGraph,
        decisions: Sequence[int],
        *,
        keep_going: bool = False,
        retries: Callable[[JobId], int] = lambda job: 0,
    ) -> None:
        self.graph = graph
        self.keep_going = keep_going
        self.stopped = False  # nothing new starts
        self.ready: list[JobId] = []  # since the caller has last emptied it; `undecided` likewise
        self.undecided: list[JobId] = []
        self.skipped: list[JobId] = []  # those that have become UPSTREAM
        self.running: set[JobId] = set()
        self.counts = [0] * len(Status)
        self._decisions = decisions
        self._retries = retries
        self._bundles = graph.streams.bundles
        self._consumers = graph.streams.consumers
        self._services = graph.streams.needed
        self._lined_up: set[JobId] = set()  # services, since their last attempt
        self._attempts: dict[JobId, int] = {}
        self._status = bytearray(len(graph))
        self._pending = array("i", bytes(4 * len(graph)))
        self._readers: dict[int, list[int]] = {}  # job -> jobs and ~groups
        self._group_readers: dict[int, list[int]] = {}
        self._group_pending: dict[int, int] = {}
        self.active: list[JobId] = [JobId(j) for j, d in enumerate(decisions) if d]
        phony = self._find_phony()
        self._connect(sorted([*self.active, *phony]) if phony else self.active)

    def _find_phony(self) -> list[JobId]:
        """The jobs that stand between others without being part of the run."""
        graph = self.graph
        is_phony = [rule.command is None and bool(rule.outputs) for rule in graph.workflow.rules]
        if not any(is_phony):
            return []
        rule_of = graph.rule_of
        return [JobId(j) for j, d in enumerate(self._decisions) if not d and is_phony[rule_of[j]]]

    def _connect(self, nodes: Sequence[JobId]) -> None:
        """Count what each job waits for, and note who waits for it."""
        graph, status, pending = self.graph, self._status, self._pending
        starts, refs = graph.inputs.starts, graph.inputs.values
        producer, readers = graph.producer, self._readers
        if graph.streams.passing:
            producer = producer[:]
            for file in graph.streams.passing:
                producer[file] = NO_JOB
        for job in nodes:
            status[job] = Status.WAITING if self._decisions[job] else Status.PASSES
        self.counts[Status.WAITING] = len(self.active)
        self._nodes = nodes
        for job in nodes:
            count = 0
            row = refs[starts[job] : starts[job + 1]]
            if job in self._services:
                for service in self._services_below(JobId(job)):
                    row += refs[starts[service] : starts[service + 1]]
            for ref in row:
                if ref < 0:
                    if self._read_group(~ref, job):
                        count += 1
                    continue
                maker = producer[ref]
                if maker != NO_JOB and status[maker]:
                    count += 1
                    if maker in readers:
                        readers[maker].append(job)
                    else:
                        readers[maker] = [job]
            pending[job] = count
        for late, earlier in graph.waits.items():
            for job in [JobId(j) for j in earlier if status[j] and status[late]]:
                readers.setdefault(job, []).append(late)
                pending[late] += 1

    def _services_below(self, job: JobId) -> list[JobId]:
        """The services that a job needs, and those that they need."""
        found = list(self._services.get(job, ()))
        for service in found:  # it grows
            found += [other for other in self._services.get(service, ()) if other not in found]
        return found

    def _read_group(self, group: int, job: JobId) -> bool:
        """Note that `job` reads a group; whether it has to wait for it."""
        waiting = self._group_pending.get(group)
        if waiting is None:
            makers = [m for m in self._makers(group) if self._status[m]]
            waiting = self._group_pending[group] = len(makers)
            self._group_readers[group] = []
            for maker in makers:
                self._readers.setdefault(maker, []).append(~group)
        self._group_readers[group].append(job)
        return waiting > 0

    def _makers(self, group: int) -> Sequence[JobId]:
        graph = self.graph
        makers, passing = graph.group_producers[group], graph.streams.passing
        if passing.isdisjoint(graph.groups[group]):
            return makers
        others = {graph.producer[f] for f in graph.groups[group] if f not in passing}
        return [maker for maker in makers if maker in others]

    def start(self) -> None:
        """Find the jobs that wait for nothing."""
        for job in [job for job in self._nodes if self._pending[job] == 0]:
            self._free(job)

    # ---- questions

    def status(self, job: JobId) -> Status:
        return Status(self._status[job])

    def attempt(self, job: JobId) -> int:
        """The attempt that runs, or is the next to run; counted from 1."""
        return self._attempts.get(job, 1)

    def members(self, job: JobId) -> Sequence[JobId]:
        """The jobs that run at once with this one, itself among them, in order."""
        return self.graph.streams.members(job)

    def is_active(self, job: JobId) -> bool:
        """Whether it is part of the run and not over."""
        return Status.ABSENT < self._status[job] < Status.DONE

    def is_idle(self, service: JobId) -> bool:
        """Whether no job needs a service any more that runs, or can still run."""
        consumers = self._consumers[service]
        if self.stopped:
            return not any(self._status[job] == Status.RUNNING for job in consumers)
        return not any(map(self.is_active, consumers))

    def _may_start(self, job: JobId) -> bool:
        """Whether a job waits for nothing but the services that it needs."""
        if job in self._consumers:
            return job in self._lined_up
        members = self.members(job)
        return all(self._status[m] in (Status.READY, Status.RUNNING) for m in members)

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        if self.running:
            return False
        counts = self.counts
        left = counts[Status.WAITING] + counts[Status.UNDECIDED] + counts[Status.READY]
        return self.stopped or left == 0

    @property
    def not_run(self) -> int:
        """Jobs that have neither been run nor been found needless."""
        counts = self.counts
        return (
            counts[Status.WAITING]
            + counts[Status.UNDECIDED]
            + counts[Status.READY]
            + counts[Status.UPSTREAM]
        )

    def ranks(self, durations: Sequence[float] | None = None) -> "array[float]":
        """For each job, how long the longest chain is that begins with it: its upward rank. Without
        durations, each job counts 1. Jobs without a command count nothing."""
        rank = array("d", bytes(8 * len(self.graph)))
        group_rank: dict[int, float] = {}
        starts, refs = self.graph.inputs.starts, self.graph.inputs.values
        readers, rule_of = self._readers, self.graph.rule_of
        runs = [rule.command is not None for rule in self.graph.workflow.rules]
        for job in reversed(self._nodes):  # readers come before makers
            best = 0.0
            for reader in readers.get(job, ()):
                found = rank[reader] if reader >= 0 else group_rank[~reader]
                if found > best:
                    best = found
            for consumer in self._consumers.get(JobId(job), ()):
                best = max(best, rank[consumer])
            if runs[rule_of[job]]:
                best += 1.0 if durations is None else durations[job]
            rank[job] = best
            for ref in refs[starts[job] : starts[job + 1]]:
                if ref < 0 and group_rank.get(~ref, -1.0) < best:
                    group_rank[~ref] = best
        for job, bundle in self._bundles.items():
            rank[job] = max(rank[member] for member in bundle)
        return rank

    def readers(self, job: JobId) -> list[JobId]:
        """The jobs of the run that wait for this one; to be asked before anything has ended."""
        found: dict[int, None] = {}
        for reader in self._readers.get(job, ()):
            members = (reader,) if reader >= 0 else self._group_readers[~reader]
            found.update(dict.fromkeys(members))
        found.update(dict.fromkeys(self._consumers.get(job, ())))
        return [JobId(reader) for reader in found]

    # ---- what happens

    def decide(self, job: JobId, needed: bool) -> None:
        """The answer for a job of `undecided`."""
        if self._status[job] != Status.UNDECIDED:
            raise ValueError(f"job {job} is not undecided")
        if needed:
            self._line_up(job)
        else:
            self._set(job, Status.UP_TO_DATE)
            self._release(job)

    def started(self, job: JobId) -> None:
        """It, and all that runs at once with it."""
        for member in self.members(job):
            if self._status[member] != Status.READY:
                raise ValueError(f"job {member} may not start")
            self._set(member, Status.RUNNING)
            self.running.add(member)

    def withdrawn(self, job: JobId) -> None:
        """It has not begun to run, nor will it: the run has been stopped."""
        self.running.discard(job)
        self._set(job, Status.READY)

    def done(self, job: JobId) -> None:
        """It has run, and its outputs are there."""
        self.running.discard(job)
        self._set(job, Status.DONE)
        self._release(job)

    def failed(self, job: JobId, *, final: bool = False) -> bool:
        """An attempt came to nothing. Whether there will be another; `final`: never."""
        self.running.discard(job)
        attempt = self.attempt(job)
        if not final and not self.stopped and attempt <= self._retries(job):
            self._attempts[job] = attempt + 1
            self._line_up(job)
            return True
        self._set(job, Status.FAILED)
        self._skip_readers(job)
        if not self.keep_going:
            self.stop()
        return False

    def give_up(self, job: JobId) -> None:
        """A job that waits or is ready cannot run any more, nor can what needs it."""
        if self._status[job] in (Status.WAITING, Status.UNDECIDED, Status.READY):
            for member in self._skip(job):
                self._skip_readers(member)
            self.undecided = [j for j in self.undecided if self._status[j] == Status.UNDECIDED]
            self.ready = [j for j in self.ready if self._status[j] == Status.READY]

    def stop(self) -> None:
        """Start nothing any more; what runs may end."""
        self.stopped = True

    # ---- steps

    def _set(self, job: JobId, status: Status) -> None:
        """The one way in which a status changes."""
        self.counts[self._status[job]] -= 1
        self.counts[status] += 1
        self._status[job] = status
        if status >= Status.DONE and job in self._services:
            self._settle_services(job)

    def _free(self, job: JobId) -> None:
        """All that it needs is over."""
        if self._status[job] == Status.PASSES:
            self._release(job)
        elif self._decisions[job] == MAYBE:
            self._set(job, Status.UNDECIDED)
            self.undecided.append(job)
        else:
            self._line_up(job)

    def _line_up(self, job: JobId) -> None:
        """It can run, as soon as all can that run at once with it."""
        self._set(job, Status.READY)
        if job in self._consumers:
            self._lined_up.discard(job)
            if any(map(self._may_start, self._consumers[job])):
                self._line_up_service(job)
            return
        bundle = self._bundles.get(job)
        if bundle is None:
            self.ready.append(job)
        elif all(self._status[member] == Status.READY for member in bundle):
            self.ready.append(bundle[0])
        else:
            return
        for member in bundle or (job,) if self._services else ():
            self._call_services(member)

    def _call_services(self, job: JobId) -> None:
        """A job waits for nothing but the services that it needs."""
        for service in self._services.get(job, ()):
            if self._status[service] == Status.READY and service not in self._lined_up:
                self._line_up_service(service)

    def _line_up_service(self, job: JobId) -> None:
        self._lined_up.add(job)
        self.ready.append(job)
        self._call_services(job)

    def _settle_services(self, job: JobId) -> None:
        """A job is over: of services that it needed and nobody needs now, it is to be decided
        whether they run at all."""
        for service in self._services[job]:
            if self._status[service] in (Status.WAITING, Status.READY) and self.is_idle(service):
                self._set(service, Status.UNDECIDED)
                self.undecided.append(service)

    def _release(self, job: JobId) -> None:
        """Tell the readers of a job that it is over and well."""
        pending = self._pending
        for reader in self._readers.pop(job, ()):
            if reader >= 0:
                pending[reader] -= 1
                if pending[reader] == 0 and self._status[reader] in _WAITS:
                    self._free(JobId(reader))
                continue
            group = ~reader
            self._group_pending[group] -= 1
            if self._group_pending[group]:
                continue
            for member in self._group_readers.pop(group):
                pending[member] -= 1
                if pending[member] == 0 and self._status[member] in _WAITS:
                    self._free(JobId(member))

    def _skip_readers(self, job: JobId) -> None:
        """Nothing that needs this job, at whatever distance, can run."""
        stack: list[int] = [job]
        while stack:
            for reader in self._readers.pop(stack.pop(), ()):
                members = [reader] if reader >= 0 else self._group_readers.pop(~reader, [])
                for member in members:
                    if self._status[member] == Status.WAITING:
                        stack += self._skip(JobId(member))
                    elif self._status[member] == Status.PASSES:
                        stack.append(member)

    def _skip(self, job: JobId) -> Sequence[JobId]:
        """It cannot run, nor can what runs at once with it."""
        members = [m for m in self.members(job) if self._status[m] != Status.UPSTREAM]
        for member in members:
            self._set(member, Status.UPSTREAM)
            self.skipped.append(member)
        return members
