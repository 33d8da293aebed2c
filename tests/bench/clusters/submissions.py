"""How fast jobs come into the queues of real engines, and what a job costs beside its command.

    tests/clusters/slurm-up; tests/clusters/sge-up
    PYTHONPATH=.:tests python tests/bench/clusters/submissions.py [--jobs 1000] [--single 100]

Targets: arrays at least 20 times as fast as one call of `sbatch` or `qsub` for each job, and at
most 40 ms of CPU time for what runs beside each command on its node. An engine that does not
answer is left out. Jobs are submitted held, and cancelled.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.clusters import BASE
from support.fakequeue import FakeQueue

from flowc.events import JobEnded, Notice
from flowc.executors.base import Task
from flowc.executors.drmaa import DrmaaQueue
from flowc.executors.grid.base import Batch, Queue, Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine
from flowc.executors.slurm import Slurm
from flowc.ids import JobId
from flowc.site import Site
from flowc.units import MIB

TIMES_AS_FAST = 20.0
MOST_CPU_S = 0.040
HELD = Site({"options": ["-h"]})


@dataclass(frozen=True)
class Engine:
    """How one is asked. All is submitted held, and nothing of it ever runs."""

    name: str
    cluster: str  # of `support.clusters`
    queue: Callable[[], Queue]
    single: tuple[str, ...]  # submits one job, and prints its id
    cancel: str
    answers: str  # a query that fails where there is none


QSUB = ("qsub", "-terse", "-h", "-l", "h_vmem=64M", "-o", "/dev/null", "-j", "y", "-b", "y", "true")
ENGINES = (
    Engine(
        "slurm", "slurm", lambda: Commands(Slurm(["--hold"])),
        ("sbatch", "--parsable", "--hold", "--mem=64M", "--output=/dev/null", "--wrap=true"),
        "scancel", "squeue -h",
    ),
    Engine(
        "sge", "sge", lambda: Commands(GridEngine(HELD)), QSUB, "qdel", "qstat",
    ),
    Engine("drmaa", "sge", lambda: DrmaaQueue(HELD), QSUB, "qdel", "qstat"),
)  # fmt: skip


class Counted:
    """A queue that counts what it has taken."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.taken = self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def submit(self, batch: Batch) -> str:
        id = self._queue.submit(batch)
        self.taken += len(batch.elements)
        self.calls += 1
        return id


def tasks(count: int) -> Iterator[Task]:
    for job in range(count):
        log = f"{job}.log"
        yield Task(JobId(job), 1, f"job {job}", ("true",), None, {}, 1, 64 * MIB, None, log)


def arrays_per_s(engine: Engine, count: int) -> tuple[float, int]:
    """Jobs in a second, from the tasks to the last id, and the calls that it has taken."""
    queue = Counted(engine.queue())
    executor = GridExecutor(queue, Settings())
    began_s = time.perf_counter()
    executor.submit([*tasks(count)])
    while queue.taken < count:
        for event in executor.wait(0.005):
            if isinstance(event, Notice) or event.kind == JobEnded.kind:
                raise SystemExit(f"{engine.name}: {event}")
    lasted_s = time.perf_counter() - began_s
    executor.close()
    return count / lasted_s, queue.calls


def singles_per_s(engine: Engine, count: int) -> float:
    """The same with one call for each job, without anything else."""
    ids = []
    began_s = time.perf_counter()
    for _ in range(count):
        done = subprocess.run(engine.single, stdout=subprocess.PIPE, text=True, check=True)
        ids.append(done.stdout.strip())
    lasted_s = time.perf_counter() - began_s
    subprocess.run([engine.cancel, *ids], stdout=subprocess.DEVNULL, check=True)
    return count / lasted_s


def cpu_per_job_s(count: int) -> list[float]:
    """CPU time of each job's script whose command is `true`."""
    queue = FakeQueue()
    queue.holds = True
    executor = GridExecutor(queue, Settings())
    executor.submit([*tasks(count)])
    while not queue.batches:
        executor.wait(0.05)
    (batch,) = queue.batches.values()
    found = []
    for number in batch.elements:
        env = {**os.environ, "FAKE_ELEMENT": str(number), "FAKE_JOB": "1", "FAKE_RESTARTS": "0"}
        process = subprocess.Popen(["/bin/sh", batch.script], env=env)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("a job has failed")
        found.append(used.ru_utime + used.ru_stime)
    for number in batch.elements:
        queue.cancelled.add(("1", number))
    return found


def use_cluster(name: str) -> None:
    """Let programs find the cluster of the tests, if there is one."""
    env = BASE / f"{name}-tests/env"
    if env.exists():
        for line in env.read_text().splitlines():
            variable, _, value = line.partition("=")
            if variable == "FLOWC_TESTS_PATH":
                os.environ["PATH"] = f"{value}:{os.environ['PATH']}"
            else:
                os.environ[variable] = value


def compare(engine: Engine, single: int, jobs: int) -> bool:
    use_cluster(engine.cluster)
    if subprocess.run(["sh", "-c", engine.answers], capture_output=True).returncode:
        print(f"{engine.name} does not answer: submissions are not measured")
        return True
    one = singles_per_s(engine, single)
    many, calls = arrays_per_s(engine, jobs)
    word = "call" if calls == 1 else "calls"
    print(
        f"{engine.name}: one call for each of {single} jobs: {one:,.0f} jobs/s; "
        f"{jobs:,} jobs as arrays, in {calls} {word}: {many:,.0f} jobs/s; {many / one:.0f} times"
    )
    return many >= TIMES_AS_FAST * one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--single", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        median_s = statistics.median(cpu_per_job_s(25))
        print(f"beside a command: {1000 * median_s:.0f} ms of CPU time (25 jobs, median)")
        is_well = [compare(engine, args.single, args.jobs) for engine in ENGINES]
        os.chdir(Path(place).parent)
    return 0 if all(is_well) and median_s <= MOST_CPU_S else 1


if __name__ == "__main__":
    sys.exit(main())
