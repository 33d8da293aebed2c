"""flowc beside its peers: `python tests/bench/run.py [--quick] [--check] [CASE ...]`."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]
os.environ["PYTHONPATH"] = str(TESTS.parent)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed flowc has its bytecode

from bench.cases import CASES, Case, Target  # noqa: E402 - found by the lines above
from bench.measure import MIB, Contestant, run_rounds  # noqa: E402

IN_MEMORY, ROOM_BYTES = "/dev/shm", 4 << 30


def run_case(case: Case, where: Path, *, quick: bool) -> dict[str, Any]:
    """Measure one case; the result as JSON data."""
    contestants = case.contestants(where, quick)
    run_rounds(contestants, min(case.rounds, 3) if quick else case.rounds)
    by_name = {c.name: c for c in contestants}
    targets = case.quick_targets if quick else case.targets
    return {
        "case": case.name,
        "title": case.title,
        "quick": quick,
        "contestants": [_figures(c, contestants[0]) for c in contestants],
        "targets": [_judge(t, by_name) for t in targets],
    }


def _figures(contestant: Contestant, first: Contestant) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "name": contestant.name,
        "rounds": len(contestant.costs),
        "cpu_s": round(contestant.median("cpu_s"), 4),
        "wall_s": round(contestant.median("wall_s"), 4),
        "rss_mib": round(contestant.median("rss_bytes") / MIB, 1),
    }
    figures["cpu_ratio"] = round(first.median("cpu_s") / max(figures["cpu_s"], 1e-3), 2)
    figures["wall_ratio"] = round(first.median("wall_s") / max(figures["wall_s"], 1e-3), 2)
    return figures


def _judge(target: Target, by_name: dict[str, Contestant]) -> dict[str, Any]:
    value = target.value(by_name)
    return {
        "text": target.text,
        "value": None if value is None else round(value, 3),
        "limit": target.limit,
        "unit": target.unit,
        "ok": None if value is None else value <= target.limit,
    }


def show(result: dict[str, Any]) -> None:
    """The result as a table."""
    print(f"\n{result['case']}: {result['title']}" + (" (quick)" if result["quick"] else ""))
    print(f"  {'':18}{'CPU s':>9}{'wall s':>9}{'MiB':>8}{'CPU x':>8}{'wall x':>8}")
    for row in result["contestants"]:
        print(
            f"  {row['name']:18}{row['cpu_s']:9.3f}{row['wall_s']:9.3f}{row['rss_mib']:8.0f}"
            f"{row['cpu_ratio']:8.2f}{row['wall_ratio']:8.2f}"
        )
    for target in result["targets"]:
        verdict = {True: "ok", False: "MISSED", None: "no peer"}[target["ok"]]
        value = "-" if target["value"] is None else f"{target['value']:g}"
        limit = f"at most {target['limit']:g} {target['unit']}"
        print(f"  {verdict:7} {target['text']}: {value} ({limit})")
    sys.stdout.flush()


def in_memory() -> str | None:
    """A file system without a disk under it, if there is one with room. What a disk makes of
    thousands of new files depends on what it has been doing for a minute: by up to a half."""
    try:
        found = os.statvfs(IN_MEMORY)
    except OSError:
        return None
    return IN_MEMORY if found.f_bavail * found.f_frsize >= ROOM_BYTES else None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--quick", action="store_true", help="small workloads, few rounds")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--keep", metavar="DIR", help="make the workloads there and keep them")
    args = parser.parse_args(argv)
    if unknown := [name for name in args.cases if name not in CASES]:
        parser.error(f"no such case: {', '.join(unknown)}")
    results = []
    with tempfile.TemporaryDirectory(prefix="flowc-bench-", dir=in_memory()) as scratch:
        where = Path(args.keep or scratch).resolve()
        for name in args.cases or CASES:
            results.append(run_case(CASES[name], where, quick=args.quick))
            show(results[-1])
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=2) + "\n")
    missed = [t for result in results for t in result["targets"] if t["ok"] is False]
    print(f"\n{len(missed)} missed" if missed else "\nno target missed")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
