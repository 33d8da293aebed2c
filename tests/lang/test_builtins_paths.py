"""`expand`, `glob_wildcards`, flags and the like do what Snakemake's do."""
# ruff: noqa: E501 - tables

import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.values import FlaggedPath, Flags, Record, Unpack, Wildcards, flags_of
from flowc.source import Source
from flowc.syntax.parse import parse_expression


def run(text: str, **names: Any) -> Any:
    return Interpreter(RealDisk()).evaluate(
        parse_expression(Source("Workflowfile", text)), Scope(names)
    )


# fmt: off
EXPANSIONS = {
    "expand('{a}.x', a=['1', '2'])":                        ["1.x", "2.x"],
    "expand('{a}', a='one')":                               ["one"],
    "expand('{a}', a=5)":                                   ["5"],
    "expand('{a}', a=range(3))":                            ["0", "1", "2"],
    "expand('{a}', a=(i for i in [1, 2]))":                 ["1", "2"],
    "expand('{a}', a=[])":                                  [],
    "expand('{a}-{b}', a=[1, 2], b=['x', 'y'])":            ["1-x", "1-y", "2-x", "2-y"],
    "expand('{b}-{a}', a=[1, 2], b=['x', 'y'])":            ["x-1", "y-1", "x-2", "y-2"],  # keywords' order
    "expand('{a}-{a}', a=[1, 2])":                          ["1-1", "2-2"],
    "expand('{a}-{b}-{a}', a=[1], b=[2, 3])":               ["1-2-1", "1-3-1"],
    "expand('{a}-{b}', zip, a=[1, 2], b=['x', 'y'])":       ["1-x", "2-y"],
    "expand('{a}-{b}', zip, a=[1, 2, 3], b=['x', 'y'])":    ["1-x", "2-y"],
    "expand('{b}-{a}', zip, a=[1, 2], b=['x', 'y'])":       ["x-1", "y-2"],
    "expand('{a}-{b}', itertools.product, a=[1], b=[2])":   ["1-2"],
    "expand('{a}{b}', lambda *l: [[l[0][0], l[1][0]]], a=[1, 2], b=[3])": ["13"],
    "expand(['{a}.x', '{a}.y'], a=[1, 2])":                 ["1.x", "2.x", "1.y", "2.y"],
    "expand(['{a}.x', 'plain'], a=[1, 2])":                 ["1.x", "2.x", "plain"],
    "expand('plain', a=[1, 2])":                            ["plain"],
    "expand('plain')":                                      ["plain"],
    "expand('{a}', a=[1], b=[1, 2, 3])":                    ["1"],
    "expand('{{s}}/{a}', a=[1, 2])":                        ["{s}/1", "{s}/2"],
    "expand('{s}/{a}', a=[1, 2], allow_missing=True)":      ["{s}/1", "{s}/2"],
    "expand('{s,[A-Z]+}/{a}', a=[1], allow_missing=True)":  ["{s,[A-Z]+}/1"],
    "expand('{s,\\\\d{2}}/{a:02d}', a=[1], allow_missing=True)": ["{s,\\d{2}}/01"],
    "expand('{a,[0-9]+}', a=[1, 2])":                       ["1", "2"],
    "expand('chr{i:02d}', i=range(9, 11))":                 ["chr09", "chr10"],
    "expand('{a}-{i:02d}', a='x', i=[1, 2])":               ["x-01", "x-02"],
    "expand('{d[k]}', d=[{'k': 'v'}])":                     ["v"],
    "expand('100%{a}%s', a=[1, 2])":                        ["100%1%s", "100%2%s"],
    "expand('%{a}{b}%', a=[1], b=[2])":                     ["%12%"],
    "expand(Path('d') / '{a}', a=[Path('x')])":             ["d/x"],
    "expand('{a}', a=[None, True, 1.5])":                   ["None", "True", "1.5"],
    "expand('{a}', a=['%s', '{b}'])":                       ["%s", "{b}"],
    "expand('{ab}{a}', a=[1], ab=[2])":                     ["21"],
    "collect('{a}', a=[1])":                                ["1"],
    "multiext('p/x', '.bam', '.bai')":                      ["p/x.bam", "p/x.bai"],
    "subpath('a/b.txt', strip_suffix='.txt')":              "a/b",
    "subpath('a/b.txt', basename=True)":                    "b.txt",
    "subpath('a/b.txt', parent=True)":                      "a",
    "subpath('b.txt', parent=True)":                        ".",
    "subpath('a/b/c', ancestor=2)":                         "a",
    "branch(1, then='a', otherwise='b')":                   "a",
    "branch(0, then='a', otherwise='b')":                   "b",
    "branch(0, then='a')":                                  [],
    "branch('k', cases={'k': 'v'})":                        "v",
    "branch('q', cases={'k': 'v'}, otherwise='o')":         "o",
    "exists('/')":                                          True,
    "exists('/no/such')":                                   False,
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS.items(), ids=EXPANSIONS)
def test_path_functions(text: str, expected: Any) -> None:
    found = run(text)
    assert found == expected
    assert type(found) is type(expected)


SAME_AS_SNAKEMAKE = [text for text in EXPANSIONS if text.startswith("expand(") and ",[" not in text]


@pytest.mark.parametrize("text", SAME_AS_SNAKEMAKE)
def test_expand_is_snakemakes(text: str) -> None:
    io = pytest.importorskip("snakemake.io")
    import itertools

    names = {"expand": io.expand, "itertools": itertools, "Path": Path}
    if "s,\\\\" in text:
        pytest.skip("Snakemake cannot keep a constraint with braces")
    assert run(text) == [str(path) for path in eval(text, names)]


def test_a_named_multiext_gives_names() -> None:
    found = run("multiext('p/x', bam='.bam', index='.bai')")
    assert isinstance(found, Record)
    assert [(name, found.get_name(name)) for name in found.names] == [
        ("bam", "p/x.bam"),
        ("index", "p/x.bai"),
    ]


# fmt: off
FLAGGED = {
    "temp('a')":                        [("a", Flags(temp=True))],
    "temp(protected('a'))":             [("a", Flags(temp=True, protected=True))],
    "temp(Path('a/b'))":                [("a/b", Flags(temp=True))],
    "directory(['a', ['b']])":          [("a", Flags(directory=True)), ("b", Flags(directory=True))],
    "touch(expand('{x}', x=[1, 2]))":   [("1", Flags(touch=True)), ("2", Flags(touch=True))],
    "ancient(('a',))":                  [("a", Flags(ancient=True))],
    "[temp('a'), 'b']":                 [("a", Flags(temp=True)), ("b", Flags())],
}
# fmt: on


def flat(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for each in value:
            yield from flat(each)


@pytest.mark.parametrize(("text", "expected"), FLAGGED.items(), ids=FLAGGED)
def test_flags(text: str, expected: list[tuple[str, Flags]]) -> None:
    assert [(str(path), flags_of(path)) for path in flat(run(text))] == expected


def test_a_path_of_a_rule_stays_its_path() -> None:
    path = FlaggedPath("a/{s}", Flags(), "map")
    (found,) = run("expand(p, s=[1])", p=path)
    assert (str(found), found.rule) == ("a/1", "map")
    assert run("ancient(p)", p=path).rule == "map"


def test_unpack_keeps_its_function() -> None:
    found = run("unpack(lambda wildcards: {'a': 1})")
    assert isinstance(found, Unpack)
    assert found.function(None) == {"a": 1}


def test_functions_tell_their_parameters() -> None:
    function = run("lambda wildcards, input, attempt=1, *rest: attempt")
    assert function.parameters == ("wildcards", "input", "attempt")
    assert (function.required, function.takes_rest, function.name) == (2, True, "<lambda>")
    assert function.span.text == "lambda wildcards, input, attempt=1, *rest: attempt"
    assert function("w", input="i", attempt=3) == 3


def test_expand_with_a_function_waits_for_the_wildcards() -> None:
    text = "expand('{s}/{u}', s='a', u=lambda wildcards: wildcards.units.split('-'))"
    function = run(text)
    assert callable(function)
    assert function.parameters == ("wildcards",)
    assert function(Wildcards(("1-2",), {"units": 0})) == ["a/1", "a/2"]


# --- glob_wildcards ------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data/b_2.txt", "data/a_1.txt", "data/deep/c_3.txt", "data/x.csv", "top_9.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)


# fmt: off
GLOBS = {
    "data/{s}_{n}.txt":         {"s": ["a", "b", "deep/c"], "n": ["1", "2", "3"]},
    "./data/{s}_1.txt":         {"s": ["a"]},
    "data/{s,[^/]+}_{n}.txt":   {"s": ["a", "b"], "n": ["1", "2"]},
    "data/{s}_{n,3}.txt":       {"s": ["deep/c"], "n": ["3"]},
    "{s}_9.txt":                {"s": ["top"]},
    "{d}/{s}_{n}.txt":          {"d": ["data", "data", "data/deep"], "s": ["a", "b", "c"], "n": ["1", "2", "3"]},
    "data/{d}/c_3.txt":         {"d": ["deep"]},
    "data/{name}":              {"name": ["a_1.txt", "b_2.txt", "deep", "deep/c_3.txt", "x.csv"]},
    "none/{s}":                 {"s": []},
}
# fmt: on


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("pattern", "expected"), GLOBS.items(), ids=GLOBS)
def test_glob_wildcards(pattern: str, expected: dict[str, list[str]]) -> None:
    found = run("glob_wildcards(pattern)", pattern=pattern)
    assert {name: found.get_name(name) for name in found.names} == expected
    assert list(found) == list(expected.values())


@pytest.mark.usefixtures("files")
def test_glob_wildcards_is_unpacked_or_asked_by_name() -> None:
    assert run("[s for (s,) in [glob_wildcards('data/{s}.csv')]][0]") == ["x"]
    assert run("glob_wildcards('data/{s}.csv').s") == ["x"]
    assert run("glob_wildcards('{a}.{b}', files=['x.y', 'z'])").get_name("b") == ["y"]
    Path("data/.flowc_timestamp").touch()
    assert "timestamp" not in str(list(run("glob_wildcards('data/{s}')")))


@pytest.mark.usefixtures("files")
def test_paths_ask_the_disk() -> None:
    assert run("[Path('data').is_dir(), Path('data').is_file(), Path('q').exists()]") == [
        True,
        False,
        False,
    ]
    assert run("os.path.getsize('data/x.csv')") == 0
    with pytest.raises(WorkflowError, match="no file `q`"):
        run("os.path.getsize('q')")


def test_a_million_values_take_seconds() -> None:
    """Half a second in truth; the bound only tells a quadratic way from a linear one."""
    start_s = time.process_time()
    assert (
        len(run("expand('data/{s}.txt', s=names)", names=[str(i) for i in range(10**6)])) == 10**6
    )
    assert len(run("expand('{a}-{b}.x', a=range(1000), b=range(1000))")) == 10**6
    assert time.process_time() - start_s < 15


def test_path_is_pure() -> None:
    assert type(run("Path('a')")) is PurePosixPath
