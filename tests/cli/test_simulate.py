"""`flowc plan --simulate` and `--sweep`, before and after a run that tells how long jobs take."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowc.events import JobDone
from flowc.ids import JobId
from flowc.record.history import History

Flowc = Callable[..., tuple[int, str, str]]


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_known(flowc: Flowc) -> None:
    code, out, err = flowc("plan", "--simulate", "--cores", "2", "--mem", "4")
    assert (code, err) == (0, "")
    assert "3 on 2 cores and 4 GB, schedule rank" in out
    assert "makespan       3.0 s" in out  # both counts take all cores, then one gathers
    assert "count(name=a) > gather" in out
    assert "Nothing is known of 3 jobs" in out


def test_after_a_run_the_times_are_known(flowc: Flowc) -> None:
    assert flowc("run", "--cores", "2", "-q")[0] == 0
    out = flowc("plan", "-F", "--simulate", "--json", "--cores", "4", "--mem", "4")[1]
    (data,) = lines_of(out)
    assert data["durations"] == {"same_job": 3, "rule": 0, "profile": 0, "guessed": 0}
    assert data["critical_path"][1:] == ["gather"]
    assert data["makespan_s"] == data["lower_bound_s"] == data["critical_path_s"] < 1
    assert data["bound_by"] == data["limit"] == "dependencies"
    assert flowc("plan", "--simulate", "--cores", "2")[1].startswith("jobs           0 on 2 cores")


def test_sweep(flowc: Flowc) -> None:
    code, out, _ = flowc("plan", "--sweep", "--cores", "2", "--mem", "4")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert [row[0] for row in rows] == ["cores", "1", "2", "4", "8"]
    assert [row[3] for row in rows[1:]] == ["5.0", "3.0", "2.0", "2.0"]
    named = flowc("plan", "--sweep", "4x8", "1x0.25", "--json")[1]
    first, second = lines_of(named)
    assert (first["cores"], first["memory_bytes"], first["makespan_s"]) == (4, 8 * 2**30, 2.0)
    assert "rule `count` can never run" in second["impossible"][0]
    assert "too small" in flowc("plan", "--sweep", "1x0.25")[1]


def test_faults(flowc: Flowc) -> None:
    code, _, err = flowc("plan", "--sweep", "4by8")
    assert code == 2 and "not of the form CORESxGB" in err
    code, _, err = flowc("plan", "--simulate", "huge.txt", "--mem", "1")
    assert code == 3 and "`huge` can never run" in err
    assert flowc("plan", "--simulate", "huge.txt", "--mem", "1", "--clip")[0] == 0
    assert flowc("plan", "--schedule", "random")[0] == 2


def test_every_schedule_runs(flowc: Flowc) -> None:
    for schedule in ("rank", "mem-thread", "fifo", "search"):
        words = ("-F", "--schedule", schedule, "--search-time", "0.1")
        assert flowc("run", *words, "--cores", "2", "-q")[0] == 0
        assert flowc("plan", *words, "--simulate")[0] == 0


LIMITED = """\
limits: ftp = 2
rule all:
    input: expand("{x}.{kind}", x=range(4), kind=["get", "put", "gpu", "own"])
rule get:
    output: "{x}.get"
    limits: ftp=1
    shell: "touch {output}"
rule put:
    output: "{x}.put"
    limits: ftp=2
    shell: "touch {output}"
rule gpu:
    output: "{x}.gpu"
    resources: gpu=1
    shell: "touch {output}"
rule own:
    output: "{x}.own"
    limits: 1
    shell: "touch {output}"
"""


def test_limits_and_resources(flowc: Flowc) -> None:
    """Two rules share a limit, one has its own; each holds back only those that want it."""
    Path("Workflowfile").write_text(LIMITED)
    machine = ("plan", "--simulate", "--cores", "16", "--mem", "64")
    out = flowc(*machine)[1]
    assert "lower bound    6.0 s (limit ftp)" in out and "makespan       6.0 s" in out
    assert "own limit of own 50%" in out
    (data,) = lines_of(flowc(*machine, "--limit", "ftp=16", "--resources", "gpu=0.5", "--json")[1])
    assert "impossible-request" in json.dumps(data)
    (data,) = lines_of(flowc(*machine, "--limit", "ftp=16", "--resources", "gpu=2", "--json")[1])
    assert (data["makespan_s"], data["bound_by"]) == (4.0, "limit:rule:own")
    code, _, err = flowc("run", "--cores", "2", "--limit", "ftp=1", "--resources", "gpu=0")
    assert code == 3 and "rule `put` can never" in err and "rule `gpu` can never" in err
    assert not list(Path().glob("*.own"))


def test_a_profile_says_how_long_jobs_take(flowc: Flowc) -> None:
    """Without a history; a rule without a profile is taken to run as long as others."""
    assert flowc("run", "-q", "--save-profile", "p.json")[0] == 0
    shutil.rmtree(".flowc")
    text = Path("Workflowfile").read_text()
    Path("Workflowfile").write_text(text.replace("    threads: 2\n", '    profile: "p.json"\n'))
    out = flowc("plan", "-F", "--simulate", "--json")[1]
    assert lines_of(out)[0]["durations"] == {"same_job": 0, "rule": 0, "profile": 2, "guessed": 1}


def test_memory_to_spare_goes_to_who_has_had_more(flowc: Flowc) -> None:
    """Once it is known that a job of the rule has had more than it asks for."""
    Path("Workflowfile").write_text(
        'rule r:\n    output: "x"\n    mem_gb: 0.125\n    shell: "touch {output}"\n'
    )

    def given_bytes(mem: str) -> int:
        out = flowc("run", "-F", "--cores", "1", "--mem", mem, "--json")[1]
        (submitted,) = [e for e in lines_of(out) if e["event"] == "job-submitted"]
        return int(submitted["memory_bytes"])

    asked_bytes = 2**27
    assert given_bytes("1") == asked_bytes
    for mem, expected in (("1", 115 * 2**28 // 100), ("0.125", asked_bytes)):
        had = JobDone(JobId(0), 1, 1.0, "r", ("x",), "", "", "", None, None, 1.0, 2**28)
        with History() as history:
            history.apply([had])
        assert given_bytes(mem) == expected
