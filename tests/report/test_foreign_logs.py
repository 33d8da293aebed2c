"""Logs of other tools, and what reports make of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError
from flowc.measure.callback_log import record
from flowc.record.find import load_story
from flowc.report.figures import Figures, figures
from flowc.sizing.profile import Attempt

NIPYPE = """\
{"name": "w.skull", "id": "w.skull", "start": "2026-01-31T10:00:00", "num_threads": 2, \
"mem_gb": 1.5}
{"name": "w.skull", "id": "w.skull", "finish": "2026-01-31T10:01:00", "duration": 60, \
"runtime_threads": 150.0, "runtime_memory_gb": 0.5, "num_threads": 2, "mem_gb": 1.5}
{"name": "w.bet.a0", "id": "w.bet.a0", "start": "2026-01-31T10:01:00"}
{"name": "w.bet.a0", "id": "w.bet.a0", "finish": "2026-01-31T10:02:00", "error": "Traceback"}
{"name": "w.never", "start": "2026-01-31T10:02:00"}
{"name": "cut
"""
NEXTFLOW = (
    "task_id\thash\tnative_id\tname\tstatus\texit\tsubmit\tduration\trealtime\t%cpu\tpeak_rss\t"
    "peak_vmem\trchar\twchar\n"
    "1\ta1/b2\t11\tALIGN (s1)\tFAILED\t137\t2026-01-31 10:00:00.000\t1m 30s\t1m 20s\t150.0%\t"
    "1.5 GB\t2 GB\t3 MB\t1 MB\n"
    "2\ta1/b3\t12\tALIGN (s1)\tCOMPLETED\t0\t2026-01-31 10:02:00.000\t2m\t1m 50s 250ms\t98.5%\t"
    "2.1 GB\t3 GB\t3 MB\t1 MB\n"
    "3\ta1/b4\t13\tSTATS\tCACHED\t0\t2026-01-31 10:04:00.000\t5s\t4s\t-\t-\t-\t-\t-\n"
)


def _read(tmp_path: Path, text: str) -> Figures:
    (tmp_path / "log").write_text(text)
    return figures(load_story(str(tmp_path / "log")))


def test_a_callback_log_of_nipype(tmp_path: Path) -> None:
    found = _read(tmp_path, NIPYPE)
    jobs = {job.name: job for job in found.run.jobs.values()}
    assert (found.run.tool, found.makespan_s) == ("nipype", 120)
    assert {name: job.state for name, job in jobs.items()} == {
        "w.skull": "ok", "w.bet.a0": "failed", "w.never": "running",
    }  # fmt: skip
    (attempt,) = jobs["w.skull"].attempts
    assert (attempt.cores, attempt.cpu_s, attempt.peak_bytes) == (2, 90.0, 1 << 29)
    assert jobs["w.bet.a0"].rule == "w.bet"


# As nipype 1.11 has written it: one line for each node, elements of one with an id of their own.
ONE_LINE = """\
{"name": "smooth1", "id": "smooth1.aI.a0", "start": "2026-11-21T12:54:57+00:00", "finish": \
"2026-11-21T12:54:58+00:00", "duration": 1.0, "runtime_threads": 14.7, "runtime_memory_gb": 0.5, \
"estimated_memory_gb": 0.2, "num_threads": 1}
{"name": "smooth1", "id": "smooth1.aI.a1", "start": "2026-11-21T12:54:57+00:00", "finish": \
"2026-11-21T12:54:59+00:00", "duration": 2.0, "runtime_threads": 190, "runtime_memory_gb": 0.25, \
"estimated_memory_gb": 0.2, "num_threads": 2}
"""


def test_a_callback_log_as_nipype_writes_it_today(tmp_path: Path) -> None:
    found = _read(tmp_path, ONE_LINE)
    assert [job.name for job in found.run.jobs.values()] == ["smooth1.aI.a0", "smooth1.aI.a1"]
    assert [rule.rule for rule in found.rules] == ["smooth1"]
    assert found.core_area.used == pytest.approx(0.147 + 3.8)
    assert (found.makespan_s, found.lanes.total) == (2, 3)


def test_a_callback_log_of_our_own(tmp_path: Path) -> None:
    rows = [
        Attempt("map", wildcards={"n": "1"}, attempt=number, at_s=1_000_000 + 3 * number, wall_s=2,
                outcome=outcome, cores_peak=1.5, memory_peak_bytes=1 << 29, request={"cores": 2})
        for number, outcome in ((1, "failed"), (2, "ok"))
    ]  # fmt: skip
    found = _read(tmp_path, "".join(json.dumps(record(row)) + "\n" for row in rows))
    (job,) = found.run.jobs.values()
    assert (job.rule, job.state) == ("map", "ok")
    assert [(a.number, a.cause) for a in job.attempts] == [(1, "error"), (2, "")]
    assert found.core_area.used == pytest.approx(2 * 1.5 * 2)


def test_a_trace_of_nextflow(tmp_path: Path) -> None:
    found = _read(tmp_path, NEXTFLOW)
    assert (found.run.tool, found.attempts, found.makespan_s) == ("nextflow", 2, 240)
    causes = [bar.attempt.cause for bar in found.bars]
    assert causes == ["exit", ""]
    assert found.bars[1].attempt.wall_s == 110.25
    assert found.bars[0].attempt.peak_bytes == round(1.5 * (1 << 30))
    assert found.rules[0].rule == "ALIGN"


WF: dict[str, Any] = {
    "name": "w", "schemaVersion": "1.5", "runtimeSystem": {"name": "makeflow", "version": "1"},
    "workflow": {
        "specification": {"tasks": [
            {"name": "split_01", "id": "a", "parents": [], "children": ["b"]},
            {"name": "join_02", "id": "b", "parents": ["a"], "children": []},
        ]},
        "execution": {
            "makespanInSeconds": 9, "executedAt": "2026-01-31T10:00:00Z",
            "tasks": [
                {"id": "a", "runtimeInSeconds": 2, "avgCPU": 50, "memoryInBytes": 1000},
                {"id": "b", "runtimeInSeconds": 3, "coreCount": 2},
            ],
        },
    },
}  # fmt: skip


def test_an_instance_of_wfcommons(tmp_path: Path) -> None:
    found = _read(tmp_path, json.dumps(WF))
    assert (found.run.tool, found.makespan_s, found.critical_path) == ("makeflow", 5, [0, 1])
    assert [rule.rule for rule in found.rules] == ["join", "split"]
    assert any("does not say when" in note for note in found.notes)


def test_dates_that_nobody_can_read_are_unknown(tmp_path: Path) -> None:
    """As in instances of WfCommons' own collection: `05-04-23T10:46:27Z`."""
    text = json.dumps(WF).replace("2026-01-31T10:00:00Z", "05-04-23T10:46:27Z")
    found = _read(tmp_path, text)
    assert (found.makespan_s, found.attempts, found.core_area.requested) == (5, 2, 2 + 2 * 3)


# fmt: off
SPOILED: dict[str, Callable[[], str]] = {
    "no dates":       lambda: NIPYPE.replace("2026-01-31T", "x"),
    "cut json":       lambda: json.dumps(WF)[:-20],
    "no tasks":       lambda: json.dumps({**WF, "workflow": {}}),
    "foreign sizes":  lambda: NEXTFLOW.replace("1.5 GB", "much"),
}
# fmt: on


@pytest.mark.parametrize("make", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_log_is_a_diagnostic(make: Callable[[], str], tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        _read(tmp_path, make())
    assert caught.value.diagnostics[0].code in ("malformed-log", "foreign-log")
