"""What a workflow says of paths: flags, `expand`, `multiext`, `glob_wildcards` and the like."""

import posixpath
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from flowc.disk import DIRECTORY_STAMP, Disk
from flowc.lang.callables import Builtin
from flowc.lang.deferred import Lookup, branch, deferrable
from flowc.lang.jobfiles import JobFiles
from flowc.lang.limits import NESTING, Budget, Refusal, a_type
from flowc.lang.members import Members
from flowc.lang.pattern import Pattern
from flowc.lang.values import FLAG_NAMES, FlaggedPath, Flags, Record, Unpack, flags_named, flags_of
from flowc.lang.wildcards import Expander

NOT_YET = "flag from_queue input_or_output limit storage gitlab github"
"""Functions that Snakemake has and flowc has not."""


def path_functions(budget: Budget, disk: Disk, members: Members) -> dict[str, Any]:
    expander = Expander(budget, members)
    table: dict[str, Callable[..., Any]] = {
        "expand": expander,
        "collect": expander,
        "multiext": multiext,
        "glob_wildcards": partial(glob_wildcards, budget, disk),
        "unpack": unpack,
        "exists": lambda path: disk.stat(_path_text(path, "exists")) is not None,
        "branch": branch,
        "lookup": Lookup(budget, members),
        "subpath": deferrable("subpath", subpath),
        "ensure": partial(ensure, budget),
    }
    for flag in FLAG_NAMES:
        if flag not in NOT_YET.split():
            table[flag] = partial(set_flag, budget, flag)
    table["report"] = _report
    found: dict[str, Any] = {name: Builtin(name, call) for name, call in table.items()}
    found.update(input=JobFiles("input"), output=JobFiles("output"))
    for name in NOT_YET.split():
        found[name] = Builtin(name, partial(_not_yet, name))
    return found


def _not_yet(name: str, *args: Any, **kwargs: Any) -> Any:
    raise Refusal("unsupported", f"`{name}` is not supported yet")


def _path_text(path: Any, whose: str) -> str:
    if isinstance(path, str):
        return path
    if isinstance(path, PurePosixPath):
        return str(path)
    raise Refusal("wrong-type", f"`{whose}` takes a path, not {a_type(path)}")


# --- flags ---------------------------------------------------------------------------------------


def set_flag(budget: Budget, flag: str, value: Any) -> Any:
    """`temp(path)` and the like: a path, or all paths of a list."""
    if type(value) in NESTING:
        budget.admit(value)
    return _flagged(budget, value, flag, flags_named([flag]))


def _flagged(budget: Budget, value: Any, flag: str, flags: Flags) -> Any:
    if isinstance(value, str):
        rule = value.rule if isinstance(value, FlaggedPath) else None
        return FlaggedPath(value, flags_of(value) | flags, rule)
    if isinstance(value, PurePosixPath):
        return FlaggedPath(str(value), flags)
    if callable(value):
        raise Refusal(
            "flag-on-function",
            f"`{flag}` takes a path, not a function",
            f"let the function return `{flag}(...)`",
        )
    if type(value) is dict:
        return {name: _flagged(budget, path, flag, flags) for name, path in value.items()}
    if isinstance(value, int | float) or value is None:
        raise Refusal("wrong-type", f"`{flag}` takes a path, not {a_type(value)}")
    if isinstance(value, Record):
        paths = tuple([_flagged(budget, path, flag, flags) for path in value])
        return Record(paths, value.names)
    return [_flagged(budget, path, flag, flags) for path in budget.iterate(value)]


def _report(path: Any, *args: Any, **kwargs: Any) -> Any:
    """`report(path, caption=...)`: what it says is for a report, the path is as it is."""
    return path


CHECKSUMS = ("md5", "sha1", "sha256")


def ensure(budget: Budget, value: Any, non_empty: Any = False, **checksums: Any) -> Any:
    """`ensure(path, non_empty=True, sha256="...")`: checked when the job has ended."""
    checks: list[tuple[str, Any]] = [("non_empty", True)] if non_empty else []
    for name, expected in checksums.items():
        if name not in CHECKSUMS:
            raise Refusal("wrong-arguments", f"`ensure` takes no `{name}`")
        if not isinstance(expected, str) and not callable(expected):
            raise Refusal("wrong-type", f"`{name}` is a text, not {a_type(expected)}")
        checks.append((name, expected))
    return _flagged(budget, value, "ensure", Flags(ensure=tuple(checks)))


def unpack(function: Any) -> Unpack:
    if not callable(function) or isinstance(function, Builtin):
        raise Refusal(
            "wrong-type",
            f"`unpack` takes a function, not {a_type(function)}",
            "a dict is given by `**`, a list by `*`",
        )
    return Unpack(function)


# --- patterns ------------------------------------------------------------------------------------


def multiext(prefix: Any, *extensions: Any, **named: Any) -> Any:
    """`multiext("a/b", ".bam", ".bai")`: one prefix, many extensions; named ones give names."""
    start = _path_text(prefix, "multiext")
    if bool(extensions) == bool(named):
        raise Refusal(
            "wrong-arguments",
            "`multiext` takes extensions with names for all of them, or for none",
        )
    for extension in (*extensions, *named.values()):
        if not isinstance(extension, str):
            raise Refusal("wrong-type", f"an extension is a text, not {a_type(extension)}")
        if "/" in extension:
            raise Refusal("wrong-value", f"the extension `{extension}` has a `/` in it")
    if extensions:
        return [start + extension for extension in extensions]
    return Record(
        tuple([start + extension for extension in named.values()]),
        {name: i for i, name in enumerate(named)},
    )


def glob_wildcards(
    budget: Budget, disk: Disk, pattern: Any, files: Any = None, followlinks: Any = False
) -> Record:
    """The values that the wildcards of `pattern` take in the files there are, sorted by path:
    a list for each wildcard, by position and by name. flowc's own time stamps are left out."""
    text = posixpath.normpath(_path_text(pattern, "glob_wildcards"))
    try:
        compiled = Pattern(text)
    except ValueError as fault:
        raise Refusal("wrong-value", str(fault)) from None
    if files is None:
        top = posixpath.dirname(compiled.prefix if compiled.names else text)
        paths = _paths_below(budget, disk, top)
    else:
        paths = [_path_text(file, "glob_wildcards") for file in budget.listed(files)]
    match = compiled.match
    rows = [row for path in paths if (row := match(path)) is not None]
    columns = [[row[i] for row in rows] for i in range(len(compiled.names))]
    return Record(tuple(columns), {name: i for i, name in enumerate(compiled.names)})


def _paths_below(budget: Budget, disk: Disk, top: str) -> list[str]:
    found: list[str] = []
    for directory, directories, files in disk.walk(top or "."):
        names = files + directories
        if DIRECTORY_STAMP in files:
            names.remove(DIRECTORY_STAMP)
        budget.spend(len(names) + 1)
        at = posixpath.normpath(directory)
        found += names if at == "." else [posixpath.join(at, name) for name in names]
    found.sort()
    return found


# --- choices -------------------------------------------------------------------------------------


def subpath(
    path: Any,
    strip_suffix: Any = None,
    with_suffix: Any = None,
    basename: Any = False,
    parent: Any = False,
    ancestor: Any = None,
) -> str:
    """A part of a path: without its suffix, its last name, a directory above it."""
    text = _path_text(path, "subpath")
    if strip_suffix is not None:
        if not text.endswith(strip_suffix):
            raise Refusal("wrong-value", f"the path `{text}` does not end with `{strip_suffix}`")
        text = text[: len(text) - len(strip_suffix)]
    if with_suffix is not None:
        text += with_suffix
    if (bool(basename) + bool(parent) + (ancestor is not None)) > 1:
        raise Refusal(
            "wrong-arguments", "`subpath` takes one of `basename`, `parent` and `ancestor`"
        )
    if basename:
        return posixpath.basename(text)
    if ancestor is not None and (not isinstance(ancestor, int) or ancestor < 1):
        raise Refusal("wrong-value", "`ancestor` counts from 1")
    for _ in range(min(1 if parent else ancestor or 0, len(text))):
        text = posixpath.dirname(text)
    return text or "."
