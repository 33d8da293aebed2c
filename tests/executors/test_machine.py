"""What the machine allows, read from made-up `/proc` and `/sys`."""

import os
from pathlib import Path

import pytest

from flowc.machine import Allowed, allowed, own_group, process_start_s

GIB = 1024**3
V2_MOUNT = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
IN_CONTAINER = V2_MOUNT.replace("0:26 /", "0:26 /docker/xyz")
V1_MOUNTS = (
    "31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 1 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 1 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
)
CPU, MEM = "sys/fs/cgroup/cpu", "sys/fs/cgroup/memory"
TOP = "sys/fs/cgroup"

MACHINES = {
    # /proc/self/cgroup, mountinfo, files, cores, memory in GiB
    "no cgroup": ("", "", {}, 8, 16),
    "no limit": (
        "0::/a\n",
        V2_MOUNT,
        {f"{TOP}/a/cpu.max": "max 100000\n", f"{TOP}/a/memory.max": "max\n"},
        8,
        16,
    ),
    "own limit": (
        "0::/a/b\n",
        V2_MOUNT,
        {f"{TOP}/a/b/cpu.max": "300000 100000\n", f"{TOP}/a/b/memory.max": f"{4 * GIB}\n"},
        3,
        4,
    ),
    "limit further up": (
        "0::/a/b\n",
        V2_MOUNT,
        {
            f"{TOP}/a/b/memory.max": f"{9 * GIB}\n",
            f"{TOP}/a/memory.max": f"{2 * GIB}\n",
            f"{TOP}/cpu.max": "200000 100000\n",
        },
        2,
        2,
    ),
    "part of a core": ("0::/a\n", V2_MOUNT, {f"{TOP}/a/cpu.max": "50000 100000\n"}, 1, 16),
    "cores and a half": ("0::/a\n", V2_MOUNT, {f"{TOP}/a/cpu.max": "250000 100000\n"}, 2, 16),
    "version 1": (
        "4:cpu,cpuacct:/j\n5:memory:/j\n6:pids:/j\n",
        V1_MOUNTS,
        {
            f"{CPU}/j/cpu.cfs_quota_us": "600000\n",
            f"{CPU}/j/cpu.cfs_period_us": "100000\n",
            f"{MEM}/j/memory.limit_in_bytes": f"{3 * GIB}\n",
        },
        6,
        3,
    ),
    "version 1, none": (
        "4:cpu:/\n5:memory:/\n",
        V1_MOUNTS,
        {
            f"{CPU}/cpu.cfs_quota_us": "-1\n",
            f"{MEM}/memory.limit_in_bytes": "9223372036854771712\n",
        },
        8,
        16,
    ),
    "in a container": (
        "5:memory:/docker/xyz\n",
        V1_MOUNTS.replace("0:28 /", "0:28 /docker/xyz"),
        {f"{MEM}/memory.limit_in_bytes": f"{GIB}\n"},
        8,
        1,
    ),
    "outer path shown": ("0::/../../x\n", V2_MOUNT, {f"{TOP}/memory.max": f"{GIB}\n"}, 8, 1),
    "nonsense": (
        "0::/a\n",
        V2_MOUNT,
        {f"{TOP}/a/cpu.max": "\n", f"{TOP}/a/memory.max": "?\n"},
        8,
        16,
    ),
}


@pytest.mark.parametrize(
    ("cgroup", "mounts", "files", "cores", "gib"), MACHINES.values(), ids=MACHINES
)
def test_limits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cgroup: str,
    mounts: str,
    files: dict[str, str],
    cores: int,
    gib: int,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    facts = {
        "proc/self/cgroup": cgroup,
        "proc/self/mountinfo": mounts,
        "proc/meminfo": f"MemTotal: {16 * 1024**2} kB\n",
        **files,
    }
    for name, text in facts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert allowed(str(tmp_path)) == Allowed(cores, gib * GIB)


# fmt: off
OWN_GROUPS = {  #        /proc/self/cgroup                 mountinfo             where it is
    "its own":          ("3:memory:/else\n0::/user/a\n",  V1_MOUNTS + V2_MOUNT, f"{TOP}/user/a"),
    "the first":        ("0::/\n",                         V2_MOUNT,             TOP),
    "in a container":   ("0::/docker/xyz/a\n",             IN_CONTAINER,         f"{TOP}/a"),
    "outer path shown": ("0::/../../x\n",                  V2_MOUNT,             None),
    "of another mount": ("0::/docker/abc\n",               IN_CONTAINER,         None),
    "version 1":        ("5:memory:/j\n",                  V1_MOUNTS,            None),
}
# fmt: on


@pytest.mark.parametrize(("cgroup", "mounts", "place"), OWN_GROUPS.values(), ids=OWN_GROUPS)
def test_own_group(tmp_path: Path, cgroup: str, mounts: str, place: str | None) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup)
    (tmp_path / "proc/self/mountinfo").write_text(mounts)
    for root in (str(tmp_path), f"{tmp_path}/"):
        assert own_group(root) == (None if place is None else f"{tmp_path}/{place}")


def test_this_machine() -> None:
    found = allowed()
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.memory_bytes > 64 * 1024**2


def test_start_of_a_process() -> None:
    assert 0 < process_start_s(1) <= process_start_s(os.getpid())
    assert process_start_s(2**22 + 1) == 0.0
