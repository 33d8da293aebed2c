"""Profile files: what jobs have used, run by run. The format is in `profile.schema.json`.

A file is read as a whole and believed in nothing: its shape is checked against the schema, then
that its figures fit together. It is only ever replaced as a whole, so that a reader sees the old
file or the new one, and a run is added behind those that are there.
"""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, NoReturn

from flowc.diagnostic import WorkflowError, fail
from flowc.graph.schema import ShapeError, compile_schema
from flowc.source import Source, Span
from flowc.whole import write_whole

FORMAT, VERSION = "flowc-profile", 1
OK, FAILED, OOM = "ok", "failed", "oom"
TIME_LIMIT, CANCELLED, NOT_STARTED = "time-limit", "cancelled", "not-started"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one job. None: nobody has measured it."""

    rule: str
    name: str = ""
    wildcards: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1
    outcome: str = OK
    exit_code: int | None = None
    at_s: float | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    user_s: float | None = None
    system_s: float | None = None
    cores_mean: float | None = None
    cores_peak: float | None = None
    threads_peak: int | None = None
    processes_peak: int | None = None
    memory_peak_bytes: int | None = None
    memory_is_bound: bool = False
    memory_counts_twice: bool = False
    rss_peak_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    input_bytes: int | None = None
    inputs: Mapping[str, int | None] = field(default_factory=dict)
    command_digest: str = ""
    request: Mapping[str, float | None] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    gpu_memory_peak_bytes: int | None = None
    gpu_use_peak: float | None = None
    series: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    def to_data(self) -> dict[str, Any]:
        """What is known of it."""
        known = ((name, getattr(self, name)) for name in _NAMES)
        return {n: v for n, v in known if v is not None and v is not False and v not in ("", {})}


_NAMES = tuple(f.name for f in fields(Attempt))


@dataclass(frozen=True, slots=True)
class ProfileRun:
    """One run, or one file of another tool."""

    run: str
    attempts: Sequence[Attempt]
    tool: str = "flowc"
    flowc: str = ""
    at_s: float | None = None
    date: str = ""
    host: str = ""
    workflow: str = ""
    cores: float | None = None
    memory_bytes: int | None = None

    def to_data(self) -> dict[str, Any]:
        data = {n: v for n in _RUN_NAMES if (v := getattr(self, n)) not in (None, "")}
        return {**data, "attempts": [attempt.to_data() for attempt in self.attempts]}


_RUN_NAMES = tuple(f.name for f in fields(ProfileRun) if f.name != "attempts")


@dataclass(frozen=True, slots=True)
class Profile:
    """All runs of a file, in the order in which they were added."""

    path: str
    runs: Sequence[ProfileRun]

    def attempts(self) -> Iterator[tuple[ProfileRun, Attempt]]:
        for run in self.runs:
            for attempt in run.attempts:
                yield run, attempt


# --- reading -------------------------------------------------------------------------------------


def read_profile(path: str, span: Span | None = None) -> Profile:
    """Raises WorkflowError for a file that is not there, or is none. `span`: where it is named."""
    data = load_data(path, span)
    return Profile(path, [_run(run) for run in data["runs"]])


def load_data(path: str, span: Span | None = None) -> dict[str, Any]:
    """A profile's JSON, checked."""
    data = read_json(path, "profile", span)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise fail(
            "foreign-profile",
            f"`{path}` is not a profile of flowc's",
            span,
            hint='one begins with `"format": "flowc-profile"`; what another tool has measured is '
            "taken over by `flowc profile import FILE --from TOOL`",
        )
    version = data.get("version")
    if type(version) is int and version > VERSION:
        raise fail(
            "newer-profile",
            f"`{path}` has version {version} of the format; this flowc reads {VERSION}",
            span,
            hint="use the flowc that has written it, or a later one",
        )
    try:
        _shape()(data)
        check_sense(data)
    except ShapeError as fault:
        where = f"at `{fault.path}`: " if fault.path else ""
        raise malformed("profile", path, f"{where}{fault.message}", span) from None
    return data


def read_json(path: str, what: str, span: Span | None = None) -> Any:
    """The JSON of a file of a person's; `what` it should be, for messages and their code."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as fault:
        raise fail(
            f"unreadable-{what}",
            f"the {what.replace('-', ' ')} `{path}` cannot be read: {_cause(fault)}",
            span,
        ) from None
    if not raw.strip():
        raise fail(f"malformed-{what}", f"`{path}` is empty", span)
    text = raw.decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        cut = not text.rstrip().endswith(("}", "]")) and text.lstrip()[:1] == "{"
        why = "the file ends too early" if cut else fault.msg[:1].lower() + fault.msg[1:]
        source = Source(path, text)
        at = min(fault.pos, max(0, len(text) - 1))
        raise fail(
            f"malformed-{what}", f"this is not JSON: {why}", Span(source, at, at + 1)
        ) from None
    except (ValueError, RecursionError) as fault:
        why = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        found = _CONSTANT.search(text) if isinstance(fault, _ConstantError) else None
        if found is not None:
            span = Span(Source(path, text), *found.span(1))
        raise malformed(what, path, why, span) from None


def _cause(fault: OSError) -> str:
    return (fault.strerror or str(fault)).lower()


def malformed(what: str, path: str, why: str, span: Span | None = None) -> WorkflowError:
    """A file whose content makes no sense."""
    kind = what.replace("-", " ")
    return fail(f"malformed-{what}", f"`{path}` is not a good {kind}: {why}", span)


class _ConstantError(ValueError):
    pass


_CONSTANT = re.compile(r"[:\[,]\s*(NaN|-?Infinity)\b")


def _no_constant(text: str) -> NoReturn:
    raise _ConstantError(f"{text} is not a number that JSON has")


def _shape() -> Callable[[Any], None]:
    with open(os.path.join(os.path.dirname(__file__), "profile.schema.json"), "rb") as file:
        return compile_schema(json.load(file))


def check_sense(data: Mapping[str, Any]) -> None:
    """Raises ShapeError where figures contradict each other."""
    seen: set[str] = set()
    for i, run in enumerate(data["runs"]):
        if run["run"] in seen:
            raise _nonsense(i, None, "run", f"the run {run['run']} is there twice")
        seen.add(run["run"])
        for j, attempt in enumerate(run["attempts"]):
            for name, why in _contradictions(attempt):
                raise _nonsense(i, j, name, why)


def _contradictions(attempt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    wall_s, cpu_s = attempt.get("wall_s"), attempt.get("cpu_s")
    mean, peak = attempt.get("cores_mean"), attempt.get("cores_peak")
    if not attempt["rule"]:
        yield "rule", "it is empty"
    if mean is not None and peak is not None and mean > 1.05 * peak + 0.05:
        yield "cores_mean", f"{mean:g} cores on the average are more than {peak:g} at most"
    exact = wall_s is not None and wall_s >= 0.1
    if exact and cpu_s and mean is not None and abs(cpu_s / wall_s - mean) > 0.1 * mean + 0.1:
        yield "cores_mean", f"{mean:g} cores do not use {cpu_s:g} s of CPU time in {wall_s:g} s"
    memory, rss = attempt.get("memory_peak_bytes"), attempt.get("rss_peak_bytes")
    bound = attempt.get("memory_is_bound", False)
    if memory is not None and rss is not None and not bound and memory > 1.05 * rss + (1 << 20):
        yield "memory_peak_bytes", f"{memory} is more than `rss_peak_bytes`, which is {rss}"
    if attempt["outcome"] == OK and attempt.get("exit_code"):
        yield "exit_code", f"an attempt that went well has exit code {attempt['exit_code']}"
    columns = attempt.get("series") or {}
    lengths = {len(column) for column in columns.values() if isinstance(column, list)}
    if len(lengths) > 1:
        yield "series", f"its columns have {' and '.join(map(str, sorted(lengths)))} entries"
    times = columns.get("t_s", ())
    if any(b is None or a is None or b < a for a, b in pairwise(times)):
        yield "series", "its times do not rise"


def _nonsense(run: int, attempt: int | None, name: str, why: str) -> ShapeError:
    fault = ShapeError(why)
    inside: list[str | int] = [] if attempt is None else [attempt, "attempts"]
    fault.steps = [name, *inside, run, "runs"]
    return fault


def _run(data: Mapping[str, Any]) -> ProfileRun:
    known = {name: data[name] for name in _RUN_NAMES if name in data}
    attempts = [
        Attempt(**{name: one[name] for name in _NAMES if one.get(name) is not None})
        for one in data["attempts"]
    ]
    return ProfileRun(attempts=attempts, **known)


# --- writing -------------------------------------------------------------------------------------


def add_run(path: str, run: ProfileRun, *, replace: bool = False) -> None:
    """Add a run to a file, which is made if need be. What cannot be added to stays as it is.

    `replace`: a run of the same id is the same one, to be replaced; else it gets another id, for
    two machines may have chosen the same."""
    with _alone(path):
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "runs": []}
        if os.path.exists(path):
            data = load_data(path)
        new = run.to_data()
        others = [r for r in data["runs"] if not (replace and r["run"] == run.run)]
        taken, number = {r["run"] for r in others}, 1
        while new["run"] in taken:
            number += 1
            new["run"] = f"{run.run}-{number}"
        data["runs"] = [*others, new]
        write_whole(path, [_text(data)])


def may_add_to(path: str) -> None:
    """Raises WorkflowError where `add_run` would: better before a long run than behind it."""
    directory = os.path.dirname(path) or "."
    if os.path.exists(path):
        load_data(path)
    elif not os.path.isdir(directory):
        raise fail("unwritable-profile", f"there is no directory `{directory}` for the profile")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise fail("unwritable-profile", f"`{path}` is write-protected, and stays as it is")
    if not os.access(directory, os.W_OK):
        raise fail("unwritable-profile", f"nothing can be written into `{directory}`")


def _text(data: Mapping[str, Any]) -> str:
    """JSON with a line for each attempt: such files are compared and kept under version control."""
    head = {name: value for name, value in data.items() if name != "runs"}
    runs = []
    for run in data["runs"]:
        about = {name: value for name, value in run.items() if name != "attempts"}
        lines = ",\n".join(f"    {json.dumps(attempt)}" for attempt in run["attempts"])
        attempts = f"[\n{lines}\n  ]" if lines else "[]"
        runs.append(f'  {json.dumps(about)[:-1]}, "attempts": {attempts}}}')
    body = ",\n".join(runs)
    return f'{json.dumps(head)[:-1]}, "runs": [\n{body}\n]}}\n'


@contextmanager
def _alone(path: str) -> Iterator[None]:
    """Two runs that end at once add to the file one after the other."""
    directory = os.path.dirname(os.path.realpath(path))
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail("unwritable-file", f"`{path}` cannot be written: {why}") from None
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
