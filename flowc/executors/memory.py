"""Looking at how much memory the processes of tasks use, so that none takes what others need.

A task is its session and whatever descends from it. Memory that processes share is told apart only
where it matters: when the plain sum is above the limit. How soon a task is looked at again depends
on how far it is from its limit: no process fills memory faster than `_FASTEST_BYTES_PER_S`.
"""

from __future__ import annotations

import os

from flowc.dataclass import dataclass

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    from collections.abc import Callable

    from flowc.executors.cgroup import Group, Room

_FIRST_S = 0.05
_SHORTEST_S, _LONGEST_S = 0.05, 2.0
_FASTEST_BYTES_PER_S = 4 * 1024**3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class _Process:
    parent: int
    session: int
    rss_bytes: int


class _Watched:
    __slots__ = ("at_s", "group", "limit_bytes", "most_bytes")

    def __init__(self, limit_bytes: int, at_s: float, group: Group | None) -> None:
        self.limit_bytes = limit_bytes
        self.group = group  # in which the kernel keeps the limit, too
        self.at_s = at_s  # when to look next; monotonic
        self.most_bytes = 0


def _find_room() -> Room | None:
    from flowc.executors.cgroup import find_room  # late: not every run limits memory

    return find_room()


class MemoryWatch:
    """Knows tasks by the process that leads each. Nothing runs by itself: the owner asks.

    Where there is room for cgroups, the kernel keeps the limit between two looks. A process that a
    task has in no group is put there at the next look: the task could not be made in it.
    """

    def __init__(self, find: Callable[[], Room | None] = _find_room) -> None:
        self._find = find
        self._room: Room | None = None
        self._has_looked = False
        self._tasks: dict[int, _Watched] = {}

    def group(self, limit_bytes: int) -> Group | None:
        """In which a task is to be started; None: in no other than the rest."""
        if not self._has_looked:
            self._room, self._has_looked = self._find(), True
        return None if self._room is None else self._room.group(limit_bytes)

    def give_back(self, group: Group | None) -> None:
        """It is not used any more."""
        if group is not None and self._room is not None:
            self._room.give_back(group)

    def add(self, pid: int, limit_bytes: int, now_s: float, group: Group | None = None) -> None:
        self._tasks[pid] = _Watched(limit_bytes, now_s + _FIRST_S, group)

    def remove(self, pid: int) -> int | None:
        """The most that was seen of it, None for nothing."""
        task = self._tasks.get(pid)
        if task is None:
            return None
        if self.was_killed(pid):  # it has had all that it might have
            task.most_bytes = max(task.most_bytes, task.limit_bytes)
        del self._tasks[pid]
        self.give_back(task.group)
        return task.most_bytes or None

    def was_killed(self, pid: int) -> bool:
        """Whether the kernel has ended a task, or a part of it, at its limit."""
        task = self._tasks.get(pid)
        return task is not None and task.group is not None and task.group.was_killed

    def close(self) -> None:
        """No task is left."""
        if self._room is not None:
            self._room.close()
            self._room, self._has_looked = None, False

    def next_s(self) -> float | None:
        """When to look next."""
        return min([task.at_s for task in self._tasks.values()], default=None)

    def look(self, now_s: float) -> list[int]:
        """Look at the tasks whose time has come; those that use more than they may."""
        if not any(task.at_s <= now_s for task in self._tasks.values()):
            return []
        over = []
        for pid, members in self._members(_processes()).items():
            task = self._tasks[pid]
            if task.group is not None:
                task.group.attach([one for one, _ in members])
            used_bytes = sum(rss for _, rss in members)
            if used_bytes > task.limit_bytes and len(members) > 1:
                used_bytes = sum(min(rss, _shared_out(one, rss)) for one, rss in members)
            task.most_bytes = max(task.most_bytes, used_bytes)
            left_s = (task.limit_bytes - used_bytes) / _FASTEST_BYTES_PER_S
            task.at_s = now_s + min(_LONGEST_S, max(_SHORTEST_S, left_s))
            if used_bytes > task.limit_bytes:
                over.append(pid)
        return over

    def _members(self, processes: dict[int, _Process]) -> dict[int, list[tuple[int, int]]]:
        """For each task its processes, with the memory of each."""
        found: dict[int, list[tuple[int, int]]] = {pid: [] for pid in self._tasks}
        for pid, process in processes.items():
            one, above = pid, process
            for _ in range(64):  # one that has left the session: whose descendant is it?
                owner = one if one in found else above.session
                if owner in found:
                    found[owner].append((pid, process.rss_bytes))
                    break
                one = above.parent
                if one not in processes:
                    break
                above = processes[one]
        return found


def _processes() -> dict[int, _Process]:
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                data = file.read(1024)
        except OSError:
            continue
        fields = data[data.rfind(b")") + 2 :].split(None, 22)
        if len(fields) > 21:
            rss_bytes = int(fields[21]) * _PAGE_BYTES
            found[int(name)] = _Process(int(fields[1]), int(fields[3]), rss_bytes)
    return found


def _shared_out(pid: int, rss_bytes: int) -> int:
    """A process's memory, with a page that n processes share counted 1/n."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb", buffering=0) as file:
            data = file.read(4096)
    except OSError:
        return rss_bytes
    at = data.find(b"\nPss:")
    return rss_bytes if at < 0 else int(data[at + 5 : data.find(b"kB", at)]) * 1024


def kernel_kills() -> int:
    """How many processes the kernel has killed so far since memory was used up."""
    try:
        with open("/proc/vmstat", "rb") as file:
            for line in file:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
