"""What the history knows of how long jobs have run."""

import sqlite3
from pathlib import Path

import pytest

from flowc.events import Event, JobDone, to_line
from flowc.ids import JobId
from flowc.record.history import History
from flowc.record.times import JobTime, RuleTimes


def done(path: str, wall_s: float | None, rule: str = "r", peak: int | None = None) -> JobDone:
    return JobDone(
        JobId(0), 1, 2.0, rule, (path, f"{path}.too"), "c", "p", "i", None, None, wall_s, peak
    )


EVENTS: list[Event] = [
    done("a", 5.0, peak=100),
    done("b", 1.0, peak=300),
    done("c", 2.0),
    done("\udcff", 7.0, rule="odd"),
    done("phony", None, rule="none"),
    done("a", 3.0, peak=200),
]


@pytest.mark.parametrize("read_only", [False, True])
def test_times_of_jobs_and_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    """The last run of a job counts; a job without a command has no time."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".flowc/runs").mkdir(parents=True)
    (tmp_path / ".flowc/runs/1.jsonl").write_text("".join(map(to_line, EVENTS)))
    with History(read_only=read_only) as history:
        if not read_only:
            history.catch_up()
        assert history.job_times(["a", "\udcff", "phony", "a.too", "nothing"]) == {
            "a": JobTime("r", 3.0, 200),
            "\udcff": JobTime("odd", 7.0, None),
        }
        found = history.rule_times(["r", "odd", "none"])
    assert found == {"r": RuleTimes(3, 2.0, 300), "odd": RuleTimes(1, 7.0, None)}


def test_an_older_database_has_no_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there after the next run."""
    monkeypatch.chdir(tmp_path)
    with History() as history:
        history.apply([done("x", None)])
    database = sqlite3.connect(".flowc/history.db")
    assert database.execute("SELECT 1 FROM sqlite_master WHERE name = 'times'").fetchall() == []
    database.close()
    with History() as history:
        assert history.rule_times(["r"]) == {}
        assert history.job_times(["x"]) == {}
        history.apply([done("x", 4.0)])
        assert history.rule_times(["r"]) == {"r": RuleTimes(1, 4.0, None)}
