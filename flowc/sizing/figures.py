"""From a rule's measurements to what its jobs should ask for, and the reason in words.

The seam between profiles and the models of memory: all that asks for figures (plans, `flowc profile
resources`, `flowc check`) asks here.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from flowc.sizing.fitted import LEAST_WASTE, FittedMemory
from flowc.sizing.measurement import FAILED, OK, OOM, Measurement
from flowc.sizing.memory import fit_memory
from flowc.sizing.profile import Attempt, Profile, ProfileRun
from flowc.units import GIB, MIB

SPILL_CORES = 0.15
"""So much more than a whole number of cores is not worth another core."""
LEAST_BYTES = 32 * MIB
"""No job asks for less: what the system itself takes for a process must have room."""
MOST_KEPT = 10_000
"""So many answers are remembered."""
THIN = 3
"""Of fewer measurements the figures are guesses, and say so."""


class Figures(NamedTuple):
    """What a job should ask for."""

    cores: int | None  # None: nobody has measured them
    memory_bytes: int | None
    detail: str  # for people: `40 measurements, at most 1.2 GB and 3.9 cores seen, ...`
    why: str = ""  # of that, what is said of the headroom


class Evidence:
    """What has been measured of one rule."""

    def __init__(
        self,
        rule: str,
        attempts: Sequence[Attempt],
        dates: Sequence[str],
        level: str = LEAST_WASTE,
    ) -> None:
        self.rule = rule
        self._figures: dict[tuple[int | None, int], Figures] = {}
        self.level = level  # "least-waste" or "fewest-failures"
        self.attempts = attempts
        self.date = max((d[:10] for d in dates if d), default="")
        self.good = [a for a in attempts if a.outcome == OK]
        self.sized = [a for a in self.good if a.memory_peak_bytes is not None]
        self.command_digests = Counter(a.command_digest for a in self.good if a.command_digest)

    @property
    def is_thin(self) -> bool:
        return len(self.good) < THIN

    @cached_property
    def memory_peak_bytes(self) -> int | None:
        """The most that was ever used at once."""
        return max((a.memory_peak_bytes or 0 for a in self.sized), default=None)

    @property
    def memory_is_bound(self) -> bool:
        """Whether it is known of that peak only that no more was used."""
        peak = self.memory_peak_bytes
        largest = [one for one in self.sized if one.memory_peak_bytes == peak]
        return all(one.memory_is_bound for one in largest) and bool(largest)

    @cached_property
    def cores_peak(self) -> float | None:
        return max((c for a in self.good if (c := cores_used(a)) is not None), default=None)

    @cached_property
    def wall_s(self) -> float | None:
        return max((a.wall_s for a in self.good if a.wall_s is not None), default=None)

    def is_stale(self, command_digest: str) -> bool:
        """Whether the command was another one whenever it was measured."""
        return bool(self.command_digests) and command_digest not in self.command_digests

    def cores(self) -> int | None:
        """Those really used, and no more than the program was told to use."""
        return self._cores

    @cached_property
    def _cores(self) -> int | None:
        used = self.cores_peak
        if used is None:
            return None
        told = [int(c) for a in self.good if (c := a.request.get("cores"))]
        cores = max(1, math.ceil(used - SPILL_CORES))
        return min(cores, max(told)) if told else cores

    def measurements(self) -> list[Measurement]:
        """As the models of memory take them."""
        found = []
        for one in self.attempts:
            asked = one.limits.get("memory_bytes", one.request.get("memory_bytes"))
            outcome = one.outcome if one.outcome in (OK, OOM) else FAILED
            found.append(
                Measurement(
                    one.memory_peak_bytes,
                    one.input_bytes,
                    one.wall_s,
                    cores_used(one),
                    asked,
                    outcome,
                )
            )
        return found

    @cached_property
    def fitted(self) -> FittedMemory | None:
        """What jobs should ask for, by the size of their inputs where that matters."""
        try:
            return fit_memory(self.measurements(), self.level)
        except ValueError:
            return None

    def figures(self, input_bytes: int | None = None, attempt: int = 1) -> Figures:
        """For a job with inputs of this size; None: where that is not known."""
        if not self.varies:
            input_bytes = None
        known = self._figures.get((input_bytes, attempt))
        if known is None:
            if len(self._figures) >= MOST_KEPT:
                self._figures.clear()
            known = self._figures[input_bytes, attempt] = self._work_out(input_bytes, attempt)
        return known

    def _work_out(self, input_bytes: int | None, attempt: int) -> Figures:
        fitted = self.fitted
        memory_bytes, why = None, ""
        if fitted is not None:
            sized = fitted.request(input_bytes, attempt)
            memory_bytes, why = max(sized.bytes, LEAST_BYTES), sized.why
        count = len(self.good)
        parts = [self.date] if self.date else []
        parts.append(why or f"{count} measurement{'' if count == 1 else 's'}")
        if self.cores_peak is not None:
            parts.append(f"{self.cores_peak:.1f} cores")
        if self.is_thin:
            parts.append("thin evidence")
        return Figures(self.cores(), memory_bytes, ", ".join(parts), why)

    @property
    def varies(self) -> bool:
        """Whether jobs with inputs of other sizes get other figures."""
        return self.fitted is not None and self.fitted.varies


def cores_used(attempt: Attempt) -> float | None:
    return attempt.cores_peak if attempt.cores_peak is not None else attempt.cores_mean


def evidence_of(profile: Profile) -> dict[str, Evidence]:
    """By rule, in the order in which they come."""
    return gather(profile.attempts())


def gather(
    attempts: Iterable[tuple[ProfileRun, Attempt]], level: str = LEAST_WASTE
) -> dict[str, Evidence]:
    """Attempts by rule."""
    found: dict[str, tuple[list[Attempt], list[str]]] = {}
    for run, attempt in attempts:
        members, dates = found.setdefault(attempt.rule, ([], []))
        members.append(attempt)
        dates.append(run.date)
    return {rule: Evidence(rule, *parts, level) for rule, parts in found.items()}


def shown_gb(memory_bytes: int) -> float:
    """A size in GB as it is written into files: rounded up to three digits."""
    size = memory_bytes / GIB
    digits = max(0, 2 - math.floor(math.log10(size))) if size > 0 else 3
    step = 10.0**digits
    return round(math.ceil(size * step - 1e-9) / step, digits)


def nearest(name: str, names: Mapping[str, object] | Sequence[str]) -> str:
    """A hint, where a name like this one is there."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(names), n=1)
    return f"did you mean `{near[0]}`?" if near else ""
