"""Each mistake is named in the user's terms, at the guilty place; and only once.

In the tables, the text between «» is what must be underlined.
"""
# ruff: noqa: E501 - tables

from typing import Any

import pytest

from flowc.diagnostic import Diagnostic, WorkflowError, render
from flowc.disk import RealDisk
from flowc.lang.evaluate import Interpreter, PoisonedError, Scope
from flowc.lang.values import Namespace, Wildcards
from flowc.source import Source
from flowc.syntax import tree
from flowc.syntax.parse import parse, parse_expression

NAMES: dict[str, Any] = {
    "samples": ["A", "B"],
    "config": {"genome": "g.fa", "threads": 4},
    "wildcards": Wildcards(("a", "b"), {"sample": 0, "unit": 1}),
    "rules": Namespace("rules", {"map": 1}, lambda name: f"no rule `{name}` is defined above"),
    "n": 3,
}

# fmt: off
FAULTS = {  # expression                        code                 message and hint (a part)
    "«sample»":                                ("unknown-name", "`sample` is not defined", "`samples`"),
    "[«nn» for i in samples]":                 ("unknown-name", "`nn` is not defined", ""),
    "«'a' + 1»":                               ("wrong-type", "`+` cannot join a str and an int", "str(...)"),
    "«1 + n - 'a'»":                           ("wrong-type", "`-` cannot subtract an int and a str", ""),
    "«n < 'a'»":                               ("wrong-type", "`<` cannot compare an int and a str", ""),
    "1 < «2 < 'a'»":                           ("wrong-type", "`<` cannot compare an int and a str", ""),
    "«-'a'»":                                  ("wrong-type", "`-` cannot be put before a str", ""),
    "config[«'genom'»]":                       ("missing-key", "no key 'genom'", "`genome`"),
    "config[«'xyzzy'»]":                       ("missing-key", "no key 'xyzzy'", "'genome', 'threads'"),
    "config.«genome»":                         ("unknown-attribute", "a dict has no attribute `genome`", '["genome"]'),
    "samples[«2»]":                            ("out-of-range", "the index 2 is out of range", "2 items"),
    "«samples['a']»":                          ("wrong-type", "an index of a list is an int, not a str", ""),
    "«n[0]»":                                  ("wrong-type", "an int has no items", ""),
    "«1 / 0»":                                 ("division-by-zero", "division by zero", ""),
    "«1 // (n - 3)»":                          ("division-by-zero", "division by zero", ""),
    "samples.«appendd»(1)":                    ("unknown-attribute", "a list has no attribute `appendd`", "`append`"),
    "wildcards.«smaple»":                      ("unknown-attribute", "no `smaple`", "`sample`"),
    "rules.«mapp»":                            ("unknown-attribute", "no rule `mapp` is defined above", "`map`"),
    "os.path.«jion»('a')":                     ("unknown-attribute", "`os.path.jion` cannot be used", "`join`"),
    "«n»(1)":                                  ("not-callable", "an int cannot be called", ""),
    "[i for i in «n»]":                        ("not-iterable", "an int cannot be iterated over", ""),
    "[«*n»]":                                  ("not-iterable", "an int cannot be iterated over", ""),
    "len(«*n»)":                               ("not-iterable", "an int cannot be iterated over", ""),
    "dict(«**samples»)":                       ("wrong-type", "`**` needs a dict, not a list", ""),
    "[a for «a, b» in [(1, 2, 3)]]":           ("wrong-count", "3 values cannot be unpacked into 2 names", ""),
    "{«[]»: 1}":                               ("wrong-type", "unhashable", ""),
    "«(lambda a, b: a)(1)»":                   ("wrong-arguments", "this lambda needs `b`", "(a, b)"),
    "«(lambda a: a)(1, 2)»":                   ("wrong-arguments", "takes 1 argument, 2 are given", "(a)"),
    "«(lambda a: a)(1, c=2)»":                 ("wrong-arguments", "takes no `c`", "(a)"),
    "«(lambda a: a)(1, a=2)»":                 ("wrong-arguments", "is given `a` twice", ""),
    "«(lambda: 1)(2)»":                        ("wrong-arguments", "takes 0 arguments, 1 are given", "no parameters"),
    "(lambda a: «a / 0»)(1)":                  ("division-by-zero", "division by zero", ""),
    "sorted([1], key=lambda v: «v / 0»)":      ("division-by-zero", "division by zero", ""),
    "«sorted([1, 'a'])»":                      ("wrong-type", "no order between str and int", ""),
    "«int('x')»":                              ("wrong-value", "`int`: invalid literal", ""),
    "[v for v in «map(int, ['x'])»]":           ("wrong-value", "invalid literal", ""),
    "{k: 1 for k in «map(len, [1])»}":          ("wrong-type", "an int has no length", ""),
    "«len(3)»":                                ("wrong-type", "an int has no length", ""),
    "«max([])»":                               ("wrong-value", "`max` of no values", ""),
    "«','.join([1, 2])»":                      ("wrong-type", "this item is an int", "map(str"),
    "«'{}{}'.format(1)»":                      ("out-of-range", "asks for value 1, there are 1", ""),
    "«'{a}'.format(b=1)»":                     ("missing-key", "asks for `a`", ""),
    "f'«{n:q}»'":                              ("wrong-value", "Unknown format code 'q'", ""),
    "«open('x')»":                             ("unsupported", "`open` cannot be used", "configfile"),
    "«exit('no samples ')»":                   ("raised", "no samples", "`exit`"),
    "«sys.exit(3)»":                           ("raised", "the file asks to stop here", ""),
    "ValueError.«args»":                       ("unknown-attribute", "`ValueError` has no attribute", ""),
    "«storage(1)»":                            ("unsupported", "`storage` is not supported yet", ""),
    "«os.environ['NO_SUCH_THING']»":           ("missing-key", "`NO_SUCH_THING` is not set", "os.environ.get"),
    "«expand('{a}/{b}', a=samples)»":          ("missing-wildcard", "no values are given for the wildcard `b`", "{{b}}"),
    "«expand(temp('{a}'), a=samples)»":        ("flag-in-expand", "has a flag", "temp(expand(...))"),
    "«multiext('a', '.x/y')»":                 ("wrong-value", "has a `/`", ""),
    "«ancient(lambda w: 1)»":                  ("flag-on-function", "takes a path, not a function", ""),
    "«unpack({})»":                            ("wrong-type", "takes a function, not a dict", "**"),
    "«temp(3)»":                               ("wrong-type", "`temp` takes a path, not an int", ""),
    "«re.match('(', 'a')»":                    ("wrong-value", "missing )", ""),
    "«json.loads('{')»":                       ("wrong-value", "this is not JSON", ""),
    "«(-1) ** 0.5»":                           ("wrong-value", "root of a negative number", ""),
    "«'a' * 10**12»":                          ("too-large", "1,000,000,000,000 characters is too large", ""),
}
# fmt: on


@pytest.mark.parametrize(("marked", "expected"), FAULTS.items(), ids=FAULTS)
def test_each_fault_has_its_place_and_its_words(
    marked: str, expected: tuple[str, str, str]
) -> None:
    code, message, hint = expected
    before, guilty, _ = marked.replace("»", "«").split("«")
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(WorkflowError) as fault:
        Interpreter(RealDisk()).evaluate(
            parse_expression(Source("Workflowfile", text)), Scope(NAMES)
        )
    (found,) = fault.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert hint in (found.hint or "")
    assert found.span is not None
    assert (found.span.start, found.span.text) == (len(before), guilty)


def test_a_star_is_refused_where_no_list_takes_it() -> None:
    """The grammar has no such place; a tree that a program makes might."""
    name = parse_expression(Source("t", "samples"))
    starred = tree.Starred(name, name.span)
    with pytest.raises(WorkflowError) as caught:
        Interpreter(RealDisk()).evaluate(starred, Scope(dict(NAMES)))
    assert [d.code for d in caught.value.diagnostics] == ["misplaced-star"]


def execute(text: str) -> tuple[dict[str, Any], list[Diagnostic], list[tree.Statement]]:
    faults: list[Diagnostic] = []
    seen: list[tree.Statement] = []
    scope = Scope()
    statements = parse(Source("Workflowfile", text)).statements
    interpreter = Interpreter(RealDisk())
    interpreter.execute(statements, scope, lambda s, _: seen.append(s), faults)
    return scope.names, faults, seen


def test_a_fault_in_a_function_shows_the_call() -> None:
    _, faults, _ = execute(
        """\
def half(n):
    return n / 0

def all_halves(ns):
    return [half(n) for n in ns]

x = all_halves([1, 2])
"""
    )
    assert [render(fault) for fault in faults] == [
        """\
error[division-by-zero]: division by zero
 --> Workflowfile:2:12
2 |     return n / 0
  |            ^^^^^
 --> Workflowfile:5:13
5 |     return [half(n) for n in ns]
  |             ------- in this call of `half`
 --> Workflowfile:7:5
7 | x = all_halves([1, 2])
  |     ------------------ in this call of `all_halves`"""
    ]


# fmt: off
VALUES = {  # statements                                                        names and values
    "assign":           ("a = 1\nb = a + 1",                                    {"a": 1, "b": 2}),
    "chain":            ("a = b = []\na.append(1)",                             {"a": [1], "b": [1]}),
    "unpack":           ("a, (b, c) = 1, (2, 3)",                               {"a": 1, "b": 2, "c": 3}),
    "unpack a glob":    ("(a,) = glob_wildcards('{x}.b', files=['1.b'])",       {"a": ["1"]}),
    "item":             ("d = {}\nd['x'] = 1\nd['x'] += 2",                     {"d": {"x": 3}}),
    "slice":            ("xs = [1, 2, 3]\nxs[1:] = [9]",                        {"xs": [1, 9]}),
    "augmented":        ("n = 1\nn += 2\nn *= 5\nn -= 1\nn //= 2\nn **= 2",     {"n": 49}),
    "in place":         ("a = [1]\nb = a\nb += [2]",                            {"a": [1, 2], "b": [1, 2]}),
    "not in place":     ("a = (1,)\nb = a\nb += (2,)",                          {"a": (1,), "b": (1, 2)}),
    "if":               ("if 0:\n    a = 1\nelif 1:\n    a = 2\nelse:\n    a = 3", {"a": 2}),
    "for":              ("t = 0\nfor i in range(4):\n    t += i",               {"t": 6, "i": 3}),
    "break":            ("for i in range(9):\n    if i > 2:\n        break",     {"i": 3}),
    "continue":         ("t = []\nfor i in range(4):\n    if i % 2:\n        continue\n    t.append(i)", {"t": [0, 2], "i": 3}),
    "def":              ("def f(a, b=2):\n    c = a + b\n    return c\nx = f(1)", {"x": 3}),
    "no return":        ("def f():\n    pass\nx = f()",                         {"x": None}),
    "late binding":     ("def f():\n    return k\nk = 5\nx = f()",              {"k": 5, "x": 5}),
    "early return":     ("def f(n):\n    for i in range(9):\n        if i == n:\n            return i\n    return -1\nx = [f(3), f(10)]", {"x": [3, -1]}),
    "loop in def":      ("def f(xs):\n    out = []\n    for a, b in xs:\n        if a:\n            out += [b]\n        else:\n            continue\n    return out\nx = f([(1, 2), (0, 3)])", {"x": [2]}),
    "closure":          ("def f(n):\n    def g(m):\n        return n + m\n    return g\nx = f(1)(2)", {"x": 3}),
    "closure is late":  ("def f():\n    def g():\n        return k\n    k = 7\n    return g()\nx = f()", {"x": 7}),
    "counter":          ("c = {'n': 0}\ndef f():\n    c['n'] += 1\nf()\nf()",  {"c": {"n": 2}}),
    "local is local":   ("a = 1\ndef f():\n    a = 2\n    return a\nx = f()",  {"a": 1, "x": 2}),
    "shadowed builtin": ("len = 3\nx = len",                                    {"len": 3, "x": 3}),
    "comprehension":    ("i = 1\nx = [i for i in range(3)]",                    {"i": 1, "x": [0, 1, 2]}),
    "a loop's lambdas": ("fs = []\nfor i in range(3):\n    fs.append(lambda i=i: i)\nx = [f() for f in fs]\nfs = 0", {"x": [0, 1, 2], "i": 2, "fs": 0}),
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), VALUES.values(), ids=VALUES)
def test_statements_do_what_pythons_do(text: str, expected: dict[str, Any]) -> None:
    names, faults, _ = execute(text)
    assert faults == []
    assert {n: v for n, v in names.items() if not callable(v)} == expected
    python: dict[str, Any] = {}
    if "glob_wildcards" not in text:
        exec(text, python)
        for name, value in expected.items():
            assert python[name] == value


# fmt: off
ONCE = {  # what cannot be known for a fault is not complained of again
    "assign":           ("x = 1 / 0\ny = x + 1\nz = [y for i in x]",            ["division-by-zero"]),
    "unpack":           ("a, b = 1, 2, 3\nc = a + b",                           ["wrong-count"]),
    "def":              ("def f(a=1 / 0):\n    return a\nx = f()",               ["division-by-zero"]),
    "for":              ("for i in 3:\n    t = i\nx = t",                       ["not-iterable"]),
    "if":               ("if 1 / 0:\n    t = 1\nelse:\n    u = 1\nx = t + u",   ["division-by-zero"]),
    "each on its own":  ("x = 1 / 0\ny = nope\nz = []['a']",                    ["division-by-zero", "unknown-name", "wrong-type"]),
    "assigned again":   ("x = 1 / 0\nx = 1\ny = x + 'a'",                       ["division-by-zero", "wrong-type"]),
    "unbound local":    ("def f():\n    if 0:\n        a = 1\n    return a\nx = f()", ["unknown-name"]),
    "break outside":    ("break",                                               ["misplaced-statement"]),
    "loop goes on":     ("for i in [1, 0, 2]:\n    x = 1 / i\n    y = x",       ["division-by-zero"]),
}
# fmt: on


@pytest.mark.parametrize(("text", "codes"), ONCE.values(), ids=ONCE)
def test_a_fault_is_said_once(text: str, codes: list[str]) -> None:
    _, faults, _ = execute(text)
    assert [fault.code for fault in faults] == codes


def test_a_poisoned_name_has_nothing_more_to_say() -> None:
    scope = Scope()
    scope.poison(["numpy"])
    with pytest.raises(PoisonedError) as fault:
        Interpreter(RealDisk()).evaluate(
            parse_expression(Source("Workflowfile", "[numpy.mean(x) for x in [1]]")), scope
        )
    assert fault.value.diagnostics == ()


def test_what_is_not_an_expression_goes_to_the_loader() -> None:
    _, faults, seen = execute(
        """\
for s in ["a", "b"]:
    rule:
        output: s
if True:
    include: "x"
import numpy
"""
    )
    assert faults == []
    kinds = [type(s).__name__ for s in seen]
    assert kinds == ["Block", "Block", "Directive", "Unsupported"]


def test_arguments_of_a_directive() -> None:
    parsed = parse(Source("Workflowfile", "input: 'a', *['b', 'c'], d='e', **{'f': 1}\n"))
    directive = parsed.statements[0]
    assert isinstance(directive, tree.Directive)
    given = Interpreter(RealDisk()).arguments(directive.items, Scope())
    assert [(name.text if name else None, value) for name, value, _ in given] == [
        (None, "a"),
        (None, "b"),
        (None, "c"),
        ("d", "e"),
        ("f", 1),
    ]
    assert given[0][2].text == "'a'"
    assert given[1][2].text == "*['b', 'c']"


def test_the_environment_that_was_read_is_known() -> None:
    interpreter = Interpreter(RealDisk())
    text = "[os.environ.get('A_B', '1'), os.getenv('C_D'), 'E_F' in os.environ]"
    value = interpreter.evaluate(parse_expression(Source("Workflowfile", text)), Scope())
    assert value == ["1", None, False]
    assert interpreter.env_read == {"A_B", "C_D", "E_F"}
