"""Spare memory goes to jobs that start, if nobody waits for it."""

import pytest

from flowc.ids import JobId
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.spare import Starting, share_out, spare_memory

# Jobs that start (asked for, peak), what is free of memory and of cores; what each gets.
CASES = {
    "as much as was seen, and a margin": ([(100, 200)], 1000, 0, {0: 230}),
    "no more than its part": ([(100, 2000), (100, 2000)], 300, 1, {0: 200, 1: 200}),
    "enough already": ([(300, 200)], 1000, 0, {}),
    "nothing is free": ([(100, 200)], 0, 4, {}),
    "the cluster decides": ([(100, 200)], float("inf"), float("inf"), {}),
    "nothing starts": ([], 1000, 1, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parts(case: tuple[list[tuple[int, int]], float, float, dict[int, int]]) -> None:
    jobs, free_bytes, free_cores, expected = case
    starting = [Starting(JobId(i), asked, peak) for i, (asked, peak) in enumerate(jobs)]
    assert spare_memory(starting, free_bytes, free_cores) == expected


def test_what_is_given_is_taken_and_comes_back() -> None:
    chooser = Chooser(Budget(1, 1000))
    chooser.add(JobId(0), Need(1, 100), (0, 0, 0))
    assert chooser.next() == 0
    assert share_out(chooser, [Starting(JobId(0), 100, 400)]) == {0: 460}
    assert chooser.budget.free_memory_bytes == 540
    chooser.ended(JobId(0))
    assert chooser.budget.free_memory_bytes == 1000


def test_nothing_is_given_where_a_job_waits_for_memory() -> None:
    chooser = Chooser(Budget(4, 1000))
    chooser.add(JobId(0), Need(1, 100), (0, 0, 0))
    chooser.add(JobId(1), Need(1, 950), (0, 1, 1))
    assert chooser.next() == 0
    assert chooser.next() is None
    assert share_out(chooser, [Starting(JobId(0), 100, 400)]) == {}
    chooser.add(JobId(2), Need(1, 100, ()), (0, 2, 2))
    assert chooser.next() == 2


def test_who_waits_for_a_limit_does_not_wait_for_memory() -> None:
    chooser = Chooser(Budget(4, 1000, limits={"ftp": 1}))
    for job in (0, 1):
        chooser.add(JobId(job), Need(1, 600, (("limit:ftp", 1.0),)), (0, job, job))
    assert chooser.next() == 0
    assert chooser.next() is None
    assert share_out(chooser, [Starting(JobId(0), 600, 1000)]) == {0: 700}
