"""Small workflows made by hand, for tests of planning: no syntax is involved."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flowc.graph.build import build_graph
from flowc.graph.job import JobGraph
from flowc.ids import JobId, RuleId
from flowc.lang.template import Template
from flowc.lang.values import FlaggedPath, Flags, flags_of
from flowc.lang.workflow import Item, Param, Rule, Workflow
from flowc.source import Source, Span
from flowc.testing import FakeDisk

SPAN = Span(Source("Workflowfile", "rule r: shell: 'x'\n"), 0, 6)


def flagged(path: str, **flags: bool) -> str:
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
