"""Jobs that are ready: what they are granted, which of them start, and the launch of each.

Jobs that pipes connect are lined up as one, by the first of them, and start together.
"""

import time
from collections.abc import Mapping, Sequence

from flowc.dataclass import replace
from flowc.diagnostic import WorkflowError
from flowc.executors.base import Executor
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.request import Request
from flowc.record.history import Times
from flowc.run.ahead import Ahead
from flowc.run.arrange import arrange, outlook_of
from flowc.run.choose import Chooser
from flowc.run.claims import Claims
from flowc.run.durations import NOTHING_KNOWN, expected_durations
from flowc.run.files import Fault, JobFiles
from flowc.run.need import Requests, asked, run_budget
from flowc.run.options import RunOptions
from flowc.run.order import Ranking
from flowc.run.place import Places
from flowc.run.prepare import Preparer
from flowc.run.services import Services
from flowc.run.spare import share_out, starting
from flowc.run.state import RunState, Status
from flowc.run.task import Launch, Launcher

Faults = Mapping[JobId, Fault]
"""Why a job, or one of those that run at once with it, has come to nothing."""


class Starts:
    """From ready jobs to launches."""

    def __init__(
        self, plan: Plan, executor: Executor, options: RunOptions, state: RunState, files: JobFiles
    ) -> None:
        graph = plan.graph
        self._plan, self._graph, self._options = plan, graph, options
        self._state, self._files = state, files
        self.budget = run_budget(graph, executor.capacity, options)
        places = Places(graph, options.here, options.here_below_s)
        self.requests = Requests(plan, self.budget, clip=options.clip, places=places)
        self.claims = Claims(
            state, self.budget, lambda job: self.requests.first_need(state.members(job))
        )
        self.services = Services(graph, state, executor)
        self.chooser = Chooser(self.budget)
        self.ahead = Ahead(graph, executor, self.budget)
        self.launcher = Launcher(plan, options.memory_slack, options.env, options.shadow_prefix)
        self._preparer = Preparer(graph, self.launcher, files, executor)
        self._granted: dict[JobId, Request] = {}  # to jobs that are ready
        self._peaks: dict[int, int] = {}  # by rule
        self._ranking = Ranking("fifo", (), self.budget)  # until there is something to rank
        self._expected = NOTHING_KNOWN

    def check(self) -> None:
        """Raises ImpossibleRequestError where a job can never start."""
        self.requests.check(self._state.active)
        if not self._options.clip:
            self.claims.check()

    def rank(self, history: Times) -> None:
        """Work out the order in which jobs are to start."""
        state, options = self._state, self._options
        known = self._expected = expected_durations(self._graph, state.active, history)
        self.requests.places.known = known
        self._peaks.clear()
        outlook = outlook_of(self._plan, lambda job: self.requests.of(job, 1), known)
        how = arrange(options.schedule, state, self.budget, outlook, options.search_s)
        self._ranking, self.chooser = how.ranking, how.chooser

    @property
    def expected_s(self) -> float | None:
        """How long all jobs take one after the other; None: nothing is known."""
        return self._expected.total_s

    def line_up(self, job: JobId) -> Faults | None:
        """A job is ready; what keeps it from ever starting."""
        state = self._state
        jobs = state.members(job)
        is_service = self.services.is_one(job)
        if not self.services.are_up(job) or (is_service and not self.claims.claim(job)):
            self.services.park(job)
            return None
        requests = []
        for member in jobs:
            try:
                requests.append(self.requests.of(member, state.attempt(member)))
            except WorkflowError as fault:
                return {member: Fault("workflow", str(fault))}
        try:
            need = self.requests.need(jobs, requests)
        except WorkflowError as fault:
            return {job: Fault("workflow", str(fault))}
        excess = self.claims.excess(job, need)
        if excess and state.attempt(job) == 1 and not self._options.clip:
            what = ", ".join(asked(*one) for one in excess)
            return {job: Fault("workflow", f"beside the services that run it asks for {what}")}
        need = self.claims.lowered(job, need)
        if is_service:
            self.chooser.lasting.add(job)
        self._granted.update(zip(jobs, requests, strict=True))
        priority = max([request.priority for request in requests])
        order = self._ranking.order(job, need, priority)
        self.chooser.add(job, need, order, None if is_service else self._expected.of(job))
        return None

    def choose(self) -> list[tuple[JobId, int | None]]:
        """All jobs that can start now, and the memory of those that get more than they asked
        for."""
        chosen: list[JobId] = []
        while not self._state.stopped and (job := self.chooser.next(time.monotonic())) is not None:
            if self._state.status(job) is not Status.READY:  # a service has failed
                self.chooser.ended(job)
            elif not self.services.are_up(job):
                self.chooser.ended(job)
                self.services.park(job)
            else:
                self._state.started(job)
                chosen.append(job)
        if not chosen:
            return []
        if not any(map(self._peak, chosen)):
            return [(job, None) for job in chosen]
        streams = self._graph.streams
        single = [j for j in chosen if j not in streams.bundles and j not in streams.consumers]
        begin = starting(single, self._granted, self._peak)
        more = share_out(self.chooser, begin)
        return [(job, more.get(job)) for job in chosen]

    def choose_ahead(self) -> list[JobId]:
        """Jobs that are to take the places of those that run: see `ahead`."""
        state, ahead = self._state, self.ahead
        chosen: list[JobId] = []
        room = 0 if state.stopped else ahead.room(len(state.running))
        while len(chosen) < room:
            job = self.chooser.successor(ahead.may, time.monotonic())
            if job is None:
                break
            state.started(job)
            chosen.append(job)
        return chosen

    def _peak(self, job: JobId) -> int:
        """The most memory that a job of its rule has had, in earlier runs or where it was measured;
        0: nobody knows."""
        id = self._graph.rule_of[job]
        known = self._peaks.get(id)
        if known is None:
            name = self._graph.workflow.rules[id].name
            known = max(self._expected.peaks.get(name, 0), self._plan.measured(job) or 0)
            self._peaks[id] = known
        return known

    def prepare(self, job: JobId, memory_bytes: int | None) -> Sequence[Launch] | Faults:
        """Get a job ready to be submitted, with all that run at once with it."""
        launches: list[Launch] = []
        for member in self._state.members(job):
            found = self._prepare(member, memory_bytes)
            if isinstance(found, Fault):
                for launch in launches:
                    self.forget(launch)
                return {member: found}
            launches.append(found)
        return launches

    def _prepare(self, job: JobId, memory_bytes: int | None) -> Launch | Fault:
        request = self._granted.pop(job)
        found = self._preparer.prepare(job, self._state.attempt(job), request, memory_bytes)
        if isinstance(found, Launch) and self._expected.is_known:
            return replace(found, expected_s=self._expected.of(job))
        return found

    def forget(self, launch: Launch) -> None:
        """It is over: its script may go."""
        if launch.script is not None:
            self.launcher.remove_script(launch.script)
