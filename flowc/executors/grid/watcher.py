"""What nodes and engine say of the elements, noted in their slots: by files, by one query for all,
and by the accounting for what the queue does not know any more."""

import os
import time
from collections.abc import Mapping, Sequence
from math import inf

from flowc.executors.grid.base import REST, Element, Pace, State, Status
from flowc.executors.grid.caller import Answer
from flowc.executors.grid.engine import Engine
from flowc.executors.grid.files import poke, read_word, words
from flowc.executors.grid.slots import NEW, SUBMITTED, Group, Slot

_SHARE = 0.05
"""So much of the time may go into looking, or into one query after the other."""
_BEATS = 3
"""So many signs of life of a node may be missed."""


class Watcher:
    """Looks often while much happens, and seldom while nothing does."""

    def __init__(self, engine: Engine, pace: Pace, groups: list[Group]) -> None:
        self._engine, self._pace, self._groups = engine, pace, groups
        self._look_s, self._look_at_s = pace.look_s[0], 0.0
        self._query_s, self._query_at_s = pace.query_s[0], 0.0 if groups else inf
        self._asking = self._asking_accounts = False
        self.queries = 0  # so far

    def step(self, now_s: float) -> None:
        if now_s >= self._look_at_s:
            self._look(now_s)
        if now_s >= self._query_at_s and not self._asking:
            self._query(now_s)

    def next_s(self) -> float:
        """When there is something to do."""
        look_s = self._look_at_s if any(group.open for group in self._groups) else inf
        return look_s if self._asking else min(look_s, self._query_at_s)

    def expect(self, within_s: float) -> None:
        """Something is about to happen: look at once, and ask so soon."""
        now_s = time.monotonic()
        self._look_at_s, self._look_s = now_s, self._pace.look_s[0]
        self._query_s = self._pace.query_s[0]
        self._query_at_s = min(self._query_at_s, now_s + within_s)

    # ---- files

    def _look(self, now_s: float) -> None:
        """Read what the nodes have written since the last look."""
        began_s, news = time.monotonic(), False
        for group in self._groups:
            if not group.open or group.at == NEW:
                continue
            for number, what in words(group.directory):
                slot = group.open.get(number)
                if slot is not None and what in ("start", "end"):
                    news = self._heard(slot, what, now_s) or news
        self._look_s = self._pace.look_s[0] if news else self._look_s * 1.2
        cost_s = time.monotonic() - began_s
        self._look_s = max(min(self._look_s, self._pace.look_s[1]), cost_s / _SHARE)
        self._look_at_s = now_s + self._look_s

    def _heard(self, slot: Slot, what: str, now_s: float) -> bool:
        """Read one word; whether it is news. That one was stopped may not be the last."""
        known = slot.start if what == "start" else slot.end
        if known is not None and known.get("cause") != "stopped":
            return False
        word = read_word(f"{slot.group.directory}/{slot.number}.{what}")
        if word is None or word == known:
            return False
        if what == "start":
            slot.start, slot.start_seen_s = word, now_s
        else:
            slot.end, slot.end_seen_s = word, now_s
            if word.get("cause") == "stopped":
                self._query_at_s = min(self._query_at_s, now_s)  # the engine knows why
        return True

    def is_alive(self, slot: Slot, now_s: float) -> bool:
        """Whether its node has said so since it was last asked about here."""
        try:
            beat_ns = os.stat(f"{slot.group.directory}/{slot.number}.start").st_mtime_ns
        except OSError:
            return False
        if beat_ns != slot.beat_ns:
            slot.beat_ns, slot.beat_seen_s = beat_ns, now_s
        return now_s - slot.beat_seen_s < _BEATS * self._pace.beat_s

    # ---- queries

    def _query(self, now_s: float) -> None:
        """Ask about everything at once."""
        groups = [g for g in self._groups if g.at == SUBMITTED and g.open]
        if not groups:
            self._query_at_s = inf
            return
        ids = [group.id for group in groups if group.id is not None]
        self._asking = True
        self.queries += 1
        queue = self._engine.queue

        def ask() -> tuple[float, Mapping[Element, Status]]:
            began_s = time.monotonic()
            found = queue.status(ids)
            return time.monotonic() - began_s, found

        def then(answer: Answer) -> None:
            self._asking = False
            # How long no answer came says nothing about what an answer costs.
            took_s, found = (0.0, {}) if answer.fault else answer.value
            changed = answer.fault is None and self._statuses(groups, found, now_s)
            self._query_s = self._pace.query_s[0] if changed else self._query_s * 1.5
            self._query_s = max(min(self._query_s, self._pace.query_s[1]), took_s / _SHARE)
            self._query_at_s = time.monotonic() + self._query_s

        self._engine.call(ask, then)

    def _statuses(
        self, groups: Sequence[Group], found: Mapping[Element, Status], asked_s: float
    ) -> bool:
        """Take in what a query has found. Whether anything has changed."""
        changed, missing = False, []
        for group in groups:
            id = group.id or ""
            rest = found.get((id, REST))
            for number, slot in group.open.items():
                status = found.get((id, number))
                if status is None and slot.start is None and slot.end is None:
                    status = rest
                if status is not None and status.name not in ("", group.batch.name):
                    status = None  # another's: the id was given out again
                if status is None:
                    slot.missing_s = min(slot.missing_s, asked_s)
                    missing.append(slot)
                    continue
                changed = changed or slot.status is None or slot.status.state != status.state
                slot.status, slot.asked_s, slot.missing_s = status, asked_s, inf
                if status.state is not State.ENDED:
                    slot.over_s = inf
                    continue
                if slot.over_s == inf:
                    slot.over_s = time.monotonic()
                    poke(group.directory)
                    self._look_at_s = 0.0
                if not status.tells_how:
                    missing.append(slot)
        if missing:
            self._ask_accounts(missing)
        return changed or bool(missing)

    def _ask_accounts(self, slots: Sequence[Slot]) -> None:
        """The queue does not know them any more, or never has."""
        for group in {slot.group for slot in slots}:
            poke(group.directory)
        self._look_at_s = 0.0
        if self._asking_accounts:
            return
        self._asking_accounts = True
        ids = sorted({slot.group.id for slot in slots if slot.group.id is not None})

        def then(answer: Answer) -> None:
            self._asking_accounts = False
            for slot in slots if answer.fault is None else ():
                account = answer.value.get((slot.group.id, slot.number))
                if account is not None and account.name in ("", slot.group.batch.name):
                    slot.account = account

        self._engine.ask_accounts(ids, then)
