"""Names: where they live while a file runs (`Scope`), and where a compiled expression finds them.

A frame is a list: the scope of the file, the frame around, then one slot per local name. Names of
functions and comprehensions are resolved to slots when they are compiled; all others are looked up
in the scope by name.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import Diagnostic
from flowc.syntax import tree

Frame = list[Any]
Run = Callable[[Frame], Any]
"""Compiled code: give it a frame, it gives the value."""

SCOPE, AROUND, FIRST_SLOT = 0, 1, 2


class Unset:
    """What a slot holds before its name is assigned."""


UNSET = Unset()


class Scope:
    """Names and their values, and the scope around in which names that are not here are sought."""

    __slots__ = ("names", "parent", "poisoned")

    def __init__(
        self, names: Mapping[str, Any] | None = None, parent: "Scope | None" = None
    ) -> None:
        self.names: dict[str, Any] = dict(names or {})
        self.parent = parent
        self.poisoned: set[str] = set()

    def get(self, name: str) -> Any:
        """The value of a name, here or around. Raises KeyError."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        raise KeyError(name)

    def find(self, name: str) -> Any:
        """The value of a name, or UNSET."""
        try:
            return self.get(name)
        except KeyError:
            return UNSET

    def __contains__(self, name: str) -> bool:
        return name in self.names or (self.parent is not None and name in self.parent)

    def poison(self, names: Iterable[str]) -> None:
        """These names have no value for a fault that is reported already: using one is silent."""
        for name in names:
            self.names.pop(name, None)
            self.poisoned.add(name)

    def is_poisoned(self, name: str) -> bool:
        if name in self.names:
            return False
        return name in self.poisoned or (self.parent is not None and self.parent.is_poisoned(name))

    def all_names(self) -> list[str]:
        return [*self.names, *(self.parent.all_names() if self.parent else ())]


@dataclass(slots=True)
class Context:
    """What is known of names while one function (or one expression of the file) is compiled."""

    parent: "Context | None" = None
    is_function: bool = False
    slots: dict[str, int] = field(default_factory=dict)
    always_set: set[int] = field(default_factory=set)  # parameters and loop names
    blocks: list[dict[str, int]] = field(default_factory=list)  # of comprehensions, innermost last
    size: int = FIRST_SLOT
    depth: int = 0  # nesting of the expression being compiled
    globals_used: set[str] = field(default_factory=set)
    members_used: dict[str, set[str]] = field(default_factory=dict)  # `rules.a`: rules -> {a}
    whole_used: set[str] = field(default_factory=set)  # globals used other than by a member
    cells_used: dict[str, tuple[int, int]] = field(default_factory=dict)  # name -> (up, slot)
    refused: list[Diagnostic] = field(default_factory=list)  # statements of the function
    makes_functions: bool = False  # a lambda or generator was compiled: it keeps the frame

    def new_slot(self) -> int:
        self.size += 1
        return self.size - 1

    def declare(self, name: str) -> int:
        if name not in self.slots:
            self.slots[name] = self.new_slot()
        return self.slots[name]

    def own(self, name: str) -> int | None:
        for block in reversed(self.blocks):
            if name in block:
                return block[name]
        return self.slots.get(name)

    def resolve(self, name: str) -> tuple[int, int] | None:
        """(how many frames up, slot), or None for a name of the file."""
        up = 0
        context: Context | None = self
        while context is not None:
            slot = context.own(name)
            if slot is not None:
                return up, slot
            context, up = context.parent, up + 1
        return None


def assigned(statements: Iterable[tree.Statement]) -> list[str]:
    """All names that these statements may assign, each once, in order."""
    found: dict[str, None] = {}
    for statement in statements:
        match statement:
            case tree.Assign(targets=targets):
                for target in targets:
                    found.update(dict.fromkeys(target_names(target)))
            case tree.For(target=target, body=body):
                found.update(dict.fromkeys([*target_names(target), *assigned(body)]))
            case tree.If(branches=branches, otherwise=otherwise):
                for _, body in branches:
                    found.update(dict.fromkeys(assigned(body)))
                found.update(dict.fromkeys(assigned(otherwise)))
            case tree.Def(name=name):
                found[name.text] = None
            case tree.Unsupported():
                found.update(dict.fromkeys(_assigned_within(statement)))
    return list(found)


def _assigned_within(statement: tree.Unsupported) -> Iterator[str]:
    """Of an import, the names that it binds; of what is refused, those that it seems to assign."""
    if statement.keyword in ("import", "from"):
        from flowc.lang.imports import imported  # most workflows import nothing

        return (each.bound for each in imported(statement.span.text))
    return (found[1] or found[2] for found in _ASSIGNS.finditer(statement.span.text))


_ASSIGNS = re.compile(r"^[ \t]*(?:(?:class|def)[ \t]+(\w+)|([^\W\d]\w*)[ \t]*=(?!=))", re.MULTILINE)


def target_names(target: tree.Target) -> list[str]:
    """The names that an assignment to this target binds."""
    if isinstance(target, tree.Var):
        return [target.name]
    if isinstance(target, tree.Starred):
        return target_names(target.value)
    if isinstance(target, tree.Sequence):
        return [name for item in target.items for name in target_names(item)]
    return []
