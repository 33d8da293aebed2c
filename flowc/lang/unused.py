"""Names that a workflow file gives to a value and never uses.

The words of all files are counted first: a name that occurs again anywhere, be it inside of a
string, counts as used. That is quick, and a file has to be parsed only if there is a suspect.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from flowc.diagnostic import Diagnostic
from flowc.source import Source
from flowc.syntax import tree
from flowc.syntax.parse import parse

_WORD = re.compile(r"[^\W\d]\w*")
_COMMENT = re.compile(r"^\s*#.*$", re.M)
_ASSIGNED = re.compile(r"^(?P<name>[^\W\d]\w*)[ \t]*=(?!=)|^def[ \t]+(?P<def>\w+)", re.M)


def unused_names(sources: Sequence[Source]) -> Iterator[Diagnostic]:
    """A finding for each name at the top level that occurs nowhere else."""
    words: Counter[str] = Counter()
    for source in sources:
        words.update(_WORD.findall(_COMMENT.sub("", source.text)))
    for source in sources:
        suspects = {
            name
            for found in _ASSIGNED.finditer(source.text)
            if words[name := found["name"] or found["def"]] == 1
            and not name.startswith("_")
            and name != "config"  # also read by flowc itself
        }
        if suspects:
            yield from _confirmed(source, suspects)


def _confirmed(source: Source, suspects: set[str]) -> Iterator[Diagnostic]:
    """Those that really are names of the top level, not words in a string or a rule's body."""
    for statement in parse(source).statements:
        if isinstance(statement, tree.Assign):
            for target in statement.targets:
                if isinstance(target, tree.Var) and target.name in suspects:
                    yield _unused(target.name, target)
        elif isinstance(statement, tree.Def) and statement.name.text in suspects:
            yield _unused(statement.name.text, statement.name)


def _unused(name: str, place: tree.Var | tree.Name) -> Diagnostic:
    return Diagnostic(
        "unused-name",
        f"`{name}` is never used",
        place.span,
        hint="a name that begins with `_` may be unused",
        severity="warning",
    )
