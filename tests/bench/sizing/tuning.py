"""Whether the two numbers that were set by hand matter: what a method that was tuned on all other
workflows comes to on one that it has not seen."""

import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from bench.sizing.methods import METHODS, OURS
from bench.sizing.protocol import OFFLINE, Result, Workflow, judge

import flowc.sizing.choice as choice
import flowc.sizing.fitted as fitted
import flowc.sizing.memory as memory
from flowc.sizing.fitted import LEAST_WASTE
from flowc.units import MIB

FINES = (0.25, 0.5, 1.0, 2.0, 4.0)
SLACKS_BYTES = (8 * MIB, 16 * MIB, 32 * MIB)
SEEDS = range(100, 112)
"""Not those of the tables; and more, as one shuffle differs from another by a third."""


def tune(traces: Mapping[str, Workflow]) -> tuple[float, float, float]:
    """The least and the most waste of any pair offline, and that of the pairs that are best for the
    other workflows: geometric means."""
    results: list[Result] = []
    for fine, slack_bytes in itertools.product(FINES, SLACKS_BYTES):
        with _set(fine, slack_bytes):
            results.append(judge(traces, METHODS[OURS], OFFLINE, SEEDS))
    unseen = []
    for name in traces:
        others = [w for w in traces if w != name]
        best = min(results, key=lambda result: _mean(result.ratios[w] for w in others))
        unseen.append(best.ratios[name])
    means = [result.ratio for result in results]
    return min(means), max(means), _mean(iter(unseen))


@contextmanager
def _set(fine: float, slack_bytes: int) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patch.dict(choice.FAILURE_COST, {LEAST_WASTE: fine}))
        for module in (choice, fitted, memory):
            stack.enter_context(patch.object(module, "SLACK_BYTES", slack_bytes))
        yield


def _mean(ratios: Iterator[float]) -> float:
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs))
