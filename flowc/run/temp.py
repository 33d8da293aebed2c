"""When `temp` files go: as soon as the last of their readers in this run has ended well.

Files that the run was asked for stay. So do those whose reader has failed: it will want them the
next time. Pure counting; the removing is done elsewhere.
"""

from collections.abc import Callable, Iterable

from flowc.graph.job import JobGraph, output_flags
from flowc.ids import FileId, JobId


class TempFiles:
    """Counts the readers of each `temp` file; a list that many jobs read counts once."""

    def __init__(
        self, graph: JobGraph, active: Iterable[JobId], asked: frozenset[FileId] = frozenset()
    ) -> None:
        """`asked`: files that stay besides the targets of the graph."""
        self._graph = graph
        self._columns = _temp_columns(graph)  # by rule: which of its outputs are temp
        self._kept = _kept(graph) | asked if self._columns else frozenset()
        self._readers: dict[FileId, int] = {}
        self._group_files: dict[int, list[FileId]] = {}
        self._group_readers: dict[int, int] = {}
        if self._columns:
            is_temp = self._finder()
            for job in active:
                self._count(job, is_temp)

    def _finder(self) -> Callable[[int], bool]:
        """Whether a file is temp and may go."""
        graph, columns, kept = self._graph, self._columns, self._kept
        known: dict[int, bool] = {}

        def is_temp(file: int) -> bool:
            found = known.get(file)
            if found is None:
                maker = graph.producer[file]
                places = columns.get(graph.rule_of[maker], ()) if maker >= 0 else ()
                found = FileId(file) not in kept and any(
                    graph.outputs[maker][i] == file for i in places
                )
                known[file] = found
            return found

        return is_temp

    def _count(self, job: JobId, is_temp: Callable[[int], bool]) -> None:
        for ref in self._graph.inputs[job]:
            if ref >= 0:
                if is_temp(ref):
                    self._readers[FileId(ref)] = self._readers.get(FileId(ref), 0) + 1
                continue
            group = ~ref
            files = self._group_files.get(group)
            if files is None:
                files = [FileId(f) for f in self._graph.groups[group] if is_temp(f)]
                self._group_files[group] = files
                for file in files:
                    self._readers[file] = self._readers.get(file, 0) + 1
            if files:
                self._group_readers[group] = self._group_readers.get(group, 0) + 1

    def stays(self, file: FileId) -> bool:
        """Whether a job still reads it, or it is not `temp`, or was asked for."""
        return self._readers.get(file, 0) > 0 or not self._finder()(file)

    def over(self, job: JobId, *, ran: bool) -> list[FileId]:
        """A job has ended well, or need not run: the files that no job needs any more."""
        if not self._columns:
            return []
        gone: list[FileId] = []
        for ref in self._graph.inputs[job]:
            if ref >= 0:
                self._release(FileId(ref), gone)
            elif (left := self._group_readers.get(~ref, 0)) > 0:
                self._group_readers[~ref] = left - 1
                if left == 1:
                    for file in self._group_files[~ref]:
                        self._release(file, gone)
        places = self._columns.get(self._graph.rule_of[job], ()) if ran else ()
        if places:
            outputs = self._graph.outputs[job]
            kept = self._kept
            gone += [
                FileId(f)
                for i in places
                if (f := outputs[i]) not in self._readers and f not in kept
            ]
        return gone

    def _release(self, file: FileId, gone: list[FileId]) -> None:
        left = self._readers.get(file)
        if left is not None:
            self._readers[file] = left - 1
            if left == 1:
                gone.append(file)


def _kept(graph: JobGraph) -> frozenset[FileId]:
    """What was asked for, what input functions have opened, as the next plan will open it again,
    and what stands behind the outputs that a job without an action claims to make: nobody can tell
    when that is no longer needed."""
    kept = set(graph.target_files)
    for reader in graph.opened:
        kept.update(graph.files_of(graph.inputs[reader][-1:]))
    phony = [rule.command is None for rule in graph.workflow.rules]
    if any(phony):
        for job, rule in enumerate(graph.rule_of):
            if phony[rule]:
                kept.update(graph.files_of(graph.inputs[job]))
    return frozenset(kept)


def _temp_columns(graph: JobGraph) -> dict[int, tuple[int, ...]]:
    found = {}
    for rule in graph.workflow.rules:
        places = tuple(i for i, flags in enumerate(output_flags(rule)) if flags.temp)
        if places:
            found[int(rule.id)] = places
    return found
