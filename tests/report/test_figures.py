"""The figures, against hand-made runs with known answers and an independent computation."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.runlog import START_S, job, many_jobs, run_ended, run_started

from flowc.events import Event, JobSubmitted, Notice
from flowc.record.fold import fold_events
from flowc.report.figures import Figures, figures
from flowc.report.overtime import stretches
from flowc.report.rulefigures import Spread, round_up
from flowc.units import GIB


def of(*events: Event | Sequence[Event]) -> Figures:
    flat: list[Event] = []
    for event in events:
        flat += event if isinstance(event, Sequence) else [event]
    return figures(fold_events(flat))


def diamond() -> Figures:
    """4 cores, 8 GB, 10 s: 0 → (1, 2) → 3; of 2 an attempt fails."""
    return of(
        run_started(4, 8),
        job(0, 0, 2, cores=2, memory_gb=2, cpu_s=3, peak_gb=1),
        job(1, 2, 6, cores=1, memory_gb=1, cpu_s=4, peak_gb=0.5, needs=[0]),
        job(2, 2, 3, cores=2, memory_gb=2, cpu_s=1, peak_gb=2, needs=[0], cause="oom"),
        job(2, 3, 8, cores=2, memory_gb=4, cpu_s=5, peak_gb=3, needs=[0], attempt=2),
        job(3, 8, 10, cores=4, memory_gb=1, needs=[1, 2]),
        run_ended(10),
    )


def test_areas_of_a_known_run() -> None:
    found = diamond()
    core, memory = found.core_area, found.memory_area
    assert core.capacity == 40
    assert core.requested == 4 + 4 + 2 + 10 + 8
    assert core.used == 3 + 4 + 1 + 5
    assert core.wasted == (4 - 3) + (4 - 4) + 2 + (10 - 5)
    assert core.efficiency == 13 / 20
    assert memory.requested == (4 + 4 + 2 + 20 + 2) * GIB
    assert memory.wasted == ((4 - 2) + (4 - 2) + 2 + (20 - 15)) * GIB
    assert memory.measured == 4


def test_bound_and_critical_path_of_a_known_run() -> None:
    found = diamond()
    assert found.critical_path == [0, 2, 3]
    assert found.bound.critical_path_s == 2 + 5 + 2
    assert found.bound.by_cores_s == (4 + 4 + 10 + 8) / 4
    assert found.bound.by_memory_s == (4 + 4 + 20 + 2) / 8
    assert (found.bound.seconds, found.bound.by) == (9, "critical path")


def test_counts_of_a_known_run() -> None:
    found = diamond()
    assert (found.jobs, found.attempts, found.failed_attempts, found.retried) == (4, 5, 1, 1)
    assert (found.states["ok"], found.causes) == (4, {"oom": 1})
    rule = found.rules[0]
    assert (rule.peak_bytes.p50, rule.peak_bytes.most) == (1 * GIB, 3 * GIB)
    assert (rule.cores.most, rule.used_cores.most) == (4, 1.5)


def test_what_limits_a_run() -> None:
    found = of(
        run_started(2, 8),
        job(0, 0, 2, cores=2),  # 1 waits for cores
        job(1, 2, 4, memory_gb=6),  # 2 waits for memory
        job(2, 4, 6, memory_gb=6),
        job(3, 6, 7, cores=1, needs=[2]),  # nothing waits, and a core is free
        run_ended(7.5),
    )
    assert found.usage.limits_s() == {
        "cores": 2.0, "memory": 2.0, "dependencies": 3.0, "nothing": 0.5,
    }  # fmt: skip
    assert found.usage.waited_for == {1: "cores", 2: "memory"}
    assert found.wait_s == 2 + 4


def test_a_named_limit_holds_jobs_back() -> None:
    found = of(
        run_started(4, 8, limits={"limit:net": 1.0}),
        job(0, 0, 3, resources={"limit:net": 1.0}),
        job(1, 3, 4, resources={"limit:net": 1.0}),
        run_ended(4),
    )
    assert found.usage.waited_for == {1: "limit net"}
    assert found.usage.limits_s() == {"limit net": 3.0, "dependencies": 1.0}


def test_a_pause_holds_jobs_back() -> None:
    pauses = [Notice(START_S + at_s, code, "") for at_s, code in ((1, "paused"), (3, "resumed"))]
    late = [
        replace(e, ready_at_s=START_S) if isinstance(e, JobSubmitted) else e for e in job(1, 3, 4)
    ]
    found = of(run_started(4, 8), job(0, 0, 0.5), late, pauses, run_ended(4))
    assert found.usage.waited_for == {1: "paused"}
    assert found.usage.limits_s() == {"paused": 2.0, "flowc": 1.0, "dependencies": 1.0}


def test_a_cluster_holds_jobs_back_in_its_queue() -> None:
    events = [
        replace(e, at_s=START_S + 1, executor="slurm") if isinstance(e, JobSubmitted) else e
        for e in job(0, 4, 6)
    ]
    found = of(run_started(0, 0), events, run_ended(6))
    assert (found.bars[0].queue_s, found.wait_s) == (3.0, 4.0)
    assert found.bars[0].where == "slurm 1000 on node1"
    assert found.usage.waited_for == {0: "the cluster's queue"}
    assert found.usage.limits_s() == {
        "the cluster's queue": 3.0, "dependencies": 2.0, "flowc": 1.0,
    }  # fmt: skip


def test_what_was_given_unasked_is_held_and_not_wasted() -> None:
    gift = 3 * GIB
    events = [
        replace(e, memory_bytes=4 * GIB, spare_bytes=gift) if isinstance(e, JobSubmitted) else e
        for e in job(0, 0, 2, memory_gb=1, peak_gb=0.5)
    ]
    found = of(run_started(4, 8), events, run_ended(2))
    memory = found.memory_area
    assert (memory.requested, memory.wasted, memory.used) == (8 * GIB, 1 * GIB, 1 * GIB)
    assert found.bound.by_memory_s == 2 / 8
    assert found.usage.memory_bytes[0] == 4 * GIB
    assert found.rules[0].memory_bytes.most == GIB


def test_no_order_of_events_can_make_a_figure_fail() -> None:
    logs: list[list[Event]] = [[], [run_started()], [run_started(0, 0)], [run_ended(1)]]
    for events in (*logs, job(0, 0, 0)):
        found = of(events)
        assert found.core_area.utilisation is None or found.core_area.utilisation >= 0
        assert found.bound.seconds >= 0


def test_a_cycle_in_a_log_is_cut_open() -> None:
    found = of(run_started(), job(0, 0, 1, needs=[1]), job(1, 1, 3, needs=[0, 1]), run_ended(3))
    assert 0 < len(found.critical_path) <= 2


def test_a_deep_chain_is_no_burden() -> None:
    chain = [e for i in range(5000) for e in job(i, i, i + 1, needs=[i - 1] if i else [])]
    found = of(run_started(), chain, run_ended(5000))
    assert found.critical_path == list(range(5000))
    assert found.bound.seconds == pytest.approx(5000)


@pytest.mark.parametrize(
    ("values", "p50", "p95"), [([1], 1, 1), ([1, 2], 1, 2), (list(range(1, 101)), 50, 95)]
)
def test_percentiles_are_values_that_were_seen(values: list[float], p50: float, p95: float) -> None:
    assert (Spread(values).p50, Spread(values).p95) == (p50, p95)


def test_round_up() -> None:
    asked = [0.0001, 0.014, 0.5, 0.991, 1.21, 12.3, 130.0]
    assert [round_up(size) for size in asked] == [0.01, 0.02, 0.5, 1.0, 1.3, 13.0, 130.0]


def test_advice_leaves_room_for_the_system() -> None:
    found = of(run_started(), job(0, 0, 1, memory_gb=1, peak_gb=0.005), run_ended(1))
    assert found.rules[0].advice.lines == ["mem_gb: 0.04"]


# --- invariants ----------------------------------------------------------------------------------


def random_run(draw: random.Random) -> list[Event]:
    """A run that keeps to its cores, on a grid of whole seconds."""
    cores = draw.randint(1, 6)
    free: list[int] = [cores] * 200
    events: list[Event] = [run_started(cores, 8)]
    ends: dict[int, int] = {}
    for id in range(draw.randint(0, 14)):
        need = draw.sample(sorted(ends), min(len(ends), draw.randint(0, 2)))
        wide, long = draw.randint(1, cores), draw.randint(1, 6)
        at = max([0, *(ends[n] for n in need)])
        while min(free[at : at + long]) < wide:
            at += 1
        for second in range(at, at + long):
            free[second] -= wide
        ends[id] = at + long
        events += job(
            id, at, at + long, cores=wide, needs=need, memory_gb=1,
            cpu_s=draw.uniform(0, wide * long), peak_gb=draw.uniform(0, 1),
        )  # fmt: skip
    return [*events, run_ended(max(ends.values(), default=1))]


def brute_force_path(found: Figures) -> float:
    """The longest chain, by trying all."""
    jobs = found.run.jobs
    length = {bar.job.id: bar.duration_s for bar in found.bars}

    def longest(id: int) -> float:
        return length[id] + max((longest(need) for need in jobs[id].needs), default=0.0)

    return max(map(longest, jobs), default=0.0)


def overlaps(found: Figures) -> list[tuple[int, int]]:
    """Pairs of attempts that share a lane at the same time."""
    taken: list[tuple[set[int], float, float]] = []
    for bar, pieces in zip(found.bars, found.lanes.pieces, strict=True):
        lanes = {lane for first, high in pieces for lane in range(first, first + high)}
        assert len(lanes) == max(1, bar.attempt.cores)
        taken.append((lanes, bar.start_s, bar.end_s))
    return [
        (i, k)
        for i, (lanes, start_s, end_s) in enumerate(taken)
        for k, (others, begin_s, until_s) in enumerate(taken[:i])
        if lanes & others and start_s < until_s and begin_s < end_s
    ]


@given(st.randoms(use_true_random=False))
@examples(80)
def test_invariants(draw: random.Random) -> None:
    found = of(random_run(draw))
    core, memory, makespan_s = found.core_area, found.memory_area, found.makespan_s
    assert core.capacity is not None
    assert core.used <= core.requested + 1e-6
    assert core.requested <= core.capacity + 1e-6
    assert core.wasted == pytest.approx(core.requested - core.used)
    assert memory.used <= memory.requested + 1e-6
    assert found.bound.seconds <= makespan_s + 1e-6
    assert found.bound.critical_path_s == pytest.approx(brute_force_path(found))
    assert found.lanes.total == found.run.cores
    assert not overlaps(found)
    for column in (found.usage.cores, found.usage.memory_bytes, found.usage.waiting):
        assert min(column) >= 0
        assert column[-1] == 0
    assert max(found.usage.cores) <= found.run.cores
    assert sum(found.usage.limits_s().values()) == pytest.approx(makespan_s)
    assert area(found, found.usage.cores) == pytest.approx(core.requested)
    assert area(found, found.usage.cores_used) == pytest.approx(core.used)
    assert area(found, found.usage.waiting) == pytest.approx(found.wait_s)
    parts = stretches(found)
    assert sum(s.cores * (s.end_s - s.start_s) for s in parts) == pytest.approx(core.requested)
    assert sum((s.used_bytes or 0) * (s.end_s - s.start_s) for s in parts) == pytest.approx(
        memory.used
    )
    assert {s.limited_by for s in parts} <= {*found.usage.limits_s()}


def area(found: Figures, column: Sequence[float]) -> float:
    """Under a step function of the usage."""
    times = found.usage.times_s
    return sum(column[i] * (times[i + 1] - times[i]) for i in range(len(times) - 1))


def test_more_jobs_than_cores_get_more_lanes() -> None:
    found = of(run_started(1), job(0, 0, 2), job(1, 1, 3), job(2, 0, 3, cores=0), run_ended(3))
    assert (found.lanes.cores, found.lanes.total) == (2, 3)
    assert not overlaps(found)


def test_wide_jobs_come_in_one_piece_where_they_can() -> None:
    found = of(
        run_started(4),
        *(job(i, 0, end_s) for i, end_s in enumerate((3, 1, 3, 1))),
        job(4, 1, 2, cores=2),
        job(5, 3, 5, cores=4),
        run_ended(5),
    )
    assert [len(pieces) for pieces in found.lanes.pieces] == [1] * 6
    assert found.lanes.total == 4
    assert not overlaps(found)


def test_thousands_of_jobs_on_many_cores_keep_to_their_lanes() -> None:
    found = of(many_jobs(3000, cores=64))
    assert found.lanes.total == 64
    assert sum(rule.jobs for rule in found.rules) == 3000
