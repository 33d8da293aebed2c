"""The JSON form: read back it is the same graph, whatever is in it; nothing else is accepted."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from support.rulebook import workflow

from flowc.diagnostic import WorkflowError, render
from flowc.graph.build import build_graph
from flowc.graph.ir import ir_lines, read_ir, write_ir
from flowc.graph.job import JobGraph
from flowc.graph.schema import ShapeError, compile_schema
from flowc.graph.select import select_targets
from flowc.lang.load import load_workflow
from flowc.lang.values import FlaggedPath, Record
from flowc.source import Span
from flowc.testing import FakeDisk

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "flowc/graph/ir.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

FULL = """\
configfile: "config.yaml"
envvars: "FLOWC_TEST_TOKEN"
limits:
    net = 2
wildcard_constraints: s="[a-z]+"
ruleorder: map > copy
K = {"a": [1, 2.5, (3, None)], "b": {"x"}}

def size(wildcards, attempt):
    return len(K["a"]) * attempt

rule all:
    input: "all.txt", directory("dir"),

rule map:
    "Map one\\nsample."
    input: ref=ancient("ref.fa"), reads=lambda wildcards: [wildcards.s + ".fq", "x.fq"]
    output: bam=temp("{s}.bam"), rest=["{s}.1", protected("{s}.2")]
    log: "logs/{s}.log"
    benchmark: repeat("bench/{s}.tsv", 2)
    params: K["a"], name=K, f=lambda wildcards, input: str(len(input)) + config["tag"]
    threads: 3
    mem_gb: size
    limits: net=1
    priority: 5
    retries: 2
    group: "g"
    message: "mapping {wildcards.s}"
    resources: gpu=1, note="x", runtime="2h"
    shell: "cat {input.ref} '{input.reads}' {params.name[a]:q} > {output.bam} 2> {log}; echo {{}}"

rule copy:
    input: "{s}.raw"
    output: "{s}.bam"
    shell: "cp {input:raw} {output}"

rule gather:
    input: unpack(lambda w: {"bams": [s + ".bam" for s in config["samples"]], "one": "x.fq"})
    output: "all.txt", touch("done"), directory("dir")
    resources: mem_mb=500
    shell: "cat {input.bams} > {output[0]}"
"""


def full_disk(tmp_path: Path) -> FakeDisk:
    (tmp_path / "Workflowfile").write_text(FULL)
    (tmp_path / "config.yaml").write_text('samples: [a, b]\ntag: "ü"\n')
    return FakeDisk({"ref.fa": 1, "a.fq": 2, "b.fq": 3, "x.fq": 4})


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[JobGraph, FakeDisk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWC_TEST_TOKEN", "secret")
    disk = full_disk(tmp_path)
    return build_graph(load_workflow("Workflowfile", disk=disk, cores=4), (), disk), disk


def plain(value: Any) -> Any:
    """Anything of a graph as data that can be compared: spans as places, functions as data."""
    if isinstance(value, Span):
        return (str(value), value.text)
    if hasattr(value, "to_data"):
        return value.to_data()
    if isinstance(value, FlaggedPath):
        return ("flagged", str(value), value.flags, value.rule)
    if isinstance(value, Record):
        return (type(value), plain(value.values), dict(value.names))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return (type(value), [plain(item) for item in value])
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return value


def same_graph(a: JobGraph, b: JobGraph) -> None:
    for name in ("paths", "wildcards", "groups", "wildcard_names", "states"):
        assert list(getattr(a, name)) == list(getattr(b, name)), name
    for name in ("producer", "rule_of", "targets", "target_jobs", "input_names", "input_flags"):
        assert getattr(a, name) == getattr(b, name), name
    for name in ("inputs", "outputs"):
        assert getattr(a, name).starts == getattr(b, name).starts
        assert getattr(a, name).values == getattr(b, name).values
    for rule, other in zip(a.workflow.rules, b.workflow.rules, strict=True):
        assert plain(rule) == plain(other), rule.name
    for name in (f.name for f in fields(a.workflow)):
        if name not in ("rules", "sources", "warnings"):
            assert plain(getattr(a.workflow, name)) == plain(getattr(b.workflow, name)), name
    assert [(s.name, s.text) for s in a.workflow.sources] == [
        (s.name, s.text) for s in b.workflow.sources
    ]


def data_of(graph: JobGraph) -> dict[str, Any]:
    data: dict[str, Any] = json.loads("\n".join(ir_lines(graph)))
    return data


def test_a_full_workflow_comes_back(full: tuple[JobGraph, FakeDisk]) -> None:
    graph, disk = full
    write_ir(graph, "w.ir.json")
    VALIDATOR.validate(data_of(graph))
    back = read_ir("w.ir.json", disk)
    same_graph(graph, back)
    assert list(ir_lines(back)) == list(ir_lines(graph))


def test_functions_still_work(full: tuple[JobGraph, FakeDisk]) -> None:
    graph, disk = full
    write_ir(graph, "w.ir.json")
    rule = read_ir("w.ir.json", disk).workflow.by_name["map"]
    job = next(job for job in graph.jobs() if job.name == "map(s=a)")
    assert rule.mem is not None
    assert rule.mem.value(job.wildcards, attempt=2) == 6
    assert rule.params[2].value(job.wildcards, input=[1, 2]) == "2ü"


def test_secrets_stay_in_the_environment(
    full: tuple[JobGraph, FakeDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, disk = full
    write_ir(graph, "w.ir.json")
    assert "secret" not in Path("w.ir.json").read_text()
    monkeypatch.setenv("FLOWC_TEST_TOKEN", "another")
    assert read_ir("w.ir.json", disk).workflow.env == {"FLOWC_TEST_TOKEN": "another"}
    monkeypatch.delenv("FLOWC_TEST_TOKEN")
    with pytest.raises(WorkflowError, match="FLOWC_TEST_TOKEN"):
        read_ir("w.ir.json", disk)


def test_equal_requests_are_written_once(full: tuple[JobGraph, FakeDisk]) -> None:
    graph, _ = full
    span = graph.workflow.rules[1].span
    lines = ir_lines(
        graph,
        lambda job: {
            "cores": graph.rule_of[job] + 1,
            "memory_bytes": 1,
            "origins": {"cores": {"kind": "declared", "span": span}},
        },
    )
    data = json.loads("\n".join(lines))
    VALIDATOR.validate(data)
    cores = [data["requests"][job["request"]]["cores"] for job in data["jobs"]]
    assert cores == [rule + 1 for rule in graph.rule_of]
    assert len(data["requests"]) == len(set(graph.rule_of))
    assert data["requests"][0]["origins"]["cores"]["span"]["file"] == "Workflowfile"


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "w.ir.json"
    target.write_text("before")
    graph = build_graph(workflow("all: <- a"), (), FakeDisk({"a": 1}))

    def broken(job: int) -> dict[str, Any]:
        raise OSError("the disk is full")

    with pytest.raises(WorkflowError, match="full"):
        write_ir(graph, str(target), broken)
    assert [p.name for p in tmp_path.iterdir()] == ["w.ir.json"]
    assert target.read_text() == "before"


# --- any graph -----------------------------------------------------------------------------------

NAMES = st.text(
    alphabet=st.sampled_from("ab.'\" \n\\$é\udcff{") | st.characters(exclude_characters="/\0"),
    min_size=1,
    max_size=6,
).filter(lambda s: s not in (".", ".."))


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), st.booleans())
def test_any_names_come_back(tmp_path: Path, names: list[str], listed: bool) -> None:
    disk = FakeDisk({"src": 1})
    rules = workflow("one: {s}.n <- src", "all: <- [p.n,q.n]" if listed else "all: <- p.n q.n")
    graph = build_graph(rules, ["all", *(f"{name}.n" for name in names)], disk)
    path = str(tmp_path / "w.ir.json")
    write_ir(graph, path)
    VALIDATOR.validate(data_of(graph))
    same_graph(graph, read_ir(path, disk))


def test_the_part_that_a_target_needs_is_what_it_would_have_been_built_as() -> None:
    disk = FakeDisk({"a.t": 1, "b.t": 1, "ref": 1})
    rules = workflow(
        "all: <- sum1 sum2", "sum: sum{i} <- [a.n,b.n] ref", "count: {s}.n log=l/{s} <- {s}.t"
    )
    whole = build_graph(rules, (), disk)
    for targets in (["sum2"], ["a.n"], ["all"], ["sum1", "b.n"], ["a.t"]):
        part = select_targets(whole, targets)
        built = build_graph(rules, targets, disk)
        assert shown(part) == shown(built)
    with pytest.raises(WorkflowError, match="sum3"):
        select_targets(whole, ["sum3"])


def shown(graph: JobGraph) -> Any:
    jobs = {(job.name, *job.input_paths, "->", *job.output_paths) for job in graph.jobs()}
    targets = [graph.paths[f] for f in graph.targets]
    makers = {p: j != -1 for p, j in zip(graph.paths, graph.producer, strict=True)}
    return jobs, targets, [graph.job(j).name for j in graph.target_jobs], makers


# --- what is refused -----------------------------------------------------------------------------


def small() -> dict[str, Any]:
    rules = workflow("all: <- [a.n,b.n]", "count: {s}.n <- {s}.t")
    return data_of(build_graph(rules, (), FakeDisk({"a.t": 1, "b.t": 1})))


def put(path: str, value: Any) -> dict[str, Any]:
    """The small graph with one place changed."""
    data = small()
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    inner: Any = data
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return data


# fmt: off
REFUSED = {  #               what the file holds                        a part of the message
    "nothing":               ("",                                       "ends too early"),
    "cut":                   (json.dumps(small())[:200],                "ends too early"),
    "no JSON":               ("rule all:\n",                            "not JSON"),
    "NaN":                   ('{"format": NaN}',                        "NaN is not JSON"),
    "deep":                  ("[" * 100_000,                            "nested too deeply"),
    "a list":                ("[]",                                     "compile` has written"),
    "another format":        ('{"nodes": []}',                          "compile` has written"),
    "a later version":       (put("version", 2),                        "has version 2"),
    "no version":            (put("version", "1"),                      "`version`"),
    "a field of a job":      (put("jobs.0.rule", "count"),              "`jobs[0].rule`"),
    "a negative id":         (put("jobs.0.outputs", [-1]),              "`jobs[0].outputs[0]`"),
    "an unknown rule":       (put("jobs.0.rule", 7),                    "job 0 names rule 7"),
    "other wildcards":       (put("jobs.0.wildcards", {}),              "other wildcards"),
    "an unknown input":      (put("jobs.0.inputs", [99]),               "do not fit"),
    "an unknown group":      (put("jobs.2.inputs", [{"group": 5}]),     "do not fit"),
    "too few inputs":        (put("jobs.0.inputs", []),                 "do not fit"),
    "another's output":      (put("jobs.0.outputs", [2]),               "do not fit"),
    "a cycle":               (put("jobs.0.inputs", [{"group": 0}]),     "do not fit"),
    "its own input":         (put("jobs.0.inputs", [0]),                "do not fit"),
    "an unknown job":        (put("files.0.job", 9),                    "too large"),
    "an unknown target":     (put("targets.files", [44]),               "too large"),
    "a null byte":           (put("files.0.path", "a\0b"),              "null byte"),
    "a path twice":          (put("files.0.path", small()["files"][1]["path"]), "twice"),
    "two rules of a name":   (put("workflow.rules.0.name", "count"),    "the same name"),
    "a strange value":       (put("workflow.config", {"$x": 1}),        "$x"),
    "a strange function":    (put("workflow.rules.1.inputs.0.function", {"text": "1"}), "damaged"),
}
# fmt: on


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.ir.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(WorkflowError) as caught:
        read_ir(str(path), FakeDisk({}))
    text = "\n".join(render(d) for d in caught.value.diagnostics)
    assert message in text, text
    assert "Traceback" not in text


def test_not_there(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "is a directory"), (tmp_path / "x.json", "there is no file")):
        with pytest.raises(WorkflowError, match=message):
            read_ir(str(path), FakeDisk({}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """The small graph with a few places replaced, taken out or copied."""
    data: Any = small()
    for _ in range(draw(st.integers(1, 3))):
        inner: Any = data
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            child = inner[key]
            if isinstance(child, dict | list) and child and draw(st.booleans()):
                inner = child
                continue
            if draw(st.booleans()):
                inner[key] = draw(JSON)
            else:
                del inner[key]
            break
    found: dict[str, Any] = data
    return found


@given(damaged())
def test_damage_is_a_diagnostic_or_harmless(tmp_path: Path, data: Any) -> None:
    path = tmp_path / "w.ir.json"
    path.write_text(json.dumps(data))
    try:
        graph = read_ir(str(path), FakeDisk({}))
    except WorkflowError:
        return
    for job in graph.jobs():  # what is accepted can be used
        assert job.name and job.input is not None and job.output is not None
        assert all(need < job.id for need in graph.needs(job.id))
    json.dumps(data_of(graph))


@given(damaged())
def test_the_checks_agree_with_the_schema(data: Any) -> None:
    check = compile_schema(SCHEMA)
    try:
        check(data)
        is_good = True
    except ShapeError:
        is_good = False
    assert is_good == VALIDATOR.is_valid(data)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(NotImplementedError):
        compile_schema({"type": "object", "patternProperties": {}})
    with pytest.raises(ValidationError):
        VALIDATOR.validate({})
