"""What this process may use of its machine: cores and memory, as the CPU affinity and every
cgroup limit (version 1 and 2) on the way up from its own group allow. Its programs and processes.

Limits are read from `/proc` and `/sys` alone; a fact that cannot be read is no limit.
"""

from __future__ import annotations

import os

from flowc.dataclass import dataclass

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    from collections.abc import Iterator

NO_LIMIT_BYTES = 1 << 60
"""Version 1 writes "no limit" as a huge number of bytes."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be used at once."""

    cores: int
    memory_bytes: int


def allowed(root: str = "/") -> Allowed:
    """Cores and memory that this process may use. `root`: where `proc` and `sys` are."""
    cores = float(_affinity())
    memory_bytes = _machine_memory(root)
    for directory, version in _groups(root):
        quota = _quota_cores(directory, version)
        if quota is not None:
            cores = min(cores, quota)
        limit_bytes = _memory_limit(directory, version)
        if limit_bytes is not None:
            memory_bytes = min(memory_bytes, limit_bytes)
    return Allowed(max(1, int(cores)), memory_bytes)


def boot_id() -> str:
    """Tells this machine since its last start from any other; empty where nobody knows."""
    return text_of("/proc/sys/kernel/random/boot_id").strip()


def process_start_s(pid: int) -> float:
    """When a process started, as Unix time, to 10 ms; 0 where nobody knows."""
    try:
        ticks = int(text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])
        boot_s = next(
            int(line.split()[1])
            for line in text_of("/proc/stat").splitlines()
            if line.startswith("btime")
        )
    except (IndexError, ValueError, StopIteration):
        return 0.0
    return boot_s + ticks / os.sysconf("SC_CLK_TCK")


def which(name: str, search: str) -> str | None:
    """Where a program is: the first executable file of that name along `search`, a PATH."""
    for directory in search.split(":"):
        path = f"{directory}/{name}" if directory else f"./{name}"
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def own_group(root: str = "/") -> str | None:
    """The directory of the cgroup (version 2) that this process is in; None: it is not seen."""
    for line in text_of(f"{root}/proc/self/cgroup").splitlines():
        number, _, path = line.partition("::")
        if number != "0" or not path:
            continue
        for point, mounted, version, _ in _mounts(root):
            inside = _below(path, mounted)
            if version == 2 and inside is not None:
                return f"{root.rstrip('/')}{point}{inside}"
    return None


def text_of(path: str) -> str:
    """What stands in a file; nothing where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on this system
        return os.cpu_count() or 1


def _machine_memory(root: str) -> int:
    for line in text_of(f"{root}/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups(root: str) -> Iterator[tuple[str, int]]:
    """(directory, cgroup version) of each group whose limits hold for this process."""
    mounts = list(_mounts(root))
    for line in text_of(f"{root}/proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        wanted = frozenset(controllers.split(",")) - {""}
        for point, mounted, version, names in mounts:
            if (version == 2) != (number == "0" and not wanted):
                continue
            if version == 1 and not (wanted & names & {"cpu", "memory"}):
                continue
            inside = _below(path, mounted) or ""
            while True:
                yield f"{root}{point}{inside}", version
                if not inside:
                    break
                inside = inside[: inside.rfind("/")]


def _below(path: str, mounted: str) -> str | None:
    """The group's path as seen below a mount point whose root is the group `mounted`. A container
    often shows the outer path there, of which nothing can be seen inside: None."""
    path, mounted = path.rstrip("/"), mounted.rstrip("/")
    if ".." in path.split("/"):
        return None
    if not mounted:
        return path
    return path[len(mounted) :] if f"{path}/".startswith(f"{mounted}/") else None


def _mounts(root: str) -> Iterator[tuple[str, str, int, frozenset[str]]]:
    """(mount point, its root, version, controllers) of each mounted cgroup hierarchy."""
    for line in text_of(f"{root}/proc/self/mountinfo").splitlines():
        head, _, tail = line.partition(" - ")
        fields, kind = head.split(), tail.split()
        if len(fields) < 5 or len(kind) < 3 or not kind[0].startswith("cgroup"):
            continue
        point, mounted = _unescape(fields[4]), _unescape(fields[3])
        version = 2 if kind[0] == "cgroup2" else 1
        yield point.rstrip("/"), mounted, version, frozenset(kind[2].split(","))


def _unescape(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _quota_cores(directory: str, version: int) -> float | None:
    if version == 2:
        quota, _, period = text_of(f"{directory}/cpu.max").strip().partition(" ")
    else:
        quota = text_of(f"{directory}/cpu.cfs_quota_us").strip()
        period = text_of(f"{directory}/cpu.cfs_period_us").strip()
    try:
        quota_us, period_us = int(quota), int(period or 100_000)
    except ValueError:  # "max", or nothing there
        return None
    return quota_us / period_us if quota_us > 0 and period_us > 0 else None


def _memory_limit(directory: str, version: int) -> int | None:
    name = "memory.max" if version == 2 else "memory.limit_in_bytes"
    try:
        limit_bytes = int(text_of(f"{directory}/{name}"))
    except ValueError:
        return None
    return limit_bytes if 0 < limit_bytes < NO_LIMIT_BYTES else None
