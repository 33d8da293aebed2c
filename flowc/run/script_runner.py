"""Runs the code of one job: the program of the process that a `run:` or a Python `script:` gets.

It imports nothing of flowc, so that it starts fast and a script sees no names but its own. What
the job works with is in a JSON file, whose name is the only argument.
"""

import inspect
import json
import os
import shlex
import string
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import Any


class NamedList(list):  # type: ignore[type-arg]
    """Items by position, some also by name: `input[0]`, `input.reads`."""

    def __init__(self, values: list[Any], names: dict[str, Any]) -> None:
        super().__init__(values)
        self._names = {
            name: NamedList(values[slice(*place)], {}) if isinstance(place, list) else values[place]
            for name, place in names.items()
        }
        for name, value in self._names.items():
            setattr(self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._names[key] if isinstance(key, str) else super().__getitem__(key)

    def __str__(self) -> str:
        return " ".join(map(str, self))

    def get(self, name: str, default: Any = None) -> Any:
        return self._names.get(name, default)

    def keys(self) -> Any:
        return self._names.keys()

    def values(self) -> Any:
        return self._names.values()

    def items(self) -> Any:
        return self._names.items()


class Job:
    """What a script knows as `snakemake`, and as `flowc`."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.input = data["input"]
        self.output = data["output"]
        self.params = data["params"]
        self.wildcards = data["wildcards"]
        self.threads = data["threads"]
        self.resources = data["resources"]
        self.log = data["log"]
        self.config = data["config"]
        self.rule = data["rule"]
        self.attempt = data["attempt"]
        self.jobid = data["jobid"]
        self.bench_iteration = None
        self.scriptdir = data["directory"]

    def source(self, path: str) -> None:
        """Run another script, whose path is relative to this one's, with the caller's names."""
        file = os.path.join(self.scriptdir, path)
        with open(file, encoding="utf-8") as code:
            exec(compile(code.read(), file, "exec"), sys._getframe(1).f_globals)

    def log_fmt_shell(self, stdout: bool = True, stderr: bool = True, append: bool = False) -> str:
        """A redirection into the log, for a shell command."""
        if not self.log or not (stdout or stderr):
            return ""
        arrow = ">>" if append else ">"
        log = shlex.quote(str(self.log[0]))
        if stdout and stderr:
            return f" {arrow} {log} 2>&1"
        return f" {arrow} {log}" if stdout else f" 2{arrow} {log}"


class _Format(string.Formatter):
    """Lists are joined by blanks; `:q` quotes each item for the shell."""

    def format_field(self, value: Any, spec: str) -> str:
        is_list = isinstance(value, list | tuple | set | frozenset)
        items = list(value) if is_list else [value]
        if spec.endswith("u"):
            spec = spec[:-1]
        if spec.endswith("q"):
            return " ".join(shlex.quote(format(one, spec[:-1])) for one in items)
        return " ".join(format(str(one) if is_list else one, spec) for one in items)


class Shell:
    """`shell("command {input}")`: placeholders are names of the caller."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings

    def executable(self, path: str) -> None:
        self._settings["executable"] = path

    def prefix(self, text: str) -> None:
        self._settings["prefix"] = text

    def suffix(self, text: str) -> None:
        self._settings["suffix"] = text

    def __call__(
        self, command: str, *args: Any, iterable: bool = False, read: bool = False, **more: Any
    ) -> Any:
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        names = {**caller.f_globals, **caller.f_locals} if caller is not None else {}
        text = _Format().vformat(textwrap.dedent(command), args, {**names, **more})
        whole = self._settings["prefix"] + text.strip() + self._settings["suffix"]
        argv = [self._settings["executable"], "-c", whole]
        sys.stdout.flush()
        if iterable or read:
            done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
            return iter(done.stdout.splitlines()) if iterable else done.stdout
        subprocess.run(argv, check=True)
        return None


def decoded(value: Any) -> Any:
    """What JSON has no form for: paths, tuples, sets, lists with names."""
    if isinstance(value, list):
        return [decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if kind == "$record":
        return NamedList(decoded(value[kind][0]), value[kind][1])
    if kind == "$path":
        return Path(value[kind])
    if kind == "$tuple":
        return tuple(decoded(value[kind]))
    if kind == "$set":
        return set(decoded(value[kind]))
    if kind == "$dict":
        return {decoded(k): decoded(v) for k, v in value[kind]}
    return {name: decoded(one) for name, one in value.items()}


def run_code(data: dict[str, Any], job: Job) -> None:
    """The body of a `run:`, with the names of the file around it. It imports from beside that
    file, as in Snakemake, and nothing from beside this one."""
    sys.path[0] = data["directory"]
    names: dict[str, Any] = {"__name__": "__main__", "os": os, "sys": sys, "Path": Path}
    names |= data["names"]
    shell = Shell(data["shell"])
    names |= {"shell": shell, "config": job.config, "snakemake": job, "flowc": job}
    for part in data["preamble"]:
        try:
            exec(compile(part, data["file"], "exec"), names)
        except ImportError as fault:
            if (fault.name or "").partition(".")[0] != "snakemake":  # what it has is here anyway
                raise
    for name in ("input", "output", "params", "wildcards", "threads", "resources", "log", "jobid"):
        names[name] = getattr(job, name)
    names |= {"rule": job.rule, "shell": shell}
    body = textwrap.dedent(data["text"]).strip("\n")
    exec(compile("\n" * (data["line"] - 1) + body, data["file"], "exec"), names)


def run_script(data: dict[str, Any], job: Job) -> None:
    """A Python script. `from snakemake.script import snakemake` works too."""
    path = data["path"]
    sys.argv = [path]
    sys.path[0] = job.scriptdir
    module = types.ModuleType("snakemake.script")
    module.snakemake = job  # type: ignore[attr-defined]
    sys.modules["snakemake.script"] = module
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    names = {"__name__": "__main__", "__file__": path, "__real_file__": path}
    exec(code, {**names, "snakemake": job, "flowc": job})


def main(file: str) -> None:
    with open(file, encoding="ascii") as text:
        data = {name: decoded(value) for name, value in json.load(text).items()}
    job = Job(data)
    if data["language"] == "run":
        run_code(data, job)
    else:
        run_script(data, job)


if __name__ == "__main__":
    main(sys.argv[1])
