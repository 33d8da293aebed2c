"""flowc's figures beside nipype's and Snakemake's, of the same processes at the same time.

    PYTHONPATH=. python tests/bench/measuring/compare.py

Each program is started once; flowc's sampler, nipype's `ResourceMonitor` (once a second, as is its
default) and Snakemake's `benchmark` all watch it, and `wait4` says what the kernel has counted. A
peer that is not installed is left out.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from flowc.measure.sample import Sampler

BURNERS = Path(__file__).parents[2] / "measure" / "burners.py"
MIB = 1 << 20

PROGRAMS = {  # words for the burners, CPU seconds, MB
    "1 thread": ("work threads 1 3", 3.0, 0),
    "2 threads": ("work threads 2 2", 4.0, 0),
    "4 threads": ("work threads 4 1", 4.0, 0),
    "2 processes": ("work processes 2 2", 4.0, 0),
    "4 processes": ("work processes 4 1", 4.0, 0),
    "a child": ("work processes 1 3", 3.0, 0),
    "forks and ends": ("forks 75 0.04", 3.0, 0),
    "50 ms": ("work threads 1 0.05", 0.05, 0),
    "500 MB for 2 s": ("memory 500 2", None, 500),
    "2 GB for 2 s": ("memory 2000 2", None, 2000),
    "300 MB for 50 ms": ("memory 300 0.05", None, 300),
    "200 MB in 4 processes": ("shared 200 3 3", None, 200),
}
"""What is known of them: cores are the CPU time by the time that it took, on any machine."""


Stop = Callable[[], tuple[float | str, float | None]]
"""To be called at the end: cores and MB."""


def nipype_monitor(pid: int, directory: str) -> Stop:
    """Its figure for cores is the largest it has seen; the median is beside it."""
    from nipype.utils.profiler import ResourceMonitor

    monitor = ResourceMonitor(pid, freq=1, fname=f"{directory}/nipype", python=False)
    monitor.start()

    def stop() -> tuple[float | str, float | None]:
        found = monitor.stop()
        typical = median(found["prof_dict"]["cpus"]) / 100
        return f"{found['cpu_percent'] / 100:.2f} ({typical:.2f})", found["mem_peak_gb"] * 1024

    return stop


def snakemake_monitor(pid: int, directory: str) -> Stop:
    """Its figure for cores is CPU time by run time."""
    from snakemake.benchmark import benchmarked

    stack = ExitStack()
    record = stack.enter_context(benchmarked(pid))

    def stop() -> tuple[float | str, float | None]:
        stack.close()
        seen = record.max_pss if record.max_pss else record.max_rss
        cores = record.cpu_time / record.running_time if record.cpu_time else 0.0
        return cores, seen

    return stop


def peers() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, module, start in (
        ("nipype", "nipype.utils.profiler", nipype_monitor),
        ("snakemake", "snakemake.benchmark", snakemake_monitor),
    ):
        try:
            __import__(module)
        except ImportError:
            continue
        yield name, start


def run(
    words: str, cpu_s: float | None, memory_mb: int, watchers: dict[str, Callable[..., Any]]
) -> dict[str, tuple[Any, Any]]:
    """By tool: cores and MB; `known` for what a burner was told, `wait4` for what the kernel says
    of the CPU."""
    sampler = Sampler()
    with TemporaryDirectory() as directory:
        began_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(BURNERS), *words.split()], start_new_session=True
        )
        sampler.watch(process.pid)
        stops = {name: start(process.pid, directory) for name, start in watchers.items()}
        _, _, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began_s
        process.returncode = 0
        series = sampler.forget(process.pid)
        found = {name: stop() for name, stop in stops.items()}
    sampler.close()
    assert series is not None
    mean = (used.ru_utime + used.ru_stime) / wall_s
    peak_mb = max(series.memory_peak_bytes, 0) / MIB
    cores = max(mean, series.cores_peak or 0.0)
    known = ("" if cpu_s is None else cpu_s / wall_s, memory_mb or None)
    return {"known": known, "wait4": (mean, None), "flowc": (cores, peak_mb), **found}


def main() -> None:
    watchers = dict(peers())
    tools = ["known", "wait4", "flowc", *watchers]
    print("cores: what the program was told to use, wait4's mean, flowc's peak over a second,")
    print("nipype's largest (median), Snakemake's mean; MB: at the peak, and what was told besides")
    print("what an idle program takes\n")
    print(f"{'':22}" + "".join(f"{tool:>20}" for tool in tools))
    for name, (words, cpu_s, memory_mb) in PROGRAMS.items():
        found = run(words, cpu_s, memory_mb, watchers)
        cells = []
        for tool in tools:
            cores, memory = found[tool]
            shown = cores if isinstance(cores, str) else f"{cores:.2f}"
            size = "" if memory is None else f" {memory:4.0f} MB"
            cells.append(f"{shown + size:>20}")
        print(f"{name:22}" + "".join(cells))


if __name__ == "__main__":
    main()
