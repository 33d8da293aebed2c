"""How good the schedules are: `FLOWC_TRACES=DIR PYTHONPATH=.:tests python -m
bench.scheduling.quality [SCENARIO ...] [--search SECONDS] [--every N]`. A JSON object a line.

Each instance is run in simulated time by `RunState` and the chooser that a real run would have.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, geometric_mean

from bench.scheduling.traces import SCENARIOS, Instance, projects, workflows

from flowc.run.arrange import simulate
from flowc.run.choose import Chooser
from flowc.run.order import Ranking
from flowc.run.simulate import Simulation
from flowc.run.state import RunState

PSPLIB = ("j30", "j60", "j120")


def new_state(one: Instance) -> RunState:
    return RunState(one.graph, [2] * len(one.graph))


def scheduled(one: Instance, schedule: str, search_s: float = 0.0) -> float:
    """The makespan where all run times are known."""
    return simulate(
        lambda: new_state(one),
        one.budget(),
        one.requests.__getitem__,
        one.durations,
        schedule=schedule,
        search_s=search_s,
    ).makespan_s


def by_median(one: Instance) -> float:
    """The makespan of `rank` where the median of its rule is expected of each job."""
    return simulate(
        lambda: new_state(one),
        one.budget(),
        one.requests.__getitem__,
        one.durations,
        expected=one.medians,
        is_exact=False,
    ).makespan_s


def plain(one: Instance, order: str) -> float:
    """The makespan of one order as it stands, whoever has to wait."""
    state, budget = new_state(one), one.budget()
    ranking = Ranking(order, state.ranks(one.durations), budget)
    chooser = Chooser(budget, patience=float("inf"))
    run = Simulation(
        state, chooser, ranking, one.requests.__getitem__, one.durations, one.durations
    )
    return run.run().makespan_s


def report(scenario: str, what: str, ratios: Sequence[float]) -> None:
    row = {
        "scenario": scenario,
        "what": what,
        "instances": len(ratios),
        "geometric_mean": round(geometric_mean(ratios), 4),
        "worst": round(max(ratios), 3),
    }
    if scenario in PSPLIB:
        row["gap_percent"] = round(100 * fmean([ratio - 1 for ratio in ratios]), 2)
    print(json.dumps(row), flush=True)


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenarios", nargs="*", default=[*SCENARIOS, *PSPLIB])
    parser.add_argument("--search", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of PSPLIB every Nth")
    args = parser.parse_args(argv)
    folder = Path(os.environ["FLOWC_TRACES"])
    for scenario in args.scenarios:
        is_project = scenario in PSPLIB
        found = (
            projects(folder, scenario)[:: args.every] if is_project else workflows(folder, scenario)
        )
        makespans: dict[str, Callable[[Instance], float]] = {
            "topological": lambda one: plain(one, "file"),
            "rank": lambda one: scheduled(one, "rank"),
        }
        if args.search:
            makespans["search"] = lambda one: scheduled(one, "search", args.search)
        seen = {what: [run(one) for one in found] for what, run in makespans.items()}
        for what, values in seen.items():
            report(scenario, what, [v / o.best_s for v, o in zip(values, found, strict=True)])
        pairs = zip(seen["rank"], seen["topological"], strict=True)
        report(scenario, "rank / topological", [a / b for a, b in pairs])
        if not is_project:
            report(
                scenario, "rank by median / bound", [by_median(o) / o.lower_bound_s for o in found]
            )


if __name__ == "__main__":
    main(sys.argv[1:])
