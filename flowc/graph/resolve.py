"""Which of several jobs makes a file, and what cannot be made at all.

An option drops out if its own inputs cannot be made, as in Snakemake. Badness spreads from files
that nothing makes and that are not there; what is left is ordered by `ruleorder`, then by the
number of wildcards. A choice that closes a cycle drops out too, the innermost first; a file that
exists needs no job.
"""

from collections.abc import Iterable, Sequence

from flowc.dataclass import dataclass
from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.disk import FileState
from flowc.graph.expand import Expansion
from flowc.graph.explain import ambiguous_output, conflicting_outputs, cyclic_graph, missing_inputs
from flowc.ids import NO_JOB, RuleId
from flowc.lang.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Choice:
    """What `resolve` has decided: who makes each file, and which jobs are part of the graph."""

    producer: Sequence[int]  # by file
    used: bytearray | None  # by job; None: all of them


def resolve(
    expansion: Expansion,
    states: Sequence[FileState | None],
    target_files: Sequence[int],
    target_jobs: Sequence[int],
    *,
    look_closely: bool = False,
) -> Choice:
    """Settle every file. Raises WorkflowError for what the targets need and nothing makes, for
    ambiguous files and for cycles that cannot be avoided.

    Where no file has options and none is missing there is nothing to settle, except cycles: a
    caller that meets one asks again with `look_closely`.
    """
    producer = expansion.producer
    is_plain = not expansion.options and not expansion.faults and not expansion.bound
    if (
        is_plain
        and not look_closely
        and not any(
            state is None and maker == NO_JOB for state, maker in zip(states, producer, strict=True)
        )
    ):
        return Choice(producer, None)
    return _Resolver(expansion, states, target_files, target_jobs).resolve()


class _Resolver:
    def __init__(
        self,
        expansion: Expansion,
        states: Sequence[FileState | None],
        target_files: Sequence[int],
        target_jobs: Sequence[int],
    ) -> None:
        self.expansion = expansion
        self.states = states
        self.target_files = target_files
        self.target_jobs = target_jobs
        self.dropped: set[tuple[int, int]] = set()  # (file, job): would close a cycle
        self.faults: dict[object, Diagnostic] = {}
        self.cycle: Diagnostic | None = None  # one that had to be cut without an alternative

    def candidates(self, file: int) -> Sequence[int]:
        """The jobs that could make the file."""
        found = self.expansion.options.get(file)
        if found is None:
            maker = self.expansion.producer[file]
            found = [] if maker == NO_JOB else [maker]
        if not self.dropped:
            return found
        return [job for job in found if (file, job) not in self.dropped]

    def resolve(self) -> Choice:
        self._drop_own_inputs()
        while True:
            bad_jobs, bad_files = self._spread_badness()
            producer = self._choose(bad_jobs)
            bad_targets = [f for f in self.target_files if f in bad_files]
            bad_target_jobs = [j for j in self.target_jobs if bad_jobs[j]]
            if bad_targets or bad_target_jobs:
                if self.cycle is not None:
                    raise WorkflowError(self.cycle)
                raise WorkflowError(
                    missing_inputs(
                        self.expansion, bad_targets, bad_target_jobs, bad_files, self.states
                    )
                )
            used, cycle = self._reach(producer)
            if cycle is None:
                break
            self._break(cycle, producer)
        self._check_conflicts(producer, used)
        self._check_ambiguity(producer, used, bad_jobs)
        if self.faults:
            raise WorkflowError(self.faults.values())
        return Choice(producer, used)

    def _drop_own_inputs(self) -> None:
        """A rule never makes its own input."""
        expansion = self.expansion
        for file in range(len(expansion.paths)):
            for job in self.candidates(file):
                row = expansion.input_rows[job]
                if file in row or any(r < 0 and file in expansion.groups[~r] for r in row):
                    self.dropped.add((file, job))

    def _spread_badness(self) -> tuple[bytearray, set[int]]:
        """Jobs whose inputs cannot be made, and files that cannot be had."""
        expansion = self.expansion
        consumers: dict[int, list[int]] = {}
        for job, row in enumerate(expansion.input_rows):
            for file in expansion.group_files(row):
                consumers.setdefault(file, []).append(job)
        made_by = [list(self.candidates(file)) for file in range(len(expansion.paths))]
        makes: dict[int, list[int]] = {}
        for file, jobs in enumerate(made_by):
            for job in jobs:
                makes.setdefault(job, []).append(file)
        bad_jobs = bytearray(len(expansion.rule_of))
        for job in expansion.faults:
            bad_jobs[job] = 1
        bad_files = {
            f for f, jobs in enumerate(made_by)
            if self.states[f] is None and all(bad_jobs[j] for j in jobs)
        }  # fmt: skip
        queue = list(bad_files)
        while queue:
            file = queue.pop()
            for job in consumers.get(file, ()):
                if bad_jobs[job]:
                    continue
                bad_jobs[job] = 1
                for other in makes.get(job, ()):
                    if (
                        other not in bad_files
                        and self.states[other] is None
                        and all(bad_jobs[j] for j in made_by[other])
                    ):
                        bad_files.add(other)
                        queue.append(other)
        return bad_jobs, bad_files

    def _choose(self, bad_jobs: bytearray) -> list[int]:
        """The best good candidate of every file."""
        order = RuleOrder(self.expansion.workflow)
        producer = []
        for file in range(len(self.expansion.paths)):
            good = [job for job in self.candidates(file) if not bad_jobs[job]]
            if len(good) > 1:
                good = order.best_first(good, self.expansion)
            producer.append(good[0] if good else NO_JOB)
        return producer

    def _reach(self, producer: Sequence[int]) -> tuple[bytearray, list[int] | None]:
        """The jobs that the targets need; or, as files, the first cycle found on the way."""
        expansion = self.expansion
        state = bytearray(len(expansion.rule_of))  # 0 unseen, 1 on the path, 2 done
        roots = [(f, producer[f]) for f in self.target_files if producer[f] != NO_JOB]
        roots += [(-1, job) for job in self.target_jobs]
        for file, root in roots:
            if state[root]:
                continue
            path = [(file, root, iter(list(expansion.group_files(expansion.input_rows[root]))))]
            state[root] = 1
            while path:
                _, job, inputs = path[-1]
                for needed in inputs:
                    maker = producer[needed]
                    if maker == NO_JOB or state[maker] == 2:
                        continue
                    if state[maker] == 1:
                        at = next(i for i, step in enumerate(path) if step[1] == maker)
                        return state, [step[0] for step in path[at + 1 :]] + [needed]
                    state[maker] = 1
                    row = list(expansion.group_files(expansion.input_rows[maker]))
                    path.append((needed, maker, iter(row)))
                    break
                else:
                    state[job] = 2
                    path.pop()
        return state, None

    def _break(self, cycle: Sequence[int], producer: Sequence[int]) -> None:
        """Drop the innermost choice of the cycle that has an alternative; where none has one, what
        leads into the cycle may still have one: only a target that lacks it is a fault."""
        innermost_first = [*reversed(cycle[:-1]), cycle[-1]]
        for file in innermost_first:
            if self.states[file] is not None or len(self.candidates(file)) > 1:
                break
        else:
            file = cycle[-1]
            self.cycle = self.cycle or cyclic_graph(self.expansion, cycle)
        self.dropped.add((file, producer[file]))

    def _check_conflicts(self, producer: list[int], used: bytearray) -> None:
        """Two jobs of the graph that write one file; and unasked-for outputs get their maker."""
        expansion = self.expansion
        writer: dict[int, int] = {}
        for job, row in enumerate(expansion.output_rows):
            if not used[job]:
                continue
            for file in row:
                other = writer.setdefault(file, job)
                if other != job:
                    fault = conflicting_outputs(expansion, file, other, job)
                    self.faults.setdefault(("conflict", *_rules(expansion, (other, job))), fault)
        for file, job in writer.items():
            producer[file] = job

    def _check_ambiguity(
        self, producer: Sequence[int], used: bytearray, bad_jobs: bytearray
    ) -> None:
        """Files of the graph for which two good candidates are equally good."""
        order = RuleOrder(self.expansion.workflow)
        needed = set(self.target_files)
        for job, row in enumerate(self.expansion.input_rows):
            if used[job]:
                needed.update(self.expansion.group_files(row))
        for file in sorted(needed & self.expansion.options.keys()):
            best = producer[file]
            for job in self.candidates(file):
                if job == best or best == NO_JOB or bad_jobs[job]:
                    continue
                first, second = _rules(self.expansion, (best, job))
                if order.compare(first, second, self.expansion) == 0:
                    fault = ambiguous_output(self.expansion, file, best, job)
                    key = ("ambiguous", *sorted((first, second)))
                    self.faults.setdefault(key, fault)


def _rules(expansion: Expansion, jobs: Iterable[int]) -> tuple[int, ...]:
    return tuple(expansion.rule_of[job] for job in jobs)


class RuleOrder:
    """`ruleorder: a > b`, the later clause winning; then fewer wildcards first."""

    def __init__(self, workflow: Workflow) -> None:
        by_name = workflow.by_name
        self.clauses = [
            {by_name[name].id: place for place, name in enumerate(clause) if name in by_name}
            for clause in reversed(workflow.ruleorder)
        ]

    def compare(self, first: int, second: int, expansion: Expansion) -> int:
        """Below 0: `first` is preferred; 0: neither is."""
        a, b = RuleId(first), RuleId(second)
        for clause in self.clauses:
            if a in clause and b in clause:
                return clause[a] - clause[b]
        names = expansion.products.wildcard_names
        return len(names[a]) - len(names[b])

    def best_first(self, jobs: list[int], expansion: Expansion) -> list[int]:
        """The jobs with a most preferred one first; in doubt, in order of declaration."""
        rules = expansion.rule_of
        best = min(jobs, key=lambda job: rules[job])
        for job in jobs:
            if self.compare(rules[job], rules[best], expansion) < 0:
                best = job
        return [best, *(job for job in jobs if job != best)]
