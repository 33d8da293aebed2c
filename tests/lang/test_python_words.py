"""Words of Python in a workflow file: what is imported, raised, printed, or for jobs alone."""

import os
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.lang.load import load_workflow
from flowc.lang.script import needed
from flowc.lang.workflow import Workflow


def load(tmp_path: Path, text: str, **config: object) -> Workflow:
    path = tmp_path / "Workflowfile"
    path.write_text(text, encoding="utf-8")
    return load_workflow(str(path), disk=RealDisk(), config=config)


def said(tmp_path: Path, text: str) -> list[tuple[str, str, str]]:
    """Each fault: its code, its message, and the text that is underlined."""
    with pytest.raises(WorkflowError) as error:
        load(tmp_path, text)
    return [(d.code, d.message, d.span.text if d.span else "") for d in error.value.diagnostics]


def inputs(workflow: Workflow, rule: str = "a") -> list[str]:
    found = next(one for one in workflow.rules if one.name == rule)
    return [path for item in found.inputs for path in item.files]


@pytest.mark.parametrize(
    "imports",
    [
        "import pandas as pd\nimport numpy, scipy.stats",
        "from snakemake.remote.HTTP import RemoteProvider as HTTP",
        "import no_such_module_at_all",
        "if True: import subprocess",
        "from helpers import (one,  # a comment\n    two as three)",
    ],
)
def test_what_is_imported_and_not_used_does_no_harm(imports: str, tmp_path: Path) -> None:
    assert inputs(load(tmp_path, f"{imports}\nrule a:\n    input: 'x'\n")) == ["x"]


@pytest.mark.parametrize(
    ("text", "underlined"),
    [
        ("import pandas as pd\nX = pd.read_csv('x').index", "read_csv"),
        ("from pandas import read_csv as r\nX = r('x')", "r('x')"),
        ("import scipy.stats\nX = scipy.stats.norm(1)", "stats"),
        ("from os import getpid as me\nX = me()", "me()"),
        ("def f():\n    import random\n    return random.choice([1])\nX = f()", "choice"),
    ],
)
def test_what_is_imported_cannot_be_used_while_reading(
    text: str, underlined: str, tmp_path: Path
) -> None:
    assert [(code, span) for code, _, span in said(tmp_path, text)] == [
        ("refused-import", underlined)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "from os.path import join as j, exists\nX = j('a', 'b')",
        "from os import path\nX = path.join('a', 'b')",
        "import os.path as op\nX = op.join('a', 'b')",
        "import os.path\nX = os.path.join('a', 'b')",
        "from os.path import *\nX = join('a', 'b')",
        "from pathlib import Path, PurePath\nX = str(PurePath('a') / 'b')",
        "def f():\n    from os.path import join\n    return join('a', 'b')\nX = f()",
        "from snakemake.io import expand as e\nX = e('{x}/b', x='a')",
        "first, *rest = 'a', 'x', 'b'\nX = first + '/' + rest[-1]",
        "def f(*, a, b='b'): return a + '/' + b\nX = f(a='a')",
    ],
)
def test_what_the_language_knows_is_bound_by_an_import(text: str, tmp_path: Path) -> None:
    assert inputs(load(tmp_path, f"{text}\nrule a:\n    input: X\n")) == ["a/b"]


def test_names_of_an_unknown_module_that_are_not_named_are_refused(tmp_path: Path) -> None:
    [(code, message, _)] = said(tmp_path, "from helpers import *\n")
    assert (code, message) == (
        "refused-import",
        "what `helpers` holds is not known: reading a workflow runs no code",
    )


def test_functions_for_the_code_of_jobs_may_hold_any_statement(tmp_path: Path) -> None:
    text = """
import shutil

def write(path):
    try:
        with open(path, "w") as file, open(path) as other:
            yield file
    finally:
        del path

rule a:
    output: "x"
    run: write(output[0])

rule b:
    output: "y"
    run: shutil.copy("x", "y")
"""
    first, second = load(tmp_path, text).rules
    assert first.script is not None and second.script is not None
    assert [part.split("(")[0] for part in first.script.preamble] == ["def write"]
    assert second.script.preamble == ("import shutil",)


def test_a_function_with_such_statements_is_refused_where_it_is_called(tmp_path: Path) -> None:
    text = "def f():\n    del a\n    while b:\n        c\nX = f()\n"
    assert [(code, span) for code, _, span in said(tmp_path, text)] == [
        ("refused-statement", "del"),
        ("refused-statement", "while"),
    ]


def test_functions_of_directives_are_looked_through_before_they_are_called(tmp_path: Path) -> None:
    text = """
import pandas as pd
def deep(x):
    return pd.isna(x)
def outer(wildcards):
    if wildcards.x == "never":
        return deep(1) and pd.DataFrame(2)
    return []
rule a:
    input: outer
    output: "{x}"
    params: y=lambda wildcards: deep(wildcards.x)
    threads: lambda wildcards: pd.cores()
"""
    assert [span for _, _, span in said(tmp_path, text)] == ["isna", "DataFrame", "cores"]


RAISED = {
    "raise ValueError('no', 3)": "no 3",
    "raise ValueError": "`ValueError` is raised",
    "raise(KeyError('k'))": "k",
    "raise RuntimeError(f'a {1 + 1}') from None": "a 2",
    "from snakemake.exceptions import WorkflowError as W\nraise W('w')": "w",
    "assert 1 > 2, 'too small'": "too small",
    "assert []": "this does not hold",
    "import sys\nsys.exit('stop')": "stop",
    "exit(1)": "the file asks to stop here",
}


@pytest.mark.parametrize(("text", "message"), RAISED.items(), ids=RAISED)
def test_what_a_file_raises_is_told_in_its_words(text: str, message: str, tmp_path: Path) -> None:
    assert [(code, words) for code, words, _ in said(tmp_path, text)] == [("raised", message)]


# fmt: off
EXCEPTIONS = [
    "ArithmeticError", "AssertionError", "AttributeError", "EnvironmentError", "Exception",
    "FileExistsError", "FileNotFoundError", "IOError", "IndexError", "KeyError", "LookupError",
    "NameError", "NotADirectoryError", "NotImplementedError", "OSError", "PermissionError",
    "RuntimeError", "SystemExit", "TypeError", "ValueError", "WorkflowError",
]
# fmt: on


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_have_the_names_that_they_have_in_python(name: str, tmp_path: Path) -> None:
    [(code, message, _)] = said(tmp_path, f"def f(x): raise {name}(x)\nf('why')\n")
    assert (code, message) == ("raised", "why")


def test_what_is_not_raised_does_no_harm(tmp_path: Path) -> None:
    text = """
import sys
SAMPLES = ["a"]
assert SAMPLES, "none"
if not SAMPLES:
    raise ValueError("no samples")
elif len(SAMPLES) > 3:
    sys.exit("too many")
def of(wildcards):
    if wildcards.x == "q":
        raise ValueError(wildcards.x)
    return []
rule a:
    input: of, "z"
    output: "{x}"
"""
    assert inputs(load(tmp_path, text)) == ["z"]


def test_an_exception_alone_is_raised(tmp_path: Path) -> None:
    [(code, message, _)] = said(tmp_path, "raise 'text'")
    assert (code, message) == ("wrong-type", "an exception is raised, not a str")


def test_printing_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = """
import logging, warnings, sys
from snakemake.logging import logger
from pprint import pprint
print("a", 1, sep="", file=sys.stderr)
logger.info("b")
logging.getLogger("x").warning("c")
logging.basicConfig(level=logging.INFO)
logging.debug("c"); logging.error("c"); logging.critical("c"); logger.exception("c")
logger.setLevel(logging.DEBUG); logger.set_level(logging.WARNING); logger.addHandler(None)
logging.log(logging.ERROR, "c"); logging.warn("c"); logger.setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore"); warnings.simplefilter("ignore"); sys.stdout.flush()
pprint(["d"]); warnings.warn("d")
sys.stderr.write("e")
def f(x):
    print(x)
    return x
rule a:
    input: f("z")
"""
    assert inputs(load(tmp_path, text)) == ["z"]
    assert capfd.readouterr() == ("", "")


def test_what_is_printed_is_worked_out_all_the_same(tmp_path: Path) -> None:
    assert [code for code, _, _ in said(tmp_path, "print(1 / 0)")] == ["division-by-zero"]


def test_what_a_refused_statement_would_have_made_is_not_told_of(tmp_path: Path) -> None:
    text = "try:\n    X = 1\nexcept KeyError:\n    X = 2\nY = X\nrule a:\n    input: Y\nZ"
    assert [span for _, _, span in said(tmp_path, text)] == ["try", "Z"]


def test_code_of_jobs_gets_the_imports_and_functions_that_it_needs() -> None:
    preamble = (
        "import pandas as pd",
        "import os",
        "from glob import glob, iglob as i",
        "def outer(x): return inner(x)",
        "def inner(x): return os.path.join(x)",
        "from helpers import *",
    )
    assert needed("f(1)", ("f = lambda x: g(x)", "g = lambda: 2", "h = lambda: f")) == (
        "f = lambda x: g(x)",
        "g = lambda: 2",
    )
    assert needed("outer(output[0])", preamble) == (preamble[1], *preamble[3:])
    assert needed("i('*')", preamble) == (preamble[2], preamble[5])


def test_regular_expressions_are_compiled(tmp_path: Path) -> None:
    text = """
import re
R = re.compile(r"s(\\d+)", re.I)
FOUND = [m.group(1) for m in map(R.match, ["s1", "S2", "t3"]) if m]
TEXTS = [R.sub("x", "a-S4"), *R.split("as5b"), *R.findall("s6s7"), str(R.fullmatch("s8s") is None)]
def f(wildcards):
    return [R.search(wildcards.x).group(0), *(m.group(0) for m in R.finditer("s1 s2"))]
rule a:
    input: FOUND, TEXTS, R.pattern, f
    output: "{x}"
"""
    expected = ["1", "2", "a-x", "a", "5", "b", "6", "7", "True", r"s(\d+)"]
    assert inputs(load(tmp_path, text)) == expected


def test_a_compiled_expression_never_tries_for_ever(tmp_path: Path) -> None:
    text = "import re\nX = re.compile('(a+)+$').match('a' * 40 + 'b')\n"
    assert [code for code, _, _ in said(tmp_path, text)] == ["costly-pattern"]


def test_directories_are_listed_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.txt", "a.txt", "c.csv"):
        (tmp_path / "in" / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWC_TEST_WORD", "word")
    text = """
import glob, os
from pathlib import Path
os.makedirs("logs/deep", exist_ok=True)
os.mkdir("made")
Path("other").mkdir(parents=True, exist_ok=True)
HERE = Path("in").resolve()
rule a:
    input:
        glob.glob("in/*.txt"), list(glob.iglob("in/*.csv")), os.listdir("in"),
        sorted(p.name for p in Path("in").iterdir()), [str(p) for p in Path(".").glob("*/a.*")],
        [p.stem for p in Path(".").rglob("*.csv")], HERE.name, Path("x").absolute().name,
        os.path.expandvars("$FLOWC_TEST_WORD-${FLOWC_TEST_WORD}$NO_SUCH"),
        os.path.basename(os.path.realpath("in")), str(Path("~").expanduser() != Path("~"))
"""
    assert inputs(load(tmp_path, text)) == [
        "in/a.txt", "in/b.txt", "in/c.csv", "a.txt", "b.txt", "c.csv", "a.txt", "b.txt", "c.csv",
        "in/a.txt", "c", "in", "x", "word-word$NO_SUCH", "in", "True",
    ]  # fmt: skip
    assert sorted(os.listdir()) == ["Workflowfile", "in"]


def test_what_the_file_adds_to_the_path_is_where_jobs_import_from(tmp_path: Path) -> None:
    text = """
import sys, os
sys.path.append("lib")
sys.path.insert(0, os.path.join("other", "lib"))
from helpers import load
rule a:
    output: "x"
    run: load(output)
rule b:
    output: "y"
    run: pass
"""
    first, second = load(tmp_path, text).rules
    assert first.script is not None and second.script is not None
    assert first.script.preamble == (
        "import sys\nsys.path[1:1] = ['other/lib', 'lib']",
        "from helpers import load",
    )
    assert second.script.preamble == ()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rule a:\n    version: '1'\n", "Snakemake has none any more"),
        ("X = dynamic('{n}')", "checkpoint"),
        ("import os\nos.environ['A'] = 'b'", "export NAME=value"),
        ("import yaml\nX = yaml.safe_load('x')", "configfile"),
        ("import json\nX = json.load('x')", "configfile"),
        ("X = [line for line in open('x')]", "samples: [a, b]"),
        ("from collections import defaultdict\nX = defaultdict(list)", "setdefault"),
        ("import os\nos.system('make')", "run the command in a rule"),
        ("shell('make')", "run the command in a rule"),
    ],
)
def test_what_is_refused_says_what_to_write_instead(text: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as error:
        load(tmp_path, text)
    [diagnostic] = error.value.diagnostics
    assert diagnostic.hint is not None and hint in diagnostic.hint


def test_a_number_constrains_a_wildcard_to_itself(tmp_path: Path) -> None:
    text = "wildcard_constraints: w=20\nrule a:\n    output: 'x.{w}'\n"
    assert load(tmp_path, text).rules[0].outputs
