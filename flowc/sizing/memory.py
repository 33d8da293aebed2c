"""From measurements of a rule to requests for memory.

    model = MemoryModel()
    model.update(Measurement(peak_bytes=3.1 * GIB, input_bytes=2.2 * GIB, wall_s=95.0))
    model.request(input_bytes=1.7 * GIB)  # Sized(bytes=..., why="1 measurement, peak ...")

`fit_memory` makes a function of the size of the input, once, of all measurements; a `MemoryModel`
learns from each job that ends. Candidates are all scales (`scales.py`) with all ways of choosing
headroom (`headroom.py`); taken is the one whose requests would have cost least, each measurement
being sized by what the *others* say. docs/explanation/sizing.md tells why, and from whom.
"""

from collections import deque
from collections.abc import Iterable

from flowc.sizing.fitted import (
    FEWEST_FAILURES,
    LEAST_WASTE,
    SLACK_BYTES,
    THIN_SHARE,
    FittedMemory,
    Sized,
)
from flowc.sizing.headroom import Errors, headrooms
from flowc.sizing.measurement import MOST_BYTES, OK, OOM, Measurement, check_figure
from flowc.sizing.scales import CONSTANT, FITTERS
from flowc.units import GIB

__all__ = ["FEWEST_FAILURES", "LEAST_WASTE", "FittedMemory", "MemoryModel", "Sized", "fit_memory"]

FAILURE_COST = {LEAST_WASTE: 1.0, FEWEST_FAILURES: 10.0}
"""What a job that is killed costs besides the memory it wastes, in the memory that its next attempt
asks for: others wait, and someone looks at the log."""
KEPT = 256
"""A model forgets what is older than so many measurements, but for the largest peak."""

_FIT_EACH = 32
"""Up to so many measurements there is a fit for each, then one for every 4 % more."""
_SURE = 0.97
"""A scale with input sizes has to be cheaper than none by this factor."""


def fit_memory(
    measurements: Iterable[Measurement],
    level: str = LEAST_WASTE,
    total_bytes: float | None = None,
) -> FittedMemory:
    """The request as a function of the input's size, from all measurements, learning no more.

    Peaks and sizes are bytes, run times seconds. `level`: "least-waste", or "fewest-failures"
    (fewer than 1 in 100, at the least waste that allows it). Raises ValueError for figures that
    cannot be, and where no measurement tells of memory."""
    model = MemoryModel(level, total_bytes, kept=4 * KEPT)
    for measurement in measurements:
        model.update(measurement)
    fitted = model.fitted()
    if fitted is None:
        raise ValueError("no measurement tells of memory")
    return fitted


class MemoryModel:
    """Learns from each attempt that ends; fits anew when it knows 4 % more, or was wrong."""

    def __init__(
        self,
        level: str = LEAST_WASTE,
        total_bytes: float | None = None,
        kept: int = KEPT,
    ) -> None:
        if level not in FAILURE_COST:
            raise ValueError(f'level is {level!r}, not "least-waste" or "fewest-failures"')
        if total_bytes is not None:
            check_figure("total_bytes", total_bytes, MOST_BYTES)
        self.level, self.total_bytes = level, total_bytes
        self._good: deque[tuple[float | None, float, float | None]] = deque(maxlen=kept)
        self._count = 0
        self._fitted_count = 0
        self._largest_bytes = self._lost_bytes = 0.0
        self._fitted: FittedMemory | None = None

    def update(self, measurement: Measurement) -> None:
        """Learn from an attempt. Raises ValueError for figures that cannot be.

        Of one that failed for another reason nothing is learned: it may have ended early."""
        measurement.check()
        peak_bytes = measurement.peak_bytes
        if measurement.outcome == OOM:
            lost = max(measurement.requested_bytes or 0.0, peak_bytes or 0.0)
            self._lost_bytes = max(self._lost_bytes, lost)
            self._fitted = None
        elif measurement.outcome == OK and peak_bytes is not None:
            self._good.append((measurement.input_bytes, float(peak_bytes), measurement.wall_s))
            self._count += 1
            self._largest_bytes = max(self._largest_bytes, peak_bytes)
            if self._is_due(measurement.input_bytes, peak_bytes):
                self._fitted = None

    def _is_due(self, input_bytes: float | None, peak_bytes: float) -> bool:
        fitted = self._fitted
        if (
            fitted is None
            or len(self._good) < _FIT_EACH
            or self._count >= 1.04 * self._fitted_count
        ):
            return True
        return fitted._first(input_bytes) < peak_bytes

    def request(
        self,
        input_bytes: float | None = None,
        attempt: int = 1,
        previous_bytes: float | None = None,
        default_bytes: float = GIB,
    ) -> Sized:
        """As `FittedMemory.request`; `default_bytes` and its doubles where nothing is known."""
        fitted = self.fitted()
        if fitted is not None:
            return fitted.request(input_bytes, attempt, previous_bytes)
        none = FittedMemory(0, 0.0, default_bytes, total_bytes=self.total_bytes)
        bytes_ = none.request(None, attempt, previous_bytes).bytes
        return Sized(bytes_, "nothing measured yet" if attempt <= 1 else "nothing measured, twice")

    def fitted(self) -> FittedMemory | None:
        """What is known now. None: nothing."""
        if self._fitted is None and (self._good or self._lost_bytes):
            self._fitted = self._fit()
            self._fitted_count = self._count
        return self._fitted

    def _fit(self) -> FittedMemory:
        lost = self._lost_bytes if self._lost_bytes > self._largest_bytes else 0.0
        base = FittedMemory(
            measurements=self._count,
            largest_bytes=self._largest_bytes,
            constant_bytes=0.0,
            lost_bytes=lost,
            level=self.level,
            total_bytes=self.total_bytes,
        )
        if len(self._good) <= max(THIN_SHARE):
            share = THIN_SHARE.get(len(self._good), 0.0)
            return base._replace(constant_bytes=self._largest_bytes * (1 + share) + SLACK_BYTES)
        return _cheapest(base, list(self._good))


def _cheapest(
    base: FittedMemory, good: list[tuple[float | None, float, float | None]]
) -> FittedMemory:
    """The candidate that would have cost least."""
    peaks = [peak for _, peak, _ in good]
    sizes = [size for size, _, _ in good if size is not None]
    weights = _weights([wall for _, _, wall in good])
    used = sum(w * peak for w, peak in zip(weights, peaks, strict=True)) or 1.0
    penalty = FAILURE_COST[base.level]
    best, least = base, None
    for fit_scale in FITTERS:
        # sizes that are known of some only cannot be compared with others' costs
        if fit_scale is not FITTERS[0] and (len(sizes) < len(good) or not base.largest_bytes):
            continue
        fit = fit_scale(sizes, peaks)
        if fit is None:
            continue
        for is_ratio in (False, True):
            if is_ratio and (fit.scale.kind == CONSTANT or min(fit.apart) <= 0):
                continue
            again_bytes = base.largest_bytes * (1 + penalty)
            errors = _errors(peaks, fit.apart, weights, again_bytes, is_ratio)
            for rule, size, apart in headrooms(errors):
                if is_ratio:
                    sized = [p * h for p, h in zip(fit.apart, apart, strict=True)]
                else:
                    sized = [p + h for p, h in zip(fit.apart, apart, strict=True)]
                cost, waste, killed = _cost(sized, peaks, weights, base.largest_bytes, penalty)
                if fit.scale.kind == CONSTANT and (least is None or cost < least):
                    best = base._replace(constant_bytes=size + SLACK_BYTES)
                elif least is not None and cost < least * (_SURE if not best.varies else 1.0):
                    best = best._replace(scale=fit.scale, headroom=size, is_ratio=is_ratio)
                else:
                    continue
                least = cost
                best = best._replace(rule=rule, waste=waste / used, killed=killed)
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


def _errors(
    peaks: list[float],
    apart: list[float],
    weights: list[float],
    again_bytes: float,
    is_ratio: bool,
) -> Errors:
    if is_ratio:
        ratios = [y / p for y, p in zip(peaks, apart, strict=True)]
        return Errors(ratios, weights, apart, again_bytes)
    rest = [y - p for y, p in zip(peaks, apart, strict=True)]
    return Errors(rest, weights, [1.0] * len(peaks), again_bytes)


def _cost(
    sized: list[float],
    peaks: list[float],
    weights: list[float],
    largest_bytes: float,
    penalty: float,
) -> tuple[float, float, int]:
    """What these requests would have cost, what of that is memory, and how many were killed."""
    waste = fines = 0.0
    killed = 0
    for request, peak, weight in zip(sized, peaks, weights, strict=True):
        request += SLACK_BYTES
        if request >= peak:
            waste += weight * (request - peak)
        else:
            killed += 1
            waste += weight * (max(request, 0.0) + largest_bytes - peak)
            fines += weight * penalty * largest_bytes
    return waste + fines, waste, killed
