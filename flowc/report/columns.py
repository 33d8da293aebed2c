"""What the page's script draws and lists, as columns: a hundred thousand jobs are a few arrays.

Every text of the run passes through `plain`: a control character, a mark that turns the direction
of writing, or a stray byte is seen, and does nothing.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flowc.diagnostic import printable
from flowc.record.story import STATES, JobStory, RunStory
from flowc.report.figures import Figures

LONG, LONG_COMMAND = 300, 4000
"""A name of more characters is cut on the page; the exports have it whole."""
MANY_JOBS = 20_000
"""With more jobs than this the page holds commands, logs and files compressed: they are unpacked
after the charts have been painted."""
MOST_LATER = 64_000_000
"""Characters of commands in there: with more, each is cut earlier."""
FEW_FILES = 12


def plain(text: str, most: int = LONG) -> str:
    """A text as the page may show it."""
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return printable(text)


def plain_lines(text: str, most: int = LONG_COMMAND) -> str:
    """The same, with lines and tabs kept."""
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return "\n".join(printable(line, keep_tabs=True) for line in text.split("\n"))


def as_script(data: object) -> str:
    """JSON that may stand inside of a script element, and cannot end it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class Texts:
    """Each text once; a column holds its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        return list(self._numbers)


def columns(figures: Figures) -> dict[str, Any]:
    """Everything the script is given."""
    run = figures.run
    texts = Texts()
    texts("")
    rules = {rule: i for i, rule in enumerate(sorted({job.rule for job in run.jobs.values()}))}
    on_path = set(figures.critical_path)
    return {
        "start_s": round(run.start_s, 3),
        "end": _ms(run.makespan_s),
        "cores": run.cores,
        "memory": run.memory_bytes,
        "lanes": figures.lanes.total,
        "core_lanes": figures.lanes.cores,
        "states": list(STATES),
        "rules": [plain(rule) for rule in rules],
        "jobs": _jobs(figures, rules, texts),
        "bars": _bars(figures, texts, on_path),
        "usage": _usage(figures),
        "texts": texts.all(),
    }


def _jobs(figures: Figures, rules: Mapping[str, int], texts: Texts) -> dict[str, Any]:
    run = figures.run
    jobs = list(run.jobs.values())
    places = {job.id: place for place, job in enumerate(jobs)}
    states = {state: i for i, state in enumerate(STATES)}
    found: dict[str, Any] = {
        "id": [job.id for job in jobs],
        "name": [plain(job.name) for job in jobs],
        "rule": [rules[job.rule] for job in jobs],
        "state": [states[job.state] for job in jobs],
        "wildcards": [texts(_wildcards(job)) for job in jobs],
        "output": [texts(_files(job.outputs, 1)) for job in jobs],
    }
    if len(jobs) <= MANY_JOBS:
        return {**found, **_details(run, jobs, places, texts)}
    own = Texts()
    later = _details(run, jobs, places, own)
    packed = gzip.compress(as_script({**later, "texts": own.all()}).encode(), mtime=0)
    return {**found, "later": base64.b64encode(packed).decode()}


def _details(
    run: RunStory, jobs: Sequence[JobStory], places: Mapping[int, int], texts: Texts
) -> dict[str, Any]:
    """What is shown of one job at a time."""
    most = max(LONG, min(LONG_COMMAND, MOST_LATER // (len(jobs) or 1)))
    return {
        "command": [texts(plain_lines(job.command, most)) for job in jobs],
        "log": [texts(plain(job.log)) for job in jobs],
        "reasons": [texts(_lines(job.reasons)) for job in jobs],
        "inputs": [texts(_files(job.inputs)) for job in jobs],
        "outputs": [texts(_files(job.outputs)) for job in jobs],
        "needs": [
            sorted({places[n] for n in run.needs_of(job) if n in places})[:FEW_FILES]
            for job in jobs
        ],
    }


def _wildcards(job: JobStory) -> str:
    return plain(", ".join(f"{name}={value}" for name, value in job.wildcards.items()))


def _files(paths: Sequence[str], most: int = FEW_FILES) -> str:
    return _lines(paths, most)


def _lines(texts: Iterable[str], most: int = FEW_FILES) -> str:
    known = list(texts)
    lines = [plain(text) for text in known[:most]]
    if len(known) > most > 1:
        lines.append(f"… and {len(known) - most:,} more")
    return "\n".join(lines)


def _bars(figures: Figures, texts: Texts, on_path: set[int]) -> dict[str, Any]:
    bars = figures.bars
    places = {id: place for place, id in enumerate(figures.run.jobs)}
    waited = figures.usage.waited_for
    last = {bar.job.id: i for i, bar in enumerate(bars)}
    return {
        "job": [places[bar.job.id] for bar in bars],
        "number": [bar.attempt.number for bar in bars],
        "start": [_ms(bar.start_s) for bar in bars],
        "end": [_ms(bar.end_s) for bar in bars],
        "ready": [_ms(bar.ready_s) for bar in bars],
        "lane": [pieces[0][0] for pieces in figures.lanes.pieces],
        "high": [pieces[0][1] for pieces in figures.lanes.pieces],
        "more": {
            str(i): [list(piece) for piece in pieces[1:]]
            for i, pieces in enumerate(figures.lanes.pieces)
            if len(pieces) > 1
        },
        "cores": [bar.attempt.cores for bar in bars],
        "memory": [bar.attempt.memory_bytes for bar in bars],
        "cpu": [_ms(bar.attempt.cpu_s) for bar in bars],
        "peak": [bar.attempt.peak_bytes for bar in bars],
        "cause": [texts(plain(bar.attempt.cause or "")) for bar in bars],
        "message": [texts(plain(bar.attempt.message)) for bar in bars],
        "exit": [bar.attempt.exit_code for bar in bars],
        "why": [texts(plain(waited.get(i, ""))) for i in range(len(bars))],
        "open": [int(bar.is_open) for bar in bars],
        "queue": [_ms(bar.queue_s) for bar in bars],
        "where": [texts(plain(bar.where)) for bar in bars],
        "path": [
            i for i, bar in enumerate(bars) if bar.job.id in on_path and last[bar.job.id] == i
        ],
    }


def _usage(figures: Figures) -> dict[str, Any]:
    """Steps. Where nobody measured anything, the columns of what was used are missing."""
    usage = figures.usage
    texts = Texts()
    found: dict[str, Any] = {
        "at": [_ms(at_s) for at_s in usage.times_s],
        "cores": usage.cores,
        "memory": [_mib(size) for size in usage.memory_bytes],
        "running": usage.running,
        "waiting": usage.waiting,
        "limit": [texts(plain(what)) for what in usage.limited_by],
        "limits": texts.all(),
    }
    if figures.core_area.measured:
        found["cores_used"] = [round(cores, 2) for cores in usage.cores_used]
    if figures.memory_area.measured:
        found["memory_used"] = [_mib(size) for size in usage.memory_used]
    return found


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _mib(size: float) -> float:
    return round(size / 1024**2, 1)
