"""Services: they run beside the jobs that need them, and are ended after the last."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.plans import faults_on_a_cluster
from support.program import Flowc, left

from flowc.ids import JobId
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser

pytestmark = pytest.mark.slow

SERVE = "echo up >> starts; touch {output}; sleep 60"
USE = "[ -e {input[0]} ]; cat in.txt > {output}"
BOTH = """
rule all:
    input: "a.txt", "b.txt"
rule serve:
    output: service("ready")
    shell: {serve!r}
rule use:
    input: "ready", "in.txt"
    output: "{{x,[ab]}}.txt"
    shell: {use!r}
"""


def both(serve: str = SERVE, use: str = USE) -> str:
    return BOTH.format(serve=serve, use=use)


def test_it_runs_beside_all_that_need_it_and_is_ended(flowc: Flowc) -> None:
    began = time.monotonic()
    done = flowc("run", workflow=both())
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 20
    assert left() == ["Workflowfile", "a.txt", "b.txt", "in.txt", "starts"]
    assert Path("starts").read_text() == "up\n"


def test_it_is_started_only_for_a_job_that_must_run(flowc: Flowc) -> None:
    assert flowc("run", workflow=both()).returncode == 0
    assert "Nothing to be done" in flowc("run").stderr
    Path("a.txt").unlink()
    assert "2 jobs to run" in flowc("plan").stdout
    assert flowc("run").returncode == 0
    assert Path("starts").read_text() == "up\nup\n"
    assert flowc("run", "--until", "serve", "-F").returncode == 0
    assert Path("starts").read_text() == "up\nup\n"
    changed = both(serve="echo changed >> starts; touch {output}; sleep 60")
    before = Path("b.txt").stat().st_mtime_ns
    assert flowc("run", workflow=changed).returncode == 0
    assert Path("b.txt").stat().st_mtime_ns > before
    assert Path("starts").read_text() == "up\nup\nchanged\n"
    assert "Nothing to be done" in flowc("run").stderr


def test_those_that_need_it_wait_until_it_serves(flowc: Flowc) -> None:
    done = flowc(
        "run", workflow=both(serve="sleep 0.5; echo up > starts; touch {output}; sleep 60")
    )
    assert done.returncode == 0, done.stderr


def test_its_exit_code_after_it_was_asked_to_end_does_not_count(flowc: Flowc) -> None:
    serve = "trap 'rm {output}; exit 7' TERM; touch {output}; while :; do sleep 0.05; done"
    done = flowc("run", workflow=both(serve=serve))
    assert done.returncode == 0, done.stderr


# fmt: off
EARLY = {
    "well": "touch {output}; sleep 0.4; exit 0",
    "badly": "touch {output}; sleep 0.4; exit 3",
    "before it served": "exit 0",
}
# fmt: on


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize("more", [(), ("--keep-going",)])
def test_it_ends_too_early_and_all_that_need_it_fail(
    name: str, more: tuple[str, ...], flowc: Flowc
) -> None:
    done = flowc("run", *more, workflow=both(EARLY[name], "sleep 30; touch {output}"))
    assert done.returncode == 1
    assert left() == ["Workflowfile", "in.txt"]
    assert flowc("run", workflow=both()).returncode == 0


def test_another_attempt_is_one_of_all(flowc: Flowc) -> None:
    serve = "echo up >> starts; touch {output}; [ {attempt} = 2 ] || exit 3; sleep 60"
    use = "[ -e {input[0]} ]; [ $(wc -l < starts) = 2 ] || sleep 30; touch {output}"
    serve = serve.replace("|| exit", "|| {{ sleep 0.5; exit").replace("exit 3", "exit 3; }}")
    done = flowc("run", "--retries", "1", workflow=both(serve, use))
    assert done.returncode == 0, done.stderr
    assert left() == ["Workflowfile", "a.txt", "b.txt", "in.txt", "starts"]
    assert Path("starts").read_text() == "up\nup\n"


def test_who_is_not_started_yet_waits_for_another_attempt(flowc: Flowc) -> None:
    """There is room for one of them beside it."""
    serve = "echo up >> starts; touch {output}; [ {attempt} = 2 ] && sleep 60; sleep 0.5; exit 3"
    use = "[ -e {input[0]} ]; [ $(wc -l < starts) = 2 ] || sleep 30; touch {output}"
    done = flowc("run", "--retries", "1", cores=2, workflow=both(serve, use))
    assert done.returncode == 0, done.stderr
    assert Path("starts").read_text() == "up\nup\n"


def test_a_job_fails_and_it_is_ended_with_the_run(flowc: Flowc) -> None:
    done = flowc("run", workflow=both(use="[ {wildcards.x} = b ]; touch {output}"))
    assert done.returncode == 1
    assert "ready" not in left()
    done = flowc("run", "-k", workflow=both(use="[ {wildcards.x} = b ]; touch {output}"))
    assert done.returncode == 1
    assert left() == ["Workflowfile", "b.txt", "in.txt", "starts"]


CHAIN = """
rule all:
    input: "end.txt"
rule first:
    output: service("one")
    shell: "touch {output}; sleep 60"
rule second:
    input: "one"
    output: service("two")
    shell: "touch {output}; sleep 60"
rule use:
    input: "two"
    output: "mid.txt"
    shell: "[ -e one ]; touch {output}"
rule between:
    input: "mid.txt"
    output: "later.txt"
    shell: "[ -e one ]; [ -e two ]; touch {output}"
rule last:
    input: "later.txt", "two"
    output: "end.txt"
    shell: "[ -e one ]; [ -e two ]; touch {output}"
"""


def test_services_of_services_and_jobs_between_consumers(flowc: Flowc) -> None:
    done = flowc("run", workflow=CHAIN, cores=3)
    assert done.returncode == 0, done.stderr
    assert left() == ["Workflowfile", "end.txt", "in.txt", "later.txt", "mid.txt"]
    assert flowc("run", "-F", cores=3).returncode == 0
    done = flowc("plan", "-F", "--simulate", cores=3)
    assert done.returncode == 0, done.stderr


SLOW = """
rule all:
    input: "end.txt"
rule first:
    output: service("one")
    shell: "touch one-began; touch {output}; sleep 60"
rule second:
    input: "one", "slow.txt"
    output: service("two")
    shell: "touch two-began; touch {output}; sleep 60"
rule slow:
    input: "in.txt"
    output: "slow.txt"
    shell: "sleep 0.3; [ ! -e one-began ]; echo same > {output}"
rule slower:
    input: "slow.txt"
    output: "slower.txt"
    shell: "sleep 0.3; [ ! -e one-began ]; [ ! -e two-began ]; cp {input} {output}"
rule use:
    input: ITEMS
    output: "end.txt"
    shell: "[ -e one ]; [ -e two ]; cp slower.txt {output}"
"""
# fmt: off
ITEMS = {
    "items":  '"two", "slower.txt"',
    "a list": 'lambda wildcards: ["two", "slower.txt", "one"]',
}
# fmt: on


@pytest.mark.parametrize("items", ITEMS.values(), ids=ITEMS)
def test_they_start_when_who_needs_them_waits_for_nothing_else(items: str, flowc: Flowc) -> None:
    workflow = SLOW.replace("ITEMS", items)
    done = flowc("run", workflow=workflow)
    assert done.returncode == 0, done.stderr
    assert Path("end.txt").read_text() == "same\n"
    done = flowc("plan", "-F", "--simulate")
    assert done.returncode == 0, done.stderr


def test_they_do_not_start_where_nobody_needs_them_after_all(flowc: Flowc) -> None:
    workflow = SLOW.replace("ITEMS", ITEMS["items"])
    assert flowc("run", workflow=workflow).returncode == 0
    Path("one-began").unlink()
    Path("two-began").unlink()
    done = flowc("run", "-R", "slow")
    assert done.returncode == 0, done.stderr
    assert not Path("one-began").exists()
    assert not Path("two-began").exists()
    other = workflow.replace("cp {input} {output}", "echo other > {output}")
    assert flowc("run", "-R", "slow", "slower", workflow=other).returncode == 0
    assert Path("end.txt").read_text() == "other\n"
    assert Path("two-began").exists()


@pytest.mark.parametrize("more", [(), ("-k",)])
def test_they_do_not_start_where_what_else_is_needed_has_failed(
    more: tuple[str, ...], flowc: Flowc
) -> None:
    workflow = SLOW.replace("ITEMS", ITEMS["items"]).replace("cp {input} {output}", "false")
    done = flowc("run", *more, workflow=workflow)
    assert done.returncode == 1
    assert left() == ["Workflowfile", "in.txt", "slow.txt"]


def test_what_cannot_fit_beside_it_is_said_before_anything_starts(flowc: Flowc) -> None:
    done = flowc("run", workflow=CHAIN, cores=2)
    assert done.returncode == 3
    assert "run at once, as services run until" in done.stderr, done.stderr
    assert "asks for 3" in done.stderr or "ask for 3 of `cores`" in done.stderr, done.stderr
    assert left() == ["Workflowfile", "in.txt"]
    done = flowc("run", "--clip", cores=2)
    assert done.returncode == 0, done.stderr
    done = flowc("run", "--clip", "-F", cores=1)
    assert done.returncode == 0, done.stderr


MANY = """
rule all:
    input: expand("end{i}.txt", i=range(4)), "large.txt"
rule serve:
    input: "in.txt"
    output: service("ready{i}")
    shell: "touch {output}; sleep 60"
rule use:
    input: "ready{i}"
    output: "end{i}.txt"
    threads: 2
    shell: "[ -e {input} ]; sleep 0.1; touch {output}"
rule large:
    output: "large.txt"
    threads: 3
    priority: 5
    shell: "touch {output}"
"""


def test_services_do_not_keep_each_other_from_ending(flowc: Flowc) -> None:
    """Three of them would leave no room for what any of them waits for."""
    for again in ((), ("-F",)):
        done = flowc("run", *again, workflow=MANY, cores=3)
        assert done.returncode == 0, done.stderr
    assert left() == sorted(
        ["Workflowfile", "in.txt", "large.txt", *(f"end{i}.txt" for i in range(4))]
    )
    done = flowc("plan", "-F", "--simulate", cores=3)
    assert done.returncode == 0, done.stderr


# fmt: off
HOLDS_UP = {
    "cores": (Need(1, 1), Need(4, 1), Need(1, 1)),
    "a limit": (Need(1, 1, (("limit:net", 1),)), Need(1, 1, (("limit:net", 2),)),
                Need(1, 1, (("limit:net", 1),))),
}
# fmt: on


@pytest.mark.parametrize("name", HOLDS_UP)
def test_who_waits_for_its_end_holds_up_nobody(name: str) -> None:
    """For other jobs some of what there is would be kept, once enough have passed it over."""
    service, large, small = HOLDS_UP[name]
    chooser = Chooser(Budget(4, 100, limits={"net": 2}), patience=2)
    chooser.lasting.add(JobId(0))
    chooser.add(JobId(0), service, (0, -3.0, JobId(0)))
    assert chooser.next() == 0
    chooser.add(JobId(1), large, (0, -2.0, JobId(1)))
    for id in range(2, 12):
        chooser.add(JobId(id), small, (0, -1.0, JobId(id)))
    for id in range(2, 12):
        assert chooser.next() == id
        chooser.ended(JobId(id))
    assert chooser.next() is None
    chooser.ended(JobId(0))
    assert chooser.next() == 1


# fmt: off
WRONG = {
    "passing-target": 'rule a:\n    output: service("ready")\n    shell: "touch {output}"\n',
    "other files": both().replace('service("ready")', 'service("ready"), "other"'),
    "no action": both().replace('"a.txt", "b.txt"', '"a.txt", "b.txt", "ready"'),
    "at a pipe": both().replace('service("ready")', 'service("ready")\n    input: "p"')
                 + 'rule p:\n    output: pipe("p")\n    shell: "echo > {output}"\n',
    "shadow": both().replace('service("ready")', 'service("ready")\n    shadow: "minimal"'),
}
# fmt: on


@pytest.mark.parametrize("name", WRONG)
def test_services_that_cannot_work_are_refused(name: str, flowc: Flowc) -> None:
    is_target = name == "passing-target"
    done = flowc("plan", *(["ready"] if is_target else []), workflow=WRONG[name])
    assert done.returncode == 2
    assert f"error[{'passing-target' if is_target else 'bad-service'}]" in done.stderr, done.stderr


def test_no_cluster_runs_it(flowc: Flowc) -> None:
    Path("Workflowfile").write_text(both())
    assert faults_on_a_cluster() == ["pipe-on-cluster"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_a_run_that_is_ended(number: signal.Signals, flowc: Flowc) -> None:
    serve = "echo $$ > pid; touch {output}; exec sleep 50"
    Path("Workflowfile").write_text(both(serve, "sleep 40; touch {output}"))
    argv = [sys.executable, "-m", "flowc", "run", "--cores", "4"]
    run = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 40
    while not Path("ready").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    run.send_signal(number)
    run.wait(timeout=50)
    service = int(Path("pid").read_text())
    while time.monotonic() < until:
        try:
            os.kill(service, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the service is still there")
    assert flowc("run", workflow=both()).returncode == 0
    assert "ready" not in left()


def test_a_checkpoint_starts_it_anew(flowc: Flowc) -> None:
    workflow = """
checkpoint cut:
    input: "ready"
    output: directory("parts")
    shell: "mkdir {output}; touch {output}/1 {output}/2"
rule serve:
    output: service("ready")
    shell: "echo up >> starts; touch {output}; sleep 60"
def parts(wildcards):
    folder = checkpoints.cut.get().output[0]
    return expand("use{i}", i=glob_wildcards(folder + "/{i,[0-9]}").i)
rule use:
    input: "ready"
    output: "use{i}"
    shell: "[ -e ready ]; touch {output}"
rule all:
    default_target: True
    input: parts
"""
    done = flowc("run", workflow=workflow)
    assert done.returncode == 0, done.stderr
    assert left() == ["Workflowfile", "in.txt", "parts", "starts", "use1", "use2"]
    assert Path("starts").read_text() == "up\nup\n"
    assert "Nothing to be done" in flowc("run").stderr


@pytest.mark.slow
def test_it_does_not_go_when_asked_and_is_ended(flowc: Flowc) -> None:
    """After ten seconds."""
    serve = "trap '' TERM; touch {output}; while :; do sleep 0.1; done"
    done = flowc("run", workflow=both(serve))
    assert done.returncode == 0, done.stderr
    assert left() == ["Workflowfile", "a.txt", "b.txt", "in.txt"]
