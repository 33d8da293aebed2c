"""flowc's models and those they are compared with, as `Method`s.

Each baseline does what its paper or program says, as far as the paper says it; a rule of which
nothing is known is asked for what the workflow's authors ask, by all of them.
"""

import math
from bisect import insort
from collections.abc import Callable

from bench.sizing.protocol import MOST_BYTES, Method, Task

from flowc.sizing.measurement import Measurement
from flowc.sizing.memory import FEWEST_FAILURES, LEAST_WASTE, MemoryModel


class Flowc:
    """The model that `flowc` uses. Offline it is not told more, and so stays as it is."""

    def __init__(self, level: str = LEAST_WASTE) -> None:
        self.model = MemoryModel(level, MOST_BYTES)

    def learn(self, task: Task) -> None:
        self.model.update(Measurement(task.peak_bytes, task.input_bytes, task.wall_s))

    def request(self, task: Task, attempt: int, previous_bytes: float) -> float:
        return self.model.request(
            task.input_bytes, attempt, previous_bytes, task.preset_bytes
        ).bytes


class Baseline:
    """What it has learned; after a failure it asks for twice as much."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.peaks: list[tuple[float, float]] = []  # and run times, sorted

    def learn(self, task: Task) -> None:
        self.tasks.append(task)
        insort(self.peaks, (task.peak_bytes, task.wall_s))

    def request(self, task: Task, attempt: int, previous_bytes: float) -> float:
        if attempt > 1:
            return self.again(previous_bytes)
        return max(self.first(task), 1e6) if self.tasks else task.preset_bytes

    @property
    def largest(self) -> float:
        return self.peaks[-1][0]

    def first(self, task: Task) -> float:
        raise NotImplementedError

    def again(self, previous_bytes: float) -> float:
        return 2 * previous_bytes


class Presets(Baseline):
    """What the workflow's authors ask for."""

    def first(self, task: Task) -> float:
        return task.preset_bytes


class PeakSoFar(Baseline):
    """The largest peak of any task before."""

    share = 1.0

    def first(self, task: Task) -> float:
        return self.share * self.largest


class PeakAndTenth(PeakSoFar):
    """The same and a tenth of it."""

    share = 1.1


class Percentile(Baseline):
    """Witt et al. 2019: the 95th percentile of the peaks, between neighbours."""

    def first(self, task: Task) -> float:
        place = 0.95 * (len(self.peaks) - 1)
        below = int(place)
        low, high = self.peaks[below][0], self.peaks[min(below + 1, len(self.peaks) - 1)][0]
        return low + (place - below) * (high - low)


class Regression(Baseline):
    """Witt et al. 2019: a least-squares line over the input's size, and one standard deviation."""

    def first(self, task: Task) -> float:
        if len(self.tasks) < 3:
            return self.largest
        x = [t.input_bytes for t in self.tasks]
        y = [t.peak_bytes for t in self.tasks]
        n, x_mean, y_mean = len(x), sum(x) / len(x), sum(y) / len(y)
        square = sum((v - x_mean) ** 2 for v in x)
        b = sum((v - x_mean) * (w - y_mean) for v, w in zip(x, y, strict=True))
        b = b / square if square > 0 else 0.0
        rest = sorted(w - y_mean - b * (v - x_mean) for v, w in zip(x, y, strict=True))
        return y_mean + b * (task.input_bytes - x_mean) + self.offset(rest, n)

    def offset(self, rest: list[float], n: int) -> float:
        return math.sqrt(sum(v * v for v in rest) / n)


class Conformal(Regression):
    """The line, and the quantile of its residuals that covers 99 of 100 (all, if they are few)."""

    def offset(self, rest: list[float], n: int) -> float:
        return rest[min(n, math.ceil(0.99 * (n + 1))) - 1]


class Tovar(Baseline):
    """Tovar et al. 2018: of the peaks seen the one that would have wasted least as the first
    allocation, with a second that is the largest seen; after that, twice as much."""

    def most(self) -> float:
        return self.largest

    def first(self, task: Task) -> float:
        time = left = sum(wall for _, wall in self.peaks)
        least, best = math.inf, self.largest
        for peak, wall in self.steps():
            left -= wall
            cost = peak * time + left * self.most()
            if cost < least:
                least, best = cost, peak
        return best

    def steps(self) -> list[tuple[float, float]]:
        return self.peaks


class TovarNode(Tovar):
    """The same where the second allocation is the whole node (PPM)."""

    def most(self) -> float:
        return MOST_BYTES

    def again(self, previous_bytes: float) -> float:
        return MOST_BYTES


class WorkQueue(Tovar):
    """Work Queue's minimum waste: Tovar's over peaks that are rounded up to 250 MB; the second
    allocation is the largest seen, the third the node."""

    def steps(self) -> list[tuple[float, float]]:
        summed: dict[float, float] = {}
        for peak, wall in self.peaks:
            bucket = max(1, math.ceil(peak / 250e6)) * 250e6
            summed[bucket] = summed.get(bucket, 0.0) + wall
        return list(summed.items())

    def again(self, previous_bytes: float) -> float:
        return self.largest if self.peaks and self.largest > previous_bytes else MOST_BYTES


OURS, CAREFUL = "flowc, least waste", "flowc, fewest failures"
TOVAR, PEAK, CONFORMAL = "Tovar, then doubling", "peak so far", "regression, conformal 99 %"
METHODS: dict[str, Callable[[], Method]] = {
    "the authors' presets": Presets,
    "Witt, regression + sigma": Regression,
    "Tovar PPM, then the node": TovarNode,
    "Witt, percentile": Percentile,
    "peak so far x 1.1": PeakAndTenth,
    "Work Queue, min waste": WorkQueue,
    PEAK: PeakSoFar,
    CONFORMAL: Conformal,
    TOVAR: Tovar,
    OURS: Flowc,
    CAREFUL: lambda: Flowc(FEWEST_FAILURES),
}
