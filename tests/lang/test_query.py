"""`lookup(query=...)` in a list of dicts finds the rows that pandas finds."""

from pathlib import Path
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.graph.build import build_graph
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.limits import Budget, Refusal
from flowc.lang.load import load_workflow
from flowc.lang.query import Table
from flowc.lang.values import Wildcards
from flowc.source import Source
from flowc.syntax.parse import parse_expression

ROWS: list[dict[str, Any]] = [
    {"sample": "A", "unit": 1, "depth": 10.5, "a b": "x"},
    {"sample": "A", "unit": 2, "depth": 3, "a b": "y"},
    {"sample": "B", "unit": 1, "depth": None, "a b": "x"},
    {"sample": "C'", "unit": 3, "depth": -2e1, "a b": ""},
]
QUERIES: dict[str, list[int]] = {
    "sample == 'A'": [0, 1],
    'sample == "A" and unit == 2': [1],
    "'A' == sample": [0, 1],
    "unit == 1 and sample != 'A'": [2],
    "sample == 'A' & unit > 1": [1],
    "sample == 'B' | unit > 2": [2, 3],
    "sample == 'A' and unit == 1 or sample == 'B' and unit == 1": [0, 2],
    "sample == 'A' and (unit == 1 or sample == 'B')": [0],
    "not sample == 'A'": [2, 3],
    "~(sample == 'A')": [2, 3],
    "not (sample == 'A' and unit == 1)": [1, 2, 3],
    "not sample == 'A' and unit == 1": [2],
    "sample in ['A', \"C'\"]": [0, 1, 3],
    "sample not in ['A']": [2, 3],
    "sample == ['A', 'B']": [0, 1, 2],
    "sample != ['A', 'B']": [3],
    "depth > 5": [0],
    "depth < 5": [1, 3],
    "depth >= -20 and depth <= 3.0": [1, 3],
    "depth == 3": [1],
    "depth != 3": [0, 2, 3],
    "1 < unit < 3": [1],
    "unit == depth": [],
    "`a b` == 'x'": [0, 2],
    "sample == 'nobody'": [],
    "sample == 1": [],
    "sample < 'B'": [0, 1],
    "(((unit == 3)))": [3],
    "unit == 1 == unit": [0, 2],
}


@pytest.mark.parametrize("query", QUERIES)
def test_the_rows_that_a_query_finds(query: str) -> None:
    table = Table(ROWS, Budget())
    assert table.select(query) == QUERIES[query]
    assert table.select(query) == QUERIES[query]  # by the index now


@pytest.mark.parametrize("query", [q for q in QUERIES if q != "unit == 1 == unit"])
def test_pandas_finds_the_same(query: str) -> None:
    pandas = pytest.importorskip("pandas")
    found = pandas.DataFrame(ROWS).query(query, engine="python")
    assert list(found.index) == QUERIES[query]


FAULTS = {
    "smaple == 'A'": "`lookup` knows no column `smaple`",
    "sample = 'A'": "cannot read the query",
    "sample == 'A": "cannot read the query",
    "sample == 'A') or (": "at `)`",
    "(sample == 'A'": "at its end",
    "": "at its end",
    "sample.str.len() == 1": "at `.`",
    "unit + 1 == 2": "at `+`",
    "@config == 1": "at `@`",
    "sample == [['A']]": "at `[`",
    "sample > 1": "a query cannot ask whether a str is `>` an int",
    "'A' in sample": "needs a list",
    "(" * 60 + "unit == 1" + ")" * 60: "nested too deeply",
    "not " * 60 + "unit == 1": "nested too deeply",
    "sample == " + "[" * 5000: "cannot read the query",
}


@pytest.mark.parametrize("query", FAULTS)
def test_what_a_query_cannot_say(query: str) -> None:
    with pytest.raises(Refusal) as caught:
        Table(ROWS, Budget()).select(query)
    assert FAULTS[query] in caught.value.message


def test_a_list_in_a_row_is_no_value() -> None:
    with pytest.raises(Refusal, match="compares texts and numbers, not a list"):
        Table([{"a": [1]}], Budget()).select("a == 1")


def value_of(text: str, wildcards: Wildcards | None = None) -> Any:
    scope = Scope({"rows": ROWS, "config": {"a": {"b": 1}}})
    found = Interpreter(RealDisk()).evaluate(parse_expression(Source("test", text)), scope)
    return found if wildcards is None else found(wildcards)


A1 = Wildcards(("A", "1"), {"sample": 0, "unit": 1})
VALUES = {
    "lookup(query='unit == 3', within=rows).sample": "C'",
    "lookup('unit == 3', within=rows).Index": 3,
    "[row.sample for row in lookup('unit == 1', within=rows)]": ["A", "B"],
    "lookup('unit == 1', within=rows, cols='sample')": ["A", "B"],
    "lookup('unit == 3', within=rows, cols='sample')": ["C'"],
    "[list(r) for r in lookup('unit == 1', within=rows, cols=['unit', 'sample'])]": [
        [1, "A"],
        [1, "B"],
    ],
    "lookup('unit == 9', within=rows)": [],
    "lookup('unit == 9', within=rows, default='none')": "none",
    "lookup('unit == 1', within=rows, is_nrows=2)": True,
    "lookup('unit == {n}', within=rows, cols='sample', n=2)": ["A"],
    "expand('{row.sample}-{row.unit}', row=lookup(\"sample == 'A'\", within=rows))": ["A-1", "A-2"],
    "lookup('a/b', within=config)": 1,
}


@pytest.mark.parametrize("text", VALUES)
def test_what_lookup_gives(text: str) -> None:
    assert value_of(text) == VALUES[text]


LATER = {
    "lookup(\"sample == '{sample}' and unit == {unit}\", within=rows, cols='depth')": [10.5],
    "lookup(\"sample == '{sample}'\", within=rows, cols='{column}', column='unit')": [1, 2],
    "branch(lookup(\"sample == '{sample}'\", within=rows, is_nrows=2), then='two')": "two",
    "lookup(\"depth > {at.depth}\", within=rows, cols='unit', "
    "at=lookup(\"sample == '{sample}' and unit == 2\", within=rows))": [1],
}


@pytest.mark.parametrize("text", LATER)
def test_it_waits_for_wildcards(text: str) -> None:
    assert value_of(text, A1) == LATER[text]


@pytest.mark.parametrize(
    "text",
    [
        "lookup(dpath='a', within=rows)",
        "lookup(query='a', within='text')",
        "lookup(query='a == 1', within=[1, 2])",
        "lookup(query='a', dpath='a', within=config)",
        "lookup(query='unit == 1', within=rows, cols=1)",
        "lookup(query='unit == 1', within=rows, cols='smaple')",
        "lookup(query='unit == 1', within=rows, is_nrows='1')",
    ],
)
def test_what_lookup_refuses(text: str) -> None:
    with pytest.raises(WorkflowError):
        value_of(text)


def test_many_jobs_ask_a_table_of_many_rows(tmp_path: Path, monkeypatch: Any) -> None:
    """5,000 jobs and 5,000 rows: 25 million comparisons, were there no index."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for i in range(5000):
        Path(f"in/{i}.txt").touch()
    Path("Workflowfile").write_text(
        """
ROWS = [{"sample": "s" + str(i), "path": "in/" + str(i) + ".txt"} for i in range(5000)]

rule all:
    input: [row["sample"] + ".out" for row in ROWS]

rule one:
    input: lookup(query="sample == '{sample}'", within=ROWS, cols="path")
    output: "{sample}.out"
    shell: "cp {input} {output}"
"""
    )
    disk = RealDisk()
    graph = build_graph(load_workflow("Workflowfile", disk=disk), [], disk)
    assert len(graph) == 5001
    job = next(job for job in graph.jobs() if job.wildcard_items.get("sample") == "s4321")
    assert job.input_paths == ["in/4321.txt"]
