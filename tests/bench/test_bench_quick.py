"""The quick variants of all benchmarks: `pytest -m bench`."""

from pathlib import Path

import pytest
from bench.cases import CASES
from bench.run import run_case


@pytest.mark.bench
@pytest.mark.parametrize("name", CASES)
def test_quick_targets_hold(name: str, tmp_path: Path) -> None:
    result = run_case(CASES[name], tmp_path, quick=True)
    missed = [t for t in result["targets"] if t["ok"] is False]
    assert not missed
    assert all(row["rounds"] for row in result["contestants"])
