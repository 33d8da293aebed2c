"""Small workflows made by hand, for tests of planning: no syntax is involved."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flowc.disk import FileState
from flowc.graph.build import build_graph
from flowc.graph.job import JobGraph
from flowc.ids import JobId, RuleId
from flowc.lang.template import Template
from flowc.lang.values import FlaggedPath, Flags, flags_of
from flowc.lang.workflow import Item, Param, Rule, Workflow
from flowc.plan.digest import FileDigests, JobDigests
from flowc.record.history import DONE, JobRecord, NoHistory
from flowc.source import Source, Span
from flowc.testing import FakeDisk

SPAN = Span(Source("Workflowfile", "rule r: shell: 'x'\n"), 0, 6)


def flagged(path: str, **flags: Any) -> str:
    return FlaggedPath(path, Flags(**flags) | flags_of(path))


class Build:
    """`rule(...)` and `graph(...)`, at hand in every test as `build`."""

    span = SPAN

    @staticmethod
    def temp(path: str) -> str:
        return flagged(path, temp=True)

    @staticmethod
    def ancient(path: str) -> str:
        return flagged(path, ancient=True)

    @staticmethod
    def touch(path: str) -> str:
        return flagged(path, touch=True)

    @staticmethod
    def directory(path: str) -> str:
        return flagged(path, directory=True)

    @staticmethod
    def rule(
        name: str,
        inputs: Sequence[str | list[str]] = (),
        outputs: Sequence[str] = (),
        command: str | None = "make it",
        params: Iterable[tuple[str, Any]] = (),
        **others: Any,
    ) -> Rule:
        return Rule(
            RuleId(0),
            name,
            SPAN,
            inputs=tuple(
                Item(None, tuple(i), True, None, False, SPAN)
                if isinstance(i, list)
                else Item(None, (i,), False, None, False, SPAN)
                for i in inputs
            ),
            outputs=tuple(Item(None, (o,), False, None, False, SPAN) for o in outputs),
            params=tuple(Param(name, value, SPAN) for name, value in params),
            command=None if command is None else Template(command, (command,)),
            **others,
        )

    @staticmethod
    def workflow(*rules: Rule) -> Workflow:
        numbered = tuple(replace(rule, id=RuleId(i)) for i, rule in enumerate(rules))
        return Workflow(numbered, RuleId(0))

    def graph(self, disk: FakeDisk, *rules: Rule, targets: Sequence[str] = ()) -> JobGraph:
        return build_graph(self.workflow(*rules), targets, disk)


@pytest.fixture
def build() -> Build:
    return Build()


@pytest.fixture
def job_named() -> Callable[[JobGraph, str], JobId]:
    def find(graph: JobGraph, name: str) -> JobId:
        return next(job.id for job in graph.jobs() if job.name == name)

    return find


class Past:
    """A history in memory: what `done` has noted of the jobs of a graph."""

    def __init__(self) -> None:
        self.known: dict[str, JobRecord] = {}

    def done(self, graph: JobGraph, disk: FakeDisk, *names: str) -> "Past":
        """As if these jobs (none named: all with an action) had just ended well."""
        digests = JobDigests(graph, FileDigests(disk, NoHistory(), disk.clock_ns))
        for job in graph.jobs():
            if job.rule.command is not None and (not names or job.rule.name in names):
                record = JobRecord(
                    job.rule.name,
                    digests.code(job.rule.id),
                    digests.params(job.id),
                    digests.inputs(job.id),
                    digests.content(job.id),
                    DONE,
                    float(disk.now_ns),
                )
                self.known.update(dict.fromkeys(job.output_paths, record))
        return self

    def change(self, path: str, **fields: Any) -> "Past":
        self.known[path] = self.known[path]._replace(**fields)
        return self

    def records(self, paths: Iterable[str]) -> dict[str, JobRecord]:
        return {path: self.known[path] for path in paths if path in self.known}

    def file_digest(self, path: str, state: FileState) -> str | None:
        return None


@pytest.fixture
def past() -> Past:
    return Past()


class Call:
    """A function of a Workflowfile, played by one of Python's."""

    def __init__(self, function: Callable[..., Any]) -> None:
        code = function.__code__
        self.function = function
        self.name = function.__name__
        self.span = SPAN
        self.parameters = code.co_varnames[: code.co_argcount]
        self.required = code.co_argcount - len(function.__defaults__ or ())
        self.takes_rest = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def to_data(self) -> dict[str, Any]:
        return {"text": self.name}


@pytest.fixture
def call() -> type[Call]:
    return Call
