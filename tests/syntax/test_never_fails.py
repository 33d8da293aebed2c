"""Whatever the text: a tree or a WorkflowError, soon, with places that can be shown."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples, share

from flowc.diagnostic import WorkflowError, render
from flowc.source import Source
from flowc.syntax.parse import parse, parse_expression

GOOD = (Path(__file__).parent / "mutated.workflow").read_text("utf-8")
WORDS = """rule checkpoint module use from as with exclude input output run limits onstart if elif
else for in def return lambda not and or is pass import class try except @ x y 1 2.5 'a' "b" f'{ f"
{x} }' ''' \""" ( ) [ ] { } , : ; . = == := -> + - * ** / // % | & ^ << >> ~ < >= += != ! ? $ \\ #c
é “ \t \n \r\n \n\x20\x20 \n\x20\x20\x20\x20 \n\t \x00 \x0c \udc80 {{ }} !r := =} rule\x20a:\n
def\x20f(): \n\x20\x20input: run:\n""".replace("\n", " ").split(" ")
WORDS = [w for w in WORDS if w] + ["\n", "\n  ", "\n    ", " ", "\n\t"]


def survive(text: str) -> None:
    for read in (parse, parse_expression):
        try:
            read(Source("x", text))
        except WorkflowError as error:
            assert error.diagnostics
            for diagnostic in error.diagnostics:
                assert diagnostic.span is not None
                assert 0 <= diagnostic.span.start <= len(text)
                assert diagnostic.message and render(diagnostic)


@examples(300)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.booleans())
def test_any_soup_of_words(words: list[str], spaced: bool) -> None:
    survive((" " if spaced else "").join(words))


@examples(150)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    survive(text)


@examples(150)
@given(st.randoms(use_true_random=False))
def test_a_good_file_with_anything_done_to_it(chance: random.Random) -> None:
    text = GOOD
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        end = at + chance.choice((0, 1, 1, 5, 40))
        text = text[:at] + chance.choice([*WORDS, "", "", text[end : end + 30]]) + text[end:]
    survive(text)


def test_the_file_that_is_mutated_is_good() -> None:
    assert len(parse(Source("x", GOOD)).statements) > 15


N = share(10_000)
# fmt: off
DEEP = {
    "(": "x = " + "(" * N + ")" * N,            "( not closed": "x = " + "(" * N,
    "[": "x = " + "[" * N + "]" * N,            "{": "x = " + "{1:" * N + "2" + "}" * N,
    "not": "x = " + "not " * N + "a",           "-": "x = " + "- " * N + "a",
    "lambda": "x = " + "lambda: " * N + "a",    "lambda default": "x = " + "lambda a=(" * N,
    "if else": "x = " + "a if b else " * N + "a",
    "+": "x = 1" + "+(1" * N + ")" * N,         "**": "x = 1" + "**1" * N,
    ".": "x = x" + ".y" * N,                    "call": "x = f" + "()" * N,
    "index": "x = f" + "[0]" * N,               "f-string": "x = " + "f'{" * N + "1" + "}'" * N,
    "spec": "x = f'" + "{x:" * N + "}" * N + "'",
    "blocks": "".join(" " * i + "if x:\n" for i in range(1000)) + " " * 1000 + "y",
    "two kinds": "x = " + "(1+" * 201 + "1" + "+1)" * 201,
}
LONG = {
    "and": "x = 1" + " and 1" * N,  "<": "x = 1" + " < 1" * N,
    "+": "x = 1" + "+ 1" * N,  "*, +": "x = 1" + " * 1 + 1" * N,
    "elif": "if x:\n y\n" + "elif x:\n y\n" * N,
    "adjacent strings": "x = " + "'a' " * N, "chained": "x = " * N + "1", ";": "x;" * N,
    "a megabyte of items": "x = [" + "'aaaaaaaaaaaaaaaa', " * share(50_000) + "]",
    "a megabyte of string": "x = '" + "a" * 10**6 + "'", "a megabyte of comment": "#" * 10**6,
}
BAD = {
    "a megabyte of items, one bad": "x = [" + "'aaaaaaaaaaaaaaaa', " * share(50_000) + " 'a' ! b]",
    "a megabyte of unclosed string": "x = '" + "a" * 10**6,
    "quotes": '"""' * 10_001, "f-quotes": "f'{" * N, "openers": "(\n[\n{\n" * 3000,
    "unclosed": "rule a:\n  input: (\n" * 3000, "tabs": "\t" * 10**5 + "x",
    "digits": "x = " + "1" * 10**5, "escapes": "x = '" + "\\x" * 10**4 + "'", "lines": "a b\n" * N,
}
# fmt: on


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        parse(Source("x", text))
    assert caught.value.diagnostics[0].code == "nested-too-deeply"
    assert len(caught.value.diagnostics) == 1


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_is_not_deep(text: str) -> None:
    started = time.process_time()
    assert parse(Source("x", text)) is not None
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_fault_in_much_text_is_found_soon_and_shown_briefly(text: str) -> None:
    started = time.process_time()
    with pytest.raises(WorkflowError) as caught:
        parse(Source("x", text))
    assert time.process_time() - started < 5
    assert 0 < len(caught.value.diagnostics) <= 100
    assert all(len(render(d)) < 1500 for d in caught.value.diagnostics)
