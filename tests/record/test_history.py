"""The history is a fold of the logs, whatever happens in between."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.diagnostic import WorkflowError
from flowc.disk import FILE, FileState
from flowc.events import (
    Event,
    FilesRemoved,
    FilesTouched,
    JobDone,
    JobEnded,
    JobFailed,
    JobSubmitted,
    to_line,
)
from flowc.ids import JobId
from flowc.record.history import DONE, FAILED, INTERRUPTED, History, JobRecord


def submitted(*outputs: str, at_s: float = 1.0, rule: str = "r") -> JobSubmitted:
    return JobSubmitted(JobId(0), 1, at_s, rule, rule, {}, outputs, "cmd", 1, 1, {}, "log")


def done(*outputs: str, at_s: float = 2.0, rule: str = "r", code: str = "c") -> JobDone:
    return JobDone(JobId(0), 1, at_s, rule, outputs, code, "p", "i", "content")


def failed(*outputs: str, at_s: float = 2.0, cause: str = "exit") -> JobFailed:
    return JobFailed(JobId(0), 1, at_s, "r", "r", outputs, cause, "", 1, "cmd", "log", False)


def touched(*paths: str) -> FilesTouched:
    return FilesTouched(3.0, paths)


DONE_X = JobRecord("r", "c", "p", "i", "content", DONE, 2.0)
CUT_X = JobRecord("r", "", "", "", None, INTERRUPTED, 1.0)
FAILED_X = JobRecord("r", "", "", "", None, FAILED, 2.0)

# fmt: off
FOLDS: dict[str, tuple[list[Event], dict[str, JobRecord]]] = {
    "nothing":             ([], {}),
    "submitted":           ([submitted("x")], {"x": CUT_X}),
    "done":                ([submitted("x"), done("x")], {"x": DONE_X}),
    "failed":              ([submitted("x"), failed("x")], {"x": FAILED_X}),
    "cancelled":           ([submitted("x"), failed("x", cause="cancelled")],
                            {"x": FAILED_X._replace(state=INTERRUPTED)}),
    "failed, then done":   ([submitted("x"), failed("x"), submitted("x"), done("x")],
                            {"x": DONE_X}),
    "done, then started":  ([submitted("x"), done("x"), submitted("x")], {"x": CUT_X}),
    "done, then failed":   ([done("x"), submitted("x"), failed("x")], {"x": FAILED_X}),
    "command has ended":   ([submitted("x"), JobEnded(JobId(0), 1, 2.0, 0, 1.0, None, None)],
                            {"x": CUT_X}),
    "two outputs":         ([submitted("x", "y"), done("x", "y")], {"x": DONE_X, "y": DONE_X}),
    "one moves":           ([done("x", "y"), done("y", rule="s", code="d")],
                            {"x": DONE_X, "y": DONE_X._replace(rule="s", code_digest="d")}),
    "touched":             ([done("x"), touched("x")], {}),
    "failed, touched":     ([submitted("x"), failed("x"), touched("x")], {}),
    "temp removed":        ([done("x"), FilesRemoved(3.0, ("x",), "temp")], {"x": DONE_X}),
    "no output":           ([submitted(), done()], {}),
    "any name":            ([done("a \udcff'\n\"", "é", "")],
                            {"a \udcff'\n\"": DONE_X, "é": DONE_X, "": DONE_X}),
}
# fmt: on


def write_log(directory: Path, name: str, events: list[Event]) -> Path:
    path = directory / "runs" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.writelines(map(to_line, events))
    return path


def everything(directory: Path, *, read_only: bool = False) -> dict[str, JobRecord]:
    with History(str(directory), read_only=read_only) as history:
        return history.outputs()


@pytest.mark.parametrize(("events", "expected"), FOLDS.values(), ids=FOLDS)
@pytest.mark.parametrize("way", ["applied", "caught up", "read only", "rebuilt"])
def test_folding(
    way: str, events: list[Event], expected: dict[str, JobRecord], tmp_path: Path
) -> None:
    with History(str(tmp_path)) as history:
        if way == "applied":
            history.apply(events)
        else:
            write_log(tmp_path, "1", events)
        if way == "caught up":
            assert history.catch_up() == sum(1 for e in events if not isinstance(e, JobEnded))
            assert history.catch_up() == 0
        if way == "rebuilt":
            history.apply([done("not in any log")])
            history.rebuild()
    assert everything(tmp_path, read_only=way == "read only") == expected
    with History(str(tmp_path), read_only=way == "read only") as history:
        assert history.records([*expected, "other"]) == expected


def test_a_log_cut_off_at_any_byte_is_taken_up_again(tmp_path: Path) -> None:
    events: list[Event] = [
        submitted("x"),
        submitted("y\udc80"),
        done("x"),
        touched("x"),
        failed("y\udc80"),
        done("z"),
    ]
    data = "".join(map(to_line, events)).encode()
    ends = {0}
    for i, byte in enumerate(data):
        if byte == 10:
            ends.add(i + 1)
    (tmp_path / "whole" / "runs").mkdir(parents=True)
    (tmp_path / "whole" / "runs" / "1.jsonl").write_bytes(data)
    expected = everything(tmp_path / "whole", read_only=True)
    for cut in range(0, len(data), 7):
        directory = tmp_path / str(cut)
        (directory / "runs").mkdir(parents=True)
        log = directory / "runs" / "1.jsonl"
        log.write_bytes(data[:cut])
        before = everything(directory, read_only=True)
        with History(str(directory)) as history:
            assert history.catch_up() == sum(1 for end in ends if 0 < end <= cut)
            assert history.outputs() == before
            log.write_bytes(data)
            assert everything(directory, read_only=True) == expected
            history.catch_up()
            assert history.outputs() == expected


def test_a_broken_line_costs_only_itself(tmp_path: Path) -> None:
    log = write_log(tmp_path, "1", [done("x")])
    with log.open("ab") as file:
        file.write(
            b'{"event":"job-done","job":\n\xff\xfe\n[]\n{"event":"new-kind"}\n{"job": 1}\n\n'
        )
    write_log(tmp_path, "1", [done("y")])
    assert set(everything(tmp_path, read_only=True)) == {"x", "y"}


def test_later_logs_win(tmp_path: Path) -> None:
    write_log(tmp_path, "20260102-000000-9", [done("x", code="new")])
    write_log(tmp_path, "20260101-000000-1", [done("x", code="old")])
    for read_only in (True, False):
        with History(str(tmp_path), read_only=read_only) as history:
            history.catch_up()
            assert history.records(["x"])["x"].code_digest == "new"


def test_reading_writes_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / ".flowc"
    assert everything(nowhere, read_only=True) == {}
    with History(str(nowhere)) as history:
        assert history.records(["x"]) == {}
        assert history.catch_up() == 0
    assert not nowhere.parent.exists()
    write_log(tmp_path, "1", [done("x")])
    with History(str(tmp_path)) as history:
        history.catch_up()
    write_log(tmp_path, "1", [done("y")])
    state = FileState(1, 1, FILE)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}
    with History(str(tmp_path), read_only=True) as history:
        assert set(history.outputs()) == {"x", "y"}
        history.keep_digests({"y": (1, 1, "d")})
        history.apply([done("z")])
        assert set(history.records(["x", "y", "z"])) == {"x", "y", "z"}
        assert history.file_digest("y", state) is None
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")} == before
    assert set(everything(tmp_path)) == {"x"}


@pytest.mark.parametrize("count", [1, 40, 700, 1500])
def test_many_paths_at_once(count: int, tmp_path: Path) -> None:
    """Few of many are looked up one by one, most of many by reading all."""
    with History(str(tmp_path)) as history:
        history.apply([done(f"dir/{i}\udcfe", code=str(i)) for i in range(1500)])
        asked = [f"dir/{i}\udcfe" for i in range(count)]
        found = history.records([*asked, "unknown", "unknown"])
        assert [found[path].code_digest for path in asked] == [str(i) for i in range(count)]
        assert len(found) == count


def test_digests_of_files(tmp_path: Path) -> None:
    with History(str(tmp_path)) as history:
        history.keep_digests({"a\udcff": (5, 6, "d1"), "b": (7, 8, "d2")})
    with History(str(tmp_path), read_only=True) as history:
        assert history.file_digest("a\udcff", FileState(5, 6, FILE)) == "d1"
        assert history.file_digest("a\udcff", FileState(5, 7, FILE)) is None
        assert history.file_digest("a\udcff", FileState(6, 6, FILE)) is None
    with History(str(tmp_path)) as history:
        history.keep_digests({"b": (9, 8, "d3")})
        history.apply([FilesRemoved(1.0, ("a\udcff",), "temp")])
        assert history.file_digest("a\udcff", FileState(5, 6, FILE)) is None
        assert history.file_digest("b", FileState(9, 8, FILE)) == "d3"


def test_a_log_under_an_old_name_is_read_from_its_start(tmp_path: Path) -> None:
    log = write_log(tmp_path, "1", [done("x"), done("y")])
    with History(str(tmp_path)) as history:
        history.catch_up()
        log.unlink()
        assert set(history.outputs()) == {"x", "y"}
        write_log(tmp_path, "1", [done("z")])
        history.catch_up()
        assert set(history.outputs()) == {"x", "y", "z"}


def test_folding_that_fails_midway_changes_nothing(tmp_path: Path) -> None:
    with History(str(tmp_path)) as history:
        history.apply([done("x")], log="1.jsonl", offset=10)
        broken: Any = JobDone(JobId(0), 1, 1.0, "r", ("x", "y"), object(), "p", "i", None)  # type: ignore[arg-type]
        with pytest.raises(WorkflowError):
            history.apply([done("z"), broken], log="1.jsonl", offset=20)
        assert history.outputs() == {"x": DONE_X}


def test_the_database_of_a_newer_flowc_is_set_aside(tmp_path: Path) -> None:
    write_log(tmp_path, "1", [done("x")])
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = (tmp_path / "history.db").read_bytes()
    assert everything(tmp_path, read_only=True) == {"x": DONE_X}
    assert (tmp_path / "history.db").read_bytes() == before
    with History(str(tmp_path)) as history:
        history.catch_up()
        assert history.outputs() == {"x": DONE_X}
        assert "version 99" in history.replaced
    assert (tmp_path / "history.db.version-99").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_damaged_database_is_made_anew(content: bytes, tmp_path: Path) -> None:
    write_log(tmp_path, "1", [done("x")])
    (tmp_path / "history.db").write_bytes(content)
    assert everything(tmp_path, read_only=True) == {"x": DONE_X}
    assert (tmp_path / "history.db").read_bytes() == content
    with History(str(tmp_path)) as history:
        assert history.records(["x"]) == {"x": DONE_X}
        assert "history.db.damaged" in history.replaced
        assert history.rebuild() == 1
        assert history.outputs() == {"x": DONE_X}


def test_a_database_that_is_damaged_at_once_again_is_given_up(tmp_path: Path) -> None:
    """It is the disk that is at fault: no use in a third one."""
    write_log(tmp_path, "r.jsonl", [done("x")])
    (tmp_path / "history.db").write_bytes(b"not a database, but as long as one" * 100)
    with pytest.raises(WorkflowError) as caught, History(str(tmp_path)) as history:
        history.catch_up()
        assert history.replaced
        history.close()
        (tmp_path / "history.db").write_bytes(b"nor is this one, though it is as long" * 100)
        history.catch_up()
    assert caught.value.diagnostics[0].code == "history-corrupt"


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """What a crash right after its creation leaves behind."""
    (tmp_path / "history.db").touch()
    write_log(tmp_path, "1", [done("x")])
    assert everything(tmp_path, read_only=True) == {"x": DONE_X}
    with History(str(tmp_path)) as history:
        history.catch_up()
        assert history.outputs() == {"x": DONE_X}


def test_a_run_killed_within_a_transaction(tmp_path: Path) -> None:
    """Its journal lies there. Only a run may undo what was half done; a plan does without."""
    write_log(tmp_path, "1", [done(f"{i:05}") for i in range(5000)])
    with History(str(tmp_path)) as history:
        history.catch_up()
    script = (
        "import sqlite3, os, sys\n"
        "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "d.execute('PRAGMA cache_size = 1')\n"
        "d.execute('BEGIN')\n"
        "d.execute('UPDATE outputs SET code = \"half done\"')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    path = str(tmp_path / "history.db")
    assert subprocess.run([sys.executable, "-c", script, path]).returncode == -9
    assert (tmp_path / "history.db-journal").stat().st_size > 0
    for read_only in (True, False):
        found = everything(tmp_path, read_only=read_only)
        assert len(found) == 5000
        assert {record.code_digest for record in found.values()} == {"c"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    write_log(tmp_path, "1", [done("x")])
    tmp_path.chmod(0o555)
    try:
        assert everything(tmp_path, read_only=True) == {"x": DONE_X}
        with pytest.raises(WorkflowError), History(str(tmp_path)) as history:
            history.catch_up()
    finally:
        tmp_path.chmod(0o755)


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / ".flowc").write_text("")
    assert everything(tmp_path / ".flowc", read_only=True) == {}
    with pytest.raises(WorkflowError) as caught, History(str(tmp_path / ".flowc")) as history:
        history.apply([done("x")])
    assert caught.value.diagnostics[0].code == "history-unusable"


NAMES = st.sampled_from(["a", "b", "c"])
EVENTS = st.one_of(
    st.builds(lambda p, t: submitted(*p, at_s=t), st.lists(NAMES, max_size=2), st.floats(0, 9)),
    st.builds(lambda p, c: done(*p, code=c), st.lists(NAMES, max_size=2), NAMES),
    st.builds(lambda p, c: failed(*p, cause=c), st.lists(NAMES, max_size=2), NAMES),
    st.builds(lambda p: touched(*p), st.lists(NAMES, max_size=2)),
)


@examples(40)
@given(events=st.lists(EVENTS, max_size=12), cuts=st.sets(st.integers(0, 12)))
def test_it_does_not_matter_in_how_many_steps(
    events: list[Event], cuts: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    once, often = tmp_path_factory.mktemp("once"), tmp_path_factory.mktemp("often")
    write_log(once, "1", events)
    expected = everything(once, read_only=True)
    with History(str(often)) as history:
        start = 0
        for cut in [*sorted(cuts), len(events)]:
            write_log(often, "1", events[start:cut])
            start = max(start, cut)
            history.catch_up()
        assert history.outputs() == expected
        history.apply(events)  # once more, all of them
        assert history.outputs() == expected


@pytest.mark.parametrize("part_bytes", [1, 100, 1000])
def test_a_long_log_is_read_in_parts(
    part_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowc.record.outputs.PART_BYTES", part_bytes)
    path = write_log(
        tmp_path, "1", [event for n in range(9) for event in (submitted(f"x{n}"), done(f"x{n}"))]
    )
    with path.open("ab") as file:
        file.write(b'{"event":"job-submitted","cut')
    assert everything(tmp_path, read_only=True).keys() == {f"x{n}" for n in range(9)}
    with History(str(tmp_path)) as history:
        assert history.catch_up() == 18
        assert history.catch_up() == 0
        assert {record.state for record in history.outputs().values()} == {DONE}
