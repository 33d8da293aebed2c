"""flowc report, flowc gantt and --report, as a user calls them."""

import json
import re
from pathlib import Path

import pytest
from support.runlog import job, many_jobs, run_ended, run_started

from flowc.api import report_run
from flowc.cli.main import BAD_INPUT, OK, main
from flowc.events import Event, to_line

WORKFLOW = """\
rule all:
    input: expand("out/{n}.txt", n=range(3))

rule number:
    output: "out/{n}.txt"
    shell: "echo {wildcards.n} > {output}"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keep(events: list[Event], name: str = "20260131-142501-4242") -> None:
    Path(".flowc/runs").mkdir(parents=True, exist_ok=True)
    Path(f".flowc/runs/{name}.jsonl").write_text("".join(map(to_line, events)))


def test_the_last_run_becomes_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    keep(many_jobs(10))
    assert main(["report"]) == OK
    page = Path("report.html").read_text("utf-8")
    assert "<!doctype html>" in page and "10 ok" in page
    assert main(["report", "-o", "-"]) == OK
    assert capsys.readouterr().out == page


@pytest.mark.parametrize(
    "form", ["json", "csv", "trace", "openmetrics", "nextflow-trace", "wfformat", "ro-crate"]
)
def test_other_forms_go_to_stdout_or_a_file(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    keep(many_jobs(10))
    assert main(["report", "--format", form]) == OK
    out = capsys.readouterr().out
    assert main(["report", "--format", form, "-o", "x"]) == OK
    assert Path("x").read_bytes().decode() == out
    assert "sort" in out or form == "ro-crate"


def test_text_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    keep(many_jobs(40))
    assert main(["report", "--text"]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 120
    text = "\n".join(lines)
    for words in ("outcome    ok: 40 ok", "makespan", "of 8 held", "limited by", "align", "advice"):
        assert words in text
    assert "\x1b" not in text


def test_two_runs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    keep([run_started(), *job(0, 0, 4, memory_gb=4, peak_gb=1), run_ended(4)], "1")
    keep([run_started(), *job(0, 0, 2, memory_gb=2, peak_gb=1), run_ended(2)], "2")
    assert main(["report", "--compare", "1", "2", "--text"]) == OK
    out = capsys.readouterr().out
    assert re.search(r"makespan +4.0 s +2.0 s +-50 % +better", out)
    assert main(["report", "--compare", "--text"]) == OK
    assert capsys.readouterr().out == out
    assert main(["report", "--compare", "1", "2"]) == OK
    assert "better" in Path("comparison.html").read_text("utf-8")
    assert main(["report", "--compare", "1", "2", "--json"]) == OK
    data = json.loads(capsys.readouterr().out)
    assert (data["old"]["makespan_s"], data["new"]["makespan_s"]) == (4, 2)


def test_a_foreign_log_becomes_a_chart() -> None:
    Path("trace.txt").write_text(
        "task_id\tname\tstatus\texit\tsubmit\tstart\tcomplete\trealtime\tcpus\n"
        "1\tA (1)\tCOMPLETED\t0\t1769868301000\t1769868302000\t1769868304000\t2000\t2\n"
    )
    assert main(["gantt", "trace.txt", "--cores", "4"]) == OK
    page = Path("gantt.html").read_text("utf-8")
    assert '"core_lanes":4' in page


# fmt: off
WRONG = {  #        argv                                      code of the diagnostic
    "no run":        (["report"],                             "no-run"),
    "unknown run":   (["report", "nonsense"],                 "unknown-run"),
    "no file":       (["gantt", "x/y"],                       "unreadable-log"),
    "a directory":   (["gantt", "."],                         "unreadable-log"),
    "no place":      (["report", "a", "-o", "x/y"],           "unwritable-report"),
    "three runs":    (["report", "a", "--compare", "a", "a"], "bad-option"),
    "one of two":    (["report", "--compare", "a"],           "bad-option"),
    "no two runs":   (["report", "--compare"],                "no-run"),
    "not of two":    (["report", "--compare", "a", "a", "--format", "csv"], "bad-option"),
    "a format":      (["report", "--format", "pdf"],          "bad-option"),
}
# fmt: on


@pytest.mark.parametrize(("argv", "code"), WRONG.values(), ids=WRONG)
def test_wrong(argv: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a").write_text("".join(map(to_line, many_jobs(3))))
    assert main(argv) == BAD_INPUT
    assert f"error[{code}]" in capsys.readouterr().err


def test_a_run_reports_when_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Workflowfile").write_text(WORKFLOW)
    assert main(["run", "--cores", "2", "--report", "r.html"]) == OK
    page = Path("r.html").read_text("utf-8")
    assert "3 ok" in page and "number" in page
    assert main(["report", "-o", "again.html"]) == OK
    assert Path("again.html").read_text("utf-8") == page
    capsys.readouterr()
    assert main(["run", "--cores", "2", "--report", "none.html"]) == OK
    assert not Path("none.html").exists()
    assert "nothing was run" in capsys.readouterr().err


def test_a_run_does_not_begin_where_its_report_has_no_place() -> None:
    Path("Workflowfile").write_text(WORKFLOW)
    assert main(["run", "--cores", "2", "--report", "no/such/r.html"]) == BAD_INPUT
    assert not Path("out").exists()


LIMITED = """\
limits:
    ftp = 1

rule all:
    input: expand("{n}", n=["a", "b", "c"])

rule get:
    output: "{n}"
    limits: ftp=1
    shell: "sleep 0.2; echo > {output}"
"""


def test_what_waits_for_a_limit_by_name_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Workflowfile").write_text(LIMITED)
    assert main(["run", "--cores", "4", "--quiet"]) == OK
    assert main(["report", "--json"]) == OK
    data = json.loads(capsys.readouterr().out)
    limited_s = data["figures"]["limited_s"]
    assert limited_s["limit ftp"] > 0.7 * data["figures"]["makespan_s"] / 2
    assert {a["resources"]["limit:ftp"] for j in data["run"]["jobs"] for a in j["attempts"]} == {1}
    assert max(limited_s, key=limited_s.__getitem__) == "limit ftp"


def test_programs_get_what_the_command_gives(capsys: pytest.CaptureFixture[str]) -> None:
    keep(many_jobs(10))
    assert main(["report", "-o", "-"]) == OK
    assert report_run() == capsys.readouterr().out
    assert main(["report", "--format", "csv"]) == OK
    assert report_run(form="csv") == capsys.readouterr().out
