"""Pipes: both ends run at once, end well together or not at all, and leave nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.plans import faults_on_a_cluster
from support.program import Flowc, left

BOTH = """
rule read:
    input: "stream"
    output: "end.txt"
    shell: {read!r}
rule write:
    output: pipe("stream"), "side.txt"
    shell: {write!r}
"""
WRITE = "echo side > {output[1]}; cat in.txt > {output[0]}"
READ = "tr a-z A-Z < {input} > {output}"


def both(write: str = WRITE, read: str = READ) -> str:
    return BOTH.format(write=write, read=read)


def test_more_than_a_pipe_holds_goes_through_it(flowc: Flowc) -> None:
    """Neither end could run before the other."""
    done = flowc(
        "run",
        workflow=both(
            "head -c 3000000 /dev/zero > {output[0]}; touch {output[1]}",
            "wc -c < {input} > {output}",
        ),
    )
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text().strip() == "3000000"
    assert left() == ["Workflowfile", "end.txt", "in.txt", "side.txt"]


def test_a_chain_is_one_bundle_and_runs_again_as_a_whole(flowc: Flowc) -> None:
    chain = """
rule all:
    input: "end.txt"
rule a:
    input: "in.txt"
    output: pipe("a.pipe")
    shell: "cat {input} > {output}"
rule b:
    input: "a.pipe"
    output: pipe("b.pipe")
    shell: "tr a-z A-Z < {input} > {output}"
rule c:
    input: "b.pipe", other="in.txt"
    output: "end.txt"
    shell: "cat {input[0]} {input.other} > {output}"
"""
    assert flowc("run", workflow=chain).returncode == 0
    assert Path("end.txt").read_text() == "ONE\nTWO\none\ntwo\n"
    assert "Nothing to be done" in flowc("run").stderr
    assert flowc("run", "-F").returncode == 0  # by now it is known how long they take
    for rule in ("a", "b", "c"):
        assert "3 jobs to run" in flowc("plan", "--forcerun", rule).stdout
    assert "3 jobs to run" in flowc("plan", "-R", "a", "--until", "b").stdout
    assert "3 jobs to run" not in flowc("plan", "-F", "--omit-from", "b").stdout
    time.sleep(0.01)
    Path("in.txt").write_text("three\n")
    assert flowc("run").returncode == 0
    assert Path("end.txt").read_text() == "THREE\nthree\n"


# fmt: off
FAILS = {
    "reader": (WRITE, "exit 3"),
    "reader, later": ("yes > {output[0]}", "head -c 100000 {input} > {output}; exit 3"),
    "writer": ("exit 3", READ),
    "writer, later": ("touch {output[1]}; echo x > {output[0]}; exit 3", READ + "; sleep 60"),
    "an output is missing": ("cat in.txt > {output[0]}", READ),
}
# fmt: on


@pytest.mark.parametrize("name", FAILS)
def test_one_end_fails_and_so_do_both(name: str, flowc: Flowc) -> None:
    write, read = FAILS[name]
    done = flowc("run", "--latency-wait", "0", workflow=both(write, read))
    assert done.returncode == 1
    assert left() == ["Workflowfile", "in.txt"]
    assert flowc("run", workflow=both()).returncode == 0
    assert Path("end.txt").read_text() == "ONE\nTWO\n"


def test_another_attempt_is_one_of_both(flowc: Flowc) -> None:
    write = "echo {attempt} > {output[0]}; touch {output[1]}"
    read = "cat {input} > {output}; echo {attempt} >> {output}; [ {attempt} = 2 ]"
    done = flowc("run", "--retries", "1", workflow=both(write, read))
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text() == "2\n2\n"


@pytest.mark.parametrize("kind", ["minimal", "copy-minimal", "shallow", "full"])
def test_both_ends_in_directories_of_their_own(kind: str, flowc: Flowc) -> None:
    workflow = both("echo shadow > {output[0]}; touch {output[1]}")
    workflow = workflow.replace("    shell:", f'    shadow: "{kind}"\n    shell:')
    done = flowc("run", workflow=workflow)
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text() == "SHADOW\n"
    assert left() == ["Workflowfile", "end.txt", "in.txt", "side.txt"]


# fmt: off
IDLE = {
    "nobody writes": ("touch {output[1]}", "cat {input} > {output}"),
    "nobody writes, and the reader is late": ("touch {output[1]}", "sleep 0.3; " + READ),
    "nobody reads": ("touch {output[1]}; sleep 0.2; true > {output[0]}", "touch {output}"),
}
# fmt: on


@pytest.mark.parametrize("name", IDLE)
def test_nobody_waits_for_ever_at_a_pipe(name: str, flowc: Flowc) -> None:
    write, read = IDLE[name]
    done = flowc("run", workflow=both(write, read))
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text() == ""


def test_what_both_ask_for_has_to_be_there(flowc: Flowc) -> None:
    workflow = both()
    done = flowc("run", "--set-threads", "read=3", "write=2", workflow=workflow)
    assert done.returncode == 3
    assert "run at once, as pipes connect them, and ask for 5 of `cores`" in done.stderr
    done = flowc("run", "--set-threads", "read=3", "write=2", "--clip", workflow=workflow)
    assert done.returncode == 0, done.stderr


# fmt: off
WRONG = {
    "pipe-readers": both() + 'rule other:\n    input: "stream"\n    output: "other"\n'
                    '    shell: "cat {input}"\nrule all:\n    default_target: True\n'
                    '    input: "other", "end.txt"\n',
    "passing-target": 'rule a:\n    output: pipe("a.pipe")\n    shell: "date > {output}"\n'
                      'rule all:\n    default_target: True\n    input: "a.pipe"\n',
    "pipe-deadlock": both().replace('input: "stream"', 'input: "stream", "side.txt"'),
}
# fmt: on


@pytest.mark.parametrize("code", WRONG)
def test_pipes_that_cannot_work_are_refused(code: str, flowc: Flowc) -> None:
    done = flowc("plan", *(["a.pipe"] if code == "passing-target" else []), workflow=WRONG[code])
    assert done.returncode == 2
    assert f"error[{code}]" in done.stderr, done.stderr


def test_a_deadlock_over_a_third_job_is_seen(flowc: Flowc) -> None:
    workflow = both().replace('input: "stream"', 'input: "stream", "third.txt"')
    workflow += 'rule third:\n    input: "side.txt"\n    output: "third.txt"\n'
    workflow += '    shell: "cp {input} {output}"\n'
    done = flowc("plan", workflow=workflow)
    assert done.returncode == 2
    assert "error[pipe-deadlock]" in done.stderr


def test_no_cluster_runs_both_ends(flowc: Flowc) -> None:
    Path("Workflowfile").write_text(both())
    assert faults_on_a_cluster() == ["pipe-on-cluster"]


def test_a_run_that_was_killed_leaves_a_pipe_and_the_next_copes(flowc: Flowc) -> None:
    Path("Workflowfile").write_text(both("touch {output[1]}; sleep 60; " + WRITE))
    argv = [sys.executable, "-m", "flowc", "run", "--cores", "4"]
    run = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 50
    while not Path("side.txt").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert stat.S_ISFIFO(os.stat("stream").st_mode)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert "2 jobs to run" in flowc("plan").stdout
    done = flowc("run", workflow=both())
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text() == "ONE\nTWO\n"
    assert left() == ["Workflowfile", "end.txt", "in.txt", "side.txt"]


@pytest.mark.slow
def test_who_does_not_go_when_asked_is_ended(flowc: Flowc) -> None:
    """After ten seconds."""
    done = flowc("run", workflow=both("exit 3", "trap '' TERM; while :; do sleep 0.1; done"))
    assert done.returncode == 1
    assert left() == ["Workflowfile", "in.txt"]
