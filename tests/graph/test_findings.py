"""What `flowc check` finds: each finding with its witness, and what must not be found."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.api import load_file
from flowc.graph.findings import find_all
from flowc.graph.overlap import overlapping, witness
from flowc.lang.pattern import Pattern
from flowc.lang.silence import unsilenced

SHELL = '    shell: "echo {wildcards} > {output}"\n'
DATE = '    shell: "date > {output}"\n'
ALL = 'rule all:\n    input: "end.txt"\n'


def rule(name: str, output: str, rest: str = SHELL) -> str:
    return f"rule {name}:\n    output: {output}\n{rest}"


def codes(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "Workflowfile"
    path.write_text(text)
    return [d.code for d in unsilenced(find_all(load_file(str(path))))]


TWO = rule("a", '"{x}.txt"') + rule("b", '"b{y}.txt"')
# fmt: off
FOUND = {
    "two rules for a file": (
        TWO,
        ["ambiguous-rules"],
    ),
    "the same plain file": (
        rule("a", '"f"') + rule("b", '"f"'),
        ["ambiguous-rules"],
    ),
    "settled by order":         (TWO + "ruleorder: a > b\n",                     []),
    "settled by wildcards":     (rule("a", '"{x}.{y}"') + rule("b", '"{z}.n"'),  []),
    "settled by constraints":   (rule("a", '"{x,[a-z]+}.t"') + rule("b", r'"{y,\\d+}.t"'), []),
    "other ends":               (rule("a", '"{x}.n"') + rule("b", '"{x}.m"'),    []),
    "one silenced":             (TWO.replace('"b{y}.txt"', '"b{y}.txt"  # flowc: ignore'), []),
    "another code silenced":    (TWO.replace('"b{y}.txt"', '"b{y}.txt"  # flowc: ignore[x]'),
                                 ["ambiguous-rules"]),
    "silenced above": (
        TWO.replace("    output: \"b", "    # flowc: ignore[ambiguous-rules, x]\n    output: \"b"),
        [],
    ),
    "nobody asks": (
        ALL + rule("a", '"{x}.n"'),
        ["unreachable-rule"],
    ),
    "somebody asks":            (ALL + rule("a", '"{x}.txt"'),                   []),
    "a function may ask": (
        ALL + rule("a", '"{x}.n"') + "rule c:\n    input: lambda w: 'a'\n",
        [],
    ),
    "bound by name": (
        rule("a", '"{x}.n"') + "rule c:\n    input: expand(rules.a.output, x=1)\n",
        [],
    ),
    "no default target":        (rule("a", '"{x}.n"'),                           []),
    "the same for every x":     (rule("a", '"{x}.n"', DATE), ["unused-wildcard"]),
    "wildcard in params": (
        rule("a", '"{x}.n"', '    params: "{x}"\n    shell: "{params} > {output}"\n'),
        [],
    ),
    "a function gets it": (
        rule("a", '"{x}.n"', '    params: lambda wildcards: 1\n    shell: "{params} > {output}"\n'),
        [],
    ),
    "outside":                  (rule("a", '"../f"', DATE), ["output-outside"]),
    "outside, absolute":        (rule("a", '"/f"', DATE), ["output-outside"]),
    "inside after all":         (rule("a", '"b/../f"', DATE), []),
    "an unused name":           ("A = 1\n",                                      ["unused-name"]),
    "an unused function":       ("def f(x): return x\n",                         ["unused-name"]),
    "an unused name in an if": (
        "if config.get('a'):\n    A = 1\nelse:\n    A = 2\n", ["unused-name"],
    ),
    "an unused name in a for":  ("for i in [1]:\n    A = i\n", ["unused-name"]),
    "used behind an if": (
        "if 1:\n    A = 1\n" + rule("a", '"f"', '    shell: "echo {A} > {output}"\n'),
        [],
    ),
    "no name, but an item": (
        "for i in [1]:\n  rule:\n    output: 'f'\n    params:\n      x=1\n" + DATE,
        [],
    ),
    "read by flowc itself": ("config = {}\n", []),
    "meant to be unused":       ("_A = 1\n",                                     []),
    "used in a command": (
        "A = 1\n" + rule("a", '"f"', '    shell: "echo {A} > {output}"\n'),
        [],
    ),
    "used in a comment only":   ("A = 1\n# A\n",                                 ["unused-name"]),
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND)
def test_findings(text: str, expected: list[str], tmp_path: Path) -> None:
    assert codes(text, tmp_path) == expected


# fmt: off
WITNESSES = {
    ("{a}.txt", "x/{b}.txt"): "x/a.txt", ("{a}_{b}", "{c}.txt"): "a_.txt", ("{a}", "b"): "b",
    ("{a,[a-c]+}1", "{b,[c-e]+}1"): "c1", ("{a}x", "{b}y"): None, ("{a,\\d{3}}", "{b,1+}"): "111",
    ("{a}/{a}", "b/{c}"): None, ("{a,(?!b).+}", "{c}"): None, ("é{a}", "{b}ü"): "éü",
}
# fmt: on


def test_witness() -> None:
    for (first, second), expected in WITNESSES.items():
        found = witness(Pattern(first), Pattern(second))
        if expected is None:
            assert found is None, (first, second)
        else:
            assert found is not None and len(found) <= len(expected) + 1
            assert Pattern(first).match(found) and Pattern(second).match(found) is not None


PATTERNS = st.lists(
    st.sampled_from(["a", "b", "/", ".", "{x}", "{y,[ab]+}", "{z}"]), min_size=1, max_size=4
).map("".join)


@examples(300)
@given(PATTERNS, PATTERNS, st.text("ab/.", max_size=6))
def test_whatever_both_match_is_found(first: str, second: str, path: str) -> None:
    try:
        one, two = Pattern(first), Pattern(second)
    except ValueError:
        return
    if (
        one.match(path) is None
        or two.match(path) is None
        or re.search(r"(\{.\}).*\1", first + second)
    ):
        return
    assert list(overlapping([one, two])) == [(0, 1)]
    assert witness(one, two) is not None


def test_three_thousand_rules_take_seconds_at_most(tmp_path: Path) -> None:
    text = "".join(rule(f"r{i}", f'"out/{{a}}.{i}.txt"') for i in range(3000))
    path = tmp_path / "Workflowfile"
    path.write_text(text + rule("last", '"out/{b}.7.txt"'))
    workflow = load_file(str(path))
    started = time.process_time()
    found = find_all(workflow)
    assert time.process_time() - started < 5
    assert [d.message for d in found] == [
        "rules `r7` and `last` could both make `out/a.7.txt`",
    ]
