"""From a job to what an executor gets: the command filled in, the environment, the log's name."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from math import inf

from flowc.dataclass import dataclass, field
from flowc.events import JobEnded
from flowc.executors.base import Task
from flowc.graph.job import job_name
from flowc.ids import JobId
from flowc.lang.simple import bash_is_untouched, is_simple_command
from flowc.lang.template import Template, fill
from flowc.lang.workflow import Workflow
from flowc.machine import which
from flowc.plan.decision import Plan
from flowc.plan.request import Request
from flowc.run.script import job_argv, job_text
from flowc.run.shadow import Shadows
from flowc.run.values import JobValues

STATE = ".flowc"
DEFAULT_PREFIX = "set -euo pipefail; "
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "GOTO_NUM_THREADS",
)
LONGEST_ARGUMENT_BYTES = 100_000
"""Linux takes 128 KiB in one argument; a longer command goes through a file."""
LONGEST_NAME_BYTES = 200
"""Of a log's name without its suffix; file systems take 255."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt at one job, with what people are shown of it."""

    task: Task
    rule: str
    wildcards: Mapping[str, str]
    command: str
    message: str
    script: str | None  # a file that has to be removed when the task has ended
    limits: Mapping[str, int] = field(default_factory=dict)  # units of named limits
    since_s: float | None = None  # Unix time of its submission, by a run that was killed
    spare_bytes: int = 0  # of the task's memory: what it got unasked
    expected_s: float | None = None  # how long it is expected to run


@dataclass(slots=True)
class Running:
    """A job from its submission until it is done or has failed."""

    launch: Launch | None  # None: it has no command
    started_ns: int
    runs: list[JobEnded] = field(default_factory=list)  # for a benchmark that repeats
    until: float = inf  # monotonic: how long its outputs are waited for


def make_task(plan: Plan, job: JobId, attempt: int) -> Task:
    """What an executor gets for an attempt at a job. Its log's directory is made."""
    return Launcher(plan).launch(job, attempt, plan.request(job, attempt)).task


class Launcher:
    """Makes tasks of jobs."""

    def __init__(
        self,
        plan: Plan,
        memory_slack: float | None = None,
        env: Mapping[str, str] | None = None,
        shadow_prefix: str | None = None,
    ) -> None:
        """`memory_slack`: by how much of its request a job may exceed it; None: as it likes.
        `env`: variables of all jobs, which beat those of rules."""
        self._env = dict(env or {})
        self._memory_slack = memory_slack
        self._graph = plan.graph
        workflow = plan.graph.workflow
        self._workflow = workflow
        self._executable = workflow.shell_executable
        self._suffix = workflow.shell_suffix
        self._prefix = shell_prefix(workflow)
        self._may_skip_shell = (
            self._executable == "bash"
            and self._prefix == DEFAULT_PREFIX
            and not self._suffix
            and not self._env
            and bash_is_untouched(os.environ)
        )
        self.shadows = Shadows(plan.graph, shadow_prefix)
        self._programs: set[str] = set()
        self._environments: dict[tuple[int, str | None], Mapping[str, str]] = {}
        self._directories: set[str] = set()

    def launch(self, id: JobId, attempt: int, request: Request) -> Launch:
        """Raises WorkflowError where a value cannot be had or cannot stand where it should. A
        directory of the job's own is not made."""
        job = self._graph.job(id)
        rule, wildcards = job.rule, job.wildcard_items
        values = JobValues(job, attempt, request)
        template, message = rule.command, rule.message
        assert template is not None
        command = fill(template, values)
        log = self._log(rule.name, wildcards, attempt)
        text = command
        if rule.script is None:
            argv, script = self._argv(command, log, may_skip_shell=not rule.env)
        else:
            text, suffix = job_text(values, command, self._workflow, self._prefix)
            script = self._script(log, os.fsencode(text), suffix)
            argv = job_argv(rule.script, os.path.abspath(script))
        env = self._environment(request, values)
        task = Task(
            job=id,
            attempt=attempt,
            name=job_name(rule.name, wildcards),
            argv=argv,
            cwd=self.shadows.place(job, text, env),
            env=env,
            cores=request.cores,
            memory_bytes=request.memory_bytes,
            limit_s=request.limit_s,
            log=log,
            resources=_figures(request),
            memory_limit_bytes=self._memory_limit(request),
            kind=rule.name,
            words=_words(request),
            here=request.here,
        )
        return Launch(
            task,
            rule.name,
            wildcards,
            command,
            self.message(message, values),
            script,
            request.limits,
        )

    def _memory_limit(self, request: Request) -> int | None:
        """None too where nobody has said what the job needs: the default is but a guess."""
        origin = request.origins.get("memory")
        if self._memory_slack is None or origin is None or origin.kind == "default":
            return None
        return int(request.memory_bytes * (1 + self._memory_slack))

    def remove_script(self, path: str) -> None:
        with suppress(OSError):
            os.unlink(path)

    def message(self, template: Template | None, values: JobValues) -> str:
        return "" if template is None else fill(template, values)

    def _argv(
        self, command: str, log: str, *, may_skip_shell: bool
    ) -> tuple[tuple[str, ...], str | None]:
        if len(command) > LONGEST_ARGUMENT_BYTES // 4:  # a character has up to 4 bytes
            data = os.fsencode(self._prefix + command + self._suffix)
            if len(data) > LONGEST_ARGUMENT_BYTES:
                script = self._script(log, data, "sh")
                return (self._executable, script), script
        if self._may_skip_shell and may_skip_shell:
            words = is_simple_command(command)
            if words is not None and self._is_program(words[0]):
                return tuple(words), None
        return (self._executable, "-c", self._prefix + command + self._suffix), None

    def _script(self, log: str, data: bytes, suffix: str) -> str:
        name = blake2b(os.fsencode(log), digest_size=8).hexdigest()
        path = f"{STATE}/scripts/{os.getpid()}-{name}.{suffix}"
        self._make_directory(f"{STATE}/scripts")
        with open(path, "wb") as file:
            file.write(data + b"\n")
        return path

    def _log(self, rule: str, wildcards: Mapping[str, str], attempt: int) -> str:
        directory, name = log_name(rule, wildcards)
        self._make_directory(directory)
        return f"{directory}/{name}.log" if attempt == 1 else f"{directory}/{name}.{attempt}.log"

    def _make_directory(self, path: str) -> None:
        if path not in self._directories:
            os.makedirs(path, exist_ok=True)
            self._directories.add(path)

    def _environment(self, request: Request, values: JobValues) -> Mapping[str, str]:
        found = self._general(request)
        if values.job.rule.env:
            return {**found, **values.env(), **self._env}
        return found

    def _general(self, request: Request) -> Mapping[str, str]:
        """What all jobs of so many threads get."""
        tmpdir = request.resources.get("tmpdir")
        key = (request.cores, None if tmpdir is None else str(tmpdir))
        found = self._environments.get(key)
        if found is None:
            env = dict.fromkeys(THREAD_VARIABLES, str(max(1, request.cores)))
            if key[1] is not None:
                env["TMPDIR"] = key[1]
            found = self._environments[key] = env | self._env
        return found

    def _is_program(self, name: str) -> bool:
        """Whether executing it will work; if not, bash's own message is wanted."""
        if name in self._programs:
            return True
        if "/" in name:
            return os.access(name, os.X_OK) and os.path.isfile(name)
        if which(name, os.environ.get("PATH", os.defpath)) is None:
            return False
        self._programs.add(name)
        return True


def shell_prefix(workflow: Workflow) -> str:
    """What stands before each command. The default is bash's own: no other shell need know it."""
    prefix = workflow.shell_prefix
    is_bash = workflow.shell_executable.rpartition("/")[2] == "bash"
    return "" if prefix == DEFAULT_PREFIX and not is_bash else prefix


def log_name(rule: str, wildcards: Mapping[str, str]) -> tuple[str, str]:
    """The directory and the name, without attempt and suffix, of the log of a job's own output.

    `.flowc/logs/map` and `sample=A`: no two jobs of a graph share one.
    """
    rule = _cut(_safe(rule))
    if not wildcards:
        return f"{STATE}/logs/{rule}", rule
    name = ",".join([f"{_safe(n)}={_safe(v)}" for n, v in wildcards.items()])
    return f"{STATE}/logs/{rule}", _cut(name)


def _safe(text: str) -> str:
    """Odd characters, among them `,` and `=`, as %41; bytes that are not UTF-8 likewise."""
    if _is_plain(text):
        return text
    return _ODD.sub(lambda m: b"%%%02X" % m[0][0], os.fsencode(text)).decode("ascii")


def _cut(name: str) -> str:
    """A name that is too long for a file's is cut, and gets a digest."""
    if len(name) <= LONGEST_NAME_BYTES:
        return name
    digest = blake2b(name.encode("ascii"), digest_size=8).hexdigest()
    return f"{name[: LONGEST_NAME_BYTES - 17]}~{digest}"


_is_plain = re.compile(r"(?!\.)[A-Za-z0-9_.+@^-]+").fullmatch
_ODD = re.compile(rb"^\.|[^A-Za-z0-9_.+@^-]")


def _figures(request: Request) -> Mapping[str, float]:
    if not request.resources:
        return {}
    return {n: float(v) for n, v in request.resources.items() if isinstance(v, int | float)}


def _words(request: Request) -> Mapping[str, str]:
    if not request.resources:
        return {}
    found = {n: v for n, v in request.resources.items() if isinstance(v, str)}
    found.pop("tmpdir", None)  # it is in the environment
    return found
