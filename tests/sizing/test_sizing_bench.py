"""The benchmark of sizing itself: its accounts, its baselines, its schedules, on made-up tasks."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from bench.sizing.methods import METHODS, OURS, PEAK, Conformal, Percentile, Tovar, TovarNode
from bench.sizing.protocol import (
    COLD,
    MOST_BYTES,
    OFFLINE,
    REGIMES,
    Method,
    Score,
    Task,
    Workflow,
    arrange,
    attempts,
    judge,
    play,
    read_traces,
)
from bench.sizing.schedule import AS_RUN, AT_REQUEST, Oracle, Rules, bound_s, makespan_s

GB = 1e9
COLUMNS = "process,tag,cpus,rchar,peak_rss,memory,realtime_ms,submit_ms"


class Fixed:
    """Asks for these, one after another."""

    def __init__(self, *asked: float) -> None:
        self.asked = asked

    def learn(self, task: Task) -> None: ...

    def request(self, task: Task, attempt: int, previous_bytes: float) -> float:
        return self.asked[attempt - 1]


def task(peak: float, wall_s: float = 10.0, size: float = GB, at_ms: float = 0.0) -> Task:
    return Task(size, peak, wall_s, 8 * GB, at_ms, 1, "a")


def workflow(seed: int = 1, count: int = 40) -> Workflow:
    """Two rules that differ: one grows with its input."""
    rng = random.Random(seed)
    rules: dict[str, list[Task]] = {"grows": [], "flat": []}
    for k in range(count):
        size = rng.uniform(1, 9) * GB
        for rule, peak in (("grows", size / 2 + rng.gauss(1, 0.1) * GB), ("flat", 3 * GB)):
            rules[rule].append(Task(size, peak, rng.uniform(5, 50), 20 * GB, k, 2, f"sample{k}"))
    return rules


# fmt: off
ACCOUNTS = {  # asked for, share of the run time of a kill: waste of a task of 2 GB and 10 s, fails
    "enough":      ((3 * GB,),                 1.0, 10 * GB,                  0),
    "exactly":     ((2 * GB,),                 1.0, 0.0,                      0),
    "killed once": ((1 * GB, 3 * GB),          1.0, 10 * GB + 10 * GB,        1),
    "half of it":  ((1 * GB, 3 * GB),          0.5, 5 * GB + 10 * GB,         1),
    "twice":       ((1 * GB, 1.5 * GB, 2 * GB), 1.0, 25 * GB,                 1),
    "too much":    ((999 * GB,),               1.0, 10 * (MOST_BYTES - 2 * GB), 0),
}
# fmt: on


@pytest.mark.parametrize(("asked", "share", "waste", "fails"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_waste(asked: tuple[float, ...], share: float, waste: float, fails: int) -> None:
    assert play(Fixed(*asked), task(2 * GB), share) == Score(waste, 20 * GB, fails, 1)


def test_a_method_that_never_asks_for_more_is_found_out() -> None:
    with pytest.raises(ValueError, match="was too little"):
        attempts(Fixed(GB, GB), task(2 * GB))


def told(method: Method, *peaks: float) -> Method:
    for k, peak in enumerate(peaks):
        method.learn(task(peak * GB, size=k * GB))
    return method


def test_baselines_on_figures_done_by_hand() -> None:
    new = task(0.0, size=4 * GB)
    assert told(METHODS[PEAK](), 1, 3, 2).request(new, 1, 0.0) == 3 * GB
    assert told(Percentile(), *range(101)).request(new, 1, 0.0) == 95 * GB
    # 1 GB for all and 10 GB again for one of ten wastes less than 10 GB for all
    assert told(Tovar(), *[1] * 9, 10).request(new, 1, 0.0) == GB
    assert told(TovarNode(), *[1] * 9, 10).request(new, 1, 0.0) == 10 * GB  # the node is far more
    assert told(Conformal(), 1, 2, 3, 4).request(new, 1, 0.0) == pytest.approx(5 * GB)
    for name, make in METHODS.items():
        assert make().request(new, 1, 0.0) == 8 * GB, f"{name}: the preset, as nothing is known"


def test_every_regime_gives_every_method_the_same_tasks_and_hides_what_comes() -> None:
    tasks = workflow()["grows"]
    for regime in REGIMES:
        arranged, known = arrange("grows", tasks, regime, 1)
        assert sorted(arranged) == sorted(tasks)
        assert known == (0 if regime == COLD else 12)
        assert arranged == arrange("grows", tasks, regime, 1)[0]
    assert arrange("grows", tasks, OFFLINE, 1) != arrange("grows", tasks, OFFLINE, 2)
    assert [t.submitted_ms for t in arrange("grows", tasks, COLD, 1)[0]] == list(range(40))


@pytest.mark.parametrize("regime", REGIMES)
def test_flowc_wastes_least_where_memory_grows_with_the_input(regime: str) -> None:
    traces = {"made": workflow()}
    scores = {name: judge(traces, make, regime, (1, 2)).ratio for name, make in METHODS.items()}
    assert scores[OURS] < 0.75 * min(scores[PEAK], scores["Tovar, then doubling"])
    assert judge(traces, Oracle, regime, (1, 2)).ratio < 1e-6


def test_no_schedule_beats_the_bound_and_failures_take_time() -> None:
    made = workflow()
    bound = bound_s(made, 8, 1)
    oracle = makespan_s(made, Oracle, 8, 1, AT_REQUEST)
    ours = makespan_s(made, METHODS[OURS], 8, 1, AS_RUN)
    failing = makespan_s(made, lambda: Fixed(GB / 2, GB, 2 * GB, 128 * GB), 8, 1, AT_REQUEST)
    assert bound <= oracle <= ours * 1.1
    assert ours < failing


def alone(peaks: list[float]) -> Workflow:
    """Tasks of samples of their own, each 10 s: the first ones are the history, all of 1 GB."""
    known = [task(GB, size=GB)._replace(sample=f"k{i}") for i in range(34)]
    rest = [task(peak)._replace(sample=f"s{i}") for i, peak in enumerate(peaks)]
    return {"rule": [*known, *rest]}


# fmt: off
ENDS = {  # asked for, cores, peaks: the makespan where what is too little is killed, and of a run,
    #                                                which has no slack, and kills half-way
    "within the slack":  ((1.0, 4.0),   8, [1.2],         (20.0, 10.0, 15.0)),
    "beyond it":         ((1.0, 4.0),   8, [1.3],         (20.0, 20.0, 15.0)),
    "to spare":          ((0.5, 4.0),   8, [1.1],         (20.0, 10.0, 10.0)),
    "the machine full":  ((60.0, 80.0), 8, [65.0, 65.0],  (30.0, 20.0, 25.0)),
}
# fmt: on


@pytest.mark.parametrize(("asked", "cores", "peaks", "ends"), ENDS.values(), ids=ENDS)
def test_a_run_lets_jobs_exceed_what_they_asked_for_and_nobody_the_machine(
    asked: tuple[float, ...],
    cores: int,
    peaks: list[float],
    ends: tuple[float, float, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bench.sizing.schedule.arrange",
        lambda rule, tasks, regime, seed: (tasks, len(tasks) - len(peaks)),
    )
    made = alone([peak * GB for peak in peaks])
    sizes = [size * GB for size in asked]
    for rules, end in zip((AT_REQUEST, AS_RUN, Rules(True, 0.0, 0.5)), ends, strict=True):
        assert makespan_s(made, lambda: Fixed(*sizes), cores, 1, rules) == end


def test_traces_are_read_from_a_folder(tmp_path: Path) -> None:
    rows = [f"align,s{k},4,{k},{k * 1000},5000,1500,{k}" for k in range(40)]
    rows += ["index,-,1,5,,,,0"] * 33  # too few to count
    (tmp_path / "small.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
    traces = read_traces(tmp_path)
    assert list(traces) == ["small"] and list(traces["small"]) == ["align"]
    assert traces["small"]["align"][3] == Task(3, 3000, 1.5, 5000, 3, 4, "s3")


def test_without_traces_it_says_so(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parent.parent / "bench" / "sizing"
    run = subprocess.run(
        [sys.executable, str(script), "--traces", str(tmp_path)], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "there are no traces" in run.stderr


@pytest.mark.bench
@pytest.mark.skipif("FLOWC_TRACES" not in os.environ, reason="FLOWC_TRACES names no traces")
def test_flowc_beats_every_baseline_on_real_traces(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parent.parent / "bench" / "sizing"
    found = tmp_path / "found.json"
    subprocess.run([sys.executable, str(script), "--json", str(found)], check=True)
    checks = json.loads(found.read_text())["checks"]
    assert not [what for what, ok in checks.items() if not ok and "oracle" not in what]
