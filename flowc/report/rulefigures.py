"""The figures of one rule: what its jobs asked for, what they used, what it had better ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from flowc.diagnostic import printable
from flowc.record.story import STATES, RunStory
from flowc.report.bars import Bar
from flowc.units import GIB, show_bytes

MARGIN = 1.2
"""The advice for memory: so many times the largest peak that was seen."""
LEAST_GB = 0.04
"""No advice is below: a shell takes some, and one that is busy takes more."""
FEW = 3
"""The advice for fewer attempts says that it rests on few."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution. `values` rise."""

    values: Sequence[float]

    def at(self, share: float) -> float:
        """The smallest value that so many are not above: `at(0.5)` is a median that was seen."""
        return self.values[max(0, ceil(share * len(self.values)) - 1)]

    @property
    def p50(self) -> float:
        return self.at(0.5)

    @property
    def p95(self) -> float:
        return self.at(0.95)

    @property
    def most(self) -> float:
        return self.values[-1]

    def __bool__(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Advice:
    """What a rule had better ask for, and why. None: nothing was measured, or it is well so."""

    threads: int | None
    memory_gb: float | None
    why: str
    profile: str = ""  # the file that the rule may name instead

    def __bool__(self) -> bool:
        return self.threads is not None or self.memory_gb is not None

    @property
    def lines(self) -> Sequence[str]:
        """As a rule of a Workflowfile has them."""
        found = []
        if self.threads is not None:
            found.append(f"threads: {self.threads}")
        if self.memory_gb is not None:
            found.append(f"mem_gb: {self.memory_gb:g}")
        if self.profile:
            found.append(f"profile: {_literal(self.profile)}")
        return found


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """All jobs of one rule."""

    rule: str
    jobs: int
    states: Mapping[str, int]
    attempts: int
    causes: Mapping[str, int]  # of failed attempts
    duration_s: Spread  # of good attempts, as are all the others
    wait_s: float  # of all attempts together
    cores: Spread  # asked for
    used_cores: Spread
    memory_bytes: Spread
    peak_bytes: Spread
    core_s: float
    wasted_core_s: float
    byte_s: float
    wasted_byte_s: float
    advice: Advice
    points: Sequence[tuple[int, int]] = field(default_factory=tuple)  # input and peak, in bytes
    curve: Sequence[tuple[float, float]] = field(default_factory=tuple)  # input and request


def rule_figures(run: RunStory, bars: Sequence[Bar]) -> list[RuleFigures]:
    """By rule, those first that held most core-seconds."""
    of_rule: dict[str, list[Bar]] = {}
    for bar in bars:
        of_rule.setdefault(bar.job.rule, []).append(bar)
    states: dict[str, dict[str, int]] = {}
    for job in run.jobs.values():
        known = states.setdefault(job.rule, dict.fromkeys(STATES, 0))
        known[job.state] += 1
    found = [_figures(rule, states[rule], of_rule.get(rule, [])) for rule in states]
    return sorted(found, key=lambda rule: (-rule.core_s, rule.rule))


def _figures(rule: str, states: Mapping[str, int], bars: Sequence[Bar]) -> RuleFigures:
    good = [bar for bar in bars if not bar.attempt.cause and not bar.is_open]
    causes: dict[str, int] = {}
    for bar in bars:
        if bar.attempt.cause:
            causes[bar.attempt.cause] = causes.get(bar.attempt.cause, 0) + 1
    asked_cores = _spread(bar.attempt.cores for bar in bars)
    asked_bytes = _spread(bar.attempt.memory_bytes for bar in bars if bar.attempt.memory_bytes)
    used_cores = _spread(bar.used_cores for bar in good)
    peaks = _spread(bar.attempt.peak_bytes for bar in good)
    return RuleFigures(
        rule=rule,
        jobs=sum(states.values()),
        states=states,
        attempts=len(bars),
        causes=causes,
        duration_s=_spread(bar.duration_s for bar in good),
        wait_s=sum(bar.wait_s for bar in bars),
        cores=asked_cores,
        used_cores=used_cores,
        memory_bytes=asked_bytes,
        peak_bytes=peaks,
        core_s=sum(bar.core_s for bar in bars),
        wasted_core_s=sum(_lost(bar.core_s, bar.attempt.cpu_s, bar) for bar in bars),
        byte_s=sum(bar.byte_s for bar in bars),
        wasted_byte_s=sum(_lost(bar.byte_s, _peak_area(bar), bar) for bar in bars),
        advice=_advice(asked_cores, used_cores, asked_bytes, peaks),
        points=tuple(
            (bar.job.input_bytes, bar.attempt.peak_bytes)
            for bar in good
            if bar.job.input_bytes is not None and bar.attempt.peak_bytes is not None
        ),
    )


def _spread(values: Iterable[float | None]) -> Spread:
    return Spread(sorted(value for value in values if value is not None))


def _lost(held: float, used: float | None, bar: Bar) -> float:
    """Of what an attempt held: all if it failed, else what it did not use, if that is known."""
    if bar.attempt.cause:
        return held
    return 0.0 if used is None or bar.is_open else max(0.0, held - used)


def _peak_area(bar: Bar) -> float | None:
    peak = bar.attempt.peak_bytes
    return None if peak is None else peak * bar.duration_s


def _advice(cores: Spread, used: Spread, memory: Spread, peaks: Spread) -> Advice:
    threads, memory_gb, why = None, None, []
    if used:
        wanted = max(1, ceil(used.p95 - 0.25))
        if cores and wanted != cores.most:
            threads = wanted
            why.append(f"{_of(used, 'attempts')}: 95 % used {used.p95:.2g} cores or less")
    if peaks and peaks.most > 0:
        wanted_gb = max(LEAST_GB, round_up(peaks.most * MARGIN / GIB))
        asked_gb = memory.most / GIB if memory else None
        if asked_gb is None or not 0.9 <= wanted_gb / asked_gb <= 1.1:
            memory_gb = wanted_gb
            most = show_bytes(peaks.most)
            why.append(f"{_of(peaks, 'peaks')}: {MARGIN:g} times the largest, {most}")
    return Advice(threads, memory_gb, "; ".join(why))


def _of(seen: Spread, what: str) -> str:
    count = len(seen.values)
    return (
        f"of only {count} {what if count > 1 else what[:-1]}"
        if count < FEW
        else f"of {count} {what}"
    )


def _literal(path: str) -> str:
    """A string of the language that is this path, all of it in sight; a stray byte, which no
    string has, is seen and is not it."""
    text = printable(path.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{text}"'


def round_up(size_gb: float) -> float:
    """To two significant digits, at least 0.01."""
    step = 0.01
    while size_gb / step > 99:
        step *= 10
    return round(max(1, ceil(size_gb / step - 1e-9)) * step, 2)
