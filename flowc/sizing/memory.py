"""From measurements of a rule to requests for memory.

    model = MemoryModel()
    model.update(Measurement(peak_bytes=3.1 * GIB, input_bytes=2.2 * GIB, wall_s=95.0))
    model.request(input_bytes=1.7 * GIB)  # Sized(bytes=..., why="1 measurement, peak ...")

`fit_memory` makes a function of the size of the input, once, of all measurements; a `MemoryModel`
learns from each job that ends. docs/explanation/sizing.md tells why, and from whom.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from flowc.sizing.choice import FAILURE_COST, Known, choose
from flowc.sizing.fitted import (
    FEWEST_FAILURES,
    LEAST_WASTE,
    SLACK_BYTES,
    THIN_SHARE,
    FittedMemory,
    Sized,
)
from flowc.sizing.measurement import MOST_BYTES, OK, OOM, Measurement, check_figure
from flowc.units import GIB

__all__ = ["FEWEST_FAILURES", "LEAST_WASTE", "FittedMemory", "MemoryModel", "Sized", "fit_memory"]

KEPT = 256
"""A model forgets what is older than so many measurements, but for the largest peak."""

_AT_ONCE = 16
"""Up to so many measurements there is a fit for each of them: under half a millisecond."""
_MORE = 1.04
"""With more there is one for each 4 % more, in steps, so that no job waits for long."""
_LOOKED_AT = 192
"""So many measurements are looked at in the steps for one more of them."""


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
        self._good: deque[Known] = deque(maxlen=kept)
        self._count = 0
        self._largest_bytes = self._lost_bytes = 0.0
        self._is_behind = False  # whether there is more to know than the fit says
        self._is_due = False  # whether it should be made anew
        self._fitted: FittedMemory | None = None
        self._steps: Iterator[FittedMemory | None] | None = None  # of one that is being made

    def update(self, measurement: Measurement) -> None:
        """Learn from an attempt. Raises ValueError for figures that cannot be.

        Of one that failed for another reason nothing is learned: it may have ended early."""
        fitted = self._fitted
        if not self._note(measurement) or fitted is None:
            return
        if len(self._good) <= _AT_ONCE:
            self._fitted = None  # `request` makes another
            return
        if measurement.outcome == OK:
            last, has_more = self._good[-1], self._count >= _MORE * fitted.measurements
            was_wrong = fitted._first(last.input_bytes) < last.peak_bytes
            self._is_due = self._is_due or was_wrong or has_more
            if was_wrong and self._fitted is not None:  # until it is known better
                self._fitted = self._fitted.raised(last.input_bytes, last.peak_bytes)
        if self._steps is None and self._is_due:
            self._begin()
        self._advance(max(1, _LOOKED_AT // len(self._good)))

    def _note(self, measurement: Measurement) -> bool:
        """Whether it tells something."""
        measurement.check()
        peak_bytes = measurement.peak_bytes
        if measurement.outcome == OOM:
            lost = max(measurement.requested_bytes or 0.0, peak_bytes or 0.0)
            self._lost_bytes = max(self._lost_bytes, lost)
        elif measurement.outcome == OK and peak_bytes is not None:
            self._good.append(Known(measurement.input_bytes, float(peak_bytes), measurement.wall_s))
            self._count += 1
            self._largest_bytes = max(self._largest_bytes, peak_bytes)
        else:
            return False
        self._is_behind = True
        if self._fitted is not None:
            self._fitted = self._certain(self._fitted)
        return True

    def request(
        self,
        input_bytes: float | None = None,
        attempt: int = 1,
        previous_bytes: float | None = None,
        default_bytes: float = GIB,
    ) -> Sized:
        """As `FittedMemory.request`; `default_bytes` and its doubles where nothing is known."""
        fitted = self._fitted or self.fitted()
        if fitted is not None:
            return fitted.request(input_bytes, attempt, previous_bytes)
        none = FittedMemory(0, 0.0, default_bytes, total_bytes=self.total_bytes)
        bytes_ = none.request(None, attempt, previous_bytes).bytes
        return Sized(bytes_, "nothing measured yet" if attempt <= 1 else "nothing measured, twice")

    def fitted(self) -> FittedMemory | None:
        """What all that is known says. None: nothing is."""
        if self._is_behind:
            self._begin()
            self._advance(None)
            self._is_behind = False
        return self._fitted

    def _begin(self) -> None:
        base = self._certain(FittedMemory(self._count, 0.0, 0.0, level=self.level))
        base = base._replace(total_bytes=self.total_bytes)
        if len(self._good) <= max(THIN_SHARE):
            share = THIN_SHARE.get(len(self._good), 0.0)
            asked = self._largest_bytes * (1 + share) + SLACK_BYTES
            self._steps = iter([base._replace(constant_bytes=asked)])
        else:
            self._steps = choose(base, list(self._good))
        self._is_due = False

    def _advance(self, steps: int | None) -> None:
        """Go so many steps further with a fit, if one is being made; None: to its end."""
        if self._steps is None:
            return
        for found in islice(self._steps, steps):
            if found is not None:
                self._fitted, self._steps = self._certain(found), None

    def _certain(self, fitted: FittedMemory) -> FittedMemory:
        """A fit with what needs none."""
        lost = self._lost_bytes if self._lost_bytes > self._largest_bytes else 0.0
        return fitted._replace(largest_bytes=self._largest_bytes, lost_bytes=lost)
