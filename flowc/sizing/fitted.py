"""A rule's request for memory as a function of the size of its input, as plain numbers.

It is made by `flowc.sizing.memory`, written into resource files, and read back from them.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

from flowc.sizing.measurement import MOST_BYTES, check_figure
from flowc.sizing.scales import CONSTANT, LINE, POWER, STEPS, Scale
from flowc.units import MIB, show_bytes

LEAST_WASTE, FEWEST_FAILURES = LEVELS = "least-waste", "fewest-failures"

SLACK_BYTES = 16 * MIB
"""On top of all: what a job may take more than the same job did before, by allocators' chance."""
THIN_SHARE = {1: 0.5, 2: 0.3}
"""With so few measurements there is no fit, but what was seen and this on top."""
VERSION = 1

_LARGEST = 1e300
_SCALES = (CONSTANT, LINE, POWER, STEPS)


class Sized(NamedTuple):
    """A request, and why it is this large."""

    bytes: int
    why: str


class FittedMemory(NamedTuple):
    """A request as a function of the size of the input. Plain numbers: see `to_data`."""

    measurements: int
    largest_bytes: float  # the largest peak seen
    constant_bytes: float  # the request where the size of the input is not known
    scale: Scale = Scale()
    headroom: float = 0.0
    is_ratio: bool = False  # the headroom multiplies the scale; else it is added, in bytes
    rule: str = ""  # of the headroom
    waste: float | None = None  # by the others' say: wasted / used, in byte-seconds
    killed: int = 0  # by the others' say: so many of them all
    lost_bytes: float = 0.0  # the largest request under which a job was killed, if nothing since
    level: str = LEAST_WASTE
    total_bytes: float | None = None  # of the machine

    @property
    def varies(self) -> bool:
        """Whether the request depends on the size of the input."""
        return self.scale.kind != CONSTANT

    def request(
        self,
        input_bytes: float | None = None,
        attempt: int = 1,
        previous_bytes: float | None = None,
    ) -> Sized:
        """For one attempt at a job. `previous_bytes`: what the attempt before it has asked for.

        After the first, an attempt asks for the largest seen, and then for twice as much as the
        one before. Raises ValueError for a size that is none."""
        if input_bytes is not None:
            check_figure("input_bytes", input_bytes, MOST_BYTES)
        if previous_bytes is not None:
            check_figure("previous_bytes", previous_bytes, MOST_BYTES)
        if attempt <= 1:
            return self._capped(self._first(input_bytes), self.explain())
        if previous_bytes is None:
            previous_bytes = self._first(input_bytes)
            for _ in range(attempt - 2):
                previous_bytes = self._next(previous_bytes)
        needed = self._next(previous_bytes)
        how = "the largest seen" if needed <= self.largest_bytes + SLACK_BYTES else "twice"
        return self._capped(needed, f"{how} after {show_bytes(previous_bytes)} was too little")

    def _first(self, input_bytes: float | None) -> float:
        if not self.varies or input_bytes is None:
            needed = self.constant_bytes
        else:
            base = self.scale.at(input_bytes)
            needed = base * self.headroom if self.is_ratio else base + self.headroom
            needed += SLACK_BYTES
        return max(needed, 2 * self.lost_bytes, SLACK_BYTES)

    def raised(self, input_bytes: float | None, peak_bytes: float) -> "FittedMemory":
        """With so much headroom that it would have been enough for this job."""
        if not self.varies or input_bytes is None:
            enough = max(self.constant_bytes, peak_bytes + SLACK_BYTES)
            return self._replace(constant_bytes=enough)
        base = self.scale.at(input_bytes)
        if self.is_ratio and base >= 1:  # of less than a byte it would have no end
            return self._replace(headroom=max(self.headroom, peak_bytes / base))
        return self._replace(headroom=max(self.headroom, peak_bytes - base), is_ratio=False)

    def _next(self, previous_bytes: float) -> float:
        """Twice as much where the largest seen is not clearly more."""
        enough = self.largest_bytes + SLACK_BYTES
        return enough if previous_bytes < self.largest_bytes else 2 * previous_bytes

    def _capped(self, needed: float, why: str) -> Sized:
        most = MOST_BYTES if self.total_bytes is None else self.total_bytes
        if needed > most:
            return Sized(int(most), f"{why}, all that there is")
        return Sized(ceil(needed), why)

    def explain(self) -> str:
        """`40 measurements, peak 3.1 GB, grows 0.8 byte per input byte, headroom 12%`."""
        parts = [f"{self.measurements} measurement{'' if self.measurements == 1 else 's'}"]
        if self.largest_bytes:
            parts.append(f"peak {show_bytes(self.largest_bytes)}")
        parts.append(self._growth())
        if self.waste is None:
            share = THIN_SHARE.get(self.measurements, 0.0)
            parts.append(f"{share:.0%} headroom because there are so few")
        else:
            parts.append(f"headroom {self.waste:.1%}")
            parts.append(f"left out one by one, {self.killed} would have been killed")
        if self.lost_bytes:
            parts.append(f"killed at {show_bytes(self.lost_bytes)}")
        return ", ".join(part for part in parts if part)

    def _growth(self) -> str:
        scale = self.scale
        if scale.kind == LINE:
            factor = self.headroom if self.is_ratio else 1.0
            word = "grows" if scale.numbers[1] >= 0 else "shrinks"
            return f"{word} {abs(factor * scale.numbers[1]):.2g} byte per input byte"
        if scale.kind == POWER:
            return f"goes with the input to the power of {scale.numbers[1]:.2g}"
        if scale.kind == STEPS:
            return f"differs between {len(scale.numbers) // 2 + 1} ranges of input sizes"
        return ""

    def to_data(self) -> dict[str, Any]:
        """As plain values, for JSON and YAML."""
        data: dict[str, Any] = {"version": VERSION, **self._asdict(), "scale": self.scale.kind}
        if self.varies:
            data.update(
                numbers=list(self.scale.numbers),
                least_input_bytes=self.scale.least,
                most_input_bytes=self.scale.most,
            )
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "FittedMemory":
        """Raises ValueError, with what is wrong, for what `to_data` does not give."""
        return _from_data(dict(data))


def _from_data(data: dict[str, Any]) -> FittedMemory:
    if data.pop("version", None) != VERSION:
        raise ValueError(f"the version of the function is not {VERSION}")
    scale = _scale_from(data)
    unknown = data.keys() - set(FittedMemory._fields)
    if unknown:
        raise ValueError(f"`{min(unknown)}` is not known")
    found = FittedMemory(**{"measurements": 0, "largest_bytes": 0, **data, "scale": scale})
    for name in ("largest_bytes", "constant_bytes", "lost_bytes"):
        check_figure(name, getattr(found, name), 4 * MOST_BYTES)
    _check_number("headroom", found.headroom)
    for name in ("measurements", "killed"):
        if type(getattr(found, name)) is not int or getattr(found, name) < 0:
            raise ValueError(f"{name} is {getattr(found, name)!r}, which is no count")
    if found.waste is not None:
        check_figure("waste", found.waste, _LARGEST)
    if found.total_bytes is not None:
        check_figure("total_bytes", found.total_bytes, MOST_BYTES)
    if not isinstance(found.is_ratio, bool):
        raise ValueError(f"is_ratio is {found.is_ratio!r}, not true or false")
    if not isinstance(found.rule, str):
        raise ValueError(f"rule is {found.rule!r}, which is no text")
    if found.level not in LEVELS:
        raise ValueError(f"level is {found.level!r}, not one of {', '.join(LEVELS)}")
    return found


def _scale_from(data: dict[str, Any]) -> Scale:
    """Takes the scale's keys out of the data."""
    kind = data.pop("scale", CONSTANT)
    if kind not in _SCALES:
        raise ValueError(f"scale is {kind!r}, not one of {', '.join(_SCALES)}")
    numbers = data.pop("numbers", [])
    if not isinstance(numbers, list):
        raise ValueError("numbers is no list")
    for number in numbers:
        _check_number("numbers", number)
    count = len(numbers)
    fits = {CONSTANT: count == 0, STEPS: count >= 3 and count % 2 == 1}
    if not fits.get(kind, count == 2):
        raise ValueError(f"numbers has {count} members, which no {kind} has")
    ends = numbers[: count // 2] if kind == STEPS else []
    if ends != sorted(ends):
        raise ValueError("the ends of the steps do not rise")
    ends = [data.pop(name, 0.0) for name in ("least_input_bytes", "most_input_bytes")]
    for name, end in zip(("least_input_bytes", "most_input_bytes"), ends, strict=True):
        check_figure(name, end, MOST_BYTES)
    return Scale(kind, tuple(map(float, numbers)), *ends)


def _check_number(name: str, value: object) -> None:
    is_negative = isinstance(value, int | float) and value < 0
    check_figure(name, -value if is_negative else value, _LARGEST)  # type: ignore[operator]
