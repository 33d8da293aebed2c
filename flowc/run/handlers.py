"""`onstart:`, `onsuccess:` and `onerror:`: code around a run, in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

from flowc.lang.workflow import Workflow
from flowc.run import script_runner
from flowc.run.script import encoded
from flowc.run.task import STATE, shell_prefix

_NO_ITEMS: dict[str, Any] = {"$record": [[], {}]}


def call_handler(workflow: Workflow, name: str, log: str) -> int:
    """Run the code of one handler, if there is any; its exit code. What it prints is printed.
    `log` is the path that the code knows by this name: the log of the run."""
    handler = workflow.handlers.get(name)
    if handler is None:
        return 0
    text, script = handler
    data: dict[str, Any] = dict.fromkeys(
        ("input", "output", "params", "wildcards", "resources"), _NO_ITEMS
    )
    shell = {
        "executable": workflow.shell_executable,
        "prefix": shell_prefix(workflow),
        "suffix": workflow.shell_suffix,
    }
    whole = {
        **data,
        "log": log, "language": "run", "text": text, "path": "", "threads": 1,
        "directory": os.path.abspath(script.directory), "file": script.file, "line": script.line,
        "preamble": script.preamble, "names": encoded(dict(script.names)), "rule": name,
        "config": encoded(dict(workflow.config)), "jobid": -1, "attempt": 1, "shell": shell,
    }  # fmt: skip
    os.makedirs(f"{STATE}/scripts", exist_ok=True)
    path = f"{STATE}/scripts/{os.getpid()}-{name}.json"
    with open(path, "w", encoding="ascii") as file:
        json.dump(whole, file)
    try:
        argv = [sys.executable, script_runner.__file__, path]
        return subprocess.run(argv, check=False).returncode
    finally:
        os.unlink(path)
