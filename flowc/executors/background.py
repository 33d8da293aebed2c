"""A thread that starts processes, so that flowc looks after ended jobs in the meantime.

Making a process takes most of a millisecond in which the caller can only wait. Whoever waits for
processes to end waits for `fd` too: it is readable when one has been started, or could not be.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from flowc.executors.base import Task
from flowc.executors.spawn import NotStartedError


class Started(NamedTuple):
    """A task's process, or the fault for which there is none."""

    task: Task
    pid: int
    began_s: float  # monotonic
    fault: BaseException | None


class BackgroundSpawner:
    """`spawn` is called in a thread of its own, for one task after another."""

    def __init__(self, spawn: Callable[[Task], int]) -> None:
        self._spawn = spawn
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._done: deque[Started] = deque()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="spawner", daemon=True)
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread.start()

    def submit(self, task: Task) -> None:
        self._tasks.put(task)

    def take(self) -> list[Started]:
        """What has been started since the last call."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return []
        taken = []
        while self._done:
            taken.append(self._done.popleft())
        return taken

    def close(self) -> list[Started]:
        """Start nothing more and end the thread; what had not been taken yet."""
        self._stopped = True
        self._tasks.put(None)
        self._thread.join()
        os.close(self.fd)
        return list(self._done)

    def _work(self) -> None:
        # Signals are for the thread that waits; one that came here would not wake it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while (task := self._tasks.get()) is not None:
            began_s = time.monotonic()  # the task runs before `spawn` is back
            pid, fault = 0, None
            try:
                if self._stopped:
                    raise NotStartedError(126, "flowc has been stopped")
                pid = self._spawn(task)
            except BaseException as wrong:  # told to the thread that waits
                fault = wrong
            self._done.append(Started(task, pid, began_s, fault))
            os.eventfd_write(self.fd, 1)
