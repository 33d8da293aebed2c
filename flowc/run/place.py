"""Which jobs run on the machine that flowc runs on, where a cluster runs the others.

Those of local rules, and those that are known to be short: each has a share of this machine's own
cores and memory, which nobody else takes of.
"""

from flowc.dataclass import replace
from flowc.executors.base import Capacity
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.request import Origin, Request
from flowc.run.durations import NOTHING_KNOWN, Durations


class Places:
    """Says of each request whether it is for this machine."""

    def __init__(self, graph: JobGraph, here: Capacity | None, below_s: float | None) -> None:
        """`here`: what such jobs may use; None: there is but one machine. `below_s`: jobs that are
        known to be over sooner run here."""
        self._graph, self._here, self._below_s = graph, here, below_s
        self.known: Durations = NOTHING_KNOWN

    def placed(self, job: JobId, request: Request) -> Request:
        """The request, marked if it is for this machine; with no more cores than that has."""
        here = self._here
        if here is None or not (self.is_local(job) or self._is_short(job, request, here)):
            return request
        if request.cores > here.cores:
            origins = {**request.origins, "cores": Origin("scaled", "to what is for local jobs")}
            request = replace(request, cores=here.cores, origins=origins)
        return replace(request, here=True)

    def is_local(self, job: JobId) -> bool:
        """Whether its rule says so, and there is a cluster to keep it from."""
        return self._here is not None and self._graph.workflow.rules[self._graph.rule_of[job]].local

    def _is_short(self, job: JobId, request: Request, here: Capacity) -> bool:
        if self._below_s is None or request.memory_bytes > here.memory_bytes:
            return False
        expected_s = self.known.of(job)
        return expected_s is not None and expected_s < self._below_s and request.cores <= here.cores
