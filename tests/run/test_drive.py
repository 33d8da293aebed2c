"""Whole runs with real processes: what happens to files, what is told, how it ends."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowc.api import compile_file
from flowc.diagnostic import ImpossibleRequestError
from flowc.disk import RealDisk
from flowc.events import (
    Event,
    FilesRemoved,
    GroupPlanned,
    JobFailed,
    JobPlanned,
    JobSkipped,
    JobSubmitted,
    RunEnded,
    RunStarted,
)
from flowc.executors.base import Capacity
from flowc.executors.local import LocalExecutor
from flowc.plan.make import PlanOptions, make_plan
from flowc.record.history import History
from flowc.record.log import EventLog, list_runs, log_path, read_log
from flowc.run.drive import run_plan
from flowc.run.options import RunOptions, RunOutcome
from flowc.run.touch import touch_plan

GIB = 1024**3


@dataclass
class Ran:
    """A run and what it told."""

    outcome: RunOutcome
    events: list[Event]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def failure(self) -> JobFailed:
        found: JobFailed
        (found,) = self.of(JobFailed)
        return found


Flow = Callable[..., Ran]


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """Run the rules given (or those of the last time), in a directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    runs = 0

    def go(
        text: str | None = None,
        *targets: str,
        cores: int = 4,
        memory_gb: float = 16,
        plan: PlanOptions | None = None,
        **options: Any,
    ) -> Ran:
        nonlocal runs
        if text is not None:
            Path("Workflowfile").write_text(text)
        runs += 1
        events: list[Event] = []
        executor = LocalExecutor(Capacity(cores, int(memory_gb * GIB)))
        disk = RealDisk()
        try:
            with History() as history, EventLog(log_path(f"{runs:04}")) as log:
                history.catch_up()
                made = make_plan(
                    compile_file("Workflowfile", targets), history, disk, plan or PlanOptions()
                )
                outcome = run_plan(
                    made,
                    executor,
                    options=RunOptions(run=f"{runs:04}", **options),
                    history=history,
                    disk=disk,
                    listeners=[log, events.append],
                )
        finally:
            executor.close()
        return Ran(outcome, events)

    return go


ONE = """
rule one:
    output: "out.txt"
    shell: "{}"
"""


def test_a_chain(flow: Flow) -> None:
    chain = """
rule all:
    input: "c"
rule c:
    input: "b"
    output: "c"
    shell: "cat {input} > {output}; echo c >> {output}"
rule b:
    output: "b"
    shell: "echo b > {output}"
"""
    ran = flow(chain)
    assert ran.outcome == RunOutcome(0, done=2, failed=0, skipped=0, not_run=0)
    assert Path("c").read_text() == "b\nc\n"
    assert [event.name for event in ran.of(JobSubmitted)] == ["b", "c"]
    assert isinstance(ran.events[0], RunStarted)
    assert ran.events[0].jobs_total == 2
    assert isinstance(ran.events[-1], RunEnded)
    again = flow()
    assert again.outcome == RunOutcome(0, done=0, failed=0, skipped=0, not_run=0)


def test_the_log_holds_what_was_told(flow: Flow) -> None:
    ran = flow(ONE.format("touch {output}"))
    assert list(read_log(list_runs()[0])) == ran.events


def test_a_failure(flow: Flow) -> None:
    ran = flow(ONE.format("echo half > {output}; echo why; exit 3"))
    assert ran.outcome.exit_code == 1
    failure = ran.failure
    assert (failure.cause, failure.message, failure.exit_code) == ("exit", "exit code 3", 3)
    assert failure.command == "echo half > out.txt; echo why; exit 3"
    assert Path(failure.log).read_text() == "why\n"
    assert not Path("out.txt").exists()
    assert [event.why for event in ran.of(FilesRemoved)] == ["failed"]


IS_DIRECTORY = "output is a directory, which needs `directory(...)`: out.txt"

# fmt: off
FAILURES = {  # the command, cause, message
    "pipe":       ("false | true > {output}", "exit", "exit code 1"),
    "unset":      ("echo $unset_name > {output}", "exit", "exit code 1"),
    "not found":  ("no-such-command {output}", "exit", "exit code 127"),
    "signal":     ("kill -SEGV $$", "signal", "ended by signal SIGSEGV (exit code 139)"),
    "no output":  ("true", "missing-output", "the command ended well, but made no out.txt"),
    "directory":  ("mkdir {output}", "wrong-kind", IS_DIRECTORY),
}
# fmt: on


@pytest.mark.parametrize(("command", "cause", "message"), FAILURES.values(), ids=FAILURES)
def test_failures(flow: Flow, command: str, cause: str, message: str) -> None:
    failure = flow(ONE.format(command)).failure
    assert (failure.cause, failure.message) == (cause, message)


def test_not_found_says_so_in_the_log(flow: Flow) -> None:
    log = Path(flow(ONE.format("no-such-command a b")).failure.log)
    assert "no-such-command: command not found" in log.read_text()


def test_keep_incomplete(flow: Flow) -> None:
    flow(ONE.format("echo half > {output}; false"), keep_incomplete=True)
    assert Path("out.txt").read_text() == "half\n"
    assert flow().outcome.failed == 1  # and the history knows that it is no good


def test_outputs_that_come_late(flow: Flow) -> None:
    late = ONE.format("setsid bash -c 'sleep 0.2; touch out.txt' > /dev/null 2>&1 &")
    assert flow(late).failure.cause == "missing-output"
    assert flow(late, latency_wait_s=20.0).outcome.done == 1


INDEPENDENT = """
rule all:
    input: "bad2", "good"
rule bad:
    output: "bad"
    shell: "false"
rule bad2:
    input: "bad"
    output: "bad2"
    shell: "touch {output}"
rule good1:
    output: "good1"
    shell: "until grep -q job-[f]ailed .flowc/runs/*.jsonl; do sleep 0.02; done; touch {output}"
rule good:
    input: "good1"
    output: "good"
    shell: "touch {output}"
"""


@pytest.mark.parametrize(("keep_going", "done"), [(False, 1), (True, 2)])
def test_keep_going(flow: Flow, keep_going: bool, done: int) -> None:
    """What runs always ends; with -k, what does not depend on the failure is made as well."""
    ran = flow(INDEPENDENT, keep_going=keep_going)
    outcome = ran.outcome
    assert (outcome.exit_code, outcome.done, outcome.failed) == (1, done, 1)
    assert outcome.not_run == 3 - done
    assert [(e.name, e.why) for e in ran.of(JobSkipped)] == [("bad2", "upstream")]
    assert Path("good1").exists()


RETRY = """
rule one:
    output: "out.txt"
    {own}
    mem_gb: lambda wildcards, attempt: attempt
    shell:
        "[ ! -e out.txt ]; echo {{attempt}} {{mem_gb}} >> tries; echo x > {{output}}; "
        "[ {{attempt}} = 3 ]"
"""


@pytest.mark.parametrize(
    ("own", "default", "tries"), [("retries: 2", 0, 3), ("", 2, 3), ("retries: 0", 2, 1)]
)
def test_retries(flow: Flow, own: str, default: int, tries: int) -> None:
    """Each attempt finds no output, and has its figures worked out anew."""
    ran = flow(RETRY.format(own=own), retries=default)
    assert Path("tries").read_text() == "".join(f"{i} {i}\n" for i in range(1, tries + 1))
    assert [e.memory_bytes // GIB for e in ran.of(JobSubmitted)] == list(range(1, tries + 1))
    assert [e.will_retry for e in ran.of(JobFailed)] == [True] * (2 if tries == 3 else 0) + (
        [False] if tries == 1 else []
    )
    assert ran.outcome.done == (tries == 3)
    logs = sorted(os.listdir(".flowc/logs/one"))
    assert logs == ["one.2.log", "one.3.log", "one.log"][-tries:]


def test_a_retry_never_asks_for_more_than_there_is(flow: Flow) -> None:
    ran = flow(RETRY.format(own="retries: 2"), memory_gb=2)
    assert [e.memory_bytes // GIB for e in ran.of(JobSubmitted)] == [1, 2, 2]


def test_before_a_job(flow: Flow) -> None:
    """Old outputs and logs go, directories are made; an unflagged directory is left alone."""
    rules = """
rule one:
    output: "new/place/out.txt", directory("old/dir")
    log: "logs/x/one.log"
    shell: "[ ! -e {output[0]} ] && [ ! -e {log} ]; touch {output[0]}; mkdir {output[1]}"
"""
    for path in ("old/dir/inner/file", "logs/x/one.log"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text("old")
    assert flow(rules).outcome.done == 1
    assert os.listdir("old/dir") == [".flowc_timestamp"]
    assert Path("logs/x/one.log").read_text() == ""  # declared, not written: made empty


def test_a_full_directory_that_is_no_directory_output(flow: Flow) -> None:
    Path("out.txt").mkdir()
    Path("out.txt/precious").touch()
    ran = flow(ONE.format("true"), plan=PlanOptions(force_all=True))
    assert ran.failure.cause == "wrong-kind"
    assert Path("out.txt/precious").exists()


def test_the_log_of_a_failed_job_is_kept(flow: Flow) -> None:
    rules = 'rule one:\n    output: "a"\n    log: "a.log"\n    shell: "echo x > {log}; false"\n'
    flow(rules)
    assert Path("a.log").read_text() == "x\n"


def test_protected(flow: Flow) -> None:
    rules = """
rule one:
    output: protected("a"), protected(directory("d"))
    shell: "touch {output[0]}; mkdir {output[1]}; touch {output[1]}/f"
"""
    assert flow(rules).outcome.done == 1
    for name in ("a", "d", "d/f"):
        assert not stat.S_IMODE(os.lstat(name).st_mode) & 0o222, name
    ran = flow(plan=PlanOptions(force_all=True))
    assert ran.failure.cause == "protected"
    assert "a, d" in ran.failure.message
    assert ran.of(JobSubmitted) == []
    assert Path("a").exists()
    Path("d").chmod(0o755)  # for whoever removes the test's directory


def test_touch_outputs(flow: Flow) -> None:
    rules = """
rule one:
    input: "in"
    output: touch("sub/a")
    shell: "true"
rule in_:
    output: touch("in")
"""
    ran = flow(rules)
    assert ran.outcome.done == 2
    assert Path("sub/a").read_text() == ""
    assert flow().outcome.done == 0


def test_no_output_is_older_than_an_input(flow: Flow) -> None:
    """A command that keeps old times, an input from the future: both are up to date afterwards."""
    rules = """
rule one:
    input: "in"
    output: "a", "link", directory("d")
    shell: "touch -d '2001-01-01' {output[0]}; ln -s in link; mkdir d"
"""
    Path("in").touch()
    future_s = time.time() + 1000
    os.utime("in", (future_s, future_s))
    assert flow(rules).outcome.done == 1
    assert os.stat("a").st_mtime >= future_s
    assert max(os.stat("link").st_mtime, os.lstat("link").st_mtime) >= future_s
    assert flow().outcome.done == 0


TEMP = """
rule all:
    input: "end", "kept"
rule first:
    output: temp("t1"), temp(directory("t2")), temp("unread")
    shell: "touch {output[0]} {output[2]}; mkdir t2; touch t2/f"
rule kept:
    output: temp("kept")
    shell: "touch {output}"
rule mid:
    input: "t1", "t2"
    output: temp("m")
    shell: "[ ! -e unread ]; touch {output}"
rule end:
    input: "m", "t1"
    output: "end"
    shell: "[ ! -e t2 ]; touch {output}"
"""


def test_temp(flow: Flow) -> None:
    ran = flow(TEMP)
    assert ran.outcome.exit_code == 0
    assert sorted(f for f in os.listdir() if not f.startswith(".")) == [
        "Workflowfile",
        "end",
        "kept",
    ]
    removed = [e.paths for e in ran.of(FilesRemoved)]
    assert removed == [("unread",), ("t2",), ("m", "t1")]
    assert flow().outcome.done == 0


def test_notemp(flow: Flow) -> None:
    flow(TEMP.replace("[ ! -e unread ]; ", "").replace("[ ! -e t2 ]; ", ""), keep_temp=True)
    assert {"t1", "t2", "unread", "m"} <= set(os.listdir())


def test_temp_stays_for_a_reader_that_failed(flow: Flow) -> None:
    flow(TEMP.replace('touch {output}"\nrule end', 'false"\nrule end'), keep_going=True)
    assert {"t1", "t2"} <= set(os.listdir())


def test_maybe_jobs(flow: Flow) -> None:
    """What is upstream is made anew and comes out the same: nothing else runs."""
    rules = """
rule b:
    input: "a"
    output: "b"
    shell: "cat {input} > {output}"
rule a:
    input: "src"
    output: "a"
    shell: "head -c 1 {input} > {output}"
"""
    Path("src").write_text("x1")
    assert flow(rules).outcome.done == 2
    time.sleep(0.02)
    Path("src").write_text("x2")
    ran = flow()
    assert (ran.outcome.done, ran.outcome.skipped) == (1, 1)
    assert [(e.name, e.why) for e in ran.of(JobSkipped)] == [("b", "up-to-date")]
    time.sleep(0.02)
    Path("src").write_text("y")
    assert flow().outcome.done == 2
    assert Path("b").read_text() == "y"


NAMES = ["a b", "$(touch oops)", "-n", "*", "'\"\\", "\udcff\udcfe", "é\n", ";rm", "x" * 240]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names(flow: Flow, name: str) -> None:
    rules = """
rule one:
    input: "in/{x}"
    output: "out/{x}"
    log: "log/{x}"
    shell: "cat {input} > {output} 2> {log}; echo {wildcards.x}"
"""
    Path("in").mkdir()
    Path("in", name).write_text("content")
    ran = flow(rules, f"out/{name}")
    assert ran.outcome.done == 1
    assert os.listdir("out") == [name] == os.listdir("log")
    assert Path("out", name).read_text() == "content"
    log = ran.of(JobSubmitted)[0].log
    assert log.isascii() and log.isprintable()
    assert Path(log).read_bytes() == os.fsencode(name) + b"\n" or name == "-n"
    assert not Path("oops").exists()


def test_logs_of_different_jobs_differ(flow: Flow) -> None:
    rules = """
rule all:
    input: "a=1,b=2__x", "a=1__b=2,b=x"
rule one:
    output: "{a}__{b}"
    shell: "touch {output}"
"""
    logs = [e.log for e in flow(rules).of(JobSubmitted)]
    assert len(set(logs)) == 2


def test_environment(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "99")
    rules = """
rule one:
    output: "out.txt"
    threads: 3
    resources: tmpdir="/var/tmp"
    shell: "echo $OMP_NUM_THREADS $MKL_NUM_THREADS {threads} $TMPDIR > {output}"
"""
    flow(rules)
    assert Path("out.txt").read_text() == "3 3 3 /var/tmp\n"


def test_what_a_command_may_name(flow: Flow) -> None:
    rules = """
rule one:
    input: "in"
    output: "out-{x}.txt"
    log: "l-{x}"
    params:
        a="p-{x}",
        b=lambda wildcards, threads: f"{{x}}-{wildcards.x}-{threads}",
        c=["u", "v{x}"]
    threads: 2
    mem_gb: 1.5
    resources: gpu=1
    shell:
        "echo {rule} {attempt} {threads} {mem_gb} {resources.mem_mb} {resources.gpu} {wildcards} "
        "{params.a} {params.b:q} {params.c} {log} {input.size_mb} > {output}"
"""
    Path("in").write_bytes(b"x" * 512 * 1024)
    flow(rules, "out-7.txt")
    expected = "one 1 2 1.5 1536 1 x=7 p-7 {x}-7-2 u v7 l-7 0.5\n"
    assert Path("out-7.txt").read_text() == expected


def test_a_value_that_cannot_be_had_fails_the_job(flow: Flow) -> None:
    rules = """
rule all:
    input: "out.txt", "fine"
rule one:
    output: "out.txt"
    params: a=lambda wildcards, output: [][1]
    shell: "echo {params.a} > {output}"
rule fine:
    output: "fine"
    shell: "touch {output}"
"""
    ran = flow(rules, keep_going=True)
    assert ran.failure.cause == "workflow"
    assert ran.outcome.done == 1


def test_a_long_command(flow: Flow) -> None:
    """Longer than what the kernel takes as one argument: it goes through a file."""
    Path("Workflowfile").write_text(
        ONE.format("echo {params.x} | wc -c > {output}").replace(
            "    shell", "    params: x='y' * 300000\n    shell"
        )
    )
    assert flow().outcome.done == 1
    assert Path("out.txt").read_text().strip() == "300001"
    assert os.listdir(".flowc/scripts") == []


def test_another_shell(flow: Flow) -> None:
    rules = 'shell.executable("/bin/sh")\n' + ONE.format("echo $0 > {output}")
    flow(rules)
    assert Path("out.txt").read_text() == "/bin/sh\n"


def test_prefix_counts_even_for_simple_commands(flow: Flow) -> None:
    rules = 'shell.prefix("umask 077; ")\n' + ONE.format("touch {output}")
    flow(rules)
    assert stat.S_IMODE(os.stat("out.txt").st_mode) == 0o600


def test_message(flow: Flow) -> None:
    rules = ONE.format("touch {output}") + '    message: "making {output} with {threads}"\n'
    assert flow(rules).of(JobSubmitted)[0].message == "making out.txt with 1"


def test_benchmark(flow: Flow) -> None:
    rules = """
rule one:
    output: "o"
    benchmark: repeat("b/{rule}.tsv", 3)
    shell: "[ ! -e o ]; touch o; echo >> runs"
""".replace("{rule}", "one")
    ran = flow(rules)
    assert ran.outcome.done == 1
    assert Path("runs").read_text() == "\n" * 3
    header, *rows = Path("b/one.tsv").read_text().splitlines()
    assert header.split("\t")[:3] == ["s", "h:m:s", "max_rss"]
    assert len(rows) == 3
    assert all(len(row.split("\t")) == len(header.split("\t")) for row in rows)
    assert rows[0].split("\t")[1] == "0:00:00"


def test_limits_are_never_exceeded(flow: Flow) -> None:
    rules = """
limits:
    ftp = 2
rule all:
    input: expand("{i}.txt", i=range(8))
rule get:
    output: "{i}.txt"
    limits: ftp=1
    params: d="run-{i}"
    shell: "mkdir {params.d}; set -- run-*; echo $# > {output}; sleep 0.05; rmdir {params.d}"
"""
    flow(rules, cores=8)
    assert max(int(Path(f"{i}.txt").read_text()) for i in range(8)) <= 2


IMPOSSIBLE = """
rule all:
    input: "a", "b", "c"
rule a:
    output: "a"
    mem_gb: 32
    shell: "echo {mem_gb} > {output}"
rule b:
    output: "b"
    resources: gpu=3
    shell: "echo {resources.gpu} > {output}"
rule c:
    output: "c"
    threads: 64
    shell: "echo {threads} > {output}"
"""


def test_impossible_jobs_are_told_before_anything_starts(flow: Flow) -> None:
    with pytest.raises(ImpossibleRequestError) as caught:
        flow(IMPOSSIBLE, resources={"gpu": 2})
    messages = [d.message for d in caught.value.diagnostics]
    assert messages == [
        "rule `a` can never run: it asks for 32 GB of memory, and the run may use 16 GB",
        "rule `b` can never run: it asks for 3 of `gpu`, and the run has 2",
    ]
    assert [d.span.line for d in caught.value.diagnostics if d.span] == [6, 10]
    assert not Path("c").exists()


def test_clip(flow: Flow) -> None:
    assert flow(IMPOSSIBLE, resources={"gpu": 2}, clip=True).outcome.done == 3
    assert [Path(f).read_text() for f in "abc"] == ["16\n", "2\n", "4\n"]


def test_long_lists_are_told_once(flow: Flow) -> None:
    rules = """
rule all:
    input: "x", "y"
rule read:
    input: expand("{i}.in", i=range(20))
    output: "{o,[xy]}"
    shell: "touch {output}"
rule make:
    output: "{i}.in"
    shell: "touch {output}"
"""
    ran = flow(rules)
    (group,) = ran.of(GroupPlanned)
    assert len(group.files) == 20 == len(group.needs)
    readers = [e for e in ran.of(JobPlanned) if e.rule == "read"]
    assert [(e.inputs, e.needs, e.groups) for e in readers] == [((), (), (group.group,))] * 2


def test_touch_mode(flow: Flow) -> None:
    rules = """
rule all:
    input: "c"
rule c:
    input: "b", "gone"
    output: "c"
    shell: "exit 1"
rule b:
    input: "a"
    output: "b", directory("d")
    shell: "exit 1"
rule gone:
    output: "gone"
    shell: "exit 1"
"""
    Path("Workflowfile").write_text(rules)
    for age, name in enumerate(["c", "b", "a"]):
        Path(name).touch()
        os.utime(name, (1000 + age, 1000 + age))
    Path("d").mkdir()
    disk = RealDisk()
    with History() as history, EventLog(log_path("0000")) as log:
        plan = make_plan(compile_file("Workflowfile"), history, disk)
        done = touch_plan(
            plan, options=RunOptions(run="0000"), history=history, disk=disk, listeners=[log]
        )
    assert done.missing == ("gone",)
    assert done.touched == 3
    assert not Path("gone").exists()
    with History() as history:
        plan = make_plan(compile_file("Workflowfile"), history, disk)
    graph = plan.graph
    assert [graph.job(j).name for j in plan.to_run()] == []  # nothing that runs needs `gone`


# ---- signals

SLOW = """
rule all:
    input: "a", "b"
rule a:
    output: "a"
    shell: "{command}"
rule b:
    input: "a"
    output: "b"
    shell: "touch {{output}}"
"""


@dataclass
class Driver:
    """A run in a process of its own, which can be sent signals."""

    process: "subprocess.Popen[str]"

    def wait_for(self, name: str) -> None:
        until = time.monotonic() + 50
        while not (os.path.exists(name) and Path(name).read_text().endswith("\n")):
            assert time.monotonic() < until
            assert self.process.poll() is None
            time.sleep(0.005)

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=50)
        return self.process.returncode, out


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], Driver]:
    monkeypatch.chdir(tmp_path)

    def start(command: str, kill_after_s: float) -> Driver:
        Path("Workflowfile").write_text(SLOW.format(command=command))
        script = Path(__file__).with_name("drive_here.py")
        root = Path(__file__).parents[2]
        return Driver(
            subprocess.Popen(
                [sys.executable, str(script), str(kill_after_s)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(root)},
            )
        )

    return start


def is_gone(pid: int) -> bool:
    """Whether a process ends within a moment."""
    until = time.monotonic() + 50
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.005)
    return False


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name
)
def test_a_signal_ends_the_children(
    driver: Callable[[str, float], Driver], number: signal.Signals
) -> None:
    run = driver("touch {output}; sleep 60 & echo $! > pid; wait", 30)
    run.wait_for("pid")
    run.process.send_signal(number)
    code, out = run.end()
    assert code == 128 + number
    assert "done=0, failed=1" in out
    assert is_gone(int(Path("pid").read_text()))
    assert not Path("a").exists()
    events = list(read_log(list_runs()[0]))
    last = events[-1]
    assert isinstance(last, RunEnded)
    assert (last.outcome, last.exit_code, last.not_run) == ("interrupted", 128 + number, 1)
    assert [e.cause for e in events if isinstance(e, JobFailed)] == ["cancelled"]


STUBBORN = "trap 'echo > asked' TERM; echo $$ > pid; while :; do sleep 0.02 || :; done"


def test_the_second_signal_kills(driver: Callable[[str, float], Driver]) -> None:
    run = driver(STUBBORN, 60)
    run.wait_for("pid")
    run.process.send_signal(signal.SIGINT)
    run.wait_for("asked")
    run.process.send_signal(signal.SIGINT)
    assert run.end()[0] == 130
    assert is_gone(int(Path("pid").read_text()))


def test_who_ignores_term_is_killed_after_a_while(
    driver: Callable[[str, float], Driver],
) -> None:
    run = driver(STUBBORN, 0.1)
    run.wait_for("pid")
    run.process.send_signal(signal.SIGTERM)
    assert run.end()[0] == 143
    assert is_gone(int(Path("pid").read_text()))


def test_an_ignored_hangup_stays_ignored(driver: Callable[[str, float], Driver]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = driver("echo > ready; sleep 0.3; touch {output}", 30)
    finally:
        signal.signal(signal.SIGHUP, before)
    run.wait_for("ready")
    run.process.send_signal(signal.SIGHUP)
    assert run.end()[0] == 0


def test_after_kill_the_log_tells_what_was_interrupted(
    driver: Callable[[str, float], Driver],
) -> None:
    """kill -9: what was submitted and not done is known to be no good, though the file is there."""
    run = driver("echo half > {output}; echo $$ > pid; sleep 60", 30)
    run.wait_for("pid")
    run.process.kill()
    run.end()
    os.killpg(int(Path("pid").read_text()), signal.SIGKILL)
    with History() as history:
        history.catch_up()
        plan = make_plan(compile_file("Workflowfile"), history, RealDisk())
    job = plan.to_run()[0]
    assert [reason.kind for reason in plan.reasons(job)] == ["interrupted"]
