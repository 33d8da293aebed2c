"""A run as an instance of WfFormat 1.5, the format of WfCommons (https://wfcommons.org/format).

Ids hold few characters there: see `record.wfnames` for how names become ids, and names again.
Sizes of files are not in the record, so there is no list of files.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from flowc import __version__
from flowc.diagnostic import fail, printable
from flowc.record.story import JobStory
from flowc.record.wfnames import escape_name
from flowc.report.bars import Bar
from flowc.report.figures import Figures

VERSION = "1.5"


def to_wfformat(figures: Figures) -> str:
    """Jobs with no attempt stand in the specification alone. Raises WorkflowError for no jobs:
    the format has no way to say so."""
    run = figures.run
    if not run.jobs:
        raise fail(
            "empty-run",
            "an instance of WfFormat has one task at least, and this run has none",
            hint="`--format json` has all that is known of a run, however little that is",
        )
    ids = {job.id: f"{escape_name(job.rule) or 'job'}-{job.id}" for job in run.jobs.values()}
    children: dict[int, list[str]] = {id: [] for id in ids}
    tasks: list[dict[str, Any]] = []
    for job in run.jobs.values():
        needs = sorted({n for n in run.needs_of(job) if n in ids and n != job.id})
        for need in needs:
            children[need].append(ids[job.id])
        task: dict[str, Any] = {"name": printable(job.name) or "job", "id": ids[job.id]}
        task["parents"] = [ids[need] for need in needs]
        task["children"] = children[job.id]
        task["inputFiles"] = _files(run.inputs_of(job))
        task["outputFiles"] = _files(job.outputs)
        tasks.append(task)
    machine = re.sub(r"[^0-9a-zA-Z.-]", "-", run.host) or "unknown"
    executed = _executed(figures, ids, machine)
    workflow: dict[str, Any] = {"specification": {"tasks": tasks}}
    if executed:
        about: dict[str, Any] = {"nodeName": machine}
        if run.memory_bytes:
            about["memoryInBytes"] = run.memory_bytes
        if run.cores:
            about["cpu"] = {"coreCount": run.cores}
        workflow["execution"] = {
            "makespanInSeconds": round(figures.makespan_s, 3),
            "executedAt": _date(run.start_s),
            "tasks": executed,
            "machines": [about],
        }
    data = {
        "name": printable(run.workflow or run.run or "run"),
        "description": f"A run of {printable(run.workflow or 'a workflow')}, from its event log.",
        "createdAt": _date(run.end_s),
        "schemaVersion": VERSION,
        "runtimeSystem": {
            "name": run.tool or "unknown",
            "version": run.tool_version or __version__,
        },
        "workflow": workflow,
    }
    return json.dumps(data, ensure_ascii=True, indent=1) + "\n"


def _files(paths: Any) -> list[str]:
    return [escape_name(path) for path in dict.fromkeys(paths) if path]


def _executed(figures: Figures, ids: dict[int, str], machine: str) -> list[dict[str, Any]]:
    """The last attempt of each job that has ended."""
    last: dict[int, Bar] = {bar.job.id: bar for bar in figures.bars if not bar.is_open}
    rows = []
    for job in figures.run.jobs.values():
        bar = last.get(job.id)
        if bar is None:
            continue
        attempt = bar.attempt
        used = bar.used_cores
        row: dict[str, Any] = {
            "id": ids[job.id],
            "runtimeInSeconds": round(attempt.wall_s or bar.duration_s, 3),
            "executedAt": _date(figures.run.start_s + bar.start_s),
            "command": _command(job),
            "coreCount": attempt.cores or None,
            "avgCPU": None if used is None else round(100 * used, 2),
            "readBytes": attempt.read_bytes,
            "writtenBytes": attempt.written_bytes,
            "memoryInBytes": attempt.peak_bytes,
            "machines": [machine],
        }
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def _command(job: JobStory) -> dict[str, Any] | None:
    if not job.command.strip():
        return None
    return {"program": "bash", "arguments": ["-c", printable(job.command, keep_tabs=True)]}


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
