"""What other tools are given, read by their own readers where these are installed, and by readers
that are short enough to be believed."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.runlog import HOSTILE, hostile_run, job, many_jobs, run_ended, run_started

from flowc.diagnostic import WorkflowError
from flowc.events import Event
from flowc.record.find import load_story
from flowc.record.fold import fold_events
from flowc.record.wfnames import escape_name, unescape_name
from flowc.report.exports import CSV_COLUMNS, EXPORTS, TRACE_COLUMNS
from flowc.report.figures import Figures, figures

RUN = [
    run_started(4, 8),
    *job(0, 0, 2, cores=2, cpu_s=3, peak_gb=1, inputs=["in put"], output="a_b/c-1.txt"),
    *job(1, 2, 3, needs=[0], inputs=["a_b/c-1.txt"], cause="oom", will_retry=True),
    *job(1, 3, 5.25, needs=[0], attempt=2, inputs=["a_b/c-1.txt"], output="-d"),
    run_ended(5.25),
]
RUNS: dict[str, list[Event]] = {
    "a run": RUN,
    "nothing": [],
    "no job": [run_started(), run_ended(1)],
    "going on": RUN[:4],
    "hostile": hostile_run(),
    "many": many_jobs(50),
}


def of(name: str) -> Figures:
    return figures(fold_events(RUNS[name]))


EMPTY = {"nothing", "no job"}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_wfformat_has_no_form_for_no_job(name: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        EXPORTS["wfformat"](of(name))
    assert caught.value.diagnostics[0].code == "empty-run"


CASES = [(n, f) for n in RUNS for f in EXPORTS if f != "wfformat" or n not in EMPTY]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_each_is_the_same_each_time_and_can_be_written(name: str, form: str) -> None:
    text = EXPORTS[form](of(name))
    assert text == EXPORTS[form](of(name))
    assert text.endswith("\n")
    text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("name", "form"), [(n, f) for n, f in CASES if f in ("json", "trace", "wfformat", "ro-crate")]
)
def test_json_is_json(name: str, form: str) -> None:
    json.loads(EXPORTS[form](of(name)))


def test_json_has_figures_and_record() -> None:
    data = json.loads(EXPORTS["json"](of("a run")))
    assert data["figures"]["makespan_s"] == 5.25
    assert data["figures"]["jobs"]["ok"] == 2
    assert [len(job["attempts"]) for job in data["run"]["jobs"]] == [1, 2]
    assert [a["cause"] for a in data["run"]["jobs"][1]["attempts"]] == ["oom", ""]


@pytest.mark.parametrize("name", RUNS)
def test_csv(name: str) -> None:
    found = of(name)
    rows = list(csv.reader(io.StringIO(EXPORTS["csv"](found), newline="")))
    assert rows[0] == list(CSV_COLUMNS)
    assert {len(row) for row in rows} == {len(CSV_COLUMNS)}
    assert len(rows) - 1 == len(found.bars) + sum(not j.attempts for j in found.run.jobs.values())
    texts = [cell for row in rows[1:] for cell in row if not re.fullmatch(r"-?[0-9.e-]*", cell)]
    assert not [cell for cell in texts if cell[0] in "=+-@\t\r\n"]


def test_csv_has_names_as_they_are() -> None:
    rows = list(csv.DictReader(io.StringIO(EXPORTS["csv"](of("hostile")), newline="")))
    names = {row["name"].removeprefix("'") for row in rows}
    assert names == set(HOSTILE.values())


@pytest.mark.parametrize("name", RUNS)
def test_nextflow_trace_is_a_table_and_read_again(name: str, tmp_path: Path) -> None:
    found = of(name)
    text = EXPORTS["nextflow-trace"](found)
    rows = [line.split("\t") for line in text.splitlines()]
    assert rows[0] == list(TRACE_COLUMNS)
    assert {len(row) for row in rows} == {len(TRACE_COLUMNS)}
    (tmp_path / "trace.txt").write_text(text)
    again = figures(load_story(str(tmp_path / "trace.txt")))
    assert again.attempts == found.attempts
    assert again.core_area.requested == pytest.approx(found.core_area.requested, abs=0.1)


# The trace event format as its readers take it: times in microseconds, complete events (X),
# counters (C) whose values are numbers, metadata (M).
TRACE_KINDS: dict[str, dict[str, Any]] = {
    "X": {
        "type": "object",
        "required": ["name", "cat", "ph", "ts", "dur", "pid", "tid", "args"],
        "properties": {
            "name": {"type": "string"}, "cat": {"type": "string"},
            "ts": {"type": "integer", "minimum": 0}, "dur": {"type": "integer", "minimum": 0},
            "pid": {"type": "integer"}, "tid": {"type": "integer"}, "args": {"type": "object"},
        },
    },
    "C": {
        "type": "object",
        "required": ["name", "ph", "ts", "pid", "args"],
        "properties": {
            "ts": {"type": "integer", "minimum": 0},
            "args": {
                "type": "object", "minProperties": 1, "additionalProperties": {"type": "number"},
            },
        },
    },
    "M": {
        "type": "object",
        "required": ["name", "ph", "pid", "args"],
        "properties": {
            "name": {"enum": ["process_name", "thread_name", "thread_sort_index"]},
            "args": {"type": "object", "minProperties": 1},
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_trace_keeps_to_its_format(name: str) -> None:
    data = json.loads(EXPORTS["trace"](of(name)))
    assert data["displayTimeUnit"] in ("ms", "ns")
    for event in data["traceEvents"]:
        jsonschema.validate(event, TRACE_KINDS[event["ph"]])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a run", "hostile", "many"])
def test_trace_is_read_by_perfetto(name: str, tmp_path: Path) -> None:
    """By its trace processor, where the program is installed: the package alone would fetch it."""
    program = shutil.which("trace_processor_shell")
    if program is None:
        pytest.skip("trace_processor_shell is not installed")
    api: Any = pytest.importorskip("perfetto.trace_processor")
    found = of(name)
    (tmp_path / "trace.json").write_text(EXPORTS["trace"](found))
    config = api.TraceProcessorConfig(bin_path=program)
    with api.TraceProcessor(trace=str(tmp_path / "trace.json"), config=config) as processor:
        slices = [row.n for row in processor.query("select count(*) as n from slice")]
        tracks = [row.n for row in processor.query("select count(*) as n from counter_track")]
    assert slices == [sum(high for pieces in found.lanes.pieces for _, high in pieces)]
    assert tracks == [6]


@pytest.mark.parametrize("name", ["a run", "hostile", "many"])
def test_trace_events_are_slices_that_do_not_overlap(name: str) -> None:
    found = of(name)
    data = json.loads(EXPORTS["trace"](found))
    slices = [e for e in data["traceEvents"] if e["ph"] == "X"]
    lanes = sum(high for pieces in found.lanes.pieces for _, high in pieces)
    assert len(slices) == lanes
    ends: dict[int, int] = {}
    for event in sorted(slices, key=lambda e: (e["tid"], e["ts"])):
        assert event["ts"] >= ends.get(event["tid"], 0)
        ends[event["tid"]] = event["ts"] + event["dur"]
    counters = {e["name"] for e in data["traceEvents"] if e["ph"] == "C"}
    assert counters == {"cores", "memory (MB)", "jobs"}


# --- OpenMetrics ---------------------------------------------------------------------------------

SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)')


@pytest.mark.parametrize("name", RUNS)
def test_openmetrics_keeps_to_its_grammar(name: str) -> None:
    lines = EXPORTS["openmetrics"](of(name)).split("\n")
    assert lines[-2:] == ["# EOF", ""]
    kind = ""
    for line in lines[:-2]:
        if line.startswith("# TYPE"):
            kind = line.split()[2]
        elif not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match and match[1] == kind, line
            float(match[3])


@pytest.mark.parametrize("name", RUNS)
def test_openmetrics_is_read_by_prometheus(name: str) -> None:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    found = of(name)
    families = {
        f.name: f for f in parser.text_string_to_metric_families(EXPORTS["openmetrics"](found))
    }
    assert families["flowc_run_makespan_seconds"].samples[0].value == found.makespan_s
    states = {s.labels["state"]: s.value for s in families["flowc_run_jobs"].samples}
    assert states == found.states


# --- WfCommons -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a_b", "_", "__", "_61", "a_61_", "é/ü.txt"])
def test_names_come_back(text: str) -> None:
    assert re.fullmatch(r"[0-9a-zA-Z_.-]*", escape_name(text))
    assert unescape_name(escape_name(text)) == text


@pytest.mark.parametrize("name", ["a run", "hostile", "many"])
def test_wfformat_refers_to_what_is_there(name: str) -> None:
    found = of(name)
    workflow = json.loads(EXPORTS["wfformat"](found))["workflow"]
    tasks = {task["id"]: task for task in workflow["specification"]["tasks"]}
    assert len(tasks) == len(found.run.jobs)
    for id, task in tasks.items():
        assert all(id in tasks[parent]["children"] for parent in task["parents"])
        names = [id, *task["parents"], *task["inputFiles"], *task["outputFiles"]]
        assert all(re.fullmatch(r"[0-9a-zA-Z_.-]+", one) for one in names)
    assert {task["id"] for task in workflow["execution"]["tasks"]} <= set(tasks)


ID = {"type": "string", "minLength": 1, "pattern": "^[0-9a-zA-Z-_.]*$"}
TEXT, NUMBER = {"type": "string", "minLength": 1}, {"type": "number"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


# What WfFormat 1.5 asks for, of the parts that are written: https://github.com/wfcommons/WfFormat
WFFORMAT = _object(
    "name schemaVersion workflow",
    name=TEXT,
    description=TEXT,
    schemaVersion={"enum": ["1.5"]},
    runtimeSystem=_object("name version", name=TEXT, version=TEXT),
    workflow=_object(
        "specification",
        specification=_object(
            "tasks",
            tasks=_list(
                _object(
                    "name id parents children",
                    name=TEXT, id=TEXT, parents=_list(ID), children=_list(ID),
                    inputFiles=_list(ID), outputFiles=_list(ID),
                ),
                least=1,
            ),
        ),
        execution=_object(
            "makespanInSeconds executedAt tasks",
            makespanInSeconds=NUMBER,
            executedAt=TEXT,
            tasks=_list(
                _object(
                    "id runtimeInSeconds",
                    id=TEXT, runtimeInSeconds=NUMBER, avgCPU=NUMBER, memoryInBytes=NUMBER,
                    readBytes=NUMBER, writtenBytes=NUMBER,
                    coreCount={"type": "number", "minimum": 1},
                    command=_object("", program=TEXT, arguments=_list(TEXT)),
                ),
                least=1,
            ),
            machines=_list(
                _object(
                    "nodeName",
                    nodeName=TEXT, memoryInBytes={"type": "integer", "minimum": 1},
                    cpu=_object("", coreCount={"type": "integer", "minimum": 1}),
                ),
                least=1,
            ),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("name", ["a run", "hostile", "many", "going on"])
def test_wfformat_keeps_to_its_schema(name: str) -> None:
    jsonschema.validate(json.loads(EXPORTS["wfformat"](of(name))), WFFORMAT)


@pytest.mark.parametrize("name", ["a run", "hostile", "many"])
def test_wfformat_comes_back(name: str, tmp_path: Path) -> None:
    found = of(name)
    (tmp_path / "w.json").write_text(EXPORTS["wfformat"](found))
    again = figures(load_story(str(tmp_path / "w.json")))
    assert [j.rule for j in again.run.jobs.values()] == [j.rule for j in found.run.jobs.values()]
    outputs = [[j.outputs for j in f.run.jobs.values()] for f in (again, found)]
    assert outputs[0] == outputs[1]
    assert again.critical_path == found.critical_path
    assert again.bound.critical_path_s == pytest.approx(found.bound.critical_path_s, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a run", "hostile", "many"])
def test_wfformat_is_valid_by_wfcommons(name: str) -> None:
    schema = pytest.importorskip("wfcommons.wfinstances.schema")
    validator = schema.SchemaValidator.__new__(schema.SchemaValidator)  # its schema is online
    validator.logger, validator.errors, validator.warnings = schema.logging.getLogger(), [], []
    validator._semantic_validation(json.loads(EXPORTS["wfformat"](of(name))))
    assert not validator.errors


# --- RO-Crate ------------------------------------------------------------------------------------


def test_crate_says_what_went_in_and_came_out() -> None:
    graph = {e["@id"]: e for e in json.loads(EXPORTS["ro-crate"](of("a run")))["@graph"]}
    run = graph["#run"]
    assert [e["@id"] for e in run["object"]] == ["in%20put"]
    assert [e["@id"] for e in run["result"]] == ["-d"]
    assert run["instrument"] == graph["./"]["mainEntity"] == {"@id": "Workflowfile"}
    assert all(part["@id"] in graph for part in graph["./"]["hasPart"])


def test_crate_is_read_by_rocrate(tmp_path: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    crate = rocrate.ROCrate(str(_crate(tmp_path, of("a run"))))
    assert crate.mainEntity["name"] == "Workflowfile"
    assert [action["name"] for action in crate.root_dataset["mentions"]] == [
        "Run 20260131-142501-4242"
    ]


# What the contexts of RO-Crate make of the terms that a crate of ours uses: the validator would
# fetch them.
TERMS = {
    "@context": {
        "@vocab": "http://schema.org/",
        "File": "http://schema.org/MediaObject",
        "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
        "conformsTo": {"@id": "http://purl.org/dc/terms/conformsTo"},
    }
}


def complaints(directory: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the validator has to say of a crate, other than that there is no network."""
    services: Any = pytest.importorskip("rocrate_validator.services")
    models: Any = pytest.importorskip("rocrate_validator.models")
    loader: Any = pytest.importorskip("rocrate_validator.utils.document_loader")
    fetch = loader._original_source_to_json

    def known(source: Any, *more: Any, **named: Any) -> Any:
        is_context = isinstance(source, str) and source.startswith("https://w3id.org/ro/")
        return (TERMS, None) if is_context else fetch(source, *more, **named)

    monkeypatch.setattr(loader, "_original_source_to_json", known)
    settings = services.ValidationSettings(
        rocrate_uri=str(directory),
        profile_identifier="workflow-run-crate-0.5",
        requirement_severity=models.Severity.REQUIRED,
    )
    found = [str(issue.message) for issue in services.validate(settings).get_issues()]
    return [one for one in found if "JSON-LD context" not in one and "HTTPSConnection" not in one]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a run", "many", "going on"])
def test_crate_is_valid_by_its_profile(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not complaints(_crate(tmp_path, of(name)), monkeypatch)


@pytest.mark.slow
def test_the_validator_would_find_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _crate(tmp_path, of("a run")) / "ro-crate-metadata.json"
    path.write_text(path.read_text().replace('"CreateAction"', '"Thing"'))
    assert any("CreateAction" in one for one in complaints(tmp_path, monkeypatch))


def _crate(directory: Path, found: Figures) -> Path:
    """The run's directory: its files are there."""
    text = EXPORTS["ro-crate"](found)
    (directory / "ro-crate-metadata.json").write_text(text)
    for entity in json.loads(text)["@graph"]:
        if "File" in entity["@type"]:
            path = directory / entity["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    return directory
