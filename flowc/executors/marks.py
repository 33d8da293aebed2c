"""Knowing the processes of a run by their environment, whatever sessions they have made.

Each task's processes inherit `FLOWC_JOB=RUN:JOB:ATTEMPT`. So all that a task has started is found,
also what has become a daemon, and also by another flowc after this one was killed. Nothing but
Linux's `/proc` is needed; a process of another user, or one that clears its environment, is not
seen.
"""

import os
import time

from flowc.suppress import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # `signal` without its enums, which take 6 ms

VARIABLE = "FLOWC_JOB"
_LOOK_S = 0.005
_KILLED_S = 5.0
"""So long after KILL a process is waited for: one that the kernel holds may take its time."""


def run_mark(run: str) -> bytes:
    """What all tasks of a run have."""
    return os.fsencode(f"{VARIABLE}={run}:")


def task_mark(run: str, job: int, attempt: int) -> bytes:
    """What the processes of one task have, and no others."""
    return os.fsencode(f"{VARIABLE}={run}:{job}:{attempt}\0")


def find_marked(mark: bytes) -> list[int]:
    """The processes that carry a mark, other than this one."""
    found = []
    own = os.getpid()
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb", buffering=0) as file:
                data = file.read()
        except OSError:  # gone, or another user's
            continue
        if mark in data and (data.startswith(mark) or b"\0" + mark in data) and int(name) != own:
            found.append(int(name))
    return found


def end_marked(mark: bytes, grace_s: float) -> int:
    """End the processes that carry a mark: TERM, and KILL after a grace. How many there were."""
    seen: set[int] = set()
    asked: set[int] = set()
    until = time.monotonic() + grace_s
    last = until + _KILLED_S
    while left := find_marked(mark):
        seen.update(left)
        now = time.monotonic()
        if now >= last:
            break
        for pid in left:
            if now >= until:
                _signal(pid, signal.SIGKILL)
            elif pid not in asked:
                asked.add(pid)
                _signal(pid, signal.SIGTERM)
                _signal(pid, signal.SIGCONT)  # one that was stopped could not heed it
        time.sleep(_LOOK_S)
    return len(seen)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
