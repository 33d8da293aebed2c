"""Every fault of syntax as the user sees it: `golden/NAME.workflow` gives `golden/NAME.txt`.

`FLOWC_UPDATE_GOLDEN=1 pytest tests/syntax/test_syntax_golden.py` writes the texts anew.
"""

from pathlib import Path

import pytest
from support.golden import check_golden

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
    check_golden(path, said_of(path.name))
