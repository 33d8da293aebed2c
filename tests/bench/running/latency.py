"""How soon after a job's end the next job starts, and how memory grows with the number of jobs.

    python tests/bench/running/latency.py [--jobs 3000] [--cores 2]

Runs jobs `touch FILE` and reads the event log: from the moment at which flowc has noticed an end to
the start of the next process. The target is 5 ms at the median.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from flowc.events import JobEnded, JobStarted  # noqa: E402 - found by the line above
from flowc.record.log import list_runs, read_log  # noqa: E402 - as above

TARGET_S = 0.005


def run(directory: Path, jobs: int, cores: int) -> int:
    """Run the jobs; flowc's own peak memory in bytes."""
    (directory / "Workflowfile").write_text(
        f'rule all:\n    input: expand("o/{{n}}", n=range({jobs}))\n'
        'rule o:\n    output: "o/{n}"\n    shell: "touch {output}"\n'
    )
    command = [sys.executable, "-m", "flowc", "run", "--cores", str(cores), "-q"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=directory, env=env)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the run has failed")
    return used.ru_maxrss * 1024


def latencies(directory: Path) -> list[float]:
    """In seconds, one for each end that another start has followed."""
    found = []
    ended_s: float | None = None
    for event in read_log(list_runs(str(directory))[-1]):
        if isinstance(event, JobEnded):
            ended_s = event.at_s
        elif isinstance(event, JobStarted) and ended_s is not None:
            found.append(event.at_s - ended_s)
            ended_s = None
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--cores", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        peak_bytes = run(Path(place), args.jobs, args.cores)
        found = latencies(Path(place))
    median_s = statistics.median(found)
    slow_s = statistics.quantiles(found, n=20)[-1]
    print(f"{args.jobs:,} jobs on {args.cores} cores; peak memory {peak_bytes / 2**20:.0f} MiB")
    print(
        f"from an end to the next start: median {median_s * 1e3:.2f} ms, 95 % {slow_s * 1e3:.2f} ms"
    )
    return int(median_s > TARGET_S)


if __name__ == "__main__":
    sys.exit(main())
