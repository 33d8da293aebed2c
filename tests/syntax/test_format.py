"""The formatter: the same tree, the same comments, the same text the second time."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.generated import workflow_text

from flowc.diagnostic import WorkflowError
from flowc.source import Source
from flowc.syntax.format import format_text
from flowc.syntax.format_lines import Comment, Lines
from flowc.syntax.parse import parse
from flowc.syntax.read import read_source
from flowc.syntax.same import same_trees

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).parent / "format"
WORKFLOWS = sorted(
    p
    for pattern in ("*.workflow", "Workflowfile", "*.smk")
    for folder in (TESTS, TESTS.parent / "examples")
    for p in folder.rglob(pattern)
)


def comments(text: str) -> list[str]:
    """All comments outside of code blocks and refused statements."""
    lines = Lines(Source("x", text))
    found: list[tuple[int, Comment | str]] = []
    for line in lines.lines:
        found += [(line.words[0].start, c) for c in line.leading]
        for word in line.words:
            found += [(word.start, c) for c in word.before]
            found += [(word.end, word.after)] if word.after else []
        found += [(line.words[-1].end, c) for c in line.tail]
        found += [(line.words[-1].end, c) for _, c in line.trailing]
    texts = [c if isinstance(c, str) else c.text for _, c in found]
    return texts + [c.text for c in lines.end]


def keeps_everything(text: str) -> str:
    """Format `text`; check what must always hold."""
    source = Source("x", text)
    made = format_text(source)
    assert same_trees(parse(source), parse(Source("x", made)))
    assert format_text(Source("x", made)) == made
    assert comments(made) == comments(text)
    return made


@examples(150)
@given(st.integers(0, 2**32))
def test_any_workflow(seed: int) -> None:
    text = workflow_text(random.Random(seed))
    try:
        parse(Source("x", text))
    except WorkflowError:
        return
    keeps_everything(text)


def test_most_of_what_is_generated_can_be_parsed() -> None:
    """Or the property above would say nothing."""
    good = 0
    for seed in range(100):
        try:
            good += bool(parse(Source("x", workflow_text(random.Random(seed)))))
        except WorkflowError:
            continue
    assert good > 95


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: "/".join(p.parts[-3:]))
def test_every_workflow_of_the_project(path: Path) -> None:
    source = read_source(str(path))
    try:
        parse(source)
    except WorkflowError:
        with pytest.raises(WorkflowError):
            format_text(source)
        return
    made = keeps_everything(source.text)
    if "examples" in path.parts:
        assert made == source.text


@pytest.mark.parametrize("before", sorted(GOLDEN.glob("*.before.workflow")), ids=lambda p: p.stem)
def test_canonical_form(before: Path) -> None:
    after = before.with_name(before.name.replace(".before.", ".after."))
    assert keeps_everything(before.read_text("utf-8")) == after.read_text("utf-8")


# fmt: off
FORMS = {  #                  before                              after
    "blanks":                ("x  =f( 1,b = 2 )",                 "x = f(1, b=2)\n"),
    "a suite on its line":   ("if a: b; c",                       "if a:\n    b\n    c\n"),
    "one item":              ("rule a:\n input:\n  'x'\n",        "rule a:\n    input: 'x'\n"),
    "a comma stays":         ("x = [1,]",                         "x = [\n    1,\n]\n"),
    "a tuple of one":        ("x = (1,)",                         "x = (1,)\n"),
    "tabs":                  ("if a:\n\tb\n\tc",                  "if a:\n    b\n    c\n"),
    "continued lines":       ("x = 1 + \\\n  2",                  "x = 1 + 2\n"),
    "line ends of Windows":  ("x=1\r\ny=2\r\n",                   "x = 1\r\ny = 2\r\n"),
    "no text at all":        ("",                                 ""),
    "a comment alone":       ("  # a  ",                          "# a\n"),
    "parentheses stay":      ("x = ((1))",                        "x = ((1))\n"),
    "a number's attribute":  ("x = 1 .real",                      "x = 1 .real\n"),
    "three empty lines":     ("a\n\n\n\nb",                       "a\n\n\nb\n"),
    "a slice":               ("x[a :b, ::2]",                     "x[a:b, ::2]\n"),
    "a long string":         ("x = f('''a\n b''')",               "x = f('''a\n b''')\n"),
    "code moves":            ("onstart:\n\tx\n\ty",               "onstart:\n    x\n    y\n"),
    "comments by column": ("if a:\n  b\n  # 1\n# 2\nc",        "if a:\n    b\n    # 1\n# 2\nc\n"),
    "limits without commas": ("limits:\n  a = 1\n  b = 2", "limits:\n    a = 1,\n    b = 2,\n"),
    "refused on its line":   ("if x: import  os",                 "if x:\n    import  os\n"),
    "what is refused stays": ("while  x :\n\ty",                  "while  x :\n        y\n"),
}
# fmt: on


@pytest.mark.parametrize(("before", "after"), FORMS.values(), ids=FORMS)
def test_form(before: str, after: str) -> None:
    assert keeps_everything(before) == after


@pytest.mark.parametrize("depth", [10, 59, 61, 95])
def test_deep_brackets_need_no_deep_stack(depth: int) -> None:
    keeps_everything("x = " + "f(aaaaaaaa, " * depth + ")" * depth)
    keeps_everything("x = " + "[" * depth + " # c\n" + "]" * depth)


@pytest.mark.parametrize(
    "code",
    [
        ' \t      import os\n        open(output[0], "w").write("""\n x""")\n',
        "             import os\n     (1)\n",
    ],
)
def test_code_that_goes_back_further_than_it_began_stays_in_its_block(code: str) -> None:
    """It is no Python that runs, but whose fault that is, the formatter cannot know."""
    keeps_everything(f'rule b:\n    output:  "b"\n    run:\n{code}')
    keeps_everything(f"run:\n{code}")


def test_a_file_with_faults_has_no_form() -> None:
    with pytest.raises(WorkflowError):
        format_text(Source("x", "rule a:\n    input: ("))


@examples(150)
@given(st.integers(0, 2**32))
def test_any_workflow_with_parts_that_stay(seed: int) -> None:
    """Wherever the comments stand: the rest is formatted, and the second time nothing changes."""
    chance = random.Random(seed)
    lines = workflow_text(chance).split("\n")
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(lines) + 1)
        following = lines[at] if at < len(lines) else ""
        indent = following[: len(following) - len(following.lstrip())]
        word = chance.choice(("off", "on"))
        lines.insert(at, f"{chance.choice((indent, indent, '', '    '))}# fmt: {word}")
    text = "\n".join(lines)
    try:
        parse(Source("x", text))
    except WorkflowError:
        return
    keeps_everything(text)


# fmt: off
STAYS = {  # before, after
    "to the end": ("X=1\n# fmt: off\nY=2\nZ  = 3  \n", "X = 1\n# fmt: off\nY=2\nZ  = 3  \n"),
    "until it is on": (
        "# fmt: off\nY=2\n# fmt: on\nZ=3\n",
        "# fmt: off\nY=2\n# fmt: on\nZ = 3\n",
    ),
    "on at once": ("# fmt: off\n# fmt: on\nY=2\n", "# fmt: off\n# fmt: on\nY = 2\n"),
    "to the block's end": (
        "rule a:\n  # fmt: off\n  input:   'a',\n           'b'\n  # more\nX=1\n",
        "rule a:\n    # fmt: off\n    input:   'a',\n             'b'\n    # more\n\n\nX = 1\n",
    ),
    "no level further in": (
        "# fmt: off\nrule a:\n  input:   'a'\n  # fmt: on\n  output:   'b'\n",
        "# fmt: off\nrule a:\n  input:   'a'\n  # fmt: on\n  output:   'b'\n",
    ),
    "not within a list": (
        "X = [\n  # fmt: off\n  1,2]\n",
        "X = [\n    # fmt: off\n    1,\n    2,\n]\n",
    ),
}
# fmt: on


@pytest.mark.parametrize(("before", "after"), STAYS.values(), ids=STAYS)
def test_what_stands_behind_fmt_off_stays(before: str, after: str) -> None:
    assert keeps_everything(before) == after
