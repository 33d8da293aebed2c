"""Outputs that are gone and needed again, and all that follows.

A job that runs (or may run) needs its inputs: where one is an output that is gone, its maker
runs too. Then so may the other jobs that read what that maker makes, which may need more of what is
gone. The work is in proportion to the jobs that this concerns.
"""

from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.assess import MAYBE, RUN, SKIP, Assessment


def add_needed(assessment: Assessment) -> None:
    """Raise the decisions in `assessment` until every job that may run can have its inputs."""
    if not assessment.gone:
        return
    spread = _Spread(assessment)
    flow = assessment.flow
    is_phony = [facts.is_phony for facts in assessment.rules]
    rule_of = assessment.graph.rule_of
    for job in range(len(flow) - 1, -1, -1):
        if flow[job] and not is_phony[rule_of[job]]:
            spread.want_inputs(JobId(job))
    spread.finish()


class _Spread:
    def __init__(self, assessment: Assessment) -> None:
        self.a = assessment
        self.graph: JobGraph = assessment.graph
        self._raised: list[JobId] = []
        self._groups_wanted: set[int] = set()
        self._phony_wanted: set[JobId] = set()

    def want_inputs(self, job: JobId) -> None:
        """Have the inputs of a job made that are gone."""
        a, graph = self.a, self.graph
        gone, producer = a.gone, graph.producer
        waiting = [job]
        while waiting:
            for ref in graph.inputs[waiting.pop()]:
                if ref >= 0:
                    files = [ref] if gone[ref] else []
                elif ref in self._groups_wanted:
                    continue
                else:
                    self._groups_wanted.add(ref)
                    files = [f for f in graph.groups[~ref] if gone[f]]
                for file in files:
                    maker = JobId(producer[file])
                    if a.rules[graph.rule_of[maker]].is_phony:
                        if maker not in self._phony_wanted:
                            self._phony_wanted.add(maker)
                            waiting.append(maker)
                    elif maker not in a.needed and self._is_in(maker):
                        a.needed.add(maker)
                        if a.flow[maker] != RUN:
                            was = a.flow[maker]
                            a.flow[maker] = a.decisions[maker] = RUN
                            self._raised.append(maker)
                            if was == SKIP:
                                waiting.append(maker)

    def _is_in(self, job: JobId) -> bool:
        kept = self.a.selection.kept
        return kept is None or bool(kept[job])

    def finish(self) -> None:
        """Pass on what was raised, until nothing changes any more."""
        if not self._raised:
            return
        readers, group_readers, groups_of = self._index()
        a, graph = self.a, self.graph
        group_flow: dict[int, int] = {}
        while self._raised:
            job = self._raised.pop()
            level = a.flow[job]
            for file in graph.outputs[job]:
                for reader in readers.get(file, ()):
                    self._pass_on(reader, level)
                for group in groups_of.get(file, ()):
                    if group_flow.get(group, SKIP) < level:
                        group_flow[group] = level
                        for reader in group_readers[group]:
                            self._pass_on(reader, level)

    def _pass_on(self, job: JobId, level: int) -> None:
        a = self.a
        is_phony = a.rules[self.graph.rule_of[job]].is_phony
        new = level if is_phony else a.below(job, level, a.records_of(job))
        was = a.flow[job]
        if new <= was:
            return
        a.flow[job] = new
        self._raised.append(job)
        if not is_phony:
            a.decisions[job] = new
            if was == SKIP:
                self.want_inputs(job)

    def _index(self) -> tuple[dict[int, list[JobId]], dict[int, list[JobId]], dict[int, list[int]]]:
        """Who reads what, of the jobs that could still be raised: by file, by list, and the lists
        that a file is in."""
        a, graph = self.a, self.graph
        readers: dict[int, list[JobId]] = {}
        group_readers: dict[int, list[JobId]] = {}
        for job in a.open:
            if a.flow[job] > MAYBE:
                continue
            for ref in a.flow_inputs(job):
                if ref < 0:
                    group_readers.setdefault(~ref, []).append(job)
                elif graph.producer[ref] >= 0:
                    readers.setdefault(ref, []).append(job)
        groups_of: dict[int, list[int]] = {}
        for group in group_readers:
            for file in graph.groups[group]:
                groups_of.setdefault(file, []).append(group)
        return readers, group_readers, groups_of
