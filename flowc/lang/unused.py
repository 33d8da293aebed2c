"""Names that a workflow file gives to a value and never uses.

The words of all files are counted first: a name that occurs anywhere but where it is given a
value, be it inside of a string, counts as used. That is quick, and a file has to be parsed only if
there is a suspect.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from flowc.diagnostic import Diagnostic
from flowc.source import Source
from flowc.syntax import tree
from flowc.syntax.parse import parse

_WORD = re.compile(r"[^\W\d]\w*")
_COMMENT = re.compile(r"^\s*#.*$", re.M)
_ASSIGNED = r"(?:([^\W\d]\w*)[ \t]*=(?!=)|def[ \t]+(\w+))"
_AT_THE_LEFT = re.compile("^" + _ASSIGNED, re.M)
_ANYWHERE = re.compile(r"^[ \t]*" + _ASSIGNED, re.M)
_BRANCHES = re.compile(r"^(?:if|for)\b", re.M)


def unused_names(sources: Sequence[Source]) -> Iterator[Diagnostic]:
    """A finding for each name at the top level that occurs nowhere else."""
    words: Counter[str] = Counter()
    assigned: Counter[str] = Counter()
    for source in sources:
        words.update(_WORD.findall(_COMMENT.sub("", source.text)))
        assigned.update(_words_given(source.text))
    suspects = {
        name
        for name, count in assigned.items()
        if words[name] == count and not name.startswith("_")
        and name != "config"  # also read by flowc itself
    }  # fmt: skip
    for source in sources:
        if not suspects or suspects.isdisjoint(_words_given(source.text)):
            continue
        for place in _given(parse(source).statements):
            name = place.name if isinstance(place, tree.Var) else place.text
            if name in suspects:
                suspects.remove(name)
                yield _unused(name, place)


def _words_given(text: str) -> Iterator[str]:
    """What looks like such a name: in an `if` or `for`, lines of a rule look alike."""
    pattern = _ANYWHERE if _BRANCHES.search(text) else _AT_THE_LEFT
    return (name or function for name, function in pattern.findall(_COMMENT.sub("", text)))


def _given(statements: Iterable[tree.Statement]) -> Iterator[tree.Var | tree.Name]:
    """The names that statements of the top level give a value to, whatever they depend on; not
    words in a string, or in a rule's body."""
    for statement in statements:
        if isinstance(statement, tree.Assign):
            yield from (target for target in statement.targets if isinstance(target, tree.Var))
        elif isinstance(statement, tree.Def):
            yield statement.name
        elif isinstance(statement, tree.If):
            for _, body in statement.branches:
                yield from _given(body)
            yield from _given(statement.otherwise)
        elif isinstance(statement, tree.For):
            yield from _given(statement.body)


def _unused(name: str, place: tree.Var | tree.Name) -> Diagnostic:
    return Diagnostic(
        "unused-name",
        f"`{name}` is never used",
        place.span,
        hint="a name that begins with `_` may be unused",
        severity="warning",
    )
