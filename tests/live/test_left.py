"""How long a run may still take: by the number of its jobs, or better by how long they take."""

from dataclasses import replace

from flowc.events import JobSubmitted, RunStarted
from flowc.ids import JobId
from flowc.live.left import TimeLeft


def begun(jobs: int, expected_s: float | None = None) -> TimeLeft:
    left = TimeLeft()
    event = RunStarted("r", 1.0, 1, "0", (), "W", "/", "h", "", 1, 0.0, 4, 1, {}, jobs)
    left.begin(replace(event, expected_s=expected_s), 100.0)
    return left


def start(left: TimeLeft, job: int, at_s: float, expected_s: float | None = None) -> None:
    event = JobSubmitted(JobId(job), 1, 1.0, "r", "r", {}, (), "c", 1, 1, {}, "log")
    left.start(replace(event, expected_s=expected_s), at_s)


def test_by_the_number_of_jobs_where_nothing_is_known() -> None:
    left = begun(4)
    start(left, 0, 100.0)
    assert left.seconds(110.0) is None
    left.end(JobId(0), well=True)
    assert left.seconds(101.0) is None  # too early
    assert left.seconds(110.0) == 30.0
    left.drop()  # needless after all
    assert left.seconds(110.0) == 20.0


def test_one_long_job_counts_for_more_than_three_short_ones() -> None:
    left = begun(4, expected_s=3 * 1.0 + 97.0)
    for job in range(3):
        start(left, job, 100.0 + job, 1.0)
        left.end(JobId(job), well=True)
    start(left, 3, 103.0, 97.0)
    assert left.seconds(103.0) == 97.0  # by the number of jobs it would be one second
    assert left.seconds(150.0) == 50.0


def test_something_can_be_said_before_any_job_has_ended() -> None:
    """Twice as many jobs as there are cores, all alike."""
    left = begun(4, expected_s=40.0)
    start(left, 0, 100.0, 10.0)
    start(left, 1, 100.0, 10.0)
    assert left.seconds(105.0) == 15.0


def test_a_job_that_takes_longer_than_expected() -> None:
    left = begun(1, expected_s=10.0)
    start(left, 0, 100.0, 10.0)
    assert left.seconds(150.0) == 0.0


def test_attempts_that_fail_count_for_nothing() -> None:
    left = begun(2, expected_s=20.0)
    start(left, 0, 100.0, 10.0)
    left.end(JobId(0), well=False)  # and it is tried again
    start(left, 0, 110.0, 10.0)
    assert left.seconds(115.0) == 45.0
    left.end(JobId(0), well=False)
    left.drop()  # for good
    start(left, 1, 120.0, 10.0)
    assert left.seconds(125.0) == 25.0


def test_a_new_round_begins_anew() -> None:
    left = begun(1)
    left.end(JobId(0), well=True)
    event = RunStarted("s", 1.0, 1, "0", (), "W", "/", "h", "", 1, 0.0, 4, 1, {}, 2)
    left.begin(event, 200.0)
    left.end(JobId(0), well=True)
    assert left.seconds(210.0) == 10.0
