"""The state of a run and the choice of what starts, with a simulated executor."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.jobgraphs import graph_of

from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.state import RunState, Status
from flowc.run.temp import TempFiles

GIB = 1024**3


@st.composite
def graphs(draw: st.DrawFn, max_jobs: int) -> JobGraph:
    """Any acyclic graph: single inputs, lists that jobs share, jobs without a command."""
    count = draw(st.integers(1, max_jobs))
    groups: list[list[int]] = []
    needs: list[list[int]] = []
    for i in range(count):
        row: list[int] = []
        if i:
            row = draw(st.lists(st.integers(0, i - 1), max_size=3))
        if i and draw(st.booleans()):
            groups.append(draw(st.lists(st.integers(0, i - 1), min_size=1, max_size=4)))
        usable = [g for g, files in enumerate(groups) if max(files) < i]
        if draw(st.booleans()) and usable:
            row.append(~draw(st.sampled_from(usable)))
        needs.append(row)
    return graph_of(needs, groups, phony=draw(st.lists(st.integers(0, count - 1), max_size=2)))


def behind(graph: JobGraph, job: int, decisions: Sequence[int]) -> set[int]:
    """All jobs that `job` needs, at whatever distance; not beyond one that is up to date."""
    found: set[int] = set()
    stack = [job]
    while stack:
        for maker in graph.needs(JobId(stack.pop())):
            if maker not in found and (decisions[maker] or is_phony(graph, maker)):
                found.add(maker)
                stack.append(maker)
    return found


def is_phony(graph: JobGraph, job: int) -> bool:
    return graph.rule_of[job] >= 2


requests = st.builds(
    Request,
    cores=st.integers(1, 4),
    memory_bytes=st.integers(0, 4),
    limits=st.sampled_from([{}, {"ftp": 1}, {"ftp": 2}]),
    resources=st.sampled_from([{}, {"gpu": 1}, {"other": 9}]),
    priority=st.integers(0, 2),
)


class Simulation:
    """Runs a graph: jobs of `bad` fail, MAYBE jobs of `needless` need not run."""

    def __init__(
        self,
        graph: JobGraph,
        decisions: Sequence[int],
        asked: Sequence[Request],
        budget: Budget,
        *,
        keep_going: bool = True,
    ) -> None:
        self.state = RunState(graph, decisions, keep_going=keep_going)
        self.chooser = Chooser(budget)
        self.budget, self.asked = budget, asked
        self.order: list[int] = []

    def sort(self, needless: set[int]) -> None:
        state = self.state
        while state.undecided or state.ready:
            for job in [state.undecided.pop() for _ in state.undecided[:]]:
                state.decide(job, job not in needless)
            for job in [state.ready.pop() for _ in state.ready[:]]:
                request = self.asked[job]
                self.chooser.add(job, self.budget.need(request), (-request.priority, 0, job))

    def start(self) -> None:
        while not self.state.stopped and (job := self.chooser.next()) is not None:
            self.state.started(job)
            self.order.append(job)
            self.check()

    def check(self) -> None:
        """What runs never takes more than there is, and what is free is what is left."""
        running = [self.asked[job] for job in self.state.running]
        assert sum(r.cores for r in running) == self.budget.cores - self.budget.free_cores
        assert sum(r.cores for r in running) <= self.budget.cores
        assert sum(r.memory_bytes for r in running) <= self.budget.memory_bytes
        assert sum(r.limits.get("ftp", 0) for r in running) <= self.budget.named["limit:ftp"]
        assert sum(int(r.resources.get("gpu", 0)) for r in running) <= self.budget.named["gpu"]

    def end(self, job: JobId, *, well: bool) -> None:
        self.chooser.ended(job)
        if well:
            self.state.done(job)
        else:
            self.state.failed(job)


@given(graphs(max_jobs=10), st.data(), st.randoms())
def test_a_run_ends_and_its_jobs_always_fit(
    graph: JobGraph, data: st.DataObject, order: random.Random
) -> None:
    """Whatever the order in which jobs end: each is dealt with, none before what it needs, what
    depends on a failed job never, and never too many at once."""
    count = len(graph)
    asked = data.draw(st.lists(requests, min_size=count, max_size=count))
    decisions = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    decisions = [0 if is_phony(graph, j) else d for j, d in enumerate(decisions)]
    bad = data.draw(st.sets(st.integers(0, count - 1), max_size=2))
    needless = data.draw(st.sets(st.integers(0, count - 1)))
    budget = Budget(4, 5, {"gpu": 1}, {"ftp": 2})
    run = Simulation(graph, decisions, asked, budget)
    state = run.state
    state.start()
    run.sort(needless)
    run.start()
    while state.running:
        job = order.choice(sorted(state.running))
        assert not any(state.is_active(JobId(n)) for n in behind(graph, job, decisions))
        run.end(job, well=job not in bad)
        run.sort(needless)
        run.start()
    assert state.over
    assert budget.free_cores == 4
    ran = set(run.order)
    failed = {j for j in ran if j in bad}
    for j in range(count):
        upstream = {n for n in behind(graph, j, decisions) if decisions[n]}
        status = state.status(JobId(j))
        if not decisions[j]:
            assert status in (Status.ABSENT, Status.PASSES)
        elif upstream & failed:
            assert status is Status.UPSTREAM
        elif decisions[j] == 1 and j in needless:
            assert status is Status.UP_TO_DATE
        else:
            assert status is (Status.FAILED if j in bad else Status.DONE)
            assert j in ran


@given(graphs(max_jobs=10))
def test_ranks_are_the_longest_chains_of_waiting_jobs(graph: JobGraph) -> None:
    """A job without a command takes no time."""
    decisions = [0 if is_phony(graph, j) else 2 for j in range(len(graph))]
    durations = [j % 5 + 0.5 for j in range(len(graph))]
    for lengths in (None, durations):
        expected = [0.0] * len(graph)
        for job in reversed(range(len(graph))):
            if not is_phony(graph, job):
                expected[job] += 1 if lengths is None else lengths[job]
            for maker in graph.needs(JobId(job)):
                expected[maker] = max(expected[maker], expected[job])
        assert list(RunState(graph, decisions).ranks(lengths)) == expected


def test_without_keep_going_nothing_new_starts() -> None:
    state = RunState(graph_of([[], [], [0]]), [2, 2, 2])
    state.start()
    state.started(JobId(0))
    state.failed(JobId(0))
    assert state.stopped
    assert state.over
    assert state.skipped == [JobId(2)]
    assert state.not_run == 2


def test_retries() -> None:
    state = RunState(graph_of([[]]), [2], retries=lambda job: 2)
    state.start()
    again = []
    while state.ready:
        job = state.ready.pop()
        state.started(job)
        again.append((state.attempt(job), state.failed(job)))
    assert again == [(1, True), (2, True), (3, False)]
    assert state.status(JobId(0)) is Status.FAILED


def test_a_dense_layer_is_linear() -> None:
    """2,000 jobs that all read the outputs of 2,000 others: steps, not time, are what is bounded;
    four million edges would not fit the test's patience."""
    n = 2000
    graph = graph_of([[]] * n + [[~0]] * n, [range(n)])
    state = RunState(graph, [2] * (2 * n))
    state.start()
    assert len(state.ready) == n
    assert sum(map(len, state._readers.values())) == n
    assert list(state.ranks()) == [2] * n + [1] * n
    ready, state.ready = state.ready, []
    for job in ready[:-1]:
        state.started(job)
        state.done(job)
    assert state.ready == []
    state.started(ready[-1])
    state.done(ready[-1])
    assert len(state.ready) == n


# What is free of 4 cores and 6 GiB, ready jobs (cores, GiB) in order, and which start.
CHOICES = {
    "the one that fits": ((1, 2), [(2, 1), (1, 3), (1, 2), (1, 1)], [2]),
    "as many as fit": ((4, 6), [(2, 3), (1, 1), (1, 1), (1, 1)], [0, 1, 2]),
    "nothing fits": ((1, 1), [(2, 1), (1, 2)], []),
    "memory alone is short": ((4, 2), [(1, 2), (1, 1)], [0]),
    "no memory needed": ((1, 0), [(1, 1), (1, 0)], [1]),
}


@pytest.mark.parametrize(("free", "ready", "start"), CHOICES.values(), ids=CHOICES)
def test_what_starts(free: tuple[int, int], ready: list[tuple[int, int]], start: list[int]) -> None:
    budget = Budget(4, 6 * GIB)
    budget.take(Need(4 - free[0], (6 - free[1]) * GIB))
    chooser = Chooser(budget)
    for job, (cores, gib) in enumerate(ready):
        chooser.add(JobId(job), Need(cores, gib * GIB), (0, 0, job))
    found = []
    while (job_id := chooser.next()) is not None:
        found.append(job_id)
    assert found == start


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 100),
)
def test_nothing_that_fits_is_left(needs: list[tuple[int, int]], cores: int, memory: int) -> None:
    budget = Budget(cores, memory)
    chooser = Chooser(budget)
    for job, (c, m) in enumerate(needs):
        chooser.add(JobId(job), Need(c, m), (0, 0, job))
    taken = set()
    while (job_id := chooser.next()) is not None:
        assert job_id not in taken
        taken.add(job_id)
    left = [need for job, need in enumerate(needs) if job not in taken]
    assert not any(c <= budget.free_cores and m <= budget.free_memory_bytes for c, m in left)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_order_is_priority_rank_place(keys: list[tuple[int, int]]) -> None:
    chooser = Chooser(Budget(1, 1))
    for job, (priority, rank) in enumerate(keys):
        chooser.add(JobId(job), Need(1, 1), (-priority, -rank, job))
    found = []
    while (job_id := chooser.next()) is not None:
        found.append((-keys[job_id][0], -keys[job_id][1], job_id))
        chooser.ended(job_id)
    assert len(found) == len(keys)
    assert all(a < b for a, b in pairwise(found))


def test_a_retried_job_with_more_memory_starts_again() -> None:
    chooser = Chooser(Budget(1, 10_000))
    for memory in (4100, 4101, 4102):
        for job, more in ((0, memory), (1, memory + 1)):
            chooser.add(JobId(job), Need(1, more), (0, 0, job))
        for job in (0, 1):
            assert chooser.next() == job
            chooser.ended(JobId(job))
    assert chooser.next() is None


def test_many_ready_jobs_of_differing_memory_are_cheap() -> None:
    """30,000 ready jobs that all ask for different memory: each start looks at few of them."""
    budget = Budget(2, 64 * GIB)
    chooser = Chooser(budget)
    rng = random.Random(7)
    for job in range(30_000):
        chooser.add(JobId(job), Need(1, rng.randrange(64 * GIB)), (0, 0, job))
    assert len(chooser._queues) == 1
    seen = 0
    while (job_id := chooser.next()) is not None:
        chooser.ended(job_id)
        seen += 1
        if seen == 3000:
            break
    assert seen == 3000


def test_budget_names_only_what_has_a_total() -> None:
    budget = Budget(4, 4, {"gpu": 2}, {"ftp": 1})
    request = Request(resources={"gpu": 3, "tmpdir": "/x", "disk_mb": 9}, limits={"ftp": 2, "x": 1})
    need = budget.need(replace(request, cores=1, memory_bytes=9))
    assert need.named == (("gpu", 3.0), ("limit:ftp", 2.0))
    assert budget.excess(need) == [("memory", 9, 4), ("gpu", 3.0, 2), ("limit:ftp", 2.0, 1)]


def test_temp_files_go_after_their_last_reader() -> None:
    graph = graph_of([[], [0], [0], [1, 2]], temp=[0, 1, 2], targets=[3])
    temp = TempFiles(graph, [JobId(j) for j in range(4)])
    gone = [temp.over(JobId(j), ran=True) for j in range(4)]
    assert gone == [[], [], [0], [1, 2]]


def test_temp_files_of_a_list() -> None:
    graph = graph_of([[], [], [~0], [~0]], [[0, 1]], temp=[0, 1], targets=[2, 3])
    temp = TempFiles(graph, [JobId(j) for j in range(4)])
    assert [temp.over(JobId(j), ran=True) for j in range(4)] == [[], [], [], [0, 1]]


def test_temp_files_that_stay() -> None:
    """A target; what a job without a command stands for. But what nobody reads goes at once."""
    graph = graph_of([[], [], [1], []], temp=[0, 1, 3], phony=[2], targets=[0])
    temp = TempFiles(graph, [JobId(j) for j in (0, 1, 3)])
    assert [temp.over(JobId(j), ran=True) for j in (0, 1, 3)] == [[], [], [3]]


def test_temp_files_made_in_an_earlier_run() -> None:
    graph = graph_of([[], [0]], temp=[0], targets=[1])
    assert TempFiles(graph, [JobId(1)]).over(JobId(1), ran=True) == [0]
