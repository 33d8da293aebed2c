"""A log of jobs in the format of nipype's callback log, for the tools that read such logs.

One JSON object a line for each attempt that is over, with nipype's names. As there,
`runtime_threads` is in percent of one core. Times are in UTC, without a zone.
"""

import json
import os
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from flowc.diagnostic import fail
from flowc.sizing.profile import OK, Attempt
from flowc.units import GIB


class CallbackLog:
    """Appends attempts to a file, each with one write."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            self._fd = os.open(path, flags, 0o666)
        except OSError as fault:
            why = (fault.strerror or str(fault)).lower()
            raise fail(
                "unwritable-file", f"the callback log `{path}` cannot be written: {why}"
            ) from None

    def __call__(self, attempt: Attempt) -> None:
        data = (json.dumps(record(attempt)) + "\n").encode("ascii")
        while data:
            data = data[os.write(self._fd, data) :]

    def __enter__(self) -> "CallbackLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)


def record(attempt: Attempt) -> dict[str, Any]:
    """One line. An attempt that has not ended well has `error` besides, as nipype's have."""
    start_s = attempt.at_s or 0.0
    wall_s = attempt.wall_s or 0.0
    cores = attempt.cores_peak
    memory_bytes = attempt.memory_peak_bytes
    asked_bytes = attempt.request.get("memory_bytes")
    parts = [attempt.rule, *(f"{name}={value}" for name, value in attempt.wildcards.items())]
    found: dict[str, Any] = {
        "name": attempt.rule,
        "id": ".".join(parts) + (f".attempt{attempt.attempt}" if attempt.attempt > 1 else ""),
        "start": _time(start_s),
        "finish": _time(start_s + wall_s),
        "duration": wall_s,
        "runtime_threads": None if cores is None else round(100 * cores, 1),
        "runtime_memory_gb": None if memory_bytes is None else memory_bytes / GIB,
        "estimated_memory_gb": None if asked_bytes is None else asked_bytes / GIB,
        "num_threads": attempt.request.get("cores"),
    }
    if attempt.outcome != OK:
        found["error"] = True
    return found


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
