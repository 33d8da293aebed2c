"""Texts that are kept beside what they are made of. `FLOWC_UPDATE_GOLDEN=1` writes them anew."""

import os
from pathlib import Path


def check_golden(path: Path, found: str) -> None:
    """What is found is what is kept beside `path`, and it is something."""
    expected = path.with_suffix(".txt")
    if os.environ.get("FLOWC_UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert found.strip(), "a golden file that says nothing tests nothing"
