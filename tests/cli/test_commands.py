"""Each command on a small workflow: what it prints, and its exit code."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowc.record.lock import DirectoryLock

Flowc = Callable[..., tuple[int, str, str]]


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_run_and_run_again(flowc: Flowc) -> None:
    code, out, err = flowc("run", "--cores", "2")
    assert (code, out) == (0, "")
    assert "3 jobs to run" in err and "done: 3 jobs" in err
    assert Path("all.txt").read_text().split() == ["2", "1"]
    assert flowc("run") == (0, "", "Nothing to be done: 3 jobs up to date.\n")
    assert flowc("run", "-q") == (0, "", "")


def test_run_json_is_the_event_log(flowc: Flowc) -> None:
    code, out, err = flowc("run", "--json", "--log-events", "events.jsonl")
    assert (code, err) == (0, "")
    kinds = [event["event"] for event in lines_of(out)]
    assert (kinds[0], kinds[-1], kinds.count("job-done")) == ("run-started", "run-ended", 3)
    assert Path("events.jsonl").read_text() == out


def test_exit_codes(flowc: Flowc) -> None:
    code, _, err = flowc("run", "never.txt", "a.n")
    assert code == 1 and "no luck" in err
    code, _, err = flowc("run", "huge.txt", "--mem", "1")
    assert code == 3 and "huge" in err
    assert flowc("run", "huge.txt", "--mem", "1", "--clip")[0] == 0
    assert flowc("run", "nothing.txt")[0] == 2


def test_locked(flowc: Flowc) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # the kernel's lock keeps out other processes, not this one
        with DirectoryLock():
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)
    try:
        code, _, err = flowc("run")
        assert code == 4 and f"process {child}" in err
        assert flowc("run", "--nolock")[0] == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_dry_run_is_plan(flowc: Flowc) -> None:
    assert flowc("run", "-n") == flowc("plan")
    assert not Path(".flowc").exists()


def test_plan(flowc: Flowc) -> None:
    code, out, _ = flowc("plan", "--cores", "1")
    assert code == 0
    table, jobs, total = out.split("\n\n")
    assert [row.split()[:6] for row in table.splitlines()] == [
        ["rule", "jobs", "threads", "mem", "why"],
        ["count", "2", "1", "1", "GB", "2"],
        ["gather", "1", "1", "0.5", "GB", "1"],
        ["total", "3"],
    ]
    assert "count(name=a)\n    output missing: a.n\n" in f"{jobs}\n"
    assert total == "3 jobs to run\n"


def test_plan_shows_the_first_jobs_and_all_with_all(flowc: Flowc) -> None:
    names = [f"n{i:02}" for i in range(30)]
    for name in names:
        Path(f"{name}.txt").write_text("x")
    config = f"names=[{','.join(names)}]"
    _, out, _ = flowc("plan", "--config", config)
    assert out.count("output missing: n") == 10 and "... and 21 more jobs: --all lists them" in out
    _, out, _ = flowc("plan", "--config", config, "--all")
    assert out.count("output missing: n") == 30 and "more" not in out


def test_plan_origins_and_commands(flowc: Flowc) -> None:
    _, out, _ = flowc("plan", "--origins", "-p", "--cores", "4", "--set-threads", "count=3",
                      "--default-resources", "mem_gb=2", "gpu=1")  # fmt: skip
    assert "threads 3: override (--set-threads)" in out
    assert "mem 2 GB: default (--default-resources)" in out
    assert "mem 0.5 GB: declared (Workflowfile:14)" in out
    assert "gpu 1: default (--default-resources)" in out
    assert "$ wc -w < a.txt > a.n" in out


def test_plan_json(flowc: Flowc) -> None:
    _, out, _ = flowc("plan", "--json", "--cores", "4")
    *jobs, last = lines_of(out)
    assert last == {"plan": {"run": 3, "maybe": 0, "skip": 0}}
    gather = next(job for job in jobs if job["rule"] == "gather")
    assert gather["decision"] == "run" and gather["outputs"] == ["all.txt"]
    assert gather["reasons"][0] == {
        "kind": "missing-output", "path": "all.txt", "text": "output missing: all.txt"
    }  # fmt: skip
    assert gather["group"] is None
    assert gather["request"]["memory_bytes"] == 2**29
    assert gather["request"]["origins"]["memory"]["detail"] == "Workflowfile:14"
    assert len(lines_of(flowc("plan", "--json", "--all")[1])) == len(jobs) + 2  # `all` too
    assert flowc("plan", "--json", "-q")[1] == json.dumps(last) + "\n"


def test_why_leads_to_the_cause(flowc: Flowc) -> None:
    flowc("run")
    Path("a.txt").write_text("one two three\n")
    later = os.stat("all.txt").st_mtime + 10
    os.utime("a.txt", (later, later))
    code, out, _ = flowc("plan", "all.txt", "--why")
    assert code == 0
    assert "made by gather (Workflowfile:11)" in out
    assert "which comes from count(name=a) (Workflowfile:5)" in out
    assert "input newer than the output: a.txt (changed " in out
    _, out, _ = flowc("plan", "b.n", "a.txt", "--why")
    assert "is up to date" in out and "no rule makes it: it is a source" in out
    first, second = lines_of(flowc("plan", "all.txt", "a.txt", "--why", "--json")[1])
    assert first["decision"] == "maybe"
    assert [c["name"] for c in first["causes"]] == ["count(name=a)"]
    assert second == {"file": "a.txt", "source": True}
    assert flowc("plan", "--why")[0] == 2


def test_summary(flowc: Flowc) -> None:
    flowc("run", "a.n")
    _, out, _ = flowc("summary")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["file", "state", "date", "size", "rule", "why"]
    found = {row[0]: (row[1], row[4], row[5]) for row in rows[1:]}
    assert found["a.n"] == ("ok", "count", "")
    assert found["b.n"] == ("missing", "count", "output missing: b.n")
    data = {row["file"]: row for row in lines_of(flowc("summary", "--json")[1])}
    assert data["a.n"]["size"] == 2 and data["b.n"]["date"] is None


def test_check(flowc: Flowc) -> None:
    assert flowc("check") == (0, "Workflowfile: 5 rules, 4 jobs, no mistakes found\n", "")
    assert flowc("check", "--syntax-only")[1] == "Workflowfile: 5 rules, no mistakes found\n"
    Path("b.txt").unlink()
    code, out, err = flowc("check")
    assert (code, out) == (2, "") and "b.txt" in err and err.endswith("1 error\n")
    assert flowc("check", "--syntax-only")[0] == 0
    code, out, err = flowc("check", "--json")
    assert (code, err) == (2, "") and "b.txt" in json.loads(out)["diagnostic"]["message"]


def test_list(flowc: Flowc) -> None:
    assert flowc("list", "-q")[1].split() == ["all", "count", "gather", "fails", "huge"]
    assert "all                (the default) Everything.\n" in flowc("list")[1]
    targets = flowc("list", "--targets")[1].split()
    assert targets == ["all", "gather", "fails", "huge", *sorted(targets[4:], key=targets.index)]
    assert set(targets[4:]) == {"a.n", "b.n", "all.txt"}
    count = lines_of(flowc("list", "--json")[1])[1]
    assert (count["rule"], count["wildcards"], count["line"]) == ("count", ["name"], 5)


def test_graph(flowc: Flowc) -> None:
    _, out, _ = flowc("graph")
    assert out.startswith("digraph rules {") and '"count (2 jobs)"' in out
    assert flowc("graph", "--jobs", "--format", "mermaid")[1].startswith("flowchart LR\n")
    assert (
        flowc("graph", "--files", "--json")[1] == flowc("graph", "--files", "--format", "json")[1]
    )
    assert flowc("graph", "--files", "--jobs")[0] == 2


def test_a_compiled_workflow_takes_its_place(flowc: Flowc) -> None:
    before = flowc("plan")[1], flowc("graph", "--files")[1], flowc("list")[1]
    assert flowc("compile", "-o", "w.ir.json", "--cores", "all") == (0, "", "")
    assert flowc("compile")[1].startswith('{\n"format": "flowc-ir",\n')
    Path("Workflowfile").unlink()
    assert flowc("plan", "w.ir.json")[1] == before[0]
    assert flowc("graph", "w.ir.json", "--files")[1] == before[1]
    assert flowc("list", "-s", "w.ir.json")[1] == before[2]
    assert flowc("run", "w.ir.json", "a.n")[0] == 0
    assert not Path("all.txt").exists()
    assert flowc("run", "w.ir.json")[0] == 0
    assert flowc("plan", "w.ir.json", "--config", "names=[a]")[0] == 2


def test_touch(flowc: Flowc) -> None:
    flowc("run", "a.n")
    Path("a.txt").write_text("changed\n")
    later = os.stat("a.n").st_mtime + 10
    os.utime("a.txt", (later, later))
    code, _, err = flowc("run", "--touch")
    assert code == 0 and "1 file touched" in err and "does not exist: b.n" in err
    assert flowc("plan", "a.n", "-q")[1] == "Nothing to be done: 1 job up to date.\n"


def test_directory(flowc: Flowc, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).rename(tmp_path / "inside" / name)
    assert flowc("run", "-d", "inside")[0] == 0
    assert (tmp_path / "inside/all.txt").exists() and not (tmp_path / ".flowc").exists()


COUNTS = ["count(name=a)", "count(name=b)"]
# fmt: off
WORDS = {  #                  argv                                           what is planned
    "a target":               (["a.n"],                                      COUNTS[:1]),
    "another spelling":       (["./a.n", "x/..//b.n"],                       COUNTS),
    "a rule":                 (["fails"],                                    ["fails"]),
    "the file first":         (["Workflowfile", "fails"],                    ["fails"]),
    "after --config":         (["--config", "x=1", "Workflowfile", "fails"], ["fails"]),
    "after -R":               (["-R", "count", "Workflowfile"],              [*COUNTS, "gather"]),
    "by option":              (["-s", "Workflowfile", "fails"],              ["fails"]),
    "options in between":     (["a.n", "--cores", "2", "b.n"],               COUNTS),
    "attached values":        (["-j2", "fails"],                             ["fails"]),
    "until":                  (["-U", "count"],                              COUNTS),
    "omit":                   (["-O", "count"],                              []),
    "behind --":              (["--cores", "1", "--", "a.n"],                COUNTS[:1]),
}
# fmt: on


@pytest.mark.parametrize(("argv", "jobs"), WORDS.values(), ids=WORDS)
def test_words(flowc: Flowc, argv: list[str], jobs: list[str]) -> None:
    code, out, err = flowc("plan", "--json", *argv)
    assert code == 0, out + err
    assert sorted(line["name"] for line in lines_of(out)[:-1]) == jobs


def test_the_file_is_looked_for(flowc: Flowc) -> None:
    text = Path("Workflowfile").read_text()
    Path("Workflowfile").unlink()
    code, _, err = flowc("plan")
    assert code == 2 and "workflow/Snakefile" in err
    for name in ("workflow/Snakefile", "snakefile", "Snakefile", "workflow/Workflowfile"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
        assert flowc("check")[1].startswith(f"{name}: 5 rules")


def test_names_of_any_bytes(flowc: Flowc) -> None:
    name = os.fsdecode(b"\xff \x1b[31m\n")
    Path(f"{name}.txt").write_text("x")
    code, out, err = flowc("plan", f"{name}.n")
    assert code == 0 and r"\xff \x1b[31m\n" in out, err
    assert flowc("run", f"{name}.n", "-q")[0] == 0
    assert os.path.exists(f"{name}.n")
    assert r"\xff" in flowc("summary", f"{name}.n")[1]


def test_colours(flowc: Flowc, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1m" in flowc("plan", "--color", "always")[1]
    assert "\x1b[1;31m" in flowc("plan", "x", "--color", "always")[2]
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" not in flowc("plan")[1]
