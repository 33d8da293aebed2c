"""Whether the engine's accounting agrees with what the nodes have measured.

It is late, or not there at all, so nothing waits for it; and it counts more than the command (the
program beside it, what comes before and after), so only what that cannot explain is told, once of
each kind in a run.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from flowc.events import JobEnded, Notice
from flowc.executors.grid.base import Account, Element
from flowc.executors.grid.caller import Answer
from flowc.executors.grid.engine import Engine
from flowc.executors.grid.slots import Slot
from flowc.units import MIB, show_gb, show_seconds

_LATEST_S = 300.0
_MOST = 2000
"""So many ended jobs are kept in mind."""
_CPU_S, _MEMORY_BYTES, _SHARE = 3.0, 128 * MIB, 0.25
"""What is allowed for, and what share of the figure."""


class _Ended(NamedTuple):
    name: str
    batch: str
    event: JobEnded
    at_s: float


class CrossCheck:
    """Is told of ends, and puts notices among those of the engine."""

    def __init__(self, engine: Engine, each_s: float) -> None:
        self._engine, self._each_s = engine, each_s
        self._ended: dict[Element, _Ended] = {}
        self._at_s = 0.0
        self._is_asking = False
        self._told: set[str] = set()

    def add(self, slot: Slot, event: JobEnded) -> None:
        """One whose node has said how it ended."""
        group = slot.group
        if group.id is None or len(self._ended) >= _MOST:
            return
        now_s = time.monotonic()
        if not self._ended:
            self._at_s = max(self._at_s, now_s + self._each_s)
        self._ended[group.id, slot.number] = _Ended(slot.task.name, group.batch.name, event, now_s)

    def step(self, now_s: float) -> None:
        if not self._ended or self._is_asking or now_s < self._at_s:
            return
        self._is_asking = True
        ids = sorted({id for id, _ in self._ended})

        def then(answer: Answer) -> None:
            self._is_asking = False
            self._at_s = time.monotonic() + self._each_s
            if answer.fault is None:
                for element, account in answer.value.items():
                    self._compare(element, account)
            oldest_s = time.monotonic() - _LATEST_S
            self._ended = {e: known for e, known in self._ended.items() if known.at_s > oldest_s}

        self._engine.ask_accounts(ids, then)

    def _compare(self, element: Element, account: Account) -> None:
        known = self._ended.get(element)
        if known is None or account.name not in ("", known.batch):
            return
        del self._ended[element]
        for what, text in differences(known.event, account):
            if what not in self._told:
                self._told.add(what)
                message = f"{known.name}: {text}"
                self._engine.notices.append(Notice(time.time(), "accounting-differs", message))


def differences(event: JobEnded, account: Account) -> Iterator[tuple[str, str]]:
    """What of an account cannot be true if the event is: its name, and a sentence."""
    if event.exit_code == 0 and not event.cause and (account.exit_code or account.cause):
        why = account.cause or f"exit code {account.exit_code}"
        yield "end", f"its node says that it has ended well, the accounting says: {why}"
    if event.cpu_s is not None and account.cpu_s is not None:
        allowed_s = _CPU_S + _SHARE * max(event.cpu_s, account.cpu_s)
        if abs(event.cpu_s - account.cpu_s) > allowed_s:
            theirs, ours = show_seconds(account.cpu_s), show_seconds(event.cpu_s)
            yield "cpu", f"the accounting has {theirs} of CPU time, its node has measured {ours}"
    peaks = [size for size in (event.peak_rss_bytes, event.seen_memory_bytes) if size is not None]
    # Less is no contradiction: engines look now and then, and may miss the peak.
    most_bytes = max(peaks, default=0) * (1 + _SHARE) + _MEMORY_BYTES
    if peaks and account.peak_rss_bytes is not None and account.peak_rss_bytes > most_bytes:
        theirs, ours = show_gb(account.peak_rss_bytes), show_gb(max(peaks))
        yield "memory", f"the accounting has {theirs} of memory, its node has measured {ours}"
