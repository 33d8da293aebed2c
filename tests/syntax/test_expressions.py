"""Expressions mean what they mean in Python: written out in full from our tree, they give Python's
own parser the same tree as the original text does."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.diagnostic import WorkflowError
from flowc.source import Source
from flowc.syntax import tree as t
from flowc.syntax.parse import parse_expression


def written(node: t.Expr) -> str:
    """Python for a tree, with parentheses around everything."""
    match node:
        case t.Literal():
            return repr(node.value) if node.value != float("inf") else "1e999"
        case t.FString():
            return f"(f'' {' '.join(_part(p) for p in node.parts)})"
        case t.Var():
            return node.name
        case t.Attribute():
            return f"({written(node.value)}).{node.name.text}"
        case t.Subscript():
            return f"({written(node.value)})[{_index(node.index)}]"
        case t.Call():
            return f"({written(node.function)})({', '.join(_argument(a) for a in node.arguments)})"
        case t.Unary():
            return f"({node.operator} {written(node.operand)})"
        case t.Binary():
            return f"({written(node.left)} {node.operator} {written(node.right)})"
        case t.Logical():
            return "(" + f" {node.operator} ".join(written(x) for x in node.operands) + ")"
        case t.Comparison():
            rest = zip(node.operators, node.operands[1:], strict=True)
            first = written(node.operands[0])
            return f"({first} {' '.join(f'{op} {written(x)}' for op, x in rest)})"
        case t.Conditional():
            return f"({written(node.then)} if {written(node.test)} else {written(node.otherwise)})"
        case t.Lambda():
            return f"(lambda {', '.join(map(_parameter, node.parameters))}: {written(node.body)})"
        case t.Starred():
            return f"*({written(node.value)})"
        case t.Sequence():
            return _sequence(node)
        case t.Dict():
            pairs = (f"**({written(v)})" if k is None else f"{written(k)}: {written(v)}"
                     for k, v in node.pairs)  # fmt: skip
            return "{" + ", ".join(pairs) + "}"
        case t.Comprehension():
            key = "" if node.key is None else f"{written(node.key)}: "
            start, end = tuple({"list": "[]", "generator": "()"}.get(node.kind, "{}"))
            clauses = " ".join(map(_clause, node.clauses))
            return f"{start}{key}{written(node.element)} {clauses}{end}"
    raise AssertionError(node)


def _part(part: str | t.Replacement) -> str:
    if isinstance(part, str):
        return repr(part)
    conversion = f"!{part.conversion}" if part.conversion else ""
    spec = ""
    if part.spec:
        spec = ":" + "".join(p if isinstance(p, str) else _part(p)[4:-3] for p in part.spec.parts)
    return f'f"""{{({written(part.value)}){conversion}{spec}}}"""'


def _index(node: t.Expr) -> str:
    if isinstance(node, t.Slice):
        return ":".join(written(p) if p else "" for p in (node.start, node.stop, node.step))
    if isinstance(node, t.Sequence) and node.kind == "tuple" and node.items:
        return ", ".join(map(_index, node.items)) + ","
    return written(node)


def _argument(argument: t.Argument) -> str:
    name = f"{argument.name.text}=" if argument.name else "*" * argument.stars
    return f"{name}{written(argument.value)}"


def _parameter(parameter: t.Parameter) -> str:
    default = f"={written(parameter.default)}" if parameter.default else ""
    return f"{'*' * parameter.stars}{parameter.name.text}{default}"


def _sequence(node: t.Sequence) -> str:
    start, end = tuple({"list": "[]", "tuple": "()", "set": "{}"}[node.kind])
    comma = "," if node.kind == "tuple" and node.items else ""
    return f"{start}{', '.join(map(written, node.items))}{comma}{end}"


def _clause(clause: t.Clause) -> str:
    conditions = "".join(f" if {written(c)}" for c in clause.conditions)
    return f"for {written(clause.target)} in {written(clause.iterable)}{conditions}"


def python(text: str) -> str:
    return ast.dump(ast.parse(text.strip(), mode="eval"))


def ours(text: str) -> str:
    return python(written(parse_expression(Source("x", text))))


# fmt: off
SAME = [
    "1", "0x_ff", "0b1_0", "0o17", "1_000", "1.", ".5", "1e3", "1.5e-3", "00", "1e999",
    "'a'", '"a" \'b\'', "r'\\d'", "'\\d\\.'", "'\\x41\\u00e9\\U0001F600\\N{BULLET}\\101\\n'",
    "u'a'",
    "'''a\n'b'''", '""', "''", "''''a'''", '"""a"b\\""""', "'a\\\nb'", "'a\\'b'",
    "a.b.c", "a[1]", "a[1:2]", "a[:]", "a[::]", "a[1:]", "a[:1]", "a[::2]", "a[1:2:3]", "a[:2:]",
    "a[1,]", "a[1, 2]", "a[1:2, ::3]", "a[(1, 2)]", "a[b[c]]",
    "f()", "f(1)", "f(1,)", "f(a=1)", "f(*a, **b)", "f(1, *a, b=2, **c)", "f(x for x in y)",
    "f(a)(b)[c].d", "f(a if b else c)", "f(a=lambda: 1)", "f(not a)",
    "()", "(1)", "(1,)", "1,", "1, 2", "1, 2,", "(1, 2)", "*a, b", "(*a,)", "((1, 2), 3)",
    "(1, 2), 3",
    "[]", "[1]", "[1,]", "[1, *a]", "{1}", "{1, *a,}", "{}", "{1: 2}", "{1: 2, **a, 3: 4,}",
    "[x for x in y]", "[x for x in y if a if b for z in x]", "{x for x in y}",
    "{k: v for k, v in y}", "[x for x, in y]", "[x for (x, y), z in a]", "[x for x[0] in y]",
    "[x if a else b for x in y if not c]", "[a for b in c or d]", "(x for x in y)",
    "[lambda: x for x in y]",
    "a + b * c", "(a + b) * c", "a - b - c", "a ** b ** c", "-a ** b", "a ** -b", "a ** -b ** c",
    "a ** -b * c", "- - a", "not not a", "not a == b", "~a + b", "-a.b", "-a[0] * +b", "2 ** ~3",
    "a < b < c", "(a < b) < c", "a < (b < c)", "a in b", "a not in b", "a is not b", "a is (not b)",
    "a not in b in c is d", "a and b or c and d", "a or b and c or d", "not a and not b",
    "(a and b) and c", "a and (b and c)", "a | b ^ c & d << e >> f", "a % b // c / d",
    "a == b and c != d or not e >= f", "a < b + c | d", "a if b else c if d else e",
    "(a if b else c) if d else e", "a or b if c and d else not e",
    "lambda: 1", "lambda x: x", "lambda x, y=1, *a, z=2, **b: x", "lambda x,: x",
    "lambda: lambda: 1", "lambda x: x if x else y", "lambda: (yielded, 1)",
    "f'a'", "f'{a}'", "f'{a}b{c}'", "f'{{a}}'", "f'{a!r}'", "f'{a:>10}'", "f'{a!s:>{w}}'",
    "f'{a:{w}.{p}}'", "f'{a + b}'", "f'{f(a)[0].b}'", "f'{a, b}'", "f'{ {1: 2}[1] }'",
    "'a' f'{b}' 'c'",
    "rf'\\d{a}'", "fr'{a}\\n'", "F'{a}\\n'", "f'{a=}'", "f'{a = }'", "f'{a=!s}'", "f'{a=:>3}'",
    "f'{a!=b}'", "f'{a==b}'", "f'{(lambda: 1)()}'", "f'{a:=3}'", "f'''{a}\n'''", "f'{a}' f'{b}'",
    "f'\\x41\\N{BULLET}{a}'", "f'{\"b\"}'", "f'{x:%H:%M}'", "f'{a[1:2]}'", "f''", "f'{x}' ''",
    "a\n+ b", "(a # c\n, b)", "a \\\n + b", "\ta", "é + ñ",
    "True", "None", "False", "a if True else None",
    "a*b", "a//b", "a**b", "a<b>c", "a<<b", "a!=b", "[1]if[a]else[2]",
]
# fmt: on


@pytest.mark.filterwarnings("ignore:invalid escape")
@pytest.mark.parametrize("text", SAME)
def test_an_expression_means_what_it_means_in_python(text: str) -> None:
    original = f"({text})" if "\n" in text or text.startswith("*") else text
    assert ours(text) == python(original).replace(", kind='u'", "")


names = st.sampled_from("abc")
atoms = names | st.sampled_from(["1", "'s'", "()", "[]", "2.5", "None"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    words = "+ - * / // % ** | & ^ << >> == != < <= > >= in is and or"
    operators = st.sampled_from([*words.split(), "not in", "is not"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(" ".join),
        st.tuples(inner, operators, inner, operators, inner).map(" ".join),
        st.tuples(st.sampled_from(["-", "+", "~"]), inner).map("".join),
        inner.map("(not {})".format),
        inner.map("({})".format),
        inner.map("[{}]".format),
        st.tuples(inner, inner, inner).map(lambda x: "({} if {} else {})".format(*x)),
        st.tuples(names, inner).map(lambda x: "{}[{}]".format(*x)),
        st.tuples(names, inner, inner).map(lambda x: "{}({}, c={})".format(*x)),
        st.tuples(inner, names, inner).map(lambda x: "[{} for {} in ({})]".format(*x)),
        inner.map("(lambda a: {})".format),
    )


@examples(150)
@given(st.recursive(atoms, _grown, max_leaves=25))
def test_any_mixture_of_operators_binds_as_in_python(text: str) -> None:
    assert ours(text) == python(text)


WRONG = [
    "a if b if c else d else e",  "1if a else 2",
    "", "a b", "a +", "(a", "a)", "f(a=1, 2", "*a", "a if b", "lambda", "[1 2]", "a not b", "a = b",
    "f(x for x in y, 1)", "{1: 2, 3}", "a == not b", "- not b", "a ** not b", "1_", "1__0", "0x",
    "07",
    "1j", "b'a'", "'a", "f'{a'", "f'a}'", "f'{}'", "f'{a!x}'", "a[", "a[]", "yield", "...", "a.1",
    "a..b", "x := 1", "$a", "a ? b", "'\\x4'", "{**a for a in b}", "[*a for a in b]", "f(**)",
    "a,,b",
    "\\", "a; b", "pass", "not", "in a", "is", "f'{lambda: 1}'", "for a in b", "[for a in b]",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_python_refuses_is_refused(text: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        parse_expression(Source("x", text))
    assert all(d.span and 0 <= d.span.start <= len(text) for d in caught.value.diagnostics)


def test_a_part_of_a_source_has_its_places_in_the_source() -> None:
    source = Source("x", "rule a: x = lambda w: w.b + 1 end")
    node = parse_expression(source, 12, 29)
    assert isinstance(node, t.Lambda) and isinstance(node.body, t.Binary)
    assert node.span.text == "lambda w: w.b + 1"
    assert (node.body.left.span.text, node.body.right.span.start) == ("w.b", 28)
