"""Which function of the input's size a rule's requests are: the cheapest of all candidates.

Candidates are all scales (`scales.py`) with all ways of choosing headroom (`headroom.py`); taken is
the one whose requests would have cost least, each measurement being sized by what the *others* say.
It is worked out in steps, each of which looks at every measurement a few times.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flowc.sizing.fitted import FEWEST_FAILURES, LEAST_WASTE, SLACK_BYTES, FittedMemory
from flowc.sizing.headroom import Errors, headrooms
from flowc.sizing.scales import CONSTANT, FITTERS, Fit

FAILURE_COST = {LEAST_WASTE: 1.0, FEWEST_FAILURES: 10.0}
"""What a job that is killed costs besides the memory it wastes, in the memory that its next attempt
asks for: others wait, and someone looks at the log."""

MOST_GIVEN_UP = {LEAST_WASTE: 0.05, FEWEST_FAILURES: 0.01}
"""A headroom that would have left more of those measured without enough is not considered: whether
one of ten is an outlier cannot be told."""

_SURE = 0.97
"""A scale with input sizes has to be cheaper than none by this factor."""


class Known(NamedTuple):
    """What is known of one job that has ended well. None: nobody has measured it."""

    input_bytes: float | None
    peak_bytes: float
    wall_s: float | None


def choose(base: FittedMemory, known: Sequence[Known]) -> Iterator[FittedMemory | None]:
    """None after each step but the last, and then the best of the candidates.

    `base` has what does not depend on the choice; `known` has at least three members."""
    peaks = [one.peak_bytes for one in known]
    sizes = [one.input_bytes for one in known if one.input_bytes is not None]
    weights = _weights([one.wall_s for one in known])
    search = _Search(base, peaks, weights)
    for fit_scale in FITTERS:
        # sizes that are known of some only cannot be compared with others' costs
        if fit_scale is not FITTERS[0] and (len(sizes) < len(known) or not base.largest_bytes):
            continue
        fit = fit_scale(sizes, peaks)
        if fit is None:
            continue
        yield None
        for is_ratio in (False, True):
            if not is_ratio or (fit.scale.kind != CONSTANT and min(fit.apart) >= 1):
                yield from search.consider(fit, is_ratio)
    yield search.found()


class _Search:
    """The best candidate so far, and what it would have cost."""

    def __init__(self, base: FittedMemory, peaks: list[float], weights: list[float]) -> None:
        self.best = base
        self._least: float | None = None
        self._peaks, self._weights = peaks, weights
        self._largest_bytes = base.largest_bytes
        self._penalty = FAILURE_COST[base.level]
        self._most_above = MOST_GIVEN_UP[base.level] * len(peaks)
        self._used = max(sum([w * p for w, p in zip(weights, peaks, strict=True)]), 1.0)

    def consider(self, fit: Fit, is_ratio: bool) -> Iterator[None]:
        """A scale with each headroom, in two steps."""
        apart, peaks, weights = fit.apart, self._peaks, self._weights
        again_bytes = self._largest_bytes * (1 + self._penalty)
        if is_ratio:
            ratios = [y / p for y, p in zip(peaks, apart, strict=True)]
            errors = Errors(ratios, weights, apart, again_bytes)
        else:
            rest = [y - p for y, p in zip(peaks, apart, strict=True)]
            errors = Errors(rest, weights, [1.0] * len(peaks), again_bytes)
        candidates = headrooms(errors)
        yield
        for rule, size, added in candidates:
            if sum([error > size for error in errors.values]) > self._most_above:
                continue
            if is_ratio:
                sized = [p * h for p, h in zip(apart, added, strict=True)]
            else:
                sized = [p + h for p, h in zip(apart, added, strict=True)]
            cost, waste, killed = self._cost(sized)
            if fit.scale.kind == CONSTANT:
                if self._least is not None and cost >= self._least:
                    continue
                self.best = self.best._replace(constant_bytes=size + SLACK_BYTES)
            else:
                sure = 1.0 if self.best.varies else _SURE
                if self._least is None or cost >= self._least * sure:
                    continue
                self.best = self.best._replace(scale=fit.scale, headroom=size, is_ratio=is_ratio)
            self._least = cost
            self.best = self.best._replace(rule=rule, waste=waste / self._used, killed=killed)
        yield

    def _cost(self, sized: list[float]) -> tuple[float, float, int]:
        """What these requests would have cost, what of that is memory, and how many were killed."""
        largest_bytes = self._largest_bytes
        waste = fines = 0.0
        killed = 0
        for request, peak, weight in zip(sized, self._peaks, self._weights, strict=True):
            request += SLACK_BYTES
            if request >= peak:
                waste += weight * (request - peak)
            else:
                killed += 1
                waste += weight * (max(request, 0.0) + largest_bytes - peak)
                fines += weight * self._penalty * largest_bytes
        return waste + fines, waste, killed

    def found(self) -> FittedMemory:
        best = self.best
        if best.varies:  # a job whose input is not known may be the largest
            enough = max(best.constant_bytes, best.largest_bytes + SLACK_BYTES)
            best = best._replace(constant_bytes=enough)
        return best


def _weights(walls: list[float | None]) -> list[float]:
    """Run times, so that their mean is 1; those that nobody measured count as the mean."""
    known = [wall for wall in walls if wall is not None]
    mean = sum(known) / len(known) if known else 0.0
    if mean <= 0:
        return [1.0] * len(walls)
    return [1.0 if wall is None else wall / mean for wall in walls]
