"""What stands behind a dot. Attributes are looked up in tables by the type of the value, never in
the value itself: nothing reaches Python's own objects."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from flowc.lang.callables import Bound, Builtin, Foreign
from flowc.lang.faults import choices, near
from flowc.lang.jobfiles import JobFiles
from flowc.lang.limits import RECORDS, Refusal, a_type, type_name
from flowc.lang.values import Namespace

Methods = dict[str, Callable[..., Any]]
"""By name, functions that take the value itself first."""

PATH_FIELDS = frozenset({"name", "stem", "suffix", "suffixes", "parent", "parts", "anchor", "root"})

REGEX_FIELDS: dict[type, tuple[str, ...]] = {
    re.Pattern: ("pattern", "flags"),
    re.Match: ("string", "lastindex", "lastgroup", "pos", "endpos"),
}


class Members:
    """The table of methods, type by type."""

    def __init__(self, tables: dict[type, Methods]) -> None:
        self.tables = tables

    def method(self, value: Any, name: str) -> Callable[..., Any] | None:
        """The method of that name, where no field of the value comes before it."""
        kind = type(value)
        if kind in RECORDS and (name in value.names or name in value.extras):
            return None
        methods = self.tables.get(kind)
        return methods.get(name) if methods is not None else None

    def get(self, value: Any, name: str) -> Any:
        """`value.name`. Raises Refusal."""
        kind = type(value)
        if kind in RECORDS:
            try:
                return value.get_name(name)
            except KeyError:
                pass
        elif kind is Namespace:
            return self._of_namespace(value, name)
        elif kind is JobFiles:
            return value[name]
        elif kind is PurePosixPath and name in PATH_FIELDS:
            return getattr(value, name)  # a fixed set of names
        elif kind is PurePosixPath and name == "parents":
            return list(value.parents)
        elif name in REGEX_FIELDS.get(kind, ()):
            return getattr(value, name)
        elif kind is Builtin and name in value.members:
            return value.members[name]
        elif kind is Builtin and value.kind is not None:
            method = self._of_type(value.kind, name)
            if method is not None:
                return method
        methods = self.tables.get(kind)
        if methods is not None and name in methods:
            return Bound(name, methods[name], value)
        if name == "__name__" and hasattr(value, "type_name") and hasattr(value, "name"):
            return value.name
        raise self._missing(value, name)

    def _of_namespace(self, space: Namespace, name: str) -> Any:
        try:
            return space.members[name]
        except KeyError:
            message = space.missing(name) if space.missing else f"`{space.name}` has no `{name}`"
            from flowc.lang.refusals import instead_of  # only for what is refused

            known = sorted(space.members)
            hint = instead_of(f"{space.name}.{name}") or near(name, known) or choices(known)
            raise Refusal("unknown-attribute", message, hint) from None

    def _of_type(self, kind: type, name: str) -> Builtin | None:
        """`str.upper`: a method that takes its value as the first argument."""
        method = self.tables.get(kind, {}).get(name)
        if method is None:
            return None

        def call(*args: Any, **kwargs: Any) -> Any:
            if not args or not isinstance(args[0], kind):
                raise Refusal(
                    "wrong-type", f"`{kind.__name__}.{name}` needs a {kind.__name__} first"
                )
            return method(*args, **kwargs)

        return Builtin(f"{kind.__name__}.{name}", call)

    def _missing(self, value: Any, name: str) -> Refusal:
        kind = type(value)
        if kind is Foreign:
            refusal: Refusal = value.refusal(name)
            return refusal
        known: list[str] = list(self.tables.get(kind, ()))
        hint = None
        if kind in RECORDS:
            known = [*value.names, *value.extras]
            return Refusal(
                "unknown-attribute",
                f"the {type_name(value)} has no `{name}`",
                near(name, known) or choices(known, "the names are"),
            )
        if kind is dict and name in value:
            hint = f'the items of a dict are taken by `["{name}"]`'
        elif name.startswith("__"):
            hint = "what Python keeps behind two underscores cannot be reached from a workflow file"
        elif kind is PurePosixPath:
            known += PATH_FIELDS
        if isinstance(value, Builtin) and value.kind is not None:
            known = list(self.tables.get(value.kind, ()))
        who = f"`{value.name}`" if isinstance(value, Builtin) else a_type(value)
        return Refusal(
            "unknown-attribute", f"{who} has no attribute `{name}`", hint or near(name, known)
        )
