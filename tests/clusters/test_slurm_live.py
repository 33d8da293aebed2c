"""Jobs on a real Slurm: how they end, what is said of them, and what disturbs them."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clusters import Cluster
from support.gridruns import QUICK, Story, task
from support.processes import outermost

from flowc.executors.grid.base import Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.slurm import Slurm
from flowc.units import MIB

pytestmark = pytest.mark.slow


@pytest.fixture
def story(slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "it's 5% of a place"
    place.mkdir()
    monkeypatch.chdir(place)
    executor = GridExecutor(Commands(Slurm()), Settings(pace=QUICK))
    yield Story(executor)
    executor.close()


def batches() -> list[str]:
    return sorted(path.name for path in Path(".flowc/grid").glob("*/*"))


def test_how_jobs_end_and_what_they_use(story: Story) -> None:
    hog = "exec python3 -c 'import time; b = bytearray(300 << 20); time.sleep(60)'"
    tasks = [
        task(0, "echo to the log"),
        task(1, "exit 3"),
        task(2, "kill -9 $$"),
        task(3, hog),
        task(4, hog, memory_limit_bytes=100 * MIB),
        task(5, "sleep 60", limit_s=1.0),
        task(6, "true", memory_bytes=1 << 50),
        task(7, "b=$(seq 300000); echo ${#b}"),
    ]
    ends = story.run(tasks)
    assert [(e.exit_code, e.cause) for e in ends] == [
        (0, ""),
        (3, ""),
        (137, ""),
        (137, "oom"),  # by Slurm, which kills the wrapper as well
        (137, "oom"),  # by the wrapper
        (143, "time-limit"),
        (126, "not-started"),
        (0, ""),
    ]
    assert Path("0.log").read_text() == "to the log\n"
    assert "memory limit" in Path("3.log").read_text()
    assert "slurm: " in Path("6.log").read_text()
    assert ends[7].cpu_s and ends[7].peak_rss_bytes and 0 < ends[7].wall_s < 30
    assert 1.0 <= ends[5].wall_s < 10
    assert re.fullmatch(r"\d+_1", story.started[0].external_id)
    assert story.started[0].host


def test_alike_jobs_are_one_array_and_those_tried_again_keep_their_numbers(story: Story) -> None:
    assert [e.exit_code for e in story.run([task(job, "exit 1") for job in range(12)])] == [1] * 12
    (first,) = batches()
    ids = [event.external_id for event in story.started.values()]
    assert len({id.partition("_")[0] for id in ids}) == 1
    story.started.clear()
    story.ended.clear()
    story.run([task(job, "exit 0", attempt=2) for job in (3, 5, 6, 11)])
    assert len(batches()) == 2 and first in batches()
    numbers = {job: int(e.external_id.partition("_")[2]) for job, e in story.started.items()}
    assert numbers == {3: 4, 5: 6, 6: 7, 11: 12}


def test_one_query_for_all_and_fewer_when_nothing_happens(story: Story) -> None:
    watcher = story.executor._watcher
    story.run([task(job, "sleep 4") for job in range(8)])
    assert 2 <= watcher.queries <= 16


def test_cancelled_by_somebody_else(slurm: Cluster, story: Story) -> None:
    command = "touch run.{0}; sleep 60"
    story.executor.submit([task(job, command.format(job)) for job in range(2)])
    story.executor.submit([task(2, "true", resources={}, cores=4, memory_bytes=3900 * MIB)])
    story.started_files(Path("run.0"), Path("run.1"))
    story.until(lambda: {0, 1} <= story.started.keys())
    slurm.call("scancel", story.started[1].external_id)
    (end,) = story.end(1)
    assert (end.exit_code, end.cause) == (143, "cancelled-elsewhere")
    story.executor.cancel([story.ended[1].job, task(0, "").job])
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (143, "cancelled")


def test_what_waits_is_cancelled_at_once(slurm: Cluster, story: Story) -> None:
    slurm.call("scontrol", "update", "partition=main", "state=down")
    try:
        story.executor.submit([task(job, "touch never") for job in range(3)])
        story.until(lambda: slurm.call("squeue", "-h", "-o", "%j").stdout.count("f"))
        story.executor.cancel([task(0, "").job])
        (end,) = story.end(0)
        assert (end.exit_code, end.cause) == (143, "cancelled")
        (name,) = batches()
        slurm.call("scancel", f"--name={name}")
        assert [e.cause for e in story.end(1, 2)] == ["cancelled-elsewhere"] * 2
    finally:
        slurm.call("scontrol", "update", "partition=main", "state=up")
    assert not Path("never").exists()


def test_requeued_by_somebody_else_never_runs_on_what_is_half(slurm: Cluster, story: Story) -> None:
    story.executor.submit([task(0, "echo x >> runs; sleep 60")])
    story.started_files(Path("runs"))
    story.until(lambda: 0 in story.started)
    id = story.started[0].external_id
    slurm.call("scontrol", "update", f"JobId={id}", "Requeue=1")
    assert slurm.call("scontrol", "requeue", id).returncode == 0
    assert story.end(0)[0].cause == "requeued"
    assert Path("runs").read_text() == "x\n"
    story.until(lambda: not slurm.call("squeue", "-h", "-o", "%j").stdout.count(batches()[0]))


def test_suspended_and_held_jobs_go_on_later(slurm: Cluster, story: Story) -> None:
    slurm.call("scontrol", "update", "partition=main", "state=down")
    try:
        story.executor.submit([task(0, "touch up; sleep 3")])
        story.until(lambda: slurm.call("squeue", "-h", "-o", "%j").stdout.count(batches()[0]))
        id = slurm.call("squeue", "-h", "-o", "%F", f"--name={batches()[0]}").stdout.strip()
        assert slurm.call("scontrol", "hold", id).returncode == 0
    finally:
        slurm.call("scontrol", "update", "partition=main", "state=up")
    story.wait(QUICK.lost_s + 1)
    assert not story.started
    slurm.call("scontrol", "release", id)
    story.started_files(Path("up"))
    story.until(lambda: 0 in story.started)
    assert slurm.call("scontrol", "suspend", story.started[0].external_id).returncode == 0
    story.wait(1.5)
    assert slurm.call("scontrol", "resume", story.started[0].external_id).returncode == 0
    assert story.end(0)[0].exit_code == 0


def test_a_wrapper_that_is_killed(slurm: Cluster, story: Story) -> None:
    story.executor.submit([task(0, "echo $$ > own; exec sleep 60")])
    story.started_files(Path("own"))
    story.until(lambda: Path("own").read_text().endswith("\n"))
    os.kill(outermost(f"{batches()[0]}\0".encode()), signal.SIGKILL)
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (137, "signal")
    own = int(Path("own").read_text())
    story.until(lambda: not Path(f"/proc/{own}/exe").exists())
