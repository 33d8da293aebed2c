"""`before_update(...)`: a job that reads a file as it is before another job updates it.

What it reads is a file of its own in the graph, which no job makes, at the same path as the one
that the other job makes. That job waits for it, though it reads nothing that it has made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.ids import NO_JOB, JobId

if TYPE_CHECKING:
    from flowc.graph.expand import Expansion
    from flowc.graph.job import JobGraph
    from flowc.graph.resolve import Choice

Waits = Mapping[int, Sequence[int]]
"""For each job that updates a file: the jobs that come before."""


def waits_of(
    makers: Mapping[int, int],
    rows: Iterable[tuple[int, Sequence[int]]],
    groups: Sequence[Sequence[int]],
) -> dict[int, list[int]]:
    """`makers`: who makes the path of each file that is read before the update."""
    found: dict[int, dict[int, None]] = {}
    for job, row in rows:
        for file in chain.from_iterable((r,) if r >= 0 else groups[~r] for r in row):
            maker = makers.get(file, NO_JOB)
            if maker not in (NO_JOB, job):
                found.setdefault(maker, {})[job] = None
    return {maker: list(jobs) for maker, jobs in found.items()}


def waits_in_expansion(expansion: "Expansion", choice: "Choice") -> Waits:
    """Of the jobs that are used."""
    if not expansion.before_update:
        return {}
    ids, used = expansion.ids, choice.used
    makers = {
        file: choice.producer[made]
        for file in expansion.before_update
        if (made := ids.get(expansion.paths[file])) is not None
    }
    rows = [(j, row) for j, row in enumerate(expansion.input_rows) if used is None or used[j]]
    waits = waits_of(makers, rows, expansion.groups)
    return {job: earlier for job, earlier in waits.items() if used is None or used[job]}


def waits_in_graph(graph: "JobGraph") -> Waits:
    """Of a finished graph."""
    if not graph.before_update:
        return {}
    made = graph.file_ids
    makers: dict[int, int] = {
        file: graph.producer[made[graph.paths[file]]] for file in graph.before_update
    }
    rows = ((job, graph.inputs[JobId(job)]) for job in range(len(graph)))
    return waits_of(makers, rows, graph.groups)


def contradiction(expansion: "Expansion", waits: Waits) -> WorkflowError:
    """A job needs what it has to come before."""
    return WorkflowError(_contradictions(expansion, waits))


def _contradictions(expansion: "Expansion", waits: Waits) -> Iterator[Diagnostic]:
    rules, rule_of = expansion.workflow.rules, expansion.rule_of
    for updating, earlier in waits.items():
        reading = rules[rule_of[earlier[0]]]
        maker = rules[rule_of[updating]]
        yield Diagnostic(
            "cyclic-graph",
            f"rule `{reading.name}` reads a file before rule `{maker.name}` updates it, and one of "
            "them needs what the other makes",
            reading.span,
            (Label(maker.span, "updates it"),),
            "no order of jobs can do that: take `before_update` away, or the other input",
        )
