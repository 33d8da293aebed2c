"""Programs of which it is known what they use, through `flowc profile`: what it says is true.

However busy the machine is, a burner takes the CPU time that it is told, so cores are that by the
time it took; memory is that of a burner that does nothing, and what it is told besides.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.cli.main import main
from flowc.sizing.profile import Attempt, read_profile

pytestmark = pytest.mark.slow

BURNERS = Path(__file__).with_name("burners.py")
MIB = 1 << 20
Profile = Callable[..., dict[str, Attempt]]

# fmt: off
BUSY = {  # what runs: CPU seconds of it all, processes at most, threads at most
    "work threads 4 0.2":     (0.8, 1, 5),
    "forks 15 0.04":          (0.6, 2, 2),
}
MORE_BUSY = {
    "work threads 1 0.6":     (0.6, 1, 2),
    "work processes 2 0.3":   (0.6, 3, 3),
    "work threads 2 0.6":     (1.2, 1, 3),
    "work processes 1 0.8":   (0.8, 2, 2),
    "work processes 4 0.4":   (1.6, 5, 5),
    "forks 4 0.3":            (1.2, 2, 2),
    "forks 25 0.06":          (1.5, 2, 2),
}
LONG_BUSY = {
    "work threads 1 30":      (30.0, 1, 2),
    "work processes 2 15":    (30.0, 3, 3),
    "forks 300 0.05":         (15.0, 2, 2),
}
# fmt: on


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Runs burners one after the other, and gives what was measured of each by its words."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, cores: int = 1) -> dict[str, Attempt]:
        names = {f"rule{i}": text for i, text in enumerate(words)}
        rules = "".join(
            f"rule {name}:\n    output: '{name}.out'\n    resources: mem_mb=1\n"
            f"    shell: '{sys.executable} {BURNERS} {text} && touch {{output}}'\n"
            for name, text in names.items()
        )
        targets = ", ".join(f"'{name}.out'" for name in names)
        Path("Workflowfile").write_text(f"rule all:\n    input: {targets}\n{rules}")
        options = ["--cores", str(cores), "--enforce", "off", "-q", "-o", "p.json"]
        assert main(["profile", *options]) == 0
        attempts = (attempt for _, attempt in read_profile("p.json").attempts())
        return {names[attempt.rule]: attempt for attempt in attempts}

    return run


def used(cpu_s: float, one: Attempt, bare: Attempt) -> None:
    """Within a tenth of what is known; starting Python takes something, too."""
    assert one.cpu_s is not None and one.wall_s is not None and bare.cpu_s is not None
    assert one.cpu_s == pytest.approx(cpu_s + bare.cpu_s, rel=0.1)
    assert one.cores_mean == pytest.approx((cpu_s + bare.cpu_s) / one.wall_s, rel=0.1)
    assert one.cores_peak is not None and one.cores_mean is not None
    assert one.cores_mean * 0.999 <= one.cores_peak <= os.cpu_count() * 1.1  # type: ignore[operator]


def check_cores(busy: dict[str, tuple[float, int, int]], profile: Profile) -> None:
    found = profile("memory 0 0", *busy)
    for words, (cpu_s, processes, threads) in busy.items():
        one = found[words]
        used(cpu_s, one, found["memory 0 0"])
        if not words.startswith("forks"):  # those may end between two looks
            # with the shell that waits for them
            assert one.processes_peak == processes + 1, words
            assert one.threads_peak == threads + 1, words


def test_cores(profile: Profile) -> None:
    check_cores(BUSY, profile)


@pytest.mark.slow
def test_cores_of_others(profile: Profile) -> None:
    check_cores(MORE_BUSY, profile)


def test_memory(profile: Profile) -> None:
    sizes = [50, 120, 250]
    found = profile("memory 0 0.6", *(f"memory {size} 0.6" for size in sizes), cores=4)
    bare = found["memory 0 0.6"].memory_peak_bytes
    assert bare is not None
    for size in sizes:
        peak = found[f"memory {size} 0.6"].memory_peak_bytes
        assert peak == pytest.approx(bare + size * MIB, rel=0.05)


def test_short_ones_are_never_zero(profile: Profile) -> None:
    """50 ms, and less."""
    words = ["memory 0 0", "memory 80 0", "memory 80 0.05", "work threads 1 0.05"]
    found = profile(*words)
    for one in found.values():
        assert one.cpu_s and one.wall_s and one.cores_mean and one.cores_peak
        assert one.memory_peak_bytes and one.memory_peak_bytes > 2 * MIB
    bare = found["memory 0 0"].memory_peak_bytes
    for text in words[1:3]:
        peak = found[text].memory_peak_bytes
        assert peak is not None and bare is not None
        assert peak > 80 * MIB, "the kernel knows the peak between two looks"
        assert peak < bare + 88 * MIB
    assert (found["work threads 1 0.05"].cpu_s or 0) > 0.05


def test_without_a_profile_the_kernel_still_tells_of_every_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Small commands too, with and without a shell: not the memory that flowc itself has."""
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(
        "rule all:\n    input: expand('{n}.{kind}', n=range(12), kind=['plain', 'shell'])\n"
        "rule plain:\n    output: '{n}.plain'\n    shell: 'touch {output}'\n"
        "rule shell:\n    output: '{n}.shell'\n    shell: ': > {output}; true'\n"
    )
    assert main(["run", "--cores", "2", "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    ended = [event for event in events if event["event"] == "job-ended"]
    assert len(ended) == 24
    for event in ended:
        assert event["cpu_s"] > 0 and event["wall_s"] > 0
        assert MIB // 2 < event["peak_rss_bytes"] < 25 * MIB


def test_many_at_once_are_kept_apart(profile: Profile) -> None:
    words = [f"memory {20 * k} 0.7" for k in range(1, 6)]
    found = profile(*words, cores=5)
    peaks = [found[text].memory_peak_bytes or 0 for text in words]
    assert peaks == sorted(peaks)
    for k, peak in enumerate(peaks[1:], 1):
        assert peak - peaks[0] == pytest.approx(20 * k * MIB, rel=0.05, abs=2 * MIB)


@pytest.mark.slow
@pytest.mark.skipif("FLOWC_LONG" not in os.environ, reason="takes 90 s and 2 GB: FLOWC_LONG=1")
def test_long_and_large(profile: Profile) -> None:
    """Half a minute, and two gigabytes."""
    found = profile("memory 0 0.6", "memory 2000 2", "shared 1000 3 3", *LONG_BUSY)
    bare = found["memory 0 0.6"]
    for words, (cpu_s, *_) in LONG_BUSY.items():
        used(cpu_s, found[words], bare)
    assert bare.memory_peak_bytes is not None
    for words, size_mb in (("memory 2000 2", 2000), ("shared 1000 3 3", 1000)):
        expected = bare.memory_peak_bytes + size_mb * MIB
        assert found[words].memory_peak_bytes == pytest.approx(expected, rel=0.05)
