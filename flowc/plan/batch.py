"""`--batch RULE=I/N`: of a large workflow, the part that makes one N-th of a rule's inputs.

The inputs of each job of the rule are sorted and cut into N parts. The rule, and all that depends
on it, waits for the last part, which needs the files of the others to be there.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from flowc.diagnostic import fail
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, FileId, JobId
from flowc.plan.options import Batch


class Part(NamedTuple):
    """`kept`: a byte for each job; `asked`: what is made even if it is `temp`."""

    kept: bytearray
    asked: frozenset[FileId]


def part_of(graph: JobGraph, batch: Batch) -> Part:
    """Raises WorkflowError for a rule that there is not, that has fewer inputs than there are
    parts, or whose other inputs are not there when it is the last part's turn."""
    rule = graph.workflow.by_name.get(batch.rule)
    jobs = [JobId(j) for j, r in enumerate(graph.rule_of) if rule is not None and r == rule.id]
    if not jobs:
        raise fail("bad-batch", f"--batch {batch}: the run has no rule `{batch.rule}`")
    parts = {job: _files(graph, job, batch) for job in jobs}
    is_last = batch.number == batch.count
    beyond = set() if is_last else _downstream(graph, jobs)
    asked = graph.target_files
    if is_last:
        roots = {*graph.target_jobs, *_makers(graph, graph.targets)}
        _check(graph, parts, batch)
    else:
        made = {file for part in parts.values() for file in part}
        made |= {f for job in beyond - parts.keys() for f in graph.files_of(graph.inputs[job])}
        roots = {*graph.target_jobs, *_makers(graph, made.union(graph.targets))} - beyond
        asked |= made
    kept = bytearray(len(graph))
    stack = list(roots)
    while stack:
        job = stack.pop()
        if kept[job]:
            continue
        kept[job] = 1
        stack += _makers(graph, parts[job]) if job in parts else graph.needs(job)
    return Part(kept, asked)


def _files(graph: JobGraph, job: JobId, batch: Batch) -> Sequence[FileId]:
    """The inputs of a job that are this part's: the first parts are longer by one where the
    number of parts leaves a remainder. What is not known yet is not cut: these are checkpoints."""
    paths = graph.paths
    files = sorted(set(graph.files_of(graph.items_of(job))), key=paths.__getitem__)
    if job in graph.pending:
        return files
    size, longer = divmod(len(files), batch.count)
    if size < 1:
        raise fail(
            "bad-batch",
            f"--batch {batch}: {graph.job(job).name} has {len(files)} inputs, which make no "
            f"{batch.count} parts",
            graph.job(job).rule.span,
        )
    before = batch.number - 1
    start = before * size + min(before, longer)
    return files[start : start + size + (before < longer)]


def _makers(graph: JobGraph, files: Iterable[FileId]) -> list[JobId]:
    return [JobId(job) for file in files if (job := graph.producer[file]) != NO_JOB]


def _downstream(graph: JobGraph, jobs: Iterable[JobId]) -> set[JobId]:
    """These jobs and all that need them."""
    found = set(jobs)
    for id in range(min(found), len(graph)):
        if not found.isdisjoint(graph.needs(JobId(id))):
            found.add(JobId(id))
    return found


def _check(graph: JobGraph, parts: dict[JobId, Sequence[FileId]], batch: Batch) -> None:
    missing = [*_missing(graph, parts)]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise fail(
            "bad-batch",
            f"--batch {batch}: `{missing[0]}`{more} of the other parts is not there",
            hint="run the other parts first",
        )


def _missing(graph: JobGraph, parts: dict[JobId, Sequence[FileId]]) -> Iterator[str]:
    for job, part in parts.items():
        others = set(graph.files_of(graph.items_of(job))) - set(part)
        yield from sorted(graph.paths[file] for file in others if graph.states[file] is None)
