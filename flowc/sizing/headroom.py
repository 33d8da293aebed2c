"""What is added to a prediction of memory, chosen by what it costs.

A request r for a job that peaks at y and runs t seconds wastes (r - y) t where it is enough.
Where it is not, the job is killed: r t is lost, and the next attempt asks for `again` bytes and
wastes (again - y) t. So raising all requests by a byte costs a byte for each job, and saves about
`again` for each job that it rescues: the best headroom ends where fewer than one job in `again`
bytes is to be met (Witt et al. 2019 and Tovar et al. 2018 minimise the same waste).
"""

from collections.abc import Sequence
from typing import NamedTuple

_TAIL_SHARES = (0.5, 0.75)


class Errors(NamedTuple):
    """Errors of predictions: peak minus prediction in bytes, or peak by prediction."""

    values: Sequence[float]
    weights: Sequence[float]  # run times; their mean is 1
    unit_bytes: Sequence[float]  # what a headroom of 1 costs a job: 1, or its prediction
    again_bytes: float  # what a job that is killed costs: what its next attempt asks for, and more

    @property
    def again(self) -> float:
        """The same in units of the errors."""
        return self.again_bytes * len(self.unit_bytes) / sum(self.unit_bytes)


class Headroom(NamedTuple):
    """A rule's headroom from all errors, and for each measurement that from all others' errors."""

    rule: str
    size: float
    apart: list[float]


def headrooms(errors: Errors) -> list[Headroom]:
    """The candidates."""
    order = sorted(errors.values)
    found = [_largest(errors.values, order), _cheapest(errors)]
    found += [_tail(errors, order, share) for share in _TAIL_SHARES]
    return found


def _largest(values: Sequence[float], order: list[float]) -> Headroom:
    """The largest error seen."""
    first, second = order[-1], order[-2]
    return Headroom("largest", first, [second if v >= first else first for v in values])


def _cheapest(errors: Errors) -> Headroom:
    """The one of the errors seen that would have cost least for those seen.

    It gives up single jobs that are far from all others. Without one of them the costs of all
    headrooms below its error fall by what its kill costs, so that the best of those and the best
    of those above are all there is to compare."""
    values, weights, unit_bytes = errors.values, errors.weights, errors.unit_bytes
    again_bytes = errors.again_bytes
    order = sorted(range(len(values)), key=values.__getitem__)
    left = sum(weights)
    slope = sum([w * unit for w, unit in zip(weights, unit_bytes, strict=True)])
    costs: list[float] = []  # of each error as the headroom, from the smallest on
    for i in order:
        left -= weights[i]
        costs.append(values[i] * slope + left * again_bytes)
    above = [len(order) - 1] * len(order)  # the place of the cheapest of those from here on
    for k in range(len(order) - 2, -1, -1):
        above[k] = k if costs[k] < costs[above[k + 1]] else above[k + 1]
    apart = [0.0] * len(order)
    below = -1  # the place of the cheapest of those before
    for k, i in enumerate(order):
        chosen = above[k + 1] if k + 1 < len(order) else below
        if 0 <= below != chosen:
            more = values[order[chosen]] - values[order[below]]
            saved = weights[i] * (again_bytes - unit_bytes[i] * more)
            if costs[below] - saved < costs[chosen]:
                chosen = below
        apart[i] = values[order[chosen]]
        if below < 0 or costs[k] <= costs[below]:
            below = k
    return Headroom("cheapest", values[order[above[0]]], apart)


def _tail(errors: Errors, order: list[float], share: float) -> Headroom:
    """Beyond what was seen, as far as the largest errors make likely (see `tail_size`)."""
    again, n = errors.again, len(order)
    at = _cut(n, share)
    size = tail_size(order[at], sum(order[at + 1 :]), n - 1 - at, n, again)
    # of all but one: either one below the cut is gone, or one above it
    n -= 1
    at = _cut(n, share)
    count, above = n - 1 - at, sum(order[at + 1 :])
    low = tail_size(order[at + 1], above - order[at + 1], count, n, again)
    high = {v: tail_size(order[at], above - v, count, n, again) for v in order[at + 1 :]}
    return Headroom(f"tail above {share:.0%}", size, [high.get(v, low) for v in errors.values])


def _cut(count: int, share: float) -> int:
    return min(int(share * count), count - 1)


def tail_size(cut: float, sum_above: float, above: int, count: int, again: float) -> float:
    """The headroom at which the density of the errors' tail has fallen to 1 / `again`.

    Of `count` errors those `above` the cut are taken to be exponential with their mean excess s
    (the usual first guess about exceedances of a threshold). As s is known from k errors only, the
    next one has P(excess > z) = p (1 + z / (k s))^-k, where p = k / count of all errors are above;
    its density is 1 / again at z = k s ((p again / s)^(1 / (k + 1)) - 1). With few errors this
    reaches far beyond the largest, with many it comes down to it.
    """
    if not above:
        return cut
    mean = sum_above / above - cut
    if mean <= 0:
        return cut
    excess: float = above * mean * ((above / count * again / mean) ** (1 / (above + 1)) - 1)
    return cut + max(excess, 0.0)
