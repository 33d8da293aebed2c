"""Limits on memory that the kernel keeps: a cgroup (version 2) for each task that has one.

Who looks at memory now and then may come too late; the kernel never does. It needs a place where
flowc may make groups, with the memory controller handed down: below the group that flowc is in, or
beside it, as in a session of systemd's. Where flowc is alone in its group it makes itself such a
place. No process that is not flowc's own is ever moved.
"""

from __future__ import annotations

import os

from flowc.suppress import suppress

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PREFIX = "flowc-"
_LEAF = f"{_PREFIX}self"
_mkdir, _rmdir = os.mkdir, os.rmdir  # the kernel makes and removes the files of a group itself


class Group:
    """The cgroup of one task. Raises OSError where the kernel refuses."""

    def __init__(self, path: str, limit_bytes: int) -> None:
        self.path = path
        self._members: set[int] = set()
        _mkdir(path)
        try:
            _write(f"{path}/memory.max", limit_bytes)
            with suppress(OSError):  # no swap: what the task may use would be more than it seems
                _write(f"{path}/memory.swap.max", 0)
            with suppress(OSError):  # all of its processes are ended, not just the largest
                _write(f"{path}/memory.oom.group", 1)
        except OSError:
            self.remove()
            raise

    def attach(self, pids: Iterable[int]) -> None:
        """Put processes into the group, and what they start from now on. What they use already
        stays where it was counted."""
        for pid in pids:
            if pid not in self._members:
                with suppress(OSError):  # it has just ended
                    _write(f"{self.path}/cgroup.procs", pid)
                self._members.add(pid)

    @property
    def was_killed(self) -> bool:
        """Whether the kernel has ended a process of it since the limit was reached."""
        return _counts(f"{self.path}/memory.events").get("oom_kill", 0) > 0

    def remove(self) -> bool:
        """Whether it is gone: not while it has a process."""
        try:
            _rmdir(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class Room:
    """Where groups of tasks are made."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._count = 0
        self._busy: list[Group] = []  # tasks that have ended, but not all of their processes
        self._sweep()

    def group(self, limit_bytes: int) -> Group | None:
        """A new group; None where the kernel refuses."""
        self._count += 1
        try:
            return Group(f"{self.path}/{_PREFIX}{os.getpid()}-{self._count}", limit_bytes)
        except OSError:
            return None

    def give_back(self, group: Group) -> None:
        """Its task has ended."""
        self._busy = [one for one in (*self._busy, group) if not one.remove()]

    def _sweep(self) -> None:
        """Remove what flowcs that were killed have left; the kernel keeps what has processes."""
        with suppress(OSError):
            for name in os.listdir(self.path):
                pid = name.removeprefix(_PREFIX).partition("-")[0]
                if name.startswith(_PREFIX) and pid.isdecimal() and not _exists(int(pid)):
                    with suppress(OSError):
                        _rmdir(f"{self.path}/{name}")


def find_room(root: str = "/", is_own: Callable[[int], bool] | None = None) -> Room | None:
    """Where groups with a limit on memory can be made; None: nowhere. `is_own`: whether a process
    is this one or was made by it."""
    own = _own_group(root)
    if own is None:
        return None
    for place in (own, os.path.dirname(own)):
        if "memory" in _read(f"{place}/cgroup.subtree_control").split() and _may_make(place):
            return Room(place)
    if _may_make(own) and _hand_down(own, is_own or _is_own):
        return Room(own)
    return None


def _hand_down(own: str, is_own: Callable[[int], bool]) -> bool:
    """Let the memory controller be used below our own group. Its processes have to move to a group
    below it for that; that is done only if they are ours."""
    if "memory" not in _read(f"{own}/cgroup.controllers").split():
        return False
    pids = [int(pid) for pid in _read(f"{own}/cgroup.procs").split()]
    if not all(map(is_own, pids)):
        return False
    try:
        with suppress(FileExistsError):
            _mkdir(f"{own}/{_LEAF}")
        for pid in pids:
            _write(f"{own}/{_LEAF}/cgroup.procs", pid)
        _write(f"{own}/cgroup.subtree_control", "+memory")
    except OSError:
        return False
    return True


def _own_group(root: str) -> str | None:
    """The directory of the group that this process is in."""
    group = None
    for line in _read(f"{root}proc/self/cgroup").splitlines():
        number, _, path = line.partition("::")
        if number == "0" and path:
            group = path
    if group is None:
        return None
    for line in _read(f"{root}proc/self/mountinfo").splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            _, _, _, inner, mount = fields.split()[:5]
            inside = group if inner == "/" else group.removeprefix(inner)
            return os.path.normpath(f"{root}{mount}/{inside}")
    return None


def _may_make(place: str) -> bool:
    return os.access(place, os.W_OK | os.X_OK) and os.access(f"{place}/cgroup.procs", os.W_OK)


def _is_own(pid: int) -> bool:
    """Whether a process is this one or descends from it."""
    while pid > 1 and pid != os.getpid():
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0
    return pid == os.getpid()


def _exists(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _counts(path: str) -> dict[str, int]:
    """A file of lines `name number`."""
    pairs = (line.split() for line in _read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _read(path: str) -> str:
    """Empty where there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, value: int | str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)  # it is there, or not for us
    try:
        os.write(file, str(value).encode())
    finally:
        os.close(file)
