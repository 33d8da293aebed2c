"""From targets back to sources: every job that the targets need, with its wildcards filled in.

Files are worked off in the order in which they are first asked for, in batches: all files that a
batch of jobs needs are looked up together and the jobs that make them are created together, rule
by rule. So the cost of a job is a few list operations, whatever the number of rules.

A file that several rules can make gets a job for each (an *option*); `resolve` then drops options
whose own inputs cannot be made and picks the best of the rest. As a rule there is just one, and
`resolve` has nothing to do.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from flowc.diagnostic import WorkflowError
from flowc.disk import Disk, FileState
from flowc.graph.endless import Growth, grows_for_ever
from flowc.graph.inputs import (
    Found,
    InputItem,
    Path,
    Values,
    call_input,
    compile_inputs,
    filler,
    maker_of,
)
from flowc.graph.products import Hit, Products
from flowc.ids import NO_JOB, FileId, JobId, RuleId
from flowc.lang.values import NO_FLAGS, Flags, Wildcards, flags_of
from flowc.lang.workflow import Rule, Workflow

_DEEP = 40
"""From so many rounds on, every candidate is checked for feeding itself."""


class Expansion:
    """The growing graph. Columns as in `JobGraph`, but jobs stand in the order of discovery, and
    options and files that come to nothing are still among them."""

    def __init__(self, workflow: Workflow, disk: Disk) -> None:
        self.workflow = workflow
        self.disk = disk
        self.products = Products(workflow)
        self.ids: dict[str, int] = {}  # path -> FileId; new ids are handed out in order
        self.paths: list[str] = []
        self.producer = array("i")  # by file; NO_JOB for a source and for a file with options
        self.asked_by = array("i")  # by file: the first job that needs it; NO_JOB for a target
        self.rule_of = array("i")
        self.wildcards: list[Values] = []
        self.input_rows: list[Sequence[int]] = []  # by job: Refs
        self.output_rows: list[Sequence[int]] = []  # by job: FileIds
        self.batches: list[int] = []  # the first job of each lot that was created together
        self.groups: list[tuple[int, ...]] = []
        self.options: dict[int, list[int]] = {}  # file -> the jobs that could make it
        self.faults: dict[int, WorkflowError] = {}  # job -> why its inputs are not known
        self.bound: dict[int, str] = {}  # file -> the rule that must make it
        self._late: list[int] = []  # bound after they were looked up
        self.input_names: dict[JobId, tuple[str | None, ...]] = {}
        self.input_flags: dict[JobId, dict[FileId, Flags]] = {}
        self.before_update: set[int] = set()  # files as they are before a job changes them
        self.pending: set[int] = set()  # jobs that ask for checkpoints which are not done
        self.opened: set[int] = set()  # jobs of which the last Ref is what functions have opened
        self._to_add: dict[int, dict[str, None]] = {}  # such files, of jobs that are being created
        self._inputs: dict[RuleId, tuple[InputItem, ...]] = {}
        self._constant_refs: dict[tuple[RuleId, int], int] = {}
        self._keys: dict[RuleId, dict[Values, int]] = {}
        self._scanned = 0
        self._is_deep = False

    # --- files ----------------------------------------------------------------------------------

    def files(self, paths: Sequence[str], asked_by: Iterable[int]) -> list[int]:
        """Ids of the paths, new ones where they are met for the first time."""
        known = len(self.paths)
        ids, setdefault = self.ids, self.ids.setdefault
        found = [setdefault(path, len(ids)) for path in paths]
        if len(ids) - known == len(paths):
            self.paths.extend(paths)
            self.asked_by.extend(asked_by)
        else:
            for path, id, job in zip(paths, found, asked_by, strict=False):
                if id == len(self.paths):
                    self.paths.append(path)
                    self.asked_by.append(job)
        self.producer.extend(repeat(NO_JOB, len(self.paths) - known))
        return found

    def _before_update(self, paths: Iterable[str], asked_by: Iterable[int]) -> list[int]:
        """Ids of the paths as what is there now: no job makes that, so they are files of their
        own, beside those which jobs make at the same paths."""
        found: list[int] = []
        for path, job in zip(paths, asked_by, strict=False):
            file = self.ids.setdefault(f"\0{path}", len(self.ids))  # no path holds a null
            if file == len(self.paths):
                self.paths.append(path)
                self.asked_by.append(job)
                self.producer.append(NO_JOB)
                self.before_update.add(file)
            found.append(file)
        return found

    def run(self) -> None:
        """Expand until every file has its jobs. Raises WorkflowError where that has no end."""
        rounds, growth = 0, Growth()
        while self._scanned < len(self.paths):
            start, self._scanned = self._scanned, len(self.paths)
            rounds += 1
            self._is_deep = rounds > _DEEP
            growth.check(self, start)
            self._expand(range(start, self._scanned))
            while self._late:
                self._settle(self._late.pop())

    def _expand(self, files: range) -> None:
        """Create the jobs that make these files, rule by rule."""
        single: dict[RuleId, tuple[list[int], list[Values]]] = {}
        find, paths, producer = self.products.find, self.paths, self.producer
        bound = self.bound
        for file in self._made(files):
            hits = find(paths[file])
            if not hits:
                continue
            if len(hits) > 1 or len(hits[0].values) > 1 or file in bound or self._is_deep:
                hits = self._choose(file, hits)
                if len(hits) != 1:
                    self.options[file] = []
                    for hit in hits:
                        job = self._create(hit.product.rule, [file], [hit.values])[0]
                        self.options[file].append(job)
                    continue
            product, values = hits[0]
            rows = single.get(product.rule)
            if rows is None:
                rows = single[product.rule] = ([], [])
            rows[0].append(file)
            rows[1].append(values)
        for rule, (made, rows_of_values) in single.items():
            jobs = self._create(rule, made, rows_of_values)
            for file, job in zip(made, jobs, strict=True):
                producer[file] = job

    def _made(self, files: range) -> Iterable[int]:
        """Those that a job may make."""
        kept = self.before_update
        return [file for file in files if file not in kept] if kept else files

    def _choose(self, file: int, hits: list[Hit]) -> list[Hit]:
        """One hit a rule, the best candidate first. Of several ways in which a rule matches, the
        one with the asking job's wildcards is taken, else the one with the shortest values."""
        path = self.paths[file]
        if file in self.bound:
            rule = self.workflow.by_name[self.bound[file]].id
            hits = [hit for hit in hits if hit.product.rule == rule]
        by_rule: dict[RuleId, list[Hit]] = {}
        for hit in hits:
            by_rule.setdefault(hit.product.rule, []).append(hit)
        asking = self._asking_values(file)
        chosen = [self._best_match(path, of_rule, asking) for of_rule in by_rule.values()]
        chosen = [hit for hit in chosen if not grows_for_ever(path, hit.values)]
        return sorted(chosen, key=self._rank)

    def _asking_values(self, file: int) -> dict[str, str]:
        job = self.asked_by[file]
        if job == NO_JOB:
            return {}
        names = self.products.wildcard_names[self.rule_of[job]]
        return dict(zip(names, self.wildcards[job], strict=True))

    def _best_match(self, path: str, hits: list[Hit], asking: dict[str, str]) -> Hit:
        names = self.products.wildcard_names[hits[0].product.rule]
        if asking and all(name in asking for name in names):
            wanted = tuple(asking[name] for name in names)
            for hit in hits:
                if hit.product.pattern.fill(asking) == path:
                    return Hit(hit.product, wanted)
        return min(hits, key=lambda hit: sum(map(len, hit.values)))

    def _rank(self, hit: Hit) -> tuple[int, int]:
        return len(hit.values), hit.product.rule

    # --- jobs -----------------------------------------------------------------------------------

    def _create(self, rule_id: RuleId, made: Sequence[int], rows: list[Values]) -> list[int]:
        """Jobs of one rule, one for each row of wildcard values (known ones are not doubled).
        `made` are the files they were found by."""
        if self.products.count[rule_id] == 1 and rule_id not in self._keys:
            first = len(self.rule_of)
            self._append(rule_id, rows, [(file,) for file in made])
            return list(range(first, first + len(rows)))
        keys = self._keys.setdefault(rule_id, {})
        new = [row for row in dict.fromkeys(rows) if row not in keys]
        first = len(self.rule_of)
        keys.update(zip(new, range(first, first + len(new)), strict=True))
        names = self.products.wildcard_names[rule_id]
        columns = [
            self.files(filler(pattern, names)(new), range(first, first + len(new)))
            if pattern.names
            else self.files([pattern.text] * len(new), repeat(first, len(new)))
            for pattern in self.products.outputs[rule_id]
        ]
        outputs = list(zip(*columns, strict=True)) if columns else [()] * len(new)
        self._append(rule_id, new, outputs)
        return [keys[row] for row in rows]

    def add_job(self, rule_id: RuleId) -> int:
        """The job of a rule without wildcards that was asked for by its name."""
        known = self._keys.setdefault(rule_id, {}).get(())
        return self._create(rule_id, [], [()])[0] if known is None else known

    def _append(
        self, rule_id: RuleId, rows: list[Values], outputs: Sequence[Sequence[int]]
    ) -> None:
        first = len(self.rule_of)
        jobs = range(first, first + len(rows))
        self.batches.append(first)
        self.rule_of.extend(repeat(rule_id, len(rows)))
        self.wildcards.extend(rows)
        self.output_rows.extend(outputs)
        self.input_rows.extend(repeat((), len(rows)))  # in place before anything can raise
        items = self._inputs.get(rule_id)
        if items is None:
            rule = self.workflow.rules[rule_id]
            items = compile_inputs(rule, self.products.wildcard_names[rule_id])
            self._inputs[rule_id] = items
        if any(item.unpack for item in items):
            for job in jobs:
                self._unpacked_row(rule_id, items, job)
            self._add_opened()
            return
        columns = [self._column(rule_id, i, item, rows, jobs) for i, item in enumerate(items)]
        if len(columns) == 1:
            self.input_rows[first : jobs.stop] = [(ref,) for ref in columns[0]]
        elif columns:
            self.input_rows[first : jobs.stop] = list(zip(*columns, strict=True))
        self._add_opened()

    def _add_opened(self) -> None:
        """What its input functions have opened, a job depends on as well."""
        for job, paths in self._to_add.items():
            row = self.input_rows[job]
            items = set(self.group_files(row))
            files = [f for f in self.files(list(paths), repeat(job, len(paths))) if f not in items]
            if files:
                self.input_rows[job] = (*row, self._list(files))
                self.opened.add(job)
        self._to_add.clear()

    def _column(
        self, rule_id: RuleId, index: int, item: InputItem, rows: list[Values], jobs: range
    ) -> Sequence[int]:
        """The Refs of one input item, one for each job."""
        if item.function is not None:
            return [self._called(rule_id, item, job) for job in jobs]
        if item.is_constant:
            ref = self._constant_refs.get((rule_id, index))
            if ref is None:
                ref = self._constant(item, jobs.start)
                self._constant_refs[rule_id, index] = ref
            return [ref] * len(rows)
        columns = [self._filled(path, rows, jobs) for path in item.paths]
        if not item.item.is_list:
            return columns[0]
        first = len(self.groups)
        self.groups.extend(zip(*columns, strict=True))
        return [~group for group in range(first, first + len(rows))]

    def _filled(self, path: Path, rows: list[Values], jobs: range) -> list[int]:
        if path.before_update:
            return self._before_update(path.fill_all(rows), jobs)
        files = self.files(path.fill_all(rows), jobs)
        if path.maker is not None:
            self._bind(files, path.maker)
        return files

    def _constant(self, item: InputItem, asked_by: int) -> int:
        files = self._flagged(item.constants, asked_by)
        return self._list(files) if item.item.is_list else files[0]

    def _list(self, files: Sequence[int]) -> int:
        """The Ref of a list."""
        self.groups.append(tuple(files))
        return ~(len(self.groups) - 1)

    def _flagged(self, paths: Sequence[str], job: int) -> list[int]:
        """Ids of paths of which some may say what rule makes them, or that none does."""
        kept = {
            at
            for at, path in enumerate(paths)
            if type(path) is not str and flags_of(path).before_update
        }
        if kept:
            made = iter(self._flagged([p for i, p in enumerate(paths) if i not in kept], job))
            before = iter(self._before_update([str(paths[at]) for at in sorted(kept)], repeat(job)))
            return [next(before if at in kept else made) for at in range(len(paths))]
        files = self.files([str(path) for path in paths], repeat(job, len(paths)))
        for path, file in zip(paths, files, strict=True):
            if type(path) is not str and (maker := maker_of(path)) is not None:
                self._bind([file], maker)
        return files

    def _bind(self, files: Iterable[int], rule: str) -> None:
        """`rules.X.output`: rule X makes these files, whatever else could."""
        for file in files:
            if self.bound.setdefault(file, rule) == rule and file < self._scanned:
                self._late.append(file)

    def _settle(self, file: int) -> None:
        """A file that was looked up before it was bound to a rule."""
        rule = self.workflow.by_name[self.bound[file]].id
        known = self.options.pop(file, [self.producer[file]])
        jobs = [job for job in known if job != NO_JOB and self.rule_of[job] == rule]
        self.producer[file] = jobs[0] if jobs else NO_JOB
        if not jobs:
            self._expand(range(file, file + 1))

    def _call(self, rule: Rule, item: InputItem, job: int) -> list[Found]:
        names = self.products.wildcard_names[rule.id]
        wildcards = Wildcards(self.wildcards[job], {name: i for i, name in enumerate(names)})
        checkpoints = self.workflow.checkpoints
        found = [Found(item.item.name, [], True)]
        if checkpoints is not None:
            checkpoints.opened.clear()
        try:
            found = call_input(item, wildcards, rule)
        except WorkflowError as fault:
            if checkpoints is None or not checkpoints.asked:
                self.faults[job] = fault
        if checkpoints is not None and checkpoints.asked:
            self.pending.add(job)
            found = [Found(item.item.name, list(dict.fromkeys(checkpoints.asked)), True)]
            checkpoints.asked.clear()
        elif checkpoints is not None and checkpoints.opened:
            self._to_add.setdefault(job, {}).update(checkpoints.opened)
        return found

    def _called(self, rule_id: RuleId, item: InputItem, job: int) -> int:
        return self._found_ref(self._call(self.workflow.rules[rule_id], item, job)[0], job)

    def _found_ref(self, found: Found, job: int) -> int:
        files = self._flagged(found.paths, job)
        flags = {
            FileId(file): flags_of(path)
            for path, file in zip(found.paths, files, strict=True)
            if type(path) is not str and flags_of(path) != NO_FLAGS
        }
        if flags:
            self.input_flags.setdefault(JobId(job), {}).update(flags)
        return self._list(files) if found.is_list else files[0]

    def _unpacked_row(self, rule_id: RuleId, items: Sequence[InputItem], job: int) -> None:
        """A job of a rule with `unpack(...)`: how many items it has is known for each job only."""
        rule, row = self.workflow.rules[rule_id], [self.wildcards[job]]
        names: list[str | None] = []
        refs: list[int] = []
        for index, item in enumerate(items):
            if item.function is None:
                names.append(item.item.name)
                refs += self._column(rule_id, index, item, row, range(job, job + 1))
                continue
            for found in self._call(rule, item, job):
                names.append(found.name)
                refs.append(self._found_ref(found, job))
        self.input_rows[job] = tuple(refs)
        self.input_names[JobId(job)] = tuple(names)

    # --- the file system ------------------------------------------------------------------------

    def stat(self) -> list[FileState | None]:
        """The state of every file; each path is looked at once."""
        return self.disk.stat_many(self.paths)

    def group_files(self, refs: Iterable[int]) -> Iterable[int]:
        """The files of Refs, flat."""
        groups = self.groups
        return chain.from_iterable((r,) if r >= 0 else groups[~r] for r in refs)
