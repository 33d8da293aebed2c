"""Statements of Python that a Workflowfile may not hold, and what to write instead."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from flowc.diagnostic import Diagnostic
from flowc.source import Span
from flowc.syntax.tree import Unsupported

STATEMENTS = {
    "class": "keep values in a dict",
    "while": "use `for`, over a list or a `range`",
    "try": "ask beforehand: `key in config`, `config.get(key, default)`, `exists(path)`",
    "with": "functions may read what a checkpoint has made: `with open(path) as file:`, one file; "
    "values of the workflow come from `configfile:`",
    "global": "a function returns its result",
    "nonlocal": "a function returns its result",
    "del": "give the value another name",
    "assert": "`envvars:` and `config[...]` complain by themselves where something is missing",
    "raise": "`envvars:` and `config[...]` complain by themselves where something is missing",
    "yield": "return a list",
    "async": "jobs run at the same time by themselves",
    "await": "jobs run at the same time by themselves",
    "@": "call the function where its result is needed",
    "match": "use `if` and `elif`",
    "exec": "write the statements themselves",
    "print": "`flowc check` shows what is wrong; a command can print with `echo`",
}

KNOWN_MODULES = frozenset({"os", "os.path", "sys", "pathlib", "math", "re", "itertools", "json"})
"""What may be imported, because the language knows it without an import."""

_KNOWN_NAMES = {
    "pathlib": {"Path", "PurePath", "PurePosixPath"},
    "snakemake.io": {
        "ancient",
        "directory",
        "expand",
        "glob_wildcards",
        "multiext",
        "protected",
        "temp",
        "touch",
        "unpack",
    },
    "snakemake.utils": {"min_version"},
    "snakemake.shell": {"shell"},
    "typing": {"Any", "Dict", "List", "Optional", "Set", "Tuple", "Union"},
    "__future__": {"annotations"},
}
"""Names that may be imported from other modules."""

_MODULES_INSTEAD = {
    "collections": "use a dict: `counts[key] = counts.get(key, 0) + 1`",
    "csv": "put the values into a `configfile:`, or read the table in a job",
    "datetime": "a plan must not depend on the time; pass it with `--config`",
    "functools": "write a lambda or a `def`",
    "glob": "use `glob_wildcards`",
    "numpy": "use `math`, `sum`, `min`, `max` and `range`, or compute in a job",
    "pandas": "put the samples into a `configfile:`, or find them with `glob_wildcards`",
    "polars": "put the samples into a `configfile:`, or find them with `glob_wildcards`",
    "random": "a plan must not depend on chance; pass a seed to the command",
    "requests": "fetch files in a rule",
    "shutil": "copy and remove files in a command",
    "subprocess": "run the command in a rule",
    "tempfile": "make temporary files in a command; `temp(...)` removes an output after use",
    "time": "a plan must not depend on the time; pass it with `--config`",
    "urllib": "fetch files in a rule",
    "yaml": "use `configfile:`",
}

_IMPORT = re.compile(r"import\s+(?P<names>.+)", re.DOTALL)
_FROM = re.compile(r"from\s+(?P<module>[\w.]+)\s+import\s+(?P<names>.+)", re.DOTALL)
_NAME = re.compile(r"(?P<name>[\w.]+|\*)(?:\s+as\s+(?P<alias>\w+))?")

Bind = Callable[[str, str, str | None], bool]
"""(module, name in it or "", alias) -> whether there is such a thing, bound from now on."""


def refuse(statement: Unsupported) -> Diagnostic:
    """The fault of a statement that is no import."""
    word = statement.keyword
    what = "a decorator" if word == "@" else f"`{word}`"
    span = statement.span
    return Diagnostic(
        "refused-statement",
        f"{what} is not part of the language: reading a workflow runs no code",
        Span(span.source, span.start, min(span.end, span.start + max(1, len(word)))),
        hint=STATEMENTS.get(word),
    )


def read_import(statement: Unsupported, bind: Bind) -> Iterator[Diagnostic]:
    """Accept an import of what the language knows anyway; yield a fault for each other name."""
    text = re.sub(r"#[^\n]*|\\\n", " ", statement.span.text)
    found = _FROM.match(text)
    if found is not None:
        module = found["module"]
        for name, alias in _names(found["names"]):
            if not _may_import(module, name) or not bind(module, name, alias):
                yield _refused(statement.span, module, name)
        return
    found = _IMPORT.match(text)
    for name, alias in _names(found["names"]) if found is not None else ():
        if name not in KNOWN_MODULES or not bind(name, "", alias):
            yield _refused(statement.span, name, "")


def _names(text: str) -> Iterator[tuple[str, str | None]]:
    for part in text.strip().strip("()").split(","):
        found = _NAME.match(part.strip())
        if found is not None:
            yield found["name"], found["alias"]


def _may_import(module: str, name: str) -> bool:
    return name != "*" and (module in KNOWN_MODULES or name in _KNOWN_NAMES.get(module, ()))


def _refused(span: Span, module: str, name: str) -> Diagnostic:
    what = f"`{name}` of `{module}`" if name and name != "*" else f"`{module}`"
    hint = _MODULES_INSTEAD.get(module.partition(".")[0])
    if module in KNOWN_MODULES or module in _KNOWN_NAMES:
        known: Any = sorted(_KNOWN_NAMES.get(module, ()))
        hint = f"the language knows {', '.join(known)} of it" if known else None
    return Diagnostic(
        "refused-import",
        f"{what} cannot be imported: reading a workflow runs no code",
        span,
        hint=hint or "write what it computes into a `configfile:`, or compute it in a job",
    )
