"""The truth table: every state that a job's files, record and options can be in."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError
from flowc.ids import JobId
from flowc.lang.workflow import Rule
from flowc.plan.decision import Decision
from flowc.plan.make import TRIGGERS, PlanOptions, make_plan
from flowc.plan.reason import (
    ChangedCode,
    ChangedInputs,
    ChangedParams,
    FailedBefore,
    Forced,
    Interrupted,
    MissingOutput,
    NewerInput,
    NoOutput,
    Reason,
)
from flowc.record.history import FAILED, INTERRUPTED, NoHistory
from flowc.testing import FakeDisk

RUN, SKIP = Decision.RUN, Decision.SKIP
MAKE = JobId(0)  # the one job there is


Change = Callable[[FakeDisk], None]


def wrote(path: str, at_ns: int, content: str = "new") -> Change:
    return lambda disk: disk.write(path, content, at_ns)


def touched(path: str, at_ns: int) -> Change:
    return lambda disk: disk.touch(path, at_ns)


def gone(path: str) -> Change:
    return lambda disk: disk.remove(path)


def made(directory: str, at_ns: int) -> Change:
    return lambda disk: disk.make_directory(directory, at_ns)


def stamped(directory_ns: int, stamp_ns: int) -> Change:
    return then(made("z", directory_ns), wrote("z/.flowc_timestamp", stamp_ns))


def then(*changes: Change) -> Change:
    def change(disk: FakeDisk) -> None:
        for one in changes:
            one(disk)

    return change


def only(trigger: str) -> PlanOptions:
    return PlanOptions(rerun_triggers=frozenset({trigger}))


def without(trigger: str) -> PlanOptions:
    return PlanOptions(rerun_triggers=TRIGGERS - {trigger})


# Job `make`: reads a (time 10) and b (time 20), makes x (time 30) and y (time 40).
# What happens after it has run, without and with its record kept:
NO_X, NO_Y = MissingOutput("x"), MissingOutput("y")
A, B = NewerInput("a"), NewerInput("b")
# fmt: off
FILES: dict[str, tuple[Change, list[Reason], list[Reason]]] = {
    #                     after it has run                          no record     record
    "nothing":            (then(),                                   [],           []),
    "first gone":         (gone("x"),                                [NO_X],       [NO_X]),
    "last gone":          (gone("y"),                                [NO_Y],       [NO_Y]),
    "all gone":           (then(gone("x"), gone("y")),               [NO_X, NO_Y], [NO_X, NO_Y]),
    "of same time":       (wrote("a", 30),                           [],           []),
    "between outputs":    (wrote("a", 35),                           [A],          [A]),
    "newer than all":     (wrote("a", 50),                           [A],          [A]),
    "both inputs newer":  (then(wrote("a", 50), wrote("b", 50)),     [A, B],       [A, B]),
    "input touched":      (touched("a", 50),                         [A],          []),
    "both touched":       (then(touched("a", 50), touched("b", 50)), [A, B],       []),
    "written again":      (wrote("a", 50, "a\n"),                    [A],          []),
    "same size, changed": (wrote("a", 50, "b\n"),                    [A],          [A]),
    "changed, but older": (wrote("a", 5),                            [],           []),
    "edited output":      (wrote("x", 60),                           [],           []),
    "gone, one newer":    (then(gone("x"), wrote("a", 50)),          [NO_X, A],    [NO_X, A]),
}
# fmt: on


def files() -> FakeDisk:
    return FakeDisk({"a": 10, "b": 20, "x": 30, "y": 40})


def make_rule(build: Any, **others: Any) -> Rule:
    rule: Rule = build.rule("make", ["a", "b"], ["x", "y"], **others)
    return rule


@pytest.mark.parametrize("recorded", [False, True], ids=["no record", "record"])
@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_states_of_files(
    row: tuple[Change, list[Reason], list[Reason]],
    recorded: bool,
    build: Any,
    past: Any,
) -> None:
    disk = files()
    if recorded:
        past.done(build.graph(disk, make_rule(build)), disk)
    row[0](disk)
    plan = make_plan(build.graph(disk, make_rule(build)), past, disk)
    expected = row[2] if recorded else row[1]
    assert plan.reasons(MAKE) == expected
    assert plan.decisions[0] == (RUN if expected else SKIP)


# What has changed in the rule since it has run, and what its record says:
ALL, MTIME, ONLY_CODE = PlanOptions(), only("mtime"), only("code")
NO_CODE, NO_PARAMS, NO_INPUT = without("code"), without("params"), without("input")
FAIL, CUT = FailedBefore(), Interrupted()
CODE, PARAMS, INPUTS = ChangedCode(), ChangedParams(), ChangedInputs()
EVERYTHING = {"command": "new", "params": [], "inputs": ["a"]}
# fmt: off
CHANGES: dict[str, tuple[dict[str, Any], str | None, PlanOptions, list[Reason]]] = {
    #                   rule                      record       options    causes
    "nothing":          ({},                       None,        ALL,       []),
    "code":             ({"command": "new"},       None,        ALL,       [CODE]),
    "code, untold":     ({"command": "new"},       None,        NO_CODE,   []),
    "code, only code":  ({"command": "new"},       None,        ONLY_CODE, [CODE]),
    "params":           ({"params": [("n", 2)]},   None,        ALL,       [PARAMS]),
    "params, untold":   ({"params": [("n", 2)]},   None,        NO_PARAMS, []),
    "no params":        ({"params": []},           None,        ALL,       [PARAMS]),
    "name of a param":  ({"params": [("m", 1)]},   None,        ALL,       [PARAMS]),
    "type of a param":  ({"params": [("n", "1")]}, None,        ALL,       [PARAMS]),
    "fewer inputs":     ({"inputs": ["a"]},        None,        ALL,       [INPUTS]),
    "inputs, untold":   ({"inputs": ["a"]},        None,        NO_INPUT,  []),
    "order of inputs":  ({"inputs": ["b", "a"]},   None,        ALL,       []),
    "a list instead":   ({"inputs": [["a", "b"]]}, None,        ALL,       []),
    "name of rule":     ({"name": "other"},        None,        ALL,       []),
    "retries":          ({"retries": 3},           None,        ALL,       []),
    "failed":           ({},                       FAILED,      ALL,       [FAIL]),
    "failed, by mtime": ({},                       FAILED,      MTIME,     [FAIL]),
    "failed, changed":  ({"command": "new"},       FAILED,      ALL,       [FAIL]),
    "interrupted":      ({},                       INTERRUPTED, ALL,       [CUT]),
    "all at once":      (EVERYTHING,               None,        ALL,       [CODE, PARAMS, INPUTS]),
}
# fmt: on


@pytest.mark.parametrize("outputs", [["x"], ["x", "y"]], ids=["1 output", "2 outputs"])
@pytest.mark.parametrize("recorded", [False, True], ids=["no record", "record"])
@pytest.mark.parametrize("row", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_since(
    row: tuple[dict[str, Any], str | None, PlanOptions, list[Reason]],
    recorded: bool,
    outputs: list[str],
    build: Any,
    past: Any,
) -> None:
    in_rule, state, options, expected = row
    before = {"name": "make", "inputs": ["a", "b"], "outputs": outputs, "params": [("n", 1)]}
    disk = files()
    if recorded:
        past.done(build.graph(disk, build.rule(**before)), disk)
        for path in outputs if state is not None else []:
            past.change(path, state=state)
    plan = make_plan(build.graph(disk, build.rule(**before | in_rule)), past, disk, options)
    assert plan.reasons(MAKE) == (expected if recorded else [])
    assert plan.decisions[0] == (RUN if expected and recorded else SKIP)


def test_one_output_of_two_that_failed_or_changed_is_enough(build: Any, past: Any) -> None:
    """Two rules shared the outputs before, so each output has a record of its own."""
    disk = files()
    first, second = build.rule("f", ["a"], ["x"], "one"), build.rule("g", ["b"], ["y"], "two")
    past.done(build.graph(disk, first, second, targets=["x", "y"]), disk)
    plan = make_plan(build.graph(disk, build.rule("h", ["a"], ["x", "y"], "one")), past, disk)
    assert plan.reasons(MAKE) == [CODE, INPUTS]
    past.change("y", state=FAILED)
    plan = make_plan(build.graph(disk, build.rule("h", ["a"], ["x", "y"], "one")), past, disk)
    assert plan.reasons(MAKE) == [FailedBefore()]


def test_an_output_that_moves_to_another_rule_and_back(build: Any, past: Any) -> None:
    disk = files()
    both, one = build.rule("both", ["a"], ["x", "y"], "b"), build.rule("one", ["a"], ["y"], "o")
    past.done(build.graph(disk, both), disk)
    plan = make_plan(build.graph(disk, one), past, disk)
    assert plan.reasons(MAKE) == [CODE]
    past.done(build.graph(disk, one), disk)
    assert make_plan(build.graph(disk, one), past, disk).decisions[0] == SKIP
    assert make_plan(build.graph(disk, both), past, disk).reasons(MAKE) == [CODE]


HALF = then(wrote("a", 99), touched("b", 99))
OLD = then(made("z", 50), wrote("a", 99))
OLD_STAMP = then(wrote("a", 20), stamped(50, 15))
# fmt: off
FLAGS: dict[str, tuple[list[Any], str, Change, bool]] = {
    #                      inputs                output         after it has run    runs
    "ancient newer":       (["ancient:a"],        "x",           wrote("a", 99),     False),
    "ancient and other":   (["ancient:a", "b"],   "x",           wrote("b", 99),     True),
    "ancient in a list":   ([["ancient:a", "b"]], "x",           wrote("a", 99),     False),
    "other in that list":  ([["ancient:a", "b"]], "x",           wrote("b", 99),     True),
    "ancient changed too": (["ancient:a", "b"],   "x",           HALF,               False),
    "temp is there":       (["a"],                "temp:x",      then(),             False),
    "temp target gone":    (["a"],                "temp:x",      gone("x"),          True),
    "temp, input newer":   (["a"],                "temp:x",      wrote("a", 99),     True),
    "touch is there":      (["a"],                "touch:x",     then(),             False),
    "touch is gone":       (["a"],                "touch:x",     gone("x"),          True),
    "directory there":     (["a"],                "directory:z", made("z", 50),      False),
    "directory gone":      (["a"],                "directory:z", then(),             True),
    "directory older":     (["a"],                "directory:z", OLD,                True),
    "old, with stamp":     (["a"],                "directory:z", stamped(5, 50),     False),
    "new, with old stamp": (["a"],                "directory:z", OLD_STAMP,          True),
    "directory as input":  (["z"],                "x",           made("z", 99),      True),
    "older directory":     (["z"],                "x",           made("z", 9),       False),
    "new file inside":     (["z"],                "x",           wrote("z/new", 99), False),
}
# fmt: on


@pytest.mark.parametrize("row", FLAGS.values(), ids=FLAGS)
def test_flags(row: tuple[list[Any], str, Change, bool], build: Any, past: Any) -> None:
    inputs, output, change, runs = row

    def marked(item: Any) -> Any:
        if isinstance(item, list):
            return [marked(path) for path in item]
        flag, _, path = item.rpartition(":")
        return getattr(build, flag)(path) if flag else path

    rule = build.rule("make", [marked(i) for i in inputs], [marked(output)])
    disk = files()
    if inputs == ["z"]:
        disk.make_directory("z", 3)
    past.done(build.graph(disk, rule), disk)
    change(disk)
    plan = make_plan(build.graph(disk, rule), past, disk)
    assert (plan.decisions[0] == RUN) == runs
    assert bool(plan.reasons(MAKE)) == runs


def test_a_job_without_output_runs_whenever_it_is_asked_for(build: Any) -> None:
    disk = files()
    plan = make_plan(build.graph(disk, build.rule("show", ["a"], [])), NoHistory(), disk)
    assert plan.decisions[0] == RUN
    assert plan.reasons(MAKE) == [NoOutput()]


def test_a_rule_without_action_never_runs(build: Any) -> None:
    disk = files()
    plan = make_plan(build.graph(disk, build.rule("all", ["a"], [], None)), NoHistory(), disk)
    assert (plan.decisions[0], plan.reasons(MAKE)) == (SKIP, [])


def test_a_rule_without_action_runs_for_its_touch_outputs(build: Any) -> None:
    disk = files()
    rule = build.rule("flag", ["a"], [build.touch("done")], None)
    plan = make_plan(build.graph(disk, rule), NoHistory(), disk)
    assert plan.reasons(MAKE) == [MissingOutput("done")]


FORCE = {
    "-f": (PlanOptions(force_targets=True), [Forced("--force")]),
    "-F": (PlanOptions(force_all=True), [Forced("--forceall")]),
    "-R rule": (PlanOptions(force_rules=("make",)), [Forced("--forcerun")]),
    "-R file": (PlanOptions(force_rules=("y",)), [Forced("--forcerun")]),
    "-R ./file": (PlanOptions(force_rules=("./y",)), [Forced("--forcerun")]),
}


@pytest.mark.parametrize(("options", "expected"), FORCE.values(), ids=FORCE)
def test_forced(options: PlanOptions, expected: list[Reason], build: Any, past: Any) -> None:
    disk = files()
    graph = build.graph(disk, make_rule(build))
    past.done(graph, disk)
    plan = make_plan(graph, past, disk, options)
    assert plan.reasons(MAKE) == expected
    assert plan.decisions[0] == RUN


STATES: dict[str, tuple[Any, ...]] = {
    "output": ("missing", "older", "same", "newer"),
    "record": (None, "done", "failed", "interrupted", "done without content"),
    "touched": (False, True),  # the input's content is what it was
    "code": (False, True),
    "params": (False, True),
    "inputs": (False, True),
    "ancient": (False, True),
    "temp": (False, True),
    "triggers": (TRIGGERS, frozenset({"mtime"}), TRIGGERS - {"mtime"}, frozenset()),
}


def expected_causes(s: dict[str, Any]) -> set[str]:
    """The law, said once more in the plainest way."""
    causes = set()
    if s["output"] == "missing":  # it is the target: that it is temp does not matter
        causes.add("missing-output")
    if s["record"] == "failed":
        causes.add("failed-before")
    if s["record"] == "interrupted":
        causes.add("interrupted")
    if s["record"] in ("done", "done without content"):
        changed = {"code": "changed-code", "params": "changed-params"}
        causes |= {c for key, c in changed.items() if s[key] and key in s["triggers"]}
        if s["inputs"] and "input" in s["triggers"]:
            causes.add("changed-inputs")
    if s["output"] == "older" and not s["ancient"] and "mtime" in s["triggers"]:
        same_content = s["touched"] and s["record"] == "done" and not s["inputs"]
        if not same_content:
            causes.add("newer-input")
    return causes


@pytest.mark.parametrize("output", STATES["output"])
@pytest.mark.parametrize("record", STATES["record"])
def test_every_combination(output: str, record: str | None, build: Any, past: Any) -> None:
    rest = [name for name in STATES if name not in ("output", "record")]
    for values in product(*(STATES[name] for name in rest)):
        s = dict(zip(rest, values, strict=True)) | {"output": output, "record": record}
        disk = FakeDisk({"a": 10, "more": 1, "x": 20})
        a = build.ancient("a") if s["ancient"] else "a"
        x = build.temp("x") if s["temp"] else "x"
        past.known.clear()
        if record is not None:
            past.done(build.graph(disk, build.rule("make", [a], [x])), disk)
            state = record.partition(" ")[0]
            past.change("x", state=state)
            if record == "done without content":
                past.change("x", content_digest=None)
        if output == "missing":
            disk.remove("x")
        time = {"missing": 10, "older": 30, "same": 20, "newer": 15}[output]
        disk.touch("a", time) if s["touched"] else disk.write("a", "changed", time)
        rule = build.rule(
            "make",
            [a, "more"] if s["inputs"] else [a],
            [x],
            "new" if s["code"] else "make it",
            [("n", 1)] if s["params"] else [],
        )
        options = PlanOptions(rerun_triggers=s["triggers"])
        plan = make_plan(build.graph(disk, rule), past, disk, options)
        causes = {reason.kind for reason in plan.reasons(MAKE)}
        assert causes == expected_causes(s), s
        assert plan.decisions[0] == (RUN if causes else SKIP), s


def test_a_trigger_that_is_none_is_named(build: Any) -> None:
    disk = files()
    with pytest.raises(WorkflowError) as caught:
        make_plan(build.graph(disk, make_rule(build)), NoHistory(), disk, only("moon"))
    assert [d.code for d in caught.value.diagnostics] == ["unknown-trigger"]
