"""`build_graph`: the front door of this phase."""

from array import array
from collections.abc import Sequence
from itertools import chain

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.disk import Disk, FileState
from flowc.graph.expand import Expansion
from flowc.graph.job import Columns, JobGraph
from flowc.graph.order import topological_order
from flowc.graph.resolve import Choice, resolve
from flowc.ids import NO_JOB, FileId, JobId
from flowc.lang.workflow import Workflow


def build_graph(workflow: Workflow, targets: Sequence[str], disk: Disk) -> JobGraph:
    """Every job that the targets need, whether or not it needs doing.

    A target is the name of a rule or a path; without any, the workflow's default target is meant.
    Raises WorkflowError for what cannot be made, ambiguous files, cycles.
    """
    expansion = Expansion(workflow, disk)
    target_files, target_jobs = _ask(expansion, targets)
    expansion.run()
    states = expansion.stat()
    asked = (target_files, target_jobs)
    choice = resolve(expansion, states, *asked)
    order = topological_order(choice, expansion)
    if order is None:
        choice = resolve(expansion, states, *asked, look_closely=True)
        order = topological_order(choice, expansion)
        assert order is not None  # `resolve` has broken every cycle or raised
    return _assemble(expansion, states, choice, order, *asked)


def _ask(expansion: Expansion, targets: Sequence[str]) -> tuple[list[int], list[int]]:
    """Put the targets into the expansion: files, and jobs of rules."""
    workflow = expansion.workflow
    if not targets and workflow.default_target is not None:
        targets = [workflow.rules[workflow.default_target].name]
    faults, files, jobs = [], [], []
    for target in dict.fromkeys(targets):
        rule = workflow.by_name.get(target)
        if rule is None:
            if target.endswith("/") and target.strip("/"):
                target = target.rstrip("/")
            files.append(target)
        elif expansion.products.wildcard_names[rule.id]:
            names = ", ".join(expansion.products.wildcard_names[rule.id])
            faults.append(
                Diagnostic(
                    "wildcards-in-target",
                    f"rule `{target}` has wildcards ({names}), so it cannot be a target by name",
                    rule.span,
                    hint="ask for one of its files, or for a rule that gathers them",
                )
            )
        else:
            jobs.append(expansion.add_job(rule.id))
    if faults:
        raise WorkflowError(faults)
    return expansion.files(files, [NO_JOB] * len(files)), jobs


def _assemble(
    expansion: Expansion,
    states: Sequence[FileState | None],
    choice: Choice,
    order: Sequence[int],
    target_files: Sequence[int],
    target_jobs: Sequence[int],
) -> JobGraph:
    """The finished graph: jobs in topological order, unused ones left out."""
    new_id = array("i", [NO_JOB]) * len(expansion.rule_of)
    for new, old in enumerate(order):
        new_id[old] = new
    if choice.used is None:
        kept: Sequence[int] = range(len(expansion.paths))
        file_id: Sequence[int] = kept
    else:
        kept, file_id = _kept_files(expansion, order, target_files)
    moved = choice.used is not None
    inputs, outputs = Columns(), Columns()
    groups: list[tuple[int, ...]] = []
    group_id: dict[int, int] = {}

    def ref(old: int) -> int:
        if old >= 0:
            return file_id[old]
        if old not in group_id:
            group_id[old] = ~len(groups)
            groups.append(tuple([file_id[f] for f in expansion.groups[~old]]))
        return group_id[old]

    if moved:
        _fill(inputs, [[ref(r) for r in expansion.input_rows[job]] for job in order])
        _fill(outputs, [[file_id[f] for f in expansion.output_rows[job]] for job in order])
    else:
        groups = expansion.groups
        _fill(inputs, [expansion.input_rows[job] for job in order])
        _fill(outputs, [expansion.output_rows[job] for job in order])
    makers = choice.producer
    return JobGraph(
        workflow=expansion.workflow,
        paths=[expansion.paths[f] for f in kept] if moved else expansion.paths,
        producer=array("i", [new_id[j] if (j := makers[f]) != NO_JOB else NO_JOB for f in kept]),
        states=[states[f] for f in kept] if moved else states,
        rule_of=array("i", [expansion.rule_of[job] for job in order]),
        wildcards=[expansion.wildcards[job] for job in order],
        inputs=inputs,
        outputs=outputs,
        groups=groups,
        wildcard_names=expansion.products.wildcard_names,
        input_names={
            JobId(new_id[job]): names
            for job, names in expansion.input_names.items()
            if new_id[job] != NO_JOB
        },
        targets=tuple(FileId(file_id[f]) for f in target_files),
        target_jobs=tuple(JobId(new_id[job]) for job in target_jobs),
        input_flags={
            JobId(new_id[job]): {FileId(file_id[f]): flag for f, flag in flags.items()}
            for job, flags in expansion.input_flags.items()
            if new_id[job] != NO_JOB
        },
    )


def _fill(columns: Columns, rows: Sequence[Sequence[int]]) -> None:
    columns.values.extend(chain.from_iterable(rows))
    total = 0
    starts = columns.starts
    for row in rows:
        total += len(row)
        starts.append(total)


def _kept_files(
    expansion: Expansion, order: Sequence[int], targets: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The files of the graph, and each file's new id."""
    keep = bytearray(len(expansion.paths))
    for file in targets:
        keep[file] = 1
    for job in order:
        for file in expansion.group_files(expansion.input_rows[job]):
            keep[file] = 1
        for file in expansion.output_rows[job]:
            keep[file] = 1
    kept = [f for f, wanted in enumerate(keep) if wanted]
    file_id = [-1] * len(keep)
    for new, old in enumerate(kept):
        file_id[old] = new
    return kept, file_id
