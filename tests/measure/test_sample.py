"""The sampler against programs that use a known amount.

The machine may have other things to do: cores are held against what the kernel counts at the end.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowc.measure.sample import Allowance, Sampler
from flowc.measure.series import Moment, Series, cores_between, halve

BURNERS = Path(__file__).with_name("burners.py")
MIB = 1 << 20


class Seen:
    """What was seen of a burner, and what the kernel says."""

    def __init__(self, *arguments: object) -> None:
        sampler = Sampler()
        began_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(BURNERS), *map(str, arguments)], start_new_session=True
        )
        sampler.watch(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        self.wall_s = time.monotonic() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        series = sampler.forget(process.pid)
        assert series is not None
        sampler.close()
        self.series: Series = series
        self.cpu_s = used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("threads", 2),
        pytest.param("threads", 1, marks=pytest.mark.slow),
        pytest.param("threads", 4, marks=pytest.mark.slow),
        pytest.param("processes", 4, marks=pytest.mark.slow),
    ],
)
def test_cores(kind: str, count: int) -> None:
    seen = Seen("cores", kind, count, 1.2)
    mean = seen.cpu_s / seen.wall_s
    # `/proc` cuts the user and the system time of each process to 10 ms; the profiler takes the
    # kernel's own sum where it is more.
    cut_s = 0.02 * (count + 1)
    assert seen.series.cpu_s == pytest.approx(seen.cpu_s, rel=0.1, abs=cut_s)
    assert seen.series.cores_peak is not None
    assert seen.series.cores_peak >= 0.9 * mean - cut_s
    most = len(os.sched_getaffinity(0))
    assert seen.series.cores_peak <= min(count, most) * 1.1
    if kind == "threads":
        assert seen.series.threads_peak in (count, count + 1)
    else:
        assert seen.series.processes_peak == count + 1


@pytest.mark.parametrize("size_mb", [50, 300])
def test_memory(size_mb: int) -> None:
    bare = Seen("memory", 1, 0.3).series.memory_peak_bytes
    seen = Seen("memory", size_mb, 0.6).series.memory_peak_bytes
    assert seen == pytest.approx(bare + (size_mb - 1) * MIB, rel=0.05)


def test_memory_that_processes_share_is_counted_once() -> None:
    seen = Seen("shared", 150, 3, 0.8)
    assert 150 * MIB < seen.series.memory_peak_bytes < 200 * MIB
    assert seen.series.rss_peak_bytes > 3.9 * 150 * MIB


def test_memory_that_may_not_be_looked_into_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowc.measure.sample.read_parts", lambda pid: None)
    seen = Seen("shared", 20, 2, 0.5)
    assert not seen.series.every_pss_read
    assert seen.series.memory_peak_bytes == seen.series.rss_peak_bytes > 60 * MIB


def test_what_forks_and_ends_is_counted() -> None:
    seen = Seen("tree", 1.2)
    # what ends after the last look, at the end, is in the kernel's sum: see `test_truth`
    assert seen.series.cpu_s == pytest.approx(seen.cpu_s, rel=0.1, abs=0.05)
    assert seen.series.cores_peak is not None
    assert seen.series.cores_peak > 0.8 * seen.cpu_s / seen.wall_s


def test_a_process_that_nobody_waits_for_still_counts(tmp_path: Path) -> None:
    script = (
        "import os, time, hashlib\n"
        "end, keep = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"  # its parent ends at once: it becomes nobody's child
        "        while time.process_time() < 0.3: hashlib.blake2b(bytes(1 << 20))\n"
        "        time.sleep(0.1)\n"
        "    os._exit(0)\n"
        "os.close(keep)\n"
        "os.wait()\n"
        "os.read(end, 1)\n"
    )
    sampler = Sampler()
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    sampler.watch(process.pid)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    series = sampler.forget(process.pid)
    sampler.close()
    assert series is not None
    assert series.cpu_s > used.ru_utime + used.ru_stime + 0.1


def test_one_sampler_serves_many_jobs_and_keeps_them_apart() -> None:
    sampler = Sampler()
    sizes = [20, 60, 100]
    processes = [
        subprocess.Popen(
            [sys.executable, str(BURNERS), "memory", str(size), "0.7"], start_new_session=True
        )
        for size in sizes
    ]
    for process in processes:
        sampler.watch(process.pid)
    for process, size in zip(processes, sizes, strict=True):
        process.wait()
        series = sampler.forget(process.pid)
        assert series is not None
        assert size * MIB < series.memory_peak_bytes < (size + 30) * MIB
    assert sampler.forget(processes[0].pid) is None
    sampler.close()


def test_children_that_are_older_than_the_watch_are_found() -> None:
    sampler = Sampler()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"])
    sampler.watch(other.pid)  # so that it looks around
    process = subprocess.Popen(
        [sys.executable, str(BURNERS), "shared", "1", "2", "0.8"], start_new_session=True
    )
    time.sleep(0.4)
    sampler.watch(process.pid)
    process.wait()
    series = sampler.forget(process.pid)
    other.kill()
    other.wait()
    sampler.close()
    assert series is not None
    assert series.processes_peak == 3


@pytest.mark.bench
def test_the_sampler_costs_little() -> None:
    """16 jobs of 4 processes each: under 1 % of a core over a minute, once they are under way."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(BURNERS), "shared", "20", "3", "72"], start_new_session=True
        )
        for _ in range(16)
    ]
    sampler = Sampler()
    for process in processes:
        sampler.watch(process.pid)
    time.sleep(10)  # beginnings are looked at closely, on credit
    before_s, began_s = _own_cpu_s(), time.monotonic()
    time.sleep(60)
    cost = (_own_cpu_s() - before_s) / (time.monotonic() - began_s)
    looks = []
    for process in processes:
        series = sampler.forget(process.pid)
        assert series is not None
        assert series.processes_peak == 4
        looks.append(series.looks)
        process.wait()
    sampler.close()
    print(f"{100 * cost:.2f} % of a core, {min(looks)} looks at each job in 70 s")
    assert cost < 0.01
    assert min(looks) >= 50, "it does not save by looking away"


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def moments(count: int) -> list[Moment]:
    return [Moment(0.1 * i, 0.05 * i, i * MIB, None, 1, 1) for i in range(1, count + 1)]


def test_a_series_stays_small_and_keeps_its_peaks() -> None:
    series = Series()
    for moment in moments(5000):
        series.add(moment)
    assert len(series.moments) <= 240
    shown = series.shown()
    assert len(shown) <= 60
    assert max(m.rss_bytes for m in shown) == series.rss_peak_bytes == 5000 * MIB
    assert series.cores_peak == pytest.approx(0.5)
    assert cores_between(shown) == pytest.approx([0.5] * len(shown))


def test_halving_keeps_the_last_moment() -> None:
    assert [m.at_s for m in halve(moments(5))] == pytest.approx([0.2, 0.4, 0.5])
    assert halve([]) == []


def test_cores_are_not_told_of_less_than_a_second() -> None:
    series = Series()
    series.add(Moment(0.5, 0.5, MIB, MIB, 1, 1))
    assert series.cores_peak is None
    series.add(Moment(1.0, 0.5, MIB, MIB, 1, 1))
    assert series.cores_peak == pytest.approx(0.5)


def test_a_late_look_does_not_hide_what_was_before() -> None:
    """Of the times that end with it, the shortest that has a second is nearly idle."""
    series = Series()
    for at_s, cpu_s in ((0.9, 0.9), (0.95, 0.95), (2.0, 0.95)):
        series.add(Moment(at_s, cpu_s, MIB, MIB, 1, 1))
    assert series.cores_peak == pytest.approx(0.95 / 2)


def test_an_allowance_is_refilled_by_time() -> None:
    allowance = Allowance(0.01, 0.05, 0.0)
    allowance.use(0.1, 0.0)
    assert allowance.left_s == pytest.approx(-0.05)
    assert allowance.refill(5.0) == pytest.approx(0.0)
    assert allowance.refill(1000.0) == pytest.approx(0.05)
