"""The engine, as the driver has it: calls that do not block, and what is told of silence.

The accounting is a server of its own, and a slow one, or a large file: while it is read, what the
engine itself is asked must not wait.
"""

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from flowc.events import Notice
from flowc.executors.grid.base import NoAnswerError, Queue
from flowc.executors.grid.caller import Answer, Caller

_QUEUE, _ACCOUNTING = "queue", "accounting"


class Engine:
    """A queue behind threads."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.caller = Caller()
        self.notices: list[Notice] = []
        self._silent_s = inf  # since when it has not answered

    def call(self, what: Callable[[], Any], then: Callable[[Answer], None]) -> None:
        """Have the queue do something; `then` runs in the driver's own thread."""

        def handle(answer: Answer) -> None:
            self._answered(answer)
            then(answer)

        self.caller.call(_QUEUE, what, handle)

    def ask_accounts(self, ids: Sequence[str], then: Callable[[Answer], None]) -> None:
        """Likewise with what the accounting remembers. It may well be silent: nobody is told."""
        self.caller.call(_ACCOUNTING, lambda: self.queue.accounts(ids), then)

    def _answered(self, answer: Answer) -> None:
        """Say, once, that it does not answer, and that it does again."""
        silent = isinstance(answer.fault, NoAnswerError)
        now_s = time.monotonic()
        if silent and self._silent_s == inf:
            self._silent_s = now_s
            text = " ".join(str(answer.fault).split())
            message = f"{self.queue.name} does not answer, and is asked again: {text}"
            self.notices.append(Notice(time.time(), "no-answer", message))
        elif not silent and self._silent_s < inf:
            lasted_s, self._silent_s = now_s - self._silent_s, inf
            message = f"{self.queue.name} answers again, after {lasted_s:.0f} s"
            self.notices.append(Notice(time.time(), "answers-again", message))

    def close(self) -> None:
        self.caller.close(hurry=(_ACCOUNTING,))
        self.queue.close()
