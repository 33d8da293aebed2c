"""Fuzz for as long as you like: see README.md."""

import argparse
import os
import sys
import tempfile
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.fuzzing import input_bytes, survive  # noqa: E402 - found by the line above

CHUNK = 1000


def chunk(bounds: tuple[int, int]) -> list[tuple[int, str]]:
    """The seeds between two numbers that did not survive, and why."""
    failed = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as top:
        os.chdir(top)
        for seed in range(*bounds):
            try:
                survive(input_bytes(seed), Path(top, "Workflowfile"))
            except BaseException as error:
                failed.append((seed, f"{type(error).__name__}: {error}"[:200]))
        os.chdir("/")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--show", action="store_true", help="print the inputs, test nothing")
    args = parser.parse_args()
    end = args.first + args.inputs
    if args.show:
        for seed in range(args.first, end):
            sys.stdout.buffer.write(input_bytes(seed))
        return 0
    chunks = [(a, min(a + CHUNK, end)) for a in range(args.first, end, CHUNK)]
    count = done = 0
    with Pool(args.processes) as pool:
        for failed in pool.imap_unordered(chunk, chunks):
            done += 1
            for seed, why in failed:
                count += 1
                print(f"{seed}: {why}", flush=True)
            if done % 100 == 0:
                print(f"{done * CHUNK:,} inputs, {count} failures", file=sys.stderr, flush=True)
    print(f"{args.inputs:,} inputs, {count} failures")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
