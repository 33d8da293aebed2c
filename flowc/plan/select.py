"""Options that name jobs: which are forced, and which are left out of the run."""

from collections.abc import Iterable

from flowc.dataclass import dataclass
from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.graph.job import JobGraph
from flowc.graph.streams import join_bundles
from flowc.ids import NO_JOB, FileId, JobId
from flowc.plan.options import TRIGGERS, PlanOptions


@dataclass(frozen=True, slots=True)
class Selection:
    """`kept`: a byte for each job, 0 for one that is left out; None: all are in. `asked`: files
    that are made even if they are `temp`."""

    kept: bytearray | None
    forced: dict[JobId, str]  # the option that forces it
    force_all: bool
    asked: frozenset[FileId]


def select(graph: JobGraph, options: PlanOptions) -> Selection:
    """Raises WorkflowError for a name that is neither a rule nor a file of the graph."""
    faults: list[Diagnostic] = []
    for name in sorted(options.rerun_triggers - TRIGGERS):
        known = ", ".join(sorted(TRIGGERS))
        faults.append(
            Diagnostic(
                "unknown-trigger", f"`{name}` is no cause to run again", hint=f"one of {known}"
            )
        )
    forced: dict[JobId, str] = {}
    if options.force_targets:
        made = (JobId(graph.producer[f]) for f in graph.target_files)
        forced.update(dict.fromkeys((j for j in made if j != NO_JOB), "--force"))
        forced.update(dict.fromkeys(graph.target_jobs, "--force"))
    named = _named(graph, options.force_rules, "--forcerun", faults)
    forced.update(dict.fromkeys(named, "--forcerun"))
    until = _named(graph, options.until, "--until", faults)
    omitted = _named(graph, options.omit_from, "--omit-from", faults)
    if faults:
        raise WorkflowError(faults)
    asked = graph.target_files
    kept = None
    if options.until:
        kept = _with_upstream(graph, until)
        asked = frozenset(FileId(f) for job in until for f in graph.outputs[job])
    if options.omit_from:
        kept, bared = _without_downstream(graph, omitted, kept)
        asked |= bared
    if options.batch is not None:
        from flowc.plan.batch import part_of

        part = part_of(graph, options.batch)
        both = part.kept if kept is None else [a & b for a, b in zip(kept, part.kept, strict=True)]
        kept, asked = bytearray(both), asked | part.asked
    return Selection(kept, forced, options.force_all, asked)


def _named(
    graph: JobGraph, names: Iterable[str], option: str, faults: list[Diagnostic]
) -> list[JobId]:
    """The jobs of rules and the makers of files."""
    found: dict[JobId, None] = {}
    for name in names:
        rule = graph.workflow.by_name.get(name)
        if rule is not None:
            jobs = (JobId(j) for j, r in enumerate(graph.rule_of) if r == rule.id)
            found.update(dict.fromkeys(jobs))
            continue
        file = graph.file_ids.get(name)
        if file is None and name.startswith("./"):
            file = graph.file_ids.get(name[2:])
        if file is None:
            what, hint = f"there is no rule `{name}`, and no file of this run", None
        elif graph.producer[file] == NO_JOB:
            what, hint = f"no rule makes `{name}`: it is a source", None
        else:
            found[JobId(graph.producer[file])] = None
            continue
        if file is None:
            hint = _near(name, graph)
        faults.append(Diagnostic("unknown-name", f"{option} {name}: {what}", hint=hint))
    return list(found)


def _near(name: str, graph: JobGraph) -> str | None:
    from difflib import get_close_matches  # only for a fault

    near = get_close_matches(name, list(graph.workflow.by_name), n=1)
    return f"did you mean `{near[0]}`?" if near else None


def _with_upstream(graph: JobGraph, jobs: Iterable[JobId]) -> bytearray:
    """These jobs and all that they need."""
    kept = bytearray(len(graph))
    for job in jobs:
        kept[job] = 1
    _keep_upstream(graph, kept)
    while join_bundles(graph, kept):
        _keep_upstream(graph, kept)
    return kept


def _keep_upstream(graph: JobGraph, kept: bytearray) -> None:
    groups_seen: set[int] = set()
    producer, groups = graph.producer, graph.groups
    for needing in range(len(kept) - 1, -1, -1):
        if not kept[needing]:
            continue
        for ref in graph.inputs[needing]:
            if ref >= 0:
                if producer[ref] >= 0:
                    kept[producer[ref]] = 1
            elif ref not in groups_seen:
                groups_seen.add(ref)
                for file in groups[~ref]:
                    if producer[file] >= 0:
                        kept[producer[file]] = 1


def _without_downstream(
    graph: JobGraph, jobs: Iterable[JobId], kept: bytearray | None
) -> tuple[bytearray, frozenset[FileId]]:
    """All but these jobs and those downstream of them; and the files that they would have read."""
    kept = bytearray(b"\1") * len(graph) if kept is None else kept
    producer = graph.producer
    gone = bytearray(len(graph))
    for job in jobs:
        gone[job] = 1
    _drop_downstream(graph, gone)
    while join_bundles(graph, gone):
        _drop_downstream(graph, gone)
    bared = frozenset(
        file
        for job in range(len(graph))
        if gone[job] and kept[job]
        for file in graph.files_of(graph.inputs[JobId(job)])
        if producer[file] >= 0 and not gone[producer[file]]
    )
    for left_out in range(len(graph)):
        if gone[left_out]:
            kept[left_out] = 0
    return kept, bared


def _drop_downstream(graph: JobGraph, gone: bytearray) -> None:
    """Mark all that is downstream of what is marked."""
    producer, groups = graph.producer, graph.groups
    is_cut: dict[int, bool] = {}  # by group: whether a maker of one of its files is left out
    for job in range(len(graph)):
        if gone[job]:
            continue
        for ref in graph.inputs[job]:
            if ref >= 0:
                cut = producer[ref] >= 0 and bool(gone[producer[ref]])
            elif ref in is_cut:
                cut = is_cut[ref]
            else:
                cut = any(producer[f] >= 0 and gone[producer[f]] for f in groups[~ref])
                is_cut[ref] = cut
            if cut:
                gone[job] = 1
                break
