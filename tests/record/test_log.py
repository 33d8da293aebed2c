"""The event log and the lock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowc.diagnostic import LockedError
from flowc.events import Event, FilesRemoved, FilesTouched, JobEnded, JobSkipped, JobStarted
from flowc.ids import JobId
from flowc.record.lock import DirectoryLock
from flowc.record.log import EventLog, list_runs, log_path, new_run_id, read_log

EVENTS: list[Event] = [
    JobStarted(JobId(1), 1, 1.5, "77"),
    JobEnded(JobId(1), 1, 2.5, 0, 1.0, 0.5, None),
    JobSkipped(JobId(2), 3.0, "r", "r(x=\udcff\n)", "upstream"),
    FilesTouched(4.0, ("a\n", "\udcfe")),
]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = log_path("r", str(tmp_path))
    with EventLog(path) as log:
        for event in EVENTS:
            log(event)
    assert list(read_log(path)) == EVENTS
    assert list_runs(str(tmp_path)) == [path]


def test_what_matters_is_written_at_once(tmp_path: Path) -> None:
    """Without closing: as after `kill -9`."""
    path = log_path("r", str(tmp_path))
    log = EventLog(path)
    log(EVENTS[0])
    assert list(read_log(path)) == []  # nothing depends on it yet
    log(EVENTS[2])
    assert list(read_log(path)) == [EVENTS[0], EVENTS[2]]
    log.close()


@pytest.mark.parametrize("cut", [1, 2, 10, 30])
def test_a_cut_last_line_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log"
    with EventLog(str(path)) as log:
        for event in EVENTS:
            log(event)
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(read_log(str(path))) == EVENTS[:-1]


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    known = FilesRemoved(1.0, ("a",), "temp")
    lines = ["\0\0", "[]", '"x"', '{"event": "from-the-future", "x": 1}', "{}"]
    with EventLog(str(path)) as log:
        log(known)
    path.write_text("".join(f"{line}\n" for line in lines) + path.read_text())
    assert list(read_log(str(path))) == [known]


def test_run_ids_sort_by_time() -> None:
    assert new_run_id(0.0, 5) < new_run_id(1.0, 4)
    assert new_run_id(1e9, 4242).endswith("-4242")


def test_no_runs(tmp_path: Path) -> None:
    assert list_runs(str(tmp_path)) == []


HOLD = """
import sys
from flowc.record.lock import DirectoryLock
with DirectoryLock(sys.argv[1], ["flowc", "run"]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_names_its_owner_and_ends_with_it(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=env) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(LockedError) as caught:
            DirectoryLock(str(tmp_path)).acquire()
        owner.kill()
    assert caught.value.diagnostics[0].code == "locked"
    message = caught.value.diagnostics[0].message
    assert f"process {owner.pid} on {os.uname().nodename}" in message
    assert "(`flowc run`)" in message
    with DirectoryLock(str(tmp_path)):  # no stale lock is left
        assert json.loads(Path(tmp_path, ".flowc/lock").read_text())["pid"] == os.getpid()


def test_a_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with DirectoryLock(str(tmp_path)):
            pass
    assert Path(tmp_path, ".flowc/lock").read_text() == ""


def test_run_ids_sort_whatever_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one second the process id alone would decide, and ids begin anew at some time."""
    monkeypatch.chdir(tmp_path)
    Path(".flowc/runs").mkdir(parents=True)
    names = []
    for now_s, pid in [(1e9, 32767), (1e9, 301), (1e9, 99), (1e9 - 7200, 5), (1e9 + 9e5, 1)]:
        names.append(new_run_id(now_s, pid))
        Path(log_path(names[-1])).touch()
    assert [Path(path).stem for path in list_runs()] == names
    assert sorted(set(names)) == names
