"""Logs of other tools as the story of a run: nipype's callback log, Nextflow's trace, an instance
of WfCommons. What such a log does not tell stays unknown."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.record.story import (
    FAILED,
    OK,
    RUNNING,
    AttemptStory,
    JobStory,
    RunStory,
    set_ready_times,
)
from flowc.record.wfnames import unescape_name
from flowc.units import GIB, parse_bytes, parse_seconds

_HEAD_CHARS = 1 << 16
_OF_NODES = re.compile('"(start|finish|duration)":.*"(name|id)":|"(name|id)":.*"(start|finish)":')


def read_foreign(path: str) -> RunStory | None:
    """None where this is none of theirs, and so perhaps flowc's own."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        head = file.read(_HEAD_CHARS)
    first = next((line for line in head.splitlines() if line.strip()), "")
    try:
        if first.startswith("{") and "workflow" in head and "schemaVersion" in head:
            return _wfcommons(path)
        if first.startswith("{") and '"event"' not in first and _OF_NODES.search(first):
            return _nipype(path)
        if "\t" in first and {"task_id", "name", "status"} & set(first.split("\t")):
            return _nextflow(path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as fault:
        what = f"{type(fault).__name__}: {fault}"[:200]
        raise fail("malformed-log", f"`{path}` is not what it seems to be: {what}") from None
    return None


# --- nipype --------------------------------------------------------------------------------------


def _nipype(path: str) -> RunStory:
    """JSON lines of `nipype.utils.profiler.log_nodes_cb`: one for each node that has ended; by its
    documentation two, one when it starts and one when it ends. flowc writes such logs too."""
    run = RunStory(tool="nipype", workflow=path)
    begun: dict[str, Mapping[str, Any]] = {}
    known: dict[str, JobStory] = {}

    def job_of(key: str, row: Mapping[str, Any], state: str) -> JobStory:
        # Elements of a node that is run several times share its name, not its id.
        if key not in known:
            name = str(row.get("name") or key)
            rule = name if name != key else re.sub(r"(\.[a-z]I)?\.[a-z]\d+$", "", name)
            known[key] = run.jobs[len(run.jobs)] = JobStory(len(run.jobs), rule, key)
        known[key].state = state
        return known[key]

    for row in _json_lines(path):
        id = str(row.get("id") or row.get("name") or "node")
        key, number = (again[1], int(again[2])) if (again := _AGAIN.fullmatch(id)) else (id, 1)
        if _moment(row.get("finish")) is None:
            if _moment(row.get("start")) is not None:
                begun[id] = row
            continue
        state = FAILED if row.get("error") else OK
        job_of(key, row, state).attempts.append(_node(number, {**begun.pop(id, {}), **row}))
    for id, row in begun.items():
        job_of(id, row, RUNNING).attempts.append(AttemptStory(1, started_s=_moment(row["start"])))
    run.notes.append("The log does not say what needs what: there is no critical path.")
    return _whole(run)


_AGAIN = re.compile(r"(.+)\.attempt(\d+)")


def _node(number: int, row: Mapping[str, Any]) -> AttemptStory:
    end_s = _moment(row.get("finish")) or 0.0
    start_s = _moment(row.get("start"))
    if start_s is None:
        start_s = end_s - float(row.get("duration") or 0.0)
    threads, used = row.get("num_threads"), row.get("runtime_threads")
    is_measured = isinstance(used, int | float) and used > 0  # 0: nobody has looked
    share = 100 if "duration" in row else 1  # percent, but for the format with two lines
    return AttemptStory(
        number,
        started_s=start_s,
        ended_s=end_s,
        cores=int(threads or row.get("estimated_num_threads") or 1),
        memory_bytes=_gb(row.get("mem_gb") or row.get("estimated_memory_gb")),
        peak_bytes=_gb(row.get("runtime_memory_gb")) or None,
        cpu_s=float(used) / share * (end_s - start_s) if is_measured and used else None,
        cause="error" if row.get("error") else "",
    )


def _gb(value: Any) -> int:
    return round(float(value) * GIB) if value not in (None, "Unknown", "") else 0


def _json_lines(path: str) -> Iterator[Mapping[str, Any]]:
    """What can be read of it: the last line may be cut."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


# --- Nextflow ------------------------------------------------------------------------------------


def _nextflow(path: str) -> RunStory:
    """`-with-trace`, with or without raw figures. Its attempts are rows of their own."""
    run = RunStory(tool="nextflow", workflow=path)
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        head = file.readline().rstrip("\r\n").split("\t")
        rows = [dict(zip(head, line.rstrip("\r\n").split("\t"), strict=False)) for line in file]
    known: dict[str, JobStory] = {}
    for row in rows:
        status = row.get("status", "").upper()
        if status == "CACHED":
            continue
        full = row.get("name", "") or row.get("process", "")
        process = row.get("process") or full.partition(" (")[0]
        attempt = _trace_attempt(row, status)
        job = known.get(full) if attempt.number > 1 else None
        if job is None:
            job = known[full] = JobStory(len(run.jobs), process, full, OK)
            tag = row.get("tag") or (full.partition(" (")[2].removesuffix(")"))
            job.wildcards = {"tag": tag} if tag and tag != "-" else {}
            _add(run, job)
        job.attempts.append(attempt)
        job.state = OK if attempt.cause == "" else "running" if attempt.cause is None else FAILED
        job.command = _cell(row, "script") or job.command
        job.log = _cell(row, "workdir") or job.log
        read_bytes = _bytes(_cell(row, "rchar"))
        attempt.read_bytes, attempt.written_bytes = read_bytes, _bytes(_cell(row, "wchar"))
    run.notes.append("The trace does not say what needs what: there is no critical path.")
    return _whole(run)


def _trace_attempt(row: Mapping[str, str], status: str) -> AttemptStory:
    start_s = _moment(_cell(row, "start"))
    submitted_s = _moment(_cell(row, "submit"))
    wall_s = _duration(_cell(row, "realtime"))
    end_s = _moment(_cell(row, "complete"))
    if start_s is None:
        start_s = submitted_s
    if end_s is None and start_s is not None and status in ("COMPLETED", "FAILED"):
        lasted_s = _duration(_cell(row, "duration"))
        end_s = (submitted_s or start_s) + lasted_s if lasted_s is not None else None
    share = _cell(row, "%cpu").rstrip("%")
    exit_code = _cell(row, "exit")
    ended = {"COMPLETED": "", "FAILED": "exit", "ABORTED": "cancelled"}
    return AttemptStory(
        int(_cell(row, "attempt") or 1),
        submitted_s=submitted_s,
        ready_s=submitted_s,
        started_s=start_s,
        ended_s=end_s,
        wall_s=wall_s,
        cores=int(_cell(row, "cpus") or 1),
        memory_bytes=_bytes(_cell(row, "memory")) or 0,
        cpu_s=float(share) / 100 * wall_s if share and wall_s is not None else None,
        peak_bytes=_bytes(_cell(row, "peak_rss")),
        exit_code=int(exit_code) if exit_code.lstrip("-").isdigit() else None,
        cause=ended.get(status),
        external_id=_cell(row, "native_id"),
    )


def _cell(row: Mapping[str, str], name: str) -> str:
    value = row.get(name, "").strip()
    return "" if value == "-" else value


def _bytes(text: str) -> int | None:
    return parse_bytes(text) if text else None


def _duration(text: str) -> float | None:
    """`1m 30s`, `250ms`; of a raw trace a number of milliseconds."""
    if not text:
        return None
    if re.fullmatch(r"[0-9.]+", text):
        return float(text) / 1000
    part = re.fullmatch(r"(.*?)\s*([0-9.]+)ms", text)
    if part is None:
        return parse_seconds(text)
    return float(part[2]) / 1000 + (parse_seconds(part[1]) if part[1] else 0.0)


# --- WfCommons -----------------------------------------------------------------------------------


def _wfcommons(path: str) -> RunStory:
    """An instance of WfFormat 1.4 or 1.5. Where it has no start of a task, the earliest is taken
    that what the task needs allows."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        data = json.load(file)
    workflow = data["workflow"]
    done = workflow.get("execution", {})
    run = RunStory(tool=str(data.get("runtimeSystem", {}).get("name", "WfCommons")))
    run.workflow = str(data.get("name", path))
    tasks = workflow["specification"]["tasks"]
    ids = {str(task["id"]): i for i, task in enumerate(tasks)}
    ran = {str(task["id"]): task for task in done.get("tasks", ())}
    start_s = _loose_moment(done.get("executedAt")) or 0.0
    named = unescape_name if run.tool == "flowc" else str
    for i, task in enumerate(tasks):
        needs = tuple(ids[str(parent)] for parent in task.get("parents", ()) if str(parent) in ids)
        rule = re.sub(r"[_.-]?(ID)?\d+$", "", str(task.get("name", ""))) or str(task["id"])
        job = JobStory(i, rule, str(task.get("name", task["id"])), needs=needs)
        job.inputs = tuple(map(named, task.get("inputFiles", ())))
        job.outputs = tuple(map(named, task.get("outputFiles", ())))
        if run.tool == "flowc":
            job.rule = unescape_name(str(task["id"]).rpartition("-")[0])
        measured = ran.get(str(task["id"]))
        if measured is not None:
            job.attempts.append(_wf_attempt(measured))
            command = measured.get("command", {})
            job.command = " ".join(
                map(str, [command.get("program", ""), *command.get("arguments", ())])
            ).strip()
        _add(run, job)
        job.state = OK if measured is not None else "planned"
    _place(run, start_s)
    _machines(run, done)
    return _whole(run)


def _wf_attempt(measured: Mapping[str, Any]) -> AttemptStory:
    runtime_s = float(measured.get("runtimeInSeconds", 0.0))
    share = measured.get("avgCPU")
    memory = measured.get("memoryInBytes")
    start_s = _loose_moment(measured.get("executedAt"))
    return AttemptStory(
        1,
        started_s=start_s,
        wall_s=runtime_s,
        ended_s=None if start_s is None else start_s + runtime_s,
        cores=max(1, round(float(measured.get("coreCount") or 1))),
        cpu_s=None if share is None else float(share) / 100 * runtime_s,
        peak_bytes=round(float(memory)) if memory else None,
        cause="",
    )


def _place(run: RunStory, start_s: float) -> None:
    """Give a time to those that have none."""
    missing = [j for j in run.jobs.values() if j.attempts and j.attempts[0].started_s is None]
    if not missing:
        return
    run.notes.append(
        "The instance does not say when its tasks ran: each is drawn as early as what it needs "
        "allows, and the makespan is that of no real run."
    )
    ends: dict[int, float] = {}
    waiting = {job.id: job for job in run.jobs.values() if job.attempts}
    while waiting:
        ready = [j for j in waiting.values() if not any(n in waiting for n in j.needs)]
        for job in ready or [*islice(waiting.values(), 1)]:  # or else it has a cycle
            attempt = waiting.pop(job.id).attempts[0]
            if attempt.started_s is None:
                attempt.started_s = max([start_s, *(ends.get(n, 0.0) for n in job.needs)])
                attempt.ended_s = attempt.started_s + (attempt.wall_s or 0.0)
            ends[job.id] = attempt.ended_s or attempt.started_s


def _machines(run: RunStory, done: Mapping[str, Any]) -> None:
    machines: Sequence[Mapping[str, Any]] = done.get("machines", ())
    if len(machines) == 1:
        run.host = str(machines[0].get("nodeName", ""))
        cores = machines[0].get("cpu", {}).get("coreCount")
        held = sum(a.cores for _, a in run.attempts())
        if cores and not run.notes and held:
            run.cores = int(cores)
            run.memory_bytes = round(float(machines[0].get("memoryInBytes") or 0))


# --- what they share -----------------------------------------------------------------------------


def _add(run: RunStory, job: JobStory) -> None:
    if job.attempts and job.state == "planned":
        job.state = OK if job.attempts[-1].cause == "" else FAILED
    run.jobs[job.id] = job


def _whole(run: RunStory) -> RunStory:
    known = [t for _, a in run.attempts() for t in (a.submitted_s, a.started_s, a.ended_s)]
    times = [t for t in known if t is not None]
    if not times and run.tool == "nipype":
        raise WorkflowError(fail("malformed-log", "the log has no node with a time").diagnostics)
    run.start_s, run.end_s = (min(times), max(times)) if times else (0.0, 0.0)
    run.outcome = "failed" if any(j.state == FAILED for j in run.jobs.values()) else "ok"
    run.jobs_total = len(run.jobs)
    set_ready_times(run)
    return run


def _moment(value: Any) -> float | None:
    """Unix time of a date, or of a number of seconds or milliseconds; a date without a zone is
    taken as UTC, so that a log means the same everywhere."""
    if value in (None, "", "-"):
        return None
    if isinstance(value, int | float) or re.fullmatch(r"[0-9.]+", str(value)):
        number = float(value)
        return number / 1000 if number > 1e11 else number
    date = datetime.fromisoformat(str(value).replace(" UTC", "+00:00"))
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _loose_moment(value: Any) -> float | None:
    """Instances have dates of many forms; of one that nobody can read nothing is known."""
    try:
        return _moment(value)
    except ValueError:
        return None
