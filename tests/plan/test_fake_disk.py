"""The disk that ships for tests says what a real one says of the same files."""

import os
from pathlib import Path

import pytest

from flowc.disk import Disk, RealDisk
from flowc.testing import FakeDisk

FILES = {"a": b"one", "d/b": b"", "d/e/c": b"\xff", "z/.flowc_timestamp": b""}


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealDisk:
    monkeypatch.chdir(tmp_path)
    for i, (path, content) in enumerate(FILES.items()):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
        os.utime(path, ns=(i + 1, i + 1))
    Path("empty").mkdir()
    return RealDisk()


@pytest.fixture
def fake() -> FakeDisk:
    disk = FakeDisk()
    for path, content in FILES.items():
        disk.write(path, content)
    disk.make_directory("empty")
    return disk


def test_both_disks_agree(real: RealDisk, fake: FakeDisk) -> None:
    disks: list[Disk] = [real, fake]
    for path in [*FILES, "none", "d/none", "a/none"]:
        one, other = (disk.stat(path) for disk in disks)
        assert one == other, path
        assert real.digest(path) == fake.digest(path), path
    for path in ("d", "d/e", "empty", "z"):
        states = [disk.stat(path) for disk in disks]
        assert [s and s.kind for s in states] == ["directory", "directory"], path
    assert [s.mtime_ns for d in disks if (s := d.stat("z"))] == [4, 4]  # the stamp's
    for top in (".", "d", "none"):
        walks = [sorted((t, sorted(ds), sorted(fs)) for t, ds, fs in d.walk(top)) for d in disks]
        assert walks[0] == walks[1], top


def test_the_clock_ticks_with_each_change(fake: FakeDisk) -> None:
    before = fake.now_ns
    fake.touch("a")
    fake.write("new", "text")
    first, second = fake.stat("a"), fake.stat("new")
    assert first is not None and second is not None
    assert (first.mtime_ns, second.mtime_ns, fake.now_ns) == (before, before + 1, before + 2)
    assert fake.read("new") == b"text"
    fake.protect("new")
    assert fake.stat("new") == second._replace(writable=False)
    fake.remove("d")
    assert [path for path in FILES if fake.stat(path)] == ["a", "z/.flowc_timestamp"]
    with pytest.raises(FileNotFoundError):
        fake.remove("d")
    with pytest.raises(FileNotFoundError):
        fake.read("d/b")
