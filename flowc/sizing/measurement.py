"""One attempt at one job, as the models of memory and threads see it."""

from math import inf
from typing import NamedTuple

OK, OOM, FAILED = "ok", "oom", "failed"

MOST_BYTES = 1 << 60
"""An exbibyte: no job has used so much, so the figure is a mistake."""
MOST_WALL_S = 100 * 366 * 86400.0
MOST_CORES = 1_000_000


class Measurement(NamedTuple):
    """What one attempt has used. None: nobody has measured it."""

    peak_bytes: float | None
    input_bytes: float | None = None  # of all input files together
    wall_s: float | None = None
    cores_used: float | None = None  # the most at once
    requested_bytes: float | None = None
    outcome: str = OK  # "oom": killed for memory, so that the peak is a lower bound

    def check(self) -> None:
        """Raise ValueError, with what is wrong, for a figure that cannot be one."""
        for name, value, most in (
            ("peak_bytes", self.peak_bytes, MOST_BYTES),
            ("input_bytes", self.input_bytes, MOST_BYTES),
            ("wall_s", self.wall_s, MOST_WALL_S),
            ("cores_used", self.cores_used, MOST_CORES),
            ("requested_bytes", self.requested_bytes, MOST_BYTES),
        ):
            if value is not None:
                check_figure(name, value, most)
        if self.outcome not in (OK, OOM, FAILED):
            raise ValueError(f'outcome is {self.outcome!r}, not "ok", "oom" or "failed"')


def check_figure(name: str, value: object, most: float) -> None:
    """Raise ValueError unless it is a number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}, which is no number")
    if not 0 <= value < inf:
        raise ValueError(f"{name} is {value}, which cannot be measured")
    if value > most:
        raise ValueError(
            f"{name} is {min(value, 10**300):.6g}, more than there can be ({most:.6g})"
        )
