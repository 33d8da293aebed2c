"""`import`: what the language knows is bound as it is; any other name as a `Foreign`, which the
code of jobs may use, and reading a workflow may not."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flowc.diagnostic import Diagnostic
from flowc.lang.callables import Foreign
from flowc.lang.values import Namespace
from flowc.syntax.tree import Unsupported

_THERE = {
    "pprint": {"pprint"},
    "snakemake": {"shell"},
    "snakemake.common": {"WorkflowError"},
    "snakemake.exceptions": {"WorkflowError"},
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
    "snakemake.logging": {"logger"},
    "snakemake.shell": {"shell"},
    "snakemake.utils": {"min_version", "validate"},
    "snakemake.workflow": {"WorkflowError"},
    "snakemake_interface_common.exceptions": {"WorkflowError"},
}
"""Names that are there without an import, and where Python and Snakemake have them."""

_IMPORT = re.compile(r"import\s+(?P<names>.+)", re.DOTALL)
_FROM = re.compile(r"from\s+(?P<module>[\w.]+)\s+import\s+(?P<names>.+)", re.DOTALL)
_NAME = re.compile(r"(?P<name>[\w.]+|\*)(?:\s+as\s+(?P<alias>\w+))?")


class Import(NamedTuple):
    """`import module as alias`, or `from module import name as alias`."""

    module: str
    name: str  # "" for the module itself
    alias: str | None

    @property
    def bound(self) -> str:
        """The name that it gives a value."""
        return self.alias or self.name or self.module.partition(".")[0]


def imported(text: str) -> Iterator[Import]:
    """What a statement imports, one by one."""
    text = re.sub(r"#[^\n]*|\\\r?\n", " ", text)
    if found := _FROM.match(text):
        for name, alias in _names(found["names"]):
            yield Import(found["module"], name, alias)
    elif found := _IMPORT.match(text):
        for name, alias in _names(found["names"]):
            yield Import(name, "", alias)


def _names(text: str) -> Iterator[tuple[str, str | None]]:
    for part in text.strip().strip("()").split(","):
        found = _NAME.match(part.strip())
        if found is not None:
            yield found["name"], found["alias"]


def value_of(each: Import, known: Mapping[str, Any], find: Callable[[str], Any]) -> Any:
    """What an import binds. `known` are the built-ins; `find` looks a name up in the file,
    and raises KeyError."""
    name = each.name
    if not name:
        module = each.module if each.alias is not None else each.module.partition(".")[0]
        found = _module(known, module)
        return Foreign(module) if found is None else found
    if name in _THERE.get(each.module, ()):
        try:
            return find(name)
        except KeyError:
            return known.get(name) or Foreign(f"{each.module}.{name}")
    space = _module(known, each.module)
    found = space.members.get(name) if space is not None else None
    return Foreign(f"{each.module}.{name}") if found is None else found


def _module(known: Mapping[str, Any], module: str) -> Namespace | None:
    first, *rest = module.split(".")
    found = known.get(first)
    for step in rest:
        found = found.members.get(step) if isinstance(found, Namespace) else None
    return found if isinstance(found, Namespace) else None


def all_of(module: str, known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What `from module import *` binds; None for a module that the language does not know."""
    space = _module(known, module)
    return None if space is None else space.members


def of_unknown_names(statement: Unsupported, known: Mapping[str, Any]) -> Diagnostic | None:
    """The fault of `from module import *` where nobody knows what it gives a value to."""
    for each in imported(statement.span.text):
        if each.name == "*" and all_of(each.module, known) is None:
            return Diagnostic(
                "refused-import",
                f"what `{each.module}` holds is not known: reading a workflow runs no code",
                statement.span,
                hint="import each name that is used, by name",
            )
    return None
