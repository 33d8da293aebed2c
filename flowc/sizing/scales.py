"""How memory grows with the size of the input: not at all, by a line, a power or steps.

Each fit also predicts every measurement from all *others*: errors of predictions that have not
seen what they predict are what headroom is chosen by. (For a least-squares line the error without
a point is its residual / (1 - leverage); Allen 1974, "PRESS".)
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import exp, isfinite, log
from typing import NamedTuple

CONSTANT, LINE, POWER, STEPS = "constant", "line", "power", "steps"

_LEAST_LINE, _LEAST_STEPS, _MOST_STEPS = 4, 12, 16
_LARGEST_LOG = 60.0


class Scale(NamedTuple):
    """A function of the size of the input, as plain numbers.

    `constant`: (). `line`: a, b of a + b x. `power`: a, b of exp(a) x^b. `steps`: k upper ends of
    the first k of k + 1 ranges of x, then their k + 1 values.
    """

    kind: str = CONSTANT
    numbers: tuple[float, ...] = ()
    least: float = 0.0  # the range of inputs seen, in bytes
    most: float = 0.0

    def at(self, input_bytes: float) -> float:
        """Bytes for an input of that size, before headroom.

        Smaller inputs than any seen count as the smallest seen: part of the memory is not theirs.
        What grows is drawn on beyond the largest: figures of a pilot serve the whole. What
        shrinks is not."""
        if self.kind == CONSTANT:
            return 0.0
        x = max(input_bytes, self.least)
        if self.kind == STEPS:
            steps = len(self.numbers) // 2
            return self.numbers[steps + bisect_right(self.numbers, x, 0, steps)]
        a, b = self.numbers
        if b < 0:
            x = min(x, self.most)
        if self.kind == LINE:
            return a + b * x
        return exp(min(a + b * log(max(x, 1.0)), _LARGEST_LOG))


class Fit(NamedTuple):
    """A scale, and what it says of each measurement when fitted to all the others."""

    scale: Scale
    apart: list[float]


Fitter = Callable[[Sequence[float], Sequence[float]], Fit | None]


def fit_constant(x: Sequence[float], y: Sequence[float]) -> Fit:
    """Nothing depends on the input; all is left to the headroom."""
    return Fit(Scale(), [0.0] * len(y))


def fit_line(x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """Least squares. None where it cannot be drawn."""
    line = _least_squares(x, y)
    if line is None:
        return None
    a, b, apart = line
    return Fit(Scale(LINE, (a, b), min(x), max(x)), apart)


def fit_half_line(x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """Halfway between the mean and the line: half as steep.

    Few measurements do not tell a slope well, and a line through the middle of all is often too
    steep for the largest."""
    fit = fit_line(x, y)
    if fit is None:
        return None
    n, total = len(y), sum(y)
    a, b = fit.scale.numbers
    apart = [((total - v) / (n - 1) + p) / 2 for v, p in zip(y, fit.apart, strict=True)]
    return Fit(fit.scale._replace(numbers=((total / n + a) / 2, b / 2)), apart)


def fit_power(x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """Least squares of logarithms. None where it cannot be drawn."""
    if min(x) < 1 or min(y) <= 0:
        return None
    line = _least_squares([log(v) for v in x], [log(v) for v in y])
    if line is None or max(line[2]) > _LARGEST_LOG:
        return None
    a, b, apart = line
    return Fit(Scale(POWER, (a, b), min(x), max(x)), [exp(v) for v in apart])


def fit_steps(x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """The mean of each of some ranges that hold as many measurements, about the root of all.

    For what a line cannot follow: memory that grows up to a limit, or jumps."""
    n = len(x)
    if n < _LEAST_STEPS:
        return None
    order = sorted(range(n), key=lambda i: x[i])
    count = min(_MOST_STEPS, int(n**0.5))
    ends: list[float] = []
    means: list[float] = []
    apart = [0.0] * n
    start = 0
    for step in range(1, count + 1):
        stop = step * n // count
        while stop < n and x[order[stop]] == x[order[stop - 1]]:
            stop += 1
        if stop - start < 2:
            continue
        members = order[start:stop]
        total = sum(y[i] for i in members)
        for i in members:
            apart[i] = (total - y[i]) / (len(members) - 1)
        means.append(total / len(members))
        if stop < n:
            ends.append((x[order[stop - 1]] + x[order[stop]]) / 2)
        start = stop
    if len(means) < 2 or start < n or len(ends) != len(means) - 1:
        return None
    return Fit(Scale(STEPS, (*ends, *means), min(x), max(x)), apart)


FITTERS: tuple[Fitter, ...] = (fit_constant, fit_line, fit_half_line, fit_power, fit_steps)


def _least_squares(
    x: Sequence[float], y: Sequence[float]
) -> tuple[float, float, list[float]] | None:
    """a, b of a + b x, and each prediction without its own point."""
    n = len(x)
    if n < _LEAST_LINE:
        return None
    x_mean, y_mean = sum(x) / n, sum(y) / n
    apart_x = [v - x_mean for v in x]
    square = sum(v * v for v in apart_x)
    if square <= n * (1e-9 * max(abs(x_mean), 1e-9)) ** 2:
        return None  # all inputs are of one size
    b = sum(d * v for d, v in zip(apart_x, y, strict=True)) / square
    a = y_mean - b * x_mean
    if not (isfinite(a) and isfinite(b)):
        return None
    apart = []
    for d, v in zip(apart_x, y, strict=True):
        leverage = 1 / n + d * d / square
        apart.append(v - (v - y_mean - b * d) / max(1 - leverage, 1e-3))
    return a, b, apart
