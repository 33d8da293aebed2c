"""What a run that was killed has left in a queue: to be taken up, or out of the way.

Known by its directory. A task is the same if it is of the same job and does the same; see
`slots.key_of`. One that is of the same job and does something else must be gone before the new one
starts: both would write to the same files. What nobody asks for is left alone, for the next run.
"""

import os
import shutil

from flowc.executors.base import Task
from flowc.executors.grid.base import Batch
from flowc.executors.grid.files import read_tasks, read_word, words
from flowc.executors.grid.slots import LOST, SUBMITTED, Group, Slot, ask_of, key_of, stem_of


class Leftovers:
    """The batches of runs before this one. Nobody else may be at work in the directory."""

    def __init__(self, place: str, queue: str) -> None:
        """`queue`: the engine's name; what another engine has is not known here."""
        self._queue = queue
        self._homes: dict[str, list[Group]] = {}
        self._by_key: dict[str, Slot] = {}
        self._by_stem: dict[str, Slot] = {}
        for home in sorted(_directories(place)):
            self._read(home)

    @property
    def groups(self) -> list[Group]:
        return [group for groups in self._homes.values() for group in groups]

    def find(self, task: Task) -> Slot | None:
        """The slot that this very task has."""
        return self._by_key.get(key_of(task)) if self._by_key else None

    def take(self, task: Task) -> Slot | None:
        """Likewise; from now on it is the run's own."""
        slot = self.find(task)
        if slot is not None:
            del self._by_key[key_of(task)]
            self._by_stem.pop(stem_of(task), None)
            slot.was, slot.task, slot.orphan = slot.task, task, False
        return slot

    def in_the_way(self, task: Task) -> Slot | None:
        """The slot of another task of the same job."""
        return self._by_stem.get(stem_of(task)) if self._by_stem else None

    def forget(self, slot: Slot) -> None:
        """It has ended."""
        for known in (self._by_key, self._by_stem):
            for key in [key for key, found in known.items() if found is slot]:
                del known[key]

    def close(self) -> None:
        """Remove what has ended."""
        for home, groups in self._homes.items():
            if not any(_may_live(slot) for group in groups for slot in group.open.values()):
                shutil.rmtree(home, ignore_errors=True)

    def _read(self, home: str) -> None:
        groups = []
        for directory in sorted(_directories(home)):
            try:
                common, tasks = read_tasks(directory)
                if common["queue"] != self._queue:
                    return
                group = self._group(directory, common, tasks)
            except (OSError, ValueError, KeyError, TypeError):
                continue  # it was never submitted: that comes after its tasks are written
            if group is not None:
                groups.append(group)
        self._homes[home] = groups

    def _group(
        self, directory: str, common: dict[str, object], tasks: dict[int, Task]
    ) -> Group | None:
        over = {number for number, what in words(directory) if what in ("told", "void")}
        left = {number: task for number, task in tasks.items() if number not in over}
        if not left or os.path.exists(f"{directory}/void"):
            return None
        ask = ask_of(next(iter(left.values())))
        batch = Batch(str(common["name"]), tuple(tasks), ask, f"{directory}/script", directory)
        submitted_s = common["submitted_s"]
        assert isinstance(submitted_s, int | float)
        group = Group(batch, float(submitted_s))
        group.id = _read_id(directory)
        group.at = LOST if group.id is None else SUBMITTED
        keys = common["keys"]
        assert isinstance(keys, list)
        for key, (number, task) in zip(keys, tasks.items(), strict=True):
            if number not in left:
                continue
            end = read_word(f"{directory}/{number}.end")
            if end is not None and (end.get("exit_code") or end.get("cause")):
                continue  # it has failed: that is to be tried again
            slot = group.open[number] = Slot(task, group, number, orphan=True)
            self._by_key[str(key)] = slot
            if end is None:
                self._by_stem[stem_of(task)] = slot
        return group


def _may_live(slot: Slot) -> bool:
    return slot.end is None and slot.missing_s == float("inf") and slot.over_s == float("inf")


def _directories(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _read_id(directory: str) -> str | None:
    try:
        with open(f"{directory}/id", encoding="utf-8") as file:
            return file.read().strip() or None
    except OSError:
        return None
