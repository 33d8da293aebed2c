"""The report as one HTML file: no network, a strict policy, the same bytes for the same record.

Scripts and styles stand in the file and are named by their hashes in its Content-Security-Policy:
nothing else can run, whatever a name in the record says. The data are JSON in an element that is
not executed. See `static/README.md` for where the vendored parts come from.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flowc import __version__
from flowc.record.story import STATES
from flowc.report.columns import as_script, columns, plain
from flowc.report.compare import Comparison
from flowc.report.figures import Figures
from flowc.report.overtime import stretches
from flowc.report.rulefigures import Spread
from flowc.report.rulegraph import job_graph, rule_graph
from flowc.report.usage import (
    BUSY,
    CORES,
    DEPENDENCIES,
    IDLE,
    MEMORY,
    PAUSED,
    QUEUE,
    STARTING,
)
from flowc.report.words import core_hours, gib_hours, limit_name, percent
from flowc.units import show_bytes, show_seconds

HERE = files("flowc.report")
SCRIPTS = ("base", "theme", "view", "lanes", "gantt", "charts", "detail", "jobs", "main")
"""In this order, in one function: each sees what is before it."""
_DOTS = 60
"""A drawing of a distribution has so many dots at most."""
_POINTS = 300
LIMIT_KINDS = {
    DEPENDENCIES: "l0",
    CORES: "l3",
    MEMORY: "l4",
    STARTING: "l2",
    BUSY: "l3",
    QUEUE: "l6",
    PAUSED: "l5",
    IDLE: "l5",
}
_OTHER_KIND = "l1"


def render_page(figures: Figures, *, is_chart: bool = False) -> str:
    """The whole file. `is_chart`: of another tool's log, and so called a chart."""
    style, script = _style(), _script()
    run = figures.run
    outcome, kind = _outcome(figures)
    graphs = [graph for graph in (rule_graph(run), job_graph(run)) if graph is not None]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            f=figures,
            is_chart=is_chart,
            version=__version__,
            title=plain(run.workflow or run.run or "A run", 120),
            outcome=outcome,
            outcome_class=kind,
            started=_date(run.start_s),
            others=_others(figures),
            parts=_parts(figures),
            how_used=_how_used(figures),
            graphs=graphs,
            stretches=stretches(figures),
            facts=list(_facts(figures)),
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
            data=Markup(as_script(columns(figures))),
        )
    )


def render_comparison(found: Comparison) -> str:
    """Two runs side by side, without any script."""
    style = _style()
    names = [f.run.run or f.run.workflow or "a run" for f in (found.old, found.new)]
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            c=found,
            version=__version__,
            old=plain(names[0], 60),
            new=plain(names[1], 60),
            style=Markup(style),
            style_hash=_hash(style),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(HERE / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(
        plain=plain,
        duration=show_seconds,
        bytes=show_bytes,
        percent=percent,
        corehours=core_hours,
        gibhours=gib_hours,
        cores=lambda cores: f"{cores:.3g}",
        sample=_sample,
        sample_points=_sample_points,
    )
    return environment


def _sample(spread: Spread) -> Sequence[float]:
    """Some of the values, evenly by rank, the ends among them."""
    values = spread.values
    if len(values) <= _DOTS:
        return values
    return [values[round(i * (len(values) - 1) / (_DOTS - 1))] for i in range(_DOTS)]


def _sample_points(points: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    step = max(1, len(points) // _POINTS)
    return points[::step]


def _outcome(figures: Figures) -> tuple[str, str]:
    """In words, and as a class of the style."""
    outcome = figures.run.outcome
    if outcome:
        return plain(outcome), outcome if outcome in ("ok", "failed", "interrupted") else ""
    return ("running", "running") if figures.run.is_live else ("no end known", "running")


def _others(figures: Figures) -> str:
    """The jobs that neither went well nor failed."""
    known = [(state, figures.states[state]) for state in STATES if state not in ("ok", "failed")]
    return ", ".join(f"{count:,} {state}" for state, count in known if count)


def _how_used(figures: Figures) -> dict[str, str]:
    """What the charts of cores and memory show."""
    if any(bar.attempt.series for bar in figures.bars):
        return {"cores": "as it was seen", "memory": "as it was seen"}
    return {"cores": "mean of each attempt", "memory": "peak of each attempt"}


def _parts(figures: Figures) -> list[dict[str, Any]]:
    limits_s = figures.usage.limits_s()
    total_s = sum(limits_s.values())
    parts, offset = [], 0.0
    for name, seconds in limits_s.items():
        if total_s <= 0 or seconds / total_s < 0.0005:
            continue
        share = seconds / total_s
        kind = LIMIT_KINDS.get(name, _OTHER_KIND)
        parts.append(
            {
                "name": plain(name),
                "seconds": seconds,
                "share": share,
                "offset": offset,
                "kind": kind,
            }
        )
        offset += share
    return parts


def _facts(figures: Figures) -> Iterable[tuple[str, str]]:
    run = figures.run
    yield "command", plain(" ".join(run.argv), 2000) or "not known"
    yield "workflow", plain(run.workflow) or "not known"
    yield "directory", plain(run.directory) or "not known"
    yield "machine", plain(run.host) or "not known"
    yield "cores", str(run.cores or "no total")
    yield "memory", show_bytes(run.memory_bytes) if run.memory_bytes else "no total"
    if run.limits:
        named = (f"{limit_name(name)}={units:g}" for name, units in sorted(run.limits.items()))
        yield "limits", plain(", ".join(named))
    yield "tool", plain(f"{run.tool} {run.tool_version}".strip())
    yield "started", _date(run.start_s) or "not known"
    yield "ended", _date(run.end_s) if run.outcome else "not known"
    if run.exit_code is not None:
        yield "exit code", str(run.exit_code)
    path = [run.jobs[id].name for id in figures.critical_path]
    more = f" … ({len(path)} jobs)" if len(path) > 12 else ""
    if path:
        yield "critical path", plain(" → ".join(path[:12]), 1200) + more
    yield "report made by", f"flowc {__version__}"


def _date(at_s: float) -> str:
    """In UTC: the report is the same wherever it is made."""
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at_s else ""
    except (OverflowError, ValueError, OSError):
        return ""


@cache
def _style() -> str:
    return "\n".join(_static(name) for name in ("uPlot.min.css", "page.css"))


@cache
def _script() -> str:
    own = "\n".join(_static(f"{name}.js") for name in SCRIPTS)
    licence = _static("uPlot.LICENSE").strip()
    charts = f"/*! uPlot\n{licence}\n*/\n{_static('uPlot.iife.min.js')}"
    return f'{charts}\n(() => {{\n"use strict";\n{own}\n}})();\n'


def _static(name: str) -> str:
    text = (HERE / "static" / name).read_text("utf-8").strip()
    # What would end the element that it stands in, or begin another.
    assert "</script" not in text and "</style" not in text and "<!--" not in text, name
    return text


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
