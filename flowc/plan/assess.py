"""One forward pass over the jobs: which run for causes of their own, and what follows from that.

Columns as in the graph: `decisions` and `flow` are a byte a job, `mtime_ns` an integer a file.
`flow` is what a job passes on to those that read its outputs. It differs from the decision only
for a job without an action (*phony*): that never runs, and passes on what its inputs bring. In the
same way the newest time of its inputs is the time of the outputs it claims to make.

An output that is missing is a cause to run only if a target or a job that runs asks for it, as in
Snakemake: an intermediate file may be cleaned away. Its job is compared as if the output were as
old as the oldest output of those that read it (its *deadline*). If one of those runs after all, the
job is needed (`flowc.plan.needed`).
"""

from array import array
from collections.abc import Collection, Sequence

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, JobId, RuleId
from flowc.plan.decision import Decision
from flowc.plan.digest import JobDigests
from flowc.plan.options import PlanOptions
from flowc.plan.rules import RuleFacts, counted_inputs
from flowc.plan.select import Selection
from flowc.record.history import DONE, HistoryView, JobRecord

SKIP, MAYBE, RUN = int(Decision.SKIP), int(Decision.MAYBE), int(Decision.RUN)

MISSING_NS = -1
"""In `mtime_ns`, of a file that does not exist. Older than any that does."""


class Assessment:
    """Everything that planning finds out about the jobs of a graph."""

    def __init__(
        self,
        graph: JobGraph,
        options: PlanOptions,
        selection: Selection,
        history: HistoryView,
        digests: JobDigests,
    ) -> None:
        self.graph = graph
        self.options = options
        self.selection = selection
        self.history = history
        self.digests = digests
        self.rules: Sequence[RuleFacts] = digests.rules
        self.decisions = bytearray(len(graph))
        self.flow = bytearray(len(graph))
        self.mtime_ns = [MISSING_NS if s is None else s[0] for s in graph.states]
        self.open: list[JobId] = []  # jobs whose outputs alone do not settle the matter
        self.gone = bytearray(0)
        """By file: 1 for an output that is missing without being a cause to run, and for what a
        phony job claims to make. Empty where there is none."""
        self.deadline_ns: dict[JobId, int] = {}
        self.records: dict[str, JobRecord] = {}
        self.needed: set[JobId] = set()  # run since their missing output is needed after all
        self._groups: dict[int, tuple[int, int]] = {}  # newest time, flow
        self._faults: dict[RuleId, tuple[Diagnostic, ...]] = {}

    def run(self) -> None:
        """Fill the columns. Raises WorkflowError where a function of `params` fails."""
        self._look_at_outputs()
        if self.gone:
            self._find_deadlines()
        self._load_records()
        self._look_at_inputs()
        if self._faults:
            raise WorkflowError(d for faults in self._faults.values() for d in faults)

    # --- outputs --------------------------------------------------------------------------------

    def _look_at_outputs(self) -> None:
        """Settle the jobs that are forced or whose missing outputs are wanted, from the targets
        down; the rest is `open`."""
        graph, selection = self.graph, self.selection
        starts, files = graph.outputs.starts, graph.outputs.values
        states, flow, kept = graph.states, self.flow, selection.kept
        wanted = self._wanted = _Wanted(graph, selection.asked)
        is_wanted, want_inputs_of = wanted.files, wanted.want_inputs_of
        simple = [len(facts.temp) == 1 and not facts.is_phony for facts in self.rules]
        still_open: list[int] = []
        leave = still_open.append
        rule_of = graph.rule_of
        for job in range(len(rule_of) - 1, -1, -1):
            if kept is not None and not kept[job]:
                continue
            rule = rule_of[job]
            if simple[rule]:
                file = files[starts[job]]
                if states[file] is not None:
                    leave(job)
                elif is_wanted[file]:
                    flow[job] = RUN
                    want_inputs_of(job)
                else:
                    self._note_gone((file,))
                    leave(job)
            elif self._must_run(self.rules[rule], files[starts[job] : starts[job + 1]]):
                flow[job] = RUN
                want_inputs_of(job)
            else:
                leave(job)
        still_open.reverse()
        self._force(still_open)
        self.open = [JobId(job) for job in still_open if flow[job] != RUN]
        self.decisions[:] = flow

    def _force(self, still_open: list[int]) -> None:
        rules, rule_of, flow = self.rules, self.graph.rule_of, self.flow
        kept = self.selection.kept
        forced = still_open if self.selection.force_all else self.selection.forced
        ran = self.options.ran
        if ran:
            files, paths = self.graph.outputs, self.graph.paths
            forced = [j for j in forced if not any(paths[f] in ran for f in files[j])]
        for job in forced:
            if not rules[rule_of[job]].is_phony and (kept is None or kept[job]):
                flow[job] = RUN

    def _must_run(self, facts: RuleFacts, outputs: "array[int]") -> bool:
        """Whether the outputs that are missing are a cause to run; notes those that are not."""
        if facts.is_phony:
            self._note_gone(outputs)  # there or not: what counts is what stands behind them
            return False
        if not outputs:
            return True
        states, is_wanted = self.graph.states, self._wanted.files
        gone = [file for file in outputs if states[file] is None]
        if any(is_wanted[file] for file in gone):
            return True
        self._note_gone(gone)
        return False

    def is_wanted(self, file: int) -> bool:
        """Whether a target asks for the file, or a job that runs for causes of its own."""
        return bool(self._wanted.files[file])

    def _note_gone(self, files: Sequence[int]) -> None:
        if files and not self.gone:
            self.gone = bytearray(len(self.graph.paths))
        for file in files:
            self.gone[file] = 1

    # --- deadlines ------------------------------------------------------------------------------

    def _find_deadlines(self) -> None:
        """From the last job to the first: hand the age of outputs on to the makers of inputs that
        are gone."""
        graph, gone, deadline = self.graph, self.gone, self.deadline_ns
        producer = graph.producer
        in_groups: dict[int, list[int]] = {}
        gone_of: dict[int, list[int]] = {}
        for group, members in enumerate(graph.groups):
            absent = [f for f in members if gone[f]]
            if absent:
                gone_of[group] = absent
                for file in absent:
                    in_groups.setdefault(file, []).append(group)
        of_group: dict[int, int] = {}
        for job in reversed(self.open):
            for file in graph.outputs[job]:
                for group in in_groups.get(file, ()):
                    if group in of_group:
                        deadline[job] = min(deadline.get(job, of_group[group]), of_group[group])
            oldest = self.oldest_ns(job)
            if oldest is None:
                continue
            for ref in counted_inputs(graph, self.rules, job):
                if ref < 0:
                    if ~ref in gone_of:
                        of_group[~ref] = min(of_group.get(~ref, oldest), oldest)
                elif gone[ref]:
                    maker = JobId(producer[ref])
                    deadline[maker] = min(deadline.get(maker, oldest), oldest)

    def oldest_ns(self, job: JobId) -> int | None:
        """The time that no input may be newer than; None where there is nothing to compare."""
        if self.rules[self.graph.rule_of[job]].is_phony:
            return self.deadline_ns.get(job)
        states = self.graph.states
        found = [s[0] for f in self.graph.outputs[job] if (s := states[f]) is not None]
        return min(found) if found else self.deadline_ns.get(job)

    # --- inputs ---------------------------------------------------------------------------------

    def _load_records(self) -> None:
        graph = self.graph
        starts, files, paths = graph.outputs.starts, graph.outputs.values, graph.paths
        is_phony = [facts.is_phony for facts in self.rules]
        rule_of = graph.rule_of
        self.records = self.history.records(
            [
                paths[file]
                for job in self.open
                if not is_phony[rule_of[job]]
                for file in files[starts[job] : starts[job + 1]]
            ]
        )

    def records_of(self, job: JobId) -> list[JobRecord]:
        """What is known of each of the job's outputs; those that nothing is known of left out."""
        paths, records = self.graph.paths, self.records
        found = [records.get(paths[file]) for file in self.graph.outputs[job]]
        return [record for record in found if record is not None]

    def flow_inputs(self, job: JobId) -> Sequence[int]:
        """Refs of the inputs whose making anew matters: an `ancient` one only if it is missing."""
        graph = self.graph
        row = graph.inputs[job]
        counted = counted_inputs(graph, self.rules, job)
        if not self.rules[graph.rule_of[job]].has_ancient and job not in graph.input_flags:
            return counted
        absent = [f for f in graph.files_of(row) if graph.states[f] is None]
        return [*counted, *absent]

    def group(self, group: int) -> tuple[int, int]:
        """The newest time in a list of files, and what their makers pass on. To be asked for only
        when all makers are settled."""
        found = self._groups.get(group)
        if found is None:
            producer, flow = self.graph.producer, self.flow
            members = self.graph.groups[group]
            newest = max([self.mtime_ns[f] for f in members], default=MISSING_NS)
            passed = max([flow[j] for f in members if (j := producer[f]) != NO_JOB], default=SKIP)
            found = self._groups[group] = (newest, passed)
        return found

    def _look_at_inputs(self) -> None:
        graph, flow, decisions, mtime_ns = self.graph, self.flow, self.decisions, self.mtime_ns
        producer, rule_of, rules = graph.producer, graph.rule_of, self.rules
        starts, values = graph.inputs.starts, graph.inputs.values
        flagged = graph.input_flags
        plain = [not facts.has_ancient for facts in rules]
        by_mtime = "mtime" in self.options.rerun_triggers
        for job in self.open:
            rule = rule_of[job]
            row: Sequence[int] = values[starts[job] : starts[job + 1]]
            behind = row
            if not plain[rule] or (flagged and job in flagged):
                row, behind = counted_inputs(graph, rules, job), self.flow_inputs(job)
            newest, passed = MISSING_NS, SKIP
            for ref in row:
                time_ns = mtime_ns[ref] if ref >= 0 else self.group(~ref)[0]
                if time_ns > newest:
                    newest = time_ns
            for ref in behind:
                if ref < 0:
                    level = self.group(~ref)[1]
                else:
                    maker = producer[ref]
                    level = flow[maker] if maker >= 0 else SKIP
                if level > passed:
                    passed = level
            if rules[rule].is_phony:
                flow[job] = passed
                for file in graph.outputs[job]:
                    mtime_ns[file] = max(mtime_ns[file], newest)
                continue
            flow[job] = decisions[job] = self._settle(job, newest, passed, by_mtime)

    def _settle(self, job: JobId, newest_ns: int, passed: int, by_mtime: bool) -> int:
        """The decision for a job, from the newest time of its inputs and what they bring."""
        records = self.records_of(job) if self.records else []
        if records and self._is_outdated(job, records):
            return RUN
        if by_mtime:
            oldest = self.oldest_ns(job)
            if oldest is not None and newest_ns > oldest and not self.same_content(job, records):
                return RUN
        return self.below(job, passed, records)

    def below(self, job: JobId, passed: int, records: Sequence[JobRecord]) -> int:
        """The decision for a job without a cause of its own. At a pipe all run, or none does."""
        if passed and job in self.graph.streams.bundles:
            return RUN
        return below(passed, records)

    def _is_outdated(self, job: JobId, records: list[JobRecord]) -> bool:
        triggers = self.options.rerun_triggers
        rule = RuleId(self.graph.rule_of[job])
        digests = self.digests
        for record in records if len(set(records)) > 1 else records[:1]:
            if record.state != DONE:
                return True
            if "code" in triggers and record.code_digest != digests.code(rule):
                return True
            if "params" in triggers and record.params_digest != self.params(job):
                return True
            if "input" in triggers and record.inputs_digest != digests.inputs(job):
                return True
        return False

    def params(self, job: JobId) -> str:
        """The digest of the job's params. A function that fails is reported once for its rule."""
        try:
            return self.digests.params(job)
        except WorkflowError as fault:
            self._faults.setdefault(RuleId(self.graph.rule_of[job]), fault.diagnostics)
            return ""

    def same_content(self, job: JobId, records: list[JobRecord]) -> bool:
        """Whether the inputs hold what they held when the job ran."""
        known = known_content(records)
        return known is not None and known == self.digests.content(job)


class _Wanted:
    """The files that a target or a job that runs asks for: missing ones have to be made."""

    def __init__(self, graph: JobGraph, asked: Collection[int]) -> None:
        self.files = bytearray(len(graph.paths))
        for file in asked:
            self.files[file] = 1
        self._graph = graph
        self._starts, self._values = graph.inputs.starts, graph.inputs.values
        self._groups_done = bytearray(len(graph.groups))

    def want_inputs_of(self, job: int) -> None:
        files = self.files
        for ref in self._values[self._starts[job] : self._starts[job + 1]]:
            if ref >= 0:
                files[ref] = 1
            elif not self._groups_done[~ref]:
                self._groups_done[~ref] = 1
                for file in self._graph.groups[~ref]:
                    files[file] = 1


def known_content(records: Sequence[JobRecord]) -> str | None:
    """The digest of the contents that all of a job's outputs were made from, if there is one."""
    contents = {r.content_digest if r.state == DONE else None for r in records}
    return contents.pop() if len(contents) == 1 else None


def below(passed: int, records: Sequence[JobRecord]) -> int:
    """The decision for a job without a cause of its own, by what its inputs bring."""
    if passed == RUN and known_content(records) is not None:
        return MAYBE
    return passed
