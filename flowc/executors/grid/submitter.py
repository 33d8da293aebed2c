"""From tasks to batches in the engine's queue: each of them once, whatever is lost on the way."""

import os
import time
from collections.abc import Callable, Sequence
from math import inf

from flowc.executors.base import Task
from flowc.executors.grid.base import Batch, LaterError, RefusedError, Settings
from flowc.executors.grid.caller import Answer
from flowc.executors.grid.engine import Engine
from flowc.executors.grid.files import forbid, replace_file, write_tasks
from flowc.executors.grid.script import common_data, job_script
from flowc.executors.grid.slots import CALLED, LOST, NEW, SUBMITTED, Group, Slot, ask_of, key_of
from flowc.ids import JobId

_LONGEST_BACK_OFF_S = 60.0
SURE_S = 4.0
"""A batch whose answer was lost is looked for at least so long, and twice, before it is submitted
again."""


class Submitter:
    """Tasks wait here a moment for others like them."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        home: str,
        groups: list[Group],
        known: Callable[[Group], None],
        refused: Callable[[Slot, str], None],
    ) -> None:
        """`known`: is called when a batch has got its id; `refused`: for each of its elements
        where it gets none."""
        self._engine, self._settings, self._home = engine, settings, home
        self._groups = groups
        self._is_known, self._is_refused = known, refused
        self.waiting: list[Task] = []
        self._gather_until_s = inf
        self._numbers: dict[JobId, int] = {}  # for retries
        self._count = 0
        self.new: list[Slot] = []  # since the driver has last emptied it

    def add(self, task: Task) -> None:
        self.waiting.append(task)
        gather_s = self._settings.pace.gather_s
        self._gather_until_s = min(self._gather_until_s, time.monotonic() + gather_s)

    def step(self, now_s: float) -> None:
        if self.waiting and now_s >= self._gather_until_s:
            self._make_batches()
        for group in [g for g in self._groups if g.at in (NEW, LOST) and now_s >= g.next_s]:
            self._call(group)

    def next_s(self) -> float:
        """When there is something to do."""
        times = [group.next_s for group in self._groups if group.at in (NEW, LOST)]
        return min([self._gather_until_s, *times])

    # ---- batches

    def _make_batches(self) -> None:
        """Put tasks that ask for the same together, as many as a batch may have."""
        tasks, self.waiting = self.waiting, []
        self._gather_until_s = inf
        alike: dict[object, list[Task]] = {}
        for task in tasks:
            alike.setdefault(ask_of(task), []).append(task)
        largest = self._settings.largest
        for members in alike.values():
            for at in range(0, len(members), largest):
                self._make_batch(members[at : at + largest])

    def _make_batch(self, tasks: Sequence[Task]) -> None:
        queue = self._engine.queue
        self._count += 1
        numbered = self._number(tasks)
        ask = ask_of(tasks[0])
        kind = "".join(c if c.isascii() and c.isalnum() else "_" for c in ask.kind[:40])
        name = f"f{os.path.basename(self._home)}-{self._count}" + (f"-{kind}" if kind else "")
        directory = f"{self._home}/{name}"
        batch = Batch(name, tuple(numbered), ask, f"{directory}/script", directory)
        os.makedirs(directory, mode=0o700)
        submitted_s = time.time()
        common = common_data(batch, queue, submitted_s, self._settings)
        common["keys"] = [key_of(task) for task in numbered.values()]
        write_tasks(directory, common, numbered)
        replace_file(batch.script, job_script(queue, directory))
        group = Group(batch, submitted_s)
        group.open = {number: Slot(task, group, number) for number, task in numbered.items()}
        self.new += group.open.values()
        self._groups.append(group)

    def _number(self, tasks: Sequence[Task]) -> dict[int, Task]:
        """The elements of a batch. A task that is tried again keeps its number, where the engine
        takes arrays with gaps."""
        known = [self._numbers.get(task.job, 0) for task in tasks]
        if not self._engine.queue.sparse or not all(known) or len({*known}) < len(known):
            known = [*range(1, len(tasks) + 1)]
        numbered = dict(sorted(zip(known, tasks, strict=True), key=lambda pair: pair[0]))
        self._numbers.update((task.job, number) for number, task in numbered.items())
        return numbered

    # ---- calls

    def _call(self, group: Group) -> None:
        """Submit a batch, or look for one whose answer was lost."""
        group.next_s = inf
        if not group.open:
            self._groups.remove(group)
            return
        batch, queue = group.batch, self._engine.queue
        if group.at == NEW:
            group.at = CALLED
            self._engine.call(
                lambda: queue.submit(batch), lambda answer: self._submitted(group, answer)
            )
        else:
            self._engine.call(
                lambda: queue.find(batch.name), lambda answer: self._found(group, answer)
            )

    def _submitted(self, group: Group, answer: Answer) -> None:
        if answer.fault is None:
            self._known(group, answer.value)
        elif isinstance(answer.fault, RefusedError):
            self._groups.remove(group)
            for slot in [*group.open.values()]:
                self._is_refused(slot, str(answer.fault))
        else:
            group.at = NEW if isinstance(answer.fault, LaterError) else LOST
            self._back_off(group)

    def _found(self, group: Group, answer: Answer) -> None:
        now_s = time.monotonic()
        if answer.fault is not None:
            group.first_miss_s = inf
            self._back_off(group)
        elif answer.value is not None:
            self._known(group, answer.value)
        elif now_s - group.first_miss_s < SURE_S:
            group.first_miss_s = min(group.first_miss_s, now_s)
            group.next_s = now_s + SURE_S / 2
        else:
            self._again(group)

    def _again(self, group: Group) -> None:
        """The engine has never got this batch. Should it turn up all the same, it runs nothing."""
        forbid(group.directory, None)
        self._groups.remove(group)
        slots, group.open = [*group.open.values()], {}
        for slot in slots:
            if slot.cancelled:
                self._is_refused(slot, "")
            else:
                self.add(slot.task)

    def _known(self, group: Group, id: str) -> None:
        group.id, group.at, group.tries = id, SUBMITTED, 0
        replace_file(f"{group.directory}/id", os.fsencode(id) + b"\n")
        self._is_known(group)

    def _back_off(self, group: Group) -> None:
        group.tries += 1
        wait_s = self._settings.pace.query_s[0] * 2 ** min(group.tries - 1, 10)
        group.next_s = time.monotonic() + min(wait_s, _LONGEST_BACK_OFF_S)
