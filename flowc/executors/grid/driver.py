"""The executor of all batch engines: tasks to arrays, words of nodes and engines to events.

Results come home as files that the nodes write, so what has ended well is known without asking
the engine. The engine is asked about all batches in one query, the seldomer the less happens, and
from a thread of its own: while it does not answer, results are taken in all the same. `judge` says
what all that means.
"""

import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from math import inf

from flowc.events import JobEnded, JobStarted, Notice
from flowc.executors.base import Capacity, Task
from flowc.executors.grid.base import Named, Queue, Settings
from flowc.executors.grid.caller import Answer
from flowc.executors.grid.crosscheck import CrossCheck
from flowc.executors.grid.engine import Engine
from flowc.executors.grid.files import GRID, forbid, last_words
from flowc.executors.grid.judge import CANCELLED, NO_RESULT, VANISHED, Verdict, cancelled, judge
from flowc.executors.grid.leftover import Leftovers
from flowc.executors.grid.slots import (
    NEW,
    SUBMITTED,
    Group,
    Slot,
    ended_event,
    started_event,
)
from flowc.executors.grid.submitter import Submitter
from flowc.executors.grid.watcher import Watcher
from flowc.ids import JobId

_KILLED = 143
"""The exit code of what was cancelled before it ran."""
_GRACE_S = 3.0
"""From TERM to KILL, when all is to end."""
_AGAIN_S = 2.0
"""A cancellation that got no answer is tried again so soon."""
_CONFIRM_S = 0.3
"""How soon the engine is asked what has become of what was cancelled."""


class GridExecutor:
    """Runs tasks through a `Queue`. What fits is for the engine to decide."""

    capacity: Capacity | None = None

    def __init__(self, queue: Queue, settings: Settings | None = None, place: str = GRID) -> None:
        """`place`: where batches are, on a file system that the nodes share."""
        settings = settings or Settings()
        self._pace = settings.pace
        self._home = os.path.abspath(f"{place}/{secrets.token_hex(4)}")
        self._engine = Engine(queue)
        self._left = Leftovers(os.path.abspath(place), queue.name)
        self._groups = self._left.groups
        self._submitter = Submitter(
            self._engine, settings, self._home, self._groups, self._known, self._refused
        )
        self._watcher = Watcher(self._engine, self._pace, self._groups)
        self._crosscheck = CrossCheck(self._engine, self._pace.account_s)
        self._slots: dict[JobId, Slot] = {}
        self._events: list[JobStarted | JobEnded | Notice] = []
        self._told: list[Slot] = []  # whose ends the run was given by the last `wait`
        self._cancels: deque[tuple[JobId, bool]] = deque()  # also from handlers of signals
        self._retry_cancel_s = inf
        self._is_paused = False

    # ---- the protocol

    def takes_up(self, task: Task) -> float | None:
        """Whether this very task, submitted by a run that was killed, may still run or has ended
        well since: then `submit` takes it up. When it was submitted, as Unix time."""
        slot = self._left.find(task)
        return None if slot is None else slot.group.submitted_s

    def submit(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            slot = self._left.take(task)
            if slot is not None:
                self._slots[task.job] = slot
                self._watcher.expect(0.0)
                continue
            other = self._left.in_the_way(task)
            if other is None:
                self._submitter.add(task)
            else:
                other.then.append(task)
                self._end([other], kill=False)
        self._submit(time.monotonic())

    def wait(self, timeout_s: float | None) -> list[JobStarted | JobEnded | Notice]:
        """Also notices of what people should know."""
        self._keep_told()
        until_s = inf if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._step()
            now_s = time.monotonic()
            if self._events or now_s >= until_s or (until_s == inf and self._is_idle()):
                break
            next_s = min(self._submitter.next_s(), self._watcher.next_s(), self._retry_cancel_s)
            self._engine.caller.wait(min(until_s, next_s, now_s + self._pace.look_s[1]) - now_s)
        events, self._events = self._events, []
        return events

    def cancel(self, jobs: Iterable[JobId], *, kill: bool = False) -> None:
        self._cancels.extend((job, kill) for job in jobs)
        self._engine.caller.ring()

    def pause(self, is_paused: bool) -> None:
        """Stop what runs and let it go on, where the queue does so."""
        if is_paused == self._is_paused:
            return
        self._is_paused = is_paused
        slots = [slot for group in self._groups for slot in group.open.values()]
        self._suspend([slot for slot in slots if not (slot.orphan or slot.cancelled)], is_paused)

    def _suspend(self, slots: Sequence[Slot], is_paused: bool) -> None:
        suspend = self._engine.queue.suspend
        elements = [(s.group.id, s.number) for s in slots if s.group.id is not None and s.start]
        if suspend is not None and elements:
            self._engine.call(lambda: suspend(elements, is_paused), _ignore)

    def close(self) -> None:
        """End what this run has submitted, and nothing else."""
        self._keep_told()
        self.cancel([*self._slots, *(task.job for task in self._submitter.waiting)])
        now_s = time.monotonic()
        kill_s, until_s = now_s + _GRACE_S, now_s + self._pace.close_s
        while not self._is_idle() and (now_s := time.monotonic()) < until_s:
            if now_s >= kill_s:
                kill_s = inf
                self.cancel([*self._slots], kill=True)
            self._step()
            self._engine.caller.wait(self._pace.look_s[0])
        for slot in self._slots.values():  # the engine does not answer: the node is told
            forbid(slot.group.directory, [slot.number])
        self._engine.close()
        self._keep_told()
        if not self._slots:
            shutil.rmtree(self._home, ignore_errors=True)
        self._left.close()

    # ---- one turn

    def _is_idle(self) -> bool:
        return not (self._slots or self._submitter.waiting or self._cancels)

    def _step(self) -> None:
        self._engine.caller.wait(0.0)
        now_s = time.monotonic()
        self._take_cancels(now_s)
        self._submit(now_s)
        self._watcher.step(now_s)
        self._crosscheck.step(now_s)
        for group in [*self._groups]:
            for slot in [*group.open.values()]:
                self._look_at(slot, now_s)
            if not group.open and group.at == SUBMITTED:
                self._groups.remove(group)
        self._events += self._engine.notices
        self._engine.notices.clear()

    def _submit(self, now_s: float) -> None:
        self._submitter.step(now_s)
        self._slots.update((slot.task.job, slot) for slot in self._submitter.new)
        self._submitter.new.clear()

    def _look_at(self, slot: Slot, now_s: float) -> None:
        """Tell what is to be told of one."""
        if slot.orphan and not slot.then:
            return
        if not slot.told_start and (slot.start or slot.end) is not None:
            self._tell_start(slot)
        verdict = judge(slot, now_s, self._pace)
        if verdict is None:
            return
        if verdict.cause == VANISHED and self._watcher.is_alive(slot, now_s):
            return
        self._tell_end(slot, verdict)

    def _known(self, group: Group) -> None:
        """A batch has got its id."""
        self._watcher.expect(self._pace.query_s[0])
        self._end([slot for slot in group.open.values() if slot.cancelled], kill=False)

    def _refused(self, slot: Slot, why: str) -> None:
        """The engine will never have it: as a command that cannot be started."""
        if slot.cancelled:
            self._tell_end(slot, cancelled(slot))
            return
        self._say(slot, f"{self._engine.queue.name}: {why}\n")
        self._tell_end(slot, Verdict("not-started", 126))

    # ---- ends

    def _take_cancels(self, now_s: float) -> None:
        if now_s >= self._retry_cancel_s:
            self._retry_cancel_s = inf
            again = [s for g in self._groups for s in g.open.values() if s.cancelled]
            self._end(again, kill=False)
        for kill in (False, True):
            slots = []
            for job in {job for job, killed in self._cancels if killed == kill}:
                waiting = [task for task in self._submitter.waiting if task.job == job]
                for task in waiting:
                    self._submitter.waiting.remove(task)
                    self._never_ran(task)
                slot = self._slots.get(job)
                if slot is not None and (kill or not slot.cancelled):
                    slots.append(slot)
            self._end(slots, kill=kill)
        self._cancels.clear()

    def _end(self, slots: Sequence[Slot], *, kill: bool) -> None:
        """Have the engine end these; what is stopped would not hear of it."""
        if self._is_paused:
            self._suspend(slots, False)
        elements: dict[Named, list[int]] = {}
        for slot in slots:
            slot.cancelled, slot.killed = True, slot.killed or kill
            group = slot.group
            if group.at == NEW:
                self._tell_end(slot, cancelled(slot))
            elif group.id is not None:
                elements.setdefault((group.id, group.batch.name), []).append(slot.number)
            elif kill:
                self._give_up(slot)
        if not elements:
            return
        queue = self._engine.queue

        def then(answer: Answer) -> None:
            if answer.fault is None:
                self._watcher.expect(_CONFIRM_S)
                return
            for slot in slots:
                if slot.number not in slot.group.open:
                    continue
                if kill:
                    self._give_up(slot)
                else:  # its node hears of it this way
                    forbid(slot.group.directory, [slot.number])
                    self._retry_cancel_s = time.monotonic() + _AGAIN_S

        self._engine.call(lambda: queue.cancel(elements, kill=kill), then)

    def _give_up(self, slot: Slot) -> None:
        """The engine does not answer, and somebody has no patience: it is left to its node."""
        forbid(slot.group.directory, [slot.number])
        self._tell_end(slot, cancelled(slot))

    def _tell_start(self, slot: Slot) -> None:
        group = slot.group
        word = slot.start or slot.end or {}
        known = group.id or word.get("id")  # its node may be heard before the engine is
        id = self._engine.queue.element_id(str(known), slot.number) if known else ""
        event = started_event(slot, id)
        if not slot.orphan:
            self._events.append(event)

    def _tell_end(self, slot: Slot, verdict: Verdict) -> None:
        group = slot.group
        del group.open[slot.number]
        if verdict.revoke:
            forbid(group.directory, [slot.number])
            if group.id is not None:
                batch, queue = (group.id, group.batch.name), self._engine.queue
                self._engine.call(lambda: queue.cancel({batch: [slot.number]}, kill=True), _ignore)
        if slot.end is None and verdict.cause not in ("not-started", CANCELLED):
            verdict = self._explain(slot, verdict)
        if not slot.told_start:
            self._tell_start(slot)
        if slot.orphan:
            self._left.forget(slot)
            for task in slot.then:
                self._submitter.add(task)
            return
        self._slots.pop(slot.task.job, None)
        event = ended_event(slot, verdict.cause, verdict.exit_code)
        self._events.append(event)
        if slot.end is not None:
            self._crosscheck.add(slot, event)
        self._told.append(slot)
        if slot.was is not None and slot.was.log != slot.task.log:
            with suppress(OSError):
                os.replace(slot.was.log, slot.task.log)

    def _explain(self, slot: Slot, verdict: Verdict) -> Verdict:
        """The node has said nothing: the engine's own output may say more."""
        text = last_words(f"{slot.group.directory}/{slot.number}.out")
        if text:
            self._say(slot, text)
        cause = self._engine.queue.cause_in(text) if verdict.cause in (NO_RESULT, "signal") else ""
        return Verdict(cause, 137) if cause else verdict

    def _say(self, slot: Slot, text: str) -> None:
        """Append to the task's own log."""
        with suppress(OSError), open(slot.task.log, "ab") as log:
            log.write(os.fsencode(text))

    def _never_ran(self, task: Task) -> None:
        now_s = time.time()
        self._events.append(JobStarted(task.job, task.attempt, now_s, ""))
        self._events.append(
            JobEnded(task.job, task.attempt, now_s, _KILLED, 0.0, 0.0, None, CANCELLED)
        )

    def _keep_told(self) -> None:
        """The run has made use of these ends, and has written them down: no other run need."""
        for slot in self._told:
            place = f"{slot.group.directory}/{slot.number}"
            with suppress(OSError):
                os.rename(f"{place}.end", f"{place}.told")
            if slot.end is None:
                forbid(slot.group.directory, [slot.number])
        self._told.clear()


def _ignore(answer: Answer) -> None:
    """What is ended for safety's sake may well be gone."""
