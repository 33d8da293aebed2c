"""The causes for which a job runs, worked out when somebody asks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from flowc.ids import NO_JOB, JobId, RuleId
from flowc.plan.assess import RUN, SKIP, Assessment
from flowc.plan.reason import (
    ChangedCode,
    ChangedInputs,
    ChangedParams,
    FailedBefore,
    Forced,
    Interrupted,
    MissingOutput,
    NeededTemp,
    NewerInput,
    NoOutput,
    Reason,
    UpstreamMayRun,
    UpstreamRuns,
)
from flowc.plan.rules import counted_inputs
from flowc.record.history import DONE, FAILED, INTERRUPTED, JobRecord

MOST_OF_A_KIND = 10
"""A job that gathers thousands of files has one cause, not thousands: of each kind so many paths
are named."""

_ONE_BY_ONE = 20

Absent = list[tuple[int, bool]]
"""Files that are not there, and whether they are temp."""


class Why:
    def __init__(self, assessment: Assessment) -> None:
        self.a = assessment
        self._upstream_of_group: dict[int, tuple[Reason, ...]] = {}
        self._asked = 0
        self._records: dict[str, JobRecord] | None = None

    def __call__(self, job: JobId) -> list[Reason]:
        """One reason a cause, the most telling first; none for a job that is up to date."""
        a = self.a
        if a.decisions[job] == SKIP:
            return []
        reasons: list[Reason] = list(self._forced(job))
        if not len(a.graph.outputs[job]):
            reasons.append(NoOutput())
        else:
            absent = self._absent(job)
            reasons += self._recorded(job)
            reasons += islice(self._missing(absent), MOST_OF_A_KIND)
            reasons += islice(self._newer(job), MOST_OF_A_KIND)
            reasons += islice(self._needed(job, absent), MOST_OF_A_KIND)
        reasons += self._upstream(job)
        return reasons

    def _forced(self, job: JobId) -> Iterator[Reason]:
        selection = self.a.selection
        if job in selection.forced:
            yield Forced(selection.forced[job])
        elif selection.force_all:
            yield Forced("--forceall")

    def _missing(self, absent: Absent) -> Iterator[Reason]:
        for file, is_temp in absent:
            if not is_temp or file in self.a.selection.asked:
                yield MissingOutput(self.a.graph.paths[file])

    def _needed(self, job: JobId, absent: Absent) -> Iterator[Reason]:
        a = self.a
        for file, is_temp in absent:
            wanted = is_temp and (job in a.needed or a.is_wanted(file))
            if wanted and file not in a.selection.asked:
                yield NeededTemp(a.graph.paths[file])

    def _absent(self, job: JobId) -> Absent:
        """The missing outputs of a job that runs for certain, and whether they are temp."""
        graph = self.a.graph
        if self.a.decisions[job] != RUN:
            return []
        temp, states = self.a.rules[graph.rule_of[job]].temp, graph.states
        files = zip(graph.outputs[job], temp, strict=True)
        return [(file, is_temp) for file, is_temp in files if states[file] is None]

    def _recorded(self, job: JobId) -> Iterator[Reason]:
        """What the history says: how the last attempt ended, and what has changed since."""
        a = self.a
        records = self._records_of(job)
        if not records:
            return
        states = {record.state for record in records}
        if FAILED in states:
            yield FailedBefore()
        if INTERRUPTED in states:
            yield Interrupted()
        done = [record for record in records if record.state == DONE]
        if not done:
            return
        triggers, digests = a.options.rerun_triggers, a.digests
        code = digests.code(RuleId(a.graph.rule_of[job]))
        if "code" in triggers and any(r.code_digest != code for r in done):
            yield ChangedCode()
        if "params" in triggers:
            params = digests.params(job)
            if any(r.params_digest != params for r in done):
                yield ChangedParams()
        if "input" in triggers and job not in a.graph.pending:  # else nobody knows them yet
            inputs = digests.inputs(job)
            if any(r.inputs_digest != inputs for r in done):
                yield ChangedInputs()

    def _records_of(self, job: JobId) -> list[JobRecord]:
        """What is known of the outputs, also where planning did not need to know. Who asks for many
        jobs will ask for all: from then on all records are loaded at once."""
        graph, decisions = self.a.graph, self.a.decisions
        paths = graph.paths
        self._asked += 1
        if self._records is None and self._asked > _ONE_BY_ONE:
            chosen = (JobId(j) for j in range(len(graph)) if decisions[j])
            self._records = self.a.history.records(
                [paths[file] for other in chosen for file in graph.outputs[other]]
            )
        known = self._records
        if known is not None and not known:
            return []
        mine = [paths[file] for file in graph.outputs[job]]
        if known is None:
            return list(self.a.history.records(mine).values())
        return [known[path] for path in mine if path in known]

    def _newer(self, job: JobId) -> Iterator[Reason]:
        a, graph = self.a, self.a.graph
        oldest = a.oldest_ns(job)
        if oldest is None or "mtime" not in a.options.rerun_triggers:
            return
        newer = [
            file
            for ref in counted_inputs(graph, a.rules, job)
            if (a.mtime_ns[ref] if ref >= 0 else a.group(~ref)[0]) > oldest
            for file in ((ref,) if ref >= 0 else graph.groups[~ref])
            if a.mtime_ns[file] > oldest
        ]
        if newer and not a.same_content(job, a.records_of(job)):
            for file in newer:
                yield NewerInput(graph.paths[file])

    def _upstream(self, job: JobId) -> list[Reason]:
        a = self.a
        reasons: list[Reason] = []
        for ref in a.flow_inputs(job):
            if ref >= 0:
                reasons += self._makers_of((ref,))
            else:
                found = self._upstream_of_group.get(~ref)
                if found is None:
                    makers = self._makers_of(a.graph.groups[~ref])
                    found = tuple(islice(makers, MOST_OF_A_KIND))
                    self._upstream_of_group[~ref] = found
                reasons += found
        certain: list[Reason] = [r for r in reasons if isinstance(r, UpstreamRuns)]
        return (certain or reasons)[:MOST_OF_A_KIND]

    def _makers_of(self, files: Iterable[int]) -> Iterator[Reason]:
        graph, flow = self.a.graph, self.a.flow
        for file in files:
            maker = graph.producer[file]
            if maker == NO_JOB or flow[maker] == SKIP:
                continue
            cause: Callable[[str, str], Reason]
            cause = UpstreamRuns if flow[maker] == RUN else UpstreamMayRun
            yield cause(graph.paths[file], graph.job(JobId(maker)).name)
