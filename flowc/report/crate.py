"""A run as the metadata of a Workflow Run RO-Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5): to be put, as `ro-crate-metadata.json`, into the directory
in which the run was made.
"""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flowc import __version__
from flowc.diagnostic import printable
from flowc.record.story import FAILED, OK, RunStory
from flowc.report.figures import Figures

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
CONTEXT_OF_RUNS = "https://w3id.org/ro/terms/workflow-run/context"
LICENSE = "No licence has been stated for this run and its files."


def to_ro_crate(figures: Figures) -> str:
    """What went in from outside, what came out and is needed by nothing else, and the run."""
    run = figures.run
    made = {path for job in run.jobs.values() if job.state == OK for path in job.outputs}
    read = dict.fromkeys(path for job in run.jobs.values() for path in run.inputs_of(job))
    sources = [path for path in read if path not in made]
    results = [
        path
        for job in run.jobs.values()
        if job.state == OK
        for path in job.outputs
        if path not in read
    ]
    workflow = _id(_inside(run, run.workflow or "Workflowfile"))
    files = {_id(_inside(run, path)): path for path in (*sources, *results)}
    files.pop(workflow, None)
    graph = [
        *_crate(run, workflow, files),
        *_workflow(run, workflow),
        _action(run, workflow, sources, results),
        *_profiles(),
        *({"@id": id, "@type": "File", "name": printable(path)} for id, path in files.items()),
    ]
    return json.dumps({"@context": [CONTEXT, CONTEXT_OF_RUNS], "@graph": graph}, indent=1) + "\n"


def _crate(run: RunStory, workflow: str, files: Iterable[str]) -> list[dict[str, Any]]:
    name = printable(run.workflow or "a workflow")
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": [
                {"@id": "https://w3id.org/ro/crate/1.1"},
                {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
            ],
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Run {printable(run.run)} of {name}".replace("  ", " "),
            "description": f"What a run of {name} by {run.tool} has read and made.",
            "datePublished": _date(run.end_s),
            "license": LICENSE,
            "conformsTo": [{"@id": id} for id, _, _ in PROFILES],
            "mainEntity": {"@id": workflow},
            "hasPart": [{"@id": workflow}, *({"@id": id} for id in files)],
            "mentions": [{"@id": "#run"}],
        },
    ]


def _workflow(run: RunStory, workflow: str) -> list[dict[str, Any]]:
    language = {
        "@id": "#language",
        "@type": "ComputerLanguage",
        "name": "Workflowfile",
        "alternateName": "the declarative part of Snakemake's language",
        "url": {"@id": "https://snakemake.github.io/"},
    }
    engine = {
        "@id": "#engine",
        "@type": "SoftwareApplication",
        "name": run.tool or "flowc",
        "version": run.tool_version or __version__,
    }
    main = {
        "@id": workflow,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": printable(run.workflow or "Workflowfile"),
        "programmingLanguage": {"@id": "#language"},
    }
    return [main, language, engine]


def _action(run: RunStory, workflow: str, sources: list[str], results: list[str]) -> dict[str, Any]:
    states = [job.state for job in run.jobs.values()]
    failed = run.outcome not in ("", "ok") or FAILED in states
    action: dict[str, Any] = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run {printable(run.run)}".strip(),
        "description": printable(" ".join(run.argv))[:2000] or "a run",
        "instrument": {"@id": workflow},
        "agent": {"@id": "#engine"},
        "startTime": _date(run.start_s),
        "object": [{"@id": _id(_inside(run, path))} for path in sources],
        "result": [{"@id": _id(_inside(run, path))} for path in results],
    }
    if run.outcome:
        action["endTime"] = _date(run.end_s)
        status = "FailedActionStatus" if failed else "CompletedActionStatus"
        action["actionStatus"] = {"@id": f"http://schema.org/{status}"}
    else:
        action["actionStatus"] = {"@id": "http://schema.org/ActiveActionStatus"}
    if failed:
        count = states.count(FAILED)
        action["error"] = f"{count} of {len(states)} jobs failed; the outcome is `{run.outcome}`"
    return action


def _profiles() -> list[dict[str, Any]]:
    return [
        {"@id": id, "@type": "CreativeWork", "name": name, "version": version}
        for id, name, version in PROFILES
    ]


def _inside(run: RunStory, path: str) -> str:
    """Relative to the run's directory where it is below it."""
    if os.path.isabs(path) and run.directory:
        near = os.path.relpath(path, run.directory)
        return path if near.startswith("..") else near
    return path


def _id(path: str) -> str:
    """A path as a URI: relative, or `file:`."""
    quoted = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if path.startswith("/") else quoted


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
