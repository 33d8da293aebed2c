"""The callback log: every line is one that nipype's tools can read, failed attempts included."""

import json
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError
from flowc.measure.callback_log import CallbackLog, record
from flowc.sizing.importers.nipype import read
from flowc.sizing.profile import Attempt
from flowc.units import GIB

ATTEMPTS = [
    Attempt(
        "map",
        wildcards={"sample": name},
        outcome=outcome,
        at_s=1_000_000_000.0 + i,
        wall_s=2.5,
        cores_peak=1.5,
        memory_peak_bytes=GIB // 4,
        request={"cores": 2, "memory_bytes": GIB},
    )
    for i, (name, outcome) in enumerate([("a", "ok"), ("b", "failed"), ("b", "ok")])
]


def written(path: Path) -> str:
    with CallbackLog(str(path)) as log:
        for attempt in ATTEMPTS:
            log(attempt)
    return path.read_text()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    found = read(written(tmp_path / "cb.jsonl"))
    assert [one.name for one in found] == ["map"] * 3
    assert [one.outcome for one in found] == ["ok", "failed", "ok"]
    assert found[0].figures["wall_s"] == 2.5
    assert found[0].figures["cores_peak"] == 1.5
    assert found[0].figures["memory_peak_bytes"] == GIB // 4
    assert found[0].figures["request"] == {"cores": 2, "memory_bytes": GIB}


def test_lines_are_added(tmp_path: Path) -> None:
    written(tmp_path / "cb.jsonl")
    assert len(written(tmp_path / "cb.jsonl").splitlines()) == 6


def test_names_and_times() -> None:
    line = record(ATTEMPTS[1])
    assert (line["id"], line["error"]) == ("map.sample=b", True)
    assert line["start"] == "2001-09-09T01:46:41.000000"
    assert line["finish"] == "2001-09-09T01:46:43.500000"
    unmeasured = record(Attempt("map", outcome="not-started"))
    assert unmeasured["runtime_threads"] is unmeasured["runtime_memory_gb"] is None
    assert json.loads(json.dumps(unmeasured))["duration"] == 0.0


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="cannot be written"):
        CallbackLog(str(tmp_path / "no" / "cb.jsonl"))


@pytest.mark.slow
def test_nipype_draws_it(tmp_path: Path) -> None:
    gantt = pytest.importorskip("nipype.utils.draw_gantt_chart")
    path = tmp_path / "cb.jsonl"
    written(path)
    gantt.generate_gantt_chart(str(path), cores=2)
    page = (tmp_path / "cb.jsonl.html").read_text()
    assert page.count("map") >= 2 and "class='node'" in page.replace('"', "'")
