"""Signals that end a run: the first one lets nothing new start and asks the jobs to end, the
second one, or the end of the patience, ends them. USR1 and USR2 pause a run and let it go on."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While entered, calls `stop(first)` for each signal. Between signals it does nothing.

    `stop` runs inside the signal handler, so that it also reaches a run that waits.
    """

    def __init__(self, stop: Callable[[bool], None], patience_s: float) -> None:
        self._patience_s = patience_s  # from the first signal on
        self.number: int | None = None  # the first signal that came
        self.paused = False
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:  # `nohup` and `&` of a script have a say
                    self._before[number] = before
                    signal.signal(number, self._came)
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._came)
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                before = signal.signal(number, self._pause)
                # It would kill, if it came when the run is just over.
                self._before[number] = signal.SIG_IGN if before == signal.SIG_DFL else before
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, before in self._before.items():
            signal.signal(number, before or signal.SIG_DFL)  # None: not set from Python
        self._before.clear()

    def _pause(self, number: int, frame: FrameType | None) -> None:
        self.paused = number == signal.SIGUSR1

    def _came(self, number: int, frame: FrameType | None) -> None:
        first = self.number is None
        if first:
            if number == signal.SIGALRM:
                return  # somebody else's
            self.number = number
            signal.setitimer(signal.ITIMER_REAL, max(0.001, self._patience_s))
        self._stop(first)
