"""What jobs are expected to take, from what is known."""

from collections.abc import Iterable

from support.jobgraphs import graph_of

from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.record.times import JobTime, RuleTimes
from flowc.run.durations import expected_durations


class Known:
    """A history that a test makes up. Jobs of `graph_of` are of rule r0, or r1 where temp."""

    def __init__(self, jobs: dict[str, JobTime], rules: dict[str, RuleTimes]) -> None:
        self.jobs, self.rules = jobs, rules

    def job_times(self, paths: Iterable[str]) -> dict[str, JobTime]:
        return {path: self.jobs[path] for path in paths if path in self.jobs}

    def rule_times(self, rules: Iterable[str]) -> dict[str, RuleTimes]:
        return {rule: self.rules[rule] for rule in rules if rule in self.rules}


GRAPH = graph_of([[], [0], [0], [1]], temp=[3], phony=[2])
JOBS = [JobId(job) for job in range(4)]


def test_the_same_job_then_its_rule_then_other_rules() -> None:
    known = Known(
        {"f0": JobTime("r0", 9.0, 5), "f3": JobTime("other", 99.0, None)},
        {"r0": RuleTimes(2, 4.0, 5)},
    )
    found = expected_durations(GRAPH, JOBS, known)
    assert list(found.seconds) == [9.0, 4.0, 0.0, 4.0]
    assert (found.same_job, found.by_rule, found.guessed) == (1, 1, 1)
    assert found.is_known
    assert not found.is_exact
    assert found.peaks == {"r0": 5}


def test_a_profile_stands_in_for_a_rule_that_has_not_run() -> None:
    def of_profile(rule: Rule) -> float | None:
        return 30.0 if rule.name == "r1" else 1.0

    found = expected_durations(GRAPH, JOBS, Known({}, {"r0": RuleTimes(1, 2.0, None)}), of_profile)
    assert list(found.seconds) == [2.0, 2.0, 0.0, 30.0]
    assert (found.by_rule, found.by_profile) == (2, 1)


def test_nothing_known_is_all_the_same() -> None:
    found = expected_durations(GRAPH, JOBS, Known({}, {}))
    assert list(found.seconds) == [1.0, 1.0, 0.0, 1.0]
    assert not found.is_known


def test_exact_where_nearly_each_job_is_known() -> None:
    jobs = {f"f{job}": JobTime(f"r{int(job == 3)}", 1.0 + job, None) for job in range(4)}
    rules = {"r0": RuleTimes(2, 1.0, None), "r1": RuleTimes(1, 4.0, None)}
    found = expected_durations(GRAPH, JOBS, Known(jobs, rules))
    assert list(found.seconds) == [1.0, 2.0, 0.0, 4.0]
    assert found.is_exact
