"""What it costs to look at jobs: flowc's own CPU time with time series, and without.

    PYTHONPATH=. python tests/bench/measuring/cost.py [--jobs 16] [--processes 4] [--seconds 60]

The same jobs, each a tree of processes that sleep, run under `flowc run` and under `flowc profile`.
What each flowc process itself has used, without its children, is what the kernel says of it; the
difference by the time is the sampler's share of a core. Exit code 1 if that is above a hundredth.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

MOST_CORES = 0.01

RUN = """
import json, resource, sys, time
from flowc.cli.main import main
began_s = time.monotonic()
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, used.ru_utime + used.ru_stime, time.monotonic() - began_s]))
"""


def used_s(directory: Path, words: list[str], cores: int) -> tuple[float, float]:
    """CPU seconds of flowc's own process, and how long it ran."""
    argv = [sys.executable, "-c", RUN, *words, "--cores", str(cores), "--mem", "9999", "-q", "-F"]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(argv, cwd=directory, env=env, capture_output=True, text=True, check=True)
    code, cpu_s, wall_s = json.loads(done.stdout.splitlines()[-1])
    if code:
        raise SystemExit(done.stderr)
    return cpu_s, wall_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--processes", type=int, default=4, help="of each, its shell among them")
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    sleepers = " ".join([f"sleep {args.seconds} &"] * (args.processes - 1))
    text = (
        f'rule all:\n    input: expand("{{n}}.txt", n=range({args.jobs}))\n'
        f'rule one:\n    output: "{{n}}.txt"\n    shell: "{sleepers} wait; touch {{output}}"\n'
    )
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "Workflowfile").write_text(text)
        plain_s, _ = used_s(directory, ["run"], args.jobs)
        looked_s, wall_s = used_s(directory, ["profile", "-o", "p.json"], args.jobs)
        (run,) = json.loads((directory / "p.json").read_text())["runs"]
    looks = [len(attempt["series"]["t_s"]) for attempt in run["attempts"]]
    seen = sorted({attempt["processes_peak"] for attempt in run["attempts"]})
    share = (looked_s - plain_s) / wall_s
    print(
        f"{args.jobs} jobs of {seen} processes, {wall_s:.0f} s, at least {min(looks)} moments kept"
    )
    print(f"flowc run {plain_s:.3f} s CPU, flowc profile {looked_s:.3f} s: {share:.2%} of a core")
    return int(share > MOST_CORES)


if __name__ == "__main__":
    raise SystemExit(main())
