"""Real engines that lose what they knew: their jobs, or a node with all that ran on it."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.clusters import Cluster, alone
from support.gridruns import QUICK, Story, task
from support.processes import outermost

from flowc.executors.grid.base import Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine
from flowc.executors.slurm import Slurm

pytestmark = pytest.mark.slow
DIALECTS: dict[str, Callable[[], Slurm | GridEngine]] = {"slurm": Slurm, "sge": GridEngine}


@pytest.fixture(params=DIALECTS)
def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with alone(request.param) as found:
        for name, value in found.env.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def story(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.chdir(tmp_path)
    executor = GridExecutor(Commands(DIALECTS[cluster.name]()), Settings(pace=QUICK))
    yield Story(executor)
    cluster.up()
    executor.close()


def batch() -> str:
    (path,) = Path(".flowc/grid").glob("*/*")
    return path.name


def open_queue(cluster: Cluster, is_open: bool) -> None:
    if cluster.name == "slurm":
        state = "state=up" if is_open else "state=down"
        cluster.call("scontrol", "update", "partition=main", state)
    else:
        cluster.call("qmod", "-e" if is_open else "-d", "all.q")


def submit_another(cluster: Cluster) -> str:
    """An array of somebody else's, with one element that takes long; its id."""
    if cluster.name == "slurm":
        words = ["sbatch", "--parsable", "-J", "another", "-a", "1", "-o", "/dev/null"]
        return cluster.call(*words, "--wrap", "sleep 300").stdout.strip()
    words = ["qsub", "-terse", "-b", "y", "-N", "another", "-t", "1-1", "-o", "/dev/null"]
    return cluster.call(*words, "-j", "y", "sleep", "300").stdout.partition(".")[0]


def ids_in_queue(cluster: Cluster) -> set[str]:
    if cluster.name == "slurm":
        return {*cluster.call("squeue", "-h", "-o", "%F").stdout.split()}
    return {line.split()[0] for line in cluster.call("qstat", "-u", "*").stdout.splitlines()[2:]}


def test_an_id_that_is_given_out_again_is_somebody_elses(cluster: Cluster, story: Story) -> None:
    """The engine has lost a job that waited, and gives its number to another."""
    cluster.forget()  # so that it begins to count
    open_queue(cluster, False)
    try:
        story.executor.submit([task(0, "touch never")])
        story.until(lambda: story.executor._watcher.queries)
        id = Commands(DIALECTS[cluster.name]()).find(batch())
        assert id is not None
        cluster.call(*{"slurm": ("scontrol", "hold"), "sge": ("qhold",)}[cluster.name], id)
    finally:
        open_queue(cluster, True)
    cluster.forget()
    others = [submit_another(cluster)]
    while others[-1] != id:
        assert len(others) < 50, (id, others)
        others.append(submit_another(cluster))
    # Slurm's accounting takes what its controller has lost for cancelled.
    assert story.end(0)[0].cause in ("vanished", "cancelled-elsewhere")
    story.executor.close()
    assert ids_in_queue(cluster) == {*others}
    cluster.empty()
    assert not Path("never").exists()


def test_a_nodes_daemon_is_killed_and_started_again(cluster: Cluster, story: Story) -> None:
    """The job goes on without it, and its end is heard of."""
    story.executor.submit(
        [task(0, "touch up; until [ -e go ]; do sleep 0.1; done; echo x >> runs")]
    )
    story.started_files(Path("up"))
    cluster.kill("node")
    Path("go").touch()
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (0, "")
    cluster.up()
    assert [end.cause for end in story.run([task(1, "echo y >> runs")])] == [""]
    assert Path("runs").read_text() == "x\ny\n"


def test_a_node_that_crashes(cluster: Cluster, story: Story) -> None:
    """Everything on it is gone at once. Grid Engine finds that out when it comes back; Slurm has
    patience (300 s without a word from the node), which is cut short here."""
    story.executor.submit([task(0, "touch up; sleep 300")])
    story.until(lambda: Path("up").exists() and 0 in story.started)
    wrapper = psutil.Process(outermost(f"{batch()}\0".encode()))
    keeper = wrapper.parent()
    assert keeper is not None
    all_of_it = [keeper, *keeper.children(recursive=True)]
    cluster.kill("node")
    for process in all_of_it:
        process.send_signal(signal.SIGKILL)
    if cluster.name == "slurm":
        cluster.call("scontrol", "update", "nodename=t1", "state=down", "reason=test")
    else:
        cluster.up()
    (end,) = story.end(0)
    assert end.exit_code != 0 and end.cause == "node-failure"


@pytest.mark.parametrize("cluster", ["slurm"], indirect=True)
def test_a_node_that_fails(cluster: Cluster, story: Story) -> None:
    story.executor.submit([task(0, "touch up; sleep 60")])
    story.started_files(Path("up"))
    node = cluster.call("squeue", "-h", "-o", "%N", f"--name={batch()}").stdout.strip()
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    try:
        assert story.end(0)[0].cause == "node-failure"
    finally:
        cluster.call("scontrol", "update", f"nodename={node}", "state=resume")


@pytest.mark.parametrize("cluster", ["sge"], indirect=True)
def test_what_cannot_be_started_is_not_left_in_the_queue(cluster: Cluster, story: Story) -> None:
    """Grid Engine keeps such a job in its queue, in error state, for somebody to look at."""
    prolog = Path("prolog")
    prolog.write_text("#!/bin/sh\nexit 100\n")
    prolog.chmod(0o755)
    link = Path(os.environ.get("TMPDIR", "/tmp")) / f"prolog-{os.getpid()}"
    link.symlink_to(prolog.resolve())
    cluster.call("qconf", "-mattr", "queue", "prolog", str(link), "all.q")
    try:
        story.executor.submit([task(0, "touch never")])
        assert story.end(0)[0].cause == "node-failure"
    finally:
        cluster.call("qconf", "-mattr", "queue", "prolog", "NONE", "all.q")
        link.unlink()
    story.until(lambda: batch()[:10] not in cluster.call("qstat", "-s", "prs").stdout)
    assert not Path("never").exists()
