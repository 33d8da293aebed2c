"""Whether the numbers that were set by hand matter: what a method whose numbers are best for all
other workflows comes to on one that has had no say in them."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from bench.sizing.methods import METHODS, OURS
from bench.sizing.protocol import COLD, OFFLINE, ONLINE, Result, Workflow, judge

import flowc.sizing.choice as choice
import flowc.sizing.fitted as fitted
import flowc.sizing.headroom as headroom
import flowc.sizing.memory as memory
from flowc.sizing.fitted import LEAST_WASTE
from flowc.units import MIB

SEEDS = {OFFLINE: range(100, 106), ONLINE: range(100, 102), COLD: range(1)}
"""Not those of the tables; and more where little is known, as one shuffle differs from another by a
third."""

_FINE, _SLACK, _GIVEN, _SURE, _TAILS, _THIN = "fine", "slack", "given up", "sure", "tails", "thin"
AS_SET: Mapping[str, Any] = {
    _FINE: choice.FAILURE_COST[LEAST_WASTE],
    _SLACK: fitted.SLACK_BYTES,
    _GIVEN: choice.MOST_GIVEN_UP[LEAST_WASTE],
    _SURE: choice._SURE,
    _TAILS: headroom._TAIL_SHARES,
    _THIN: dict(fitted.THIN_SHARE),
}


def settings() -> Iterator[Mapping[str, Any]]:
    """The fine and the slack together, what else there is one by one; the first is as it is."""
    yield AS_SET
    fines, slacks = (0.25, 0.5, 1.0, 2.0, 4.0), (8 * MIB, 16 * MIB, 32 * MIB)
    for fine, slack_bytes in itertools.product(fines, slacks):
        yield {**AS_SET, _FINE: fine, _SLACK: slack_bytes}
    for given_up in (0.02, 0.1, 1.0):
        yield {**AS_SET, _GIVEN: given_up}
    for sure in (0.9, 1.0):
        yield {**AS_SET, _SURE: sure}
    for tails in ((0.5,), (0.75,), (0.5, 0.75, 0.9)):
        yield {**AS_SET, _TAILS: tails}
    for factor in (0.5, 2.0):
        thin = {count: factor * share for count, share in AS_SET[_THIN].items()}
        yield {**AS_SET, _THIN: thin}


class Tuned(NamedTuple):
    """Waste by used of all settings, in one regime: geometric means over workflows."""

    as_set: float
    least: float
    most: float
    unseen: float  # each workflow with the setting that is best for the others
    by_workflow: dict[str, tuple[float, float]]  # as set, unseen


def tune(traces: Mapping[str, Workflow], regime: str) -> Tuned:
    results: list[Result] = []
    for setting in settings():
        with _set(setting):
            results.append(judge(traces, METHODS[OURS], regime, SEEDS[regime]))
    by_workflow = {}
    for name in traces:
        others = [w for w in traces if w != name]
        best = min(results, key=lambda result: _mean(result.ratios[w] for w in others))
        by_workflow[name] = results[0].ratios[name], best.ratios[name]
    means = [result.ratio for result in results]
    unseen = _mean(ratio for _, ratio in by_workflow.values())
    return Tuned(means[0], min(means), max(means), unseen, by_workflow)


@contextmanager
def _set(setting: Mapping[str, Any]) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patch.dict(choice.FAILURE_COST, {LEAST_WASTE: setting[_FINE]}))
        stack.enter_context(patch.dict(choice.MOST_GIVEN_UP, {LEAST_WASTE: setting[_GIVEN]}))
        stack.enter_context(patch.dict(fitted.THIN_SHARE, setting[_THIN]))
        stack.enter_context(patch.object(choice, "_SURE", setting[_SURE]))
        stack.enter_context(patch.object(headroom, "_TAIL_SHARES", setting[_TAILS]))
        for module in (choice, fitted, memory):
            stack.enter_context(patch.object(module, "SLACK_BYTES", setting[_SLACK]))
        yield


def _mean(ratios: Iterable[float]) -> float:
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs))
