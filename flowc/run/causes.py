"""What follows from the way in which an attempt has come to nothing."""

from flowc.graph.job import JobGraph
from flowc.ids import JobId

RESTARTED, SERVICE_FAILED = "service-restarted", "service-failed"
"""What a job needed has ended too early: a service, which is tried again, or not."""
FINAL = frozenset({"cancelled", "cancelled-elsewhere", "not-started", SERVICE_FAILED})
"""Somebody wants it to end, or it could only come to the same."""
NOT_ITS_FAULT = frozenset({"node-failure", "requeued", "vanished", RESTARTED})
"""It might have ended well elsewhere, or another time."""
FREE_ATTEMPTS = 3
"""So many of them cost a job none of its retries."""


class Retries:
    """How often jobs are tried again: as rules and run say, and after attempts that failed through
    no fault of the job's own."""

    def __init__(self, graph: JobGraph, default: int) -> None:
        self._graph, self._default = graph, default
        self._excused: dict[JobId, int] = {}  # by the first of those that run at once

    def note(self, job: JobId, cause: str, *, is_expected: bool = False) -> None:
        """An attempt has failed so. `is_expected`: who chose its memory has reckoned with that."""
        first = self._graph.streams.members(job)[0]
        count = self._excused.get(first, 0)
        if (is_expected or cause in NOT_ITS_FAULT) and count < FREE_ATTEMPTS:
            self._excused[first] = count + 1

    def of(self, job: JobId) -> int:
        """How many further attempts a job gets after the first."""
        members = self._graph.streams.members(job)
        rules, rule_of = self._graph.workflow.rules, self._graph.rule_of
        own = [rules[rule_of[member]].retries for member in members]
        most = max(self._default if n is None else n for n in own)
        return most + self._excused.get(members[0], 0)
