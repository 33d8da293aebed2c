"""The spine: what happens in a run, as data.

The console, the JSONL log, the history and every report consume these and nothing else, so a run
can be replayed from its log. Fields are only ever added, with defaults; tags are never renamed;
a reader skips tags it does not know. Every time is Unix time in seconds on flowc's own clock.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii as _text
from typing import Any, ClassVar, get_args

from flowc.attempt import JobEnded as JobEnded
from flowc.attempt import JobStarted as JobStarted
from flowc.dataclass import dataclass, field, fields
from flowc.ids import JobId

VERSION = 1
"""Of the event log. It grows when a reader of an older version would misread a log."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event of a log: what is to be done, where, with what."""

    kind: ClassVar[str] = "run-started"

    run: str  # unique in this directory, sorts by time: 20260131-142501-4242
    at_s: float
    version: int
    flowc_version: str
    argv: tuple[str, ...]
    workflow: str  # the Workflowfile's path as given
    directory: str
    host: str
    boot_id: str  # tells a restarted machine from a running one
    pid: int
    pid_start_s: float  # with `pid` and `boot_id`: this very process
    cores: int
    memory_bytes: int
    limits: Mapping[str, float]
    jobs_total: int  # planned to run or perhaps to run
    expected_s: float | None = None  # how long they take one after the other, where that is known


@dataclass(frozen=True, slots=True)
class JobPlanned:
    """A job of the plan, once: everything a report needs to know of it."""

    kind: ClassVar[str] = "job-planned"

    job: JobId
    rule: str
    name: str  # rule and wildcards, for people
    wildcards: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    needs: tuple[JobId, ...]  # jobs of this run that must have ended before it
    reasons: tuple[str, ...]
    cores: int
    memory_bytes: int
    at_s: float = 0.0
    groups: tuple[int, ...] = ()  # long lists of inputs, told once: see `GroupPlanned`


@dataclass(frozen=True, slots=True)
class GroupPlanned:
    """A list of files that jobs read as one item. What a `JobPlanned` with this group reads and
    needs is its own `inputs` and `needs`, and these."""

    kind: ClassVar[str] = "group-planned"

    group: int
    files: tuple[str, ...]
    needs: tuple[JobId, ...]
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class JobSubmitted:
    """Handed to an executor. From here on its outputs are not to be trusted until `JobDone`."""

    kind: ClassVar[str] = "job-submitted"

    job: JobId
    attempt: int  # counted from 1
    at_s: float
    rule: str
    name: str
    wildcards: Mapping[str, str]
    outputs: tuple[str, ...]
    command: str
    cores: int
    memory_bytes: int
    resources: Mapping[str, float]  # custom ones, and units of limits as `limit:NAME`
    log: str
    executor: str = "local"
    ready_at_s: float | None = None
    message: str = ""  # the rule's `message:`, filled in
    spare_bytes: int = 0  # of `memory_bytes`: what nobody waited for, and the job had not asked for
    memory_limit_bytes: int | None = None  # above it, it may be ended
    limit_s: float | None = None  # so long it may run
    expected_s: float | None = None  # how long it is expected to run


@dataclass(frozen=True, slots=True)
class JobDone:
    """Its outputs are there and checked. What the history remembers of them."""

    kind: ClassVar[str] = "job-done"

    job: JobId
    attempt: int
    at_s: float
    rule: str
    outputs: tuple[str, ...]
    code_digest: str
    params_digest: str
    inputs_digest: str  # of the set of input paths
    content_digest: str | None  # of the inputs' contents as the job read them
    inputs_at_ns: int | None = None
    wall_s: float | None = None  # how long it ran; None: it has no command
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class JobFailed:
    """An attempt came to nothing; `outputs` are no good."""

    kind: ClassVar[str] = "job-failed"

    job: JobId
    attempt: int
    at_s: float
    rule: str
    name: str
    outputs: tuple[str, ...]
    cause: str  # "exit", "signal", "missing-output", "cancelled", "time-limit", "not-started" ...
    message: str
    exit_code: int
    command: str
    log: str
    will_retry: bool


@dataclass(frozen=True, slots=True)
class JobSkipped:
    """Not run after all: `up-to-date` (what made it doubtful did not change), or `upstream` (a
    job it needs has failed)."""

    kind: ClassVar[str] = "job-skipped"

    job: JobId
    at_s: float
    rule: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class FilesRemoved:
    """`temp` files that no job needs any more, or what a failed job has left behind."""

    kind: ClassVar[str] = "files-removed"

    at_s: float
    paths: tuple[str, ...]
    why: str  # "temp" or "failed"


@dataclass(frozen=True, slots=True)
class FilesTouched:
    """`--touch` has declared these up to date without running anything."""

    kind: ClassVar[str] = "files-touched"

    at_s: float
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should know, and that is no mistake in the workflow: a damaged history
    was made anew, processes that a killed run had left were ended."""

    kind: ClassVar[str] = "notice"

    at_s: float
    code: str  # a slug, as a diagnostic has one
    message: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last event of a run that came to an end of its own."""

    kind: ClassVar[str] = "run-ended"

    at_s: float
    outcome: str  # "ok", "failed" or "interrupted"
    exit_code: int
    done: int
    failed: int
    skipped: int
    not_run: int
    files: Mapping[str, str] = field(default_factory=dict)


Event = (
    RunStarted
    | JobPlanned
    | GroupPlanned
    | JobSubmitted
    | JobStarted
    | JobEnded
    | JobDone
    | JobFailed
    | JobSkipped
    | FilesRemoved
    | FilesTouched
    | Notice
    | RunEnded
)

KINDS: dict[str, type[Any]] = {kind.kind: kind for kind in get_args(Event)}
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _any(value: Any) -> str:
    return _WRITE.get(type(value), _encode)(value)


def _float(value: float | None) -> str:
    if value is None:
        return "null"
    return repr(value) if value - value == 0.0 else _encode(value)


def _list(values: Sequence[Any]) -> str:
    return f"[{','.join([_any(v) for v in values])}]" if values else "[]"


def _texts(values: Sequence[str]) -> str:
    return f"[{','.join(map(_text, values))}]" if values else "[]"


def _dict(values: Mapping[str, Any]) -> str:
    if not values:
        return "{}"
    return f"{{{','.join([f'{_text(k)}:{_any(v)}' for k, v in values.items()])}}}"


_WRITE: dict[type, Callable[[Any], str]] = {
    str: _text,
    int: int.__repr__,
    float: _float,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    tuple: _list,
    list: _list,
    dict: _dict,
}
_FORMS: dict[Any, str] = {
    int: "{event.%s}",
    JobId: "{event.%s}",
    str: "{_text(event.%s)}",
    float: "{_float(event.%s)}",
    float | None: "{_float(event.%s)}",
    int | None: "{_float(event.%s)}",
    tuple[str, ...]: "{_texts(event.%s)}",
    Mapping[str, str]: "{_dict(event.%s)}",
    Mapping[str, float]: "{_dict(event.%s)}",
}
"""By annotation, how a field is written; the others as what they turn out to be."""


def _writer(kind: type[Any]) -> Callable[[Any], str]:
    """What writes the line of one kind of event: one expression, made from its fields."""
    forms = [(f.name, _FORMS.get(f.type, "{_any(event.%s)}")) for f in fields(kind)]
    shown = [f'"event":"{kind.kind}"', *(f'"{name}":{form % name}' for name, form in forms)]
    text = "lambda event: f'{{" + ",".join(shown) + "}}\\n'"
    made: Callable[[Any], str] = eval(text, globals())  # of flowc's own names of fields alone
    return made


_WRITERS: dict[type[Any], Callable[[Any], str]] = {}


def to_line(event: Event) -> str:
    """One line of a JSONL log, with its newline. Stray bytes of names survive as escapes. It is
    what `json` would make of it, in a third of the time: there are five events for each job."""
    kind = type(event)
    write = _WRITERS.get(kind)
    if write is None:
        write = _WRITERS[kind] = _writer(kind)
    return write(event)


_NUMBER, _MAYBE = (int, float), (int, float, type(None))
_TYPES: dict[Any, Any] = {
    bool: bool,
    int: int,
    JobId: int,
    str: str,
    str | None: (str, type(None)),
    float: _NUMBER,
    float | None: _MAYBE,
    int | None: _MAYBE,
    Mapping[str, str]: dict,
    Mapping[str, float]: dict,
}
"""By annotation, what a field's value has to be when it is read."""
_FIELDS: dict[type[Any], tuple[tuple[str, bool, Any], ...]] = {}


def _fields_of(kind: type[Any]) -> tuple[tuple[str, bool, Any], ...]:
    """Name, whether it is a list, and the type, of the items if it is one."""
    found = []
    for f in fields(kind):
        is_list = str(f.type).startswith("tuple")
        kind_of = get_args(f.type)[0] if is_list else f.type
        found.append((f.name, is_list, _TYPES.get(kind_of, object)))
    return tuple(found)


def _are(items: Sequence[Any], expected: Any) -> bool:
    return all(isinstance(item, expected) for item in items)


def from_line(line: str) -> Event | None:
    """The event of a line; None for a tag or a field set that this version does not know.

    Raises ValueError where the line is no JSON object, as the last line of a cut log is, or where a
    field is not what it should be, as on a disk that has lost a bit.
    """
    data = json.loads(line)
    tag = data.pop("event", "") if isinstance(data, dict) else None
    if not isinstance(tag, str):
        raise ValueError("a line of an event log is a JSON object with a tag")
    kind = KINDS.get(tag)
    if kind is None:
        return None
    if kind not in _FIELDS:
        _FIELDS[kind] = _fields_of(kind)
    known: dict[str, Any] = {}
    for name, is_list, expected in _FIELDS[kind]:
        if name not in data:
            continue
        value = data[name]
        items = value if isinstance(value, list) else (value,)
        if is_list is not isinstance(value, list) or not _are(items, expected):
            raise ValueError(f"the field `{name}` is not what it should be")
        known[name] = tuple(value) if is_list else value
    try:
        event: Event = kind(**known)
    except TypeError:
        return None
    return event
