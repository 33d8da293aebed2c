"""Digests of what a job depends on: its command, params, set of inputs and their contents.

A run records them with each job that is done; a plan compares. A digest over several things is
the sum of the things' own digests, modulo 2^128. So a list of files that thousands of jobs read is
added up once, and the order of the items does not matter.

The content of a file larger than `LARGEST_READ_BYTES` is not read: its size and time stand for it.
Neither is a directory's: its time stands for it (that of the stamp inside, for a `directory()`
output). For these, being newer is being changed.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

from flowc.disk import DIRECTORY, FILE, Disk, FileState
from flowc.graph.job import Job, JobGraph
from flowc.ids import NO_JOB, JobId, RuleId
from flowc.lang.pattern import WILDCARD
from flowc.lang.values import Record
from flowc.lang.workflow import Rule, Workflow
from flowc.plan.call import call_by_name, is_function
from flowc.plan.rules import RuleFacts, counted_inputs, rule_facts
from flowc.record.history import HistoryView

LARGEST_READ_BYTES = 256 * 1024**2
"""About a second of reading. What is larger, such as sequencing data, is rarely made again with the
same content, and reading it would cost more than flowc may take unasked."""

_MODULUS = 1 << 128
_YOUNG_NS = 50_000_000
_YOUNG_WHOLE_SECONDS_NS = 2_000_000_000
"""A file that has changed so recently may change again within one tick of the file system's clock,
unseen: its digest is not kept. Some file systems tick once in two seconds."""

_PER_JOB = frozenset({"input", "output", "threads", "resources", "attempt"})
"""A param that is made from these does not count: what it is made from is compared itself."""


def code_digest(rule: Rule, workflow: Workflow) -> str:
    """Of the rule's command as written, and the shell that runs it."""
    if rule.command is None:
        return _text("")
    suffix = (workflow.shell_suffix,) if workflow.shell_suffix else ()
    parts = (workflow.shell_executable, workflow.shell_prefix, rule.command.text, *suffix)
    return _text("\0".join(parts))


def params_digest(job: Job) -> str:
    """Of the values of the params, but for those that are made from other inputs of the job.

    Raises WorkflowError where a function of `params` fails."""
    return _params_digest(job.rule, job)


def inputs_digest(paths: Iterable[str]) -> str:
    """Of the set of input paths."""
    return _hex(sum(map(_number, paths)))


def content_digest(paths: Iterable[str], files: "FileDigests") -> str:
    """Of the contents of files, as they are now."""
    return _hex(sum(_number(f"{path}\0{files.of(path)}") for path in paths))


class FileDigests:
    """Digests of single files. Each is read once ever, unless it changes: digests are looked up in
    the history, and `new` holds those that are to be kept there."""

    def __init__(
        self, disk: Disk, history: HistoryView, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.disk = disk
        self.history = history
        self.new: dict[str, tuple[int, int, str]] = {}  # path -> (mtime_ns, size in bytes, digest)
        self._clock_ns = clock_ns

    def of(self, path: str, state: FileState | None = None) -> str:
        """What stands for the content of a file. `state`: what `stat` has said of it."""
        if state is None:
            state = self.disk.stat(path)
        if state is None:
            return "missing"
        mtime_ns, size_bytes, kind = state[:3]
        if kind != FILE:
            return f"{'directory' if kind == DIRECTORY else 'other'}:{mtime_ns}"
        if size_bytes == 0:
            return "empty"
        if size_bytes > LARGEST_READ_BYTES:
            return f"large:{size_bytes}:{mtime_ns}"
        kept = self.new.get(path)
        if kept is not None and kept[0] == mtime_ns and kept[1] == size_bytes:
            return kept[2]
        known = self.history.file_digest(path, state)
        if known is not None:
            return known
        read = self.disk.digest(path)
        if read is None:  # it may not be read by this user, or has just gone
            return f"unread:{size_bytes}:{mtime_ns}"
        if not self._is_young(mtime_ns) and self.disk.stat(path) == state:
            self.new[path] = (mtime_ns, size_bytes, read)
        return read

    def _is_young(self, mtime_ns: int) -> bool:
        age_ns = self._clock_ns() - mtime_ns
        whole_seconds = mtime_ns % 1_000_000_000 == 0
        return 0 <= age_ns < (_YOUNG_WHOLE_SECONDS_NS if whole_seconds else _YOUNG_NS)


class JobDigests:
    """The digests of the jobs of one graph, with everything that jobs share computed once.

    `states`: what `stat` has said of the graph's files, for a plan. A run leaves it out: then each
    file is looked at when it is first asked for, which must be after the job that makes it.
    """

    def __init__(
        self,
        graph: JobGraph,
        files: FileDigests,
        states: Sequence[FileState | None] | None = None,
    ) -> None:
        self.graph = graph
        self.files = files
        self._states = states
        self.rules: Sequence[RuleFacts] = rule_facts(graph.workflow)
        self._codes: dict[RuleId, str] = {}
        self._params: dict[RuleId, str | None] = {}  # None: differs from job to job
        self._input_groups: dict[int, int] = {}
        self._content_groups: dict[int, int] = {}
        self._contents: dict[int, int] = {}  # by file
        self._passing = graph.streams.passing

    def code(self, rule: RuleId) -> str:
        found = self._codes.get(rule)
        if found is None:
            workflow = self.graph.workflow
            found = code_digest(workflow.rules[rule], workflow) + self._script(rule)
            self._codes[rule] = found
        return found

    def _script(self, id: RuleId) -> str:
        """Of a script's content; nothing where its path depends on the job."""
        rule = self.graph.workflow.rules[id]
        if rule.script is None or rule.command is None or rule.script.language == "run":
            return ""
        if not all(isinstance(part, str) for part in rule.command.parts):
            return ""
        path = os.path.join(rule.script.directory, "".join(map(str, rule.command.parts)))
        return f":{self.files.of(path)}"

    def params(self, job: JobId) -> str:
        rule_id = RuleId(self.graph.rule_of[job])
        if rule_id not in self._params:
            rule = self.graph.workflow.rules[rule_id]
            fixed = not any(_varies(param.value) for param in (*rule.params, *rule.env))
            self._params[rule_id] = _params_digest(rule, None) if fixed else None
        return self._params[rule_id] or params_digest(self.graph.job(job))

    def inputs(self, job: JobId) -> str:
        graph = self.graph
        paths, total = graph.paths, 0
        for ref in graph.inputs[job]:
            total += _number(paths[ref]) if ref >= 0 else self._group_inputs(~ref)
        return _hex(total)

    def content(self, job: JobId) -> str:
        """Of the contents of the inputs that count: those that are not `ancient`."""
        return _hex(self._content_sum(counted_inputs(self.graph, self.rules, job)))

    def _group_inputs(self, group: int) -> int:
        total = self._input_groups.get(group)
        if total is None:
            paths = self.graph.paths
            total = sum(_number(paths[f]) for f in self.graph.groups[group])
            self._input_groups[group] = total
        return total

    def _content_sum(self, refs: Sequence[int]) -> int:
        total = 0
        for ref in refs:
            if ref >= 0:
                total += self._file_content(ref)
                continue
            known = self._content_groups.get(~ref)
            if known is None:
                known = sum(map(self._file_content, self.graph.groups[~ref]))
                self._content_groups[~ref] = known
            total += known
        return total

    def _file_content(self, file: int) -> int:
        known = self._contents.get(file)
        if known is None:
            maker = self.graph.producer[file]
            known = self._own_content(file)
            if maker != NO_JOB and self.rules[self.graph.rule_of[maker]].is_phony:
                known += self._behind(JobId(maker))
            self._contents[file] = known
        return known

    def _own_content(self, file: int) -> int:
        path = self.graph.paths[file]
        if file in self._passing:  # nobody can read it: what it is made from stands for it
            maker = JobId(self.graph.producer[file])
            code = self.code(RuleId(self.graph.rule_of[maker]))
            return _number(f"{path}\0{code}{self.params(maker)}{self.content(maker)}")
        state = None if self._states is None else self._states[file]
        return _number(f"{path}\0{self.files.of(path, state)}")

    def _behind(self, phony: JobId) -> int:
        """Of the inputs of a job without an action: they stand behind what it claims to make."""
        graph, rules = self.graph, self.rules
        seen: set[int] = set()
        waiting, total = [phony], 0
        while waiting:
            for file in graph.files_of(counted_inputs(graph, rules, waiting.pop())):
                if file in seen:
                    continue
                seen.add(file)
                total += self._own_content(file)
                maker = graph.producer[file]
                if maker != NO_JOB and rules[graph.rule_of[maker]].is_phony:
                    waiting.append(JobId(maker))
        return total


def _number(text: str) -> int:
    data = text.encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(data, digest_size=16).digest(), "little")


def _hex(number: int) -> str:
    return f"{number % _MODULUS:032x}"


def _text(text: str) -> str:
    return _hex(_number(text))


def _varies(value: Any) -> bool:
    """Whether a param's value depends on the job's wildcards."""
    if is_function(value):
        return _PER_JOB.isdisjoint(value.parameters[1:])
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, list | tuple):
        return any(map(_varies, value))
    return False


def _params_digest(rule: Rule, job: Job | None) -> str:
    """`job`: None where no param varies."""
    values: Mapping[str, str] = {} if job is None else job.wildcard_items
    shown = []
    for param in (*rule.params, *rule.env):
        value = param.value
        if is_function(value):
            if not _PER_JOB.isdisjoint(value.parameters[1:]):
                continue
            assert job is not None
            value = call_by_name(value, job.wildcards, {"rulename": rule.name})
        else:
            value = _fill(value, values)
        shown.append(f"{param.name}={_canonical(value)}")
    if rule.env:
        shown.append("env")  # the same variable as a param is something else
    return _text("\0".join(shown))


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    """Strings, also in lists, with the wildcards' values put in."""
    if isinstance(value, str) and "{" in value:
        return WILDCARD.sub(lambda m: values.get(m["name"], m[0]), value)
    if isinstance(value, list | tuple):
        return [_fill(one, values) for one in value]
    return value


def _canonical(value: Any) -> str:
    """A text that two values share if and only if they are equal, from one run to the next."""
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, PurePath):
        return repr(value.as_posix())
    if isinstance(value, Record):
        return _canonical(list(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_canonical, value))}]"
    if isinstance(value, set | frozenset):
        return f"{{{','.join(sorted(map(_canonical, value)))}}}"
    if isinstance(value, Mapping):
        items = sorted(f"{_canonical(k)}:{_canonical(v)}" for k, v in value.items())
        return f"{{{','.join(items)}}}"
    if is_function(value):
        return _canonical(value.to_data())
    return repr(value)
