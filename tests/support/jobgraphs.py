"""Job graphs of any shape, without a Workflowfile."""

from array import array
from collections.abc import Sequence

from flowc.graph.job import Columns, JobGraph
from flowc.ids import FileId, RuleId
from flowc.lang.template import Template
from flowc.lang.values import FlaggedPath, Flags
from flowc.lang.workflow import Item, Rule, Workflow
from flowc.source import Source, Span

SPAN = Span(Source("Workflowfile", "rule r"), 0, 4)


def graph_of(
    needs: Sequence[Sequence[int]],
    groups: Sequence[Sequence[int]] = (),
    *,
    phony: Sequence[int] = (),
    temp: Sequence[int] = (),
    targets: Sequence[int] = (),
) -> JobGraph:
    """Job i makes file i. `needs[i]`: the files it reads, or ~g for a group. Jobs of `phony` have
    no command; files of `temp` are temp."""
    rules = []
    for kind in range(4):
        path = FlaggedPath("{x}", Flags(temp=True)) if kind & 1 else "{x}"
        out = Item(None, (path,), False, None, False, SPAN)
        command = None if kind & 2 else Template("c", ("c",))
        rules.append(Rule(RuleId(kind), f"r{kind}", SPAN, outputs=(out,), command=command))
    inputs, outputs = Columns(), Columns()
    for i, row in enumerate(needs):
        inputs.append(row)
        outputs.append([i])
    count = len(needs)
    return JobGraph(
        workflow=Workflow(tuple(rules), None),
        paths=[f"f{i}" for i in range(count)],
        producer=array("i", range(count)),
        states=[None] * count,
        rule_of=array("i", [(i in temp) + 2 * (i in phony) for i in range(count)]),
        wildcards=[(str(i),) for i in range(count)],
        inputs=inputs,
        outputs=outputs,
        groups=[tuple(g) for g in groups],
        wildcard_names=[("x",)] * 4,
        input_names={},
        targets=tuple(FileId(t) for t in targets),
        target_jobs=(),
    )
