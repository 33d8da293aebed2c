"""A file from a stranger: nothing reaches Python, and every evaluation ends, soon and with a
diagnostic."""
# ruff: noqa: E501 - tables

import time
from typing import Any

import pytest
from support.examples import share

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.disk import RealDisk
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.values import Record, Wildcards
from flowc.source import Source, Span
from flowc.syntax import tree
from flowc.syntax.parse import parse, parse_expression

STEPS = share(1_000_000)


def scope() -> Scope:
    return Scope(
        {
            "x": "text",
            "w": Wildcards(("a",), {"sample": 0}),
            "r": Record(("a",), {"one": 0}, {"size_mb": lambda: 1.0}),
            "f": None,
        }
    )


def run(text: str) -> Any:
    interpreter = Interpreter(RealDisk(), step_limit=STEPS)
    return interpreter.evaluate(parse_expression(Source("Workflowfile", text)), scope())


def run_file(text: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    interpreter = Interpreter(RealDisk(), step_limit=STEPS)
    faults: list[Diagnostic] = []
    names = scope()
    parsed = parse(Source("Workflowfile", text))
    interpreter.execute(parsed.statements, names, lambda statement, scope: None, faults)
    return names.names, faults


# --- ways out ------------------------------------------------------------------------------------

ESCAPES = r"""
"".__class__
"".__class__.__mro__
[].__class__.__base__.__subclasses__()
().__class__
{}.__class__
(1).__class__
x.__class__
x.__init__
x.__doc__
x.__dir__()
x.__format__("")
x.__getattribute__("upper")
x.upper.__self__
x.upper.__func__
x.upper.call
x.upper.receiver
len.__self__
len.__module__
len.call
len.members
str.__subclasses__()
str.mro()
str.kind
str.call
type(x).mro
type(x).__bases__
type(x)("a").__class__
type(len).call
(lambda: 0).__globals__
(lambda: 0).__code__
(lambda: 0).__closure__
(lambda: 0).__call__
(lambda: 0).code
(lambda: 0).frame
(lambda: 0).budget
(lambda: 0).to_data()
(lambda: 0).write_to(1)
(lambda: 0).scope.names
(i for i in [1]).gi_frame
(i for i in [1]).gi_code
(i for i in [1]).send(1)
(i for i in [1]).throw(1)
iter([1]).__reduce__()
iter([1]).__setstate__(1)
map(str, [1]).__reduce__()
"{0.__class__}".format(x)
"{0.upper.__self__}".format(x)
"{x.__class__.__mro__}".format(x=1)
"{0.call}".format(len)
"{0[__class__]}".format({})
"{0.__globals__}".format(lambda: 0)
"{x.__class__}".format_map({"x": 1})
"{:{0.__class__}}".format(x)
f"{x.__class__}"
f"{x:{x.__class__}}"
"%(a)s" % r
str.format("{0.__class__}", x)
str.format_map("{x.__class__}", {"x": 1})
list(map("{0.__class__}".format, [1]))
sorted([1], key="{0.__class__}".format)
expand("{s.__class__}", s=[1])
expand("{s.__class__.__mro__}", s=x)
expand("{s[__class__]}", s=[{"a": 1}])
w.__class__
w.names
w.values.__self__
w.extras
r.__slots__
r.get_name("one")
r.extras
os.system("true")
os.popen
os.environ.__class__
os.environ._get
os.environ.copy()
os.path.os
os.path.genericpath
os.path.join.__globals__
os.__dict__
os.members
os.name.members
os.fspath.call
math.__loader__
re.sys
re._compiler
re.match("a", "a").re
re.match("a", "a").__class__
re.match("a", "a").string.__class__
json.decoder
json.codecs
itertools.chain.__call__
itertools.count()
pathlib.os
pathlib.Path.home
Path("a").open()
Path("a").read_text()
Path("a").__class__
Path("a")._flavour
Path.cwd()
sys.modules
sys.setrecursionlimit(9)
__builtins__
__import__("os")
__name__
__file__
eval("1")
exec("1")
compile("1", "", "eval")
getattr(x, "__class__")
setattr(x, "a", 1)
delattr(x, "a")
hasattr(x, "a")
globals()
locals()
vars()
dir()
open("/etc/passwd")
input()
breakpoint()
object()
super()
memoryview("")
bytes(3)
help()
license()
isinstance(x, len)
temp.keywords
temp.func
expand.budget
expand.members.tables
glob_wildcards.args
temp("a").flags
temp("a").rule
temp("a").__dict__
unpack(lambda w: {}).function
""".strip().splitlines()


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_leads_out_of_the_language(text: str) -> None:
    with pytest.raises(WorkflowError) as fault:
        run(text)
    assert fault.value.diagnostics[0].code in {
        "not-callable",
        "unknown-attribute",
        "unknown-name",
        "unsupported",
        "missing-key",
        "wrong-type",
        "wrong-value",
        "not-part-of-the-language",
        "syntax",
        "unexpected-token",
    }, fault.value.diagnostics[0]


# --- bombs ---------------------------------------------------------------------------------------

BOMBS = r"""
"a" * 10**12
10**12 * "a"
"a" * 10**9 * 10**9
[0] * 10**12
(0,) * 10**12
10**10**10
10**(10**10)
2**2**2**2**2**2**2
9**9**9**9
1 << 10**9
1 << 10**18
(-7) << 10**9
pow(10, 10**10)
pow(3, 10**7) * 1
math.factorial(10**9)
math.comb(10**9, 10**8)
math.perm(10**6, 10**6)
math.prod([10**9] * 10**5)
round(5, -10**9)
round(1.5, 10**30)
list(range(10**12))
[i for i in range(10**12)]
[0 for i in range(10**4) for j in range(10**4)]
sum(range(10**12))
sum(i for i in range(10**12))
sorted(range(10**12))
set(range(10**12))
tuple(range(10**18))
max(range(10**15))
10**30 in [i for i in range(10**9)]
len(range(10**30))
list(range(10**30))
list(reversed(range(10**12)))
list(enumerate(range(10**12)))
list(zip(range(10**12), range(10**12)))
list(map(str, range(10**12)))
list(filter(None, range(10**12)))
any(i < 0 for i in range(10**12))
any(map(lambda i: i < 0, range(10**12)))
all(range(1, 10**12))
dict.fromkeys(range(10**12))
" ".join(map(str, range(10**12)))
[*range(10**12)]
{*range(10**12)}
(lambda *a: 1)(*range(10**12))
max(*range(10**12))
dict(zip(range(10**12), range(10**12)))
{i: i for i in range(10**12)}
{i for i in range(10**12)}
1.5 in range(10**12)
f"{1:10000000000}"
f"{1:010000000000}"
f"{1.5:.10000000000f}"
f"{x:>{10**10}}"
f"{x!r:>99999999}"
"{:10000000000}".format(1)
"{:{w}}".format(1, w=10**10)
"{0:{1}}".format(x, "9" * 40)
"%10000000000d" % 1
"%.10000000000f" % 1.5
"%*d" % (10**9, 1)
format(1, "10000000000")
x.ljust(10**12)
x.rjust(10**12)
x.center(10**12)
x.zfill(10**12)
"\t".expandtabs(10**12)
("\t" * 10**5).expandtabs(10**5)
("a" * 10**4).join("b" * 10**5)
("a" * 10**6).replace("a", "b" * 10**6)
("a" * 10**6).replace("", "b" * 10**6)
("a" * 10**5).translate({97: "b" * 10**6})
str.ljust(x, 10**12)
list(map(x.ljust, [10**12]))
int("9" * 10**7)
int("9" * 5000)
int("f" * 10**6, 16)
str(10**5000)
f"{10**5000}"
repr(10**5000)
"%d" % 10**5000
[10**5000] == str([10**5000])
float("9" * 10**7) + 10**400
10**400 * 1.0
math.exp(10**6)
list(itertools.product(range(100), repeat=10))
list(itertools.product(range(10**12), [1]))
list(itertools.product([1, 2], repeat=10**9))
list(zip(*[range(10**6)] * 10**6))
list(itertools.permutations(range(20)))
list(itertools.permutations(range(10**9)))
list(itertools.combinations(range(100), 50))
list(itertools.combinations([1], 10**18))
list(itertools.zip_longest(range(10**12), []))
list(itertools.chain.from_iterable([range(10**12)]))
expand("{a}{b}{c}{d}", a=range(10**3), b=range(10**3), c=range(10**3), d=range(10**3))
expand("{a}", a=range(10**12))
expand("{a}", zip, a=range(10**12))
expand("{a:10000000000}", a=[1])
expand("{a}" * 10**6, a=["b" * 10**6])
[expand("{a}", a=range(10**5)) for i in range(100)]
multiext("a" * 10**8, *range(10**8))
glob_wildcards("{a}", files=map(str, range(10**12)))
re.sub("", "a" * 10**6, "b" * 10**4)
re.match("a" * 10**6, "a")
re.match("a", "a" * 10**7)
re.sub("a", "b", "a" * 10**7)
json.loads("[" * 10**5)
json.dumps([[]], indent=10**9)
[0] * 10**7 + [0] * 10**7 + [0] * 10**7
["a" * 10**7 for i in range(10**5)]
[("a" * 10**4) for i in range(10**5)] + [("a" * 10**7) for i in range(10**5)]
[list(range(10**4)) for i in range(10**5)]
str(["a" * 10**7] * 1000)
repr([["a" * 10**6] * 1000] * 1000)
f"{['a' * 10**7] * 1000}"
"%s" % (["a" * 10**7] * 1000)
("%(a)s" * 10**4) % {"a": "b" * 10**6}
("%(a)s" * 10**4) % {"a": ["b" * 10**6]}
("{0}" * 10**4).format("b" * 10**6)
("{0}" * 10**4).format(["b" * 10**6])
"".join(["b" * 10**6] * 10**4)
json.dumps(["b" * 10**6] * 10**4)
temp(range(10**12))
[i for i in iter(lambda: 1, 2)]
(lambda f: f(f))(lambda f: f(f))
(lambda f: f(f, 5))(lambda f, n: 1 if n == 0 else n * f(f, n - 1))
sorted([1, 2], key=lambda v: [v for v in range(10**12)])
max([1, 2], key=lambda v: 1 / 0)
sum([[0] * 10**6] * 10**4, [])
sum([(0,) * 10**6] * 10**4, ())
chr(10**10)
hash("a")
bin(1 << 10**8)
hex(1 << 10**8)
divmod(1, 0)
[1, 2, 3][::0]
range(1, 5, 0)
""".strip().splitlines()


@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_is_a_diagnostic_soon(text: str) -> None:
    start_s = time.process_time()
    with pytest.raises(WorkflowError) as fault:
        run(text)
    assert time.process_time() - start_s < 10
    assert fault.value.diagnostics
    assert fault.value.diagnostics[0].span is not None


# --- values that hold themselves, and others that only a few statements can make -----------------

FILES = {
    "grows while it is gone through": (
        """
xs = [1]
for x in xs:
    xs.append(x)
""",
        None,
    ),
    "grows while a comprehension goes through it": ("xs = [1]\nys = [xs.append(x) for x in xs]", None),
    "a dict that grows while a comprehension goes through it": (
        "d = {1: 1}\nys = [d.update({k + 1: 1}) for k in d]",
        "changed-in-loop",
    ),
    "a set that grows in an inner loop": (
        "s = {1}\nys = [s.add(k + 1) for _ in [1] for k in s]",
        "changed-in-loop",
    ),
    "a dict that grows behind an iterator": (
        "d = {1: 1}\nys = [d.update({k + 1: 1}) for n, k in enumerate(d)]",
        "changed-in-loop",
    ),
    "a dict that grows": (
        """
def grow():
    d = {1: 1}
    for k in d:
        d[k + 1] = 1
    return d
y = grow()
""",
        "changed-in-loop",
    ),
    "a list in itself, printed": ("xs = []\nxs.append(xs)\ny = str(xs)", "too-deep"),
    "a list in itself, in an f-string": ("xs = []\nxs.append(xs)\ny = f'{xs}'", "too-deep"),
    "a list in itself, compared": (
        "xs = []\nxs.append(xs)\nys = []\nys.append(ys)\nz = xs == ys",
        "too-deep",
    ),
    "a list in itself, ordered": (
        "xs = []\nxs.append(xs)\nys = []\nys.append(ys)\nz = xs < ys",
        "too-deep",
    ),
    "a list in itself, sought": ("xs = []\nxs.append(xs)\nz = [1] in xs", "too-deep"),
    "a list in itself, counted": ("xs = []\nxs.append(xs)\nz = xs.count([1])", "too-deep"),
    "a list in itself, flagged": ("xs = []\nxs.append(xs)\nz = temp(xs)", "too-deep"),
    "a list in itself, as JSON": ("xs = []\nxs.append(xs)\nz = json.dumps(xs)", "too-deep"),
    "a dict in itself": ("d = {}\nd['d'] = d\ny = repr(d)", "too-deep"),
    "a tower of pairs, hashed": (
        "t = (1, 1)\nfor i in range(60):\n    t = (t, t)\ny = {t: 1}",
        "too-large",
    ),
    "a tower of pairs, compared": (
        "t = (1, 1)\nu = (1, 1)\nfor i in range(60):\n    t = (t, t)\n    u = (u, u)\ny = t == u",
        "too-large",
    ),
    "a tower of pairs, printed": (
        "t = (1, 1)\nfor i in range(60):\n    t = (t, t)\ny = str(t)",
        "too-large",
    ),
    "a tower of pairs in a set": (
        "t = (1, 1)\nfor i in range(60):\n    t = (t, t)\ny = {t}",
        "too-large",
    ),
    "a tower of pairs as a key to look up": (
        "t = (1, 1)\nfor i in range(60):\n    t = (t, t)\ny = {}.get(t)",
        "too-large",
    ),
    "a tower of pairs as a default": (
        "t = (1, 1)\nfor i in range(60):\n    t = (t, t)\ny = {1: 2}[t]",
        "too-large",
    ),
    "a tower of pairs, sorted": (
        "t = (1, 1)\nu = (1, 1)\nfor i in range(60):\n    t = (t, t)\n    u = (u, u)\ny = sorted([t, u])",
        "too-large",
    ),
    "a text that doubles": ("s = 'a'\nfor i in range(100):\n    s = s + s", "too-large"),
    "a text that doubles in place": ("s = 'a'\nfor i in range(100):\n    s += s", "too-large"),
    "a text that doubles by f-string": ("s = 'a'\nfor i in range(100):\n    s = f'{s}{s}'", "too-large"),
    "a text that doubles by format": (
        "s = 'a'\nfor i in range(100):\n    s = '{0}{0}'.format(s)",
        "too-large",
    ),
    "a text that doubles by %": ("s = 'a'\nfor i in range(100):\n    s = '%s%s' % (s, s)", "too-large"),
    "a list that doubles": ("s = [1]\nfor i in range(100):\n    s = s + s", "too-large"),
    "a list that doubles in place": ("s = [1]\nfor i in range(100):\n    s += s", "too-large"),
    "a list that doubles by extend": ("s = [1]\nfor i in range(100):\n    s.extend(s)", "too-large"),
    "a list that doubles by a slice": ("s = [1]\nfor i in range(100):\n    s[:0] = s", "too-large"),
    "a list that doubles by a star": ("s = [1]\nfor i in range(100):\n    s = [*s, *s]", "too-large"),
    "a number that squares": ("n = 3\nfor i in range(100):\n    n = n * n", "too-large"),
    "a number that squares in place": ("n = 3\nfor i in range(100):\n    n *= n", "too-large"),
    "a loop over a long range": ("for i in range(10**12):\n    pass", "too-many-steps"),
    "loops in loops": (
        "def f():\n" + "".join(f"{'    ' * (i + 1)}for i{i} in range(1000):\n" for i in range(5))
        + "    " * 6 + "pass\ny = f()",
        "too-many-steps",
    ),
    "calls that earn nothing": (
        "def f():\n    for i in range(5000):\n        pass\nx = [f() for i in range(10**5)]",
        "too-many-steps",
    ),
    "a function that calls itself": ("def f(n):\n    return f(n - 1)\ny = f(3)", "recursion"),
    "two functions that call each other": (
        "def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\ny = f(3)",
        "recursion",
    ),
    "itself through map": ("def f(n):\n    return list(map(f, [n]))\ny = f(3)", "recursion"),
    "itself through sorted": ("def f(n):\n    return sorted([n], key=f)\ny = f(3)", "recursion"),
    "a long chain of functions": (
        "def f0(n):\n    return n\n"
        + "".join(f"def f{i}(n):\n    return f{i - 1}(n)\n" for i in range(1, 500))
        + "y = f499(1)",
        "too-deep",
    ),
    "a chain of closures": (
        "f = lambda n: n\nfor i in range(500):\n    f = (lambda g: lambda n: g(n))(f)\ny = f(1)",
        "recursion",
    ),
    "generators in generators": (
        "g = iter([1])\nfor i in range(2000):\n    g = (v for v in g)\ny = list(g)",
        None,
    ),
    "maps in maps": ("g = [1]\nfor i in range(5000):\n    g = map(str, g)\ny = list(g)", None),
    "nested deeper than can be printed": ("x = []\nfor i in range(10**4):\n    x = [x]\ny = str(x)", "too-deep"),
    "a list of a list of a list, compared": (
        "x = []\nz = []\nfor i in range(10**4):\n    x = [x]\n    z = [z]\ny = x == z",
        "too-deep",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code"), FILES.values(), ids=FILES)
def test_a_hostile_file_ends(text: str, code: str | None) -> None:
    start_s = time.process_time()
    _, faults = run_file(text)
    assert time.process_time() - start_s < 10
    if code is not None:
        codes = {code, "too-many-steps"} if code == "too-large" else {code}
        assert codes & {fault.code for fault in faults}, faults


def test_a_fault_of_each_turn_is_said_once() -> None:
    _, faults = run_file("for i in range(1000):\n    y = 1 / 0\n    z = unknown\n")
    assert [fault.code for fault in faults] == ["division-by-zero", "unknown-name"]


def test_steps_that_ran_out_are_said_once() -> None:
    text = "def f():\n    for i in range(5000):\n        pass\nx = [f() for i in range(10**5)]\n"
    _, faults = run_file(text + "a = 1 + x\nb = [a]\nc = len('')\nd = undefined")
    assert [fault.code for fault in faults] == ["too-many-steps"]


def test_a_refused_step_costs_nothing() -> None:
    names, faults = run_file("x = list(range(10**12))\ny = 'a' * 10**10\nz = sum(range(10))")
    assert [fault.code for fault in faults] == ["too-many-steps", "too-large"]
    assert names["z"] == 45


def test_each_call_from_outside_has_steps_of_its_own() -> None:
    names, faults = run_file("f = lambda n: sum(i for i in range(n))")
    assert not faults
    for _ in range(500):
        assert names["f"](4_000) == 7_998_000
    with pytest.raises(WorkflowError, match="steps"):
        names["f"](10**9)
    assert names["f"](4_000) == 7_998_000


DEEP = {
    "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "lists": "[" * 10_000 + "]" * 10_000,
    "minus": "-" * 10_000 + "1",
    "not": "not " * 10_000 + "1",
    "lambda": "lambda: " * 10_000 + "1",
    "calls": "f" + "()" * 10_000,
    "items": "x" + "[0]" * 10_000,
    "members": "x" + ".upper" * 10_000,
    "power": "2 ** " * 10_000 + "1",
    "f-strings": 'f"{' * 500 + "1" + '}"' * 500,
    "conditionals in tests": "1 if " * 5_000 + "1" + " else 2" * 5_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_deep_expression_is_a_diagnostic(text: str) -> None:
    with pytest.raises(WorkflowError):
        run(text)


def test_long_chains_are_fine() -> None:
    assert run("0" + " or 0" * 10_000 + " or 5") == 5
    assert run("[" + "1, " * 10_000 + "]") == [1] * 10_000
    span = Span(Source("Workflowfile", "1"), 0, 1)
    total: tree.Expr = tree.Literal(1, span)
    choice: tree.Expr = tree.Literal(7, span)
    for _ in range(10_000):
        total = tree.Binary("+", total, tree.Literal(1, span), span)
        choice = tree.Conditional(tree.Literal(0, span), tree.Literal(1, span), choice, span)
    interpreter = Interpreter(RealDisk())
    assert interpreter.evaluate(total, scope()) == 10_001
    assert interpreter.evaluate(choice, scope()) == 7
