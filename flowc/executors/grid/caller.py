"""Threads that talk to the engine, so that a controller that does not answer stops nothing."""

import os
import select
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple

from flowc.executors.grid.base import LaterError, NoAnswerError, RefusedError


class Answer(NamedTuple):
    """What has come of a call: a value, or a fault."""

    value: Any
    fault: NoAnswerError | RefusedError | LaterError | None


_SOON_S = 0.2
"""A thread that has nothing to do ends so soon."""
_Calls = SimpleQueue[tuple[Callable[[], Any], Callable[[Answer], None]] | None]


class Caller:
    """Calls of one lane are made one after the other, each lane has a thread. Handlers of answers
    run in the thread that calls `wait`."""

    def __init__(self) -> None:
        self._lanes: dict[str, tuple[_Calls, threading.Thread]] = {}
        self._answers: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ready, self._bell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def call(self, lane: str, what: Callable[[], Any], then: Callable[[Answer], None]) -> None:
        """Have `what` done; `then` gets what comes of it."""
        if lane not in self._lanes:
            calls: _Calls = SimpleQueue()
            thread = threading.Thread(target=self._run, args=(calls,), name=lane, daemon=True)
            self._lanes[lane] = calls, thread
            thread.start()
        self._lanes[lane][0].put((what, then))

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
            self._answers.get()()

    def close(self, timeout_s: float = 5.0, hurry: Collection[str] = ()) -> None:
        """A call that does not end is left to its own timeout, in a lane of which nobody wants to
        hear more (`hurry`) at once."""
        for calls, _ in self._lanes.values():
            calls.put(None)
        for lane, (_, thread) in self._lanes.items():
            thread.join(_SOON_S if lane in hurry else timeout_s)
        self._lanes = {name: lane for name, lane in self._lanes.items() if lane[1].is_alive()}
        if not self._lanes and self._ready >= 0:
            os.close(self._ready)
            os.close(self._bell)
            self._ready = self._bell = -1

    def _run(self, calls: _Calls) -> None:
        # No signal is blocked here: the engine's programs would inherit that, and Linux gives
        # signals to the main thread all the same.
        while (item := calls.get()) is not None:
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
