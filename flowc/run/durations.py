"""How long jobs are expected to run: what a schedule is made of.

In this order: how long the very same job took last time; the median of its rule; what the rule's
profile says; the median of the other rules. Where nothing is known of any job, all count the same.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from flowc.dataclass import dataclass
from flowc.diagnostic import WorkflowError
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.record.history import Times

SHORTEST_S = 0.001
"""No job takes no time: ties would be decided by nothing."""
_MOST_JOBS = 100_000
"""Of more jobs than these the medians of their rules are enough: to look up each would be slow."""


@dataclass(frozen=True)
class Durations:
    """`seconds`: by job of the graph. The counts say of how many jobs they come from where."""

    seconds: "array[float]"
    same_job: int
    by_rule: int
    by_profile: int
    guessed: int
    peaks: Mapping[str, int]  # by rule: the most memory in bytes that one of its jobs has had

    @property
    def is_known(self) -> bool:
        """Whether something is known of any job."""
        return bool(self.same_job or self.by_rule or self.by_profile)

    @property
    def is_exact(self) -> bool:
        """Whether nearly every job is known by itself, so that it pays to search for an order."""
        count = self.same_job + self.by_rule + self.by_profile + self.guessed
        return self.same_job > 0 and self.same_job >= 0.9 * count

    @property
    def total_s(self) -> float | None:
        """Of all jobs, one after the other."""
        return sum(self.seconds) if self.is_known else None

    def of(self, job: JobId) -> float | None:
        """None where nothing is known."""
        return self.seconds[job] if self.is_known else None


NOTHING_KNOWN = Durations(array("d"), 0, 0, 0, 0, {})


def expected_durations(
    graph: JobGraph,
    jobs: Sequence[JobId],
    times: Times,
    of_profile: Callable[[Rule], float | None] | None = None,
) -> Durations:
    """What is to be expected of these jobs. `of_profile`: None for what the rules' profiles say."""
    rules, rule_of = graph.workflow.rules, graph.rule_of
    ids = sorted({rule_of[job] for job in jobs})
    if of_profile is None:
        of_profile = _of_profiles() if any(rules[id].profile for id in ids) else _no_profile
    known = times.rule_times([rules[id].name for id in ids])
    peaks = {name: found.peak_bytes for name, found in known.items() if found.peak_bytes}
    by_rule = {id: known[rules[id].name].median_s for id in ids if rules[id].name in known}
    by_profile = {
        id: job_s
        for id in ids
        if id not in by_rule and (job_s := of_profile(rules[id])) is not None
    }
    typical = [*by_rule.values(), *by_profile.values()]
    guess = median(typical) if typical else 1.0
    seconds = array("d", bytes(8 * len(graph)))
    counts = [0, 0, 0, 0]
    last = _last_times(graph, jobs, by_rule, times)
    for job in jobs:
        id = rule_of[job]
        if rules[id].command is None or job in graph.streams.consumers:
            continue  # a service takes as long as those that need it
        if job in last:
            job_s, which = last[job], 0
        elif id in by_rule:
            job_s, which = by_rule[id], 1
        elif id in by_profile:
            job_s, which = by_profile[id], 2
        else:
            job_s, which = guess, 3
        seconds[job] = max(job_s, SHORTEST_S)
        counts[which] += 1
    same_job, of_rule, told, guessed = counts
    return Durations(seconds, same_job, of_rule, told, guessed, peaks)


def _no_profile(rule: Rule) -> float | None:
    return None


def _of_profiles() -> Callable[[Rule], float | None]:
    """The median of what a rule's profile has measured."""
    from flowc.plan.measured import Profiles  # only for rules with a profile

    profiles = Profiles()

    def of_profile(rule: Rule) -> float | None:
        if rule.profile is None:
            return None
        try:
            evidence = profiles.of(rule)
        except WorkflowError:  # whoever asks for the rule's figures is told
            return None
        walls = [a.wall_s for a in evidence.good if a.wall_s is not None] if evidence else []
        return median(walls) if walls else None

    return of_profile


def _last_times(
    graph: JobGraph, jobs: Sequence[JobId], by_rule: "dict[int, float]", times: Times
) -> dict[JobId, float]:
    """How long each job has run last time, where the same rule has made the same file."""
    if len(jobs) > _MOST_JOBS:
        return {}
    rules, rule_of, outputs, paths = graph.workflow.rules, graph.rule_of, graph.outputs, graph.paths
    asked = {
        paths[outputs.values[outputs.starts[job]]]: job
        for job in jobs
        if rule_of[job] in by_rule and rules[rule_of[job]].outputs
    }
    if not asked:
        return {}
    return {
        asked[path]: time.wall_s
        for path, time in times.job_times(asked).items()
        if time.rule == rules[rule_of[asked[path]]].name
    }
