"""What `/proc` says of processes. Whatever cannot be read is None: processes end at any time.

`stat` costs some 10 us a process, `smaps_rollup` ten times that and more for a large one.
"""

import os
import re
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STAT_BYTES = 1024
_ROLLUP_BYTES = 4096
_PRIVATE = re.compile(rb"\nPrivate_\w+: +([0-9]+) kB")  # clean, dirty, and of huge pages


class Stat(NamedTuple):
    """One process at one moment."""

    parent: int
    session: int
    threads: int
    cpu_ticks: int  # its own, and those of the children that it has waited for
    rss_bytes: int  # 0 for one that has ended
    started_ticks: int  # since the machine's start: with the id, this very process
    virtual_bytes: int = 0  # addresses, whether or not there is memory behind them


class Parts(NamedTuple):
    """A process's memory told apart, in bytes."""

    proportional: int  # a page that n processes share counts 1/n
    unique: int  # what no other process shares


def read_stat(pid: int) -> Stat | None:
    """None where there is no such process any more."""
    data = _read(f"/proc/{pid}/stat", _STAT_BYTES)
    if data is None:
        return None
    # The name stands in parentheses and may hold any bytes, more parentheses too.
    fields = data[data.rfind(b")") + 2 :].split(None, 22)  # of it, none behind `rss`
    if len(fields) < 22:
        return None
    ticks = int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
    return Stat(
        int(fields[1]),
        int(fields[3]),
        int(fields[17]),
        ticks,
        int(fields[21]) * PAGE_BYTES,
        int(fields[19]),
        int(fields[20]),
    )


def read_parts(pid: int) -> Parts | None:
    """None where it may not be read."""
    data = _read(f"/proc/{pid}/smaps_rollup", _ROLLUP_BYTES)
    if not data:
        return None
    at = data.find(b"\nPss:")
    if at < 0:
        return None
    unique_kib = sum(map(int, _PRIVATE.findall(data)))
    return Parts(int(data[at + 5 : data.find(b"kB", at)]) * 1024, unique_kib * 1024)


def maker_bytes(external_id: str) -> int | None:
    """The memory of the process that has made this one; None where that is not below flowc's own,
    as with a cluster's number for a job."""
    stat = read_stat(int(external_id)) if external_id.isdecimal() else None
    maker = None if stat is None else read_stat(stat.parent)
    if stat is None or maker is None or os.getpid() not in (stat.parent, maker.parent):
        return None
    return maker.rss_bytes


def list_pids() -> set[int]:
    """Every process that can be seen."""
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}


def _read(path: str, most_bytes: int) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(fd, most_bytes)
    except OSError:
        return None
    finally:
        os.close(fd)
