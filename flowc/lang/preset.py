"""What a Workflowfile finds before its first statement: `config`, `rules`, `workflow`, `shell`."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flowc.lang.callables import Builtin
from flowc.lang.evaluate import Interpreter
from flowc.lang.limits import Refusal, a_type
from flowc.lang.rules import Repeat
from flowc.lang.values import Namespace


class ShellSettings:
    """What `shell.executable(...)` and `shell.prefix(...)` have said."""

    def __init__(self) -> None:
        self.executable = "bash"
        self.prefix = "set -euo pipefail; "
        self.suffix = ""

    def set_executable(self, path: Any) -> None:
        self.executable = _text("executable", path)

    def set_prefix(self, text: Any) -> None:
        self.prefix = _text("prefix", text)

    def set_suffix(self, text: Any) -> None:
        self.suffix = _text("suffix", text)

    def namespace(self) -> Namespace:
        return Namespace(
            "shell",
            {
                "executable": Builtin("shell.executable", self.set_executable),
                "prefix": Builtin("shell.prefix", self.set_prefix),
                "suffix": Builtin("shell.suffix", self.set_suffix),
            },
        )


def preset(
    path: str,
    config: dict[str, Any],
    rules: Mapping[str, Namespace],
    shell: ShellSettings,
    cores: int | None,
    scatter: Mapping[str, Any],
    source_path: Callable[[Any], str],
    checkpoints: Namespace,
    interpreter: Interpreter,
) -> dict[str, Any]:
    """The names of a workflow whose main file is `path`."""
    main = os.path.abspath(path)
    workflow = {
        "basedir": os.path.dirname(main),
        "snakefile": main,
        "main_snakefile": main,
        "cores": cores if cores is not None else len(os.sched_getaffinity(0)),
        "source_path": Builtin("workflow.source_path", source_path),
    }
    return {
        "config": config,
        "rules": Namespace("rules", rules, _no_rule),
        "workflow": Namespace("workflow", workflow),
        "shell": shell.namespace(),
        "checkpoints": checkpoints,
        "repeat": Builtin("repeat", _repeat),
        "srcdir": Builtin("srcdir", source_path),  # as Snakemake called it before
        "min_version": Builtin("min_version", lambda version: None),  # Snakemake's
        "validate": Builtin("validate", _validator(interpreter, source_path)),
        "scatter": Namespace("scatter", scatter, _no_scatter),
        "gather": Namespace("gather", scatter, _no_scatter),
    }


def _validator(interpreter: Interpreter, source_path: Callable[[Any], str]) -> Callable[..., None]:
    """`validate(config, "schema.yaml")`, of Snakemake's utilities."""

    def call(data: Any, schema: Any, set_default: Any = True) -> None:
        from flowc.lang.schema import validate  # few workflows have a schema

        search = interpreter.builtins["re"].members["search"]
        path = os.path.relpath(source_path(schema))
        validate(interpreter.budget, search, path, data, set_default)

    return call


def _text(setting: str, value: Any) -> str:
    if not isinstance(value, str) or (not value and setting == "executable"):
        raise Refusal("wrong-type", f"`shell.{setting}` takes a text, not {a_type(value)}")
    return value


def _repeat(path: Any, count: Any) -> Repeat:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1_000_000:
        raise Refusal("wrong-value", "`repeat` takes a path and a whole number from 1 on")
    return Repeat(path, count)


def _no_rule(name: str) -> str:
    return f"there is no rule `{name}` above"


def _no_scatter(name: str) -> str:
    return f"no `scattergather:` above declares `{name}`"
