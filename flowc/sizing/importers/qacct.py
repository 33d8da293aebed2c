"""Grid Engine's accounting, `qacct -j`: blocks of `name value` lines under a line of `=`."""

import re
from typing import Any

from flowc.sizing.importers.base import (
    MOST_CORES,
    MOST_S,
    Found,
    MalformedError,
    number,
    size,
)
from flowc.sizing.profile import FAILED, OK, OOM

_RULE = re.compile(r"={20,}")
_REQUEST = re.compile(r"(?:h_vmem|mem_free|s_vmem|m_mem_free)=([\d.]+[KMGkmg]?)")


def read(text: str) -> list[Found]:
    blocks: list[tuple[int, dict[str, tuple[str, int]]]] = []
    for at, line in enumerate(text.splitlines(), 1):
        if _RULE.fullmatch(line.strip()):
            blocks.append((at, {}))
        elif line.strip():
            if not blocks:
                if line.startswith("Total System Usage"):
                    break
                raise MalformedError(at, "it does not begin with a line of `=`", "see `qacct -j`")
            name, _, value = line.strip().partition(" ")
            blocks[-1][1].setdefault(name, (value.strip(), at))
    return [_found(at, block) for at, block in blocks if block]


def _found(at: int, block: dict[str, tuple[str, int]]) -> Found:
    for name in ("jobname", "exit_status", "ru_wallclock", "maxvmem"):
        if name not in block:
            raise MalformedError(at, f"the block that begins here has no `{name}`")

    def value(name: str, most: float) -> float | None:
        text, line = block.get(name, ("", at))
        return number(text.removesuffix("s"), name, line, most)

    wall_s, cpu_s = value("ru_wallclock", MOST_S), value("cpu", MOST_S)
    # `maxrss` is what was in memory at once; older versions have nothing but address space.
    peak_text, peak_at = block.get("maxrss") or block["maxvmem"]
    peak = size(peak_text, "maxrss", peak_at) or size(*_of(block, "maxvmem"))
    cores = value("slots", MOST_CORES)
    asked: dict[str, float] = {"cores": cores} if cores else {}
    limit = _REQUEST.search(block.get("category", ("", at))[0])
    if limit is not None:
        asked["memory_bytes"] = (size(limit[1], "h_vmem", at) or 0) * (cores or 1)
    code = value("exit_status", 1e6)
    failed = not re.match(r"0\b", block.get("failed", ("0", at))[0])
    outcome = OK if not code and not failed else FAILED
    if (
        outcome == FAILED
        and code == 137
        and peak
        and peak >= 0.95 * asked.get("memory_bytes", 1e30)
    ):
        outcome = OOM
    figures: dict[str, Any] = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "cores_mean": cpu_s / wall_s if cpu_s is not None and wall_s else None,
        "memory_peak_bytes": peak,
        "exit_code": None if code is None else int(code),
        "request": asked,
    }
    return Found(block["jobname"][0], figures, outcome, block.get("jobnumber", ("", at))[0], at)


def _of(block: dict[str, tuple[str, int]], name: str) -> tuple[str, str, int]:
    text, line = block[name]
    return text, name, line
