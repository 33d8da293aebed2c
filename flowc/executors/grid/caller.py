"""A thread that talks to the engine, so that a controller that does not answer stops nothing."""

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple

from flowc.executors.grid.base import LaterError, NoAnswerError, RefusedError


class Answer(NamedTuple):
    """What has come of a call: a value, or a fault."""

    value: Any
    fault: NoAnswerError | RefusedError | LaterError | None


class Caller:
    """Calls one after the other. Handlers of answers run in the thread that calls `wait`."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Callable[[Answer], None]] | None] = (
            SimpleQueue()
        )
        self._answers: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ready, self._bell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.open = 0  # calls whose answers have not been handled

    def call(self, what: Callable[[], Any], then: Callable[[Answer], None]) -> None:
        """Have `what` done; `then` gets what comes of it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="grid", daemon=True)
            self._thread.start()
        self.open += 1
        self._calls.put((what, then))

    def ring(self) -> None:
        """End a `wait`; from any thread, and from a signal's handler."""
        with suppress(BlockingIOError, OSError):
            os.write(self._bell, b"\n")

    def wait(self, timeout_s: float) -> None:
        """Until an answer is there or somebody rings, at most so long; handles what is there."""
        if self._answers.empty():
            select.select([self._ready], [], [], max(0.0, timeout_s))
        with suppress(BlockingIOError):
            while os.read(self._ready, 4096):
                pass
        while not self._answers.empty():
            handle = self._answers.get()
            self.open -= 1
            handle()

    def close(self, timeout_s: float = 5.0) -> None:
        """A call that does not end is left to its own timeout."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return
            self._thread = None
        if self._ready >= 0:
            os.close(self._ready)
            os.close(self._bell)
            self._ready = self._bell = -1

    def _run(self) -> None:
        # No signal is blocked here: the engine's programs would inherit that, and Linux gives
        # signals to the main thread all the same.
        while (item := self._calls.get()) is not None:
            what, then = item
            try:
                answer = Answer(what(), None)
            except (NoAnswerError, RefusedError, LaterError) as fault:
                answer = Answer(None, fault)
            except BaseException as wrong:  # a bug: raised where somebody sees it
                self._answers.put(_raiser(wrong))
                self.ring()
                continue
            self._answers.put(_handler(then, answer))
            self.ring()


def _handler(then: Callable[[Answer], None], answer: Answer) -> Callable[[], None]:
    return lambda: then(answer)


def _raiser(wrong: BaseException) -> Callable[[], None]:
    def reraise() -> None:
        raise wrong

    return reraise
