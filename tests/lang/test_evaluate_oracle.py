"""Expressions give what Python gives: Python's own `eval` is the oracle."""

import json
import math
import os
import re
from itertools import chain, combinations, permutations, product, zip_longest
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.lang.evaluate import Interpreter, Scope
from flowc.source import Source
from flowc.syntax.parse import parse_expression

NAMES: dict[str, Any] = {
    "n": 7,
    "x": 2.5,
    "s": "sample.fastq.gz",
    "names": ["A", "B", "C"],
    "pairs": [("a", 1), ("b", 2)],
    "d": {"a": 1, "b": [1, 2], "c": {"e": "f"}},
    "empty": [],
    "nothing": None,
    "t": (1, "two", 3.0),
    "u": {1, 2, 3},
    "p": PurePosixPath("data/run.1/a.txt.gz"),
}
PYTHON = {
    "os": os,
    "math": math,
    "re": re,
    "json": json,
    "Path": PurePosixPath,
    "itertools": SimpleNamespace(
        product=product,
        combinations=combinations,
        permutations=permutations,
        chain=chain,
        zip_longest=zip_longest,
    ),
}

EXPRESSIONS = r"""
1
-1
+n
~n
1.5e3
0x1f
1_000
True
None
"a" "b"
'''x
y'''
r"a\d"
"\u00e9\n"
n + 1
n - 1
n * 2
n / 2
n // 2
-n // 2
n % 3
-n % 3
n ** 2
2 ** -1
2 ** 0.5
n | 8
n & 5
n ^ 1
n << 3
n >> 1
1 + 2 * 3 - 4 / 5
(1 + 2) * 3
1 - 2 - 3
2 ** 3 ** 2
-2 ** 2
1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1
"a" + "b" + "c" + "d" + "e" + "f" + "g" + "h" + "i" + "j" + "k"
x + n
x * n
x // 1
x % 1
0.1 + 0.2
"ab" * 3
3 * "ab"
"ab" * -1
[1, 2] * 2
(1,) * 3
[1] + [2]
(1,) + (2,)
"a" + "b"
"%s-%d" % ("a", 3)
"%05.1f" % x
"%s" % [1, 2]
"%(a)s" % d
"%%"  % ()
"%s" % "x"
"%r" % "x"
{1} | {2}
{1, 2} - {2}
{1, 2} & {2}
{1, 2} ^ {2, 3}
{"a": 1} | {"b": 2}
1 < 2
1 < 2 < 3
1 < 3 < 2
1 == 1.0
"a" < "b"
[1, 2] < [1, 3]
(1, "a") == (1, "a")
[1, [2]] == [1, [2]]
{1} < {1, 2}
1 != 2
n is None
nothing is None
nothing is not None
"a" in "abc"
"a" not in "abc"
1 in [1, 2]
3 not in (1, 2)
"a" in d
5 in range(3, 9)
2.0 in range(3)
[1] in [[1], [2]]
not n
not 0
n and 0
0 or "x"
0 or "" or []
1 and 2 and 3
n > 3 and "big" or "small"
"big" if n > 3 else "small"
1 if 0 else 2 if 0 else 3
[]
()
{}
(1,)
[1, "a", None]
{1, 2}
{"a": 1, 2: "b"}
{**d, "z": 3}
[*names, "D"]
(*names, *t)
{*names}
[*range(3), *"ab"]
names[0]
names[-1]
names[1:]
names[::-1]
names[:2]
names[-2:]
s[0]
s[2:5]
s[::2]
t[1]
d["a"]
d["c"]["e"]
d["b"][1]
range(10)[2]
range(10)[2:5]
[1, 2, 3][True]
f"{n}"
f"a{n}b{x}c"
f"{n:03d}"
f"{x:.2f}"
f"{x:>10}"
f"{s!r}"
f"{s!s}"
f"{'é'!a}"
f"{n:{n}}"
f"{n!r:>5}"
f"{{}}{n}"
f"{d['a']}"
f"{names}"
f"{'a' if n else 'b'}"
f"{n + 1}-{n * 2}"
f"{nothing}"
f"{True}"
f"{1.0}"
f"{t}{u == u}"
f"x{s}"
f"{s:.3}"
f"{n:,}{n:b}{n:x}{n:e}"
f"{0.25:%}"
"a" f"{n}" "b"
[i for i in range(5)]
[i * i for i in range(5) if i % 2]
[i for i in range(9) if i % 2 if i > 3]
[i for i in names for j in range(2)]
[(i, j) for i in range(3) for j in range(i)]
[(i, j) for i in range(3) if i for j in range(i) if j < 1]
[a + str(b) for a, b in pairs]
[x for x in [x for x in range(3)]]
[[j for j in range(i)] for i in range(3)]
{i % 2 for i in range(5)}
{k: v for k, v in pairs}
{k: [v for _ in range(v)] for k, v in pairs}
list(i for i in range(3))
sum(i for i in range(4))
sum(len(x) for x in names)
any(i > 2 for i in range(5))
all(i > 2 for i in range(5))
any(1 / i for i in [1, 0])
next(i for i in range(5) if i > 2)
next(iter([]), "none")
list(zip([i for i in range(3)], (j for j in range(3))))
[f() for f in [lambda: i for i in range(3)]]
[f() for f in [(lambda i=i: i) for i in range(3)]]
[[f() for f in [lambda: j for j in [i]]] for i in range(3)]
(lambda: 1)()
(lambda a: a + 1)(2)
(lambda a, b=2: (a, b))(1)
(lambda a, b=2: (a, b))(1, b=3)
(lambda a, b=2: (a, b))(b=1, a=2)
(lambda *a: a)(1, 2)
(lambda a, *b: (a, b))(1, 2, 3)
(lambda **k: k)(a=1, b=2)
(lambda a, *b, c=3, **k: (a, b, c, k))(1, 2, c=4, z=5)
(lambda *a, **k: (a, k))(*[1, 2], **{"c": 3})
(lambda a: lambda b: a + b)(1)(2)
(lambda a: [a + i for i in range(3)])(1)
(lambda a: [(lambda: a + i)() for i in range(3)])(1)
(lambda f, v: f(v))(lambda q: q * 2, 4)
(lambda n: (lambda n: n + 1)(n) + n)(1)
len(names)
len(s)
len(d)
len(range(10))
str(1)
str(1.5)
str(None)
str([1, "a"])
str(d)
str()
str(True)
repr("a")
repr([1, 'b'])
int("12")
int(3.9)
int("ff", 16)
int()
int(True)
float("1.5")
float("inf")
float(3)
bool([])
bool("a")
min(3, 1, 2)
max([3, 1, 2])
min(names)
max(names, key=lambda v: v)
max([], default=0)
min("b", "a")
max(d, key=lambda k: k)
sum([1, 2, 3])
sum([1.5, 2])
sum([[1], [2]], [])
sum(range(5), 10)
sorted([3, 1, 2])
sorted(names, reverse=True)
sorted(["b", "A"], key=str.lower)
sorted(pairs, key=lambda v: -v[1])
sorted({"b": 1, "a": 2})
sorted("cab")
list(reversed([1, 2]))
list(reversed("ab"))
list(reversed(range(3)))
list(enumerate(names))
list(enumerate(names, 1))
list(enumerate(names, start=5))
list(zip(names, range(3)))
list(zip(names, range(2), "xyz"))
list(zip())
dict(zip(names, range(3)))
dict(a=1, b=2)
dict(pairs)
dict(d, z=1)
dict()
list("abc")
list(d)
list(d.items())
list(d.keys())
list(d.values())
tuple([1, 2])
set([1, 1])
frozenset([1, 2]) == {1, 2}
list(map(str, [1, 2]))
list(map(lambda a, b: a + b, [1, 2], [3, 4]))
list(map(len, names))
list(filter(None, [0, 1, 2]))
list(filter(lambda v: v > 1, [0, 1, 2]))
list(map(str.upper, ["a"]))
abs(-3)
abs(-2.5)
round(2.567, 2)
round(2.5)
round(1234, -2)
divmod(7, 3)
pow(2, 5)
pow(2, 5, 7)
pow(2, -1)
hex(255)
bin(5)
oct(8)
chr(65)
ord("a")
isinstance(1, int)
isinstance("a", (int, str))
isinstance(True, int)
isinstance([], (list, tuple))
type(1) == int
type("a") == str
type([]) == list
type(1) == float
callable(len)
callable(1)
format(3.14159, ".2f")
format("a", ">3")
s.split(".")
s.split(".", 1)
s.rsplit(".", 1)[0]
" a b ".split()
"a\nb".splitlines()
s.replace(".gz", "")
s.replace("a", "bb", 1)
"aaa".replace("", "-")
s.startswith("sam")
s.endswith((".gz", ".bz2"))
s.upper()
s.title()
s.count("a")
s.find("z")
s.find("q", 3)
s.index(".")
s.partition(".")
s.rpartition(".")
s.removesuffix(".gz")
s.removeprefix("sample")
" x ".strip()
"xxaxx".strip("x")
"xxa".lstrip("x")
"a".center(5)
"a".ljust(3) + "|"
"a".rjust(3, "-")
"7".zfill(3)
"-7".zfill(5)
"a\tb".expandtabs(4)
"12".isdigit()
"ab".isalpha()
",".join(names)
",".join(v.lower() for v in names)
", ".join(map(str, [1, 2]))
"".join([])
"{}-{}".format(1, 2)
"{0}{1}{0}".format("a", "b")
"{a}{b}".format(a=1, b=2)
"{:>5}|{:<5}|{:^5}".format("a", "b", "c")
"{:{w}}".format("a", w=4)
"{0[1]}".format([1, 2])
"{d[a]}".format(d={"a": 5})
"{!r}".format("x")
"{{}}".format()
"{:03d}".format(7)
"{x}".format_map({"x": 1})
"ß".casefold()
"abc".swapcase()
"abc".capitalize()
names.index("B")
names.count("A")
names + ["D"]
[3, 1].copy()
d.get("a")
d.get("q")
d.get("q", 5)
d.get("c").get("e")
{1, 2}.union([3])
{1, 2}.issubset({1, 2, 3})
{1, 2}.intersection([2])
{1}.isdisjoint({2})
sorted({1, 2}.difference({1}))
t.index("two")
t.count(1)
(2.0).is_integer()
(255).bit_length()
os.path.join("a", "b", "c")
os.path.join("a", "/b")
os.path.basename("a/b.txt")
os.path.dirname("a/b.txt")
os.path.splitext("a/b.tar.gz")
os.path.splitext(os.path.basename(s))[0]
os.path.split("a/b")
os.path.normpath("a//b/../c")
os.path.relpath("a/b", "a")
os.path.isabs("/a")
os.path.commonprefix(["abc", "abd"])
os.path.commonpath(["a/b", "a/c"])
os.path.abspath("a")
os.path.expanduser("~")
os.path.exists("/")
os.path.isdir("/")
os.path.isfile("/")
os.path.exists("/no/such/file")
os.sep
os.environ["PATH"]
os.environ.get("NO_SUCH_VARIABLE", "x")
os.getenv("NO_SUCH_VARIABLE")
"PATH" in os.environ
math.ceil(2.1)
math.floor(2.9)
math.log2(8)
math.sqrt(16)
math.pi
math.inf > 1
math.gcd(12, 18)
math.comb(5, 2)
math.factorial(5)
math.isnan(math.nan)
math.prod([1, 2, 3])
math.fsum([0.1] * 10)
re.sub(r"_R\d", "", "a_R1")
re.sub(r"(\w)", lambda m: m.group(1) * 2, "ab")
re.match(r"(\w+)_(\d)", "ab_1").groups()
re.match(r"(?P<k>\w)", "ab").group("k")
re.match(r"(?P<k>\w)", "ab")["k"]
re.match(r"b", "ab")
re.search(r"\d+", "ab12").group()
re.search(r"\d+", "ab12").span()
re.fullmatch("a+", "aa").group(0)
re.split(r"[,;]", "a,b;c")
re.findall(r"\d", "a1b2")
re.escape("a.b")
re.match("A", "a", re.IGNORECASE) is not None
list(itertools.product("ab", [1, 2]))
list(itertools.product([0, 1], repeat=2))
list(itertools.combinations(names, 2))
list(itertools.permutations("ab"))
list(itertools.permutations("abc", 2))
list(itertools.chain([1], [2, 3]))
list(itertools.chain.from_iterable([[1], [2]]))
list(itertools.zip_longest([1, 2], [3], fillvalue=0))
json.loads('{"a": [1, 2.5, null]}')
json.dumps({"b": [1, None, True]})
json.dumps({"b": 1, "a": 2}, sort_keys=True, indent=2)
p.name
p.stem
p.suffix
p.suffixes
p.parent
str(p.parent.parent)
p.parts
p / "x"
"x" / p
str(p.with_suffix(".bam"))
str(p.with_name("q"))
p.joinpath("a", "b")
p.as_posix()
p.is_absolute()
p.relative_to("data")
Path("a") / "b"
Path("a", "b")
Path("a") == Path("a")
str(Path("a") / "b")
f"{p}"
f"{Path('a')}/x"
(1, 2) + tuple([3])
[i for i in (1, 2, 3)][-1]
[*map(lambda v: v + 1, range(3))]
{**{}, **d}.get("b")
[[1, 2], [3]][0][1]
sorted([(2, "b"), (1, "a")])[0][1]
max(len(v) for v in names)
[v for v in d]
[k + str(v) for k, v in sorted({"a": 1, "b": 2}.items())]
dict((k, v) for k, v in pairs)
"yes" if "A" in names else "no"
len({v: 1 for v in [1, 1, 2]})
(lambda w: f"{w['a']}/x")({"a": "q"})
[s.split(".")[0] for s in ["a.b", "c.d"]]
1 if n else 1 / 0
0 and 1 / 0
1 or 1 / 0
"".join(sorted(set("hello")))
list(range(5, 0, -2))
range(3) == range(0, 3)
[] == ()
1 == True
[1, 2, 3][slice(0, 2)] if False else 0
"abc" "def"[0]
(n, x)
n, x
""".strip().splitlines()


def _logical_lines() -> list[str]:
    """The table's lines; one expression goes over two of them."""
    out: list[str] = []
    for line in EXPRESSIONS:
        if line == "y'''":
            out[-1] += "\n" + line
        else:
            out.append(line)
    return out


def evaluate(text: str, names: dict[str, Any] = NAMES) -> Any:
    interpreter = Interpreter(RealDisk())
    return interpreter.evaluate(parse_expression(Source("Workflowfile", text)), Scope(names))


@pytest.mark.parametrize("text", _logical_lines())
def test_an_expression_has_the_value_that_python_gives_it(text: str) -> None:
    expected = eval(text, dict(PYTHON), dict(NAMES)) if _is_simple(text) else _eval_nested(text)
    found = evaluate(text)
    assert type(found) is type(expected)
    assert found == expected
    assert str(found) == str(expected)


def _is_simple(text: str) -> bool:
    return "lambda" not in text and " for " not in text


def _eval_nested(text: str) -> Any:
    """Python's nested scopes see globals only."""
    return eval(text, {**PYTHON, **NAMES})


# --- made expressions ----------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-1000, 1000).map(repr),
    st.floats(-1e6, 1e6, allow_nan=False).map(repr),
    st.sampled_from(["n", "x", "True"]),
)
texts = st.one_of(st.text("ab{}.%\\'\"é\n ", max_size=6).map(repr), st.just("s"))
lists = st.one_of(
    st.lists(st.one_of(st.integers(-9, 9), st.text("ab", max_size=2)), max_size=4).map(repr),
    st.just("names"),
)


def joined(*parts: Any) -> Any:
    return st.tuples(*[p if not isinstance(p, str) else st.just(p) for p in parts]).map("".join)


def arithmetic(inner: Any) -> Any:
    operators = st.sampled_from("+ - * / // % < <= == != > >= & | ^ and or".split())  # noqa: SIM905
    return st.one_of(
        joined("(", inner, " ", operators, " ", inner, ")"),
        joined("(-", inner, ")"),
        joined("(not ", inner, ")"),
        joined("(", inner, " if ", inner, " else ", inner, ")"),
        joined("abs(", inner, ")"),
        joined("int(", inner, ")"),
        joined("str(", inner, ")"),
        joined("f'{", inner, "}'"),
        joined("(lambda v: v + ", inner, ")(", inner, ")"),
        joined("max(", inner, ", ", inner, ")"),
    )


def textual(inner: Any) -> Any:
    indices = st.integers(-3, 5).map(str)
    return st.one_of(
        joined("(", inner, " + ", inner, ")"),
        joined("(", inner, " * ", indices, ")"),
        joined(inner, "[", indices, ":", indices, "]"),
        joined(inner, "[", indices, "]"),
        joined(inner, ".upper()"),
        joined(inner, ".split(", inner, ")"),
        joined(inner, ".replace(", inner, ", ", inner, ")"),
        joined(inner, ".join(", inner, ")"),
        joined(inner, ".format(", inner, ", a=", inner, ")"),
        joined("(", inner, " % ", inner, ")"),
        joined("(", inner, " in ", inner, ")"),
        joined("len(", inner, ")"),
        joined("sorted(", inner, ")"),
        joined("list(", inner, ")"),
        joined("[v for v in ", inner, " if v]"),
        joined("[", inner, ", *", inner, "]"),
        joined("{v: ", inner, " for v in ", inner, "}"),
        joined("repr(", inner, ")"),
        joined("sum(", inner, ", [])"),
    )


def agree(text: str) -> None:
    """The same value as in Python, or a fault where Python has one."""
    try:
        expected = eval(text, {**PYTHON, **NAMES})
    except SyntaxError:
        return  # quotes within an f-string's: Python 3.12 reads them
    except Exception:
        with pytest.raises(WorkflowError) as fault:
            evaluate(text)
        assert fault.value.diagnostics
        assert all(d.span is not None for d in fault.value.diagnostics)
        return
    found = evaluate(text)
    assert repr(found) == repr(expected)


@examples(300)
@given(st.recursive(numbers, arithmetic, max_leaves=8))
def test_arithmetic_is_pythons(text: str) -> None:
    agree(text)


@examples(300)
@given(st.recursive(st.one_of(texts, lists), textual, max_leaves=6))
def test_texts_and_lists_are_pythons(text: str) -> None:
    agree(text)
