"""Short jobs are handed over before there is a place for them; nothing else may change by that."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.clusters import eventually
from support.program import Flowc, flowc_here

from flowc.events import JobDone, JobEnded, JobFailed, JobStarted, JobSubmitted, RunEnded
from flowc.record.log import list_runs, read_log
from flowc.run import ahead

QUICK = """
rule all:
    input: expand("made/{{n}}", n=range(60))
rule quick:
    output: "made/{{n}}"
    retries: {retries}
    resources: tries=lambda wildcards, attempt: attempt
    shell: {command!r}
"""
RUN = ("run", "--schedule", "fifo", "-q")


def quick(command: str = "touch {output}", retries: int = 0) -> str:
    return QUICK.format(command=command, retries=retries)


def most_at_once(events: Sequence[object]) -> int:
    steps = [(e.at_s, 1) for e in events if isinstance(e, JobStarted)]
    steps += [(e.at_s, -1) for e in events if isinstance(e, JobEnded)]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def handed_over(events: Sequence[object], places: int) -> int:
    """Jobs that were submitted while every place was taken."""
    count = held = 0
    for event in events:
        if isinstance(event, JobSubmitted):
            count += held >= places
            held += 1
        elif isinstance(event, JobDone | JobFailed):
            held -= 1
    return count


@pytest.mark.parametrize("places", [1, 2, 3])
def test_no_more_run_at_once_than_there_are_places(flowc: Flowc, places: int) -> None:
    done = flowc(*RUN, workflow=quick(), cores=places)
    assert done.returncode == 0, done.stderr
    events = list(read_log(list_runs()[-1]))
    assert most_at_once(events) <= places
    assert handed_over(events, places) > 20
    assert len([e for e in events if isinstance(e, JobDone)]) == 60


def test_memory_makes_the_places(flowc: Flowc) -> None:
    text = quick().replace("    retries", "    mem_gb: 2\n    retries")
    assert flowc(*RUN, "--mem", "5", workflow=text, cores=8).returncode == 0
    events = list(read_log(list_runs()[-1]))
    assert most_at_once(events) <= 2
    assert handed_over(events, 2) > 20


def test_limits_make_the_places(flowc: Flowc) -> None:
    text = quick().replace("    retries", "    limits: ftp=1\n    retries")
    assert flowc(*RUN, workflow="limits:\n    ftp=3\n" + text, cores=8).returncode == 0
    events = list(read_log(list_runs()[-1]))
    assert most_at_once(events) <= 3


FAILS = "test {wildcards.n} != 30 -o -e mended && touch {output}"


@pytest.mark.parametrize("places", [1, 2])
def test_after_a_failure_nothing_starts(flowc: Flowc, places: int) -> None:
    assert flowc(*RUN, workflow=quick(FAILS), cores=places).returncode == 1
    events = list(read_log(list_runs()[-1]))
    end = events[-1]
    assert isinstance(end, RunEnded)
    assert (end.failed, end.done + end.not_run) == (1, 59)
    made = {path.name for path in Path("made").iterdir()}
    assert made == {Path(e.outputs[0]).name for e in events if isinstance(e, JobDone)}
    assert 30 <= len(made) < 50
    Path("mended").touch()
    assert flowc(*RUN, cores=places).returncode == 0
    assert len(list(Path("made").iterdir())) == 60


def test_keep_going(flowc: Flowc) -> None:
    assert flowc(*RUN, "-k", workflow=quick(FAILS), cores=2).returncode == 1
    assert len(list(Path("made").iterdir())) == 59


def test_missing_outputs_stop_it_too(flowc: Flowc) -> None:
    command = "test {wildcards.n} = 30 -a ! -e mended || touch {output}"
    assert flowc(*RUN, "--latency-wait", "0", workflow=quick(command), cores=2).returncode == 1
    assert 30 <= len(list(Path("made").iterdir())) < 50


def test_other_attempts(flowc: Flowc) -> None:
    command = "test {resources.tries} = 2 -o {wildcards.n} -lt 20 && touch {output}"
    assert flowc(*RUN, workflow=quick(command, retries=1), cores=2).returncode == 0
    events = list(read_log(list_runs()[-1]))
    assert most_at_once(events) <= 2
    assert len([e for e in events if isinstance(e, JobFailed)]) == 40


def test_benchmarks_that_repeat(flowc: Flowc) -> None:
    text = quick().replace("    retries", '    benchmark: repeat("bench/{n}.tsv", 2)\n    retries')
    assert flowc(*RUN, workflow=text, cores=2).returncode == 0
    assert most_at_once(list(read_log(list_runs()[-1]))) <= 2


HANGS = (
    "if test {wildcards.n} = 30; then while test ! -e go; do sleep 0.01; done; fi; touch {output}"
)


PATIENT = """
import sys
from flowc.cli.main import main
from flowc.run import ahead
ahead.SHORT_S = 10.0
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs count as short even on a machine that has other things to do."""
    monkeypatch.setattr(ahead, "SHORT_S", 10.0)


@pytest.fixture
def hanging(flowc: Flowc) -> Iterator["subprocess.Popen[bytes]"]:
    """A run with one place, in which a job hangs, and two that were handed over wait for it."""
    Path("Workflowfile").write_text(quick(HANGS))
    words = [sys.executable, "-c", PATIENT, *RUN, "--cores", "1"]
    with subprocess.Popen(words) as process:
        try:
            eventually(lambda: list_runs() and Path("made/29").exists())
            eventually(
                lambda: sum(isinstance(e, JobSubmitted) for e in read_log(list_runs()[-1])) == 33
            )
            yield process
        finally:
            process.kill()


def test_a_pause_reaches_those_that_wait(hanging: "subprocess.Popen[bytes]") -> None:
    assert flowc_here("pause").returncode == 0
    eventually(lambda: "paused" in flowc_here("status").stdout)
    Path("go").touch()
    eventually(lambda: Path("made/30").exists())
    time.sleep(0.3)
    assert not Path("made/31").exists()
    assert flowc_here("resume").returncode == 0
    assert hanging.wait(timeout=50) == 0
    assert len(list(Path("made").iterdir())) == 60


def test_an_interrupt_reaches_those_that_wait(hanging: "subprocess.Popen[bytes]") -> None:
    hanging.send_signal(signal.SIGINT)
    assert hanging.wait(timeout=50) == 130
    assert len(list(Path("made").iterdir())) == 30
    Path("go").touch()
    assert flowc_here(*RUN).returncode == 0
    assert len(list(Path("made").iterdir())) == 60


def test_a_kill_reaches_those_that_wait(hanging: "subprocess.Popen[bytes]") -> None:
    hanging.kill()
    hanging.wait()
    time.sleep(0.3)
    assert not Path("made/31").exists()
    Path("go").touch()
    assert flowc_here(*RUN).returncode == 0
    assert len(list(Path("made").iterdir())) == 60
