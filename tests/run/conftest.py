"""flowc in a directory of the test's own."""

from pathlib import Path

import pytest
from support.program import Done, Flowc, flowc_here


@pytest.fixture
def flowc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flowc:
    """Calls a command of flowc's beside `in.txt`, after writing the workflow that it is given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("one\ntwo\n")

    def go(*words: str, workflow: str | None = None, cores: int = 4) -> Done:
        if workflow is not None:
            (tmp_path / "Workflowfile").write_text(workflow)
        return flowc_here(*words, "--cores", str(cores))

    return go
