"""A real Slurm that is killed, frozen and started again while jobs are in its hands."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clusters import Cluster, eventually
from support.gridruns import QUICK, Story, task

from flowc.executors.grid.base import Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.slurm import Slurm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("lone_cluster", ["slurm"], indirect=True),
]


@pytest.fixture
def make_story(
    lone_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Story]]:
    for name, value in lone_cluster.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made: list[GridExecutor] = []

    def make() -> Story:
        made.append(GridExecutor(Commands(Slurm()), Settings(pace=QUICK)))
        return Story(made[-1])

    yield make
    lone_cluster.up()
    for executor in made:
        executor.close()


def test_a_controller_that_is_killed_and_started_again(
    lone_cluster: Cluster, make_story: Callable[[], Story]
) -> None:
    """What runs ends well meanwhile, and is heard of; what is new is submitted later, once."""
    story = make_story()
    story.executor.submit([task(0, "touch up; sleep 3; echo x >> runs.0")])
    story.started_files(Path("up"))
    time.sleep(2.5)  # what it was told in the last two seconds, it may forget
    lone_cluster.kill("controller")
    story.executor.submit([task(1, "echo x >> runs.1")])
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (0, "")
    story.until(lambda: any(notice.code == "no-answer" for notice in story.notices))
    lone_cluster.up()
    (end,) = story.end(1)
    assert (end.exit_code, end.cause) == (0, "")
    assert [notice.code for notice in story.notices] == ["no-answer", "answers-again"]
    assert [Path(f"runs.{job}").read_text() for job in (0, 1)] == ["x\n", "x\n"]


def test_a_submission_whose_answer_is_lost_is_found_by_its_name(
    lone_cluster: Cluster, make_story: Callable[[], Story]
) -> None:
    """A frozen controller queues what it has not answered, and runs it later."""
    story = make_story()
    controller = lone_cluster.pid("controller")
    os.kill(controller, signal.SIGSTOP)
    try:
        story.executor.submit([task(job, f"echo x >> runs.{job}") for job in range(3)])
        story.until(lambda: any(notice.code == "no-answer" for notice in story.notices), 120)
    finally:
        os.kill(controller, signal.SIGCONT)
    assert [end.cause for end in story.end(0, 1, 2, timeout_s=120)] == [""] * 3
    names = {path.name for path in Path(".flowc/grid").glob("*/*")}
    assert len(names) == 1, "it was not submitted a second time"
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
def start(lone_cluster: Cluster, tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    (tmp_path / "Workflowfile").write_text(WORKFLOW)
    root = Path(__file__).resolve().parents[2]
    env = lone_cluster.env | {"PYTHONPATH": str(root), "NO_COLOR": "1"}

    def call(*words: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "flowc", "run", "--executor", "slurm", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=tmp_path, env=env, text=True, stdout=pipe, stderr=pipe)

    return call


def names_in_queue(cluster: Cluster) -> list[str]:
    return cluster.call("squeue", "-h", "-r", "-o", "%j").stdout.split()


def test_flowc_is_killed_and_goes_on(
    lone_cluster: Cluster, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
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
    assert not [*tmp_path.glob(".flowc/executors/slurm/*")], "nothing is left"


def test_jobs_that_end_while_nobody_listens_are_not_run_again(
    lone_cluster: Cluster, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = start()
    eventually(lambda: len([*tmp_path.glob("runs.*")]) == 4)
    first.kill()
    first.wait()
    eventually(lambda: not names_in_queue(lone_cluster))
    second = start()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert [(tmp_path / f"runs.{i}").read_text() for i in range(4)] == ["x\n"] * 4


def test_another_command_for_the_same_file_waits_until_the_old_one_is_gone(
    lone_cluster: Cluster, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = start("o/1")
    eventually(lambda: (tmp_path / "runs.1").exists())
    first.kill()
    first.wait()
    (tmp_path / "Workflowfile").write_text(WORKFLOW.replace("sleep 4", "sleep 1; echo new"))
    second = start("o/1")
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    (old, new) = lone_cluster.call(
        "squeue", "-h", "-t", "all", "-S", "i", "-o", "%T", "--me"
    ).stdout.split()[-2:]
    assert (old, new) == ("CANCELLED", "COMPLETED")


def test_ctrl_c_cancels_what_it_has_submitted_and_nothing_else(
    lone_cluster: Cluster, tmp_path: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    other = lone_cluster.call("sbatch", "--parsable", "-o/dev/null", "--wrap", "sleep 300")
    run = start()
    eventually(lambda: [*tmp_path.glob("runs.*")])
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    try:
        assert run.returncode == 130, said
        assert names_in_queue(lone_cluster) == ["wrap"]
        assert not [*tmp_path.glob("o/*")]
    finally:
        lone_cluster.call("scancel", other.stdout.strip())
    assert re.search(r"not run|interrupted", said), said
