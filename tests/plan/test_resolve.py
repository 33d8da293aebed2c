"""What a job asks for, and where each figure comes from."""

from dataclasses import replace
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError, fail
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.workflow import Setting
from flowc.plan.make import PlanOptions
from flowc.plan.request import Request
from flowc.plan.resolve import Resolver
from flowc.testing import FakeDisk
from flowc.units import GIB, MIB

JOB = JobId(0)


@pytest.fixture
def ask(build: Any, call: Any) -> Any:
    """`ask(mem=..., options=...)`: the request of a job whose rule says that. A Python function
    stands for one of the Workflowfile."""

    def ask(
        *,
        attempt: int = 1,
        options: PlanOptions | None = None,
        resources: dict[str, Any] | None = None,
        sizes: dict[str, int] | None = None,
        **said: Any,
    ) -> Request:
        def setting(value: Any) -> Setting:
            return Setting(call(value) if callable(value) else value, build.span)

        disk = FakeDisk()
        for path, size in ({"a": 3 * MIB, "b": MIB} if sizes is None else sizes).items():
            disk.write(path, b"x" * size)
        keep = {k: said.pop(k) for k in ("mem_unit", "mem_spelling", "profile", "limits")
                if k in said}  # fmt: skip
        rule = replace(
            build.rule("r", ["a", ["b"]], ["x/{w}"]),
            resources={name: setting(value) for name, value in (resources or {}).items()},
            **{name: setting(value) for name, value in said.items()},
            **keep,
        )
        maker = build.rule("b", [], ["b"])
        graph: JobGraph = build.graph(disk, rule, maker, targets=["x/v"])
        last = JobId(len(graph) - 1)
        return Resolver(graph, disk, options or PlanOptions()).request(last, attempt)

    return ask


def origins(request: Request) -> dict[str, str]:
    return {name: str(origin) for name, origin in request.origins.items()}


HERE = "declared (Workflowfile:1)"
DEFAULTS = {"cores": "default", "memory": "default", "runtime": "default"}


def test_defaults(ask: Any) -> None:
    request = ask()
    assert (request.cores, request.memory_bytes, request.limit_s) == (1, GIB, None)
    assert (dict(request.resources), request.priority, request.unknown) == ({}, 0, ())
    assert origins(request) == DEFAULTS


# fmt: off
CORES: dict[str, tuple[Any, PlanOptions, int, str]] = {
    "number":         (4,                          PlanOptions(),                         4, HERE),
    "rounded down":   (3.9,                        PlanOptions(),                         3, HERE),
    "0 is 1":         (0,                          PlanOptions(),                         1, HERE),
    "function":       (lambda w: len(w[0]) + 1,    PlanOptions(),                         2, HERE),
    "by attempt":     (lambda w, attempt: attempt, PlanOptions(),                         2, HERE),
    "by rule's name": (lambda w, rulename: len(rulename), PlanOptions(),                  1, HERE),
    "own default":    (lambda w, n=7: n,           PlanOptions(),                         7, HERE),
    "scaled":         (8,                          PlanOptions(cores=4), 4, "scaled (--cores 4)"),
    "just fits":      (4,                          PlanOptions(cores=4),                  4, HERE),
    "override":       (8, PlanOptions(set_threads={"r": 3}), 3, "override (--set-threads)"),
    "both": (8, PlanOptions(set_threads={"r": 9}, cores=5), 5, "scaled (--cores 5)"),
    "of another rule": (8,              PlanOptions(set_threads={"q": 3}),                8, HERE),
}
MEMORY: dict[str, tuple[dict[str, Any], PlanOptions, int, str]] = {
    "gb":             ({"mem": 1.5},                       PlanOptions(), 1536 * MIB, HERE),
    "mb":             ({"mem": 512, "mem_unit": "mb"},     PlanOptions(), 512 * MIB, HERE),
    "text":           ({"mem": "2 GB", "mem_unit": "text"}, PlanOptions(), 2 * GIB, HERE),
    "by size":        ({"mem": lambda w, input: input.get_name("size_mb"), "mem_unit": "mb"},
                                                           PlanOptions(), 4 * MIB, HERE),
    "by attempt":     ({"mem": lambda w, attempt: 2 * attempt}, PlanOptions(), 4 * GIB, HERE),
    "by threads":     ({"threads": 3, "mem": lambda w, threads: threads},
                                                           PlanOptions(), 3 * GIB, HERE),
    "text from a function": ({"mem": lambda w: "3 GB"},    PlanOptions(), 3 * GIB, HERE),
    "number as text": ({"mem": lambda w: "100", "mem_unit": "mb"}, PlanOptions(), 100 * MIB, HERE),
    "None is unset":  ({"mem": lambda w: None},            PlanOptions(), GIB, "default"),
    "override":       ({"mem": 5}, PlanOptions(set_resources={"r": {"mem_mb": 100}}),
                                                     100 * MIB, "override (--set-resources)"),
    "override, text": ({}, PlanOptions(set_resources={"r": {"mem": "3GB"}}),
                                                     3 * GIB, "override (--set-resources)"),
    "run's default":  ({}, PlanOptions(default_resources={"mem_mb": 300}),
                                                     300 * MIB, "default (--default-resources)"),
    "rule over default": ({"mem": 5}, PlanOptions(default_resources={"mem_mb": 300}),
                                                     5 * GIB, HERE),
}
RUNTIME: dict[str, tuple[Any, PlanOptions, float | None, str]] = {
    "minutes":       (90,                     PlanOptions(), 5400.0, HERE),
    "text":          ("1h 30m",               PlanOptions(), 5400.0, HERE),
    "digits":        (lambda w: "5",          PlanOptions(), 300.0, HERE),
    "unset":         (lambda w: None,         PlanOptions(), None, "default"),
    "override":      (5, PlanOptions(set_resources={"r": {"runtime": "2h"}}),
                                                     7200.0, "override (--set-resources)"),
    "run's default": (lambda w: None, PlanOptions(default_resources={"runtime": 7}),
                                                     420.0, "default (--default-resources)"),
}
# fmt: on


@pytest.mark.parametrize(("value", "options", "cores", "origin"), CORES.values(), ids=CORES)
def test_cores(value: Any, options: PlanOptions, cores: int, origin: str, ask: Any) -> None:
    request = ask(threads=value, options=options, attempt=2)
    assert (request.cores, str(request.origins["cores"])) == (cores, origin)


@pytest.mark.parametrize(("said", "options", "size", "origin"), MEMORY.values(), ids=MEMORY)
def test_memory(
    said: dict[str, Any], options: PlanOptions, size: int, origin: str, ask: Any
) -> None:
    request = ask(**said, options=options, attempt=2)
    assert (request.memory_bytes, str(request.origins["memory"])) == (size, origin)


@pytest.mark.parametrize(("value", "options", "limit_s", "origin"), RUNTIME.values(), ids=RUNTIME)
def test_runtime(
    value: Any, options: PlanOptions, limit_s: float | None, origin: str, ask: Any
) -> None:
    request = ask(runtime=value, options=options)
    assert (request.limit_s, str(request.origins["runtime"])) == (limit_s, origin)


def test_other_resources(ask: Any) -> None:
    options = PlanOptions(
        set_resources={"r": {"gpu": 2, "new": "n"}, "q": {"gpu": 9}},
        default_resources={"disk_mb": 10, "io": 1, "off": 5},
    )
    request = ask(
        options=options,
        resources={
            "gpu": 1,
            "gpu2": 4,
            "io": lambda w, threads, resources: threads + resources.get_name("gpu2"),
            "off": lambda w: None,
            "queue": "long",
        },
        threads=3,
        priority=lambda w: 7,
        limits={"ftp": 2},
    )
    assert request.resources == {
        "gpu": 2, "gpu2": 4, "io": 7, "queue": "long", "new": "n", "disk_mb": 10
    }  # fmt: skip
    assert (request.priority, request.limits) == (7, {"ftp": 2})
    assert origins(request) == DEFAULTS | {
        "cores": HERE,
        "gpu": "override (--set-resources)",
        "gpu2": HERE,
        "io": HERE,
        "queue": HERE,
        "new": "override (--set-resources)",
        "disk_mb": "default (--default-resources)",
    }


def test_a_profile_is_named(ask: Any) -> None:
    request = ask(threads=4, profile="p.json")
    assert origins(request) == {
        "cores": "declared (Workflowfile:1, profile p.json)",
        "memory": "default (profile p.json does not exist yet)",
        "runtime": "default",
    }


def test_sizes_of_inputs_that_do_not_exist_yet(ask: Any) -> None:
    request = ask(
        threads=lambda w, input: input.get_name("size_gb"),
        mem=lambda w, input, attempt: max(1, input.get_name("size")) * attempt,
        runtime=lambda w, input: 5,
        resources={"gpu": lambda w, input: input.get_name("size_kb")},
        sizes={"a": 10},
    )
    assert request.unknown == ("cores", "memory", "gpu")
    assert (request.cores, request.memory_bytes, request.limit_s) == (1, GIB, 300)
    assert request.resources == {}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "threads": ({"threads": lambda w: "many"}, "`threads` of job `r(w=v)` is a number from 0 on"),
    "negative": ({"threads": lambda w: -1}, "`threads` of job `r(w=v)` is a number from 0 on"),
    "memory": ({"mem": lambda w: [1]}, "`mem_gb` of job `r(w=v)` is a number larger than 0"),
    "no memory": ({"mem": lambda w: 0}, "`mem_gb` of job `r(w=v)` is a number larger than 0"),
    "endless": ({"mem": lambda w: float("inf")}, "`mem_gb` of job `r(w=v)` is a number larger"),
    "no unit": (
        {"mem": lambda w: "5", "mem_unit": "text", "mem_spelling": "mem"},
        "`mem` of job `r(w=v)` is a size such as",
    ),
    "runtime": ({"runtime": lambda w: "soon"}, "`runtime` of job `r(w=v)` is minutes or a time"),
    "a list": ({"resources": {"gpu": lambda w: []}}, "`gpu` of job `r(w=v)` is a number from 0 on"),
    "priority": ({"priority": lambda w: "high"}, "`priority` of job `r(w=v)` is a number"),
    "override": (
        {"options": PlanOptions(set_resources={"r": {"mem": "lots"}})},
        "`mem` of job `r(w=v)` is a size such as",
    ),
}


@pytest.mark.parametrize(("said", "message"), BAD.values(), ids=BAD)
def test_figures_that_are_none(said: dict[str, Any], message: str, ask: Any) -> None:
    with pytest.raises(WorkflowError) as caught:
        ask(**said)
    [fault] = caught.value.diagnostics
    assert fault.code == "bad-value"
    assert fault.message.startswith(message)
    assert (fault.span is None) == ("options" in said)


def test_all_faults_of_a_rule_are_told(ask: Any) -> None:
    def broken(wildcards: Any) -> Any:
        raise fail("evaluation", "division by zero")

    with pytest.raises(WorkflowError) as caught:
        ask(threads=broken, mem=lambda w: -1)
    assert [fault.code for fault in caught.value.diagnostics] == ["evaluation", "bad-value"]


def test_a_rule_without_functions_is_worked_out_once(build: Any) -> None:
    disk = FakeDisk()
    rule = replace(build.rule("r", [], ["x/{w}"]), threads=Setting(2, build.span))
    graph = build.graph(disk, rule, targets=["x/1", "x/2"])
    resolver = Resolver(graph, disk, PlanOptions())
    assert resolver.request(JobId(0), 1) is resolver.request(JobId(1), 3)
