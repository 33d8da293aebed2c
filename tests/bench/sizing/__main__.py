"""How much memory is wasted: `python tests/bench/sizing --traces DIR`; `--check`, `--tune`."""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from bench.sizing.methods import CAREFUL, CONFORMAL, METHODS, OURS, PEAK, TOVAR  # noqa: E402
from bench.sizing.protocol import (  # noqa: E402
    COLD,
    OFFLINE,
    ONLINE,
    REGIMES,
    SEEDS,
    Result,
    Workflow,
    arrange,
    judge,
    read_traces,
)
from bench.sizing.schedule import Oracle, bound_s, makespan_s  # noqa: E402
from bench.sizing.tuning import tune  # noqa: E402

TARGETS = {ONLINE: 0.085, OFFLINE: 0.10, COLD: 0.34}
MOST_FAILING, FEW_FAILING = 0.04, 0.01
Results = dict[str, dict[str, Result]]  # by method, by regime


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench/sizing", description=__doc__)
    parser.add_argument("--traces", default=os.environ.get("FLOWC_TRACES"), help="the CSV files")
    parser.add_argument("--failed-share", type=float, default=1.0, help="run time of the killed")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a target is missed")
    parser.add_argument("--tune", action="store_true", help="with other numbers, too; a minute")
    parser.add_argument("--json", help="write the figures there")
    args = parser.parse_args()
    if not args.traces:
        parser.error("name the traces: --traces DIR, or FLOWC_TRACES (see the README)")
    traces = read_traces(Path(args.traces))
    if not traces:
        parser.error(f"there are no traces (*.csv) in {args.traces}")
    print(f"{len(traces)} workflows: {', '.join(traces)}\n")
    results = run_methods(traces, args.failed_share)
    decision_s, longest_s = time_decisions(traces)
    print(f"\na decision: {1e3 * decision_s:.3f} ms, the longest {1e3 * longest_s:.3f} ms")
    print("(CPU; with all that it takes to learn from each task that ends)")
    makespans = run_schedules(traces)
    checks = check(results, longest_s, makespans)
    if args.tune:
        least, most, unseen = tune(traces)
        print(f"offline, 12 shuffles: {least:.3f} to {most:.3f}, tuned on others {unseen:.3f}")
        most_waste = TARGETS[OFFLINE]
        checks[f"offline, tuned on others: at most {most_waste}"] = unseen <= most_waste
    for what, ok in checks.items():
        print(f"{'met   ' if ok else 'MISSED'} {what}")
    if args.json:
        data = to_data(results, makespans, checks, decision_s)
        Path(args.json).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 1 if args.check and not all(checks.values()) else 0


def run_methods(traces: dict[str, Workflow], failed_share: float) -> Results:
    print(f"{'waste / used, failing':28}" + "".join(f"{regime:>18}" for regime in REGIMES))
    results: Results = {}
    for name, make in METHODS.items():
        found = {r: judge(traces, make, r, SEEDS, failed_share) for r in REGIMES}
        results[name] = found
        cells = "".join(f"{r.ratio:10.3f} {r.fails:6.1%} " for r in found.values())
        print(f"{name:28}{cells}", flush=True)
    print("\nby workflow" + " " * 17 + "".join(f"{regime:>24}" for regime in REGIMES))
    print(" " * 28 + "".join(" " + "".join(f"{w[:7]:>8}" for w in traces)[1:] for _ in REGIMES))
    for name in (PEAK, CONFORMAL, TOVAR, OURS, CAREFUL):
        rows = results[name].values()
        print(f"{name:28}" + "".join(f"{v:8.3f}" for r in rows for v in r.ratios.values()))
    return results


def time_decisions(traces: dict[str, Workflow]) -> tuple[float, float]:
    """CPU seconds of a decision, learning from each task that ends: the mean and the longest, of
    three times the shortest, as the machine may do something else meanwhile."""
    rounds = [list(_decisions(traces)) for _ in range(3)]
    each = [min(times) for times in zip(*rounds, strict=True)]
    return sum(each) / len(each), max(each)


def _decisions(traces: dict[str, Workflow]) -> Iterator[float]:
    for workflow in traces.values():
        for rule, tasks in workflow.items():
            method = METHODS[OURS]()
            for task in arrange(rule, tasks, COLD, 0)[0]:
                started = time.thread_time()
                method.request(task, 1, 0.0)
                method.learn(task)
                yield time.thread_time() - started


Makespans = dict[int, dict[str, float]]


def run_schedules(traces: dict[str, Workflow]) -> Makespans:
    """Makespan over the bound, geometric means over workflows and seeds, by cores and method."""
    ways: dict[str, tuple[Any, bool]] = {
        "the authors' presets": (METHODS["the authors' presets"], False),
        "Witt, percentile": (METHODS["Witt, percentile"], False),
        "peak so far x 1.1": (METHODS["peak so far x 1.1"], False),
        "peak so far x 1.1, as run": (METHODS["peak so far x 1.1"], True),
        OURS: (METHODS[OURS], False),
        f"{OURS}, as run": (METHODS[OURS], True),
        f"{CAREFUL}, as run": (METHODS[CAREFUL], True),
        "an oracle": (Oracle, False),
    }
    print(f"\n{'makespan / bound, 128 GB':34}{'32 cores':>10}{'64 cores':>10}")
    found: Makespans = {32: {}, 64: {}}
    for name, (make, as_run) in ways.items():
        for cores, column in found.items():
            logs = [
                math.log(
                    makespan_s(workflow, make, cores, seed, as_run=as_run)
                    / bound_s(workflow, cores, seed)
                )
                for workflow in traces.values()
                for seed in SEEDS
            ]
            column[name] = math.exp(sum(logs) / len(logs))
        print(f"{name:34}{found[32][name]:10.3f}{found[64][name]:10.3f}", flush=True)
    print()
    return found


def check(results: Results, longest_s: float, makespans: Makespans) -> dict[str, bool]:
    """Targets, in words, and whether they are met."""
    checks: dict[str, bool] = {}
    ours, careful = results[OURS], results[CAREFUL]
    for regime, most in TARGETS.items():
        result = ours[regime]
        checks[f"{regime}: waste / used at most {most}"] = result.ratio <= most
        checks[f"{regime}: at most 4 % fail"] = result.fails <= MOST_FAILING
        checks[f"{regime}: careful, under 1 % fail"] = careful[regime].fails < FEW_FAILING
        for name in (TOVAR, PEAK, CONFORMAL):
            other = results[name][regime]
            checks[f"{regime}: a quarter less than {name}"] = result.ratio <= 0.75 * other.ratio
            worst = max(result.ratios[w] / other.ratios[w] for w in result.ratios)
            checks[f"{regime}: nowhere 5 % more than {name}"] = worst <= 1.05
    checks["each decision within 1 ms"] = longest_s < 1e-3
    for cores, column in makespans.items():
        near = column[f"{OURS}, as run"] <= 1.03 * column["an oracle"]
        checks[f"{cores} cores: within 3 % of an oracle"] = near
    return checks


def to_data(
    results: Results, makespans: Makespans, checks: dict[str, bool], decision_s: float
) -> dict[str, Any]:
    return {
        "methods": {
            name: {
                regime: {"ratio": r.ratio, "fails": r.fails, **r._asdict()}
                for regime, r in found.items()
            }
            for name, found in results.items()
        },
        "makespan_by_bound": makespans,
        "decision_s": decision_s,
        "checks": checks,
    }


if __name__ == "__main__":
    raise SystemExit(main())
