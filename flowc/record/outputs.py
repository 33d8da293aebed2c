"""What the events of a run say of its outputs: folding, which is pure; and reading logs for it."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from flowc.disk import FileState
from flowc.events import (
    Event,
    FilesRemoved,
    FilesTouched,
    JobDone,
    JobFailed,
    JobSubmitted,
    from_line,
)
from flowc.record.times import JobTime

PART_BYTES = 2 * 1024**2
"""Of a log, read at once: events take much more room than their lines."""

DONE, FAILED, INTERRUPTED = "done", "failed", "interrupted"


class JobRecord(NamedTuple):
    """What was last done to an output. A digest that is unknown is empty."""

    rule: str
    code_digest: str
    params_digest: str
    inputs_digest: str
    content_digest: str | None  # of the contents of the inputs that it was made from
    state: str  # DONE, FAILED or INTERRUPTED
    ended_at: float  # Unix time in seconds; of the submission where it was interrupted


class HistoryView(Protocol):
    """What planning asks of the history."""

    def records(self, paths: Iterable[str]) -> dict[str, JobRecord]:
        """Of these outputs, those that something is known of."""
        ...

    def file_digest(self, path: str, state: FileState) -> str | None:
        """The digest of a file's content, if it was taken when the file was in that state."""
        ...


class NoHistory:
    """Nothing is known of anything."""

    def records(self, paths: Iterable[str]) -> dict[str, JobRecord]:
        return {}

    def file_digest(self, path: str, state: FileState) -> str | None:
        return None


class Folded(NamedTuple):
    """What events say. Each is keyed by the path of an output; None: forget what was known of it.
    `times` is by the first output of a job."""

    outputs: dict[str, JobRecord | None]
    times: dict[str, JobTime]
    removed: list[str]


def fold(folded: Folded, event: Event) -> None:
    """Add what an event says. Pure: looks at nothing else."""
    if isinstance(event, JobDone):
        record = JobRecord(
            event.rule,
            event.code_digest,
            event.params_digest,
            event.inputs_digest,
            event.content_digest,
            DONE,
            event.at_s,
        )
        for path in event.outputs:
            folded.outputs[path] = record
        if event.wall_s is not None and event.outputs:
            time = JobTime(event.rule, event.wall_s, event.peak_rss_bytes)
            folded.times[event.outputs[0]] = time
    elif isinstance(event, JobSubmitted):  # until more is heard of it
        record = JobRecord(event.rule, "", "", "", None, INTERRUPTED, event.at_s)
        folded.outputs.update(dict.fromkeys(event.outputs, record))
    elif isinstance(event, JobFailed):
        state = INTERRUPTED if event.cause == "cancelled" else FAILED
        record = JobRecord(event.rule, "", "", "", None, state, event.at_s)
        folded.outputs.update(dict.fromkeys(event.outputs, record))
    elif isinstance(event, FilesTouched):  # declared good as they are, whatever made them
        folded.outputs.update(dict.fromkeys(event.paths, None))
    elif isinstance(event, FilesRemoved):
        folded.removed.extend(event.paths)


_FOLDED = (JobDone.kind, JobSubmitted.kind, JobFailed.kind, FilesTouched.kind, FilesRemoved.kind)
_PREFIXES = tuple(f'{{"event":"{kind}"'.encode() for kind in _FOLDED)
_ANY_PREFIX = b'{"event":"'


def begins_line(path: str, offset: int) -> bool:
    """Whether a line of a log can begin at this byte: a spoiled offset nearly never does."""
    if offset <= 0:
        return offset == 0
    with open(path, "rb") as file:
        file.seek(offset - 1)
        return file.read(1) == b"\n"


def read_events(path: str, offset: int) -> tuple[list[Event], int]:
    """The events of a log that matter here, from a byte offset on, and the offset behind them. Of a
    long log, the next part: the same offset again means that there is no more.

    A last line without newline was cut off by a crash, or is being written: it stays unread.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(PART_BYTES)
            while b"\n" not in data and (more := file.read(PART_BYTES)):
                data += more
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    events = []
    for line in data[:end].split(b"\n"):
        if not line.startswith(_PREFIXES) and (line.startswith(_ANY_PREFIX) or not line):
            continue
        try:
            event = from_line(line.decode("ascii"))
        except ValueError:  # two writers, a full disk, a lost bit: the other lines still hold
            continue
        if event is not None and _is_sound(event):
            events.append(event)
    return events, offset + end


def _is_sound(event: Event) -> bool:
    """Whether its texts are text; only paths may hold stray bytes."""
    if not isinstance(event, JobDone | JobSubmitted | JobFailed):
        return True
    texts = event.rule
    if isinstance(event, JobDone):
        texts += event.code_digest + event.params_digest + event.inputs_digest
        texts += event.content_digest or ""
    try:
        texts.encode()
    except UnicodeEncodeError:
        return False
    return True
