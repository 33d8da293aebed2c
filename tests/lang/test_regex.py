"""Constraints never backtrack for ever, and match what Python's `re` matches."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.examples import examples

from flowc.api import compile_file, load_file
from flowc.diagnostic import WorkflowError
from flowc.lang.careful import sure_length
from flowc.lang.pattern import Pattern
from flowc.lang.regex import examine, fits_in_a_path
from flowc.lang.regex_machine import Machine

# --- the machine against Python's re -------------------------------------------------------------

ATOMS = st.sampled_from(
    ["a", "b", "_", ".", "[ab]", "[^a]", r"\w", r"\d", "[a-c_]", "1", "ab", r"\.", r"\b", "(?i:A)"]
)
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "+?", "??"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, REPEATS).map(lambda two: f"(?:{two[0]}){two[1]}"),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=8,
)
TEXTS = st.text("ab_1.A", max_size=9)


@examples(500)
@given(EXPRESSIONS, EXPRESSIONS, TEXTS)
def test_the_machine_finds_what_python_finds(first: str, second: str, text: str) -> None:
    """Also how two wildcards share a name: the groups are the same."""
    whole = f"(?P<w0>{first})_?(?P<w1>{second})"
    found = re.compile(whole, re.DOTALL).fullmatch(text)
    expected = None if found is None else found.group("w0", "w1")
    made = Machine(whole).fullmatch(text)
    if examine(first).repeats_nothing or examine(second).repeats_nothing:
        assert (made is None) == (expected is None)
    else:
        assert made == expected


@examples(300)
@given(EXPRESSIONS, st.text("ab_1", min_size=14, max_size=20))
def test_what_is_held_to_be_cheap_is_cheap(expression: str, text: str) -> None:
    """Where few ways are promised, `re` returns soon even if nothing matches."""
    cost = examine(expression)
    assume(cost.ways(len(text)) <= 1e5)
    started = time.process_time()
    re.fullmatch(f"(?:{expression})!", text)
    assert time.process_time() - started < 3


# --- what is cheap -------------------------------------------------------------------------------

# fmt: off
COSTS = {  #         degree  exponential
    "[A-Z]+":             (1, False),
    r"\d+":               (1, False),
    "[^/]+":              (1, False),
    "A|B|CC":             (0, False),
    r"\w+(-\w+)*":        (2, False),  # `\w` has no `-`: each repetition begins with one
    r"\w+(_\w+)*":        (2, True),   # but it has `_`
    r"(\w+-)*\w+":        (2, False),
    "(ab|cd)+":           (1, False),
    "(?:(?!x).)+":        (1, False),
    "(a+)+":              (1, True),
    "(a|a)*":             (0, True),
    "(a?){30}a{30}":      (0, True),
    "(a*)*b":             (1, True),
    "(.*a){20}":          (1, True),
}
# fmt: on


@pytest.mark.parametrize("text", COSTS)
def test_cost(text: str) -> None:
    cost = examine(text)
    assert cost.is_exponential == COSTS[text][1]
    if not cost.is_exponential:
        assert cost.degree == COSTS[text][0]


EVIL = [
    "(a+)+$", "(a|a)*", "(a|aa)+", "(a?){40}a{40}", "(a*)*b", "([a-z]+)*_", "(.*a){20}", "(x+x+)+y",
    "(?:a|b|ab)*c", "((a+)+)+", "a*a*a*a*a*a*b", "(a+){2,}b", "(?i:(a|A)+)+b",
]  # fmt: skip


@pytest.mark.parametrize("constraint", EVIL)
@pytest.mark.parametrize("size", [30, 200, 3000])
def test_evil_constraints_end_in_time(constraint: str, size: int) -> None:
    pattern = Pattern("out/{x}.txt", {"x": constraint})
    started = time.process_time()
    pattern.match(f"out/{'a' * size}!.txt")
    pattern.match(f"out/{'a' * size}.txt")
    assert time.process_time() - started < 5


def test_many_wildcards_end_in_time() -> None:
    started = time.process_time()
    assert Pattern("{a}{b}{c}{d}{e}x").match("a" * 2000) is None
    assert Pattern("{a}_{b}_{c}_{d}_{e}!").match("a_" * 1000) is None
    assert Pattern("{a}_{b}_{c}.txt").match("x_" * 30 + "y.txt") == ("x_" * 28 + "x", "x", "y")
    assert time.process_time() - started < 5


def test_functions_of_re(tmp_path: Path) -> None:
    path = tmp_path / "Workflowfile"
    path.write_text('x = re.sub("[a-z]+_", "-", "ab_" * 20000)\ny = re.match(r"(a+)+$", "aaa!")\n')
    load_file(str(path))
    path.write_text('x = re.search("(a+)+$", "a" * 5000 + "!")\n')
    started = time.process_time()
    with pytest.raises(WorkflowError) as caught:
        load_file(str(path))
    assert caught.value.diagnostics[0].code == "costly-pattern"
    assert time.process_time() - started < 10


# fmt: off
REFUSED = {
    "a reference":        r"(a)\1",
    "a name":             "(?P<x>a)",
    "a condition":        "(a)?(?(1)b|c)",
    "flags for all":      "(?i)a",
    "nested too deeply":  "(" * 2000 + ")" * 2000,
    "too long":           "a" * 5000,
    "not closed":         "(a",
    "closed too often":   "a)(b",
    "too many copies":    "a{99999999999}",
}
# fmt: on


@pytest.mark.parametrize("constraint", REFUSED.values(), ids=REFUSED)
def test_refused_constraints(constraint: str) -> None:
    with pytest.raises(ValueError):
        fits_in_a_path(constraint)
    with pytest.raises(ValueError):
        Pattern("{x}.txt", {"x": constraint})


def test_what_looks_around_is_matched_by_python_while_that_is_quick() -> None:
    pattern = Pattern("{x}.txt", {"x": "(?!all)[a-z]+"})
    assert pattern.match("some.txt") == ("some",) and pattern.match("all.txt") is None
    assert Pattern("{x}.txt", {"x": "(?:(?!_R1).)+"}).match("a" * 5000 + ".txt") is not None
    evil = Pattern("{x}.txt", {"x": "(?!b)(a+)+"})
    assert evil.match("aaa.txt") == ("aaa",)
    with pytest.raises(WorkflowError) as caught:
        evil.match("a" * 100 + "!.txt")
    assert caught.value.diagnostics[0].code == "costly-pattern"
    assert "`x` looks ahead or behind" in (caught.value.diagnostics[0].hint or "")


def test_the_place_of_a_costly_constraint_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = 'rule a:\n    output: "{x,(?!b)(a+)+}.txt"\n    shell: "date > {output}"\n'
    Path("Workflowfile").write_text(text)
    with pytest.raises(WorkflowError) as caught:
        compile_file("Workflowfile", ["a" * 100 + "!.txt"])
    span = caught.value.diagnostics[0].span
    assert span is not None and (span.line, span.text) == (2, '"{x,(?!b)(a+)+}.txt"')


@examples(200)
@given(EXPRESSIONS, TEXTS)
def test_a_pattern_matches_as_python_does(constraint: str, text: str) -> None:
    pattern = Pattern("a{x}/{y}", {"x": constraint})
    path = f"a{text}/{text}"
    found = re.fullmatch(f"a(?P<w0>{constraint})/(?P<w1>.+)", path, re.DOTALL)
    if examine(constraint).repeats_nothing and len(path) > sure_length(pattern):
        return  # may be refused
    assert pattern.match(path) == (None if found is None else found.group("w0", "w1"))
