"""Fuzz for as long as you like: see README.md."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.fuzzing import failures, input_bytes  # noqa: E402 - found by the line above


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--show", action="store_true", help="print the inputs, test nothing")
    args = parser.parse_args()
    if args.show:
        for seed in range(args.first, args.first + args.inputs):
            sys.stdout.buffer.write(input_bytes(seed))
        return 0
    count = 0
    for done, failed in failures(args.first, args.inputs, args.processes):
        for seed, why in failed:
            count += 1
            print(f"{seed}: {why}", flush=True)
        if done % 100_000 == 0:
            print(f"{done:,} inputs, {count} failures", file=sys.stderr, flush=True)
    print(f"{args.inputs:,} inputs, {count} failures")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
