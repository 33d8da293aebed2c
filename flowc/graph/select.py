"""The part of a finished graph that some targets need. For graphs that were read from a file."""

from array import array
from collections.abc import Sequence

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.graph.job import Columns, JobGraph
from flowc.ids import NO_JOB, FileId, JobId


def select_targets(graph: JobGraph, targets: Sequence[str]) -> JobGraph:
    """The jobs and files that the targets need; ids are given out anew, their order stays.

    A target is a file of the graph or the name of a rule without wildcards. Raises WorkflowError
    for any other.
    """
    files, jobs = _find(graph, targets)
    kept_jobs = _needed(graph, files, jobs)
    new_job = {old: new for new, old in enumerate(kept_jobs)}
    kept_groups = sorted({~r for j in kept_jobs for r in graph.inputs[j] if r < 0})
    new_group = {old: new for new, old in enumerate(kept_groups)}
    kept_files = _files(graph, kept_jobs, kept_groups, files)
    new_file = {old: new for new, old in enumerate(kept_files)}
    inputs, outputs = Columns(), Columns()
    for job in kept_jobs:
        refs = graph.inputs[job]
        inputs.append([new_file[r] if r >= 0 else ~new_group[~r] for r in refs])
        outputs.append([new_file[f] for f in graph.outputs[job]])
    return JobGraph(
        workflow=graph.workflow,
        paths=[graph.paths[f] for f in kept_files],
        producer=array("i", [new_job.get(JobId(graph.producer[f]), NO_JOB) for f in kept_files]),
        states=[graph.states[f] for f in kept_files],
        rule_of=array("i", [graph.rule_of[j] for j in kept_jobs]),
        wildcards=[graph.wildcards[j] for j in kept_jobs],
        inputs=inputs,
        outputs=outputs,
        groups=[tuple([new_file[f] for f in graph.groups[g]]) for g in kept_groups],
        wildcard_names=graph.wildcard_names,
        input_names={
            JobId(new_job[j]): names for j, names in graph.input_names.items() if j in new_job
        },
        targets=tuple(FileId(new_file[f]) for f in files),
        target_jobs=tuple(JobId(new_job[j]) for j in jobs),
        opened=frozenset(JobId(new_job[j]) for j in graph.opened if j in new_job),
        before_update=frozenset(FileId(new_file[f]) for f in graph.before_update if f in new_file),
        input_flags={
            JobId(new_job[j]): {FileId(new_file[f]): flag for f, flag in flags.items()}
            for j, flags in graph.input_flags.items()
            if j in new_job
        },
    )


def _find(graph: JobGraph, targets: Sequence[str]) -> tuple[list[FileId], list[JobId]]:
    """The files and the jobs that are asked for."""
    files: list[FileId] = []
    jobs: list[JobId] = []
    faults: list[Diagnostic] = []
    for target in dict.fromkeys(targets):
        rule = graph.workflow.by_name.get(target)
        if rule is not None and not graph.wildcard_names[rule.id]:
            found = [JobId(j) for j, r in enumerate(graph.rule_of) if r == rule.id]
            jobs += found
        elif target in graph.file_ids:
            files.append(graph.file_ids[target])
            continue
        else:
            found = []
        if not found:
            faults.append(_unknown(graph, target))
    if faults:
        raise WorkflowError(faults)
    return files, jobs


def _unknown(graph: JobGraph, target: str) -> Diagnostic:
    from difflib import get_close_matches  # only after a mistake

    some = [rule.name for rule in graph.workflow.rules] + list(graph.paths[:10_000])
    near = get_close_matches(target, some, n=1)
    return Diagnostic(
        "unknown-target",
        f"the compiled workflow has no file or rule `{target}`",
        hint=f"did you mean `{near[0]}`?"
        if near
        else "it holds what was asked for when it was compiled: compile it for this target",
    )


def _needed(graph: JobGraph, files: Sequence[FileId], jobs: Sequence[JobId]) -> list[JobId]:
    """The jobs that make the files, the jobs asked for and all that these need, in order."""
    pending = [*jobs, *(JobId(graph.producer[f]) for f in files)]
    needed: set[JobId] = set()
    groups_done: set[int] = set()
    while pending:
        job = pending.pop()
        if job == NO_JOB or job in needed:
            continue
        needed.add(job)
        for ref in graph.inputs[job]:
            if ref >= 0:
                pending.append(JobId(graph.producer[ref]))
            elif ~ref not in groups_done:
                groups_done.add(~ref)
                pending += graph.group_producers[~ref]
    return sorted(needed)


def _files(
    graph: JobGraph, jobs: Sequence[JobId], groups: Sequence[int], targets: Sequence[FileId]
) -> list[int]:
    kept: set[int] = set(targets)
    for job in jobs:
        kept.update(r for r in graph.inputs[job] if r >= 0)
        kept.update(graph.outputs[job])
    for group in groups:
        kept.update(graph.groups[group])
    return sorted(kept)
