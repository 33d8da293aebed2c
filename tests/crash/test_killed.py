"""flowc killed at random instants, then run again: as if nothing had happened.

`FLOWC_CRASHES=1000 pytest tests/crash/test_killed.py` kills it a thousand times.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from crash.victim import Victim

CRASHES = int(os.environ.get("FLOWC_CRASHES", "50"))
IN_A_ROW = 5
"""Kills in one test, one after the other, if the run has not ended before."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The outputs of a run that nobody disturbs, and how long it takes."""
    victim = Victim(tmp_path_factory.mktemp("undisturbed"))
    began_s = time.monotonic()
    victim.finish()
    took_s = time.monotonic() - began_s
    victim.assert_nothing_done_twice()
    return victim.tree(), took_s


@pytest.mark.parametrize("seed", range(max(1, CRASHES // IN_A_ROW)))
def test_killed_and_resumed(
    seed: int, undisturbed: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    tree, took_s = undisturbed
    chance = random.Random(seed)
    kills = 0
    while kills < IN_A_ROW:
        victim = Victim(tmp_path / str(kills), chance, took_s)
        while kills < IN_A_ROW:
            both = chance.random() < 0.5
            if victim.strike(signal.SIGKILL, server_too=both) is None:
                break  # it was quicker
            kills += 1
            if not both:
                victim.assert_no_orphan()
        victim.finish()
        assert victim.tree() == tree
        victim.assert_no_orphan(0)
        victim.assert_nothing_done_twice()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seed", range(max(1, CRASHES // 25)))
def test_interrupted_and_resumed(
    number: int, seed: int, undisturbed: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    tree, took_s = undisturbed
    victim = Victim(tmp_path, random.Random(seed), took_s)
    for _ in range(3):
        code = victim.strike(number)
        if code is None:
            break
        # Before flowc has begun its work, the signal has its usual effect.
        assert code in (0, 128 + number, -number) or victim.python_has_ended_it()
        victim.assert_no_orphan(0 if code != -number else 10)
    victim.finish()
    assert victim.tree() == tree
    victim.assert_nothing_done_twice()
