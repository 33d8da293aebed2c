"""What decisions cost, as JSON lines: `PYTHONPATH=.:tests python -m bench.scheduling.cost`."""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence

from support.jobgraphs import graph_of

from flowc.ids import JobId
from flowc.plan.request import Request
from flowc.run.arrange import simulate
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.state import RunState

GIB = 1024**3


def layered(count: int, rng: random.Random) -> list[list[int]]:
    """A random graph in which each job reads what one to three of the 1,000 before it make."""
    return [
        [] if i < 100 else [rng.randrange(max(0, i - 1000), i) for _ in range(rng.randint(1, 3))]
        for i in range(count)
    ]


def whole_run(count: int, distinct: bool) -> float:
    """Microseconds a job of a simulated run: readiness, order, choice, the clock."""
    rng = random.Random(1)
    graph = graph_of(layered(count, rng))
    durations = [rng.expovariate(1 / 60) for _ in range(count)]
    few = [Request(rng.randint(1, 4), rng.randint(1, 8) * GIB) for _ in range(8)]
    requests = [
        Request(rng.randint(1, 4), rng.randrange(GIB // 2, 9 * GIB))
        if distinct
        else rng.choice(few)
        for _ in range(count)
    ]
    begin = time.process_time()
    simulate(
        lambda: RunState(graph, [2] * count),
        Budget(32, 128 * GIB),
        requests.__getitem__,
        durations,
        is_known=False,
    )
    return (time.process_time() - begin) / count * 1e6


def all_ready(count: int, need: Callable[[random.Random], Need]) -> tuple[float, float, float]:
    """Seconds to take in so many ready jobs and to find what starts first; then the mean and the
    worst microseconds of the choices that follow."""
    rng = random.Random(2)
    needs = [need(rng) for _ in range(count)]
    chooser = Chooser(Budget(64, 256 * GIB, limits={"a": 8}))
    begin = time.process_time()
    for job, one in enumerate(needs):
        chooser.add(JobId(job), one, (0.0, -rng.random(), job))
    running = list(iter(chooser.next, None))
    taken_in = time.process_time() - begin
    spent, worst, starts = 0.0, 0.0, 0
    while starts < 5000 and running:
        chooser.ended(running.pop(rng.randrange(len(running))))
        begin = time.process_time()
        found = list(iter(chooser.next, None))
        passed = time.process_time() - begin
        running += found
        starts += max(1, len(found))
        spent, worst = spent + passed, max(worst, passed)
    return taken_in, spent / starts * 1e6, worst * 1e6


NEEDS: dict[str, Callable[[random.Random], Need]] = {
    "one request": lambda rng: Need(1, GIB),
    "64 requests": lambda rng: Need(rng.randint(1, 8), rng.randint(1, 8) * GIB),
    "all memory differs": lambda rng: Need(rng.randint(1, 8), rng.randrange(GIB, 64 * GIB)),
    "half want a limit": lambda rng: Need(
        1, rng.randrange(GIB), (("limit:a", 1.0),) if rng.random() < 0.5 else ()
    ),
}


def main(args: Sequence[str]) -> None:
    count = int(args[0]) if args else 200_000
    for distinct in (False, True):
        cost = whole_run(count // 2, distinct)
        print(json.dumps({"run": count // 2, "distinct": distinct, "us_a_job": round(cost, 1)}))
    for name, need in NEEDS.items():
        taken_in, mean, worst = all_ready(count, need)
        row = {"ready": count, "needs": name, "taken_in_s": round(taken_in, 3)}
        print(json.dumps({**row, "mean_us": round(mean, 1), "worst_us": round(worst, 1)}))


if __name__ == "__main__":
    main(sys.argv[1:])
