"""What follows from the way in which an attempt has come to nothing."""

from flowc.ids import JobId

RESTARTED, SERVICE_FAILED = "service-restarted", "service-failed"
"""What a job needed has ended too early: a service, which is tried again, or not."""
FINAL = frozenset({"cancelled", "cancelled-elsewhere", "not-started", SERVICE_FAILED})
"""Somebody wants it to end, or it could only come to the same."""
NOT_ITS_FAULT = frozenset({"node-failure", "requeued", "vanished", RESTARTED})
"""It might have ended well elsewhere, or another time."""
FREE_ATTEMPTS = 3
"""So many of them cost a job none of its retries."""


class Excuses:
    """Attempts that failed through no fault of the job's own."""

    def __init__(self) -> None:
        self._counts: dict[JobId, int] = {}

    def note(self, job: JobId, cause: str, *, is_expected: bool = False) -> None:
        """An attempt has failed so. `is_expected`: who chose its memory has reckoned with that."""
        if (is_expected or cause in NOT_ITS_FAULT) and self.of(job) < FREE_ATTEMPTS:
            self._counts[job] = self.of(job) + 1

    def of(self, job: JobId) -> int:
        """How many further attempts a job gets for them."""
        return self._counts.get(job, 0)
