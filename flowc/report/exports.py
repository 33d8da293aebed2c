"""A run for other tools: texts in formats that have readers of their own.

`trace` opens in Perfetto and in chrome://tracing; `openmetrics` is what Prometheus scrapes;
`nextflow-trace` has the columns of Nextflow's trace.txt; `csv` is a table of attempts, with names
as they are and formulas made harmless; `json` is all there is.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowc.diagnostic import printable
from flowc.record.story import to_data
from flowc.report.bars import Bar
from flowc.report.crate import to_ro_crate
from flowc.report.figures import Figures
from flowc.report.metrics import to_openmetrics
from flowc.report.wfformat import to_wfformat

FORMAT, VERSION = "flowc-report", 1


def to_json(figures: Figures) -> str:
    """The record, and what was worked out of it."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "figures": summary(figures),
        "rules": [_rule(rule) for rule in figures.rules],
        "run": to_data(figures.run),
    }
    return json.dumps(data, ensure_ascii=True, indent=1) + "\n"


def summary(figures: Figures) -> dict[str, Any]:
    """The figures of the whole run, flat."""
    bound, core, memory = figures.bound, figures.core_area, figures.memory_area
    return {
        "outcome": figures.run.outcome or None,
        "makespan_s": figures.makespan_s,
        "lower_bound_s": bound.seconds,
        "lower_bound_by": bound.by,
        "critical_path_s": bound.critical_path_s,
        "critical_path": list(figures.critical_path),
        "jobs": dict(figures.states),
        "attempts": figures.attempts,
        "failed_attempts": figures.failed_attempts,
        "failed_by_cause": dict(figures.causes),
        "jobs_retried": figures.retried,
        "core_s_requested": core.requested,
        "core_s_used": core.used if core.measured else None,
        "core_s_wasted": core.wasted,
        "core_utilisation": core.utilisation,
        "memory_byte_s_requested": memory.requested,
        "memory_byte_s_used": memory.used if memory.measured else None,
        "memory_byte_s_wasted": memory.wasted,
        "memory_utilisation": memory.utilisation,
        "wait_s": figures.wait_s,
        "limited_s": figures.usage.limits_s(),
    }


def _rule(rule: Any) -> dict[str, Any]:
    spreads = ("duration_s", "cores", "used_cores", "memory_bytes", "peak_bytes")
    found = {
        n: getattr(rule, n)
        for n in rule.__slots__
        if n not in (*spreads, "advice", "points", "curve")
    }
    for name in spreads:
        spread = getattr(rule, name)
        found[name] = (
            {"n": len(spread.values), "p50": spread.p50, "p95": spread.p95, "max": spread.most}
            if spread
            else None
        )
    advice = rule.advice
    found["advice"] = {
        "threads": advice.threads,
        "mem_gb": advice.memory_gb,
        "profile": advice.profile or None,
        "why": advice.why,
    }
    return found


# --- tables --------------------------------------------------------------------------------------

CSV_COLUMNS = (
    "job", "name", "rule", "wildcards", "state", "attempt", "cause", "exit_code", "ready_s",
    "start_s", "end_s", "duration_s", "wait_s", "cores", "cpu_s", "memory_bytes", "peak_bytes",
    "read_bytes", "written_bytes", "host", "executor", "external_id", "queue_s", "log",
    "outputs", "command",
)  # fmt: skip


def to_csv(figures: Figures) -> str:
    """A row for each attempt, and one for each job without any. Times are since the start."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    seen = set()
    for bar in figures.bars:
        seen.add(bar.job.id)
        attempt = bar.attempt
        timed = (bar.ready_s, bar.start_s, None if bar.is_open else bar.end_s)
        times = [None if t is None else round(t, 3) for t in timed]
        figure = [
            attempt.number, attempt.cause, attempt.exit_code, *times,
            None if bar.is_open else round(bar.duration_s, 3), round(bar.wait_s, 3),
            attempt.cores, attempt.cpu_s, attempt.memory_bytes, attempt.peak_bytes,
            attempt.read_bytes, attempt.written_bytes, attempt.host, attempt.executor,
            attempt.external_id, None if bar.queue_s is None else round(bar.queue_s, 3),
        ]  # fmt: skip
        writer.writerow([_safe(cell) for cell in (*_job_cells(bar.job), *figure, *_texts(bar.job))])
    for job in figures.run.jobs.values():
        if job.id not in seen:
            empty = [None] * (len(CSV_COLUMNS) - 8)
            writer.writerow([_safe(c) for c in (*_job_cells(job), *empty, *_texts(job))])
    return out.getvalue()


def _job_cells(job: Any) -> tuple[Any, ...]:
    wildcards = ";".join(f"{name}={value}" for name, value in job.wildcards.items())
    return (job.id, job.name, job.rule, wildcards, job.state)


def _texts(job: Any) -> tuple[str, str, str]:
    return (job.log, ";".join(job.outputs), job.command)


def _safe(cell: Any) -> Any:
    """A spreadsheet takes what begins so for a formula, and would run it."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return f"'{cell}"
    return "" if cell is None else cell


TRACE_COLUMNS = (
    "task_id", "hash", "native_id", "name", "status", "exit", "submit", "duration", "realtime",
    "%cpu", "peak_rss", "peak_vmem", "rchar", "wchar", "process", "tag", "cpus", "memory",
    "attempt", "start", "complete", "workdir",
)  # fmt: skip


def to_nextflow_trace(figures: Figures) -> str:
    """Raw figures, as `trace.raw = true` has them: milliseconds and bytes."""
    lines = ["\t".join(TRACE_COLUMNS)]
    run = figures.run
    for number, bar in enumerate(figures.bars, 1):
        attempt = bar.attempt
        submitted_s = attempt.submitted_s or attempt.begin_s or run.start_s
        share = bar.used_cores
        row = (
            number, f"{bar.job.id:02x}/{attempt.number:06x}", attempt.external_id or None,
            bar.job.name, _status(bar), attempt.exit_code, _ms(submitted_s),
            _ms(None if bar.is_open else bar.end_s + run.start_s - submitted_s),
            _ms(None if bar.is_open else attempt.wall_s or bar.duration_s),
            None if share is None else f"{100 * share:.1f}", attempt.peak_bytes, None,
            attempt.read_bytes, attempt.written_bytes, bar.job.rule,
            ", ".join(bar.job.wildcards.values()) or None, attempt.cores,
            attempt.memory_bytes or None, attempt.number, _ms(bar.start_s + run.start_s),
            _ms(None if bar.is_open else bar.end_s + run.start_s), run.directory or None,
        )  # fmt: skip
        lines.append("\t".join("-" if cell is None else printable(str(cell)) for cell in row))
    return "\n".join(lines) + "\n"


def _status(bar: Bar) -> str:
    if bar.is_open:
        return "RUNNING"
    if bar.attempt.cause == "cancelled":
        return "ABORTED"
    return "FAILED" if bar.attempt.cause else "COMPLETED"


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


# --- Chrome's trace events -----------------------------------------------------------------------


def to_trace(figures: Figures) -> str:
    """A slice for each attempt on a thread for each lane, and counters of what was in use."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=True) for row in _trace_rows(figures))
    about = json.dumps({"run": figures.run.run, "workflow": printable(figures.run.workflow)})
    return f'{{"displayTimeUnit":"ms","otherData":{about},"traceEvents":[\n{rows}\n]}}\n'


def _trace_rows(figures: Figures) -> Iterator[dict[str, Any]]:
    name = printable(figures.run.workflow or "run")
    yield {"ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": {"name": name}}
    for lane in range(figures.lanes.total):
        title = f"core {lane + 1}" if lane < figures.lanes.cores else "no core"
        about = {"ph": "M", "pid": 1, "tid": lane + 1, "args": {"name": title}}
        yield {**about, "name": "thread_name"}
        order = {"sort_index": lane + 1}
        yield {"ph": "M", "pid": 1, "tid": lane + 1, "name": "thread_sort_index", "args": order}
    for bar, pieces in zip(figures.bars, figures.lanes.pieces, strict=True):
        attempt = bar.attempt
        known = {
            "rule": printable(bar.job.rule),
            "state": bar.job.state,
            "attempt": attempt.number,
            "cause": printable(attempt.cause or ""),
            "cores": attempt.cores,
            "memory_bytes": attempt.memory_bytes,
            "cpu_s": attempt.cpu_s,
            "peak_bytes": attempt.peak_bytes,
            "wait_s": round(bar.wait_s, 3),
            "queue_s": None if bar.queue_s is None else round(bar.queue_s, 3),
            "where": printable(bar.where),
            "command": printable(bar.job.command[:2000]),
        }
        args = {key: value for key, value in known.items() if value not in (None, "")}
        for first, high in pieces:
            for lane in range(first, first + high):
                yield {
                    "ph": "X", "pid": 1, "tid": lane + 1, "name": printable(bar.job.name[:300]),
                    "cat": printable(bar.job.rule), "ts": round(bar.start_s * 1e6),
                    "dur": round(bar.end_s * 1e6) - round(bar.start_s * 1e6), "args": args,
                }  # fmt: skip
    usage = figures.usage
    for i, at_s in enumerate(usage.times_s):
        ts = round(at_s * 1e6)
        for title, values in (
            ("cores", {"requested": usage.cores[i], "used": round(usage.cores_used[i], 3)}),
            ("memory (MB)", {
                "requested": usage.memory_bytes[i] >> 20, "used": round(usage.memory_used[i]) >> 20,
            }),
            ("jobs", {"running": usage.running[i], "waiting": usage.waiting[i]}),
        ):  # fmt: skip
            yield {"ph": "C", "pid": 1, "tid": 0, "name": title, "ts": ts, "args": values}


EXPORTS: Mapping[str, Callable[[Figures], str]] = {
    "json": to_json,
    "csv": to_csv,
    "trace": to_trace,
    "openmetrics": to_openmetrics,
    "nextflow-trace": to_nextflow_trace,
    "wfformat": to_wfformat,
    "ro-crate": to_ro_crate,
}
