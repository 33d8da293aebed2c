"""Groups in which the kernel keeps limits, in a tree of files that looks like the kernel's."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flowc.events import JobEnded
from flowc.executors import cgroup
from flowc.executors.base import Capacity, Task
from flowc.executors.cgroup import Room, find_room
from flowc.executors.local import LocalExecutor
from flowc.executors.memory import MemoryWatch
from flowc.ids import JobId

MIB = 1024**2
FILES = {
    "cgroup.type": "domain",
    "cgroup.procs": "",
    "cgroup.controllers": "cpu memory",
    "cgroup.subtree_control": "",
    "memory.max": "max",
    "memory.swap.max": "max",
    "memory.oom.group": "0",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
}


def fill(path: str) -> None:
    for name, text in FILES.items():
        Path(path, name).write_text(text)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system in which flowc is in the group /user/session; its directory."""

    def mkdir(path: str) -> None:
        os.makedirs(path)
        fill(path)

    def remove(path: str) -> bool:
        shutil.rmtree(path)
        return True

    monkeypatch.setattr(cgroup, "_mkdir", mkdir)
    monkeypatch.setattr(cgroup, "_remove", remove)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("3:memory:/else\n0::/user/session\n")
    (tmp_path / "proc/self/mountinfo").write_text(
        "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
        "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    )
    session = tmp_path / "sys/fs/cgroup/user/session"
    for place in (session.parent.parent, session.parent, session):
        place.mkdir(parents=True, exist_ok=True)
        fill(str(place))
    (session / "cgroup.procs").write_text(f"{os.getpid()}\n")
    return session


def find(tree: Path, *, alone: bool = True) -> Room | None:
    root = tree.parents[4]
    return find_room(f"{root}/", lambda pid: alone)


def text(path: Path, name: str) -> str:
    return (path / name).read_text()


def test_below_our_own_group_where_the_controller_is_handed_down(tree: Path) -> None:
    (tree / "cgroup.subtree_control").write_text("cpu memory")
    found = find(tree)
    assert found is not None and found.path == str(tree)


def test_beside_our_own_group_in_a_session(tree: Path) -> None:
    (tree.parent / "cgroup.subtree_control").write_text("memory")
    found = find(tree, alone=False)
    assert found is not None and found.path == str(tree.parent)


def test_alone_in_our_group_we_make_room(tree: Path) -> None:
    found = find(tree)
    assert found is not None and found.path == str(tree)
    assert text(tree, "cgroup.subtree_control") == "+memory"
    assert text(tree / "flowc-self", "cgroup.procs") == str(os.getpid())


def test_our_group_is_one_again_in_the_end(tree: Path) -> None:
    found = find(tree)
    assert found is not None
    found.close()
    assert text(tree, "cgroup.subtree_control") == "-memory"
    assert text(tree, "cgroup.procs") == str(os.getpid())


def test_we_do_not_leave_our_group_where_we_are_alone(tree: Path) -> None:
    (tree.parent / "cgroup.subtree_control").write_text("memory")
    found = find(tree)
    assert found is not None and found.path == str(tree)


@pytest.mark.parametrize(
    ("name", "value"),
    [("memory.max", "1000000000"), ("cpu.max", "50000 100000"), ("cpuset.cpus", "0-1")],
)
def test_we_do_not_get_out_of_a_limit(tree: Path, name: str, value: str) -> None:
    (tree.parent / "cgroup.subtree_control").write_text("memory")
    (tree / name).write_text(f"{value}\n")
    assert find(tree, alone=False) is None


def test_the_first_group_may_have_both(tree: Path) -> None:
    (tree / "cgroup.type").unlink()
    found = find(tree, alone=False)
    assert found is not None and found.path == str(tree)
    assert text(tree, "cgroup.subtree_control") == "+memory"
    assert not (tree / "flowc-self").exists()
    found.close()
    assert text(tree, "cgroup.subtree_control") == "+memory"


def test_what_a_process_needs_to_begin_is_no_limit(tree: Path) -> None:
    group = room_of(tree).group(MIB)
    assert group is not None and text(Path(group.path), "memory.max") == str(16 * MIB)


def test_no_foreign_process_is_moved(tree: Path) -> None:
    assert find(tree, alone=False) is None
    assert sorted(path.name for path in tree.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("lost", ["cgroup", "mountinfo"])
def test_no_room_without_version_2(tree: Path, lost: str) -> None:
    (tree.parents[4] / f"proc/self/{lost}").write_text("3:memory:/else\n")
    assert find(tree) is None


def test_no_room_without_the_controller(tree: Path) -> None:
    (tree / "cgroup.controllers").write_text("cpu")
    assert find(tree) is None


def room_of(tree: Path) -> Room:
    (tree / "cgroup.subtree_control").write_text("memory")
    found = find(tree)
    assert found is not None
    return found


def test_a_group_has_its_limit_and_goes_with_its_task(tree: Path) -> None:
    room = room_of(tree)
    group = room.group(100 * MIB)
    assert group is not None
    place = Path(group.path)
    assert place.parent == tree
    assert text(place, "memory.max") == str(100 * MIB)
    assert text(place, "memory.swap.max") == "0"
    assert text(place, "memory.oom.group") == "1"
    group.attach([42])
    assert text(place, "cgroup.procs") == "42"
    assert not group.was_killed
    (place / "memory.events").write_text("oom 3\noom_kill 1\n")
    assert group.was_killed
    room.give_back(group)
    assert not place.exists()


def test_a_group_with_a_process_is_removed_later(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = room_of(tree)
    first, second = room.group(MIB), room.group(MIB)
    assert first is not None and second is not None

    with monkeypatch.context() as patch:
        patch.setattr(cgroup, "_remove", lambda path: False)
        room.give_back(first)
    assert Path(first.path).exists()
    room.give_back(second)
    assert not Path(first.path).exists() and not Path(second.path).exists()


def test_what_a_killed_flowc_has_left_is_removed(tree: Path) -> None:
    ours = tree / f"flowc-{os.getpid()}-1"
    others = [tree / "flowc-4194999-1", tree / "flowc-4194999-2"]  # no process has such an id
    for place in (ours, *others, tree / "flowc-self", tree / "other"):
        place.mkdir()
    room_of(tree)
    assert ours.exists() and (tree / "other").exists() and (tree / "flowc-self").exists()
    assert not any(place.exists() for place in others)


def test_where_the_kernel_refuses_the_watch_does_without(tree: Path) -> None:
    room = room_of(tree)
    shutil.rmtree(tree)
    tree.write_text("")  # no directory: nothing can be made in it
    watch = MemoryWatch(lambda: room)
    assert watch.group(MIB) is None
    watch.add(os.getpid(), 10_000 * MIB, 0.0)
    assert watch.look(1.0) == []
    assert (watch.remove(os.getpid()) or 0) > MIB


def test_the_watch_puts_tasks_into_groups(tree: Path) -> None:
    room = room_of(tree)
    watch = MemoryWatch(lambda: room)
    child = subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True)
    try:
        watch.add(child.pid, 10_000 * MIB, 0.0, watch.group(10_000 * MIB))
        (place,) = tree.glob("flowc-*")
        until = time.monotonic() + 50
        while text(place, "cgroup.procs") in ("", str(child.pid)):  # a write to it replaces it
            assert time.monotonic() < until
            watch.look(time.monotonic() + 10)
        assert not watch.was_killed(child.pid)
        (place / "memory.events").write_text("oom_kill 1\n")
        assert watch.was_killed(child.pid)
        assert watch.remove(child.pid) == 10_000 * MIB
        assert not place.exists()
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_where_the_kernel_starts_nothing_in_a_group_it_is_moved_there(
    tree: Path, tmp_path: Path
) -> None:
    """As here: these directories are no groups."""
    room = room_of(tree)
    executor = LocalExecutor(Capacity(1, 1 << 30))
    executor._memory = MemoryWatch(lambda: room)
    log = tmp_path / "log"
    script = f"until grep . {tree}/flowc-*/cgroup.procs; do sleep 0.01; done; echo $$"
    task = Task(
        job=JobId(1), attempt=1, name="x", argv=("bash", "-c", script), cwd=None, env={}, cores=1,
        memory_bytes=1, limit_s=60.0, log=str(log), memory_limit_bytes=1 << 30,
    )  # fmt: skip
    try:
        executor.submit([task])
        events = [*executor.wait(None)]
        while not isinstance(events[-1], JobEnded):
            events += executor.wait(None)
    finally:
        executor.close()
    assert events[-1].exit_code == 0 and events[-1].cause == ""
    moved, own = log.read_text().split()
    assert moved == own and not [*tree.glob("flowc-*")]
