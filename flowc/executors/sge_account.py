"""What Grid Engine's accounting (`qacct -j`) says of elements that have ended."""

import re
from collections.abc import Iterator, Mapping

from flowc.executors.grid.base import Account, Element

_LIMIT = 37
"""`failed`: more time or memory than the job had asked for."""
_KILLED = 100
"""`failed`: ended by a signal, whoever sent it."""
_AMOUNT = re.compile(r"([\d.]+)\s*([KMGT]?)B?s?$", re.IGNORECASE)
_SIZE = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def accounts_in(text: str) -> dict[Element, Account]:
    """By id and element. An id may be there twice, if it was given out again or the element was
    started again: the last one counts."""
    return {
        (job["jobnumber"], int(job["taskid"])): _account(job)
        for job in _records(text)
        if job.get("taskid", "").isdecimal() and job.get("jobnumber", "").isdecimal()
    }


def _records(text: str) -> Iterator[Mapping[str, str]]:
    job: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("====="):
            if job:
                yield job
            job = {}
            continue
        name, _, value = line.partition(" ")
        job[name] = value.strip()
    if job:
        yield job


def _account(job: Mapping[str, str]) -> Account:
    failed = _whole(job.get("failed", ""))
    code = _whole(job.get("exit_status", ""))
    wall_s = _amount(job.get("ru_wallclock", ""))
    return Account(
        name=job.get("jobname", ""),
        cause=_cause(failed, code, wall_s, job),
        exit_code=code,
        wall_s=wall_s,
        cpu_s=_amount(job.get("cpu", "")),
        peak_rss_bytes=_peak(job.get("ru_maxrss", "")),
        host=job.get("hostname", ""),
    )


def _cause(
    failed: int | None, code: int | None, wall_s: float | None, job: Mapping[str, str]
) -> str:
    if not failed:
        return ""
    if failed == _LIMIT:
        limit_s = re.search(r"\bh_rt=(\d+)", job.get("category", ""))
        is_time = limit_s is not None and wall_s is not None and wall_s >= float(limit_s[1])
        return "time-limit" if is_time or "h_vmem=" not in job.get("category", "") else "oom"
    if failed == _KILLED:
        return "signal" if code is not None and code > 128 else ""
    return "node-failure"  # it could not be started, or not be looked after


def _whole(text: str) -> int | None:
    """The number at the beginning of `137   (Killed)`."""
    found = re.match(r"\d+", text)
    return None if found is None else int(found[0])


def _amount(text: str) -> float | None:
    """`0.024s`, `677.156MB`, `12`."""
    found = _AMOUNT.match(text)
    return None if found is None else float(found[1]) * _SIZE[found[2].upper()]


def _peak(text: str) -> int | None:
    """The kernel tells KiB. Where qacct prints a unit, it takes them for bytes."""
    amount = _amount(text)
    return int(amount * 1024) if amount else None
