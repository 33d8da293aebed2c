"""No file makes flowc fail or hang: a short run always, a long one in the slow part."""

import os
from pathlib import Path

import pytest
from support.fuzzing import SEEDS, failures, input_bytes, kept, survive

QUICK, SLOW = 300, 100_000


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "Workflowfile"


@pytest.mark.parametrize("name", sorted(p.name for p in SEEDS.iterdir()))
def test_kept_seeds(name: str, here: Path) -> None:
    survive((SEEDS / name).read_bytes(), here)


def run(first: int, count: int, path: Path) -> None:
    for seed in range(first, first + count):
        try:
            survive(input_bytes(seed), path)
        except BaseException as error:
            error.add_note(f"tests/fuzz/run.py --first {seed} --inputs 1 does it again")
            raise


def test_some_inputs(here: Path) -> None:
    run(0, QUICK, here)


@pytest.mark.slow
def test_many_inputs() -> None:
    """All cores, a minute and a half on two."""
    count = int(os.environ.get("FLOWC_FUZZ_INPUTS", SLOW))
    failed = [each for _, lot in failures(QUICK, count, os.cpu_count() or 1) for each in lot]
    assert not failed, "tests/fuzz/run.py --first NUMBER --inputs 1 does one again"


def test_the_same_number_gives_the_same_input() -> None:
    assert [input_bytes(n) for n in range(20)] == [input_bytes(n) for n in range(20)]
    assert len({input_bytes(n) for n in range(200)}) > 190 and len(kept()) > 5
