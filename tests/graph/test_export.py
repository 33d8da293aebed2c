"""The pictures of a graph: what is in them, and that no name can break out of its label."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rulebook import workflow

from flowc.graph.build import build_graph
from flowc.graph.export import FORMATS, SUBJECTS, dot_text, export, mermaid_text
from flowc.graph.job import JobGraph
from flowc.testing import FakeDisk

HOSTILE = 'a "b\\" ]; x -> y {<&lt;>} #quot; `c`\n%s'


def graph_of(*lines: str, disk: dict[str, int], targets: tuple[str, ...] = ()) -> JobGraph:
    return build_graph(workflow(*lines), targets, FakeDisk(disk))


def three_jobs() -> JobGraph:
    return graph_of(
        "all: <- sum.txt",
        "sum: sum.txt <- [a.n,b.n]",
        "count: {s}.n <- {s}.txt",
        disk={"a.txt": 1, "b.txt": 1},
    )


def edges(graph: JobGraph, subject: str) -> set[tuple[str, str]]:
    data = json.loads("\n".join(export(graph, subject, "json")))
    label = {node["id"]: node["label"] for node in data["nodes"]}
    return {(label[e["from"]], label[e["to"]]) for e in data["edges"]}


# fmt: off
EDGES = {
    "rules": {("count (2 jobs)", "sum"), ("sum", "all")},
    "jobs":  {("count(s=a)", "sum"), ("count(s=b)", "sum"), ("sum", "all")},
    "files": {("a.txt", "count(s=a)"), ("count(s=a)", "a.n"), ("a.n", "sum"),
              ("b.txt", "count(s=b)"), ("count(s=b)", "b.n"), ("b.n", "sum"),
              ("sum", "sum.txt"), ("sum.txt", "all")},
}
# fmt: on


@pytest.mark.parametrize("subject", SUBJECTS)
def test_edges(subject: str) -> None:
    assert edges(three_jobs(), subject) == EDGES[subject]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_formats_show_the_same_edges(subject: str) -> None:
    graph = three_jobs()
    data = json.loads("\n".join(export(graph, subject, "json")))
    wanted = [(e["from"], e["to"]) for e in data["edges"]]
    for format, arrow in (("dot", "->"), ("mermaid", "-->")):
        text = "\n".join(export(graph, subject, format))
        assert re.findall(rf"^    (\w+) {arrow} (\w+);?$", text, re.M) == wanted


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_same_graph_gives_the_same_bytes(subject: str, format: str) -> None:
    assert list(export(three_jobs(), subject, format)) == list(
        export(three_jobs(), subject, format)
    )


@pytest.mark.parametrize(("jobs", "files", "is_joined"), [(3, 4, False), (60, 60, True)])
def test_a_list_that_many_jobs_read_becomes_a_node(jobs: int, files: int, is_joined: bool) -> None:
    parts = ",".join(f"p{i}" for i in range(files))
    graph = graph_of(
        "all: <- " + " ".join(f"out{i}" for i in range(jobs)),
        f"use: out{{i}} <- [{parts}]",
        "make: p{n} <- src",
        disk={"src": 1},
    )
    for subject in ("jobs", "files"):
        data = json.loads("\n".join(export(graph, subject, "json")))
        assert any(node["kind"] == "list" for node in data["nodes"]) == is_joined
        assert len(data["edges"]) < 500
    assert (f"make ({files} jobs)", f"use ({jobs} jobs)") in edges(graph, "rules")


def test_no_job_is_an_empty_picture() -> None:
    graph = graph_of("all:", disk={})
    assert json.loads("\n".join(export(graph, "files", "json")))["edges"] == []


@pytest.mark.parametrize("format", ("dot", "mermaid"))
def test_a_hostile_name_stays_in_its_label(format: str) -> None:
    graph = graph_of("one: {s}.n <- x", disk={"x": 1}, targets=(f"{HOSTILE}.n",))
    lines = list(export(graph, "files", format))
    plain = list(
        export(graph_of("one: {s}.n <- x", disk={"x": 1}, targets=("a.n",)), "files", format)
    )
    shape = re.compile(r'"(?:[^"\\]|\\.)*"')
    assert [shape.sub('""', line) for line in lines] == [shape.sub('""', x) for x in plain]


def undo_dot(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).replace("&amp;", "&")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" ")))
def test_printable_names_come_back_from_their_labels(name: str) -> None:
    assert undo_dot(dot_text(name)) == name
    assert not re.search(r'(?<!\\)(\\\\)*"', dot_text(name))
    label = mermaid_text(name)
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label) == name
    assert not set('"`<>&[]{}\\') & set(label)


@given(st.text(max_size=30))
def test_labels_are_one_line(name: str) -> None:
    assert len(dot_text(name).splitlines()) <= 1
    assert len(mermaid_text(name).splitlines()) <= 1
