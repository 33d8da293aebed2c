"""The plan's types: a decision for each job."""

from collections.abc import Callable, Sequence
from enum import IntEnum

from flowc.dataclass import dataclass
from flowc.graph.job import JobGraph
from flowc.ids import FileId, JobId
from flowc.plan.reason import Reason
from flowc.plan.request import Request


class Decision(IntEnum):
    """What the plan says of a job. Stored as one byte a job."""

    SKIP = 0  # up to date
    MAYBE = 1  # up to date unless what is made upstream comes out different
    RUN = 2


@dataclass(frozen=True)
class Plan:
    """Which jobs of a graph run. `decisions[job]` is a `Decision`; reasons and requests are
    computed when asked for, so that a plan of a million jobs stays small."""

    graph: JobGraph
    decisions: Sequence[int]
    reasons: Callable[[JobId], list[Reason]]
    request: Callable[[JobId, int], Request]  # (job, attempt counted from 1)
    asked: frozenset[FileId] = frozenset()  # files that stay even if they are `temp`
    held: Sequence[JobId] = ()  # wait for a checkpoint, and so for a later round
    measured: Callable[[JobId], int | None] = lambda job: None
    """The most memory that a job of the same rule has used when measured; None: nobody knows."""

    def to_run(self) -> list[JobId]:
        """Jobs that run or may have to, in topological order."""
        return [JobId(i) for i, d in enumerate(self.decisions) if d]
