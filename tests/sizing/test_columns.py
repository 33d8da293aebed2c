"""Figures in the form `{name: {ncpu, cpumax, mem, time}}`."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowc.cli.main import main
from flowc.sizing.columns import column_figures, thin_out
from flowc.sizing.profile import Attempt

Looks = list[tuple[str, float, float, float]]  # name, time, rss in GiB, percent


def monitored(looks: Looks) -> str:
    names, times, sizes, percents = zip(*looks, strict=True)
    return json.dumps(
        {"name": names, "time": times, "rss_GiB": sizes, "vms_GiB": sizes, "cpus": percents}
    )


GOLDEN: Looks = [
    ("sub-01.bet", 100.0, 0.5, 0.0),
    ("sub-01.bet", 101.0, 3.1, 250.0),
    ("sub-01.bet", 101.05, 2.0, 495.0),  # too close to the one before
    ("sub-01.bet", 102.0, 1.0, 310.0),
    ("sub-02.bet", 200.0, 1.0, 90.0),
    ("sub-02.bet", 202.5, 2.9, 120.0),
    ("sub-01.short", 300.0, 0.25, 380.0),
    ("sub-01.short", 300.9, 0.25, 390.0),
]


def test_the_golden_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("resource_monitor.json").write_text(monitored(GOLDEN))
    argv = ["profile", "import", "resource_monitor.json", "--from", "nipype", "-o", "p.json"]
    assert main(argv) == 0
    assert main(["profile", "resources", "p.json", "--format", "columns", "-o", "r.json"]) == 0
    figures = json.loads(Path("r.json").read_text())
    assert figures["bet"] == {"ncpu": 4, "cpumax": 310.0, "mem": 3.1, "time": 2.5}
    assert figures["short"] == {"ncpu": 1, "cpumax": 390.0, "mem": 0.25, "time": 0.9}


def test_such_a_file_overrides_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowc.sizing.resources import read_resources

    path = tmp_path / "r.json"
    path.write_text('{"bet": {"ncpu": 4, "cpumax": 310.0, "mem": 3.1, "time": 2.5}}')
    figures = read_resources(str(path))["bet"]
    assert figures.cores == 4
    assert figures.memory_bytes == pytest.approx(3.1 * 2**30, abs=1)


# fmt: off
CLOSE = {  #      times                  kept
    "far apart":  ([0.0, 0.1, 0.2],      [0, 1, 2]),
    "one close":  ([0.0, 0.09, 0.18],    [0, 2]),
    "all close":  ([0.0, 0.02, 0.04],    [0]),
    "none":       ([],                   []),
}
# fmt: on


@pytest.mark.parametrize(("times", "kept"), CLOSE.values(), ids=CLOSE)
def test_close_samples_are_dropped(times: list[float], kept: list[int]) -> None:
    assert thin_out(times, [float(i) for i in range(len(times))]) == kept


def test_without_a_series_the_peaks_count() -> None:
    known: dict[str, Any] = {"wall_s": 5.0, "memory_peak_bytes": 1 << 30}
    attempts = [
        Attempt("a", cores_peak=1.2, **known),
        Attempt("a", cores_peak=2.0, **known),
        Attempt("a", outcome="failed", cores_peak=9.0, **known),
    ]
    assert column_figures(attempts) == {"a": {"ncpu": 2, "cpumax": 200.0, "mem": 1.0, "time": 5.0}}
