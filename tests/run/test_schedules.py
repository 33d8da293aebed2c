"""Whatever is to be run: never too much at once, all run, nobody starves, nothing drags on."""

from collections.abc import Sequence
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.jobgraphs import graph_of

from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.arrange import simulate
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.order import SCHEDULES, Ranking
from flowc.run.search import Search
from flowc.run.sgs import Problem, generate, problem_of
from flowc.run.simulate import Simulation
from flowc.run.state import RunState

CORES, MEMORY = 4, 8


@st.composite
def needs(draw: st.DrawFn, max_jobs: int = 12) -> list[list[int]]:
    size = draw(st.integers(1, max_jobs))
    sets = [draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set() for i in range(size)]
    return [sorted(one) for one in sets]


requests = st.builds(
    Request,
    cores=st.integers(1, CORES),
    memory_bytes=st.integers(0, MEMORY),
    limits=st.sampled_from([{}, {}, {"ftp": 1}, {"ftp": 2}]),
    resources=st.sampled_from([{}, {}, {"gpu": 1}, {"other": 9}]),
    priority=st.sampled_from([0, 0, 0, 1]),
)
seconds = st.sampled_from([0.5, 1.0, 1.5, 2.0, 7.0])


def budget() -> Budget:
    return Budget(CORES, MEMORY, {"gpu": 1}, {"ftp": 2})


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(needs(), st.data())
@examples(30)
def test_all_run_and_always_fit(schedule: str, rows: list[list[int]], data: st.DataObject) -> None:
    """Also where jobs take other times than was expected."""
    size = len(rows)
    asked = data.draw(st.lists(requests, min_size=size, max_size=size))
    lasts = data.draw(st.lists(seconds, min_size=size, max_size=size))
    expected = data.draw(st.one_of(st.none(), st.lists(seconds, min_size=size, max_size=size)))
    graph = graph_of(rows)
    done = simulate(
        lambda: RunState(graph, [2] * size),
        budget(),
        asked.__getitem__,
        lasts,
        expected=expected,
        schedule=schedule,
        search_s=0.02,
    )
    starts = done.starts_s
    ends = [start + length for start, length in zip(starts, lasts, strict=True)]
    assert min(starts) >= 0 and max(ends) == done.makespan_s
    for job, makers in enumerate(rows):
        assert all(ends[maker] <= starts[job] for maker in makers)
    for at in starts:
        running = [asked[job] for job in range(size) if starts[job] <= at < ends[job]]
        assert sum(r.cores for r in running) <= CORES
        assert sum(r.memory_bytes for r in running) <= MEMORY
        assert sum(r.limits.get("ftp", 0) for r in running) <= 2
        assert sum(int(r.resources.get("gpu", 0)) for r in running) <= 1


def listed(graph: JobGraph, asked: Sequence[Request], lasts: Sequence[float]) -> float:
    """The makespan of the plain order by rank."""
    state, mine = RunState(graph, [2] * len(graph)), budget()
    ranking = Ranking("rank", state.ranks(lasts), mine)
    return (
        Simulation(state, Chooser(mine), ranking, asked.__getitem__, lasts, lasts).run().makespan_s
    )


@given(needs(20), st.data())
def test_grahams_bound(rows: list[list[int]], data: st.DataObject) -> None:
    """Where each job takes one core: no more than work / m + (1 - 1 / m) x the longest chain, so at
    most 2 - 1 / m times the shortest (Graham, SIAM J. Appl. Math. 17, 1969)."""
    size = len(rows)
    lasts = data.draw(st.lists(seconds, min_size=size, max_size=size))
    graph = graph_of(rows)
    chain = max(RunState(graph, [2] * size).ranks(lasts))
    makespan = listed(graph, [Request(1, 0)] * size, lasts)
    assert makespan <= sum(lasts) / CORES + (1 - 1 / CORES) * chain + 1e-9


def shortest(problem: Problem) -> float:
    """Of all orders in which a job comes after what it needs."""
    size = len(problem)
    return min(
        generate(problem, order)[1]
        for order in permutations(range(size))
        if all(order.index(m) < order.index(j) for j in range(size) for m in problem.needs[j])
    )


def small_problem(
    rows: Sequence[Sequence[int]], asked: Sequence[Request], lasts: Sequence[float]
) -> Problem:
    amounts = [(r.cores, r.memory_bytes) for r in asked]
    return problem_of(lasts, amounts, (CORES, MEMORY), rows)


small = st.builds(Request, cores=st.integers(1, CORES), memory_bytes=st.integers(0, MEMORY))


@given(st.lists(st.tuples(small, seconds), min_size=1, max_size=5))
def test_bound_for_several_resources(jobs: list[tuple[Request, float]]) -> None:
    """Jobs that need nothing of each other, and s = 2 resources: at most s + 1 times the shortest
    (Garey and Graham, SIAM J. Comput. 4, 1975)."""
    asked, lasts = [job[0] for job in jobs], [job[1] for job in jobs]
    rows: list[list[int]] = [[] for _ in jobs]
    assert listed(graph_of(rows), asked, lasts) <= 3 * shortest(small_problem(rows, asked, lasts))


@given(needs(5), st.data())
@examples(40)
def test_a_search_finds_the_shortest_of_few_jobs(
    rows: list[list[int]], data: st.DataObject
) -> None:
    size = len(rows)
    asked = data.draw(st.lists(small, min_size=size, max_size=size))
    lasts = data.draw(st.lists(seconds, min_size=size, max_size=size))
    problem = small_problem(rows, asked, lasts)
    ticks = iter(range(1000))
    found = Search(problem).run([range(size)], 300, lambda: float(next(ticks)))
    assert found.makespan == shortest(problem)
    assert found.makespan >= problem.bound - 1e-9


def test_a_search_idles_where_that_pays() -> None:
    """The long job needs all the cores as soon as the first has ended; whoever starts what fits
    keeps it waiting."""
    graph = graph_of([[], [0], [], [1]])
    asked = [Request(2, 0), Request(4, 0), Request(2, 0), Request(2, 0)]
    lasts = [1.0, 5.0, 6.0, 6.0]
    made = {
        schedule: simulate(
            lambda: RunState(graph, [2] * 4), budget(), asked.__getitem__, lasts, schedule=schedule
        )
        for schedule in ("fifo", "search")
    }
    assert made["fifo"].makespan_s == 17
    assert made["search"].makespan_s == 12
    assert list(made["search"].starts_s) == [0, 1, 6, 6]
    assert made["search"].limited_s["order"] == 1


def turns_until_it_starts(chooser: Chooser, first: Need, small: Need, lasts: float | None) -> int:
    """Small jobs come without end, one for each that ends, the oldest first. Job 0, the first in
    order, comes when they run: how many of them end before it starts."""
    jobs = map(JobId, count(1))

    def add_small() -> None:
        job = next(jobs)
        chooser.add(job, small, (0, 5, job), lasts)

    for _ in range(6):
        add_small()
    running = list(iter(chooser.next, None))
    assert len(running) == 4
    chooser.add(JobId(0), first, (0, 0, 0), lasts)
    for turn in range(100):
        chooser.ended(running.pop(0))
        add_small()
        while (job := chooser.next(float(turn))) is not None:
            if job == 0:
                return turn
            running.append(job)
        assert running, "nothing runs, and nothing starts"
    raise AssertionError("it has starved")


@pytest.mark.parametrize("lasts", [None, 1.0, 50.0])
@pytest.mark.parametrize("big", [Need(4, 1), Need(1, 8), Need(3, 6)])
def test_small_jobs_do_not_starve_a_big_one(big: Need, lasts: float | None) -> None:
    chooser = Chooser(budget(), patience=10)
    assert turns_until_it_starts(chooser, big, Need(1, 2), lasts) <= 10 + 4


def test_a_big_share_of_a_limit_is_not_starved() -> None:
    chooser = Chooser(Budget(100, 100, limits={"ftp": 4}), patience=10)
    one, three = (("limit:ftp", 1.0),), (("limit:ftp", 3.0),)
    assert turns_until_it_starts(chooser, Need(1, 0, three), Need(1, 0, one), None) <= 10 + 3
    chooser = Chooser(Budget(100, 100, limits={"ftp": 4}), patience=10)
    assert turns_until_it_starts(chooser, Need(2, 0, three), Need(1, 0, one), None) <= 10 + 3


def test_a_job_that_waits_for_a_limit_holds_back_nobody_else() -> None:
    chooser = Chooser(budget(), patience=0)
    chooser.add(JobId(0), Need(1, 1, (("limit:ftp", 2.0),)), (0, 0, 0))
    chooser.add(JobId(1), Need(4, 1, (("limit:ftp", 1.0),)), (0, 1, 1))
    for job in range(2, 5):
        chooser.add(JobId(job), Need(1, 1), (0, 2, job))
    assert list(iter(chooser.next, None)) == [0, 2, 3, 4]


def test_priority_goes_before_rank() -> None:
    graph = graph_of([[], [], [1], [2]])
    asked = [Request(4, 0, priority=1), *[Request(4, 0)] * 3]
    for schedule in SCHEDULES:
        done = simulate(
            lambda: RunState(graph, [2] * 4),
            budget(),
            asked.__getitem__,
            [1.0] * 4,
            schedule=schedule,
            search_s=0.02,
        )
        assert done.starts_s[0] == 0


# With 3 of 4 cores and 4 of 6 GiB in use, one job of 1 thread and at most 2 GiB starts.
def test_the_case_that_all_began_with() -> None:
    chooser = Chooser(Budget(4, 6))
    chooser.budget.take(Need(3, 4))
    for job, need in enumerate([Need(2, 1), Need(1, 3), Need(1, 2), Need(1, 1)]):
        chooser.add(JobId(job), need, (0, 0, job))
    assert list(iter(chooser.next, None)) == [2]
