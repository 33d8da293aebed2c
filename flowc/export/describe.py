"""Jobs as the templates see them: all that a script says of one job."""

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flowc.dataclass import dataclass, field
from flowc.diagnostic import fail
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
    """One job. `outputs`: kind (f file, d directory, t touch, p protected) and path; `temps`: files
    that go when the jobs of these keys are done."""

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
    benchmark: str
    repeats: int
    retries: int
    command: str
    env: Mapping[str, str]
    files: dict[str, bytes] = field(default_factory=dict)  # that the command reads, by name


class _Files(NamedTuple):
    """What concerns more than one job."""

    consumers: Mapping[JobId, list[str]]  # by the job that is needed
    temps: Mapping[int, list[str]]  # FileId of a temporary file: who reads it


def describe(
    plan: Plan,
    needs: Mapping[JobId, Sequence[JobId]],
    directory: str,
    env: Mapping[str, str],
) -> dict[JobId, ScriptJob]:
    """Every job of an export that will be in `directory`. `env`: variables of all. Raises
    WorkflowError where a value cannot be had yet, or a flag needs flowc at run time."""
    graph = plan.graph
    keys = {job: f"{number:06}" for number, job in enumerate(needs, 1)}
    consumers: dict[JobId, list[str]] = {}
    for job, before in needs.items():
        for need in before:
            consumers.setdefault(need, []).append(keys[job])
    files = _Files(consumers, _temps(graph, needs, keys))
    return {job: _describe(plan, job, needs, keys, files, directory, env) for job in needs}


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


def _describe(
    plan: Plan,
    id: JobId,
    needs: Mapping[JobId, Sequence[JobId]],
    keys: Mapping[JobId, str],
    files: _Files,
    directory: str,
    env: Mapping[str, str],
) -> ScriptJob:
    graph = plan.graph
    job = graph.job(id)
    rule = job.rule
    outputs = [(_kind(job, i, path), path) for i, path in enumerate(job.output_paths)]
    kept = [graph.paths[f] for f in graph.outputs[id] if f not in files.temps]
    temps = [
        (graph.paths[f], files.temps[f])
        for f in dict.fromkeys(graph.files_of(graph.inputs[id]))
        if f in files.temps
    ]
    made = {path for _, path in outputs}
    logs = [path for path in job.log.values if path not in made]
    bench = job.fill((rule.benchmark,)).values if rule.benchmark else ()
    command, extra = _command(plan, job, keys[id], directory)
    return ScriptJob(
        key=keys[id],
        name=job.name,
        rule=rule.name,
        wildcards=job.wildcard_items,
        needs=[keys[need] for need in needs[id]],
        consumers=files.consumers.get(id, []),
        inputs=list(dict.fromkeys(job.input_paths)),
        outputs=outputs,
        # the temporary ones stand last
        kept=kept,
        logs=logs,
        temps=temps,
        benchmark=bench[0] if bench and bench[0] not in made else "",
        repeats=rule.benchmark_repeats,
        retries=rule.retries or 0,
        command=command,
        env={**JobValues(job, 1, plan.request(id, 1)).env(), **env},
        files=extra,
    )


def _kind(job: Job, at: int, path: str) -> str:
    flags = job.output_flags[at]
    if flags.pipe or flags.service or flags.update or flags.ensure:
        raise fail(
            "not-exportable",
            f"output `{path}` of rule `{job.rule.name}` has a flag that needs flowc at run time",
            job.rule.span,
            hint="`temp`, `protected`, `directory` and `touch` can be exported",
        )
    kind = "d" if flags.directory else "f"
    return kind + "t" * flags.touch + "p" * flags.protected


def _command(plan: Plan, job: Job, key: str, directory: str) -> tuple[str, dict[str, bytes]]:
    """The text that the shell gets, just as in a local run, and the files that it needs."""
    rule, workflow = job.rule, plan.graph.workflow
    if rule.command is None:
        return "", {}
    values = JobValues(job, 1, plan.request(job.id, 1))
    command = fill(rule.command, values)
    prefix = shell_prefix(workflow)
    if rule.script is None:
        return prefix + command + workflow.shell_suffix, {}
    text, suffix = job_text(values, command, workflow, prefix)
    name = f"scripts/{key}.{suffix}"
    files = {name: os.fsencode(text) + b"\n"}
    argv = list(job_argv(rule.script, f"{directory}/{name}"))
    if suffix == "json":  # the program that runs Python actions comes along
        with open(script_runner.__file__, "rb") as file:
            files["scripts/script_runner.py"] = file.read()
        argv = ["python3", f"{directory}/scripts/script_runner.py", f"{directory}/{name}"]
    return f"exec {shlex.join(argv)}", files
