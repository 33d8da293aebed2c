"""The list of diagnostics: complete, up to date, and each example gives its code."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flowc_diagnostics import ENTRIES, Entry, sections
from flowc_reference import _faults

import flowc
from flowc.cli.main import main
from flowc.lang.faults import CODES

ROOT = Path(__file__).resolve().parents[2]
CODE = Path(flowc.__file__).parent
RAISE = {"Diagnostic", "fail", "Refusal", "fault", "_fault", "_warn", "_warning"}
SLUG = re.compile(r"[a-z]+(-[a-z0-9]+)*")
TEXTS = {path: path.read_text("utf-8") for path in sorted(CODE.rglob("*.py"))}


def raised(tree: ast.AST) -> Iterator[str]:
    """Codes that stand in the source where a diagnostic is made."""
    yield from (code for code, _ in _faults(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "id", getattr(function, "attr", ""))
            given = next((k.value for k in node.keywords if k.arg == "code"), None)
            if given is None and name in RAISE and node.args:
                given = node.args[0]
            code = given.value if isinstance(given, ast.Constant) else None
            if isinstance(code, str) and SLUG.fullmatch(code):
                yield code


def test_every_code_is_in_the_list() -> None:
    found = {code for text in TEXTS.values() for code in raised(ast.parse(text))}
    assert len(found) > 100
    missing = sorted((found | {*CODES.values()}) - ENTRIES.keys())
    assert not missing, "add them to docs/reference/diagnostics.toml"


def test_the_list_is_not_full_of_what_is_not_raised_any_more() -> None:
    """A few entries may be there before the code that raises them."""
    everything = "\n".join(TEXTS.values())
    pieces = {f"{kind}-" for kind in re.findall(r'f"([a-z]+)-\{what\}"', everything)}
    stale = [
        code
        for code in ENTRIES
        if f'"{code}"' not in everything and not code.startswith(tuple(pieces))
    ]
    assert len(stale) < 8, stale


EXAMPLES = {code: entry for code, entry in ENTRIES.items() if not entry.tested}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, where `flowc` is this checkout's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    flowc = programs / "flowc"
    flowc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m flowc "$@"\n')
    flowc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.mark.parametrize("code", EXAMPLES)
def test_example(code: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    entry: Entry = EXAMPLES[code]
    if entry.directory:
        (here / entry.directory).mkdir()
    elif entry.example is not None:
        (here / "Workflowfile").write_text(entry.example)
    for name, text in entry.files.items():
        (here / name).write_text(text)
    for command in entry.before:
        _before(command)
    capfd.readouterr()
    words = shlex.split(entry.command)[1:]
    main([*words, "--json", *(["--latency-wait", "0"] if words[0] == "run" else [])])
    lines = capfd.readouterr().out.splitlines()  # of a file on stdout, some are a part of it
    rows = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    found = [row["diagnostic"]["code"] for row in rows if "diagnostic" in row]
    found += [row["cause"] for row in rows if row.get("event") == "job-failed"]
    assert code in found


def _before(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "flowc":  # in this process: that is quicker
        assert main(words[1:]) == 0
    else:
        subprocess.run(["bash", "-c", command], check=True)


@pytest.mark.parametrize("code", [code for code, entry in ENTRIES.items() if entry.tested])
def test_what_has_no_example_has_a_test(code: str) -> None:
    entry = ENTRIES[code]
    assert code in (ROOT / entry.tested).read_text("utf-8")
    assert not (entry.example or entry.files or entry.before)


def test_nearly_every_code_has_an_example() -> None:
    assert len(ENTRIES) - len(EXAMPLES) < 8


def test_every_code_has_a_section() -> None:
    text = sections()
    assert all(f"\n### {code}\n" in text for code in ENTRIES)


def test_the_list_is_in_order() -> None:
    data = (ROOT / "docs/reference/diagnostics.toml").read_text("utf-8")
    codes = list(tomllib.loads(data))
    assert codes == sorted(codes)
