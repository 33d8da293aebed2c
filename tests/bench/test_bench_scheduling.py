"""The targets of the scheduling benchmarks: `FLOWC_TRACES=DIR pytest -m bench tests/bench`."""

import os
from pathlib import Path
from statistics import fmean, geometric_mean

import pytest
from bench.scheduling.cost import NEEDS, all_ready, whole_run
from bench.scheduling.quality import by_median, plain, scheduled
from bench.scheduling.traces import SCENARIOS, Instance, projects, workflows

pytestmark = pytest.mark.bench
TARGETS = {"4c6g": (1.02, 1.005), "8c-bal": (1.04, 1.012), "8c-tight": (1.04, 1.01)}
GAPS = {"j60": 1.0, "j120": 4.5}  # in percent, after a search of 1 s


@pytest.fixture(scope="module")
def folder() -> Path:
    if "FLOWC_TRACES" not in os.environ:
        pytest.skip("FLOWC_TRACES names no folder with traces")
    return Path(os.environ["FLOWC_TRACES"])


def ratios(found: list[Instance], schedule: str, search_s: float = 0.0) -> list[float]:
    return [scheduled(one, schedule, search_s) / one.best_s for one in found]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rank(folder: Path, scenario: str) -> None:
    found = workflows(folder, scenario)
    seen = ratios(found, "rank")
    assert geometric_mean(seen) <= TARGETS[scenario][0]
    assert max(seen) <= 1.5
    for one, ratio in zip(found, seen, strict=True):
        assert ratio * one.best_s <= 1.03 * plain(one, "file")


def test_rank_by_medians(folder: Path) -> None:
    found = workflows(folder, "8c-bal")
    assert geometric_mean([by_median(one) / one.lower_bound_s for one in found]) <= 1.13


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_search(folder: Path, scenario: str) -> None:
    seen = ratios(workflows(folder, scenario), "search", 1.0)
    assert geometric_mean(seen) <= TARGETS[scenario][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", GAPS)
def test_projects(folder: Path, name: str) -> None:
    seen = ratios(projects(folder, name), "search", 1.0)
    assert 100 * fmean([ratio - 1 for ratio in seen]) <= GAPS[name]


@pytest.mark.parametrize("distinct", [False, True])
def test_cost_of_a_run(distinct: bool) -> None:
    assert whole_run(100_000, distinct) < 50


@pytest.mark.parametrize("needs", NEEDS)
def test_cost_with_many_ready(needs: str) -> None:
    taken_in_s, mean_us, _ = all_ready(200_000, NEEDS[needs])
    assert taken_in_s < 1
    assert mean_us < 50
