"""Nothing stands in the reference that no test has tried."""

import math
import re
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flowc_reference import command_sections, function_table

from flowc.api import load_file
from flowc.cli.main import main
from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.lang.directives import DIRECTIVES
from flowc.lang.evaluate import Interpreter, Scope
from flowc.source import Source
from flowc.syntax.parse import parse_expression

ROOT = Path(__file__).resolve().parents[2]
KINDS = (".py", ".workflow", ".smk", ".md", ".toml", ".txt", "")


def value_of(text: str) -> Any:
    return Interpreter(RealDisk()).evaluate(parse_expression(Source("x", text)), Scope({}))


# fmt: off
RARE = [  # what is not used elsewhere: the same value as in Python
    "ascii('é')", "re.sub('^b', 'x', 'a\\nb', flags=re.MULTILINE)",
    "re.sub(' b # it', 'x', 'ab', flags=re.VERBOSE)",
    "'a1'.isalnum(), 'a'.islower(), '1'.isnumeric(), ' '.isspace(), 'A b'.istitle(), 'A'.isupper()",
    "'aba'.rfind('a'), 'aba'.rindex('a')", "{1, 2}.issuperset({1})",
    "sorted({1, 2}.symmetric_difference({2, 3}))", "{'a': 1}.popitem()",
]
CHANGES = [  # a method that changes something, and what is left
    ("[1, 2]", ".reverse()"), ("{1, 2}", ".difference_update({2})"),
    ("{1, 2}", ".intersection_update({2})"), ("{1, 2}", ".symmetric_difference_update({2, 3})"),
]
# fmt: on


@pytest.mark.parametrize("text", RARE)
def test_rare_functions_are_pythons(text: str) -> None:
    assert value_of(text) == eval(text, {"re": re})


@pytest.mark.parametrize(("value", "call"), CHANGES)
def test_rare_methods_are_pythons(value: str, call: str, tmp_path: Path) -> None:
    expected = eval(value)
    eval(f"x{call}", {"x": expected})
    text = f"x = {value}\nx{call}\nrule a:\n    output: 'a'\n    params: x=x\n    shell: ':'\n"
    (tmp_path / "Workflowfile").write_text(text)
    (param,) = load_file(str(tmp_path / "Workflowfile")).rules[0].params
    assert param.value == expected


def test_paths_that_are_rarely_used() -> None:
    assert str(value_of("pathlib.PurePath('a/b.c').with_stem('d')")) == "a/d.c"
    assert value_of("pathlib.PurePath('a/b').is_relative_to('a')") is True
    assert value_of("os.linesep") == "\n" and value_of("sys.maxsize") == 2**63 - 1


MATH = sorted(Interpreter(RealDisk()).builtins["math"].members)


@pytest.mark.parametrize("name", MATH)
def test_functions_of_math_are_pythons(name: str) -> None:
    """With every argument of a few that Python takes."""
    pythons = getattr(math, name)
    if not callable(pythons):
        assert str(value_of(f"math.{name}")) == str(pythons)
        return
    tried = 0
    for count in (1, 2):
        for values in product((0, 1, 4, 0.5, 2.5, [3, 4]), repeat=count):
            try:
                expected = pythons(*values)
            except (TypeError, ValueError, ZeroDivisionError):
                continue
            tried += 1
            assert str(value_of(f"math.{name}({', '.join(map(repr, values))})")) == str(expected)
    assert tried


@pytest.mark.parametrize(
    "text", ['resource_scopes: mem_mb="local"', 'containerized: "a.sif"', 'singularity: "a.sif"']
)
def test_directives_that_are_read_only(text: str, tmp_path: Path) -> None:
    path = tmp_path / "Workflowfile"
    path.write_text(f"{text}\n")
    assert [d.code for d in load_file(str(path)).warnings] == ["not-acted-upon"]
    path.write_text(f"rule a:\n    output: 'a'\n    {text}\n    shell: ':'\n")
    if "scopes" in text:
        with pytest.raises(WorkflowError):
            load_file(str(path))
    else:
        assert [d.code for d in load_file(str(path)).warnings] == ["not-acted-upon"]


def test_a_module_may_say_that_it_needs_no_validation(tmp_path: Path) -> None:
    (tmp_path / "m.smk").write_text("rule a:\n    output: 'a'\n    shell: ':'\n")
    text = 'module m:\n    snakefile: "m.smk"\n    skip_validation: True\nuse rule * from m\n'
    (tmp_path / "Workflowfile").write_text(text)
    assert [rule.name for rule in load_file(str(tmp_path / "Workflowfile")).rules] == ["a"]


def test_options_of_all_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Workflowfile").write_text("x = 1\n")
    assert main(["run", "--unlock"]) == 0
    assert "nothing to unlock" in capsys.readouterr().err
    assert main(["check", "--envvars", "MY_UNSET_TOKEN"]) == 2
    assert "error[undefined-envvar]" in capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    for option in ("--no-color", "--nocolor"):
        assert main(["plan", "nowhere", option]) == 2
        assert "\x1b" not in capsys.readouterr().err


PROFILE = """{"format": "flowc-profile", "version": 1, "runs": [{"run": "r", "attempts": [
    {"rule": "a", "outcome": "ok", "wall_s": 60.0, "memory_peak_bytes": 104857600}]}]}
"""


def test_options_of_some_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Workflowfile").write_text('rule only:\n    output: "a"\n    shell: ":"\n')
    assert main(["graph", "--rules"]) == 0
    assert "only" in capsys.readouterr().out
    (tmp_path / "profile.json").write_text(PROFILE)
    assert main(["profile", "resources", "profile.json", "--level", "fewest-failures"]) == 0
    assert '"mem_gb"' in capsys.readouterr().out


# --- the whole reference -------------------------------------------------------------------------


@cache
def everything_tried() -> str:
    """All that tests have tried: they themselves, their files, the pages whose blocks they run."""
    return "\n".join(
        path.read_text("utf-8", "surrogateescape")
        for folder in ("tests", "examples", "docs")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in KINDS and path.is_file() and "_ext" not in path.parts
    )


def test_every_directive_is_tested() -> None:
    names = {row.name for row in DIRECTIVES if row.supported}
    tried = everything_tried()
    assert not [name for name in sorted(names) if not re.search(rf"\b{name}\s*:", tried)]


def test_every_function_is_tested() -> None:
    missing = []
    for line in function_table().splitlines()[2:]:
        kind, names = line.split("|")[1:3]
        if "math" in kind:
            continue  # all of them above
        for name in re.findall(r"`([^`]+)`", names):
            last = re.escape(name.rpartition(".")[2])
            pattern = rf"\.{last}\b" if kind.strip().startswith("of") else rf"\b{last}\b"
            if not re.search(pattern, everything_tried()):
                missing.append((kind, name))
    assert not missing


def test_every_option_is_tested() -> None:
    """One that has several names by one of them; `test_options` gives a value to each."""
    missing = []
    for line in re.findall(r"^\| (`-.*?) \|", command_sections(), re.M):
        names = re.findall(r"`(--?[\w-]+)`", line)
        if not any(re.search(rf"{name}\b", everything_tried()) for name in names):
            missing.append(names)
    assert not missing
