"""A run told to a person: a line for each job, or on a terminal one line that is kept up to date;
what failed, why, and the end of its log; and how it all ended.

A listener: it is called with each event, and knows nothing else of the run. Output that cannot be
written any more (the pipe's reader is gone, the terminal is closed) does not end the run.
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, TextIO

from flowc.diagnostic import BOLD, RED, RESET, YELLOW, printable
from flowc.events import (
    Event,
    JobDone,
    JobEnded,
    JobFailed,
    JobSkipped,
    JobSubmitted,
    Notice,
    RunEnded,
    RunStarted,
)
from flowc.ids import JobId
from flowc.live.left import TimeLeft
from flowc.units import GIB, show_seconds

TAIL_LINES = 20
_TAIL_BYTES = 16384
_LONGEST_LINE = 1000
_FAILED_LISTED = 10
_NAMED = 4
_LONG_S = 2.0
"""A job that has run for so long is told with its time."""
_PAUSES = {"paused": True, "resumed": False}
"""Codes of notices, and whether no new jobs start from then on."""
_CLEAR = "\r\x1b[K"


class Console:
    """Writes to `stream` (stderr unless another is given).

    `quiet`: only failures, and the end of a run that was not good. `commands`: each command as it
    starts. `color`, `terminal`: None: as the stream and NO_COLOR say.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
        commands: bool = False,
        color: bool | None = None,
        terminal: bool | None = None,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        is_tty = self._stream.isatty()
        self._color = is_tty and not os.environ.get("NO_COLOR") if color is None else color
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        self._live = (is_tty and not dumb if terminal is None else terminal) and not quiet
        self._quiet, self._commands = quiet, commands
        self._total = self._done = self._failed = self._upstream = 0
        self._started_s = time.time()
        self._running: dict[JobId, tuple[JobSubmitted, float]] = {}  # and since when
        self._cores = self._memory_bytes = 0  # in use
        self._most: RunStarted | None = None  # what may be in use
        self._drawn_s = 0.0
        self._is_paused = False
        self._left = TimeLeft()
        self._failures: dict[JobId, str] = {}
        self._has_status = False
        self._broken = False

    def __call__(self, event: Event) -> None:
        if self._broken:
            return
        tell = _TELL.get(type(event))
        if tell is not None:
            tell(self, event)

    # ---- events

    def _run_started(self, event: RunStarted) -> None:
        self._total, self._done, self._upstream = event.jobs_total, 0, 0  # there may be rounds
        self._started_s = event.at_s
        self._most = event
        self._left.begin(event, time.monotonic())

    def _submitted(self, event: JobSubmitted) -> None:
        self._over(event.job)
        now_s = time.monotonic()
        self._running[event.job] = (event, now_s)
        self._left.start(event, now_s)
        self._cores += event.cores
        self._memory_bytes += event.memory_bytes
        if not self._quiet:
            if event.message:
                self._write(_block(event.message, ""))
            if self._commands:
                self._write(self._paint(BOLD, printable(event.name)) + "\n" + _block(event.command))
        self._status()

    def _job_done(self, event: JobDone) -> None:
        self._done += 1
        self._left.end(event.job, well=True)
        name = self._over(event.job) or event.rule
        if self._live:
            self._status()
        elif not self._quiet:
            self._write(f"{self._count()} {printable(name)}\n")

    def _over(self, job: JobId) -> str:
        """It does not run any more; its name, if it did."""
        known = self._running.pop(job, None)
        if known is None:
            return ""
        self._cores -= known[0].cores
        self._memory_bytes -= known[0].memory_bytes
        return known[0].name

    def _ended(self, event: JobEnded) -> None:
        if event.exit_code or event.cause:
            self._over(event.job)

    def _job_failed(self, event: JobFailed) -> None:
        self._over(event.job)
        self._left.end(event.job, well=False)
        if not event.will_retry:
            self._left.drop()
        if event.cause == "cancelled":
            return  # by the user, who knows
        name = printable(event.name)
        again = f" (attempt {event.attempt}; it is tried again)" if event.will_retry else ""
        tone = YELLOW if event.will_retry else RED
        lines = [f"{self._paint(tone, 'failed')}: {name}: {printable(event.message)}{again}\n"]
        if event.command:
            lines += ["  command:\n", _block(event.command)]
        if event.log:
            tail = log_tail(event.log)
            what = f"end of {printable(event.log)}:" if tail else "it has printed nothing"
            lines += [f"  {what}\n", *(f"    {line}\n" for line in tail)]
        self._write("".join(lines))
        if not event.will_retry:
            self._failed += 1
            self._failures[event.job] = name
        self._status()

    def _skipped(self, event: JobSkipped) -> None:
        self._left.drop()
        if event.why == "up-to-date":
            self._total -= 1
        else:
            self._upstream += 1

    def _notice(self, event: Notice) -> None:
        self._write(f"{self._paint(YELLOW, 'note')}: {printable(event.message)}\n")
        if event.code in _PAUSES:
            self._is_paused = _PAUSES[event.code]
            self._status()

    def _run_ended(self, event: RunEnded) -> None:
        if self._quiet and event.outcome == "ok":
            return
        took = show_seconds(max(0.0, event.at_s - self._started_s))
        if event.outcome == "ok":
            self._write(f"{self._paint(BOLD, 'done')}: {_jobs(event.done)} in {took}\n")
            return
        tone = YELLOW if event.outcome == "interrupted" else RED
        parts = [f"{event.done:,} done", f"{event.failed:,} failed", f"{event.not_run:,} not run"]
        self._write(f"{self._paint(tone, event.outcome)} after {took}: {', '.join(parts)}\n")
        if len(self._failures) > 1:
            names = list(self._failures.values())
            more = len(names) - _FAILED_LISTED
            self._write("".join(f"  failed: {name}\n" for name in names[:_FAILED_LISTED]))
            if more > 0:
                self._write(f"  ... and {more:,} more\n")

    # ---- writing

    def _count(self) -> str:
        width = len(str(self._total))
        return f"[{self._done:{width}}/{self._total}]"

    def _status(self) -> None:
        """Draw the line at the bottom of the terminal anew."""
        if not self._live:
            return
        parts = [f"{len(self._running)} running", *self._in_use()]
        if self._is_paused:
            parts.insert(0, "paused")
        if self._failed:
            parts.append(f"{self._failed} failed")
        head = f"{self._count()} {', '.join(parts)}"
        left_s = self._left.seconds(time.monotonic())
        if left_s is not None:
            head += f", about {show_seconds(left_s)} left"
        names = []
        self._drawn_s = now_s = time.monotonic()
        for event, since_s in islice(self._running.values(), _NAMED):
            for_s = now_s - since_s
            names.append(f"{event.name}{_times(for_s, event.expected_s)}")
        text = printable(f"{head}: {', '.join(names)}" if names else head)
        room = _columns(self._stream) - 1
        if not text.isascii():
            room //= 2  # some characters are two columns wide
        self._put(_CLEAR + (text if len(text) <= room else text[: max(0, room - 1)] + "…"))
        self._has_status = True

    def _in_use(self) -> list[str]:
        """Cores and memory in use, against what may be."""
        most, found = self._most, []
        if most is not None and most.cores:
            cores = min(self._cores, most.cores)  # some were submitted before they have a place
            found.append(f"{cores}/{most.cores} cores")
        if most is not None and most.memory_bytes:
            used = min(self._memory_bytes, most.memory_bytes) / GIB
            total = most.memory_bytes / GIB
            found.append(f"{used:.3g}/{total:.3g} GB")
        return found

    @property
    def tick_s(self) -> float | None:
        """How often `tick` is to be called, also when nothing happens; None: never."""
        return 1.0 if self._live else None

    def tick(self) -> None:
        """Time has passed: let the line tell for how long jobs have run."""
        if self._running and time.monotonic() - self._drawn_s >= 1.0:
            self._status()

    def _write(self, text: str) -> None:
        """Lines that stay."""
        self._put(f"{_CLEAR}{text}" if self._has_status else text)
        self._has_status = False

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            self._put(text.encode("ascii", "backslashreplace").decode("ascii"))
        except (OSError, ValueError):  # gone, or closed
            self._broken = True

    def _paint(self, tone: str, text: str) -> str:
        return f"{tone}{text}{RESET}" if self._color else text


_TELL: dict[type, Callable[[Console, Any], None]] = {
    RunStarted: Console._run_started,
    JobSubmitted: Console._submitted,
    JobEnded: Console._ended,
    JobDone: Console._job_done,
    JobFailed: Console._job_failed,
    JobSkipped: Console._skipped,
    Notice: Console._notice,
    RunEnded: Console._run_ended,
}


class JsonStream:
    """Each event as a line of JSON, for programs. A reader that has gone ends the output, not the
    run."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._broken = False

    def __call__(self, event: Event) -> None:
        if self._broken:
            return
        from flowc.events import to_line

        try:
            self._stream.write(to_line(event))
            self._stream.flush()
        except (OSError, ValueError):
            self._broken = True


def log_tail(path: str, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log, safe to print. Of a line that was overwritten (a progress bar), what
    was to be seen last."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            data = file.read()
    except OSError:
        return []
    found = data.decode("utf-8", "surrogateescape").rstrip("\n").split("\n") if data else []
    if size > _TAIL_BYTES and len(found) > 1:
        found = found[1:]  # it was cut
    shown = [line.rstrip("\r").rpartition("\r")[2] for line in found[-lines:]]
    return [printable(_cut(line), keep_tabs=True) for line in shown]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _block(text: str, indent: str = "    ") -> str:
    """A text of several lines, indented as a whole, without its own common indentation."""
    lines = text.strip("\n").split("\n")
    rest = [line for line in lines[1:] if line.strip()]
    common = min((len(line) - len(line.lstrip(" ")) for line in rest), default=0)
    first = lines[0].strip() if rest else lines[0].lstrip(" ")
    kept = [first, *(line[common:].rstrip() for line in lines[1:])]
    while kept and not kept[0].strip():
        del kept[0]
    while kept and not kept[-1].strip():
        del kept[-1]
    return "".join(f"{indent}{printable(_cut(line), keep_tabs=True)}\n" for line in kept)


def _times(for_s: float, expected_s: float | None) -> str:
    """How long a job has run, and is expected to run."""
    if for_s < _LONG_S:
        return ""
    of = "" if expected_s is None else f" of {show_seconds(expected_s)}"
    return f" {show_seconds(for_s)}{of}"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"
