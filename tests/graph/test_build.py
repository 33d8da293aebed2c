"""What becomes of targets: jobs, sources, and the faults that users meet."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.rulebook import workflow

from flowc.diagnostic import WorkflowError
from flowc.graph.build import build_graph
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, JobId
from flowc.testing import FakeDisk

CALL = (
    "all: <- calls/all.vcf",
    "map: mapped/{s}.bam <- ref.fa data/{s}.fq",
    "call: calls/all.vcf <- ref.fa [mapped/A.bam,mapped/B.bam]",
)

# fmt: off
GRAPHS: dict[str, tuple[Sequence[str], str, str, str]] = {
    # rules, files there, targets -> jobs (in topological order where it matters)
    "chain with a gather": (CALL, "ref.fa data/A.fq data/B.fq", "", "map(s=A) map(s=B) call all"),
    "a file as target": (CALL, "ref.fa data/A.fq", "mapped/A.bam", "map(s=A)"),
    "a rule as target": (CALL, "ref.fa data/A.fq data/B.fq", "call", "map(s=A) map(s=B) call"),
    "a source as target": (CALL, "ref.fa", "ref.fa", ""),
    "wildcards span slashes": (("a: o/{x}.t <- i/{x}",), "i/b/c", "o/b/c.t", "a(x=b/c)"),
    "a wildcard is not empty": (("a: o/{x}.t <- i", "b: o/.t <- i"), "i", "o/.t", "b"),
    "constraint picks the rule": (
        ("a: {x,[0-9]+}.t <- i", "b: {x,[a-z]+}.t <- i"), "i", "12.t ab.t", "a(x=12) b(x=ab)"),
    "same wildcard twice": (("a: {x}/{x}.t <- i", "b: {x}.t <- i"), "i", "q/q.t q/r.t",
                            "a(x=q) b(x=q/r)!ambiguous"),
    "the consumer's values first": (
        ("top: {a}_{b}.out <- {a}_{b}.mid", "mid: {a}_{b}.mid <- i"), "i", "x_y_z.out",
        "mid(a=x_y,b=z) top(a=x_y,b=z)"),
    "fewer wildcards win": (("a: {x}.t <- i", "b: k.t <- i"), "i", "k.t", "b"),
    "missing input drops a candidate": (
        ("a: {x}.t <- {x}.gone", "b: {y}.t <- {y}.i"), "k.i", "k.t", "b(y=k)"),
    "missing deep below drops it too": (
        ("a: {x}.t <- {x}.m", "m: {x}.m <- {x}.gone", "b: {y}.t <- i"), "i", "k.t", "b(y=k)"),
    "nothing makes it but it is there": (("a: {x}.t <- {x}.gone",), "k.t", "k.t", ""),
    "never its own input": (("a: {x}.t <- {x}.t",), "k.t", "k.t", ""),
    "a cycle ends at a file that is there": (
        ("a: {x}.a <- {x}.b", "b: {x}.b <- {x}.a"), "k.b", "k.a", "a(x=k)"),
    "a rule that feeds itself ends": (
        ("a: {x}.t <- {x}.t.t", "b: {y,[a-z]}.t <- i"), "i", "k.t", "b(y=k)"),
    "several outputs, one job": (("a: {x}.p {x}.q <- i",), "i", "k.p k.q", "a(x=k)"),
    "an output nobody asked for": (("all: <- k.p", "a: {x}.p {x}.q <- i"), "i", "", "a(x=k) all"),
    "a log as target": (("a: {x}.p log=l/{x} <- i",), "i", "l/k", "a(x=k)"),
    "bound to a rule": (
        ("all: <- b:k.t", "a: k.t <- i", "b: k.t <- i"), "i", "", "b all"),
    "bound after it was looked up": (
        ("all: <- k.t m", "m: m <- b:k.t", "a: k.t <- i", "b: k.t <- i"), "i", "", "b m all"),
    "above a cycle is a file that is there": (
        ("rb: b <- a", "ra: a <- c", "rc: c <- a"), "b", "b", ""),
    "no rules at all": ((), "", "", ""),
    "diamond": (("d: d <- b c", "b: b <- a", "c: c <- a", "a: a <- i"), "i", "d", "a b c d"),
    "needed early and late": (("t: t <- a b", "a: a <- i", "b: b <- a"), "i", "t", "a b t"),
    "out of discovery's order": (("t: t <- b a", "a: a <- b", "b: b <- i"), "i", "t", "b a t"),
}
FAULTS = {
    "missing source": (CALL, "ref.fa data/A.fq", "", ["missing-input"]),
    "two missing sources": (CALL, "ref.fa", "", ["missing-input", "missing-input"]),
    "unknown target": (CALL, "", "nosuch.txt", ["unknown-target"]),
    "rule with wildcards as target": (CALL, "", "map", ["wildcards-in-target"]),
    "ambiguous": (("a: {x}.t <- i", "b: {y}.t <- i"), "i", "k.t", ["ambiguous-output"]),
    "cycle": (("a: {x}.a <- {x}.b", "b: {x}.b <- {x}.a"), "", "k.a", ["cyclic-graph"]),
    "cycle of constants": (("a: a <- b", "b: b <- c", "c: c <- a"), "", "a", ["cyclic-graph"]),
    "own input": (("a: a <- a",), "", "a", ["cyclic-graph"]),
    "two writers": (
        ("all: <- k.p k.q", "a: k.p both <- i", "b: k.q both <- i"), "i", "",
        ["conflicting-outputs"]),
}
# fmt: on


def names(graph: JobGraph) -> list[str]:
    return [job.name for job in graph.jobs()]


@pytest.mark.parametrize(("rules", "files", "targets", "jobs"), GRAPHS.values(), ids=GRAPHS)
def test_jobs(rules: Sequence[str], files: str, targets: str, jobs: str) -> None:
    disk = FakeDisk(dict.fromkeys(files.split(), 1))
    if jobs.endswith("!ambiguous"):  # both rules have one wildcard: only a constraint helps
        with pytest.raises(WorkflowError, match=r"can both make `q/q\.t`"):
            build_graph(workflow(*rules), targets.split(), disk)
        return
    graph = build_graph(workflow(*rules), targets.split(), disk)
    assert sorted(names(graph)) == sorted(jobs.split())
    check(graph)


@pytest.mark.parametrize(("rules", "files", "targets", "codes"), FAULTS.values(), ids=FAULTS)
def test_faults(rules: Sequence[str], files: str, targets: str, codes: list[str]) -> None:
    disk = FakeDisk(dict.fromkeys(files.split(), 1))
    with pytest.raises(WorkflowError) as caught:
        build_graph(workflow(*rules), targets.split(), disk)
    assert [d.code for d in caught.value.diagnostics] == codes


def test_ruleorder_settles_and_the_later_clause_wins() -> None:
    rules = ("a: {x}.t <- i", "b: {y}.t <- i")
    disk = FakeDisk({"i": 1})
    graph = build_graph(workflow(*rules, order=[("b", "a")]), ["k.t"], disk)
    assert names(graph) == ["b(y=k)"]
    graph = build_graph(workflow(*rules, order=[("b", "a"), ("a", "b")]), ["k.t"], disk)
    assert names(graph) == ["a(x=k)"]


def test_a_missing_input_names_the_chain_and_a_near_miss() -> None:
    disk = FakeDisk({"ref.fa": 1, "data/A.fq": 1, "data/b.fq": 1})
    with pytest.raises(WorkflowError) as caught:
        build_graph(workflow(*CALL), [], disk)
    fault = caught.value.diagnostics[0]
    assert fault.message == (
        "rule `map` with s=B needs `data/B.fq`, which is not there, and no rule makes it"
    )
    assert fault.hint == "there is `data/b.fq`: did you mean that?"
    assert [label.text for label in fault.labels] == [
        "needed by rule `call`",
        "needed by rule `all`",
    ]


def test_each_path_is_looked_at_once() -> None:
    disk = FakeDisk({"ref.fa": 1, "data/A.fq": 1, "data/B.fq": 1})
    graph = build_graph(workflow(*CALL), [], disk)
    assert disk.looked_at == len(graph.paths)


def test_a_layer_that_reads_one_list_shares_it() -> None:
    n = 50
    rules = (
        f"all: <- [{','.join(f'o{i}' for i in range(n))}]",
        f"o: o{{x}} <- [{','.join(f'm{i}' for i in range(n))}]",
        "m: m{x} <- i",
    )
    graph = build_graph(workflow(*rules), [], FakeDisk({"i": 1}))
    assert len(graph) == 2 * n + 1
    assert len(graph.groups) == 2
    assert len(graph.needs(JobId(len(graph) - 2))) == n
    check(graph)


def check(graph: JobGraph) -> None:
    """The invariants of a JobGraph."""
    for job in graph.jobs():
        assert all(need < job.id for need in graph.needs(job.id))
        for file in graph.outputs[job.id]:
            assert graph.producer[file] == job.id
        for file in graph.files_of(graph.inputs[job.id]):
            assert graph.producer[file] != NO_JOB or graph.states[file] is not None
        assert len(job.input) == len(job.input_paths)
    assert len(set(graph.paths)) == len(graph.paths)


# --- against a plain recursive search ------------------------------------------------------------


def search(rules: list[tuple[str, list[str]]], files: set[str], target: str) -> set[str] | None:
    """The outputs made for `target` by rules (output, inputs) without wildcards; None if it
    cannot be made. Candidates in order of declaration; each output has one rule or several."""

    def make(path: str, above: frozenset[str]) -> set[str] | None:
        for output, inputs in rules:
            if output != path or path in inputs or path in above:
                continue
            made = {path}
            for needed in inputs:
                below = make(needed, above | {path})
                if below is None:
                    break
                made |= below
            else:
                return made
        return set() if path in files else None

    return make(target, frozenset())


FILES = "abcdef"
rule_lists = st.lists(
    st.tuples(st.sampled_from(FILES), st.lists(st.sampled_from(FILES + "xy"), max_size=3)),
    min_size=1,
    max_size=6,
    unique_by=lambda rule: rule[0],
)


@examples(500)
@given(rule_lists, st.sets(st.sampled_from(FILES + "xy")), st.sampled_from(FILES))
def test_the_same_is_made_as_by_a_recursive_search(
    rules: list[tuple[str, list[str]]], files: set[str], target: str
) -> None:
    flow = workflow(*(f"r{o}: {o} <- {' '.join(i)}" for o, i in rules))
    disk = FakeDisk(dict.fromkeys(sorted(files), 1))
    expected = search(rules, files, target)
    try:
        graph = build_graph(flow, [target], disk)
    except WorkflowError:
        assert expected is None
        return
    assert expected is not None
    check(graph)
    made = {path for job in graph.jobs() for path in job.output_paths}
    if not any(f in files for f in FILES):  # else which edge of a cycle is cut may differ
        assert made == expected
