"""Values as JSON data: how a compiled workflow file carries them. `data` reads them back.

What JSON has is written as it is; the rest as an object whose first key begins with `$`.
A function is its source text with the values of all names that it uses.
"""

import re
from pathlib import PurePosixPath
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.callables import Builtin, Foreign
from flowc.lang.limits import MAX_NESTING, VIEWS, Refusal, a_type
from flowc.lang.values import FLAG_NAMES, FlaggedPath, Namespace, Record, Unpack, Wildcards
from flowc.source import Span

Data = Any
"""What `json.dumps` takes."""


def value_to_data(value: Any, span: Span | None = None) -> Data:
    """JSON data from which `value_from_data` makes the same value. Raises WorkflowError for a
    value that has no such form, at `span`."""
    return Encoder(span).value(value)


class Encoder:
    """Writes one value with all that is in it."""

    def __init__(self, span: Span | None) -> None:
        self.span = span
        self.open: list[Any] = []  # functions being written, outermost first
        self.depth = 0

    def value(self, value: Any) -> Data:
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            return value
        if kind is float:
            # JSON has no infinities
            return value if value - value == 0 else {"$float": repr(value)}
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise fail("too-deep", "a value that holds itself cannot be written", self.span)
        try:
            return self._nested(value, kind)
        finally:
            self.depth -= 1

    def _nested(self, value: Any, kind: type) -> Data:
        encode = self.value
        if kind is list:
            return [encode(item) for item in value]
        if kind is dict:
            if all(type(key) is str and not key.startswith("$") for key in value):
                return {key: encode(item) for key, item in value.items()}
            return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}
        if kind is tuple:
            return {"$tuple": [encode(item) for item in value]}
        if kind is set or kind is frozenset:
            items = sorted((encode(item) for item in value), key=repr)
            return {"$set" if kind is set else "$frozenset": items}
        if kind is range:
            return {"$range": [value.start, value.stop, value.step]}
        if kind is PurePosixPath:
            return {"$path": str(value)}
        if kind is FlaggedPath:
            on = [name for name in FLAG_NAMES if getattr(value.flags, name)]
            return {"$flagged": [str(value), on, value.rule]}
        if kind is Record or kind is Wildcards:
            return {"$record": self._record(value), "wildcards": kind is Wildcards}
        if kind is Unpack:
            return {"$unpack": encode(value.function)}
        if hasattr(kind, "write_to"):
            return self._reference(value)
        if isinstance(value, Builtin):
            return {"$builtin": value.name}
        if kind is Namespace:
            return {"$namespace": value.name}
        if kind is Foreign:
            return {"$foreign": value.name}
        if kind is re.Pattern:
            return {"$regex": [value.pattern, value.flags]}
        if hasattr(value, "__next__"):
            raise fail("no-data-form", "an iterator cannot be written; make it a list", self.span)
        if kind in VIEWS:
            return [encode(item) for item in value]
        raise fail("no-data-form", f"{a_type(value)} cannot be written to a file", self.span)

    def _record(self, record: Record) -> Data:
        names = {
            name: [place.start, place.stop] if isinstance(place, slice) else place
            for name, place in record.names.items()
        }
        return [[self.value(item) for item in record.values], names]

    def _reference(self, function: Any) -> Data:
        for i, other in enumerate(self.open):
            if other is function:
                return {"$outer": i}
        return {"$function": self.function(function)}

    def function(self, function: Any) -> dict[str, Data]:
        self.open.append(function)
        try:
            written: dict[str, Data] = function.write_to(self)
        finally:
            self.open.pop()
        return written

    def members(self, space: Namespace, names: list[str]) -> Data:
        out: dict[str, Data] = {}
        for name in names:
            try:
                value = space.members[name]
                if isinstance(value, Namespace):
                    out[name] = {"$members": self.members(value, list(value.members))}
                else:
                    out[name] = self.value(value)
            except (KeyError, WorkflowError, Refusal):
                continue  # it would be a fault when the function is called, and still is
        return {"name": space.name, "members": out}
