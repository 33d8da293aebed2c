"""Does a value have the shape that a JSON Schema asks for? For reading files that others made.

`ir.schema.json` is the one description of the format: people read it, tests hold every example
against it, and this module turns it into checks when a file is read. Only the keywords that it
uses are known here; any other is an error, so that none is silently left unchecked.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], None]


class ShapeError(ValueError):
    """The value is of another shape. `path` leads to the guilty place: `jobs[3].rule`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.steps: list[str | int] = []  # from the inside out

    @property
    def path(self) -> str:
        out = ""
        for step in reversed(self.steps):
            if isinstance(step, int):
                out += f"[{step}]"
            else:
                out += f".{step}" if out else step
        return out


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: type(v) is dict,
    "array": lambda v: type(v) is list,
    "string": lambda v: type(v) is str,
    "integer": lambda v: type(v) is int or (type(v) is float and v.is_integer()),
    "number": lambda v: type(v) in (int, float),
    "boolean": lambda v: type(v) is bool,
    "null": lambda v: v is None,
}
_WORDS = {"object": "an object", "array": "an array", "integer": "a whole number", "null": "null"}
_SILENT = {"$schema", "$id", "$defs", "title", "description"}


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """A function that raises ShapeError for a value that does not match `schema`."""
    return _Compiler(schema).compile(schema)


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.named: dict[str, Check] = {}

    def compile(self, schema: Mapping[str, Any]) -> Check:
        checks = [
            check
            for keyword, value in schema.items()
            if keyword not in _SILENT and (check := self._keyword(keyword, value, schema))
        ]
        if len(checks) == 1:
            return checks[0]

        def all_of(value: Any) -> None:
            for check in checks:
                check(value)

        return all_of

    def _keyword(self, keyword: str, value: Any, schema: Mapping[str, Any]) -> Check | None:
        if keyword == "$ref":
            return self._ref(value)
        if keyword == "type":
            return _type(value)
        if keyword in ("const", "enum"):
            return _one_of([value] if keyword == "const" else value)
        if keyword == "minimum":
            return _minimum(value)
        if keyword == "maximum":
            return _maximum(value)
        if keyword == "items":
            return _items(self.compile(value))
        if keyword == "anyOf":
            return self._any_of(value)
        if keyword == "additionalProperties" and "properties" not in schema:
            return _members(self.compile(value))
        if keyword in ("properties", "required"):
            if keyword == "required" and "properties" in schema:
                return None  # done with the properties
            parts = schema.get("properties", {})
            return _object(
                {name: self.compile(part) for name, part in parts.items()},
                schema.get("required", ()),
            )
        raise NotImplementedError(f"schema keyword {keyword!r}")

    def _ref(self, ref: str) -> Check:
        """A definition by name; compiled once, also where it refers to itself."""
        if ref not in self.named:
            self.named[ref] = lambda value: self.named[ref](value)
            self.named[ref] = self.compile(self.root["$defs"][ref.removeprefix("#/$defs/")])
        return self.named[ref]

    def _any_of(self, options: list[Mapping[str, Any]]) -> Check:
        checks = [self.compile(option) for option in options]

        def check(value: Any) -> None:
            deepest: ShapeError | None = None
            for option in checks:
                try:
                    return option(value)
                except ShapeError as fault:
                    if deepest is None or len(fault.steps) >= len(deepest.steps):
                        deepest = fault
            assert deepest is not None
            raise deepest

        return check


def _type(names: str | list[str]) -> Check:
    names = [names] if isinstance(names, str) else names
    tests = [_TYPES[name] for name in names]
    wanted = " or ".join(_WORDS.get(name, f"a {name}") for name in names)
    only = tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def check(value: Any) -> None:
        if not only(value):
            raise ShapeError(f"expected {wanted}, found {_show(value)}")

    return check


def _one_of(allowed: list[Any]) -> Check:
    def check(value: Any) -> None:
        if not any(type(value) is type(a) and value == a for a in allowed):
            wanted = " or ".join(json.dumps(a) for a in allowed)
            raise ShapeError(f"expected {wanted}, found {_show(value)}")

    return check


def _minimum(least: int) -> Check:
    def check(value: Any) -> None:
        if type(value) in (int, float) and value < least:
            raise ShapeError(f"expected {least} or more, found {value}")

    return check


def _maximum(most: int) -> Check:
    def check(value: Any) -> None:
        if type(value) in (int, float) and value > most:
            raise ShapeError(f"expected {most} or less, found {value}")

    return check


def _items(check_item: Check) -> Check:
    def check(value: Any) -> None:
        if type(value) is not list:
            return
        done = 0
        try:
            for item in value:
                check_item(item)
                done += 1
        except ShapeError as fault:
            fault.steps.append(done)
            raise

    return check


def _members(check_member: Check) -> Check:
    def check(value: Any) -> None:
        if type(value) is not dict:
            return
        for name, member in value.items():
            try:
                check_member(member)
            except ShapeError as fault:
                fault.steps.append(name)
                raise

    return check


def _object(parts: dict[str, Check], required: list[str]) -> Check:
    def check(value: Any) -> None:
        if type(value) is not dict:
            return
        for name in required:
            if name not in value:
                raise ShapeError(f"`{name}` is missing")
        for name, check_part in parts.items():
            if name in value:
                try:
                    check_part(value[name])
                except ShapeError as fault:
                    fault.steps.append(name)
                    raise

    return check


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
