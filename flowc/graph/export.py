"""Pictures of a graph: rules, jobs or files, as dot, mermaid or JSON.

Nodes are numbered, so that a hostile name is never anything but a label. Lines come out one by
one in an order that depends on the graph alone: the same graph gives the same bytes.
"""

import json
from collections.abc import Iterator
from typing import Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import printable
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB

SUBJECTS = ("rules", "jobs", "files")
FORMATS = ("dot", "mermaid", "json")

MANY_EDGES = 1000
"""A list read by many jobs becomes a node of its own where that saves so many edges."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind`: "rule", "job", "file" or "list". `data`: what the JSON form says besides."""

    id: str
    kind: str
    label: str
    data: dict[str, Any] = field(default_factory=dict)


Edge = tuple[str, str]
Picture = tuple[Iterator[Node], Iterator[Edge]]


def picture(graph: JobGraph, subject: str) -> Picture:
    """The nodes and edges of one of `SUBJECTS`; edges point from maker to user."""
    if subject == "rules":
        return _rule_nodes(graph), _rule_edges(graph)
    if subject == "jobs":
        return _job_nodes(graph), _job_edges(graph)
    return _file_nodes(graph), _file_edges(graph)


def export(graph: JobGraph, subject: str = "rules", format: str = "dot") -> Iterator[str]:
    """The picture of `subject` in one of `FORMATS`, line by line, without newlines."""
    nodes, edges = picture(graph, subject)
    write = {"dot": _dot, "mermaid": _mermaid, "json": _json}[format]
    return write(nodes, edges, subject)


# --- what is in the picture ----------------------------------------------------------------------


def _rule_nodes(graph: JobGraph) -> Iterator[Node]:
    counts: dict[int, int] = {}
    for rule in graph.rule_of:
        counts[rule] = counts.get(rule, 0) + 1
    for rule in sorted(counts):
        name = graph.workflow.rules[rule].name
        jobs = counts[rule]
        label = name if jobs == 1 else f"{name} ({jobs} jobs)"
        yield Node(f"r{rule}", "rule", label, {"rule": name, "jobs": jobs})


def _rule_edges(graph: JobGraph) -> Iterator[Edge]:
    rule_of, producer = graph.rule_of, graph.producer
    group_rules = [{rule_of[j] for j in jobs} for jobs in graph.group_producers]
    seen: set[tuple[int, int]] = set()
    for job, rule in enumerate(rule_of):
        for ref in graph.inputs[job]:
            if ref < 0:
                seen.update((maker, rule) for maker in group_rules[~ref])
            elif (maker := producer[ref]) != NO_JOB:
                seen.add((rule_of[maker], rule))
    return ((f"r{a}", f"r{b}") for a, b in sorted(seen))


def _job_nodes(graph: JobGraph) -> Iterator[Node]:
    for job in graph.jobs():
        yield Node(
            f"j{job.id}",
            "job",
            job.name,
            {"job": job.id, "rule": job.rule.name, "wildcards": job.wildcard_items},
        )
    for g in _joints(graph):
        count = len(graph.groups[g])
        yield Node(f"g{g}", "list", f"list of {count} files", {"files": count})


def _job_edges(graph: JobGraph) -> Iterator[Edge]:
    joints = _joints(graph)
    for job in range(len(graph)):
        makers: dict[str, None] = {}
        for ref in graph.inputs[job]:
            if ref < 0 and ~ref in joints:
                makers[f"g{~ref}"] = None
            elif ref < 0:
                makers.update((f"j{maker}", None) for maker in graph.group_producers[~ref])
            elif (maker := graph.producer[ref]) != NO_JOB:
                makers[f"j{maker}"] = None
        for start in makers:
            yield start, f"j{job}"
    for g in joints:
        for maker in graph.group_producers[g]:
            yield f"j{maker}", f"g{g}"


def _file_nodes(graph: JobGraph) -> Iterator[Node]:
    for f, path in enumerate(graph.paths):
        yield Node(f"f{f}", "file", path, {"path": path, "source": graph.producer[f] == NO_JOB})
    yield from _job_nodes(graph)


def _file_edges(graph: JobGraph) -> Iterator[Edge]:
    joints = _joints(graph)
    for job in range(len(graph)):
        read: dict[str, None] = {}
        for ref in graph.inputs[job]:
            if ref < 0 and ~ref in joints:
                read[f"g{~ref}"] = None
            else:
                read.update((f"f{f}", None) for f in graph.files_of([ref]))
        for start in read:
            yield start, f"j{job}"
        for f in graph.outputs[job]:
            yield f"j{job}", f"f{f}"
    for g in joints:
        for f in dict.fromkeys(graph.groups[g]):
            yield f"f{f}", f"g{g}"


def _joints(graph: JobGraph) -> dict[int, None]:
    """Groups that are drawn as a node of their own: n readers of m files give n + m edges
    then, not n * m."""
    readers: dict[int, int] = {}
    for ref in graph.inputs.values:
        if ref < 0:
            readers[~ref] = readers.get(~ref, 0) + 1
    found: dict[int, None] = {}
    for g in sorted(readers):
        n, m = readers[g], len(graph.groups[g])
        if n * m - (n + m) > MANY_EDGES:
            found[g] = None
    return found


# --- how it is written ---------------------------------------------------------------------------

_SHAPES = {"rule": "box", "job": "box", "file": "ellipse", "list": "diamond"}


def _dot(nodes: Iterator[Node], edges: Iterator[Edge], subject: str) -> Iterator[str]:
    yield f"digraph {subject} {{"
    yield '    graph [rankdir="LR"];'
    yield '    node [fontname="sans", shape="box", style="rounded"];'
    for node in nodes:
        shape = _SHAPES[node.kind]
        yield f'    {node.id} [shape="{shape}", label="{dot_text(node.label)}"];'
    for start, end in edges:
        yield f"    {start} -> {end};"
    yield "}"


def dot_text(label: str) -> str:
    """For the inside of a quoted dot string: shown as `printable` shows it, letter by letter.

    A backslash starts an escape there and `&` an HTML entity.
    """
    shown = printable(label)
    return shown.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


_BRACKETS = {"rule": ("[", "]"), "job": ("[", "]"), "file": ("(", ")"), "list": ("{", "}")}


def _mermaid(nodes: Iterator[Node], edges: Iterator[Edge], subject: str) -> Iterator[str]:
    yield "flowchart LR"
    for node in nodes:
        left, right = _BRACKETS[node.kind]
        yield f'    {node.id}{left}"{mermaid_text(node.label)}"{right}'
    for start, end in edges:
        yield f"    {start} --> {end}"


_PLAIN = frozenset(" ._-/=,:()")


def mermaid_text(label: str) -> str:
    """For the inside of a quoted mermaid label. Whatever could be markup (quotes, `#`, `<`,
    backticks, `*` ...) becomes a character code."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in printable(label))


def _json(nodes: Iterator[Node], edges: Iterator[Edge], subject: str) -> Iterator[str]:
    """One object, one node or edge a line."""
    encode = json.JSONEncoder(ensure_ascii=True).encode
    yield f'{{"graph": "{subject}", "nodes": ['
    yield from _commas(
        encode({"id": n.id, "kind": n.kind, "label": n.label, **n.data}) for n in nodes
    )
    yield '], "edges": ['
    yield from _commas(encode({"from": start, "to": end}) for start, end in edges)
    yield "]}"


def _commas(lines: Iterator[str]) -> Iterator[str]:
    """The lines with a comma behind each but the last."""
    held: str | None = None
    for line in lines:
        if held is not None:
            yield held + ","
        held = line
    if held is not None:
        yield held
