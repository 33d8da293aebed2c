"""Runs in simulated time: what they say of makespan, bound and limits."""

from array import array
from collections.abc import Sequence

import pytest
from support.jobgraphs import graph_of

from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.request import Request
from flowc.run.budget import Budget
from flowc.run.durations import Durations
from flowc.run.predict import Prediction, predict


def prediction(
    needs: Sequence[Sequence[int]],
    requests: Sequence[Request],
    seconds: Sequence[float],
    budget: Budget,
    groups: Sequence[Sequence[int]] = (),
    phony: Sequence[int] = (),
) -> Prediction:
    graph = graph_of(needs, groups, phony=phony)
    decisions = [0 if job in phony else 2 for job in range(len(graph))]
    plan = Plan(graph, decisions, lambda job: [], lambda job, attempt: requests[job])
    known = Durations(array("d", seconds), len(graph), 0, 0, 0, {})
    return predict(plan, budget, known)


ONE = Request(1, 1)
# What jobs need, ask for and take; the budget; then makespan, bound, what bounds, what limits.
CASES = {
    "a chain": ([[], [0]], [ONE] * 2, [1, 2], Budget(4, 4), 3, 3, "dependencies", "dependencies"),
    "cores": ([[], [], []], [ONE] * 3, [1, 1, 2], Budget(2, 9), 2, 2, "dependencies", "cores"),
    "work": ([[]] * 4, [ONE] * 4, [1] * 4, Budget(2, 9), 2, 2, "cores", "cores"),
    "memory": ([[], []], [Request(1, 3)] * 2, [1, 1], Budget(4, 4), 2, 1.5, "memory", "memory"),
    "a limit": (
        [[]] * 3,
        [Request(1, 0, limits={"ftp": 1})] * 3,
        [1, 1, 1],
        Budget(4, 4, limits={"ftp": 1}),
        3,
        3,
        "limit:ftp",
        "limit:ftp",
    ),
    "fewer threads": ([[]], [Request(8, 1)], [1], Budget(2, 4), 4, 4, "dependencies", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_predictions(case: tuple[object, ...]) -> None:
    needs, requests, seconds, budget, makespan_s, bound_s, bounded_by, limit = case
    found = prediction(needs, requests, seconds, budget)  # type: ignore[arg-type]
    assert found.makespan_s == makespan_s
    assert (found.bound.seconds, found.bound.what) == (bound_s, bounded_by)
    if limit:
        assert found.limit == limit


def test_use_and_path() -> None:
    """Two jobs feed a third through a list; a job without a command stands in between."""
    found = prediction(
        [[], [], [~0], [2], [3]],
        [Request(1, 2), Request(1, 4), ONE, Request(2, 8), ONE],
        [1, 3, 0, 1, 2],
        Budget(2, 8),
        groups=[[0, 1]],
        phony=[2],
    )
    assert found.makespan_s == 6
    assert found.critical_path == [JobId(1), JobId(3), JobId(4)]
    assert found.cores_used == pytest.approx((1 + 3 + 2 + 2) / 12)
    assert found.memory_used == pytest.approx((2 + 12 + 8 + 2) / 48)
    assert found.jobs == 4
    assert list(found.simulated.starts_s) == [0, 0, -1, 3, 4]


def test_an_empty_plan() -> None:
    found = prediction([], [], [], Budget(2, 8))
    assert (found.makespan_s, found.jobs, found.limit) == (0, 0, "nothing")
