"""What one job's decision does to the others, by tables."""

from collections.abc import Callable
from typing import Any

import pytest

from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.plan.make import PlanOptions, make_plan, still_needed
from flowc.plan.reason import (
    NeededTemp,
    NewerInput,
    UpstreamMayRun,
    UpstreamRuns,
)
from flowc.record.history import FAILED
from flowc.testing import FakeDisk

SIGNS = "-?R"  # skip, maybe, run
Change = Callable[[FakeDisk, Any], None]


def wrote(path: str, at_ns: int | None = None) -> Change:
    return lambda disk, past: disk.write(path, "new", at_ns)


def touched(path: str, at_ns: int | None = None) -> Change:
    return lambda disk, past: disk.touch(path, at_ns)


def gone(path: str) -> Change:
    return lambda disk, past: disk.remove(path)


def recorded_as(path: str, **fields: Any) -> Change:
    def change(disk: FakeDisk, past: Any) -> None:
        past.change(path, **fields)

    return change


def then(*changes: Change) -> Change:
    def change(disk: FakeDisk, past: Any) -> None:
        for one in changes:
            one(disk, past)

    return change


def shown(plan: Plan) -> dict[str, str]:
    return {job.name: SIGNS[plan.decisions[job.id]] for job in plan.graph.jobs()}


def signs(plan: Plan, names: str) -> str:
    found = shown(plan)
    return "".join(found[name] for name in names)


# A chain: source s (1), job a makes fa (2), job b makes fb (3), job c makes fc (4).
# fmt: off
CHAIN: dict[str, tuple[str, Change, str]] = {
    #                  recorded after they have run                                       a, b, c
    "nothing":         ("abc", then(),                                                   "---"),
    "source changed":  ("abc", wrote("s"),                                               "R??"),
    "no record":       ("",    wrote("s"),                                               "RRR"),
    "no record of c":  ("ab",  wrote("s"),                                               "R??"),
    "no record of b":  ("ac",  wrote("s"),                                               "RR?"),
    "source touched":  ("abc", touched("s"),                                             "---"),
    "first missing":   ("abc", gone("fa"),                                               "---"),
    "middle missing":  ("abc", gone("fb"),                                               "---"),
    "both missing":    ("abc", then(gone("fa"), gone("fb")),                             "---"),
    "and last missing": ("abc", then(gone("fb"), gone("fc")),                            "-RR"),
    "missing, changed": ("abc", then(gone("fa"), gone("fb"), wrote("s")),                "RR?"),
    "last missing":    ("abc", gone("fc"),                                               "--R"),
    "middle edited":   ("abc", wrote("fb"),                                              "--R"),
    "middle failed":   ("abc", recorded_as("fb", state=FAILED),                          "-R?"),
    "content unknown": ("abc", then(wrote("s"), recorded_as("fb", content_digest=None)), "RR?"),
}
# fmt: on


def chain(build: Any, disk: FakeDisk, fb_in: str = "str", fb_out: str = "str") -> JobGraph:
    marks = {"str": str, "temp": build.temp, "ancient": build.ancient}

    graph: JobGraph = build.graph(
        disk,
        build.rule("c", [marks[fb_in]("fb")], ["fc"], "c"),
        build.rule("b", ["fa"], [marks[fb_out]("fb")], "b"),
        build.rule("a", ["s"], ["fa"], "a"),
    )
    return graph


@pytest.mark.parametrize("row", CHAIN.values(), ids=CHAIN)
def test_a_chain(row: tuple[str, Change, str], build: Any, past: Any) -> None:
    recorded, change, expected = row
    disk = FakeDisk({"s": 1, "fa": 2, "fb": 3, "fc": 4})
    if recorded:
        past.done(chain(build, disk), disk, *recorded)
    change(disk, past)
    plan = make_plan(chain(build, disk), past, disk)
    assert signs(plan, "abc") == expected


def test_reasons_name_what_is_upstream(build: Any, past: Any) -> None:
    disk = FakeDisk({"s": 1, "fa": 2, "fb": 3, "fc": 4})
    past.done(chain(build, disk), disk)
    disk.write("s", "n")
    plan = make_plan(chain(build, disk), past, disk)
    assert plan.reasons(JobId(0)) == [NewerInput("s")]
    assert plan.reasons(JobId(1)) == [UpstreamRuns("fa", "a")]
    assert plan.reasons(JobId(2)) == [UpstreamMayRun("fb", "b")]


def test_the_maker_of_an_ancient_input_brings_nothing_on(build: Any, past: Any) -> None:
    disk = FakeDisk({"s": 1, "fa": 2, "fb": 3, "fc": 4})
    disk.write("s", "n")
    plan = make_plan(chain(build, disk, fb_in="ancient"), past, disk)
    assert signs(plan, "abc") == "RR-"
    disk.remove("fb")  # unless it is not there
    plan = make_plan(chain(build, disk, fb_in="ancient"), past, disk)
    assert signs(plan, "abc") == "RRR"


# source s (1), job m makes temp t (2), job u makes f (3) of it and job v makes g (4) of it.
# fmt: off
TEMP: dict[str, tuple[bool, Change, str]] = {
    #                       recorded after they have run and t is gone     m, u, v
    "nothing":              (True,  then(),                               "---"),
    "nothing, no record":   (False, then(),                               "---"),
    "f missing":            (True,  gone("f"),                            "RR?"),
    "f missing, no record": (False, gone("f"),                            "RRR"),
    "s changed":            (True,  wrote("s"),                           "R??"),
    "s changed, no record": (False, wrote("s"),                           "RRR"),
    "s touched":            (True,  touched("s"),                         "---"),
    "s between f and g":    (False, then(touched("g", 9), wrote("s", 5)), "RRR"),
    "s older than both":    (False, wrote("s", 3),                        "---"),
    "m failed":             (True,  recorded_as("t", state=FAILED),       "R??"),
    "all gone":             (True,  then(gone("f"), gone("g")),           "RRR"),
}
# fmt: on


@pytest.mark.parametrize("as_list", [False, True], ids=["single", "list"])
@pytest.mark.parametrize("row", TEMP.values(), ids=TEMP)
def test_temp_that_is_gone(
    row: tuple[bool, Change, str],
    as_list: bool,
    build: Any,
    past: Any,
) -> None:
    recorded, change, expected = row
    disk = FakeDisk({"s": 1, "t": 2, "f": 3, "g": 4})

    def graph() -> JobGraph:
        made: JobGraph = build.graph(
            disk,
            build.rule("all", ["f", "g"], [], None),
            build.rule("m", ["s"], [build.temp("t")]),
            build.rule("u", [["t"]] if as_list else ["t"], ["f"]),
            build.rule("v", [["t"]] if as_list else ["t"], ["g"]),
        )
        return made

    if recorded:
        past.done(graph(), disk)
    disk.remove("t")
    change(disk, past)
    plan = make_plan(graph(), past, disk)
    assert signs(plan, "muv") == expected


def windows(build: Any, disk: FakeDisk, count: int) -> JobGraph:
    """Temp files t0, t1, ... and for each neighbouring pair a file w0, w1, ... made of both. In
    addition t0 needs a temp file of its own."""
    makers = [build.rule(f"m{i}", ["u"] if i == 0 else ["s"], [build.temp(f"t{i}")])
              for i in range(count + 1)]  # fmt: skip
    pairs = [build.rule(f"p{i}", [f"t{i}", f"t{i + 1}"], [f"w{i}"]) for i in range(count)]
    names = [[f"w{i}" for i in range(count)]]
    graph: JobGraph = build.graph(
        disk,
        build.rule("all", names, [], None),
        build.rule("n", ["s"], [build.temp("u")]),
        *makers,
        *pairs,
    )
    return graph


def test_a_need_spreads_through_all_neighbours(build: Any, past: Any) -> None:
    """What is made again for one is read by the next, which needs one more; to the very end."""
    disk = FakeDisk({"s": 1} | {f"w{i}": 5 for i in range(50)})
    assert not any(make_plan(windows(build, disk, 50), past, disk).decisions)
    disk.remove("w49")
    plan = make_plan(windows(build, disk, 50), past, disk)
    assert {job for job, sign in shown(plan).items() if sign == "-"} == {"all"}
    past.done(windows(build, disk, 50), disk)
    plan = make_plan(windows(build, disk, 50), past, disk)
    assert shown(plan) == {
        "all": "-",
        **{f"p{i}": "R" if i == 49 else "?" for i in range(50)},
        **{f"m{i}": "?" if i == 0 else "R" for i in range(51)},
        "m0": "R",
        "n": "R",
    }


def test_what_may_run_for_sure_runs_once_its_maker_is_needed(build: Any, past: Any) -> None:
    """`b` makes a temp that is gone; `c` has no record: at first both but may run."""
    disk = FakeDisk({"s": 1, "fa": 2, "fc": 4})
    graph = chain(build, disk, fb_out="temp")
    past.done(graph, disk, "a", "b")
    disk.write("s", "n")
    assert signs(make_plan(chain(build, disk, fb_out="temp"), past, disk), "abc") == "RRR"


def test_the_oldest_of_all_readers_is_what_counts(build: Any, past: Any) -> None:
    """Two jobs read the same list of temp files that are gone; only one is older than `s`."""
    for times in ({"f/1": 3, "f/2": 9}, {"f/1": 9, "f/2": 3}):
        disk = FakeDisk({"s": 5} | times)
        graph = build.graph(
            disk,
            build.rule("all", [["f/1", "f/2"]], [], None),
            build.rule("m", ["s"], [build.temp("t")]),
            build.rule("f", [["t"]], ["f/{w}"]),
        )
        plan = make_plan(graph, past, disk)
        assert plan.reasons(JobId(0)) == [NewerInput("s"), NeededTemp("t")]


def test_why_a_temp_is_made_again(build: Any, past: Any) -> None:
    disk = FakeDisk({"s": 1, "f": 3})
    rules = [build.rule("u", ["t"], ["f"]), build.rule("m", ["s"], [build.temp("t")])]
    disk.write("s", "n")
    plan = make_plan(build.graph(disk, *rules), past, disk)
    assert plan.reasons(JobId(0)) == [NewerInput("s"), NeededTemp("t")]
    disk.touch("s", 1)
    disk.remove("f")
    plan = make_plan(build.graph(disk, *rules), past, disk)
    assert plan.reasons(JobId(0)) == [NeededTemp("t")]


def test_a_phony_job_passes_on_what_stands_behind_it(build: Any, past: Any) -> None:
    """`g` claims to make `done`, has no action and no such file exists."""
    disk = FakeDisk({"s": 1, "fa": 2, "f": 3})

    def graph() -> JobGraph:
        made: JobGraph = build.graph(
            disk,
            build.rule("u", ["done"], ["f"]),
            build.rule("g", ["fa"], ["done"], None),
            build.rule("a", ["s"], ["fa"]),
        )
        return made

    assert signs(make_plan(graph(), past, disk), "agu") == "---"
    disk.write("fa", "n")
    assert signs(make_plan(graph(), past, disk), "agu") == "--R"
    disk.touch("f")
    disk.write("s", "n")
    assert signs(make_plan(graph(), past, disk), "agu") == "R-R"
    disk.touch("fa")
    disk.touch("f")
    past.done(graph(), disk)
    disk.touch("fa")  # newer, the same content
    assert signs(make_plan(graph(), past, disk), "agu") == "---"
    disk.write("fa", "other")
    assert signs(make_plan(graph(), past, disk), "agu") == "--R"


SELECT: dict[str, tuple[PlanOptions, str]] = {
    "all": (PlanOptions(), "a b c d"),
    "until b": (PlanOptions(until=("b",)), "a b"),
    "until a file": (PlanOptions(until=("fd",)), "d"),
    "until two": (PlanOptions(until=("a", "d")), "a d"),
    "omit b": (PlanOptions(omit_from=("b",)), "a d"),
    "omit a file": (PlanOptions(omit_from=("fa",)), "d"),
    "omit c, until b": (PlanOptions(omit_from=("c",), until=("b",)), "a b"),
    "omit b, until c": (PlanOptions(omit_from=("b",), until=("c",)), "a"),
}


@pytest.mark.parametrize(("options", "expected"), SELECT.values(), ids=SELECT)
def test_until_and_omit_from(options: PlanOptions, expected: str, build: Any, past: Any) -> None:
    """Chain a, b, c and d beside it; `fa` is temp and still made where it is as far as we go."""
    disk = FakeDisk({"s": 1})
    graph = build.graph(
        disk,
        build.rule("all", [["fc", "fd"]], [], None),
        build.rule("a", ["s"], [build.temp("fa")]),
        build.rule("b", [["fa"]], ["fb"]),
        build.rule("c", ["fb"], ["fc"]),
        build.rule("d", ["s"], ["fd"]),
    )
    plan = make_plan(graph, past, disk, options)
    assert " ".join(sorted(n for n, word in shown(plan).items() if word == "R")) == expected
    for job in graph.jobs():
        assert bool(plan.reasons(job.id)) == (job.name in expected.split())


def test_forced_jobs_bring_on_what_is_downstream(build: Any, past: Any) -> None:
    disk = FakeDisk({"s": 1, "fa": 2, "fb": 3, "fc": 4})
    plan = make_plan(chain(build, disk), past, disk, PlanOptions(force_rules=("b",)))
    assert signs(plan, "abc") == "-RR"
    plan = make_plan(chain(build, disk), past, disk, PlanOptions(force_targets=True))
    assert signs(plan, "abc") == "--R"
    past.done(chain(build, disk), disk)
    plan = make_plan(chain(build, disk), past, disk, PlanOptions(force_all=True))
    assert signs(plan, "abc") == "RRR"


# --- late decisions -------------------------------------------------------------------------------

LATE = {
    #                        recorded, what b leaves in fb, whether b ran -> is c needed
    "b ran, same": (True, "fb\n", True, False),
    "b ran, other": (True, "other", True, True),
    "b skipped": (True, "fb\n", False, False),
    "b ran, c unknown": (False, "fb\n", True, True),
    "b skipped, c unknown": (False, "fb\n", False, False),
}


@pytest.mark.parametrize(("recorded", "content", "ran", "needed"), LATE.values(), ids=LATE)
def test_the_late_decision(
    recorded: bool, content: str, ran: bool, needed: bool, build: Any, past: Any
) -> None:
    disk = FakeDisk({"s": 1, "fa": 2, "fb": 3, "fc": 4})
    past.done(chain(build, disk), disk, *(["a", "b", "c"] if recorded else ["a", "b"]))
    disk.write("s", "n")
    plan = make_plan(chain(build, disk), past, disk)
    assert signs(plan, "abc") == "R??"
    disk.write("fa", "new")
    if ran:
        disk.write("fb", content)
    over = {JobId(0)} | ({JobId(1)} if ran else set())
    assert still_needed(plan, JobId(1), disk, past, over.__contains__)
    assert still_needed(plan, JobId(2), disk, past, over.__contains__) == needed


def test_the_late_decision_looks_through_phony_jobs(build: Any, past: Any) -> None:
    disk = FakeDisk({"s": 1, "fa": 2, "f": 3})
    rules = [
        build.rule("u", ["done"], ["f"]),
        build.rule("g", ["fa"], ["done"], None),
        build.rule("a", ["s"], ["fa"]),
    ]
    past.done(build.graph(disk, *rules), disk)
    disk.write("s", "n")
    plan = make_plan(build.graph(disk, *rules), past, disk)
    assert signs(plan, "agu") == "R-?"
    disk.touch("fa")
    assert not still_needed(plan, JobId(2), disk, past, lambda job: job == 0)
    disk.write("fa", "other")
    assert still_needed(plan, JobId(2), disk, past, lambda job: job == 0)
