"""Runs that measure: from the command line to the profile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowc.cli.main import main
from flowc.events import JobEnded
from flowc.measure.profiler import measured
from flowc.measure.series import Moment, Series
from flowc.sizing.figures import Evidence
from flowc.sizing.profile import Attempt, read_profile

MIB = 1 << 20

WORKFLOW = """\
rule all:
    input: "a.out", "b.out", "quick.txt"

rule grow:
    input: "{s}.txt"
    output: "{s}.out"
    mem_gb: 0.5
    shell: "python3 -c 'import os, sys, time; "
           "x = bytearray((120 if sys.argv[1] == \\"a.txt\\" else 60) << 20); "
           "time.sleep(0.3)' {input} && touch {output}"

rule quick:
    output: "quick.txt"
    shell: "touch {output}"

rule fails:
    output: "never.txt"
    shell: "sleep 0.1; exit 3"
"""


@pytest.fixture
def flowc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    (tmp_path / "a.txt").write_text("12345")
    (tmp_path / "b.txt").write_text("123")
    return lambda *argv: main([*argv])


def attempts(path: str = "p.json") -> list[Attempt]:
    return [attempt for _, attempt in read_profile(path).attempts()]


def test_a_run_saves_what_it_has_measured(flowc: Callable[..., int]) -> None:
    assert flowc("run", "--cores", "2", "--save-profile", "p.json", "-q") == 0
    found = {attempt.name: attempt for attempt in attempts()}
    assert set(found) == {"grow(s=a)", "grow(s=b)", "quick"}
    a, b = found["grow(s=a)"], found["grow(s=b)"]
    assert (a.rule, a.wildcards, a.outcome, a.exit_code) == ("grow", {"s": "a"}, "ok", 0)
    assert (a.input_bytes, a.inputs) == (5, {"a.txt": 5})
    assert a.request == {"cores": 1, "memory_bytes": 512 * MIB}
    assert a.memory_peak_bytes is not None and b.memory_peak_bytes is not None
    assert 120 * MIB < a.memory_peak_bytes < 160 * MIB
    assert 60 * MIB < b.memory_peak_bytes < 100 * MIB
    assert a.wall_s is not None and a.wall_s > 0.3
    assert a.command_digest == b.command_digest != found["quick"].command_digest
    assert len(a.series["t_s"]) == len(a.series["rss_bytes"]) > 3
    quick = found["quick"]
    assert quick.memory_peak_bytes and quick.cpu_s and quick.wall_s, "never zero for a short one"


def test_what_bounded_an_attempt_is_kept(flowc: Callable[..., int], tmp_path: Path) -> None:
    """And an attempt that was ended for its memory is known by the limit that it had, not by what
    it had asked for."""
    (tmp_path / "Workflowfile").write_text(
        "rule greedy:\n    output: 'x'\n    limits: disk=2\n"
        "    resources: mem_mb=40, gpu=1, runtime='1m'\n"
        "    shell: 'python3 -c \"import time; x = bytearray(90_000_000); time.sleep(9)\"'\n"
    )
    options = ["--limit", "disk=4", "--resources", "gpu=1", "--save-profile", "p.json", "-q"]
    assert flowc("run", "--cores", "1", *options) == 1
    (attempt,) = attempts()
    assert attempt.outcome == "oom"
    assert attempt.request == {"cores": 1, "memory_bytes": 40 * MIB, "gpu": 1}
    assert attempt.limits == {"memory_bytes": 50 * MIB, "wall_s": 60, "limit:disk": 2}
    one = Evidence("greedy", [attempt], [""])
    assert one.measurements()[0].requested_bytes == 50 * MIB


def test_what_a_job_got_unasked_is_no_request(flowc: Callable[..., int]) -> None:
    """Once it is known that it may take more, it is given what nobody waits for."""
    text = Path("Workflowfile").read_text().replace("mem_gb: 0.5", "mem_gb: 0.1")
    Path("Workflowfile").write_text(text)
    again = ["-F", "--enforce", "off", "--mem", "4", "--cores", "2", "-q"]
    assert flowc("run", *again) == 0
    assert flowc("run", *again, "--save-profile", "p.json") == 0
    latest = max(Path(".flowc/runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    events = [json.loads(line) for line in latest.read_text().splitlines()]
    assert any(event.get("spare_bytes") for event in events)
    requests = [a.request["memory_bytes"] for a in attempts() if a.rule == "grow"]
    assert requests == [int(0.1 * (1 << 30))] * 2


def test_a_second_run_is_added_and_failures_are_kept(flowc: Callable[..., int]) -> None:
    assert flowc("run", "quick.txt", "--cores", "1", "--save-profile", "p.json", "-q") == 0
    code = flowc("run", "never.txt", "-c", "1", "-T", "1", "--save-profile", "p.json", "-q")
    assert code == 1
    runs = read_profile("p.json").runs
    assert [len(run.attempts) for run in runs] == [1, 2]
    assert [(a.attempt, a.outcome, a.exit_code) for a in runs[1].attempts] == [
        (1, "failed", 3),
        (2, "failed", 3),
    ]


def test_nothing_to_do_leaves_no_profile(flowc: Callable[..., int], tmp_path: Path) -> None:
    assert flowc("run", "quick.txt", "--cores", "1", "-q") == 0
    assert flowc("run", "quick.txt", "--cores", "1", "--save-profile", "p.json", "-q") == 0
    assert not (tmp_path / "p.json").exists()


def test_a_damaged_profile_stops_the_run_before_it_starts(
    flowc: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.json").write_text('{"format":')
    assert flowc("run", "--cores", "1", "--save-profile", "p.json") == 2
    assert "malformed-profile" in capfd.readouterr().err
    assert not (tmp_path / "a.out").exists()
    assert (tmp_path / "p.json").read_text() == '{"format":'


def test_the_callback_log_has_a_line_for_each_attempt(
    flowc: Callable[..., int], tmp_path: Path
) -> None:
    assert flowc("run", "never.txt", "-c1", "-T1", "--callback-log", "cb.jsonl", "-q") == 1
    assert flowc("run", "quick.txt", "-c1", "--callback-log", "cb.jsonl", "-q") == 0
    lines = [json.loads(line) for line in (tmp_path / "cb.jsonl").read_text().splitlines()]
    assert [(line["name"], line.get("error")) for line in lines] == [
        ("fails", True),
        ("fails", True),
        ("quick", None),
    ]
    names = "name id start finish duration runtime_threads runtime_memory_gb estimated_memory_gb"
    for line in lines:
        assert {*names.split(), "num_threads"} <= set(line)
        assert line["finish"] > line["start"]
        assert line["estimated_memory_gb"] == 1.0


def test_what_could_not_be_measured_well_is_told(
    flowc: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flowc.measure.sample.read_parts", lambda pid: None)
    assert flowc("profile", "a.out", "-c", "1", "-o", "p.json") == 0
    assert "of rule `grow` share is counted for each" in capfd.readouterr().err
    assert attempts()[0].memory_counts_twice


def test_what_is_never_started_has_no_figures(
    flowc: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Workflowfile").write_text(
        "rule none:\n    output: 'x.txt'\n    shell: './no-such-program {output}'\n"
    )
    assert flowc("profile", "-c", "1", "-o", "p.json") == 1
    found = attempts()[0]
    assert found.outcome != "ok"
    assert flowc("profile", "resources", "p.json") == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["rules"] == {}
    assert "rule `none` gets no figures: nothing of it was measured" in err


def ended(**figures: Any) -> JobEnded:
    known: dict[str, Any] = {"cpu_s": 1.0, "wall_s": 2.0, "peak_rss_bytes": None, **figures}
    return JobEnded(job=0, attempt=1, at_s=0.0, exit_code=0, **known)  # type: ignore[arg-type]


def test_the_kernels_figures_are_the_floor() -> None:
    series = Series()
    series.add(Moment(1.0, 0.5, 10 * MIB, 8 * MIB, 1, 1))
    found = measured(ended(peak_rss_bytes=50 * MIB), series)
    assert found["memory_peak_bytes"] == found["rss_peak_bytes"] == 50 * MIB
    assert found["cpu_s"] == 1.0
    assert found["cores_peak"] == 0.5
    found = measured(ended(peak_rss_bytes=5 * MIB, cpu_s=0.2), series)
    assert (found["memory_peak_bytes"], found["rss_peak_bytes"]) == (8 * MIB, 10 * MIB)
    assert found["cpu_s"] == 0.5


def test_what_nobody_has_seen_is_not_known() -> None:
    found = measured(ended(wall_s=0.0001, cpu_s=0.0005), None)
    assert "memory_peak_bytes" not in found, "not the memory of flowc, nor none"
    assert 0 < found["cores_mean"] <= 1
    assert measured(None, None) == {}
    series = Series()
    series.add(Moment(0.01, 0.0, MIB, MIB, 1, 1))
    assert "memory_peak_bytes" not in measured(ended(wall_s=0.05), series), "it may have grown"
    for _ in range(20):
        series.add(Moment(0.01, 0.0, MIB, MIB, 1, 1))
    assert measured(ended(wall_s=0.05), series)["memory_peak_bytes"] == MIB


def test_what_the_maker_of_a_process_has_is_a_bound() -> None:
    small, large = (measured(ended(peak_rss_bytes=n * MIB), None, 10 * MIB) for n in (11, 30))
    assert small["memory_is_bound"] and small["memory_peak_bytes"] == 11 * MIB
    assert "memory_is_bound" not in large


def test_a_small_command_is_told_with_a_bound(flowc: Callable[..., int]) -> None:
    options = ["--cores", "1", "--save-profile", "p.json", "-q"]
    assert flowc("run", "a.out", *options) == 0
    assert flowc("run", "never.txt", *options) == 1
    found = {attempt.rule: attempt for attempt in attempts()}
    assert found["fails"].memory_is_bound and not found["grow"].memory_is_bound
    assert (found["fails"].memory_peak_bytes or 0) < 20 * MIB
