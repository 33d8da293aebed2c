"""How fast jobs come into a real Slurm's queue, and what a job costs beside its command.

    tests/clusters/slurm-up
    PYTHONPATH=.:tests python tests/bench/clusters/submissions.py [--jobs 1000] [--single 100]

Targets: arrays at least 20 times as fast as one call of `sbatch` for each job, and at most 40 ms of
CPU time for what runs beside each command on its node. Where no Slurm answers, the first is left
out. Jobs are submitted held, and cancelled.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from support.clusters import BASE
from support.fakequeue import FakeQueue

from flowc.events import Notice
from flowc.executors.base import Task
from flowc.executors.grid.base import Batch, Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.slurm import Slurm
from flowc.ids import JobId
from flowc.units import MIB

TIMES_AS_FAST = 20.0
MOST_CPU_S = 0.040


class Counted(Commands):
    """Slurm's queue, which counts what it has taken."""

    taken = 0
    calls = 0

    def submit(self, batch: Batch) -> str:
        id = super().submit(batch)
        self.taken += len(batch.elements)
        self.calls += 1
        return id


def tasks(count: int) -> Iterator[Task]:
    for job in range(count):
        log = f"{job}.log"
        yield Task(JobId(job), 1, f"job {job}", ("true",), None, {}, 1, 64 * MIB, None, log)


def arrays_per_s(count: int) -> tuple[float, int]:
    """Jobs in a second, from the tasks to the last id, and the calls that it has taken."""
    queue = Counted(Slurm(["--hold"]))
    executor = GridExecutor(queue, Settings())
    began_s = time.perf_counter()
    executor.submit([*tasks(count)])
    while queue.taken < count:
        for event in executor.wait(0.005):
            if isinstance(event, Notice):
                raise SystemExit(event.message)
    lasted_s = time.perf_counter() - began_s
    executor.close()
    return count / lasted_s, queue.calls


def singles_per_s(count: int) -> float:
    """The same with one call for each job, without anything else."""
    argv = ["sbatch", "--parsable", "--hold", "--mem=64M", "--output=/dev/null", "--wrap=true"]
    ids = []
    began_s = time.perf_counter()
    for _ in range(count):
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
        ids.append(done.stdout.strip())
    lasted_s = time.perf_counter() - began_s
    subprocess.run(["scancel", *ids], check=True)
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--single", type=int, default=100)
    args = parser.parse_args()
    env = BASE / "slurm-tests/env"
    if env.exists():
        for line in env.read_text().splitlines():
            name, _, value = line.partition("=")
            os.environ[name] = value
    is_well = True
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        costs_s = cpu_per_job_s(25)
        median_s = statistics.median(costs_s)
        print(f"beside a command: {1000 * median_s:.0f} ms of CPU time (25 jobs, median)")
        is_well &= median_s <= MOST_CPU_S
        if subprocess.run(["sh", "-c", "squeue -h"], capture_output=True).returncode:
            print("no Slurm answers: submissions are not measured")
        else:
            single = singles_per_s(args.single)
            many, calls = arrays_per_s(args.jobs)
            print(f"one call for each of {args.single} jobs: {single:,.0f} jobs/s")
            word = "call" if calls == 1 else "calls"
            print(f"{args.jobs:,} jobs as arrays, in {calls} {word}: {many:,.0f} jobs/s")
            print(f"{many / single:.0f} times as fast")
            is_well &= many >= TIMES_AS_FAST * single
        os.chdir(Path(place).parent)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
