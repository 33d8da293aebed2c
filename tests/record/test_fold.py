"""Events to the story of a run: complete, in any order, cut short, still going."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.runlog import START_S, job, many_jobs, run_ended, run_started

from flowc.diagnostic import WorkflowError
from flowc.events import Event, JobEnded, JobSkipped, JobSubmitted, to_line
from flowc.ids import JobId
from flowc.machine import boot_id, process_start_s
from flowc.record.find import load_story, read_story
from flowc.record.fold import fold_events
from flowc.record.story import to_data

GOOD = [
    run_started(2),
    *job(0, 0, 2, cpu_s=1.0, peak_gb=0.5),
    *job(1, 2, 3, needs=[0], cause="oom", will_retry=True),
    *job(1, 3, 5, needs=[0], attempt=2),
    run_ended(5),
]


def test_a_run_is_told() -> None:
    run = fold_events(GOOD)
    assert (run.cores, run.outcome, run.makespan_s, run.notes) == (2, "ok", 5.0, [])
    first, second = run.jobs.values()
    assert [(a.number, a.cause) for a in second.attempts] == [(1, "oom"), (2, "")]
    assert first.attempts[0].cpu_s == 1.0
    assert first.attempts[0].peak_bytes == 1 << 29
    assert [a.ready_s for a in second.attempts] == [START_S + 2, START_S + 3]
    assert [j.state for j in run.jobs.values()] == ["ok", "ok"]


@given(st.randoms(use_true_random=False))
@examples(30)
def test_the_order_of_events_does_not_matter(order: random.Random) -> None:
    shuffled = GOOD[1:]
    order.shuffle(shuffled)
    assert to_data(fold_events([GOOD[0], *shuffled])) == to_data(fold_events(GOOD))


# fmt: off
CUT = {  #                     events                             states
    "nothing":                 ([],                               []),
    "no job":                  ([run_started()],                  []),
    "no end of a job":         (GOOD[:4],                         ["running"]),
    "ended, not yet checked":  (GOOD[:5],                         ["running"]),
    "no end of the run":       (GOOD[:-1],                        ["ok", "ok"]),
    "no beginning":            (GOOD[1:],                         ["ok", "ok"]),
    "the end alone":           ([run_ended(5)],                   []),
    "only ends":               ([e for e in GOOD if isinstance(e, JobEnded)], ["running"] * 2),
    "only submissions":        ([e for e in GOOD if isinstance(e, JobSubmitted)], ["running"] * 2),
}
# fmt: on


@pytest.mark.parametrize(("events", "states"), CUT.values(), ids=CUT)
def test_what_is_missing_is_said(events: list[Event], states: list[str]) -> None:
    run = fold_events(events)
    assert [job.state for job in run.jobs.values()] == states
    assert run.notes
    assert run.makespan_s >= 0


def test_a_skipped_job_has_no_attempt() -> None:
    why = [JobSkipped(JobId(7), START_S + 1, "r", "r(7)", w) for w in ("upstream", "up-to-date")]
    states = [fold_events([run_started(), event]).jobs[7].state for event in why]
    assert states == ["upstream", "up-to-date"]


def test_of_several_runs_in_one_file_the_last_counts() -> None:
    run = fold_events([*many_jobs(9), *[run_started(run="other"), *job(0, 0, 1), run_ended(1)]])
    assert (run.run, len(run.jobs), run.makespan_s) == ("other", 1, 1.0)
    assert any("20260131-142501-4242" in note for note in run.notes)


def write(path: Path, events: list[Event], tail: str = "") -> str:
    path.write_text("".join(map(to_line, events)) + tail)
    return str(path)


def test_a_log_may_be_spoiled(tmp_path: Path) -> None:
    tail = json.dumps({"event": "a-later-event", "x": 1}) + "\nno json\n[1]\n" + '{"event":"job-do'
    run = read_story(write(tmp_path / "a.jsonl", GOOD, tail))
    assert to_data(run) == to_data(fold_events(GOOD))


def test_a_run_that_is_going_on_is_told_from_one_that_was_cut(tmp_path: Path) -> None:
    here: dict[str, Any] = {"boot_id": boot_id(), "pid": os.getpid()}
    live = run_started(pid_start_s=process_start_s(os.getpid()), **here)
    other = run_started(pid_start_s=1.0, **here)
    stories = [read_story(write(tmp_path / "a", [e, *job(0, 0, 1)])) for e in (live, other)]
    assert [story.is_live for story in stories] == [bool(boot_id()), False]
    assert ("still going:" in stories[0].notes[0]) == bool(boot_id())
    assert "cut short" in stories[1].notes[0]


def test_runs_are_found_by_id_and_path(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="no run here"):
        load_story(None, str(tmp_path))
    (tmp_path / ".flowc/runs").mkdir(parents=True)
    for name in ("20260101-000000-1", "20260102-000000-1"):
        start = run_started(run=name)
        write(tmp_path / f".flowc/runs/{name}.jsonl", [start, run_ended(1)])
    assert load_story(None, str(tmp_path)).run == "20260102-000000-1"
    assert load_story("20260101-000000-1", str(tmp_path)).run == "20260101-000000-1"
    path = str(tmp_path / ".flowc/runs/20260101-000000-1.jsonl")
    assert load_story(path, "/").run == "20260101-000000-1"
    for wrong, code in (("nonsense", "unknown-run"), (str(tmp_path / "gone"), "unreadable-log")):
        with pytest.raises(WorkflowError) as caught:
            load_story(wrong, str(tmp_path))
        assert caught.value.diagnostics[0].code == code


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    for text in ("hello\n", "{}\n", "\x00\xff\n" * 100):
        (tmp_path / "a").write_text(text)
        with pytest.raises(WorkflowError) as caught:
            load_story(str(tmp_path / "a"))
        assert caught.value.diagnostics[0].code == "foreign-log"
