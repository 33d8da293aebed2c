"""Every fault as the user sees it: `golden/NAME.workflow` gives what `golden/NAME.txt` holds.

`FLOWC_UPDATE_GOLDEN=1 pytest tests/lang/test_load_golden.py` writes the texts anew.
"""

from pathlib import Path

import pytest
from support.golden import check_golden

from flowc.diagnostic import WorkflowError, render
from flowc.disk import RealDisk
from flowc.lang.load import load_workflow

GOLDEN = Path(__file__).parent / "golden"


def said_of(name: str) -> str:
    try:
        workflow = load_workflow(name, disk=RealDisk(), cores=4)
    except WorkflowError as error:
        return "\n\n".join(render(d) for d in error.diagnostics) + "\n"
    return "\n\n".join(render(d) for d in workflow.warnings) + "\n"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.workflow")), ids=lambda p: p.stem)
def test_what_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    check_golden(path, said_of(path.name))
