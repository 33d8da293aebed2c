"""Limits on memory that the kernel keeps: a cgroup (version 2) for each task that has one.

Who looks at memory now and then may come too late; the kernel never does. It needs a place where
flowc may make groups, with the memory controller handed down: below the group that flowc is in, or
beside it, as in a session of systemd's. Where flowc is alone in its group it makes itself such a
place, until it ends. No process that is not flowc's own is ever moved, and nothing gets out of a
limit that flowc itself is under.
"""

from __future__ import annotations

import os
import time

from flowc.executors import ingroup
from flowc.machine import own_group, text_of
from flowc.suppress import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LEAST_BYTES = 16 * 1024**2
"""No limit is below it: the kernel counts what a process needs to begin at all, such as its tables
of pages. Who looks at what programs use themselves keeps the limit all the same."""
_LIMITS = ("memory.max", "memory.high", "memory.swap.max", "cpu.max", "cpuset.cpus")
_DIVIDE_TRIES = 20
_CLOSE_S, _CLOSE_LOOK_S = 5.0, 0.002
_mkdir, _remove = os.mkdir, ingroup.remove  # the kernel makes the files of a group itself


class Group:
    """The cgroup of one task. Raises OSError where the kernel refuses."""

    def __init__(self, path: str, limit_bytes: int, *, is_below_own: bool = False) -> None:
        """`is_below_own`: flowc has divided the group in which it was alone."""
        self.path = path
        self.is_below_own = is_below_own
        self._members: set[int] = set()
        _mkdir(path)
        try:
            ingroup.write(f"{path}/memory.max", max(limit_bytes, _LEAST_BYTES))
            with suppress(OSError):  # no swap: what the task may use would be more than it seems
                ingroup.write(f"{path}/memory.swap.max", 0)
            with suppress(OSError):  # all of its processes are ended, not just the largest
                ingroup.write(f"{path}/memory.oom.group", 1)
        except OSError:
            self.remove()
            raise

    def attach(self, pids: Iterable[int]) -> None:
        """Put processes into the group that are not in it, and what they start from now on. What
        they use already stays where it was counted."""
        name = f"/{os.path.basename(self.path)}"
        for pid in pids:
            if pid not in self._members:
                self._members.add(pid)
                now = text_of(f"/proc/{pid}/cgroup")
                if f"{name}\n" not in now and f"{name}/" not in now:  # to ask costs less
                    ingroup.attach(self.path, pid)

    @property
    def was_killed(self) -> bool:
        """Whether the kernel has ended a process of it since the limit was reached."""
        return _counts(f"{self.path}/memory.events").get("oom_kill", 0) > 0

    def remove(self) -> bool:
        """Whether it is gone: not while it has a process."""
        return _remove(self.path)


class Room:
    """Where groups of tasks are made."""

    def __init__(self, path: str, *, is_own: bool = False) -> None:
        """`is_own`: it is flowc's own group, which was divided for it."""
        self.path = path
        self._is_own = is_own
        self._count = 0
        self._busy: list[Group] = []  # tasks that have ended, but not all of their processes
        self._sweep()

    def group(self, limit_bytes: int) -> Group | None:
        """A new group; None where the kernel refuses."""
        self._count += 1
        path = f"{self.path}/{ingroup.PREFIX}{os.getpid()}-{self._count}"
        try:
            return Group(path, limit_bytes, is_below_own=self._is_own)
        except OSError:
            return None

    def give_back(self, group: Group) -> None:
        """Its task has ended."""
        self._busy = [one for one in (*self._busy, group) if not one.remove()]

    def close(self) -> None:
        """Leave nothing behind: no process in a group that was given back, and no group."""
        until = time.monotonic() + _CLOSE_S
        for group in self._busy:
            ingroup.end(group.path)
        while self._busy and time.monotonic() < until:
            self._busy = [one for one in self._busy if not one.remove()]
            time.sleep(_CLOSE_LOOK_S)
        if self._is_own:
            ingroup.unite(self.path)

    def _sweep(self) -> None:
        """Remove what flowcs that were killed have left; the kernel keeps what has processes."""
        with suppress(OSError):
            for name in os.listdir(self.path):
                pid = name.removeprefix(ingroup.PREFIX).partition("-")[0]
                if name.startswith(ingroup.PREFIX) and pid.isdecimal() and not _exists(int(pid)):
                    _remove(f"{self.path}/{name}")


def find_room(root: str = "/", is_own: Callable[[int], bool] | None = None) -> Room | None:
    """Where groups with a limit on memory can be made; None: nowhere. `is_own`: whether a process
    is this one or was made by it."""
    own = own_group(root)
    if own is None:
        return None
    if _may_make(own):
        if _hands_down(own) or (_is_root(own) and _hand_down(own)):
            return Room(own)
        if _divide(own, is_own or _is_own):
            return Room(own, is_own=True)
    above = os.path.dirname(own)
    if _hands_down(above) and _may_make(above) and not _has_limit(own):
        return Room(above)
    return None


def _hands_down(place: str) -> bool:
    """Whether groups below this one have the memory controller."""
    return "memory" in text_of(f"{place}/cgroup.subtree_control").split()


def _hand_down(place: str) -> bool:
    if "memory" not in text_of(f"{place}/cgroup.controllers").split():
        return False
    try:
        ingroup.write(f"{place}/cgroup.subtree_control", "+memory")
    except OSError:
        return False
    return True


def _is_root(place: str) -> bool:
    """Whether it is the machine's first group, the only one that may have both processes and
    groups with a limit on memory."""
    return not os.path.exists(f"{place}/cgroup.type")


def _has_limit(group: str) -> bool:
    """Whether a task beside this group would get out of a limit that flowc is under."""
    return any(text_of(f"{group}/{name}").split()[:1] not in ([], ["max"]) for name in _LIMITS)


def _divide(own: str, is_own: Callable[[int], bool]) -> bool:
    """Let the memory controller be used below our own group. Its processes have to move to a group
    below it for that; that is done only if they are ours."""
    leaf = f"{own}/{ingroup.OWN}"
    if "memory" not in text_of(f"{own}/cgroup.controllers").split():
        return False
    for _ in range(_DIVIDE_TRIES):  # a process may be made while the others are moved
        pids = [int(pid) for pid in text_of(f"{own}/cgroup.procs").split()]
        if not all(map(is_own, pids)):
            break
        with suppress(OSError):
            _mkdir(leaf)
        for pid in pids:
            ingroup.attach(leaf, pid)
        if _hand_down(own):
            return True
    if os.path.exists(leaf):
        ingroup.unite(own)
    return False


def _may_make(place: str) -> bool:
    return os.access(place, os.W_OK | os.X_OK) and os.access(f"{place}/cgroup.procs", os.W_OK)


def _is_own(pid: int) -> bool:
    """Whether a process is this one or descends from it."""
    while pid > 1 and pid != os.getpid():
        fields = text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0
    return pid == os.getpid()


def _exists(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _counts(path: str) -> dict[str, int]:
    """A file of lines `name number`."""
    pairs = (line.split() for line in text_of(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
