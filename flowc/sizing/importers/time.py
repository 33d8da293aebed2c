"""GNU time's report, `/usr/bin/time -v COMMAND`; a file may hold several. What is not part of a
report (the command's own output) is skipped."""

import re
from typing import Any

from flowc.sizing.importers.base import (
    MOST_CORES,
    MOST_S,
    Found,
    MalformedError,
    duration,
    number,
    whole,
)
from flowc.sizing.profile import FAILED, OK

_LINE = re.compile(r"\s*(?P<name>[A-Z][^:\n]*(?:\([^)]*\))?): (?P<value>.*)")
_COMMAND = "Command being timed"
_BLOCK_BYTES = 512


def read(text: str) -> list[Found]:
    found: list[Found] = []
    report: dict[str, tuple[str, int]] = {}
    for at, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        if match["name"] == _COMMAND:
            if report:
                found.append(_found(report))
            report = {}
        elif not report:
            continue
        report[match["name"]] = (match["value"], at)
    if not report:
        raise MalformedError(1, f"there is no line `{_COMMAND}: ...`", "run it with `time -v`")
    found.append(_found(report))
    return found


def _found(report: dict[str, tuple[str, int]]) -> Found:
    at = report[_COMMAND][1]

    def value(name: str, most: float) -> float | None:
        text, line = report.get(name, (None, at))
        return number(text, name, line, most)

    elapsed = report.get("Elapsed (wall clock) time (h:mm:ss or m:ss)")
    rss_kb = value("Maximum resident set size (kbytes)", 1 << 50)
    if elapsed is None or rss_kb is None:
        raise MalformedError(at, "the report is cut: it has no elapsed time or no maximum size")
    wall_s = duration(elapsed[0], "Elapsed time", elapsed[1])
    user_s, system_s = value("User time (seconds)", MOST_S), value("System time (seconds)", MOST_S)
    cpu_s = None if user_s is None or system_s is None else user_s + system_s
    mean = cpu_s / wall_s if cpu_s is not None and wall_s else None
    code = value("Exit status", 255)
    figures: dict[str, Any] = {
        "wall_s": wall_s,
        "user_s": user_s,
        "system_s": system_s,
        "cpu_s": cpu_s,
        "cores_mean": None if mean is None else min(mean, MOST_CORES),
        "memory_peak_bytes": whole(rss_kb * 1024),
        "read_bytes": _blocks(value("File system inputs", 1 << 50)),
        "written_bytes": _blocks(value("File system outputs", 1 << 50)),
        "exit_code": whole(code),
    }
    command = report[_COMMAND][0].strip('"')
    words = command.split()
    program = words[0].rpartition("/")[2] if words else command
    return Found(program, figures, OK if not code else FAILED, command, at)


def _blocks(count: float | None) -> int | None:
    return None if count is None else whole(count * _BLOCK_BYTES)
