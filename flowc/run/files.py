"""The user's files around a job: what is cleared away before, checked after, removed at the end."""

import os
import stat
import time
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf

from flowc.dataclass import dataclass
from flowc.disk import DIRECTORY, DIRECTORY_STAMP, FILE, Disk, FileState
from flowc.graph.job import JobGraph, output_flags
from flowc.ids import FileId, JobId
from flowc.lang.pattern import Pattern
from flowc.lang.values import Flags
from flowc.plan.rules import counted_inputs, rule_facts
from flowc.run import backup
from flowc.run.ensure import violated

_LOOK_AGAIN_S = 1.0
"""Long lists of inputs may be read by thousands of jobs."""
REMOVED = ".flowc/removed"
"""Where things are while they are being removed, or before they are put in their place."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a job has come to nothing, as a `JobFailed` says it."""

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class _RuleFiles:
    flags: tuple[Flags, ...]  # of the outputs
    is_plain: bool  # no output has a flag that matters here
    is_ensured: bool  # something is asked of an output
    others: tuple[Pattern, ...]  # logs and benchmark


class JobFiles:
    """Makes room for jobs and looks at what they have made."""

    def __init__(self, graph: JobGraph, disk: Disk) -> None:
        self._graph = graph
        self._disk = disk
        self._facts = rule_facts(graph.workflow)
        self._rules: dict[int, _RuleFiles] = {}
        self._times = array("q")  # by file: mtime_ns of what was made in this run, else -1
        self._group_times: dict[int, int] = {}
        self._group_looks: dict[int, tuple[float, int]] = {}
        self._seen: tuple[JobId, list[FileState | None]] | None = None  # by `missing`, for `after`

    def before(self, job: JobId) -> Fault | None:
        """Remove what is there of the outputs and logs; make their directories."""
        outputs = self.outputs(job)
        rule = self._rule(job)
        modes = [_mode(path) for path in outputs]
        if any(modes):
            found = zip(outputs, modes, strict=True)
            guarded = [path for path, mode in found if mode and _is_guarded(mode)]
            if guarded:
                names = ", ".join(guarded)
                return Fault("protected", f"write-protected output is in the way: {names}")
        try:
            for path, mode, flags in zip(outputs, modes, rule.flags, strict=True):
                if flags.update:
                    make_parent(path)
                    backup.keep(path)
                elif mode:
                    remove(path, whole=flags.directory)
                else:
                    make_parent(path)
                if flags.pipe:
                    os.mkfifo(path)
            for path in self._others(job, rule):
                if _mode(path):
                    remove(path, whole=False)
                else:
                    make_parent(path)
        except OSError as fault:
            return Fault("not-started", f"cannot make room for the outputs: {fault}")
        return None

    def missing(self, job: JobId) -> list[str]:
        """Outputs that the job should have made and that are not there."""
        rule = self._rule(job)
        paths = self.outputs(job)
        stat = self._disk.stat
        states = [stat(path) for path in paths]
        missing = []
        if None in states:
            found = zip(paths, states, rule.flags, strict=True)
            missing = [p for p, s, f in found if s is None and not f.touch and not f.passing]
        self._seen = None if missing else (job, states)
        return missing

    def after(self, job: JobId) -> Fault | None:
        """Check the outputs of a job that has ended well, and finish them: stamps, times, the logs
        it has not written."""
        graph, disk = self._graph, self._disk
        rule = self._rule(job)
        seen, self._seen = self._seen, None
        files = graph.outputs[job]
        paths = [graph.paths[f] for f in files]
        try:
            for path in self._others(job, rule, logs_only=True):
                if _mode(path) == 0:
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
            if rule.is_plain and seen is not None and seen[0] == job:
                states = seen[1]
            else:
                if not rule.is_plain:
                    self._flagged(paths, rule.flags)
                states = [disk.stat(path) for path in paths]
            fault = _check(paths, states, rule.flags)
            if fault is None and rule.is_ensured:
                fault = self._ensured(job, paths, rule.flags)
            if fault is not None:
                return fault
            newest_ns = self._newest_input(job)
            for file, path, state in zip(files, paths, states, strict=True):
                if state is None:
                    continue  # a pipe, or of a service
                mtime_ns = state.mtime_ns
                if mtime_ns < newest_ns:
                    mtime_ns = max(time.time_ns(), newest_ns)
                    touch(path, state.kind, mtime_ns)
                if not self._times:  # once, and not where nothing is made
                    self._times = array("q", [-1]) * len(self._graph.paths)
                self._times[file] = mtime_ns
        except OSError as fault_:
            return Fault("missing-output", f"the outputs cannot be finished: {fault_}")
        return None

    def settle(self, job: JobId, remember: Callable[[], None]) -> None:
        """Write-protect what is `protected`, and let go of the copies of what was updated. That the
        job is done is remembered first: else the protected file would be in the way of the next
        run, and that run would update twice. See `recover.settle` for a crash in between."""
        rule = self._rule(job)
        if rule.is_plain:
            return
        remember()
        for path, flags in zip(self.outputs(job), rule.flags, strict=True):
            with suppress(OSError):
                if flags.protected:
                    protect(path)
                if flags.update:
                    backup.forget(path)

    def inputs_changed(self, job: JobId, began_ns: int) -> bool:
        """Whether an input has changed since the job began. Then its outputs get the time of that
        beginning: so the input is newer, and the next run makes them again."""
        refs = counted_inputs(self._graph, self._facts, job)
        newest_ns = 0
        for ref in refs:
            changed_ns = self._changed(ref) if ref >= 0 else self._group_changed(~ref)
            newest_ns = max(newest_ns, changed_ns)
        if newest_ns <= began_ns:
            return False
        for path in self.outputs(job):
            state = self._disk.stat(path)
            if state is not None:
                with suppress(OSError):
                    touch(path, state.kind, began_ns)
        return True

    def _changed(self, file: int) -> int:
        """The time of a file where it is another one than was known; else 0."""
        if file in self._graph.streams.passing or file in self._graph.before_update:
            return 0  # the job itself may be the one that updates it
        state = self._disk.stat(self._graph.paths[file])
        return 0 if state is None or state.mtime_ns == self._time(file) else state.mtime_ns

    def _group_changed(self, group: int) -> int:
        """Of a list of files: it is looked through at most once in `_LOOK_AGAIN_S`."""
        looked_s, newest_ns = self._group_looks.get(group, (-inf, 0))
        now_s = time.monotonic()
        if now_s - looked_s >= _LOOK_AGAIN_S:
            newest_ns = max(map(self._changed, self._graph.groups[group]), default=0)
            self._group_looks[group] = (now_s, newest_ns)
        return newest_ns

    def _ensured(self, job: JobId, paths: list[str], flags: tuple[Flags, ...]) -> Fault | None:
        """What `ensure(...)` asks of the outputs."""
        for path, flag in zip(paths, flags, strict=True):
            if not flag.ensure:
                continue
            why = violated(path, flag.ensure, self._graph.job(job).wildcards)
            if why is not None:
                return Fault("not-ensured", why)
        return None

    def discard(self, job: JobId) -> list[str]:
        """Remove what a failed job has left of its outputs; what was there."""
        rule = self._rule(job)
        gone = []
        for path, flags in zip(self.outputs(job), rule.flags, strict=True):
            if not _mode(path):
                continue
            try:
                if flags.update and backup.put_back(path):
                    continue
                remove(path, whole=flags.directory)
            except OSError:
                continue  # it stays, and the history knows that it is no good
            gone.append(path)
        return gone

    def there(self, files: Iterable[FileId]) -> list[str]:
        """The paths of those that exist."""
        return [path for file in files if _mode(path := self._graph.paths[file])]

    def remove_temp(self, paths: Iterable[str]) -> None:
        for path in paths:
            with suppress(OSError):
                remove(path, whole=True)

    def remove_passing(self, job: JobId) -> None:
        """A job has ended: nothing goes through its pipes any more, and it serves nobody."""
        for path, flags in zip(self.outputs(job), self._rule(job).flags, strict=True):
            if flags.passing:
                with suppress(OSError):
                    remove(path, whole=True)

    def outputs(self, job: JobId) -> list[str]:
        paths = self._graph.paths
        return [paths[f] for f in self._graph.outputs[job]]

    # ---- steps

    def _rule(self, job: JobId) -> _RuleFiles:
        id = self._graph.rule_of[job]
        found = self._rules.get(id)
        if found is None:
            rule = self._graph.workflow.rules[id]
            flags = tuple(output_flags(rule))
            special = any(
                f.protected or f.directory or f.touch or f.update or f.passing for f in flags
            )
            items = (*rule.logs, *((rule.benchmark,) if rule.benchmark else ()))
            others = tuple(Pattern(f) for item in items for f in item.files)
            ensured = any(f.ensure for f in flags)
            found = self._rules[id] = _RuleFiles(flags, not special, ensured, others)
        return found

    def _others(self, job: JobId, rule: _RuleFiles, *, logs_only: bool = False) -> list[str]:
        """The paths of `log:` and `benchmark:`, without those that are outputs as well."""
        if not rule.others:
            return []
        view = self._graph.job(job)
        patterns = rule.others
        if logs_only and view.rule.benchmark is not None:
            patterns = patterns[: -len(view.rule.benchmark.files)]
        values = view.wildcard_items
        outputs = set(self.outputs(job))
        paths = [pattern.fill(values) for pattern in patterns]
        return [path for path in paths if path not in outputs]

    def _flagged(self, paths: list[str], flags: tuple[Flags, ...]) -> None:
        """Make what `touch` promises; stamp directories, whose own time changes with each entry."""
        for path, flag in zip(paths, flags, strict=True):
            if flag.touch:
                make_parent(path)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
                os.utime(path)
            elif flag.directory and os.path.isdir(path):
                stamp(path)

    def _newest_input(self, job: JobId) -> int:
        newest = 0
        for ref in counted_inputs(self._graph, self._facts, job):
            found = self._time(ref) if ref >= 0 else self._group_time(~ref)
            if found > newest:
                newest = found
        return newest

    def _time(self, file: int) -> int:
        """A file's time as it was made in this run, or else as the plan has found it."""
        if self._times and self._times[file] != -1:
            return self._times[file]
        state = self._graph.states[file]
        return 0 if state is None else state.mtime_ns

    def _group_time(self, group: int) -> int:
        """Asked for when all of the group's makers are over, so it is final."""
        found = self._group_times.get(group)
        if found is None:
            found = max(map(self._time, self._graph.groups[group]), default=0)
            self._group_times[group] = found
        return found


def _check(
    paths: list[str], states: list[FileState | None], flags: tuple[Flags, ...]
) -> Fault | None:
    if None in states:
        found = zip(paths, states, flags, strict=True)
        missing = [path for path, state, flag in found if state is None and not flag.passing]
        if missing:
            return missing_outputs(missing)
    for path, state, flag in zip(paths, states, flags, strict=True):
        if flag.directory and state is not None and state.kind != DIRECTORY:
            return Fault("wrong-kind", f"output is declared as a directory and is a file: {path}")
        if not flag.directory and state is not None and state.kind == DIRECTORY:
            return Fault(
                "wrong-kind", f"output is a directory, which needs `directory(...)`: {path}"
            )
    return None


def missing_outputs(paths: list[str]) -> Fault:
    return Fault("missing-output", f"the command ended well, but made no {', '.join(paths)}")


def _mode(path: str) -> int:
    """The kind and permissions of what a path itself is, links not followed; 0: nothing."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def _is_guarded(mode: int) -> bool:
    return not mode & 0o222 and not stat.S_ISLNK(mode)


def make_parent(path: str) -> None:
    parent = path[: path.rfind("/")] if "/" in path else ""
    if parent and not _mode(parent):
        os.makedirs(parent, exist_ok=True)


def remove(path: str, *, whole: bool) -> None:
    """Remove a file or link; of directories, an empty one, or with `whole` any."""
    try:
        os.unlink(path)
        return
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        if not os.path.isdir(path):
            raise
    if whole:
        _remove_directory(path)
        return
    with suppress(OSError):  # not empty, and not declared as an output as a whole: left alone
        os.rmdir(path)


def _remove_directory(path: str) -> None:
    """Gone at once, or not at all: one that is half removed would pass for a whole one if flowc
    were killed just then."""
    from shutil import rmtree  # few jobs make directories

    away = aside()
    try:
        os.rename(path, away)
    except OSError:  # on another file system
        rmtree(path)
        return
    rmtree(away, ignore_errors=True)


def aside() -> str:
    """A path that nobody has, in a directory that is emptied at the start of a run."""
    os.makedirs(REMOVED, exist_ok=True)
    return f"{REMOVED}/{os.getpid()}-{time.monotonic_ns()}"


def touch(path: str, kind: str, mtime_ns: int) -> None:
    """Set the time that counts: of a directory, that of the stamp inside; of a link, its own."""
    if kind == DIRECTORY:
        stamp(path)
        path = f"{path}/{DIRECTORY_STAMP}"
    os.utime(
        path, ns=(mtime_ns, mtime_ns), follow_symlinks=kind != FILE or not os.path.islink(path)
    )


def stamp(directory: str) -> None:
    path = f"{directory}/{DIRECTORY_STAMP}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    os.utime(path)


def protect(path: str) -> None:
    """chmod a-w, for a directory with all that is in it. What a link points at is left alone."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return
    if stat.S_ISDIR(mode):
        for top, directories, files in os.walk(path):
            for name in (*directories, *files):
                inner = _mode(f"{top}/{name}")
                if not stat.S_ISLNK(inner):
                    os.chmod(f"{top}/{name}", stat.S_IMODE(inner) & ~0o222)
    os.chmod(path, stat.S_IMODE(mode) & ~0o222)
