"""Jobs that do not want to end, disks that do not want to be written, clocks that jump."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from crash.victim import ROOT, children

from flowc.events import JobDone, JobFailed, Notice
from flowc.executors.marks import VARIABLE, find_marked
from flowc.record.log import list_runs, read_log

pytestmark = pytest.mark.slow

DAEMON = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(300)"
STUBBORN = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; "


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def write(*rules: str) -> None:
    Path("Workflowfile").write_text("\n".join(rules))


def rule(name: str, command: str, *lines: str, output: str = "") -> str:
    more = "".join(f"    {line}\n" for line in lines)
    return f"rule {name}:\n    output: {output or repr(name)}\n{more}    shell: {command!r}\n"


def argv(*options: str) -> list[str]:
    return [sys.executable, "-m", "flowc", "run", "--cores", "2", *options]


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv(*options), capture_output=True, text=True, timeout=100)


def events(kind: type) -> list[object]:
    return [event for event in read_log(list_runs()[-1]) if isinstance(event, kind)]


def marked() -> list[int]:
    """Processes of tasks of the runs in this directory."""
    runs = [Path(path).stem for path in list_runs()]
    return [pid for run in runs for pid in find_marked(os.fsencode(f"{VARIABLE}={run}:"))]


def until(path: str) -> None:
    end_s = time.monotonic() + 120
    while not Path(path).exists():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@contextmanager
def started(*options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A run that goes on meanwhile, and no longer."""
    with subprocess.Popen(argv(*options)) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def driver() -> Iterator["subprocess.Popen[bytes]"]:
    """A run whose job has started once there is a file `began`."""
    with started("-q") as process:
        until("began")
        yield process


def test_a_daemon_of_a_job_that_ended_well_goes_with_the_run() -> None:
    write(rule("x", f"{sys.executable} -c '{DAEMON}'; touch x"))
    assert run().returncode == 0
    assert marked() == []


@pytest.mark.parametrize("setsid", ["", "setsid "])
def test_a_time_limit_ends_the_whole_tree(setsid: str) -> None:
    inner = f"{setsid}{sys.executable} -c '{DAEMON}'"
    write(rule("x", f"{inner}; {setsid}sleep 300; touch x", 'resources: runtime="1s"'))
    began_s = time.monotonic()
    assert run().returncode == 1
    assert time.monotonic() - began_s < 30
    (failed,) = events(JobFailed)
    assert isinstance(failed, JobFailed) and failed.cause == "time-limit"
    assert marked() == []


def test_a_failed_job_leaves_nothing_behind_that_could_disturb_the_next_attempt() -> None:
    """A daemon of the first attempt would write to the output of the second."""
    daemon = '(setsid sh -c "sleep 1; echo bad > x" &)'
    first = f"{daemon}; touch once; sleep 0.2; false"
    command = f"if [ -e once ]; then sleep 1.5; echo good > x; else {first}; fi"
    write(rule("x", command, "retries: 1"))
    assert run().returncode == 0
    time.sleep(0.2)
    assert Path("x").read_text() == "good\n"


@pytest.mark.parametrize("server_too", [False, True])
def test_who_ignores_term_does_not_outlive_a_killed_flowc(server_too: bool) -> None:
    """By the fork server, or else by the next run, which says so."""
    inner = f'{STUBBORN}open(\\"began\\", \\"w\\").close(); time.sleep(300)'
    write(
        rule("x", f'if [ -e began ]; then touch x; else {sys.executable} -c "{inner}"; fi'),
    )
    with started("-q") as process:
        until("began")
        servers = children(process.pid, b"forkserver")
        assert len(servers) == 1
        process.kill()
        if server_too:
            os.kill(servers[0], signal.SIGKILL)
    if not server_too:
        end_s = time.monotonic() + 50
        while marked() and time.monotonic() < end_s:
            time.sleep(0.05)
        assert marked() == []
    else:
        assert marked() != []
    done = run()
    assert done.returncode == 0 and Path("x").exists()
    assert marked() == []
    notices = [n.code for n in events(Notice) if isinstance(n, Notice)]
    assert notices == (["orphans-ended"] if server_too else [])
    assert ("was killed, still ran; ended" in done.stderr) == server_too


def test_two_signals_end_who_ignores_them() -> None:
    inner = f'{STUBBORN}open(\\"began\\", \\"w\\").close(); time.sleep(300)'
    write(rule("x", f'{sys.executable} -c "{inner}"'))
    with started("-q") as process:
        until("began")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert marked() == []


# ---- disks


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory() -> None:
    Path("closed").mkdir()
    Path("closed").chmod(0o555)
    write(rule("x", "echo > closed/x", output='"closed/x"'), rule("y", "touch y"))
    try:
        assert run("x").returncode == 1
    finally:
        Path("closed").chmod(0o755)
    assert run("x").returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; mounting one takes root."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_for_the_outputs(small_disk: Path) -> None:
    write(rule("x", "head -c 5000000 /dev/zero > small/x", output='"small/x"'))
    done = run()
    assert done.returncode == 1 and "No space left" in done.stderr
    assert not Path("small/x").exists()
    write(rule("x", "head -c 1000 /dev/zero > small/x", output='"small/x"'))
    assert run().returncode == 0


def test_a_full_disk_for_the_log(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered stands on the disk that a job fills: flowc says so, and the next run goes
    on once there is room."""
    monkeypatch.chdir(small_disk)
    text = rule("all", "touch all", 'input: expand("o{n}", n=range(20))') + rule(
        "o", "head -c 150000 /dev/zero > {output}; sleep 0.05", output='"o{n}"'
    )
    Path("Workflowfile").write_text(text)
    done = run()
    assert done.returncode in (1, 2), done.stderr
    assert "No space left" in done.stderr or "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert marked() == []
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    again = run()
    assert again.returncode == 0, again.stderr
    assert all(Path(f"o{n}").stat().st_size == 150000 for n in range(20))


# ---- clocks and names


@pytest.mark.parametrize("away_s", [-3600, 3600])
def test_inputs_from_another_time(away_s: int) -> None:
    """An input that is dated in the future, as after a clock was set back, is made use of once."""
    write(rule("x", "cp in x", 'input: "in"'), rule("y", "cp x y", 'input: "x"'))
    Path("in").write_text("one")
    then_s = time.time() + away_s
    os.utime("in", (then_s, then_s))
    assert run("y").returncode == 0
    assert len(events(JobDone)) == 2
    before = len(list_runs())
    assert run("y").returncode == 0
    assert len(list_runs()) == before  # nothing to do
    Path("in").write_text("other")
    os.utime("in", (then_s + 1, then_s + 1))
    assert run("y").returncode == 0
    if away_s > 0:
        assert Path("y").read_text() == "other"


def test_outputs_from_the_future_are_not_made_again_for_ever() -> None:
    write(rule("x", "touch -d '+2 hours' x"), rule("y", "touch y", 'input: "x"'))
    for _ in range(2):
        assert run("y").returncode == 0
    assert len(list_runs()) == 1


HOSTILE = ["a b", "$(touch oops)", "-rf", "*", "'\"\\", "é\n", ";true", "&", "#x", "~", "{{}}"]


def test_hostile_names_through_a_crash() -> None:
    chance = random.Random(3)
    names = [f"d/{chance.choice(HOSTILE)}{n}" for n in range(12)]
    listed = ", ".join(map(repr, names))
    write(
        f"N = [{listed}]\n",
        rule("all", "cat {input} > all", "input: expand('{n}', n=N)"),
        rule("d", "printf half > {output}; sleep 0.1; echo whole > {output}", output='"d/{n}"'),
    )
    with started("-q", "all") as process:
        time.sleep(0.9)
        process.kill()
    assert run("-q", "all").returncode == 0
    assert Path("all").read_text() == "whole\n" * 12
    assert not Path("oops").exists()


def test_a_hundred_thousand_jobs_in_one_plan_that_need_not_run() -> None:
    """Jobs that are up to date cost a plan and nothing else."""
    count = 100_000
    os.mkdir("o")
    write(
        f'rule all:\n    input: expand("o/{{n}}", n=range({count}))\n',
        rule("o", "touch {output}", output='"o/{n}"'),
    )
    for n in range(count):
        os.close(os.open(f"o/{n}", os.O_CREAT | os.O_WRONLY))
    os.unlink("o/7")
    assert run("-q").returncode == 0
    assert len(events(JobDone)) == 1
    before = len(list_runs())
    assert run("-q").returncode == 0
    assert len(list_runs()) == before
