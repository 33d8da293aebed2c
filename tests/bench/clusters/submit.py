"""How many jobs a second get into Slurm's queue: flowc's driver, and one `sbatch` for each job.

python tests/bench/clusters/submit.py [JOBS]       needs `sbatch`; no job runs: all begin tomorrow
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from flowc.executors.base import Task
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.slurm import Slurm
from flowc.ids import JobId
from flowc.units import MIB

TARGET = 20.0
LATER = "--begin=now+1day"


def queued(user: str) -> int:
    argv = ["squeue", "-h", "-r", "-u", user, "-t", "pending", "-o", "%i"]
    return len(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())


def by_driver(count: int, user: str) -> float:
    """Seconds until all stand in the queue. Cancels them at the end."""
    executor = GridExecutor(Commands(Slurm([LATER])))
    before = queued(user)
    tasks = [
        Task(JobId(n), 1, f"job {n}", ("true",), None, {}, 1, 64 * MIB, 60.0, f"{n}.log")
        for n in range(count)
    ]
    began_s = time.perf_counter()
    executor.submit(tasks)
    while queued(user) < before + count:
        executor.wait(0.01)
    took_s = time.perf_counter() - began_s
    executor.close()
    return took_s


def one_by_one(count: int, user: str) -> float:
    before = queued(user)
    argv = ["sbatch", "--parsable", "--mem=64M", "--time=1", "-o", "/dev/null", LATER]
    argv += ["--job-name=one-by-one", "--wrap", "true"]
    began_s = time.perf_counter()
    for _ in range(count):
        subprocess.run(argv, check=True, capture_output=True)
    while queued(user) < before + count:
        time.sleep(0.01)
    took_s = time.perf_counter() - began_s
    subprocess.run(["scancel", "--name=one-by-one"], check=True)
    return took_s


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("jobs", nargs="?", type=int, default=4000)
    count = parser.parse_args().jobs
    user = str(os.getuid())
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        arrays = count / by_driver(count, user)
        few = max(50, count // 20)
        single = few / one_by_one(few, user)
        os.chdir("/")
    print(f"arrays         {arrays:9.0f} jobs/s   ({count} jobs)")
    print(f"one by one     {single:9.0f} jobs/s   ({few} jobs)")
    print(f"ratio          {arrays / single:9.1f}          (target: {TARGET:g})")
    return 0 if arrays / single >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
