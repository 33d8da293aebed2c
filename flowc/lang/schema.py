"""`validate(config, "schema.yaml")`: whether a dict is as a JSON schema says, and the defaults of
the schema for what it lacks. The words of JSON Schema that config files are described with; others
say nothing here."""

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowc.lang.config import load_config_file
from flowc.lang.faults import short
from flowc.lang.limits import Budget, Refusal, a_type
from flowc.lang.settings import is_number

_DEEPEST = 100
_MOST_SHOWN = 5

Search = Callable[[str, str], Any]
"""`re.search`, bounded."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: is_number(value),
    "integer": lambda value: is_number(value) and value == value // 1,
}

_BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("minimum", lambda value, bound: value >= bound, "less than {}"),
    ("maximum", lambda value, bound: value <= bound, "more than {}"),
    ("exclusiveMinimum", lambda value, bound: value > bound, "not more than {}"),
    ("exclusiveMaximum", lambda value, bound: value < bound, "not less than {}"),
    ("multipleOf", lambda value, bound: value % bound == 0, "no multiple of {}"),
)
_SIZES = (
    ("minLength", "maxLength", str, "characters"),
    ("minItems", "maxItems", list, "items"),
    ("minProperties", "maxProperties", dict, "names"),
)


def validate(budget: Budget, search: Search, path: str, data: Any, set_default: Any) -> None:
    """Raises Refusal with what is wrong. `path` is that of the schema."""
    if type(data) is not dict:
        raise Refusal("wrong-type", f"`validate` takes a dict such as `config`, not {a_type(data)}")
    checker = _Checker(budget, search, bool(set_default))
    try:
        faults = list(dict.fromkeys(checker.faults(data, checker.file(path), path, "config")))
    except RecursionError:
        raise Refusal("too-deep", f"`{path}` is nested too deeply, or refers to itself") from None
    if faults:
        more = f", and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        shown = "; ".join(faults[:_MOST_SHOWN])
        raise Refusal("bad-config", f"the config does not fit `{path}`: {shown}{more}")


class _Checker:
    """One validation: the files of the schema that were read, and what it costs."""

    def __init__(self, budget: Budget, search: Search, set_default: bool) -> None:
        self.budget = budget
        self.search = search
        self.set_default = set_default
        self.files: dict[str, Any] = {}
        self.depth = 0

    def file(self, path: str) -> Any:
        if path not in self.files:
            self.files[path] = load_config_file(path)
        return self.files[path]

    def faults(self, value: Any, schema: Any, file: str, place: str) -> Iterator[str]:
        """What is wrong with `value`, each in one phrase. `file` holds the schema."""
        self.budget.spend(8)
        if schema is False:
            yield f"`{place}` may not be there"
        if not isinstance(schema, dict):
            return
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RecursionError
        try:
            if "$ref" in schema:
                target, inside = self._referred(str(schema["$ref"]), file)
                yield from self.faults(value, target, inside, place)
            yield from self._of_value(value, schema, place)
            if isinstance(value, dict):
                yield from self._of_names(value, schema, file, place)
            elif isinstance(value, list):
                yield from self._of_items(value, schema, file, place)
            yield from self._of_choices(value, schema, file, place)
        finally:
            self.depth -= 1

    def _referred(self, ref: str, file: str) -> tuple[Any, str]:
        """`#/definitions/a`, `other.yaml` or `other.yaml#/a`: the schema, and where it stands."""
        path, _, inside = ref.partition("#")
        if "://" in path:
            raise Refusal("remote-include", f"`{path}` is not on this machine, and is not fetched")
        if path:
            file = os.path.normpath(os.path.join(os.path.dirname(file), path))
        found = self.file(file)
        for step in inside.strip("/").split("/") if inside.strip("/") else ():
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or step not in found:
                raise Refusal("bad-config-file", f"`{ref}` names nothing in `{file}`")
            found = found[step]
        return found, file

    def _of_value(self, value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if kinds and not any(_TYPES.get(str(kind), _anything)(value) for kind in kinds):
            names = " or ".join(map(str, kinds))
            yield f"`{place}` is {short(value)}, not of type {names}"
        if "enum" in schema and value not in schema["enum"]:
            choices = ", ".join(short(one) for one in schema["enum"][:12])
            yield f"`{place}` is {short(value)}, not one of {choices}"
        if "const" in schema and value != schema["const"]:
            yield f"`{place}` is {short(value)}, not {short(schema['const'])}"
        if is_number(value):
            for word, fits, text in _BOUNDS:
                if word in schema and not fits(value, schema[word]):
                    yield f"`{place}` is {value}, {text.format(schema[word])}"
        for least, most, kind, what in _SIZES:
            if isinstance(value, kind):
                if least in schema and len(value) < schema[least]:
                    yield f"`{place}` has less than {schema[least]} {what}"
                if most in schema and len(value) > schema[most]:
                    yield f"`{place}` has more than {schema[most]} {what}"
        pattern = str(schema["pattern"]) if "pattern" in schema else ""
        if isinstance(value, str) and not self.search(pattern, value):
            yield f"`{place}` is {short(value)}, which `{pattern}` does not match"

    def _of_names(
        self, value: dict[Any, Any], schema: Mapping[str, Any], file: str, place: str
    ) -> Iterator[str]:
        known = schema.get("properties") or {}
        if self.set_default:
            for name, inner in known.items():
                if isinstance(inner, dict) and "default" in inner:
                    value.setdefault(name, copy.deepcopy(inner["default"]))
        for name in schema.get("required", ()):
            if name not in value:
                yield f"`{place}` has no `{name}`"
        patterns = schema.get("patternProperties") or {}
        others = schema.get("additionalProperties", True)
        for name in list(value):
            inside = f'{place}["{name}"]'
            matching = [p for p in patterns if self.search(str(p), str(name))]
            if name in known:
                yield from self.faults(value[name], known[name], file, inside)
            for pattern in matching:
                yield from self.faults(value[name], patterns[pattern], file, inside)
            if name not in known and not matching:
                if others is False:
                    yield f"`{place}` may have no `{name}`"
                else:
                    yield from self.faults(value[name], others, file, inside)

    def _of_items(
        self, value: list[Any], schema: Mapping[str, Any], file: str, place: str
    ) -> Iterator[str]:
        first = schema.get("prefixItems", ())
        for i, item in enumerate(value):
            inner = first[i] if i < len(first) else schema.get("items", True)
            yield from self.faults(item, inner, file, f"{place}[{i}]")
        if schema.get("uniqueItems") and any(item in value[:i] for i, item in enumerate(value)):
            yield f"`{place}` has an item twice"

    def _of_choices(
        self, value: Any, schema: Mapping[str, Any], file: str, place: str
    ) -> Iterator[str]:
        for inner in schema.get("allOf", ()):
            yield from self.faults(value, inner, file, place)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                found = [list(self.faults(value, one, file, place)) for one in schema[word]]
                fitting = sum(not faults for faults in found)
                if not fitting:
                    yield f"`{place}` is {short(value)}, which fits none of the forms it may have"
                elif word == "oneOf" and fitting > 1:
                    yield f"`{place}` fits several forms of which it may have one"
        if "not" in schema and not list(self.faults(value, schema["not"], file, place)):
            yield f"`{place}` is {short(value)}, which it may not be"
        if "if" in schema:
            holds = not list(self.faults(value, schema["if"], file, place))
            branch = schema.get("then" if holds else "else", True)
            yield from self.faults(value, branch, file, place)


def _anything(value: Any) -> bool:
    return True
