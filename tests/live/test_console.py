"""What people see of a run: exact text from made-up events."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from flowc.events import (
    Event,
    JobDone,
    JobFailed,
    JobSkipped,
    JobSubmitted,
    Notice,
    RunEnded,
    RunStarted,
    from_line,
)
from flowc.ids import JobId
from flowc.live.console import Console, JsonStream, log_tail
from flowc.units import GIB


def started(total: int) -> RunStarted:
    return RunStarted("r", 100.0, 1, "0", (), "W", "/", "h", "", 1, 0.0, 4, 2 * GIB, {}, total)


def submitted(job: int, name: str, command: str = "c", message: str = "") -> JobSubmitted:
    return JobSubmitted(
        JobId(job), 1, 0.0, "r", name, {}, (), command, 1, GIB // 2, {}, "log", message=message
    )


def done(job: int) -> JobDone:
    return JobDone(JobId(job), 1, 0.0, "r", (), "", "", "", None)


def failed(job: int, name: str, log: str = "", *, again: bool = False) -> JobFailed:
    message = "exit code 1"
    return JobFailed(
        JobId(job), 1, 0.0, "r", name, (), "exit", message, 1, "cmd\n  two", log, again
    )


def ended(outcome: str, done: int, failed: int = 0, not_run: int = 0) -> RunEnded:
    return RunEnded(112.0, outcome, 0, done, failed, 0, not_run)


def told(events: Sequence[Event], **options: bool) -> str:
    stream = io.StringIO()
    console = Console(stream, **options)
    for event in events:
        console(event)
    return stream.getvalue()


def test_a_line_for_each_job() -> None:
    names = [f"map(x={i})" for i in range(10)]
    events: list[Event] = [started(10)]
    for i, name in enumerate(names):
        events += [submitted(i, name), done(i)]
    lines = told([*events, ended("ok", 10)]).splitlines()
    assert lines[0] == "[ 1/10] map(x=0)"
    assert lines[9:] == ["[10/10] map(x=9)", "done: 10 jobs in 12 s"]


def test_needless_jobs_do_not_count() -> None:
    skip = JobSkipped(JobId(1), 0.0, "r", "b", "up-to-date")
    events: list[Event] = [started(2), submitted(0, "a"), done(0), skip, ended("ok", 1)]
    assert told(events[:2] + events[3:4] + events[2:3]) == "[1/1] a\n"


def test_a_failure(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"line\n10%\r100%\n\x1b[31mred\xff\n")
    events: list[Event] = [started(2), submitted(0, "a"), failed(0, "a", str(log))]
    text = told([*events, ended("failed", 0, 1, 1)])
    assert text == (
        "failed: a: exit code 1\n"
        "  command:\n    cmd\n    two\n"
        f"  end of {log}:\n    line\n    100%\n    \\x1b[31mred\\xff\n"
        "failed after 12 s: 0 done, 1 failed, 1 not run\n"
    )


def test_many_failures_are_listed_at_the_end() -> None:
    events: list[Event] = [started(12), *(failed(i, f"j{i}") for i in range(12))]
    text = told([*events, ended("failed", 0, 12)])
    assert text.endswith("  failed: j9\n  ... and 2 more\n")


def test_quiet_tells_failures_alone() -> None:
    good: list[Event] = [started(1), submitted(0, "a", message="m"), done(0), ended("ok", 1)]
    assert told(good, quiet=True, commands=True) == ""
    assert "failed: a" in told([started(1), failed(0, "a"), ended("failed", 0, 1)], quiet=True)


def test_commands_and_messages() -> None:
    command = "\n        one\n          two\n        three\n        "
    text = told([started(1), submitted(0, "a", command, "making a")], commands=True)
    assert text == "making a\na\n    one\n      two\n    three\n"


def test_retries_are_told() -> None:
    text = told([started(1), failed(0, "a", again=True)])
    assert text.startswith("failed: a: exit code 1 (attempt 1; it is tried again)\n")


def test_hostile_names_cannot_drive_the_terminal() -> None:
    text = told([started(1), submitted(0, "a\x1b[2J\n\udcff"), done(0)])
    assert text == "[1/1] a\\x1b[2J\\n\\xff\n"


def test_the_status_line_is_overwritten() -> None:
    events: list[Event] = [
        started(2),
        submitted(0, "a"),
        submitted(1, "b"),
        done(0),
        ended("ok", 2),
    ]
    text = told(events, terminal=True)
    frames = text.split("\r\x1b[K")
    assert frames == [
        "",
        "[0/2] 1 running, 1/4 cores, 0.5/2 GB: a",
        "[0/2] 2 running, 2/4 cores, 1/2 GB: a, b",
        "[1/2] 1 running, 1/4 cores, 0.5/2 GB: b",
        "done: 2 jobs in 12 s\n",
    ]


def test_time_passes_in_the_status_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nothing happens; and what is left is told from what was done so far."""
    now_s = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    monkeypatch.setattr("time.time", lambda: now_s - 900)  # the run has begun at 100
    stream = io.StringIO()
    console = Console(stream, terminal=True)
    assert console.tick_s == 1.0 and Console(stream, terminal=False).tick_s is None
    for event in (started(4), submitted(0, "a"), done(0), submitted(1, "b")):
        console(event)
    now_s += 0.5
    before = stream.getvalue()
    console.tick()
    assert stream.getvalue() == before
    now_s += 59.5
    console.tick()
    frame = stream.getvalue().split("\r\x1b[K")[-1]
    assert frame.startswith("[1/4] 1 running, 1/4 cores, 0.5/2 GB, about 3 min")
    assert frame.endswith("left: b 1 min 0 s")
    console(done(1))
    console(replace(submitted(2, "c"), expected_s=45.0))
    now_s += 30
    console.tick()
    assert stream.getvalue().endswith(" left: c 30 s of 45 s")


def test_a_pause_is_in_the_status_line() -> None:
    stream = io.StringIO()
    console = Console(stream, terminal=True)
    for event in (started(2), submitted(0, "a"), Notice(1.0, "paused", "paused: wait")):
        console(event)
    note, _, line = stream.getvalue().rpartition("\r\x1b[K")
    assert note.endswith("note: paused: wait\n")
    assert "paused, 1 running" in line
    console(Notice(2.0, "resumed", "resumed"))
    assert "paused" not in stream.getvalue().rpartition("\r\x1b[K")[2]


def test_colour_only_if_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = [started(1), failed(0, "a")]
    assert "\x1b" not in told(events)
    assert "\x1b[1;31mfailed\x1b[0m" in told(events, color=True)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Console(stream)(failed(0, "a"))
    assert "\x1b[1;31m" not in stream.getvalue()


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def write(self, text: str) -> int:
        self.calls += 1
        raise BrokenPipeError


def test_a_broken_pipe_does_not_end_the_run() -> None:
    for listener in (Console, JsonStream):
        stream = Broken()
        tell = listener(stream)
        for event in (started(1), failed(0, "a"), ended("failed", 0, 1)):
            tell(event)
        assert stream.calls == 1


def test_narrow_encodings_get_escapes() -> None:
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="ascii"))
    for event in (started(1), submitted(0, "é"), done(0)):
        console(event)
    assert raw.getvalue() == b"[1/1] \\xe9\n"


def test_json_lines_can_be_read_back() -> None:
    stream = io.StringIO()
    events: list[Event] = [started(1), failed(0, "\udcff")]
    for event in events:
        JsonStream(stream)(event)
    assert [from_line(line) for line in stream.getvalue().splitlines()] == events


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert log_tail(str(path)) == []
    path.touch()
    assert log_tail(str(path)) == []
    path.write_text("".join(f"line {i}\n" for i in range(10_000)))
    assert log_tail(str(path), 3) == ["line 9997", "line 9998", "line 9999"]
    path.write_text("x" * 100_000)
    assert [len(line) for line in log_tail(str(path))] == [1001]
