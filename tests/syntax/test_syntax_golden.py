"""Every fault of syntax as the user sees it: `golden/NAME.workflow` gives `golden/NAME.txt`.

`FLOWC_UPDATE_GOLDEN=1 pytest tests/syntax/test_syntax_golden.py` writes the texts anew.
"""

import os
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError, render
from flowc.syntax.parse import parse
from flowc.syntax.read import read_source

GOLDEN = Path(__file__).parent / "golden"


def said_of(name: str) -> str:
    try:
        parse(read_source(name))
    except WorkflowError as error:
        return "\n\n".join(render(d) for d in error.diagnostics) + "\n"
    return ""


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.workflow")), ids=lambda p: p.stem)
def test_what_is_said_of_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    expected = path.with_suffix(".txt")
    found = said_of(path.name)
    if os.environ.get("FLOWC_UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert found, "a golden file that says nothing tests nothing"
