"""`build_graph`: the front door of this phase."""

from array import array
from collections.abc import Sequence
from itertools import chain

from flowc.dataclass import dataclass
from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.disk import Disk, FileState
from flowc.graph.before import contradiction, waits_in_expansion
from flowc.graph.expand import Expansion
from flowc.graph.job import Columns, JobGraph
from flowc.graph.order import topological_order
from flowc.graph.resolve import Choice, resolve
from flowc.graph.streams import with_streams
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
    waits = waits_in_expansion(expansion, choice)
    order = topological_order(choice, expansion, waits)
    if order is None:
        choice = resolve(expansion, states, *asked, look_closely=True)
        waits = waits_in_expansion(expansion, choice)
        order = topological_order(choice, expansion, waits)
        if order is None:  # `resolve` has broken every cycle of files, or raised
            raise contradiction(expansion, waits)
    return with_streams(_assemble(expansion, states, choice, order, *asked))


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


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of an expansion that the graph consists of, with the graph's ids of files."""

    files: Sequence[int]  # ids in the expansion
    file_id: Sequence[int]  # by id in the expansion: id in the graph
    groups: Sequence[tuple[int, ...]]
    input_rows: Sequence[Sequence[int]]  # by job of the graph
    output_rows: Sequence[Sequence[int]]


def _assemble(
    expansion: Expansion,
    states: Sequence[FileState | None],
    choice: Choice,
    order: Sequence[int],
    target_files: Sequence[int],
    target_jobs: Sequence[int],
) -> JobGraph:
    """The finished graph: jobs in topological order, unused ones left out."""
    is_whole = choice.used is None
    part = _whole(expansion, order) if is_whole else _used(expansion, order, target_files)
    new_id = array("i", [NO_JOB]) * len(expansion.rule_of)
    for new, old in enumerate(order):
        new_id[old] = new
    makers = choice.producer
    inputs, outputs = Columns(), Columns()
    _fill(inputs, part.input_rows)
    _fill(outputs, part.output_rows)
    return JobGraph(
        workflow=expansion.workflow,
        paths=expansion.paths if is_whole else [expansion.paths[f] for f in part.files],
        producer=array(
            "i", [new_id[j] if (j := makers[f]) != NO_JOB else NO_JOB for f in part.files]
        ),
        states=states if is_whole else [states[f] for f in part.files],
        rule_of=array("i", [expansion.rule_of[job] for job in order]),
        wildcards=[expansion.wildcards[job] for job in order],
        inputs=inputs,
        outputs=outputs,
        groups=part.groups,
        wildcard_names=expansion.products.wildcard_names,
        input_names={
            JobId(new_id[job]): names
            for job, names in expansion.input_names.items()
            if new_id[job] != NO_JOB
        },
        targets=tuple(FileId(part.file_id[f]) for f in target_files),
        target_jobs=tuple(JobId(new_id[job]) for job in target_jobs),
        input_flags={
            JobId(new_id[job]): {FileId(part.file_id[f]): flag for f, flag in flags.items()}
            for job, flags in expansion.input_flags.items()
            if new_id[job] != NO_JOB
        },
        before_update=frozenset(
            FileId(new) for f in expansion.before_update if (new := part.file_id[f]) >= 0
        ),
        opened=frozenset(JobId(new) for j in expansion.opened if (new := new_id[j]) != NO_JOB),
        pending=frozenset(JobId(new) for j in expansion.pending if (new := new_id[j]) != NO_JOB),
    )


def _whole(expansion: Expansion, order: Sequence[int]) -> _Part:
    """Everything that was discovered: file ids stay as they are."""
    files = range(len(expansion.paths))
    inputs, outputs = expansion.input_rows, expansion.output_rows
    return _Part(
        files,
        files,
        expansion.groups,
        [inputs[job] for job in order],
        [outputs[job] for job in order],
    )


def _used(expansion: Expansion, order: Sequence[int], targets: Sequence[int]) -> _Part:
    """The files and groups of these jobs, numbered anew."""
    kept, file_id = _kept_files(expansion, order, targets)
    groups: list[tuple[int, ...]] = []
    group_id: dict[int, int] = {}

    def ref(old: int) -> int:
        if old >= 0:
            return file_id[old]
        if old not in group_id:
            group_id[old] = ~len(groups)
            groups.append(tuple([file_id[f] for f in expansion.groups[~old]]))
        return group_id[old]

    inputs = [[ref(r) for r in expansion.input_rows[job]] for job in order]
    outputs = [[file_id[f] for f in expansion.output_rows[job]] for job in order]
    return _Part(kept, file_id, groups, inputs, outputs)


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
