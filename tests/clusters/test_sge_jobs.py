"""Jobs on a real Grid Engine: how they end, what is said of them, and what disturbs them."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clusters import Cluster
from support.gridruns import QUICK, Story, task
from support.processes import outermost

from flowc.dataclass import replace
from flowc.executors.drmaa import DrmaaQueue
from flowc.executors.grid.base import Queue, Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine
from flowc.units import MIB

pytestmark = pytest.mark.slow


QUEUES: dict[str, Callable[[], Queue]] = {
    "sge": lambda: Commands(GridEngine()),
    "drmaa": DrmaaQueue,
}
"""Two ways to one engine; most tests need one of them."""
BOTH = pytest.mark.parametrize("story", QUEUES, indirect=True)


@pytest.fixture(params=["sge"])
def story(
    request: pytest.FixtureRequest,
    sge: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Story]:
    for name, value in sge.env.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "it's 5% of a place"
    place.mkdir()
    monkeypatch.chdir(place)
    executor = GridExecutor(QUEUES[request.param](), Settings(pace=QUICK))
    yield Story(executor)
    executor.close()


def batch() -> str:
    (path,) = Path(".flowc/grid").glob("*/*")
    return path.name


@BOTH
def test_how_jobs_end_and_what_they_use(story: Story) -> None:
    hog = "python3 -c 'import time; b = bytearray(200 << 20); time.sleep(60)'"
    tasks = [
        task(0, "echo to the log"),
        task(1, "exit 3"),
        task(2, "kill -9 $$"),
        task(3, f"{hog} & {hog} & wait", kind="hog"),  # more than 256 MiB together
        task(4, f"exec {hog}", memory_limit_bytes=50 * MIB),
        task(5, "sleep 60", limit_s=1.0),
        task(6, "true", memory_bytes=1 << 50),
        task(7, "exit 100"),
        task(8, "exit 99"),
    ]
    ends = story.run(tasks)
    assert [(e.exit_code, e.cause) for e in ends] == [
        (0, ""),
        (3, ""),
        (137, ""),
        (143, "oom"),  # by Grid Engine
        (137, "oom"),  # by the wrapper
        (143, "time-limit"),
        (126, "not-started"),
        (100, ""),  # neither held
        (99, ""),  # nor started again
    ]
    assert Path("0.log").read_text() == "to the log\n"
    assert "no suitable queues" in Path("6.log").read_text()
    assert ends[0].cpu_s and ends[0].peak_rss_bytes and 0 < ends[0].wall_s < 30
    assert story.started[0].external_id.endswith(".1")
    assert story.started[0].host


def test_alike_jobs_are_one_array_and_so_are_those_tried_again(story: Story) -> None:
    assert [e.exit_code for e in story.run([task(job, "exit 1") for job in range(12)])] == [1] * 12
    assert len({e.external_id.partition(".")[0] for e in story.started.values()}) == 1
    story.started.clear()
    story.ended.clear()
    again = [task(job, "exit 0", attempt=2) for job in (3, 5, 6, 11)]
    assert [e.exit_code for e in story.run(again)] == [0] * 4
    ids = [event.external_id.split(".") for event in story.started.values()]
    assert len({id for id, _ in ids}) == 1 and sorted(n for _, n in ids) == ["1", "2", "3", "4"]


@BOTH
def test_deleted_by_somebody_else(sge: Cluster, story: Story) -> None:
    story.executor.submit([task(job, f"touch run.{job}; sleep 60") for job in range(3)])
    story.started_files(*(Path(f"run.{job}") for job in range(3)))
    story.until(lambda: len(story.started) == 3)
    sge.call("qdel", story.started[1].external_id)
    (end,) = story.end(1)
    assert (end.exit_code, end.cause) == (143, "cancelled-elsewhere")
    story.executor.cancel([task(0, "").job])
    assert story.end(0)[0].cause == "cancelled"
    assert 2 not in story.ended


def test_deleted_while_it_waits(sge: Cluster, story: Story) -> None:
    sge.call("qmod", "-d", "all.q")
    try:
        story.executor.submit([task(job, "touch never") for job in range(3)])
        story.until(lambda: sge.call("qstat", "-s", "p").stdout.count(" qw "))
        story.executor.cancel([task(0, "").job])
        (end,) = story.end(0)
        assert (end.exit_code, end.cause) == (143, "cancelled")
        sge.call("qdel", batch())
        assert [e.cause for e in story.end(1, 2)] == ["cancelled-elsewhere"] * 2
    finally:
        sge.call("qmod", "-e", "all.q")
    assert not Path("never").exists()


def test_suspended_and_held_jobs_go_on_later(sge: Cluster, story: Story) -> None:
    sge.call("qmod", "-d", "all.q")
    try:
        story.executor.submit([task(0, "touch up; sleep 3")])
        story.until(lambda: sge.call("qstat", "-s", "p").stdout.count(" qw "))
        sge.call("qhold", batch())
    finally:
        sge.call("qmod", "-e", "all.q")
    story.wait(QUICK.lost_s + 1)
    assert not story.started
    sge.call("qrls", batch())
    story.started_files(Path("up"))
    story.until(lambda: 0 in story.started)
    id = story.started[0].external_id
    assert sge.call("qmod", "-sj", id).returncode == 0
    story.wait(1.5)
    assert sge.call("qmod", "-usj", id).returncode == 0
    assert story.end(0)[0].exit_code == 0


@BOTH
def test_started_again_by_somebody_else_never_runs_on_what_is_half(
    sge: Cluster, story: Story
) -> None:
    """Jobs ask for not being started again; somebody who may takes that back. Whether a query sees
    it wait in between is a matter of chance: if none does, its node says so when it starts."""
    story.executor._pace = replace(QUICK, late_s=60.0)
    story.executor.submit([task(0, "echo x >> runs; sleep 60")])
    story.started_files(Path("runs"))
    story.until(lambda: 0 in story.started)
    id = story.started[0].external_id
    assert sge.call("qalter", "-r", "y", id.partition(".")[0]).returncode == 0
    assert sge.call("qmod", "-rj", id).returncode == 0
    assert story.end(0)[0].cause == "requeued"
    assert Path("runs").read_text() == "x\n"
    story.until(lambda: batch()[:10] not in sge.call("qstat", "-s", "prs").stdout)


def test_a_wrapper_that_is_killed(story: Story) -> None:
    story.executor.submit([task(0, "echo $$ > own; exec sleep 60")])
    story.started_files(Path("own"))
    story.until(lambda: Path("own").read_text().endswith("\n"))
    os.kill(outermost(f"{batch()}\0".encode()), signal.SIGKILL)
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (137, "signal")
    own = int(Path("own").read_text())
    story.until(lambda: not Path(f"/proc/{own}/exe").exists())
