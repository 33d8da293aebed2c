"""Figures in words, as the page, the text and the comparison show them."""

from flowc.units import GIB


def percent(share: float) -> str:
    """`7.3 %`, `85 %`."""
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def core_hours(core_s: float) -> str:
    """Core-seconds given; in hours from a hundredth of one on."""
    return f"{_figure(core_s / 3600)} core-hours" if core_s >= 36 else f"{core_s:.3g} core-seconds"


def gib_hours(byte_s: float) -> str:
    """Byte-seconds given. A GB is a GiB here too."""
    gib_h = byte_s / GIB / 3600
    return f"{_figure(gib_h)} GB-hours" if gib_h >= 0.01 else f"{byte_s / GIB:.3g} GB-seconds"


def limit_name(name: str) -> str:
    """`limit:ftp`, as events have it, for people."""
    if name.startswith("limit:rule:"):
        return f"own limit of {name.removeprefix('limit:rule:')}"
    return f"limit {name.removeprefix('limit:')}" if name.startswith("limit:") else name


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
