"""`status`, `history`, `logs`, `pause` and `resume`: what is told of runs, and to them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import flowc_here as flowc

from flowc.events import JobSubmitted, RunStarted
from flowc.record.log import list_runs, read_log

WORKFLOW = """
rule all:
    input: "a1", "a2", "b"
rule a:
    output: "a{n}"
    shell: "echo making {output}; touch {output}"
rule b:
    output: "b"
    priority: 10
    shell: "echo one; echo two; while [ ! -e go ]; do sleep 0.01; done; touch {output}"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(WORKFLOW)


def status() -> dict[str, object]:
    found: dict[str, object] = json.loads(flowc("status", "--json").stdout)
    return found


@pytest.fixture
def running() -> Iterator["subprocess.Popen[bytes]"]:
    """A run of which `b` lasts until there is a file `go`."""
    words = [sys.executable, "-m", "flowc", "run", "--cores", "1", "-q", "b", "a1", "a2"]
    with subprocess.Popen(words) as process:
        try:
            until(lambda: status().get("running"))  # before there is a log, a fault is told
            yield process
        finally:
            process.kill()


def until(what: object) -> None:
    assert callable(what)
    end_s = time.monotonic() + 50
    while not what():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_a_run_that_is_going_on(running: "subprocess.Popen[bytes]") -> None:
    until(lambda: [j["name"] for j in status()["running"]] == ["b"])  # type: ignore[attr-defined]
    found = status()
    assert found["state"] == "running" and found["total"] == 3
    said = flowc("status").stdout
    assert "of 3 jobs done" in said and "\nb " in said
    assert "running" in flowc("history").stdout
    Path("go").touch()
    assert running.wait(timeout=50) == 0
    assert status()["state"] == "ok" and status()["done"] == 3


def test_pause_and_resume(running: "subprocess.Popen[bytes]") -> None:
    until(lambda: [j["name"] for j in status()["running"]] == ["b"])  # type: ignore[attr-defined]
    assert flowc("pause").returncode == 0
    until(lambda: status()["state"] == "paused")  # though nothing else happens
    assert status()["running"] != []
    Path("go").touch()
    until(lambda: status()["running"] == [])
    time.sleep(0.3)
    assert status()["done"] == 1  # `b` has ended, and nothing has begun
    assert running.poll() is None
    assert flowc("resume").returncode == 0
    assert running.wait(timeout=50) == 0
    assert status()["done"] == 3


def test_a_run_tells_how_long_its_jobs_are_expected_to_run() -> None:
    """From the run before; the first one knows nothing."""
    Path("go").touch()
    for known in (False, True):
        assert flowc("run", "-q", "--forceall", "b", "a1").returncode == 0
        events = list(read_log(list_runs()[-1]))
        expected = [e.expected_s for e in events if isinstance(e, RunStarted | JobSubmitted)]
        assert len(expected) == 3
        assert all((one is not None and one > 0) is known for one in expected)


def test_a_paused_run_can_be_ended(running: "subprocess.Popen[bytes]") -> None:
    flowc("pause")
    Path("go").touch()
    until(lambda: status()["state"] == "paused")
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=50) == 143
    assert status()["state"] == "interrupted"


def test_a_run_that_was_cut_short(running: "subprocess.Popen[bytes]") -> None:
    running.kill()
    running.wait()
    assert status()["state"] == "cut short"
    assert "the next run makes these again" in flowc("status").stdout
    for command in ("pause", "resume"):
        done = flowc(command)
        assert done.returncode == 2 and "no run is at work" in done.stderr


def test_runs_are_listed() -> None:
    Path("go").touch()
    assert flowc("run", "--cores", "1", "a1").returncode == 0
    assert flowc("run", "--cores", "1").returncode == 0
    lines = flowc("history").stdout.splitlines()
    assert len(lines) == 3 and lines[2].endswith("flowc run --cores 1")
    [last] = [json.loads(x) for x in flowc("history", "--last", "1", "--json").stdout.splitlines()]
    assert (last["state"], last["done"], last["exit_code"]) == ("ok", 2, 0)


def test_logs() -> None:
    Path("go").touch()
    flowc("run", "--cores", "1")
    assert flowc("logs", "a2").stdout == "making a2\n"
    assert flowc("logs", "a(n=1)").stdout == "making a1\n"
    assert flowc("logs", "b", "--tail", "1").stdout == "two\n"
    both = flowc("logs", "a").stdout
    assert "==> a(n=1), attempt 1" in both and "making a1\n" in both and "making a2\n" in both
    assert flowc("logs", "b", "--path").stdout == ".flowc/logs/b/b.log\n"
    assert json.loads(flowc("logs", "b", "--json").stdout)["log"] == ".flowc/logs/b/b.log"
    wrong = flowc("logs", "c")
    assert wrong.returncode == 2 and "no job that makes `c` has run here" in wrong.stderr


@pytest.mark.parametrize("command", ["status", "history", "pause", "logs"])
def test_where_nothing_has_run(command: str) -> None:
    done = flowc(command, *(["x"] if command == "logs" else []))
    assert done.returncode == 2 and done.stderr.startswith("error[no-")
