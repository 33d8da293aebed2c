"""What the importers share: a job as another tool names it, and how figures are read."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flowc.sizing.profile import OK
from flowc.units import parse_bytes, parse_seconds

MOST_BYTES = 1 << 60
MOST_S = 1e10
MOST_CORES = 1e6


class MalformedError(Exception):
    """The text is not what it should be. `line` is counted from 1; 0: no line in particular."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


@dataclass(slots=True)
class Found:
    """One attempt at one job, under the name that the tool gives it."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)  # by the names of `Attempt`
    outcome: str = OK
    tag: str = ""  # what tells it from others of that name
    line: int = 0
    left_out: str = ""  # why nothing can be learned from it


def table(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the first line of a table with tabs, each with its line. Raises
    MalformedError for a row of another length."""
    lines = text.splitlines()
    heads = lines[0].split("\t")
    for at, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != len(heads):
            raise MalformedError(at, f"{len(cells)} columns where the first line has {len(heads)}")
        yield at, dict(zip(heads, cells, strict=True))


def json_lines(text: str, needed: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of JSON lines, each with its line. Raises MalformedError for anything else, and
    for an object without the key that is needed."""
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except json.JSONDecodeError as fault:
            why = fault.msg[:1].lower() + fault.msg[1:]
            raise MalformedError(at, f"this is not JSON: {why}, column {fault.colno}") from None
        except (ValueError, RecursionError):
            raise MalformedError(at, "this is not JSON: there is too much of it") from None
        if not isinstance(data, dict) or needed not in data:
            raise MalformedError(at, f"the object has no `{needed}`")
        yield at, data


def number(text: Any, what: str, line: int, most: float) -> float | None:
    """A number, also as text; None where the tool says that it has none."""
    if text is None or (isinstance(text, str) and text.strip().lower() in _NONE):
        return None
    try:
        if isinstance(text, bool):
            raise ValueError
        value = float(text)
    except (ValueError, TypeError):
        raise MalformedError(line, f"`{what}` is no number: {str(text)[:40]!r}") from None
    if not math.isfinite(value) or not 0 <= value <= most:
        raise MalformedError(line, f"`{what}` is {value:g}, which cannot have been measured")
    return value


_NONE = {"", "-", "na", "n/a", "null", "none", "unknown", "undefined"}


def size(text: str | None, what: str, line: int) -> int | None:
    """Bytes, from `1.5 GB`, `512K` or a bare number of bytes."""
    if text is None or text.strip().lower() in _NONE:
        return None
    try:
        value = parse_bytes(text.strip())
    except (ValueError, OverflowError):
        raise MalformedError(line, f"`{what}` is no size: {text[:40]!r}") from None
    if value > MOST_BYTES:
        raise MalformedError(line, f"`{what}` is {text}, which cannot have been measured")
    return value


_MS = re.compile(r"([0-9.]+)\s*ms\b")
_CLOCK = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)")


def duration(text: str | None, what: str, line: int) -> float | None:
    """Seconds, from `1h 30m`, `350ms`, `1-02:03:04`, `05:01.25` or a bare number of seconds."""
    if text is None or text.strip().lower() in _NONE:
        return None
    text = text.strip()
    milliseconds = sum(float(m[1]) for m in _MS.finditer(text))
    rest = _MS.sub("", text).strip()
    try:
        clock = _CLOCK.fullmatch(rest)
        if clock is not None:
            days, hours, minutes, seconds = (float(g or 0) for g in clock.groups())
            value = days * 86400 + hours * 3600 + minutes * 60 + seconds
        elif not rest:
            value = 0.0
        else:
            value = float(rest) if rest.replace(".", "", 1).isdecimal() else parse_seconds(rest)
    except ValueError:
        raise MalformedError(line, f"`{what}` is no duration: {text[:40]!r}") from None
    value += milliseconds / 1000
    if value > MOST_S:
        raise MalformedError(line, f"`{what}` is {text}, which cannot have been measured")
    return value


def whole(value: float | None) -> int | None:
    return None if value is None else round(value)
