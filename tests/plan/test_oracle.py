"""Plans of random workflows, against a plain oracle that shares nothing with the planner."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.graph.build import build_graph
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.lang.values import flags_of
from flowc.plan.make import make_plan
from flowc.plan.reason import Reason
from flowc.record.history import FAILED
from flowc.testing import FakeDisk

SIGNS = "-?R"  # skip, maybe, run


class Oracle:
    """The law, job by job and without any thought of speed."""

    def __init__(self, graph: JobGraph, past: Any, disk: FakeDisk) -> None:
        self.jobs = {job.id: job for job in graph.jobs()}
        self.past, self.disk = past, disk
        self.maker = {path: job.id for job in self.jobs.values() for path in job.output_paths}
        self.asked = {path for job in self.jobs.values() if job.name == "all" for path in job.input}
        ancient = {j: {str(f) for i in job.rule.inputs for f in i.files if flags_of(f).ancient}
                   for j, job in self.jobs.items()}  # fmt: skip
        self.counted = {
            j: [p for p in job.input_paths if p not in ancient[j]] for j, job in self.jobs.items()
        }
        self.phony = {j for j, job in self.jobs.items() if job.rule.command is None}
        self.level = dict.fromkeys(self.jobs, 0)

    def mtime(self, path: str) -> int:
        state = self.disk.stat(path)
        own = -1 if state is None else state.mtime_ns
        maker = self.maker.get(path)
        if maker in self.phony:
            return max([own, *(self.mtime(p) for p in self.counted[maker])])
        return own

    def oldest(self, job: JobId) -> int | None:
        times = [self.disk.stat(p) for p in self.jobs[job].output_paths]
        there = [state.mtime_ns for state in times if state is not None]
        if there and job not in self.phony:
            return min(there)
        gone = {p for p in self.jobs[job].output_paths if self.is_gone(p)}
        readers = [k for k in self.jobs if gone & set(self.counted[k])]
        found = [t for k in readers if (t := self.oldest(k)) is not None]
        return min(found, default=None)

    def is_gone(self, path: str) -> bool:
        maker = self.maker.get(path)
        return maker is not None and (maker in self.phony or self.disk.stat(path) is None)

    def content(self, job: JobId) -> str | None:
        known = [self.past.known.get(p) for p in self.jobs[job].output_paths]
        contents = {r.content_digest for r in known if r is not None}
        return contents.pop() if len(contents) == 1 else None

    def runs_by_itself(self, job: JobId) -> bool:
        view = self.jobs[job]
        for path in view.output_paths:
            if self.disk.stat(path) is None and path in self.asked:
                return True
            record = self.past.known.get(path)
            if record is not None and record.state == FAILED:
                return True
        oldest = self.oldest(job)
        newest = max(map(self.mtime, self.counted[job]), default=-1)
        return oldest is not None and newest > oldest and self.content(job) != "same"

    def is_wanted(self, job: JobId) -> bool:
        """Whether something that is missing here is wanted by a job that may run."""
        gone = {p for p in self.jobs[job].output_paths if self.is_gone(p)}
        return any(
            self.is_wanted(k) if k in self.phony else self.level[k] > 0
            for k in self.jobs
            if gone & set(self.jobs[k].input_paths)
        )

    def judge(self, job: JobId) -> int:
        makers = [
            self.level[self.maker[p]]
            for p in self.jobs[job].input_paths
            if p in self.maker and (p in self.counted[job] or self.disk.stat(p) is None)
        ]
        passed = max(makers, default=0)
        if job in self.phony:
            return passed
        if self.runs_by_itself(job) or self.is_wanted(job):
            return 2
        return 1 if passed == 2 and self.content(job) is not None else passed

    def decide(self) -> dict[str, str]:
        while True:
            new = {j: self.judge(j) for j in self.jobs}
            if new == self.level:
                break
            self.level = new
        return {
            job.name: SIGNS[0 if j in self.phony else self.level[j]] for j, job in self.jobs.items()
        }


@st.composite
def worlds(draw: Any) -> tuple[list[dict[str, Any]], list[str], dict[str, int], dict[str, str]]:
    """Rules in layers (two jobs each), what `all` asks for, times of files, records."""
    known = ["s0", "s1"]
    specs: list[dict[str, Any]] = []
    for i in range(draw(st.integers(1, 6))):
        recent = known[-6:] + known[:2]
        inputs = draw(st.lists(st.sampled_from(recent), min_size=1, max_size=4, unique=True))
        outputs = [f"r{i}/{{w}}"] + ([f"q{i}/{{w}}"] if draw(st.booleans()) else [])
        specs.append(
            {
                "inputs": inputs,
                "ancient": draw(st.sets(st.sampled_from(inputs))) if draw(st.booleans()) else set(),
                "as_list": draw(st.booleans()),
                "outputs": outputs,
                "temp": [draw(st.booleans()) for _ in outputs],
                "phony": draw(st.integers(0, 5)) == 0,
            }
        )
        known += [o.replace("{w}", w) for o in outputs for w in "12"]
    made = known[2:]
    asked = draw(st.lists(st.sampled_from(made[-8:]), min_size=1, max_size=4, unique=True))
    temps = {
        path.replace("{w}", w)
        for spec in specs
        for path, temp in zip(spec["outputs"], spec["temp"], strict=True)
        if temp
        for w in "12"
    }
    times = {}
    odds = draw(st.sampled_from([3, 10, 30]))  # how often something is out of order
    for i, path in enumerate(known):
        is_odd = draw(st.integers(1, odds)) == 1
        if path in temps and not is_odd:
            continue
        times[path] = draw(st.integers(1, 30)) if is_odd else i + 1
        if is_odd and path in made and draw(st.booleans()):
            del times[path]
    contents = st.sampled_from(["none", "none", "same", "same", "same", "other", "unknown"])
    failed = st.integers(1, odds)
    records = {p: "failed" if draw(failed) == 1 else draw(contents) for p in made}
    return specs, asked, times, records


@examples(200)
@given(worlds())
def test_a_plan_is_what_the_oracle_says(
    build: Any,
    past: Any,
    world: tuple[list[dict[str, Any]], list[str], dict[str, int], dict[str, str]],
) -> None:
    specs, asked, times, records = world
    disk = FakeDisk(times)
    rules = [build.rule("all", [asked], [], None)]
    for i, spec in enumerate(specs):
        paths = [build.ancient(p) if p in spec["ancient"] else p for p in spec["inputs"]]
        outputs = [
            build.temp(o) if temp else o
            for o, temp in zip(spec["outputs"], spec["temp"], strict=True)
        ]
        command = None if spec["phony"] else "make"
        rules.append(build.rule(f"r{i}", [paths] if spec["as_list"] else paths, outputs, command))
    graph = build_graph(build.workflow(*rules), [], disk)
    past.known.clear()
    past.done(graph, disk)
    for path in list(past.known):
        what = records[path]
        if what == "none":
            del past.known[path]
        elif what == "failed":
            past.change(path, state=FAILED, content_digest=None)
        elif what != "same":
            past.change(path, content_digest=None if what == "unknown" else "other")
    oracle_past = type(past)()
    oracle_past.known = {
        path: r._replace(content_digest=r.content_digest and records[path])
        for path, r in past.known.items()
    }
    plan = make_plan(graph, past, disk)
    found = {job.name: SIGNS[plan.decisions[job.id]] for job in graph.jobs()}
    assert found == Oracle(graph, oracle_past, disk).decide()
    for job in graph.jobs():
        reasons: list[Reason] = plan.reasons(job.id)
        assert bool(reasons) == (plan.decisions[job.id] != 0), (job.name, reasons)
