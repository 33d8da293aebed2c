"""Actions that are code: `run:` and `script:`. Nothing of them is executed here; what a job's own
process will need is gathered: the text, the names that it uses, and their values."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from flowc.dataclass import dataclass, field
from flowc.syntax import tree

LANGUAGES = {
    ".py": "python",
    ".R": "R",
    ".r": "R",
    ".sh": "bash",
    ".bash": "bash",
}
"""By the end of a script's name."""

_WORD = re.compile(r"[^\W\d]\w*")
_IMPORTS = re.compile(r"(?:import|from)\b")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Script:
    """The action of a rule that is no shell command. The rule's `command` is the code of a `run:`,
    or the path of the script, relative to `directory`."""

    language: str  # "run", or a value of LANGUAGES
    directory: str  # that of the file that names the script
    file: str = ""  # where a `run:` stands, for tracebacks
    line: int = 1
    preamble: tuple[str, ...] = ()  # imports and functions of the file, for `run:`
    names: Mapping[str, Any] = field(default_factory=dict)  # plain values of the file, likewise


def language_of(path: str) -> str | None:
    """The language of a script by its name; None for one that flowc does not know."""
    return next((known for end, known in LANGUAGES.items() if path.endswith(end)), None)


def used_names(texts: Iterable[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """Of a file's names those that the texts mention, if their values are plain data."""
    words = {word for text in texts for word in _WORD.findall(text)}
    return {n: v for n, v in names.items() if n in words and is_plain(v)}


def needed(text: str, preamble: Sequence[str]) -> tuple[str, ...]:
    """Of a file's imports and functions those that a text needs, also by way of one another."""
    missing = {i: _bound(part) for i, part in enumerate(preamble)}
    found: set[int] = set()
    pending = [text]
    while pending:
        words = set(_WORD.findall(pending.pop()))
        for i, names in list(missing.items()):
            if not names or names & words:
                found.add(i)
                del missing[i]
                pending.append(preamble[i])
    return tuple(part for i, part in enumerate(preamble) if i in found)


def makes_function(statement: tree.Statement) -> bool:
    """Whether it is a `def`, or `name = lambda ...`."""
    is_lambda = isinstance(statement, tree.Assign) and isinstance(statement.value, tree.Lambda)
    return is_lambda or isinstance(statement, tree.Def)


def _bound(statement: str) -> set[str]:
    """The names that a part of the preamble gives a value to; none for unknown ones."""
    if statement.startswith("def"):
        return set(_WORD.findall(statement.partition("(")[0]))
    if not _IMPORTS.match(statement):  # `name = lambda ...`
        return set(_WORD.findall(statement.partition("=")[0]))
    from flowc.lang.imports import imported  # most workflows import nothing

    return {each.bound for each in imported(statement)} - {"*"}


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value is text, numbers, paths, and lists and dicts of these."""
    if value is None or isinstance(value, str | int | float | PurePath):
        return True
    if depth > _DEEPEST:
        return False
    if isinstance(value, list | tuple | set):
        return all(is_plain(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return all(is_plain(one, depth + 1) for pair in value.items() for one in pair)
    return False
