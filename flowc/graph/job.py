"""The intermediate representation: jobs and files as dense ids.

Columns, not objects: at two million jobs an object each would cost a minute and gigabytes. `Job`
is a view for reading one job comfortably; phases that touch every job use the columns.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from flowc.dataclass import dataclass, field
from flowc.disk import FileState
from flowc.graph.before import Waits, waits_in_graph
from flowc.graph.streams import Streams, streams_of
from flowc.ids import NO_JOB, FileId, JobId
from flowc.lang.values import Flags, Record, Wildcards
from flowc.lang.workflow import Item, Rule, Workflow

Ref = int
"""One item of a job: a FileId, or `~g` for the group `JobGraph.groups[g]` of an item that is a
list. Jobs that read the same list share its group, so a layer in which each of n jobs reads the
same m files costs n + m, not n * m."""


@dataclass(slots=True)
class Columns:
    """Rows of integers of differing length: row `i` is `values[starts[i]:starts[i + 1]]`."""

    starts: "array[int]" = field(default_factory=lambda: array("q", [0]))
    values: "array[int]" = field(default_factory=lambda: array("i"))

    def append(self, row: Sequence[int]) -> None:
        self.values.extend(row)
        self.starts.append(len(self.values))

    def __getitem__(self, i: int) -> "array[int]":
        return self.values[self.starts[i] : self.starts[i + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class JobGraph:
    """What there is to do, whether or not it needs doing.

    Jobs are in topological order: a job's id is larger than the ids of all jobs it needs.
    """

    workflow: Workflow
    # files, by FileId
    paths: Sequence[str]
    producer: "array[int]"  # JobId, or NO_JOB for a source
    states: Sequence[FileState | None]  # as found when the graph was made; None: not there
    # jobs, by JobId
    rule_of: "array[int]"  # RuleId
    wildcards: Sequence[tuple[str, ...]]  # in the order of `wildcard_names[rule]`
    inputs: Columns  # of Ref: one for each item of the rule, unless `input_names` has the job
    outputs: Columns  # of FileId, flat, in the order of the rule's output items
    groups: Sequence[tuple[int, ...]]  # FileIds of the items that are lists
    wildcard_names: Sequence[tuple[str, ...]]  # by RuleId
    input_names: Mapping[JobId, tuple[str | None, ...]]  # where `unpack` made up the items
    targets: tuple[FileId, ...]  # files asked for
    target_jobs: tuple[JobId, ...]  # jobs asked for (rules named as targets)
    input_flags: Mapping[JobId, Mapping[FileId, Flags]] = field(default_factory=dict)
    """Flags on what an input function has returned; those of patterns are in the rule."""
    before_update: frozenset[FileId] = frozenset()
    """Files as they are before a job updates them: see `flowc.graph.before`."""
    opened: frozenset[JobId] = frozenset()
    """Jobs whose last Ref is no item: the files that their input functions have opened."""
    pending: frozenset[JobId] = frozenset()
    """Jobs whose inputs depend on checkpoints that are not done: those stand in their place."""

    def __len__(self) -> int:
        return len(self.rule_of)

    def job(self, id: JobId) -> "Job":
        return Job(self, id)

    def jobs(self) -> Iterator["Job"]:
        return (Job(self, JobId(i)) for i in range(len(self.rule_of)))

    @cached_property
    def file_ids(self) -> Mapping[str, FileId]:
        """Path to id; made on first use."""
        found = {self.paths[file]: file for file in self.before_update}
        if found:  # where a path has a file of each kind, it names the one that a job makes
            others = enumerate(self.paths)
            return found | {p: FileId(i) for i, p in others if i not in self.before_update}
        return {path: FileId(i) for i, path in enumerate(self.paths)}

    @cached_property
    def waits(self) -> Waits:
        """The jobs that wait for others whose files they do not read."""
        return waits_in_graph(self)

    @cached_property
    def streams(self) -> Streams:
        """Pipes and services."""
        return streams_of(self)

    @cached_property
    def group_producers(self) -> Sequence[tuple[JobId, ...]]:
        """For each group, the jobs that make its files, each once."""
        producer = self.producer
        return [
            tuple(dict.fromkeys(JobId(j) for f in group if (j := producer[f]) != NO_JOB))
            for group in self.groups
        ]

    def needs(self, job: JobId) -> list[JobId]:
        """The jobs that make the inputs of `job`, each once."""
        found: dict[JobId, None] = {}
        for ref in self.inputs[job]:
            if ref >= 0:
                maker = self.producer[ref]
                if maker != NO_JOB:
                    found[JobId(maker)] = None
            else:
                found.update(dict.fromkeys(self.group_producers[~ref]))
        return list(found)

    def items_of(self, job: JobId) -> Sequence[Ref]:
        """The Refs of `input`: of all that the job depends on, but for what was only opened."""
        refs = self.inputs[job]
        return refs[:-1] if job in self.opened else refs

    def files_of(self, refs: Sequence[Ref]) -> list[FileId]:
        """The refs' files, flat."""
        files: list[FileId] = []
        for ref in refs:
            if ref >= 0:
                files.append(FileId(ref))
            else:
                files.extend(FileId(f) for f in self.groups[~ref])
        return files

    @cached_property
    def target_files(self) -> frozenset[FileId]:
        """Files that the run was asked for: they are kept even if `temp`. The outputs of a target
        job that was named count, and the inputs of one without an action."""
        files = set(self.targets)
        for job in self.target_jobs:
            files.update(FileId(f) for f in self.outputs[job])
            if self.workflow.rules[self.rule_of[job]].command is None:
                files.update(self.files_of(self.inputs[job]))
        return frozenset(files)


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a graph: a view that computes when asked."""

    graph: JobGraph
    id: JobId

    @property
    def rule(self) -> Rule:
        return self.graph.workflow.rules[self.graph.rule_of[self.id]]

    @property
    def wildcard_items(self) -> dict[str, str]:
        graph, id = self.graph, self.id
        return dict(zip(graph.wildcard_names[graph.rule_of[id]], graph.wildcards[id], strict=True))

    @property
    def wildcards(self) -> Wildcards:
        names = self.graph.wildcard_names[self.graph.rule_of[self.id]]
        return Wildcards(self.graph.wildcards[self.id], {name: i for i, name in enumerate(names)})

    @property
    def name(self) -> str:
        """`map(sample=A)`, or `all` where there is no wildcard."""
        return job_name(self.rule.name, self.wildcard_items)

    @property
    def input_paths(self) -> list[str]:
        paths = self.graph.paths
        return [paths[f] for f in self.graph.files_of(self.graph.items_of(self.id))]

    @property
    def output_paths(self) -> list[str]:
        paths = self.graph.paths
        return [paths[f] for f in self.graph.outputs[self.id]]

    @property
    def output_flags(self) -> list[Flags]:
        """One for each of `output_paths`."""
        return output_flags(self.rule)

    @property
    def input(self) -> Record:
        """`input` as a command sees it."""
        refs = self.graph.items_of(self.id)
        names: Sequence[str | None] = self.graph.input_names.get(self.id) or [
            item.name for item in self.rule.inputs
        ]
        paths, groups = self.graph.paths, self.graph.groups
        values: list[str] = []
        places: dict[str, int | slice] = {}
        for name, ref in zip(names, refs, strict=True):
            at = len(values)
            if ref >= 0:
                values.append(paths[ref])
            else:
                values.extend(paths[f] for f in groups[~ref])
            if name is not None:
                places[name] = at if ref >= 0 else slice(at, len(values))
        return Record(tuple(values), places)

    @property
    def output(self) -> Record:
        return Record(tuple(self.output_paths), _places(self.rule.outputs))

    @property
    def group(self) -> str | None:
        """The name of those that it belongs to. Raises WorkflowError where a function fails."""
        from flowc.lang.pattern import WILDCARD  # only where jobs are shown

        group = self.rule.group
        if group is not None and not isinstance(group, str):
            group = group(self.wildcards)
        if group is None:
            return None
        values = self.wildcard_items
        return WILDCARD.sub(lambda found: values.get(found["name"], found[0]), str(group))

    def fill(self, items: Sequence[Item]) -> Record:
        """The paths of `log` or `benchmark` items with this job's wildcards filled in."""
        from flowc.lang.pattern import Pattern  # only jobs that run come here

        values = self.wildcard_items
        paths = tuple(Pattern(f).fill(values) for item in items for f in item.files)
        return Record(paths, _places(items))

    @property
    def log(self) -> Record:
        return self.fill(self.rule.logs)


def job_name(rule: str, wildcards: Mapping[str, str]) -> str:
    """See `Job.name`."""
    if not wildcards:
        return rule
    return f"{rule}({','.join([f'{name}={value}' for name, value in wildcards.items()])})"


def output_flags(rule: Rule) -> list[Flags]:
    """The flags of a rule's outputs, in the order of `JobGraph.outputs`."""
    from flowc.lang.values import flags_of

    return [flags_of(f) for item in rule.outputs for f in item.files]


def _places(items: Sequence[Item]) -> dict[str, int | slice]:
    places: dict[str, int | slice] = {}
    at = 0
    for item in items:
        if item.name is not None:
            places[item.name] = slice(at, at + len(item.files)) if item.is_list else at
        at += len(item.files)
    return places
