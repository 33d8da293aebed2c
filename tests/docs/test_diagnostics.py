"""The list of diagnostics: complete, up to date, and each example gives its code."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flowc_diagnostics import ENTRIES, Entry, sections
from flowc_reference import _faults

import flowc
from flowc.cli.main import main
from flowc.lang.faults import CODES

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


EXAMPLES = {code: entry for code, entry in ENTRIES.items() if entry.example is not None}


@pytest.mark.parametrize("code", EXAMPLES)
def test_example(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    entry: Entry = EXAMPLES[code]
    monkeypatch.chdir(tmp_path)
    if entry.directory:
        (tmp_path / entry.directory).mkdir()
    else:
        (tmp_path / "Workflowfile").write_text(entry.example or "")
    (tmp_path / "broken.ir.json").write_text("{}")
    main([*shlex.split(entry.command)[1:], "--json"])
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert code in [row["diagnostic"]["code"] for row in rows if "diagnostic" in row]


def test_most_faults_of_the_language_have_an_example() -> None:
    assert len(EXAMPLES) > 90


def test_every_code_has_a_section() -> None:
    text = sections()
    assert all(f"\n### {code}\n" in text for code in ENTRIES)


def test_the_list_is_in_order() -> None:
    data = (Path(__file__).parents[2] / "docs/reference/diagnostics.toml").read_text("utf-8")
    codes = list(tomllib.loads(data))
    assert codes == sorted(codes)
