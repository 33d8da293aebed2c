"""How much memory is wasted: `python tests/bench/sizing --traces DIR`; `--check`, `--no-tune`."""

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
from bench.sizing.schedule import AS_RUN, AT_REQUEST, Oracle, Rules, bound_s, makespan_s  # noqa: E402
from bench.sizing.tuning import Tuned, tune  # noqa: E402

TARGETS = {ONLINE: 0.085, OFFLINE: 0.10, COLD: 0.34}
MOST_FAILING, FEW_FAILING = 0.04, 0.01
Results = dict[str, dict[str, Result]]  # by method, by regime


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench/sizing", description=__doc__)
    parser.add_argument("--traces", default=os.environ.get("FLOWC_TRACES"), help="the CSV files")
    parser.add_argument("--failed-share", type=float, default=1.0, help="run time of the killed")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a target is missed")
    parser.add_argument("--no-tune", action="store_true", help="with no other numbers; sooner")
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
    tuned = {} if args.no_tune else run_tuning(traces, checks)
    for what, ok in checks.items():
        print(f"{'met   ' if ok else 'MISSED'} {what}")
    if args.json:
        data = to_data(results, makespans, checks, decision_s, tuned)
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
ORACLE = "an oracle"
NO_SLACK = AS_RUN._replace(slack=0.0)


def run_schedules(traces: dict[str, Workflow]) -> Makespans:
    """Makespan over the bound, geometric means over workflows and seeds, by cores and method."""
    ways: dict[str, tuple[Any, Rules]] = {
        ORACLE: (Oracle, AT_REQUEST),
        "the authors' presets": (METHODS["the authors' presets"], AT_REQUEST),
        "Witt, percentile": (METHODS["Witt, percentile"], AT_REQUEST),
        "peak so far x 1.1": (METHODS["peak so far x 1.1"], AT_REQUEST),
        "peak so far x 1.1, as run": (METHODS["peak so far x 1.1"], AS_RUN),
        f"{OURS}, as run": (METHODS[OURS], AS_RUN),
        f"{CAREFUL}, as run": (METHODS[CAREFUL], AS_RUN),
        f"{OURS}, as run, no slack": (METHODS[OURS], NO_SLACK),
        f"{OURS}, no slack, half-way": (METHODS[OURS], NO_SLACK._replace(ran_share=0.5)),
        f"{OURS}, at the request": (METHODS[OURS], AT_REQUEST),
    }
    print(f"\n{'makespan / bound (/ oracle), 128 GB':38}{'32 cores':>18}{'64 cores':>18}")
    found: Makespans = {32: {}, 64: {}}
    for name, (make, rules) in ways.items():
        cells = ""
        for cores, column in found.items():
            logs = [
                math.log(
                    makespan_s(workflow, make, cores, seed, rules) / bound_s(workflow, cores, seed)
                )
                for workflow in traces.values()
                for seed in SEEDS
            ]
            column[name] = math.exp(sum(logs) / len(logs))
            cells += f"{column[name]:10.3f} ({column[name] / column[ORACLE]:.3f})"
        print(f"{name:38}{cells}", flush=True)
    print()
    return found


def run_tuning(traces: dict[str, Workflow], checks: dict[str, bool]) -> dict[str, Tuned]:
    """What each workflow comes to with the numbers that are best for all the others."""
    print(f"{'waste / used, other shuffles':30}" + "".join(f"{r:>12}" for r in REGIMES))
    found = {regime: tune(traces, regime) for regime in REGIMES}
    rows = {
        "as it is": [t.as_set for t in found.values()],
        "the best of all settings": [t.least for t in found.values()],
        "the worst": [t.most for t in found.values()],
        "tuned on the others": [t.unseen for t in found.values()],
    }
    for workflow in traces:
        rows[f"  {workflow}, as it is"] = [t.by_workflow[workflow][0] for t in found.values()]
        rows[f"  {workflow}, tuned on the others"] = [
            t.by_workflow[workflow][1] for t in found.values()
        ]
    for name, row in rows.items():
        print(f"{name:30}" + "".join(f"{value:12.3f}" for value in row))
    print()
    for regime, tuned in found.items():
        most = TARGETS[regime]
        checks[f"{regime}, tuned on the others: at most {most}"] = tuned.unseen <= most
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
        near = column[f"{OURS}, as run"] <= 1.03 * column[ORACLE]
        checks[f"{cores} cores: within 3 % of an oracle"] = near
    return checks


def to_data(
    results: Results,
    makespans: Makespans,
    checks: dict[str, bool],
    decision_s: float,
    tuned: dict[str, Tuned],
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
        "tuned_on_others": {regime: one._asdict() for regime, one in tuned.items()},
        "checks": checks,
    }


if __name__ == "__main__":
    raise SystemExit(main())
