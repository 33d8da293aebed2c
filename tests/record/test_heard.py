"""What the history hears of a run is what it would read in the run's log."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.events import Event, FilesRemoved, JobDone, JobFailed, JobSubmitted
from flowc.ids import JobId
from flowc.record import history as history_module
from flowc.record.heard import Heard
from flowc.record.history import History
from flowc.record.log import EventLog, log_path


def outputs(job: int) -> tuple[str, ...]:
    return (f"{job}.a", f"{job}.\udcff")


def submitted(job: int) -> Event:
    return JobSubmitted(JobId(job), 1, 1.0, "r", "r", {}, outputs(job), "cmd", 1, 1, {}, "log")


def done(job: int) -> Event:
    return JobDone(JobId(job), 1, 2.0, "r", outputs(job), "c", "p", "i", None, None, 1.5, 100)


def failed(job: int) -> Event:
    return JobFailed(JobId(job), 1, 2.0, "r", "r", outputs(job), "exit", "", 1, "cmd", "log", True)


def not_started(job: int) -> Event:
    return JobFailed(JobId(job), 1, 2.0, "r", "r", (), "not-started", "", 1, "cmd", "log", False)


def removed(job: int) -> Event:
    return FilesRemoved(3.0, outputs(job), "temp")


def caught_up(job: int) -> None:
    """In between, the history takes in what there is."""


Step = Callable[[int], Event | None]
STEPS: list[Step] = [submitted, done, failed, not_started, removed, caught_up]


def known(place: Path) -> tuple[object, ...]:
    with History(str(place / ".flowc")) as history:
        count = history.catch_up()
        found = history.outputs()
        return count, found, history.job_times(found), history.rule_times(["r"])


@examples(30)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), max_size=25))
def test_hearing_is_reading(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Step, int]]
) -> None:
    heard, read = (tmp_path_factory.mktemp(name) for name in ("heard", "read"))
    with (
        History(str(heard / ".flowc")) as history,
        EventLog(log_path("1", str(heard))) as log,
        EventLog(log_path("1", str(read))) as other,
    ):
        listener = Heard(log)
        history.hear(listener)
        for step, job in steps:
            event = step(job)
            if event is None:
                history.catch_up()
                continue
            for tell in (log, listener, other):
                tell(event)
        history.catch_up()
    again, *what = known(heard)
    assert again == 0  # the history knows how far it is in the log
    assert what == list(known(read)[1:])


def test_the_log_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_events(path: str, offset: int) -> None:
        raise AssertionError("the log was read")

    monkeypatch.setattr(history_module, "read_events", read_events)
    with (
        History(str(tmp_path / ".flowc")) as history,
        EventLog(log_path("1", str(tmp_path))) as log,
    ):
        listener = Heard(log)
        history.hear(listener)
        for event in (submitted(1), done(1)):
            log(event)
            listener(event)
        history.catch_up()
        assert set(history.outputs()) == set(outputs(1))


def test_a_history_that_is_spoiled_meanwhile(tmp_path: Path) -> None:
    """It is made anew from the logs: those of other runs, and what was heard."""
    with EventLog(log_path("0", str(tmp_path))) as before:
        before(done(0))
    with (
        History(str(tmp_path / ".flowc")) as history,
        EventLog(log_path("1", str(tmp_path))) as log,
    ):
        history.catch_up()
        listener = Heard(log)
        history.hear(listener)
        log(done(1))
        listener(done(1))
        history.catch_up()
        history.close()
        (tmp_path / ".flowc/history.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        log(done(2))
        listener(done(2))
        history.catch_up()
        assert history.replaced
        log(submitted(3))
        listener(submitted(3))
        history.catch_up()
        assert len(history.outputs()) == 8
