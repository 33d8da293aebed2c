"""Sizes and durations: reading what people write, writing what people read.

A GB is a GiB (1024^3 bytes) everywhere, as it is for Slurm's and Grid Engine's `G`.
"""

import re

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4

_SIZES = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB, "P": 1024 * TIB}
_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([KMGTP]?)(?:i?B)?\s*", re.I)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_UNIT = r"(w|d|h|m|s)[a-z]*"
_SPAN = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*" + _UNIT + r"\s*", re.I)
_CLOCK = re.compile(r"\s*(?:(\d+)-)?(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)\s*")


def parse_bytes(text: str) -> int:
    """`"2 GB"`, `"500M"`, `"1.5GiB"` or a bare number of bytes. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text}` is not a size such as `2 GB` or `500 MB`")
    return round(float(match[1]) * _SIZES[match[2].upper()])


def parse_seconds(text: str) -> float:
    """`"90m"`, `"1h 30m"`, `"2 days"` or `"1-12:00:00"`. Raises ValueError."""
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        days, hours, minutes, seconds = (float(g or 0) for g in clock.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds
    total, at = 0.0, 0
    while at < len(text):
        match = _SPAN.match(text, at)
        if match is None:
            break
        total += float(match[1]) * _SECONDS[match[2].lower()]
        at = match.end()
    if at == 0 or at < len(text):
        raise ValueError(f"`{text}` is not a duration such as `90m` or `1h 30m`")
    return total


def show_bytes(count: float) -> str:
    """A size with three significant digits: `512 B`, `1.5 GB`."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(size) < 1000 or unit == "TB":
            return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"
        size /= 1024
    raise AssertionError


def show_gb(count: float) -> str:
    """A size in GB: `1.5 GB`, `0.25 GB`."""
    return f"{count / GIB:.4g} GB"


def show_seconds(seconds: float) -> str:
    """A duration: `0.25 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
