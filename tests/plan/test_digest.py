"""What counts as changed: digests of commands, params, inputs and contents."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from flowc.disk import FileState
from flowc.graph.job import Job
from flowc.ids import JobId
from flowc.plan import digest
from flowc.plan.digest import FileDigests, JobDigests, code_digest, content_digest, inputs_digest
from flowc.plan.digest import params_digest as params_of
from flowc.record.history import NoHistory
from flowc.testing import FakeDisk

SECOND_NS = 1_000_000_000


def job_with(
    build: Any, params: list[tuple[Any, Any]], path: str = "x/v", out: str = "x/{w}"
) -> Job:
    rule = build.rule("r", ["a"], [out], params=params)
    graph = build.graph(FakeDisk({"a": 1}), rule, targets=[path])
    job: Job = graph.job(JobId(0))
    assert JobDigests(graph, FileDigests(FakeDisk(), NoHistory())).params(JobId(0)) == params_of(
        job
    )
    return job


def test_the_code_is_the_command_and_its_shell(build: Any) -> None:
    one, other = build.rule("r", [], ["x"], "one"), build.rule("r", [], ["x"], "other")
    workflow = build.workflow(one)
    renamed = replace(one, name="s", docstring="new")
    assert code_digest(one, workflow) == code_digest(renamed, workflow)
    assert code_digest(one, workflow) != code_digest(other, workflow)
    assert code_digest(one, workflow) != code_digest(one, replace(workflow, shell_executable="sh"))
    assert code_digest(one, workflow) != code_digest(one, replace(workflow, shell_prefix=""))
    assert code_digest(replace(one, command=None), workflow) != code_digest(one, workflow)


# fmt: off
EQUAL: dict[str, tuple[Any, Any]] = {
    "a set in any order":    ({"a", "b", "c", "d"}, {"d", "c", "b", "a"}),
    "a dict in any order":   ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "list and tuple":        (["a", "b"], ("a", "b")),
    "a path":                (PurePosixPath("a/b"), "a/b"),
}
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "number and text": (1, "1"),
    "int and float":   (1, 1.0),
    "none and text":   (None, "None"),
    "true and 1":      (True, 1),
    "lists":           (["a", "b"], ["b", "a"]),
    "nested":          ([["a"], "b"], ["a", ["b"]]),
    "joined":          (["a,b"], ["a", "b"]),
    "key and value":   ({"a": "b"}, {"b": "a"}),
    "wildcard":        ("{w}", "{w}{w}"),
    "bytes of a name": ("\udcff", "\udcfe"),
}
# fmt: on


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_params_that_are_equal(one: Any, other: Any, build: Any) -> None:
    assert params_of(job_with(build, [("n", one)])) == params_of(job_with(build, [("n", other)]))


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_params_that_differ(one: Any, other: Any, build: Any) -> None:
    assert params_of(job_with(build, [("n", one)])) != params_of(job_with(build, [("n", other)]))


def test_wildcards_in_params_count_by_value(build: Any, call: Any) -> None:
    filled = params_of(job_with(build, [("n", "v-{w}"), ("l", ["{w}"])]))
    assert filled == params_of(job_with(build, [("n", "{w}-{w}"), ("l", ["v"])]))
    assert filled == params_of(job_with(build, [("n", "v-{u}"), ("l", ["{u}"])], out="x/{u}"))
    called = params_of(job_with(build, [("n", call(lambda w: f"v-{w[0]}")), ("l", ["v"])]))
    assert filled == called
    other = params_of(job_with(build, [("n", "v-{w}"), ("l", ["{w}"])], path="x/u"))
    assert filled != other


# fmt: off
DERIVED: dict[str, tuple[Callable[..., Any], bool]] = {
    "of wildcards":  (lambda wildcards: 1, True),
    "of the rule":   (lambda wildcards, rulename: 1, True),
    "own default":   (lambda wildcards, n=1: n, True),
    "of input":      (lambda wildcards, input: 1, False),
    "of output":     (lambda wildcards, output: 1, False),
    "of threads":    (lambda wildcards, threads: 1, False),
    "of resources":  (lambda wildcards, resources: 1, False),
    "of the attempt": (lambda wildcards, attempt: 1, False),
}
# fmt: on


@pytest.mark.parametrize(("function", "counts"), DERIVED.values(), ids=DERIVED)
def test_params_made_from_other_inputs_do_not_count(
    function: Callable[..., Any], counts: bool, build: Any, call: Any
) -> None:
    found = params_of(job_with(build, [("n", call(function))]))
    assert found == params_of(job_with(build, [("n", 1)] if counts else []))


def test_the_set_of_inputs(build: Any) -> None:
    assert inputs_digest(["a", "b"]) == inputs_digest(["b", "a"])
    assert len({inputs_digest(p) for p in ([], ["a"], ["b"], ["a", "b"], ["ab"])}) == 5
    graph = build.graph(FakeDisk({"a": 1, "b": 1}), build.rule("r", ["a", ["b", "a"]], ["x"]))
    digests = JobDigests(graph, FileDigests(FakeDisk(), NoHistory()))
    assert digests.inputs(JobId(0)) == inputs_digest(["a", "b", "a"])


def test_contents(build: Any) -> None:
    disk = FakeDisk({"a": 1, "b": 2})
    graph = build.graph(disk, build.rule("r", ["a", ["b"]], ["x"]))

    def now() -> str:
        found = JobDigests(graph, FileDigests(disk, NoHistory())).content(JobId(0))
        assert found == content_digest(["b", "a"], FileDigests(disk, NoHistory()))
        return found

    first = now()
    disk.touch("a")
    assert now() == first
    disk.write("a", "b\n")
    disk.write("b", "a\n")  # the same two texts, the other way round
    assert now() != first
    disk.write("a", "a\n")
    disk.write("b", "b\n")
    assert now() == first
    disk.remove("b")
    assert now() != first


class Kept(NoHistory):
    def __init__(self, kept: dict[str, tuple[int, int, str]]) -> None:
        self.kept = kept

    def file_digest(self, path: str, state: FileState) -> str | None:
        row = self.kept.get(path)
        return row[2] if row is not None and row[:2] == (state.mtime_ns, state.size_bytes) else None


def test_an_unchanged_file_is_read_once(build: Any) -> None:
    disk = FakeDisk({"a": SECOND_NS + 1}, tick_ns=SECOND_NS)
    disk.tick()
    kept: dict[str, tuple[int, int, str]] = {}

    def digest_of_a() -> str:
        files = FileDigests(disk, Kept(kept), disk.clock_ns)
        found = files.of("a")
        assert files.of("a") == found
        kept.update(files.new)
        return found

    first = digest_of_a()
    assert digest_of_a() == first
    assert disk.digested == ["a"]
    disk.write("a", "new")
    disk.tick()
    assert digest_of_a() != first
    assert disk.digested == ["a", "a"]


@pytest.mark.parametrize(
    ("mtime_ns", "age_ns", "is_kept"),
    [
        (SECOND_NS + 1, 10_000_000, False),
        (SECOND_NS + 1, 60_000_000, True),
        (SECOND_NS, 60_000_000, False),  # perhaps this file system has no finer clock
        (SECOND_NS, 3 * SECOND_NS, True),
        (SECOND_NS, -SECOND_NS, True),  # from the future: it will not become older
    ],
)
def test_a_file_that_may_still_change_unseen_is_read_anew(
    mtime_ns: int, age_ns: int, is_kept: bool
) -> None:
    disk = FakeDisk({"a": mtime_ns})
    disk.now_ns = mtime_ns + age_ns
    files = FileDigests(disk, NoHistory(), disk.clock_ns)
    files.of("a")
    files.of("a")
    assert disk.digested == (["a"] if is_kept else ["a", "a"])
    assert bool(files.new) == is_kept


def test_what_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "LARGEST_READ_BYTES", 5)
    disk = FakeDisk({"small": 1, "a large one": 2})
    disk.make_directory("d", 3)
    disk.write("empty", "", 4)
    files = FileDigests(disk, NoHistory())
    before = {path: files.of(path) for path in ("a large one", "d", "empty", "none")}
    assert disk.digested == []
    assert len(set(before.values())) == 4
    for path in ("a large one", "d"):  # their time is all there is to tell
        disk.touch(path)
        assert files.of(path) != before[path]
    disk.touch("empty")
    assert files.of("empty") == before["empty"]


def test_a_list_that_many_jobs_read_is_looked_at_once(build: Any) -> None:
    disk = FakeDisk({f"s{i}": i + 1 for i in range(20)})
    rule = build.rule("r", [[f"s{i}" for i in range(20)]], ["x/{w}"])
    graph = build.graph(disk, rule, targets=[f"x/{w}" for w in range(50)])
    disk.looked_at = 0
    digests = JobDigests(graph, FileDigests(disk, NoHistory(), lambda: SECOND_NS * 9))
    assert len({digests.content(job.id) for job in graph.jobs()}) == 1
    assert len(disk.digested) == 20
    assert disk.looked_at <= 40
