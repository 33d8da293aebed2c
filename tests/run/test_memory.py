"""Memory that is asked for is held to, and what an attempt teaches the next one."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from support.program import flowc_here

from flowc.events import JobEnded, JobFailed, JobSubmitted, Notice
from flowc.executors.memory import MemoryWatch
from flowc.record.log import list_runs, read_log

MIB = 1024**2
EATER = """
import sys, time
kept = bytearray(int(sys.argv[1]) * 1024 * 1024)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def eater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The beginning of a command that uses memory: `MIB SECONDS` are to follow."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eat.py").write_text(EATER)
    return f"{sys.executable} eat.py"


def run(text: str, *options: str) -> tuple[int, list[object], str]:
    Path("Workflowfile").write_text(text)
    done = flowc_here("run", "--cores", "2", "--mem", "2", *options)
    return done.returncode, list(read_log(list_runs()[-1])), done.stderr


def of(events: list[object], kind: type) -> list[object]:
    return [event for event in events if isinstance(event, kind)]


def rule(command: str, *lines: str) -> str:
    more = "".join(f"    {line}\n" for line in lines)
    return f'rule x:\n    output: "x"\n{more}    shell: "{command} && touch {{output}}"\n'


def test_who_uses_too_much_is_killed_and_it_is_told(eater: str) -> None:
    code, events, said = run(rule(f"{eater} 300 30", "resources: mem_mb=100"))
    assert code == 1
    (failed,) = of(events, JobFailed)
    assert isinstance(failed, JobFailed) and failed.cause == "oom"
    (ended,) = of(events, JobEnded)
    assert isinstance(ended, JobEnded) and ended.wall_s < 20
    assert ended.seen_memory_bytes is not None and ended.seen_memory_bytes > 125 * MIB
    assert "had asked for 0.09766 GB" in said and not Path("x").exists()


def test_all_processes_of_a_job_count(eater: str) -> None:
    """Each of them is below the limit."""
    command = f"({eater} 80 30 & {eater} 80 30 & setsid {eater} 80 30 & wait)"
    code, events, _ = run(rule(command, "resources: mem_mb=150"), "--mem-slack", "0")
    assert code == 1
    (failed,) = of(events, JobFailed)
    assert isinstance(failed, JobFailed) and failed.cause == "oom"
    assert not subprocess.run(["pgrep", "-f", os.getcwd() + "/eat.py"]).stdout


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["resources: mem_mb=200"], []),  # within the slack
        (["resources: mem_mb=50"], ["--enforce", "off"]),
        (["resources: mem_mb=50"], ["--mem-slack", "9"]),
        ([], ["--default-resources", "mem_mb=500"]),
    ],
)
def test_who_may_goes_on(eater: str, lines: list[str], options: list[str]) -> None:
    code, _, said = run(rule(f"{eater} 210 0.3", *lines), *options)
    assert code == 0, said


def test_it_is_said_once_for_each_rule_that_a_request_is_too_low(eater: str) -> None:
    text = f"""
rule all:
    input: "x1", "x2"
rule x:
    output: "x{{n}}"
    resources: mem_mb=100
    shell: "{eater} 105 0.2 && touch {{output}}"
"""
    code, events, said = run(text)
    assert code == 0, said
    assert len(of(events, Notice)) == 1
    assert "had asked for 0.09766 GB" in said


def test_the_next_attempt_gets_twice_what_was_seen(eater: str) -> None:
    text = rule(f"{eater} 300 0.5", "resources: mem_mb=100", "retries: 3")
    code, events, said = run(text)
    assert code == 0, said
    asked = [e.memory_bytes for e in of(events, JobSubmitted) if isinstance(e, JobSubmitted)]
    assert asked[0] == 100 * MIB
    assert all(later >= 2 * sooner for sooner, later in pairwise(asked))
    assert 2 <= len(asked) <= 3


def test_never_more_than_there_is(eater: str) -> None:
    text = rule(f"{eater} 300 5", "resources: mem_mb=150", "retries: 2")
    code, events, _ = run(text, "--mem", "0.2", "--mem-slack", "0")
    assert code == 1
    asked = [e.memory_bytes for e in of(events, JobSubmitted) if isinstance(e, JobSubmitted)]
    assert asked[0] == 150 * MIB and len(asked) == 3
    assert max(asked) <= 0.2 * 1024 * MIB + 1, asked


def test_after_a_time_out_the_next_attempt_gets_more_time(eater: str) -> None:
    command = "if [ -e once ]; then touch {output}; else touch once; sleep 20; fi"
    text = rule(command, 'resources: runtime="1s"', "retries: 1")
    code, events, said = run(text)
    assert code == 0, said
    (failed,) = of(events, JobFailed)
    assert isinstance(failed, JobFailed) and failed.cause == "time-limit"


def test_a_watch_looks_seldom_where_much_is_left() -> None:
    watch = MemoryWatch()
    watch.add(os.getpid(), 1 << 50, now_s=100.0)
    assert watch.next_s() == pytest.approx(100.05)
    assert watch.look(100.0) == []
    assert watch.look(100.1) == []
    assert watch.next_s() == pytest.approx(102.1)
    most = watch.remove(os.getpid())
    assert most is not None and most > MIB
    assert watch.next_s() is None and watch.remove(os.getpid()) is None
