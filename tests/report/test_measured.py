"""A report with what a profile knows."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.runlog import job, run_ended, run_started

from flowc.cli.main import OK, main
from flowc.events import to_line
from flowc.record.fold import fold_events
from flowc.report.bars import bars
from flowc.report.figures import figures
from flowc.report.measured import add_measured
from flowc.report.page import render_page
from flowc.report.usage import usage
from flowc.units import GIB, MIB

RUN = [
    run_started(2, 4),
    *(e for i in range(4) for e in job(i, 2 * i, 2 * i + 2, name=f"map(n={i})")),
    run_ended(8),
]
SERIES = {"t_s": [0.5, 1.0], "cores": [1.5, 0.5], "rss_bytes": [MIB, 3 * MIB]}


def measured(i: int, **more: Any) -> dict[str, Any]:
    return {"rule": "map", "name": f"map(n={i})", "attempt": 1, "outcome": "ok", **more}


def test_use_is_what_was_seen_from_moment_to_moment() -> None:
    run = fold_events(RUN)
    assert add_measured(run, [measured(0, series=SERIES, cpu_s=1.5), measured(9)]) == 1
    found = usage(run, bars(run))
    steps = list(zip(found.times_s, found.cores_used, found.memory_used, strict=True))
    assert steps[:4] == [(0, 0, 0), (0.5, 1.5, MIB), (1.0, 0.5, 3 * MIB), (2.0, 0, 0)]


# fmt: off
SPOILED: dict[str, dict[str, Any]] = {
    "uneven":        {"t_s": [0.5], "cores": [1.0, 2.0], "rss_bytes": [1]},
    "a column less": {"t_s": [0.5], "cores": [1.0]},
    "holes":         {"t_s": [None, 0.5], "cores": [None, None], "rss_bytes": [None, None]},
    "too late":      {"t_s": [99.0], "cores": [1.0], "rss_bytes": [1]},
}
# fmt: on


@pytest.mark.parametrize("series", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_series_does_no_harm(series: dict[str, Any]) -> None:
    run = fold_events(RUN)
    add_measured(run, [measured(i, series=series) for i in range(4)])
    found = usage(run, bars(run))
    assert set(found.cores_used) == {0.0}
    render_page(figures(run))


def test_a_bound_is_no_measurement() -> None:
    run = fold_events(RUN)
    add_measured(run, [measured(0, memory_peak_bytes=GIB, memory_is_bound=True)])
    assert run.jobs[0].attempts[0].peak_bytes is None


def test_the_models_of_a_profile_advise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log").write_text("".join(map(to_line, RUN)))
    attempts = [
        measured(
            i, wall_s=2.0, cpu_s=1.0, cores_mean=0.5, cores_peak=1.0, input_bytes=(i + 1) * 10**7,
            memory_peak_bytes=(i + 1) * 5 * 10**7, rss_peak_bytes=(i + 1) * 5 * 10**7,
            request={"cores": 1, "memory_bytes": GIB},
        )
        for i in range(4)
    ]  # fmt: skip
    run = {"run": "20260131-142501-4242", "tool": "flowc", "attempts": attempts}
    profile = {"format": "flowc-profile", "version": 1, "runs": [run]}
    Path("p.json").write_text(json.dumps(profile))
    assert main(["report", "log", "--profile", "p.json"]) == OK
    page = Path("report.html").read_text("utf-8")
    snippet = re.search(r'<span class="advice"><pre>(.*?)</pre>', page, re.S)
    assert snippet
    lines = html.unescape(snippet[1]).split("\n")
    assert [line.split(":")[0] for line in lines] == ["    threads", "    mem_gb", "    profile"]
    rule = ["rule map:", '    output: "{n}"', *lines, '    shell: "true > {output}"']
    Path("Workflowfile").write_text("\n".join([*rule, ""]))
    assert main(["plan", "7", "--json"]) == OK
    drawing = re.search(r'<figure class="scatter">.*?</figure>', page, re.S)
    assert drawing and drawing[0].count("<circle") == 4
    assert '<path class="model" d="M' in drawing[0]
    run["run"] = "another"
    Path("p.json").write_text(json.dumps(profile))
    assert main(["report", "log", "--profile", "p.json", "-o", "b.html"]) == OK
    assert "no measurement of this very run" in Path("b.html").read_text("utf-8")


WORKFLOW = """\
rule hold:
    output: "out.txt"
    mem_gb: 1
    shell: "python3 -c 'import time; x = bytearray(60 << 20); time.sleep(0.6)'; echo > {output}"
"""


@pytest.mark.parametrize(
    "argv",
    [["run", "--save-profile", "p.json"], ["profile", "-o", "p.json"]],
    ids=["run", "profile"],
)
def test_a_report_at_once_has_what_was_measured(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(WORKFLOW)
    assert main([*argv, "--cores", "2", "--report", "r.html", "--quiet"]) == OK
    page = Path("r.html").read_text("utf-8")
    assert "as it was seen" in page
    assert "profile: &#34;p.json&#34;" in page
    data = json.loads(
        re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0]
    )
    assert max(data["usage"]["memory_used"]) > 50
    assert len(data["usage"]["at"]) > 4  # looked at more often than at its start and end
