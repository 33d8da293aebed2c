"""The events that an executor makes: an attempt at a job has started, and has ended.

They are events as all others, see `events`; they stand apart since the program that runs a job on
a node of a cluster needs no others, and every job pays for what it imports.
"""

from flowc.dataclass import dataclass
from flowc.ids import JobId

TYPE_CHECKING = False  # `typing` takes 6 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class JobStarted:
    """Its command runs."""

    kind: "ClassVar[str]" = "job-started"

    job: JobId
    attempt: int
    at_s: float
    external_id: str  # a local process id, a cluster's job id
    host: str = ""
    pid_start_s: float | None = None


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job's command has returned: what the executor knows of one attempt."""

    kind: "ClassVar[str]" = "job-ended"

    job: JobId
    attempt: int
    at_s: float
    exit_code: int  # 128 + n: ended by signal n
    wall_s: float
    cpu_s: float | None  # None: nobody measured
    peak_rss_bytes: int | None
    cause: str = ""  # "", "cancelled", "time-limit", "not-started", "oom", "vanished"
    read_bytes: int | None = None
    written_bytes: int | None = None
    user_s: float | None = None
    system_s: float | None = None
    seen_memory_bytes: int | None = None  # of all its processes, where its memory is limited
    figures: "Mapping[str, Any] | None" = None  # measured closely where it ran, as a profile's


@dataclass(frozen=True, slots=True)
class JobReturned:
    """A task that waited in the executor's own queue was not started. Logs do not have it."""

    job: JobId
