"""One flowc at a time in a directory: a lock of the kernel's, so it can never be left behind."""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Sequence
from types import TracebackType

from flowc.diagnostic import Diagnostic, LockedError

LOCK = ".flowc/lock"


class DirectoryLock:
    """Held from `__enter__` to `__exit__`, and ended by the kernel with the process."""

    def __init__(self, directory: str = ".", command: Sequence[str] = ()) -> None:
        self.path = os.path.join(directory, LOCK)
        self._command = list(command)
        self._fd = -1

    def __enter__(self) -> "DirectoryLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock. Raises LockedError, naming the owner."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            try:
                if fault.errno not in (errno.EACCES, errno.EAGAIN):
                    raise  # this file system has no locks, or worse
                raise LockedError(_locked(_owner(fd))) from None
            finally:
                os.close(fd)
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since_s": time.time(),
            "command": self._command,
        }
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(owner).encode("ascii") + b"\n", 0)
        self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)  # the file stays: removing it would open a race for the next two
            self._fd = -1


def _owner(fd: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(fd, 1 << 16, 0))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _locked(owner: dict[str, object]) -> Diagnostic:
    who = ""
    if "pid" in owner:
        who = f": process {owner['pid']} on {owner.get('host', 'an unknown host')}"
        since_s = owner.get("since_s")
        if isinstance(since_s, int | float):
            who += f", since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(since_s))}"
        command = owner.get("command")
        if isinstance(command, list) and command:
            who += f" (`{' '.join(map(str, command))}`)"
    return Diagnostic(
        "locked",
        f"another flowc works in this directory{who}",
        hint="wait for it to end, or end it; a lock never outlives its process",
    )
