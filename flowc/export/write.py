"""The files of an export: templates filled in, and the manifest."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from shutil import rmtree
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from flowc import __version__
from flowc.dataclass import dataclass, field
from flowc.diagnostic import fail
from flowc.disk import DIRECTORY_STAMP
from flowc.export.attempts import with_attempts
from flowc.export.describe import Describer, ScriptJob
from flowc.export.dialect import DIALECTS, Dialect
from flowc.export.shell import comment, sh
from flowc.export.units import Grouping, Unit, exported_jobs, make_units, needs_of
from flowc.ids import JobId
from flowc.plan.decision import Plan
from flowc.run.task import THREAD_VARIABLES
from flowc.site import Site

FORMAT = "flowc-export"
PROGRAMS = ("submit.sh", "status.sh", "cancel.sh")
LATENCY_S = 5
"""How long a job waits for a file that another node has written."""
_HERE = os.path.join(os.path.dirname(__file__), "templates")
_ENGINES = {"script": "plain bash on one machine", "slurm": "Slurm", "sge": "Grid Engine"}


@dataclass(frozen=True, slots=True)
class Export:
    """What is written, and where."""

    dialect: str
    directory: str
    workflow: str  # its name, for people
    site: Site
    grouping: Grouping
    limits: Mapping[str, float]
    template_dir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)  # of all jobs


@dataclass(frozen=True, slots=True)
class Written:
    """What has been written."""

    directory: str
    jobs: int
    units: int


def write_export(plan: Plan, export: Export, seconds: Mapping[int, float]) -> Written:
    """Write the scripts. `seconds`: by job, how long it is expected to run. Raises WorkflowError
    before anything is touched; see `make_room`."""
    directory = os.path.abspath(export.directory)
    needs = needs_of(plan.graph, exported_jobs(plan))
    units = make_units(
        plan, needs, export.grouping, lambda job: seconds.get(job, 0.0), export.limits
    )
    _throttle(units, export.site)
    units = with_attempts(plan, units, more=export.grouping.more)
    jobs = _describe(plan, needs, units, directory, export.env)
    writer = _Writer(export, directory, jobs, units, plan.graph.workflow.shell_executable)
    files = dict(chain(writer.scripts(), writer.programs()))
    for job in jobs.values():
        files.update(job.files)
    files["manifest.json"] = writer.manifest()
    _write(directory, files)
    return Written(directory, len(needs), len(units))


_Jobs = Mapping[tuple[JobId, int], ScriptJob]
"""By job and attempt."""


def _describe(
    plan: Plan,
    needs: Mapping[JobId, Sequence[JobId]],
    units: Sequence[Unit],
    directory: str,
    env: Mapping[str, str],
) -> _Jobs:
    """All jobs, for each unit in which they are."""
    describer = Describer(plan, needs, directory, env)
    return {
        (job, unit.attempt): describer.job(job, unit)
        for unit in units
        for job in chain(*unit.elements)
    }


def _throttle(units: Sequence[Unit], site: Site) -> None:
    most = site.settings.get("max_running")
    for unit in units:
        if most is not None:
            unit.throttle = min(unit.throttle or most, most)


class _Writer:
    """Fills the templates in."""

    def __init__(
        self,
        export: Export,
        directory: str,
        jobs: _Jobs,
        units: Sequence[Unit],
        shell: str,
    ) -> None:
        self._export, self._tries, self._units = export, jobs, units
        self._jobs = {job: found for (job, attempt), found in jobs.items() if attempt == 1}
        self._place = {
            job: (unit, at)
            for unit in units
            if unit.attempt == 1
            for at, element in enumerate(unit.elements, 1)
            for job in element
        }
        self._shell = shell
        self._dialect: Dialect = DIALECTS[export.dialect]
        self._workdir = os.getcwd()
        folders = [os.path.join(_HERE, export.dialect), _HERE]
        if export.template_dir is not None:
            if not os.path.isdir(export.template_dir):
                raise fail("bad-template", f"there is no directory `{export.template_dir}`")
            own = export.template_dir
            folders = [os.path.join(own, export.dialect), own, *folders]
        # What is written is bash, where HTML's escapes have no business: `sh` quotes instead.
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            autoescape=False,
            comment_start_string="{##",  # `{#` is in `${#name}`
            comment_end_string="##}",
        )
        self._environment.filters |= {"sh": sh, "comment": comment}
        digest = blake2b(os.fsencode(directory), digest_size=4).hexdigest()
        self._known = {
            "version": __version__,
            "workflow": export.workflow,
            "engine": _ENGINES[export.dialect],
            "workdir": self._workdir,
            "export_id": f"f{digest}",
            "latency_s": LATENCY_S,
            "directory_stamp": DIRECTORY_STAMP,
            "thread_variables": THREAD_VARIABLES,
            "submit_words": " [-j N]" if export.dialect == "script" else "",
            "job_count": len(self._jobs),
            "unit_count": len(units),
            "units": [_unit_data(unit) for unit in units],
            "setup": export.site.settings.get("setup", ""),
        }

    def scripts(self) -> Iterator[tuple[str, bytes]]:
        for unit in self._units:
            elements = [
                [self._tries[job, unit.attempt] for job in element] for element in unit.elements
            ]
            dialect = DIALECTS["script"] if unit.here else self._dialect
            data = {
                "rule": unit.rule.name,
                "title": _title(unit),
                "cores": unit.request.cores,
                "tmpdir": str(unit.request.resources.get("tmpdir", "")),
                "elements": elements,
            }
            yield (
                f"jobs/{unit.name}.sh",
                self._fill(
                    "job.sh.j2",
                    unit=data,
                    head=list(dialect.head(unit, self._export.site)),
                    shell=self._shell,
                    element=dialect.element if len(elements) > 1 else "1",
                ),
            )

    def programs(self) -> Iterator[tuple[str, bytes]]:
        for name in ("lib.sh", "state.sh", "engine.sh", *PROGRAMS):
            yield name, self._fill(f"{name}.j2")
        yield "README", self._fill("README.j2")
        yield "jobs.sh", os.fsencode("".join(self._job_lines()))
        yield "state/count", b"0\n"

    def _job_lines(self) -> Iterator[str]:
        """Each job after all that need it."""
        yield "# shellcheck shell=bash disable=SC1003,SC2016\n"
        for id in sorted(self._jobs, reverse=True):
            job = self._jobs[id]
            unit, at = self._place[id]
            kept = set(job.kept)
            paths = [*job.kept, *(path for _, path in job.outputs if path not in kept)]
            words = [
                job.key,
                str(unit.number),
                str(at),
                sh(" ".join(job.consumers)),
                str(len(kept)),
            ]
            for i, (kind, path) in enumerate(job.outputs):
                if "u" in kind:
                    yield f"update {i} {sh(path)}\n"
            yield " ".join(["job", *words, *map(sh, paths)]) + "\n"

    def manifest(self) -> bytes:
        """Which job is in which script, and what it makes."""
        data = {
            "format": FORMAT,
            "version": 1,
            "dialect": self._export.dialect,
            "workflow": self._export.workflow,
            "directory": self._workdir,
            "units": [_unit_manifest(unit) for unit in self._units],
            "jobs": [self._job_manifest(job, *self._place[id]) for id, job in self._jobs.items()],
        }
        return (json.dumps(data, indent=1) + "\n").encode("ascii")

    def _job_manifest(self, job: ScriptJob, unit: Unit, at: int) -> dict[str, Any]:
        log = f"logs/{unit.name}{f'.{at}' if len(unit.elements) > 1 else ''}.log"
        return {
            "job": job.key,
            "name": job.name,
            "rule": job.rule,
            "wildcards": dict(job.wildcards),
            "script": f"jobs/{unit.name}.sh",
            "element": at,
            "log": log,
            "needs": job.needs,
            "outputs": [path for _, path in job.outputs],
        }

    def _fill(self, template: str, **more: Any) -> bytes:
        try:
            text = self._environment.get_template(template).render(self._known | more)
        except TemplateError as error:
            where = getattr(error, "name", None) or template
            line = getattr(error, "lineno", None)
            at = f"{where}:{line}" if line else where
            raise fail("bad-template", f"template `{at}`: {error.message or error}") from None
        return os.fsencode(text)


def _title(unit: Unit) -> str:
    count = sum(map(len, unit.elements))
    jobs = "one job" if count == 1 else f"{count} jobs"
    again = f", attempt {unit.attempt}" if unit.attempt > 1 else ""
    if len(unit.elements) == 1:
        return jobs + again
    return f"{jobs} as an array of {len(unit.elements)}{again}"


def _unit_data(unit: Unit) -> dict[str, Any]:
    return {
        "number": unit.number,
        "name": unit.name,
        "size": len(unit.elements),
        "throttle": unit.throttle or 0,
        "matched": int(unit.is_matched),
        "whole": unit.whole,
        "by_element": unit.by_element,
        "after": unit.after,
        "again": unit.number - 1 if unit.attempt > 1 else 0,
        "here": int(unit.here),
        "seconds": 0 if unit.limit_s is None else -int(-unit.limit_s // 1),
    }


def _unit_manifest(unit: Unit) -> dict[str, Any]:
    request = unit.request
    return _unit_data(unit) | {
        "script": f"jobs/{unit.name}.sh",
        "rule": unit.rule.name,
        "cores": request.cores,
        "memory_bytes": request.memory_bytes,
        "limit_s": unit.limit_s,
        "origins": {name: str(origin) for name, origin in request.origins.items()},
    }


def make_room(directory: str, *, replace: bool) -> None:
    """Raises WorkflowError where an export may not be written. To be called before the plan is
    made: an export that is replaced gives up what it has half made."""
    if not os.path.lexists(directory):
        return
    if not os.path.isdir(directory):
        raise fail("export-in-the-way", f"`{directory}` is not a directory")
    if not os.listdir(directory):
        return
    if not os.path.exists(f"{directory}/manifest.json"):
        raise fail(
            "export-in-the-way",
            f"`{directory}` has files, and is no export",
            hint="name another directory: `-o DIR`",
        )
    if not replace:
        raise fail(
            "export-in-the-way",
            f"`{directory}` has an export already",
            hint="to write it anew, and forget which of its jobs are done: `--replace`",
        )
    # Its own programs know how to ask its engine; 3 is status.sh's code for being at work. What a
    # job that was killed at once has left would pass for a whole output: cancel.sh removes it.
    if _call(f"{directory}/status.sh") == 3:
        raise fail(
            "export-in-the-way",
            f"the export in `{directory}` is at work",
            hint=f"wait for it, or end it with `{directory}/cancel.sh`",
        )
    _call(f"{directory}/cancel.sh")


def _call(program: str) -> int:
    return subprocess.run(
        ["bash", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def _write(directory: str, files: Mapping[str, bytes]) -> None:
    for name in ("jobs", "scripts", "state", "logs"):
        if os.path.isdir(f"{directory}/{name}"):
            rmtree(f"{directory}/{name}")
    for name in ("jobs", "logs", "state/done", "state/failed", "state/kept", "state/started"):
        os.makedirs(f"{directory}/{name}")
    for name, data in files.items():
        path = f"{directory}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        if name in PROGRAMS or name.startswith("jobs/"):
            os.chmod(path, 0o755)
