"""Files are written whole, and nothing else is harmed."""

import os
import stat
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError
from flowc.whole import write_whole


def test_a_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to("file")
    write_whole(str(link), ["new", "er"])
    assert link.is_symlink() and path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


def test_what_is_write_protected_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to anything
    with pytest.raises(WorkflowError, match="write-protected"):
        write_whole(str(path), ["new"])
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(str(path), ["a", "b"])
        assert os.read(reader, 9) == b"ab"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_directory_is_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="cannot be written"):
        write_whole(str(tmp_path), ["x"])
    assert not list(tmp_path.parent.glob(f"{tmp_path.name}.*"))
