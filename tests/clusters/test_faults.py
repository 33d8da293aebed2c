"""Real engines that are killed, frozen and started again while jobs are in their hands."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.clusters import Cluster, alone, eventually
from support.gridruns import QUICK, Story, task

from flowc.executors.drmaa import DrmaaQueue
from flowc.executors.grid.base import Queue, Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine
from flowc.executors.slurm import Slurm

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Engine:
    """A cluster, and one of the executors that it has."""

    executor: str
    cluster: Cluster

    def queue(self) -> Queue:
        if self.executor == "drmaa":
            return DrmaaQueue(timeout_s=TIMEOUT_S)
        return Commands(DIALECTS[self.executor](), TIMEOUT_S)

    def names(self) -> list[str]:
        """Of all jobs in the queue, without their ends, which may be cut off."""
        if self.executor == "slurm":
            return self.cluster.call("squeue", "-h", "-r", "-o", "%.8j").stdout.split()
        lines = self.cluster.call("qstat", "-u", "*").stdout.splitlines()[2:]
        return [line.split()[2][:8] for line in lines]

    def submit_another(self) -> Callable[[], object]:
        """A job of somebody else's, named `another`; the way to end it."""
        if self.executor == "slurm":
            argv = ["sbatch", "--parsable", "-J", "another", "-o/dev/null", "--wrap", "sleep 300"]
            end = "scancel"
        else:
            argv = ["qsub", "-terse", "-b", "y", "-N", "another", "-o", "/dev/null", "-j", "y"]
            argv, end = [*argv, "sleep", "300"], "qdel"
        id = self.cluster.call(*argv).stdout.strip()
        return lambda: self.cluster.call(end, id)


TIMEOUT_S = 10.0
ENGINES = [("slurm", "slurm"), ("sge", "sge"), ("drmaa", "sge")]
NAMES = [executor for executor, _ in ENGINES]
ON_ALL = pytest.mark.parametrize("engine", ENGINES, ids=NAMES, indirect=True)
"""DRMAA is another way to the same engine: most tests need it once only."""
DIALECTS: dict[str, Callable[[], Slurm | GridEngine]] = {"slurm": Slurm, "sge": GridEngine}


@pytest.fixture(params=ENGINES[:2], ids=NAMES[:2])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    executor, name = request.param
    with alone(name) as cluster:
        yield Engine(executor, cluster)


@pytest.fixture
def make_story(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Story]]:
    for name, value in engine.cluster.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made: list[GridExecutor] = []

    def make() -> Story:
        made.append(GridExecutor(engine.queue(), Settings(pace=QUICK)))
        return Story(made[-1])

    yield make
    engine.cluster.up()
    for executor in made:
        executor.close()


@ON_ALL
def test_a_controller_that_is_killed_and_started_again(
    engine: Engine, make_story: Callable[[], Story]
) -> None:
    """What runs ends well meanwhile, and is heard of; what is new is submitted later, once."""
    story = make_story()
    story.executor.submit([task(0, "touch up; sleep 8; echo x >> runs.0")])
    story.started_files(Path("up"))
    time.sleep(5.5)  # Slurm saves what it knows within five seconds, and gives forgotten ids again
    engine.cluster.kill("controller")
    story.executor.submit([task(1, "echo x >> runs.1")])
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (0, "")
    story.until(lambda: any(notice.code == "no-answer" for notice in story.notices))
    engine.cluster.up()
    (end,) = story.end(1)
    assert (end.exit_code, end.cause) == (0, "")
    assert [notice.code for notice in story.notices] == ["no-answer", "answers-again"]
    assert [Path(f"runs.{job}").read_text() for job in (0, 1)] == ["x\n", "x\n"]


def test_a_controller_that_is_frozen_for_a_while(
    engine: Engine, make_story: Callable[[], Story]
) -> None:
    """Slurm queues what it has not answered, and runs it later; Grid Engine does not."""
    story = make_story()
    controller = engine.cluster.pid("controller")
    os.kill(controller, signal.SIGSTOP)
    try:
        story.executor.submit([task(job, f"echo x >> runs.{job}") for job in range(3)])
        story.until(lambda: any(notice.code == "no-answer" for notice in story.notices), 120)
    finally:
        os.kill(controller, signal.SIGCONT)
    assert [end.cause for end in story.end(0, 1, 2, timeout_s=120)] == [""] * 3
    assert [Path(f"runs.{job}").read_text() for job in range(3)] == ["x\n"] * 3


def test_a_submission_whose_answer_is_lost_is_found_by_its_name(
    engine: Engine, make_story: Callable[[], Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = {"slurm": "sbatch", "sge": "qsub"}[engine.executor]
    real = shutil.which(program, path=engine.cluster.env["PATH"])
    Path("bin").mkdir()
    Path(f"bin/{program}").write_text(f'#!/bin/sh\necho >> calls\n{real} "$@" > answer\nexit 1\n')
    Path(f"bin/{program}").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path.cwd()}/bin:{engine.cluster.env['PATH']}")
    story = make_story()
    ends = story.run([task(job, f"echo x >> runs.{job}") for job in range(3)], timeout_s=120)
    assert [end.cause for end in ends] == [""] * 3
    assert Path("calls").read_text() == "\n", "it was not submitted a second time"
    assert story.started[0].external_id.startswith(re.split(r"\D", Path("answer").read_text())[0])
    assert [Path(f"runs.{job}").read_text() for job in range(3)] == ["x\n"] * 3


WORKFLOW = """
rule all:
    input: expand("o/{i}", i=range(4))
rule one:
    output: "o/{i}"
    resources: mem_mb=64
    shell: "echo x >> runs.{wildcards.i}; sleep 4; echo {wildcards.i} > {output}"
"""


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    root = Path(__file__).resolve().parents[2]
    env = engine.cluster.env | {"PYTHONPATH": str(root), "NO_COLOR": "1"}

    def call(*words: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "flowc", "run", "--executor", engine.executor, *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=tmp_path, env=env, text=True, stdout=pipe, stderr=pipe)

    return call


@ON_ALL
def test_flowc_is_killed_and_goes_on(
    engine: Engine, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    """Some jobs have ended by then, some run, some have not been submitted: none runs twice."""
    first = start("-j", "3")
    eventually(lambda: len([*tmp_path.glob("runs.*")]) == 3)
    first.kill()
    first.wait()
    second = start("-j", "3")
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert "4 jobs in" in said
    assert [(tmp_path / f"o/{i}").read_text() for i in range(4)] == [f"{i}\n" for i in range(4)]
    assert [(tmp_path / f"runs.{i}").read_text() for i in range(4)] == ["x\n"] * 4
    assert not [*tmp_path.glob(".flowc/executors/*/*")], "nothing is left"


def test_jobs_that_end_while_nobody_listens_are_not_run_again(
    engine: Engine, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = start()
    eventually(lambda: len([*tmp_path.glob("runs.*")]) == 4)
    first.kill()
    first.wait()
    eventually(lambda: not engine.names())
    second = start()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert [(tmp_path / f"runs.{i}").read_text() for i in range(4)] == ["x\n"] * 4


def test_another_command_for_the_same_file_waits_until_the_old_one_is_gone(
    engine: Engine, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    def write(text: str) -> None:
        command = f"echo begin >> runs.1; trap 'echo end >> runs.1' EXIT; {text}"
        (tmp_path / "Workflowfile").write_text(
            f'rule one:\n    output: "o/1"\n    resources: mem_mb=64\n    shell: "{command}"\n'
        )

    write("sleep 20; echo old > {output}")
    first = start("o/1")
    eventually((tmp_path / "runs.1").exists)
    first.kill()
    first.wait()
    write("echo new > {output}")
    second = start("o/1")
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert (tmp_path / "runs.1").read_text().split() == ["begin", "end"] * 2
    assert (tmp_path / "o/1").read_text() == "new\n"


def test_ctrl_c_cancels_what_it_has_submitted_and_nothing_else(
    engine: Engine, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    end_another = engine.submit_another()
    run = start()
    eventually(lambda: [*tmp_path.glob("runs.*")])
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    try:
        assert run.returncode == 130, said
        eventually(lambda: engine.names() == ["another"])
        assert not [*tmp_path.glob("o/*")]
    finally:
        end_another()
    assert re.search(r"not run|interrupted", said), said


@pytest.mark.parametrize("engine", ENGINES[2:], ids=NAMES[2:], indirect=True)
def test_jobs_are_suspended_while_a_run_is_paused(
    engine: Engine, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    def is_suspended() -> bool:
        return " s " in engine.cluster.call("qstat", "-s", "rs").stdout

    run = start("--executor-option", "pause=suspend")
    eventually(lambda: len([*tmp_path.glob("runs.*")]) == 4)
    run.send_signal(signal.SIGUSR1)
    eventually(is_suspended)
    run.send_signal(signal.SIGUSR2)
    eventually(lambda: not is_suspended())
    _, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
