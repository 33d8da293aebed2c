"""Rules, directives and statements: which text gives which nodes."""

# ruff: noqa: E501 - a row of the table is a file and what it gives

import pytest

from flowc.source import Source
from flowc.syntax import tree as t
from flowc.syntax.parse import parse


def shape(node: object) -> object:
    """A statement as nested tuples of texts: short enough to be written in a table."""
    match node:
        case t.Block():
            name = node.name.text if node.name else None
            docs = [node.docstring] if node.docstring is not None else []
            return (node.kind.text, name, *docs, *map(shape, node.directives))
        case t.Directive():
            if node.body is not None:
                return (node.name.text, "code", node.body)
            return (node.name.text, *map(shape, node.items))
        case t.Argument():
            name = f"{node.name.text}=" if node.name else "*" * node.stars
            return name + " ".join(node.value.span.text.split())
        case t.UseRule():
            names = [[n.text for n in group] for group in (node.rules, node.exclude)]
            module = node.module.text if node.module else None
            directives = None if node.directives is None else [*map(shape, node.directives)]
            return ("use", *names, module, node.alias, directives)
        case t.If():
            branches = [(x.span.text, [*map(shape, body)]) for x, body in node.branches]
            return ("if", *branches, [*map(shape, node.otherwise)])
        case t.For():
            body = [*map(shape, node.body)]
            return ("for", node.target.span.text, node.iterable.span.text, body)
        case t.Def():
            parameters = " ".join(p.span.text for p in node.parameters)
            return ("def", node.name.text, parameters, [*map(shape, node.body)])
        case t.Assign():
            targets = " ".join(target.span.text for target in node.targets)
            return (targets, (node.operator or "") + "=", node.value.span.text)
        case t.Unsupported():
            return ("refused", node.keyword, node.span.text)
        case t.Evaluate() | t.Return() | t.Flow():
            return node.span.text
    raise AssertionError(node)


def shapes(text: str) -> list[object]:
    return [shape(statement) for statement in parse(Source("x", text)).statements]


# fmt: off
CASES: dict[str, tuple[str, list[object]]] = {
    "nothing": ("", []),
    "comments and blanks": ("# a\n\n   \n\t# b\n", []),
    "no final newline": ("rule a:\n  input: 'x'", [("rule", "a", ("input", "'x'"))]),
    "one line": ("rule a: input: 'x'", [("rule", "a", ("input", "'x'"))]),
    "one line, then more": (
        "rule a: input: 'x',\n    'y'\n    output: 'z'\n    log: 'l'\nx = 1\n",
        [("rule", "a", ("input", "'x'", "'y'"), ("output", "'z'"), ("log", "'l'")), ("x", "=", "1")]),
    "rule without a name": ("rule:\n  input: 'x'\n", [("rule", None, ("input", "'x'"))]),
    "checkpoint": ("checkpoint c:\n  input: 1\n", [("checkpoint", "c", ("input", "1"))]),
    "module": ("module m:\n  snakefile: 'x'\n", [("module", "m", ("snakefile", "'x'"))]),
    "docstring": ("rule a:\n  'doc' 'string'\n  input: 1\n",
                  [("rule", "a", "docstring", ("input", "1"))]),
    "docstring alone": ("rule a:\n  '''doc'''\n", [("rule", "a", "doc")]),
    "long docstring at the margin": ("rule a:\n  '''\ndoc\n'''\n  input: 1\n",
                                     [("rule", "a", "\ndoc\n", ("input", "1"))]),
    "value on lines of its own": (
        "rule a:\n    input:\n        'a',\n\n   # comment\n        b = 'c' # end\n          'd',\n    output: 1",
        [("rule", "a", ("input", "'a'", "b='c' # end 'd'"), ("output", "1"))]),
    "indented unevenly": ("rule a:\n  input:\n       'a',\n    'b',\n      'c'\n",
                          [("rule", "a", ("input", "'a'", "'b'", "'c'"))]),
    "brackets at the margin": ("rule a:\n  input: f(\n1,\n2\n)\n  output: 1",
                               [("rule", "a", ("input", "f( 1, 2 )"), ("output", "1"))]),
    "operators over lines": ("x: 1 +\n   2\n  if a\n  else 3\n", [("x", "1 + 2 if a else 3")]),
    "stars": ("rule a:\n  input: *x, **y, z=1,\n", [("rule", "a", ("input", "*x", "**y", "z=1"))]),
    "no value": ("rule a:\n  input:\n  output: 1\n", [("rule", "a", ("input",), ("output", "1"))]),
    "lambda over lines": ("rule a:\n  params: lambda w,\n      input: w.x, 2\n",
                          [("rule", "a", ("params", "lambda w, input: w.x", "2"))]),
    "a dict over lines": ("rule a:\n  params: {\n  a: 1,\n  b: 2}\n",
                          [("rule", "a", ("params", "{ a: 1, b: 2}"))]),
    "tabs": ("rule a:\n\tinput:\n\t\t1\n\toutput: 2\n", [("rule", "a", ("input", "1"), ("output", "2"))]),
    "carriage returns": ("rule a:\r\n  input:\r\n    1,\r\n    2\r\n\r\nx = 1\r\n",
                         [("rule", "a", ("input", "1", "2")), ("x", "=", "1")]),
    "limits on lines": ("limits:\n  a = 1\n  b = 2,\n  c = 3 # x\n  d = f(\n e)\n",
                        [("limits", "a=1", "b=2", "c=3", "d=f( e)")]),
    "limits in a rule": ("rule a:\n  limits: 3\n", [("rule", "a", ("limits", "3"))]),
    "names that are soft keywords": (
        "rule = 3\nuse = rule\ninput(1)\nmodule.x\ncheckpoint += 1\nrule, x = 1, 2\nrun = 1\nmatch = 1",
        [("rule", "=", "3"), ("use", "=", "rule"), "input(1)", "module.x", ("checkpoint", "+=", "1"),
         ("rule, x", "=", "1, 2"), ("run", "=", "1"), ("match", "=", "1")]),
    "rules called like keywords": (
        "rule input:\n  run_: 1\nrule run: use: 2\nrule rule: name: 3\nrule temp: input: temp",
        [("rule", "input", ("run_", "1")), ("rule", "run", ("use", "2")), ("rule", "rule", ("name", "3")),
         ("rule", "temp", ("input", "temp"))]),
    "code": ("rule a:\n  output: 1\n  run:\n      import os\n\n      with x as y:\n   # odd\n        '''\nmargin'''\n      z()  # end\n  # not in it\n  log: 2\n",
             [("rule", "a", ("output", "1"),
               ("run", "code", "      import os\n\n      with x as y:\n   # odd\n        '''\nmargin'''\n      z()"),
               ("log", "2"))]),
    "code on the line": ("rule a:\n  run: f(x)\nonstart:\n  print(1)\n",
                         [("rule", "a", ("run", "code", "f(x)")), ("onstart", "code", "  print(1)")]),
    "use": ("use rule a from m\nuse rule * from m as p_*\nuse rule a, b from m exclude c, d as *_x with:\n  input: 1\n"
            "use rule a as b with:\n  'doc'\n  threads: 2\nx = 1\n",
            [("use", ["a"], [], "m", None, None), ("use", ["*"], [], "m", "p_*", None),
             ("use", ["a", "b"], ["c", "d"], "m", "*_x", [("input", "1")]),
             ("use", ["a"], [], None, "b", [("threads", "2")]), ("x", "=", "1")]),
    "if and for around rules": (
        "if a:\n  rule b:\n    input: 1\nelif c: x = 1; y = 2\nelse:\n  for i, in z:\n    include: i\n    rule: output: 2\nq()\n",
        [("if", ("a", [("rule", "b", ("input", "1"))]), ("c", [("x", "=", "1"), ("y", "=", "2")]),
          [("for", "i,", "z", [("include", "i"), ("rule", None, ("output", "2"))])]), "q()"]),
    "def": ("def f(a, b: int = 2, *c, **d) -> str:\n  '''doc'''\n  if a: return\n  for x in b:\n    break\n  return a, b\n",
            [("def", "f", "a b: int = 2 *c **d",
              ["'''doc'''", ("if", ("a", ["return"]), []), ("for", "x", "b", ["break"]), "return a, b"])]),
    "def on a line": ("def f(): return 1\n", [("def", "f", "", ["return 1"])]),
    "chained assignment": ("a = b.c = d[0], (e, f) = 1, 2", [("a b.c d[0], (e, f)", "=", "1, 2")]),
    "stars in targets": ("a, *b = c\n(*d, e), f = g\nfor h, *i in j: k\n",
                         [("a, *b", "=", "c"), ("(*d, e), f", "=", "g"), ("for", "h, *i", "j", ["k"])]),
    "parameters over lines": ("def f(\n  a: int,\n  *b,\n) -> str:\n  return a\n", [("def", "f", "a: int *b", ["return a"])]),
    "bare stars": ("def f(a, *, b=1): a\nlambda *, c: c\n", [("def", "f", "a * b=1", ["a"]), "lambda *, c: c"]),
    "raise and assert": (
        "raise\nif a: raise b(c) from d\nassert (e, f)\nassert g, h\n",
        ["raise", ("if", ("a", ["raise b(c) from d"]), []), ("if", ("(e, f)", ["assert (e, f)"]), []),
         ("if", ("g", ["assert g, h"]), [])]),
    "semicolons": ("a; b; c = 1;\n", ["a", "b", ("c", "=", "1")]),
    "refused": (
        "import a\nfrom a import (b,\n c)\nclass A:\n  x = 1\n\n  y\nz\nwhile x:\n  a\nelse:\n  b\n"
        "try:\n  a\nexcept B:\n  c\nfinally:\n  d\n@a\n@b\ndef c():\n  d\nassert x\nmatch x:\n  case 1: y\n",
        [("refused", "import", "import a"), ("refused", "from", "from a import (b,\n c)"),
         ("refused", "class", "class A:\n  x = 1\n\n  y"), "z",
         ("refused", "while", "while x:\n  a\nelse:\n  b"),
         ("refused", "try", "try:\n  a\nexcept B:\n  c\nfinally:\n  d"),
         ("refused", "@", "@a\n@b\ndef c():\n  d"), ("if", ("x", ["assert x"]), []),
         ("refused", "match", "match x:\n  case 1: y")]),
    "refused in a def": ("def f():\n  import x\n  with a, b:\n    c\n  return d\n",
                         [("def", "f", "", [("refused", "import", "import x"),
                                            ("refused", "with", "with a, b:\n    c"), "return d"])]),
    "match and type": ("match (a, b):\n  case c: d\nmatch(a)\ntype X = int\ntype(x)\n",
                       [("refused", "match", "match (a, b):\n  case c: d"), "match(a)",
                        ("refused", "type", "type X = int"), "type(x)"]),
    "else of a loop": ("for x in y:\n  a\nelse:\n  b\n",
                       [("refused", "for ... else", "for x in y:\n  a\nelse:\n  b")]),
    "ways to break a line": ("x = a \\\n  + b\ny: 'a' \\\n'b'\n", [("x", "=", "a \\\n  + b"), ("y", "'a' \\ 'b'")]),
    "form feed": ("\fx = 1\n\f\ny = 2\n", [("x", "=", "1"), ("y", "=", "2")]),
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_text_gives_these_nodes(text: str, expected: list[object]) -> None:
    assert shapes(text) == expected


def walk(node: object) -> list[t.Node]:
    """All nodes at and below `node`."""
    if isinstance(node, tuple):
        return [found for part in node for found in walk(part)]
    if not isinstance(node, t.Node):
        return []
    return [node, *(found for part in node._fields() for found in walk(part))]


def test_every_span_lies_in_its_parent_and_holds_its_text() -> None:
    for text, _ in CASES.values():
        tree = parse(Source("x", text))
        for node in walk(tree.statements):
            span = node.span  # type: ignore[attr-defined]
            assert span.source is tree.source and 0 <= span.start < span.end <= len(text)
            assert span.text == span.text.strip() or isinstance(node, t.FString), node
            for child in walk(node._fields()):
                inner = child.span  # type: ignore[attr-defined]
                assert span.start <= inner.start <= inner.end <= span.end
            if isinstance(node, t.Name) and node.text != "*":
                assert span.text == node.text


def test_a_faulty_rule_does_not_hide_the_good_ones_faults() -> None:
    from flowc.diagnostic import WorkflowError

    text = "rule a\n  input: 1\nrule b:\n  input: 1 2\n  output: )\n  log: 'x\nif y\n  z\nw = = 1\n"
    with pytest.raises(WorkflowError) as caught:
        parse(Source("x", text))
    assert [d.span.line for d in caught.value.diagnostics if d.span] == [1, 4, 5, 6, 7, 9]


@pytest.mark.parametrize("head", ["if x", "for x in y", "def f(a=lambda: 1)", "if f'{x:>3}'"])
@pytest.mark.parametrize("word", ["import os", "while x", "from a import b", "del y"])
def test_a_refused_statement_behind_a_colon_is_named(head: str, word: str) -> None:
    statement, after = parse(Source("x", f"{head}: {word}\ny = 1\n")).statements
    body: tuple[t.Statement, ...] = ()
    if isinstance(statement, t.If):
        body = statement.branches[0][1]
    elif isinstance(statement, t.For | t.Def):
        body = statement.body
    assert [(type(s), s.span.text) for s in body] == [(t.Unsupported, word)]
    assert isinstance(after, t.Assign)
