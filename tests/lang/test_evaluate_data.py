"""Values and functions survive the way through JSON."""
# ruff: noqa: E501 - tables

import json
import math
import re
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.disk import RealDisk
from flowc.lang.callables import Foreign
from flowc.lang.evaluate import (
    Interpreter,
    Scope,
    function_from_data,
    value_from_data,
    value_to_data,
)
from flowc.lang.values import FlaggedPath, Flags, Namespace, Record, Wildcards, flags_of
from flowc.source import Source
from flowc.syntax.parse import parse


def there_and_back(value: Any) -> Any:
    data = json.loads(json.dumps(value_to_data(value)))
    return value_from_data(data, Interpreter(RealDisk()), Scope())


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("a$é\udc80 ")
)
keys = st.one_of(scalars, st.tuples(scalars, scalars))
values = st.recursive(
    st.one_of(scalars, st.sets(keys, max_size=3), st.just(range(1, 9, 2))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=3),
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


def test_special_values_come_back() -> None:
    assert math.isnan(there_and_back(math.nan))
    assert there_and_back(-math.inf) == -math.inf
    assert there_and_back(PurePosixPath("a/b")) == PurePosixPath("a/b")
    assert there_and_back(re.compile("a+", re.I)) == re.compile("a+", re.I)
    assert there_and_back(Foreign("pandas.isna")).name == "pandas.isna"
    path = there_and_back(FlaggedPath("a", Flags(temp=True, touch=True), "map"))
    assert (str(path), flags_of(path), path.rule) == ("a", Flags(temp=True, touch=True), "map")
    record = there_and_back(Record(("a", "b", "c"), {"x": 0, "y": slice(1, 3)}))
    assert type(record) is Record
    assert (record.get_name("x"), record.get_name("y")) == ("a", ["b", "c"])
    assert str(there_and_back(Wildcards(("a",), {"s": 0}))) == "s=a"


def test_what_has_no_data_form_is_a_diagnostic() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for value in (loop, iter([1]), object()):
        with pytest.raises(WorkflowError) as fault:
            value_to_data(value)
        assert fault.value.diagnostics[0].code in ("no-data-form", "too-deep")


FUNCTIONS = {  # a file that defines `f`, and what f(3) is
    "lambda": "f = lambda n: n + 1",
    "default": "k = 5\nf = lambda n, m=k: n + m\nk = 6",
    "global": "k = {'a': [1, (2,)]}\nf = lambda n: n + k['a'][1][0]",
    "other function": "def g(n):\n    return n * 2\nf = lambda n: g(n) + g(1)",
    "closure": "def make(k):\n    def f(n):\n        return n + k\n    return f\nf = make(4)",
    "closure of a closure": (
        "def make(k):\n    def inner():\n        return lambda n: n + k\n    return inner()\nf = make(4)"
    ),
    "def": "def f(n):\n    out = []\n    for i in range(n):\n        if i:\n            out.append(f'{i}')\n    return out",
    "nested def": "if True:\n    def f(n):\n        # a comment\n        return (n,\n            1)",
    "many lines": "f = (lambda n:\n    n +\n    1)",
    "in a loop": "fs = []\nfor k in range(3):\n    fs.append(lambda n, k=k: n + k)\nf = fs[2]",
    "in a comprehension": "f = [lambda n: n + k for k in range(3)][1]",
    "builtins": "f = lambda n: sorted(map(str, range(n)), key=len)",
    "a builtin by another name": "h = os.path.join\nf = lambda n: h('a', str(n))",
    "a shadowed builtin": "def len(v):\n    return 9\nf = lambda n: len(n)",
    "path": "d = Path('a')\nf = lambda n: str(d / str(n))",
    "expand": "names = ['a', 'b']\nf = lambda n: expand('{s}{n}', s=names, n=n)",
    "deferred expand": "f = expand('{s}/{n}', s=['a', 'b'], n=lambda n: n)",
    "deferred zip": "f = expand('{s}/{n}', zip, s=['a', 'b'], n=lambda n: [n, n])",
    "rest": "f = lambda *a, **k: (a, k)",
    "mentions itself": "def f(n):\n    return n if n else f(1)",
    "members": "f = lambda n: rules.a.output[0] + str(n)",
    "members of members": "f = lambda n: rules.a.params.x + n",
    "config": "f = lambda n: config['x']['y'] + n",
}


@pytest.mark.parametrize("text", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_comes_back_and_does_the_same(text: str) -> None:
    faults: list[Diagnostic] = []
    rule = Namespace(
        "rules.a",
        {"output": Record(("o",), {}), "params": Record((10,), {"x": 0}), "name": "a"},
    )
    scope = Scope(
        {"rules": Namespace("rules", {"a": rule, "b": object()}), "config": {"x": {"y": 7}}}
    )
    source = Source("Workflowfile", text)
    Interpreter(RealDisk()).execute(parse(source).statements, scope, lambda s, _: None, faults)
    assert faults == []
    function = scope.names["f"]
    data = json.loads(json.dumps(function.to_data()))
    # whatever the file does later: the function has its values
    expected = function(3)
    for name in list(scope.names):
        scope.names[name] = None
    again = function_from_data(data, Interpreter(RealDisk()), Scope())
    assert again(3) == expected
    assert again.parameters == function.parameters
    assert again.required == function.required
    assert json.dumps(again.to_data(), sort_keys=True) == json.dumps(data, sort_keys=True)


def test_a_fault_in_a_function_from_data_shows_its_line() -> None:
    text = "x = 1\nf = [lambda n:\n        n / 0]\n"
    scope = Scope()
    interpreter = Interpreter(RealDisk())
    interpreter.execute(parse(Source("Workflowfile", text)).statements, scope, print, [])
    data = scope.names["f"][0].to_data()
    again = function_from_data(data, Interpreter(RealDisk()), Scope())
    with pytest.raises(WorkflowError) as fault:
        again(1)
    span = fault.value.diagnostics[0].span
    assert span is not None
    assert str(span) == "Workflowfile:3:9"
    assert span.text == "n / 0"


def test_a_name_without_data_form_is_named() -> None:
    scope = Scope()
    Interpreter(RealDisk()).execute(
        parse(Source("W", "g = iter([1])\nf = lambda n: next(g)")).statements, scope, print, []
    )
    with pytest.raises(WorkflowError) as fault:
        scope.names["f"].to_data()
    assert fault.value.diagnostics[0].code == "no-data-form"
