"""Jobs as the templates see them: all that a script says of one job."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence

from flowc.dataclass import dataclass, field
from flowc.diagnostic import fail
from flowc.export.attempts import times
from flowc.export.units import Unit
from flowc.graph.job import Job, JobGraph
from flowc.ids import NO_JOB, JobId
from flowc.lang.template import fill
from flowc.plan.decision import Plan
from flowc.run import script_runner
from flowc.run.script import job_argv, job_text
from flowc.run.task import shell_prefix
from flowc.run.values import JobValues


@dataclass(slots=True)
class ScriptJob:
    """One job. `outputs`: kind (f file or d directory, t touch, p protected, u update) and path;
    `temps`: files that go when the jobs of these keys are done; `checks`: kind, what is expected,
    path."""

    key: str
    name: str
    rule: str
    wildcards: Mapping[str, str]
    needs: list[str]
    consumers: list[str]
    inputs: list[str]
    outputs: list[tuple[str, str]]
    kept: list[str]  # of the outputs, those that are not temporary
    logs: list[str]
    temps: list[tuple[str, list[str]]]
    checks: list[tuple[str, str, str]]
    benchmark: str
    repeats: int
    retries: int
    command: str
    env: Mapping[str, str]
    files: dict[str, bytes] = field(default_factory=dict)  # that the command reads, by name


class Describer:
    """Describes the jobs of an export that will be in `directory`. `needs`: all its jobs; `env`:
    variables of each. Raises WorkflowError where a value cannot be had yet, or a rule needs flowc
    at run time."""

    def __init__(
        self,
        plan: Plan,
        needs: Mapping[JobId, Sequence[JobId]],
        directory: str,
        env: Mapping[str, str],
    ) -> None:
        self._plan, self._needs, self._directory, self._env = plan, needs, directory, env
        self._keys = {job: f"{number:06}" for number, job in enumerate(needs, 1)}
        self._consumers: dict[JobId, list[str]] = {}
        for job, before in needs.items():
            for need in before:
                self._consumers.setdefault(need, []).append(self._keys[job])
        self._temps = _temps(plan.graph, needs, self._keys)

    def job(self, id: JobId, unit: Unit) -> ScriptJob:
        """One job, as this unit runs it."""
        graph, attempt, key, readers = self._plan.graph, unit.attempt, self._keys[id], self._temps
        job = graph.job(id)
        rule = job.rule
        outputs = [(_kind(job, i, path), path) for i, path in enumerate(job.output_paths)]
        made = {path for _, path in outputs}
        bench = job.fill((rule.benchmark,)).values if rule.benchmark else ()
        request = times(self._plan.request(id, attempt), unit.times)
        values = JobValues(job, attempt, request)
        command, extra = self._command(values, key if attempt == 1 else f"{key}.{attempt}")
        return ScriptJob(
            key=key,
            name=job.name,
            rule=rule.name,
            wildcards=job.wildcard_items,
            needs=[self._keys[need] for need in self._needs[id]],
            consumers=self._consumers.get(id, []),
            inputs=list(dict.fromkeys(job.input_paths)),
            outputs=outputs,
            kept=[graph.paths[f] for f in graph.outputs[id] if f not in readers],
            logs=[path for path in job.log.values if path not in made],
            temps=[
                (graph.paths[f], readers[f])
                for f in dict.fromkeys(graph.files_of(graph.inputs[id]))
                if f in readers
            ],
            checks=list(_checks(job)),
            benchmark=bench[0] if bench and bench[0] not in made else "",
            repeats=rule.benchmark_repeats,
            retries=unit.retries,
            command=command,
            env={**values.env(), **self._env},
            files=extra,
        )

    def _command(self, values: JobValues, name: str) -> tuple[str, dict[str, bytes]]:
        """The text that the shell gets, just as in a local run, and the files that it needs."""
        rule, workflow, directory = values.job.rule, self._plan.graph.workflow, self._directory
        if rule.command is None:
            return "", {}
        command = fill(rule.command, values)
        prefix = shell_prefix(workflow)
        if rule.script is None:
            return prefix + command + workflow.shell_suffix, {}
        text, suffix = job_text(values, command, workflow, prefix)
        path = f"scripts/{name}.{suffix}"
        files = {path: os.fsencode(text) + b"\n"}
        argv = list(job_argv(rule.script, f"{directory}/{path}"))
        if suffix == "json":  # the program that runs Python actions comes along
            with open(script_runner.__file__, "rb") as file:
                files["scripts/script_runner.py"] = file.read()
            argv = ["python3", f"{directory}/scripts/script_runner.py", f"{directory}/{path}"]
        return f"exec {shlex.join(argv)}", files


def _temps(
    graph: JobGraph, needs: Mapping[JobId, Sequence[JobId]], keys: Mapping[JobId, str]
) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for job in needs:
        for file in dict.fromkeys(graph.files_of(graph.inputs[job])):
            maker = graph.producer[file]
            if maker == NO_JOB or maker not in keys or file in graph.target_files:
                continue
            at = graph.outputs[JobId(maker)].index(file)
            if graph.job(JobId(maker)).output_flags[at].temp:
                found.setdefault(file, []).append(keys[job])
    return found


def _kind(job: Job, at: int, path: str) -> str:
    flags = job.output_flags[at]
    if flags.pipe or flags.service:
        raise fail(
            "not-exportable",
            f"output `{path}` of rule `{job.rule.name}` has a flag that needs flowc at run time",
            job.rule.span,
            hint="`temp`, `protected`, `directory`, `touch`, `update` and `ensure` can be exported",
        )
    if job.rule.shadow is not None:
        raise fail(
            "not-exportable",
            f"rule `{job.rule.name}` has `shadow`, which needs flowc at run time",
            job.rule.span,
            hint="let the command make and leave a directory of its own",
        )
    kind = "d" if flags.directory else "f"
    return kind + "t" * flags.touch + "p" * flags.protected + "u" * flags.update


def _checks(job: Job) -> Iterator[tuple[str, str, str]]:
    """What `ensure(...)` asks of the outputs: kind, what is expected, path."""
    for flags, path in zip(job.output_flags, job.output_paths, strict=True):
        for kind, expected in flags.ensure:
            if callable(expected):
                expected = expected(job.wildcards)
            yield kind, "" if kind == "non_empty" else str(expected).lower(), path
