"""Jobs whose action is code: the file that their process reads, and the command that starts it.

`run:` and Python scripts are run by `script_runner`, a program of its own; scripts of R and bash
get what they know as a text before their own, as in Snakemake.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from flowc.diagnostic import fail
from flowc.lang.script import Script
from flowc.lang.values import Record
from flowc.lang.workflow import Rule, Workflow
from flowc.run import script_runner
from flowc.run.values import JobValues

_RECORDS = ("input", "output", "params", "wildcards", "log", "resources")

_R_CLASS = """\
library(methods)
Snakemake <- setClass("Snakemake", slots = c(input = "list", output = "list", params = "list",
    wildcards = "list", threads = "numeric", log = "list", resources = "list", config = "list",
    rule = "character", bench_iteration = "numeric", scriptdir = "character",
    source = "function"))
"""


def script_path(rule: Rule, command: str) -> str:
    """Where the script of a job is; `command` is the rule's, filled in."""
    assert rule.script is not None
    path = command.removeprefix("file://")
    return os.path.abspath(os.path.join(rule.script.directory, path))


def job_text(values: JobValues, command: str, workflow: Workflow, prefix: str) -> tuple[str, str]:
    """The text of the file that the job's process gets, and the end of its name. `prefix` stands
    before each shell command."""
    script = values.job.rule.script
    assert script is not None
    path = "" if script.language == "run" else script_path(values.job.rule, command)
    if path and not os.path.isfile(path):
        raise fail("missing-script", f"there is no script `{path}`", values.job.rule.span)
    if script.language == "bash":
        return _bash(values, workflow, path) + _source(path), "sh"
    if script.language == "R":
        return _r(values, workflow, path) + _source(path), "R"
    return json.dumps(_data(values, script, command, workflow, path, prefix)), "json"


def job_argv(script: Script, file: str) -> tuple[str, ...]:
    """What starts the job, once its text is in `file`."""
    if script.language == "bash":
        return ("bash", file)
    if script.language == "R":
        return ("Rscript", "--vanilla", file)
    return (sys.executable, script_runner.__file__, file)


def _source(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _data(
    values: JobValues, script: Script, command: str, workflow: Workflow, path: str, prefix: str
) -> dict[str, Any]:
    data: dict[str, Any] = {name: encoded(values[name]) for name in _RECORDS}
    return data | {
        "language": script.language,
        "text": command,
        "path": path,
        "directory": os.path.dirname(path) or os.path.abspath(script.directory),
        "file": script.file,
        "line": script.line,
        "preamble": script.preamble,
        "names": encoded(dict(script.names)),
        "threads": values["threads"],
        "config": encoded(workflow.config),
        "rule": values["rule"],
        "jobid": values["jobid"],
        "attempt": values.attempt,
        "shell": {
            "executable": workflow.shell_executable,
            "prefix": prefix,
            "suffix": workflow.shell_suffix,
        },
    }


def encoded(value: Any) -> Any:
    """The value as `script_runner.decoded` reads it."""
    if isinstance(value, Record):
        names = {
            name: [place.start, place.stop] if isinstance(place, slice) else place
            for name, place in value.names.items()
        }
        return {"$record": [[encoded(one) for one in value.values], names]}
    if isinstance(value, PurePath):
        return {"$path": str(value)}
    if isinstance(value, tuple):
        return {"$tuple": [encoded(one) for one in value]}
    if isinstance(value, set | frozenset):
        return {"$set": [encoded(one) for one in sorted(value, key=str)]}
    if isinstance(value, list):
        return [encoded(one) for one in value]
    if isinstance(value, Mapping):
        if all(isinstance(name, str) and not name.startswith("$") for name in value):
            return {name: encoded(one) for name, one in value.items()}
        return {"$dict": [[encoded(k), encoded(v)] for k, v in value.items()]}
    if value is None or isinstance(value, str | int | float):
        return str(value) if isinstance(value, str) else value
    return str(value)


# --- bash ----------------------------------------------------------------------------------------


def _bash(values: JobValues, workflow: Workflow, path: str) -> str:
    """Associative arrays: `${snakemake_input[0]}`, `${snakemake_input[reads]}`."""
    lines = []
    for prefix in ("snakemake", "flowc"):
        known = {name: _array(_by_name(values[name])) for name in _RECORDS}
        known["config"] = _array(workflow.config)
        lines += [f"declare -A {prefix}_{name}={array}" for name, array in known.items()]
        plain = {
            "threads": values["threads"],
            "rule": values["rule"],
            "bench_iteration": None,
            "scriptdir": os.path.dirname(path),
        }
        lines.append(f"declare -A {prefix}={_array(plain)}")
    return "\n".join(lines) + "\n"


def _by_name(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {str(i): value for i, value in enumerate(record.values)}
    return found | {name: record.get_name(name) for name in record.names}


def _array(items: Mapping[Any, Any]) -> str:
    parts = []
    for name, value in items.items():
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            value = " ".join(map(str, value))
        parts.append(f"[{shlex.quote(str(name))}]={shlex.quote(str(value))}")
    return f"( {' '.join(parts)} )"


# --- R -------------------------------------------------------------------------------------------


def _r(values: JobValues, workflow: Workflow, path: str) -> str:
    """The object `snakemake`, an S4 object whose slots are lists."""
    directory = os.path.dirname(path)
    slots = [f"{name} = {_r_record(values[name])}" for name in _RECORDS]
    slots += [
        f"threads = {values['threads']}",
        f"config = {_r_value(dict(workflow.config))}",
        f"rule = {_r_value(values['rule'])}",
        "bench_iteration = as.numeric(NA)",
        f"scriptdir = {_r_value(directory)}",
        f"source = function(...) source(file.path({_r_value(directory)}, ...))",
    ]
    body = ",\n    ".join(slots)
    return f"{_R_CLASS}snakemake <- Snakemake(\n    {body}\n)\nflowc <- snakemake\n"


def _r_record(record: Record) -> str:
    """All items by position, then those with names once more by name."""
    items = [_r_value(value) for value in record.values]
    items += [f"{_r_name(name)} = {_r_value(record.get_name(name))}" for name in record.names]
    return f"list({', '.join(items)})"


def _r_name(name: str) -> str:
    return json.dumps(name)


def _r_value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value).replace("nan", "NaN").replace("inf", "Inf")
    if isinstance(value, Mapping):
        return (
            "list("
            + ", ".join(f"{_r_name(str(k))} = {_r_value(v)}" for k, v in value.items())
            + ")"
        )
    if isinstance(value, list | tuple | set | frozenset | Record):
        kind = "c" if all(isinstance(one, str | int | float) for one in value) else "list"
        return f"{kind}({', '.join(map(_r_value, value))})"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
