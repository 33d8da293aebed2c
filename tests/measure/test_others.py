"""Whether others had the cores while jobs were measured."""

from pathlib import Path

import pytest

from flowc.measure.others import CpuTimes, cpu_times, crowded_by

# fmt: off
CASES = {  #          busy and idle seconds, those of the jobs, over: cores of others
    "alone":          ((8.0, 0.0),  8.0,  4.0, None),
    "crowded":        ((8.0, 0.0),  4.0,  4.0, 1.0),
    "room for all":   ((5.0, 3.0),  1.0,  4.0, None),
    "hardly noticed": ((8.0, 0.0),  7.5,  4.0, None),
    "too short":      ((1.0, 0.0),  0.1,  0.5, None),
    "nothing known":  ((0.0, 0.0),  0.0,  4.0, None),
}
# fmt: on


@pytest.mark.parametrize(("passed", "own_s", "wall_s", "others"), CASES.values(), ids=CASES)
def test_others(
    passed: tuple[float, float], own_s: float, wall_s: float, others: float | None
) -> None:
    before = CpuTimes(100.0, 50.0)
    after = CpuTimes(100.0 + passed[0], 50.0 + passed[1])
    assert crowded_by(before, after, own_s, wall_s) == others
    assert crowded_by(None, after, own_s, wall_s) is None


def test_the_kernel_tells(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 200 300 4000 500 6 7 8 0 0\ncpu0 1 2 3 4\n")
    found = cpu_times(str(stat))
    assert found is not None and found.idle_s == pytest.approx(7.25 * found.busy_s, rel=0.01)
    stat.write_text("cpu  100\n")
    assert cpu_times(str(stat)) is None
    assert cpu_times(str(tmp_path / "none")) is None
