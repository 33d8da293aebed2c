"""The cases: what is compared with what, and what has to hold."""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import workloads
from bench.measure import MIB, Contestant, apart, run_once

FLOWC = (sys.executable, "-m", "flowc")
BARE_LOOP = Path(__file__).with_name("bare_loop.py")


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and the most it may be."""

    text: str
    value: Callable[[dict[str, Contestant]], float | None]  # None: the peer is not installed
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Case:
    """`contestants` makes the workload below a directory, small where the run is a quick one."""

    name: str
    title: str
    contestants: Callable[[Path, bool], list[Contestant]]
    targets: tuple[Target, ...] = ()
    quick_targets: tuple[Target, ...] = ()  # for the smaller workload
    rounds: int = 3


def figure(name: str, kind: str, limit: float) -> Target:
    """`kind` is a field of `Cost`; memory is given in MiB."""
    words = {"cpu_s": "CPU", "wall_s": "wall clock", "rss_bytes": "peak memory"}
    scale, unit = (MIB, "MiB") if kind == "rss_bytes" else (1, "s")
    text = f"{words[kind]} of {name}"
    return Target(text, lambda by_name: by_name[name].median(kind) / scale, limit, unit)


def ratio(name: str, peer: str, kind: str, limit: float) -> Target:
    words = {"cpu_s": "CPU", "wall_s": "wall clock"}

    def value(by_name: dict[str, Contestant]) -> float | None:
        if peer not in by_name:
            return None
        pairs = zip(by_name[name].all(kind), by_name[peer].all(kind), strict=False)
        return statistics.median(ours / max(theirs, 1e-3) for ours, theirs in pairs)

    return Target(f"{words[kind]} of {name} / {peer}", value, limit, "x")


def make(work: Callable[..., None], where: Path, *args: object, **named: object) -> Path:
    """A workload in a directory of its own, made once."""
    if not (where / "Workflowfile").exists():
        where.mkdir(parents=True, exist_ok=True)
        apart(partial(work, where, *args, **named))
    return where


def installed(*contestants: Contestant) -> list[Contestant]:
    return [c for c in contestants if shutil.which(c.argv[0]) is not None]


def said(jobs: int) -> bytes:
    """What a plan of so many jobs prints."""
    return f"{jobs:,} jobs".encode()


# -- planning


def version(where: Path, quick: bool) -> list[Contestant]:
    where.mkdir(parents=True, exist_ok=True)
    return [
        Contestant("flowc", [*FLOWC, "--version"], where),
        Contestant("python -c pass", [sys.executable, "-c", "pass"], where),
    ]


def plan_chains(samples: int, quick_samples: int, where: Path, quick: bool) -> list[Contestant]:
    count = quick_samples if quick else samples
    here = make(workloads.chains, where / f"chains-{count}", count, command="touch @", sources=True)
    snakemake = ["snakemake", "-n", "--quiet", "all", "--cores", "2"]
    return [
        Contestant("flowc", [*FLOWC, "plan", "-q"], here, fresh, expect=said(3 * count)),
        *installed(
            Contestant("ninja", ["ninja", "-n", "--quiet"], here),
            Contestant("make", ["make", "-n"], here),
            *([Contestant("snakemake", snakemake, here, rounds=1)] if count <= 1000 else []),
        ),
    ]


def plan_two_rules(where: Path, quick: bool) -> list[Contestant]:
    """The same at growing sizes: what a job costs must not grow with them."""
    sizes = (5, 500, 5_000) if quick else (5, 5_000, 50_000, 1_000_000)
    return [
        Contestant(
            f"{2 * n} jobs",
            [*FLOWC, "plan", "-q"],
            make(workloads.two_rules, where / f"two-rules-{n}", n),
            fresh,
            rounds=None if n < 100_000 else 1,
            expect=said(2 * n),
        )
        for n in sizes
    ]


def per_job(small: str, large: str) -> Callable[[dict[str, Contestant]], float]:
    """How much more CPU a job costs in the large graph, the cost of starting up set aside."""

    def value(by_name: dict[str, Contestant]) -> float:
        start_s = by_name["10 jobs"].median("cpu_s")
        each = [
            (by_name[n].median("cpu_s") - start_s) / int(n.partition(" ")[0])
            for n in (small, large)
        ]
        return each[1] / each[0]

    return value


def plan_all_to_all(where: Path, quick: bool) -> list[Contestant]:
    width = 300 if quick else 3_000
    here = make(workloads.all_to_all, where / f"all-to-all-{width}", width)
    argv = [*FLOWC, "plan", "-q"]
    return [Contestant("flowc", argv, here, fresh, expect=said(2 * width))]


# -- running


def fresh(where: Path) -> None:
    """Nothing is made yet, and no tool remembers anything.

    What was there is moved away and not deleted: ext4 does not give away the inodes of files that
    were deleted in the last minute, and looks through them all for each new file.
    """
    gone = where.parent / "gone" / f"{where.name}-{time.time_ns()}"
    gone.mkdir(parents=True)
    for name in (".flowc", ".snakemake", ".ninja_log", ".ninja_deps", *workloads.STEPS):
        with suppress(FileNotFoundError):
            (where / name).rename(gone / name)


def fresh_folders(where: Path) -> None:
    """For tools that do not make the folders of their outputs."""
    fresh(where)
    for folder in workloads.STEPS:
        (where / folder).mkdir()


def finished(where: Path) -> None:
    """Every output is there, and flowc has taken them for its own."""
    if (where / ".finished").exists():
        return
    fresh_folders(where)
    for line in (where / "outputs").read_text().splitlines():
        (where / line).touch()
    os.sync()
    flowc = Contestant("flowc run --touch", [*FLOWC, "run", "--touch", "-q"], where)
    run_once(flowc)
    (where / ".finished").touch()


def nothing_to_do(where: Path, quick: bool) -> list[Contestant]:
    samples = 1_000 if quick else 10_000
    here = where / f"finished-{samples}"
    make(workloads.chains, here, samples, command="touch @", sources=True)
    done = b"othing to be done"
    return [
        Contestant("flowc", [*FLOWC, "run", "--cores", "2"], here, finished, expect=done),
        *installed(Contestant("make", ["make", "-j2"], here, finished)),
    ]


def run_chains(command: str, where: Path, quick: bool, samples: int = 1_000) -> list[Contestant]:
    samples = 100 if quick else samples
    name = "touch" if command.startswith("touch") else "bash"
    here = make(
        workloads.chains, where / f"run-{name}-{samples}", samples, command=command, sources=False
    )
    words = command.split() if name == "touch" else ["bash", "-c", command]
    bare = [sys.executable, "-S", str(BARE_LOOP), "outputs", "2", *words]
    return [
        Contestant("flowc", [*FLOWC, "run", "--cores", "2", "-q"], here, fresh),
        *installed(
            Contestant("ninja", ["ninja", "-j2", "--quiet"], here, fresh),
            Contestant("make", ["make", "-j2", "-s"], here, fresh_folders),
            Contestant("posix_spawn loop", bare, here, fresh_folders),
        ),
    ]


BIG, BIGGER = "10000 jobs", "2000000 jobs"
CASES = {
    case.name: case
    for case in (
        Case(
            "version",
            "flowc --version",
            version,
            (figure("flowc", "cpu_s", 0.060),),
            rounds=9,
        ),
        Case(
            "plan-10",
            "plan of a workflow of about 10 jobs",
            partial(plan_chains, 3, 3),
            (figure("flowc", "cpu_s", 0.150),),
            rounds=9,
        ),
        Case(
            "plan-30k",
            "plan of 30,000 jobs, from nothing",
            partial(plan_chains, 10_000, 1_000),
            (figure("flowc", "cpu_s", 1.0), figure("flowc", "rss_bytes", 120)),
            (figure("flowc", "cpu_s", 0.35), figure("flowc", "rss_bytes", 60)),
            rounds=5,
        ),
        Case(
            "plan-300k",
            "plan of 300,000 jobs",
            partial(plan_chains, 100_000, 2_000),
            (ratio("flowc", "ninja", "cpu_s", 1.0), ratio("flowc", "ninja", "wall_s", 1.0)),
            (),
        ),
        Case(
            "plan-2m",
            "plan of `download -> process` over 1,000,000 samples",
            plan_two_rules,
            (
                figure(BIGGER, "cpu_s", 30),
                figure(BIGGER, "rss_bytes", 3 * 1024),
                Target("CPU of a job, 2,000,000 / 10,000", per_job(BIG, BIGGER), 1.5, "x"),
            ),
            (Target("CPU of a job, 10,000 / 1,000", per_job("1000 jobs", BIG), 1.5, "x"),),
            rounds=9,  # 10,000 jobs take some 50 ms more than 10
        ),
        Case(
            "all-to-all",
            "layer in which each of 3,000 jobs reads the same 3,000 files",
            plan_all_to_all,
            (figure("flowc", "cpu_s", 3.0),),
            (figure("flowc", "cpu_s", 0.5),),
        ),
        Case(
            "noop-30k",
            "nothing-to-do run of 30,000 finished jobs",
            nothing_to_do,
            (figure("flowc", "cpu_s", 1.5),),
            (figure("flowc", "cpu_s", 0.5),),
            rounds=5,
        ),
        Case(
            "run-3000",
            "run of 3,000 trivial jobs (`touch`), 2 cores",
            partial(run_chains, "touch @"),
            (ratio("flowc", "ninja", "wall_s", 1.15),),
            (),
            rounds=5,
        ),
        Case(
            "run-30000",
            "run of 30,000 trivial jobs (`touch`), 2 cores",
            partial(run_chains, "touch @", samples=10_000),
            (
                ratio("flowc", "ninja", "wall_s", 1.25),
                figure("flowc", "rss_bytes", 120),
            ),
        ),
        Case(
            "run-3000-bash",
            "run of 3,000 jobs that need bash (`echo x > FILE`), 2 cores; for information",
            partial(run_chains, "echo x > @"),
        ),
    )
}
