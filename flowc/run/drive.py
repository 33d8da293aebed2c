"""The loop of a run: the only one, and the only place where state, files and executor meet.

`state` decides, `choose` chooses, `files` looks after the user's files, the executor runs; here
they are asked in turn, and everything that happens is told to the listeners, in order. The first
listener should be the event log, so that nothing is done or shown that is not remembered.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

from flowc.attempt import JobReturned
from flowc.disk import Disk
from flowc.events import Event, JobEnded, JobStarted, Notice
from flowc.executors.base import Executor, Task
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.digest import FileDigests, JobDigests
from flowc.plan.make import still_needed
from flowc.run.benchmark import write_benchmark
from flowc.run.causes import FINAL, Retries
from flowc.run.contents import Contents
from flowc.run.files import Fault, JobFiles, missing_outputs
from flowc.run.interrupt import Interrupts
from flowc.run.options import RunHistory, RunOptions, RunOutcome
from flowc.run.pipes import Pipes, at_the_other_end
from flowc.run.prepare import began_ns
from flowc.run.starts import Faults, Starts
from flowc.run.state import RunState, Status
from flowc.run.task import Launch, Running
from flowc.run.tell import Teller, how_it_ended
from flowc.run.temp import TempFiles

_LOOK_S = 0.1
"""How often outputs that have not appeared are looked for."""
_CATCH_UP_JOBS = 5_000
"""After so many jobs the history takes in what was told, so that memory stays flat and the end of a
long run is quick."""


def run_plan(
    plan: Plan,
    executor: Executor,
    *,
    options: RunOptions,
    history: RunHistory,
    disk: Disk,
    listeners: Sequence[Callable[[Event], None]] = (),
) -> RunOutcome:
    """Run what a plan says. Returns when all is over, or a signal has ended it.

    Raises ImpossibleRequestError before anything starts if some job can never fit. The caller
    closes the executor.
    """
    return Run(plan, executor, options, history, disk, listeners).run()


class Run:
    """One run of one plan."""

    def __init__(
        self,
        plan: Plan,
        executor: Executor,
        options: RunOptions,
        history: RunHistory,
        disk: Disk,
        listeners: Sequence[Callable[[Event], None]] = (),
    ) -> None:
        graph = plan.graph
        self._plan, self._graph, self._executor = plan, graph, executor
        self._options, self._history, self._disk = options, history, disk
        self._retries = Retries(graph, options.retries)
        self._state = RunState(
            graph, plan.decisions, keep_going=options.keep_going, retries=self._retries.of
        )
        self._files = JobFiles(graph, disk)
        self._starts = Starts(plan, executor, options, self._state, self._files)
        self._pipes, self._services = Pipes(graph, executor), self._starts.services
        readers = () if options.keep_temp else (*self._state.active, *plan.held)
        self._temp = TempFiles(graph, readers, plan.asked)
        self._digests = JobDigests(graph, FileDigests(disk, history))
        self._contents = Contents(graph, disk, self._digests.files)
        self._news: dict[int, bool] = {}  # by group: whether a maker of its files has run
        self._tell = Teller(plan, listeners)
        self._running: dict[JobId, Running] = {}
        self._late: set[JobId] = set()  # those whose outputs are waited for
        self._failed: list[JobId] = []
        self._interrupts = Interrupts(self._stop, options.kill_after_s)
        self._pause = getattr(executor, "pause", None)  # see `executors.base.Pausing`

    def run(self) -> RunOutcome:
        self._starts.check()
        self._starts.rank(self._history)
        with self._interrupts:
            try:
                budget, jobs = self._starts.budget, len(self._state.active)
                self._tell.run_started(self._options, budget, jobs, self._starts.expected_s)
                self._state.start()
                self._loop()
            except BaseException:
                self._executor.cancel(list(self._running), kill=True)
                raise
        number = self._interrupts.number
        code = 128 + number if number is not None else 1 if self._failed else 0
        counts = self._state.counts
        outcome = RunOutcome(
            exit_code=code,
            done=counts[Status.DONE],
            failed=counts[Status.FAILED],
            skipped=counts[Status.UP_TO_DATE],
            not_run=self._state.not_run,
            failed_jobs=tuple(self._failed),
        )
        self._tell.run_ended(outcome, interrupted=number is not None)
        self._history.catch_up()
        self._history.keep_digests(self._digests.files.new)
        return outcome

    def _loop(self) -> None:
        state, wait = self._state, self._executor.wait
        caught_up = 0
        turns: list[int] = []
        while True:
            self._services.look(time.monotonic())
            self._sort()
            self._start()
            if state.over:
                return
            if self._pause is not None:
                self._pause(self._interrupts.paused)
            if self._tell.paused(self._interrupts.paused) and not state.running:
                time.sleep(_LOOK_S)
                continue
            if not state.running:  # something has failed before it started: what else is ready?
                if turns == (turns := list(state.counts)):
                    raise RuntimeError("jobs wait, and nothing runs that they could wait for")
                continue
            self._tell.flush()
            looks = self._late or self._interrupts.paused or self._pipes.are_ending
            looks = looks or self._services.are_watched
            for event in wait(_LOOK_S if looks else self._tell.tick_s):
                self._happened(event)
            for job in list(self._late):
                self._finish(job)
            self._pipes.look(time.monotonic())
            if state.counts[Status.DONE] - caught_up >= _CATCH_UP_JOBS:
                caught_up = state.counts[Status.DONE]
                self._history.catch_up()

    # ---- before a job

    def _sort(self) -> None:
        """Decide on the jobs that were doubtful, and line up those that are ready."""
        state = self._state
        while (state.undecided or state.ready) and not state.stopped:
            undecided, state.undecided = state.undecided, []
            for job in undecided:
                self._decide(job)
            ready, state.ready = state.ready, []
            for job in ready:
                self._line_up(job)

    def _decide(self, job: JobId) -> None:
        if self._services.is_one(job):
            needed = not self._state.is_idle(job)
        else:
            needed = still_needed(
                self._plan, job, self._disk, self._history, self._has_run, self._digests, self._news
            )
        self._state.decide(job, needed)
        if not needed:
            self._tell.skipped(job, "up-to-date")
            self._files.remove_temp(self._temp_over(job, ran=False))

    def _has_run(self, job: JobId) -> bool:
        return self._state.status(job) is Status.DONE or self._services.is_one(job)

    def _line_up(self, job: JobId) -> None:
        state = self._state
        if self._graph.workflow.rules[self._graph.rule_of[job]].command is None:
            state.started(job)
            self._running[job] = Running(None, time.time_ns())
            self._tell.planned(job, 1, 0)
            self._finish(job)
            return
        faults = self._starts.line_up(job)
        if faults is not None:
            self._never_started(job, faults)

    def _start(self) -> None:
        """Submit whatever fits, and hand over what comes next."""
        ahead = self._starts.ahead
        if self._interrupts.paused or self._state.stopped:
            ahead.take_back()
            for job in ahead.dropped() if self._state.stopped else ():
                self._starts.launcher.shadows.end(job, well=False)
                self._forget(job, self._running[job])
                self._state.withdrawn(job)
            return
        again = ahead.again()
        tasks: list[Task] = []
        while chosen := self._starts.choose():
            for job, memory_bytes in chosen:
                tasks += self._prepare(job, memory_bytes)
        if tasks:
            ahead.take_back()  # what was handed over waits for less than there is now
        others: list[Task] = []
        for job in self._starts.choose_ahead():
            others += self._prepare(job, None)
        if tasks or others:
            self._tell.flush()
            self._executor.submit(tasks)
            if others:
                ahead.hand_over(others, self._starts.chooser.places_like(others[0].job))
        if self._interrupts.number is not None:  # it came in between
            self._executor.cancel([task.job for task in (*again, *tasks, *others)])

    def _prepare(self, job: JobId, memory_bytes: int | None) -> list[Task]:
        """Of a job, and all that run at once with it; none where one of them cannot start."""
        launches = self._starts.prepare(job, memory_bytes)
        if isinstance(launches, Mapping):
            self._starts.chooser.ended(job)
            self._never_started(job, launches)
            self._sort()
            return []
        for launch in launches:
            self._begin(launch)
        return [launch.task for launch in launches]

    def _begin(self, launch: Launch) -> None:
        job = launch.task.job
        self._running[job] = Running(launch, began_ns(launch))
        self._services.began(job)
        self._contents.begin(job)
        self._tell.submitted(launch, self._files.outputs(job))

    # ---- after a job

    def _happened(self, event: JobStarted | JobEnded | JobReturned | Notice) -> None:
        if isinstance(event, JobReturned):
            self._starts.ahead.returned(event.job)
            return
        self._tell(event)
        if isinstance(event, JobStarted):
            self._starts.ahead.started(event.job)
        if not isinstance(event, JobEnded):
            return
        self._starts.ahead.ended(event)
        job = event.job
        running = self._running[job]
        running.runs.append(event)
        well = event.exit_code == 0 and not event.cause
        self._starts.launcher.shadows.end(job, well=well)
        self._tell.exceeded(event, running.launch)
        fault = None if well else Fault(*how_it_ended(event, running.launch))
        fault = self._services.ended(job, fault)
        ends = self._pipes.ended(job, fault, time.monotonic())
        if ends is None:
            return
        faults = {member: wrong for member, wrong in ends.items() if wrong is not None}
        first = self._state.members(job)[0]
        if faults:
            self._fail(first, faults)
        else:
            self._finish(first)

    def _finish(self, job: JobId) -> None:
        """Its command has ended well, with those of all that run at once with it: look at what
        they have made."""
        running = self._running[job]
        jobs = self._state.members(job)
        if self._options.latency_wait_s or job in self._late:
            missing = {member: found for member in jobs if (found := self._files.missing(member))}
            if missing:
                if running.until == inf:
                    running.until = time.monotonic() + self._options.latency_wait_s
                    self._late.add(job)
                if time.monotonic() >= running.until:
                    self._fail(job, {m: missing_outputs(paths) for m, paths in missing.items()})
                return
        if not all(map(self._contents.is_ready, jobs)):
            self._late.add(job)
            return
        if running.launch is not None and self._repeat(job, jobs):
            return
        for member in jobs:
            fault = self._files.after(member)
            if fault is not None:
                self._fail(job, {member: fault})
                return
        for member in jobs:
            self._done(member)

    def _done(self, job: JobId) -> None:
        running = self._running[job]
        self._forget(job, running)
        self._state.done(job)
        run = running.runs[-1] if running.runs else None
        attempt, ns = self._state.attempt(job), running.started_ns
        changed = self._files.inputs_changed(job, ns)
        self._tell.done(job, attempt, self._digests, ns, run, was_changed=changed)
        gone = self._temp_over(job, ran=True)
        self._files.settle(job, self._tell.flush)
        self._files.remove_temp(gone)

    def _repeat(self, job: JobId, jobs: Sequence[JobId]) -> bool:
        """Write the benchmarks; whether the job is to run once more for its own."""
        rules, rule_of = self._graph.workflow.rules, self._graph.rule_of
        for member in jobs:
            running, rule = self._running[member], rules[rule_of[member]]
            if rule.benchmark is None or running.launch is None:
                continue
            is_short = len(running.runs) < rule.benchmark_repeats and not self._state.stopped
            if is_short and len(jobs) == 1 and not self._services.is_one(job):
                self._late.discard(job)
                running.until = inf
                self._files.before(job)
                task = running.launch.task
                self._starts.launcher.shadows.begin(self._graph.job(job), task.cwd)
                self._tell.submitted(running.launch, self._files.outputs(job))
                self._tell.flush()
                self._executor.submit([task])
                return True
            path = str(self._graph.job(member).fill((rule.benchmark,)))
            write_benchmark(path, running.runs, self._options.memory_of)
        return False

    def _never_started(self, job: JobId, faults: Faults) -> None:
        if self._state.status(job) is Status.READY:
            self._state.started(job)
        for member in self._state.members(job):
            self._tell.planned(member, 1, 0)
            self._running[member] = Running(None, time.time_ns())
        self._fail(job, faults, final=True, touched=False)

    def _fail(
        self, job: JobId, faults: Faults, *, final: bool = False, touched: bool = True
    ) -> None:
        """An attempt has come to nothing, and with it those of all that run at once with the job.
        `touched`: the outputs may be there, and are no good."""
        final = final or any(fault.cause in FINAL for fault in faults.values())
        for member, fault in faults.items():
            launch, requests = self._running[member].launch, self._starts.requests
            is_expected = launch is not None and requests.reckoned_with(fault.cause, launch.task)
            self._retries.note(member, fault.cause, is_expected=is_expected)
        for member in self._state.members(job):
            fault = faults.get(member) or at_the_other_end(self._graph, next(iter(faults)))
            self._fail_one(member, fault, final=final, touched=touched)

    def _fail_one(self, job: JobId, fault: Fault, *, final: bool, touched: bool) -> None:
        running = self._running[job]
        launch, attempt = running.launch, self._state.attempt(job)
        self._forget(job, running)
        will_retry = self._state.failed(job, final=final)
        run = running.runs[-1] if running.runs else None
        if will_retry and launch is not None and run is not None:
            task, seen_bytes = launch.task, run.seen_memory_bytes
            requests = self._starts.requests
            requests.learn(job, fault.cause, task.memory_bytes, seen_bytes, task.limit_s)
        outputs = self._files.outputs(job) if touched else []
        code = run.exit_code if run is not None else 0 if touched else 1
        self._tell.failed(job, attempt, outputs, fault, code, launch, will_retry=will_retry)
        self._services.failed(job, will_retry, time.monotonic())
        if touched and not self._options.keep_incomplete:
            gone = self._files.discard(job)
            if gone:
                self._tell.removed(gone, "failed")
        if not will_retry:
            self._failed.append(job)
            for waiting in self._state.skipped:
                self._tell.skipped(waiting, "upstream")
            self._state.skipped.clear()

    def _forget(self, job: JobId, running: Running) -> None:
        del self._running[job]
        self._late.discard(job)
        if running.launch is not None:
            if self._state.members(job)[0] == job:
                self._starts.chooser.ended(job)
            self._starts.forget(running.launch)
            self._files.remove_passing(job)

    def _temp_over(self, job: JobId, *, ran: bool) -> list[str]:
        """The temp files that no job needs any more. That they go is told, and kept in one write
        with the end of the job: else a crash in between would leave them for good."""
        over = [] if self._options.keep_temp else self._temp.over(job, ran=ran)
        gone = self._files.there(over)
        if gone:
            self._tell.removed(gone, "temp")
        return gone

    # ---- the end

    def _stop(self, first: bool) -> None:
        """A signal has come: in the middle of anything."""
        self._state.stop()
        self._executor.cancel(list(self._running), kill=not first)
