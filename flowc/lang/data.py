"""Values and functions as JSON data, and back: how a compiled workflow file carries them.

What JSON has is written as it is; the rest as an object with one key that begins with `$`.
A function is its source text with the values of all names that it uses.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.callables import Builtin
from flowc.lang.functions import Closure, cell, compile_def, compile_lambda
from flowc.lang.limits import MAX_NESTING, Refusal, a_type
from flowc.lang.names import UNSET, Context, Frame, Scope
from flowc.lang.values import FLAG_NAMES, FlaggedPath, Flags, Namespace, Record, Unpack, Wildcards
from flowc.lang.wildcards import DeferredExpand
from flowc.source import Source, Span
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.evaluate import Interpreter

Data = Any
"""What `json.dumps` takes."""


def value_to_data(value: Any, span: Span | None = None) -> Data:
    """JSON data from which `value_from_data` makes the same value. Raises WorkflowError for a
    value that has no such form, at `span`."""
    return Encoder(span).value(value)


def function_to_data(function: Closure) -> dict[str, Data]:
    return Encoder(function.span).function(function)


class Encoder:
    """Writes one value with all that is in it."""

    def __init__(self, span: Span | None) -> None:
        self.span = span
        self.open: list[Closure] = []  # functions being written, outermost first
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
        if kind is Closure:
            return self._reference(value)
        if kind is DeferredExpand:
            return {"$function": value.to_data()}
        if isinstance(value, Builtin):
            return {"$builtin": value.name}
        if kind is Namespace:
            return {"$namespace": value.name}
        if hasattr(value, "__next__"):
            raise fail("no-data-form", "an iterator cannot be written; make it a list", self.span)
        if kind in (type({}.keys()), type({}.values()), type({}.items())):
            return [encode(item) for item in value]
        raise fail("no-data-form", f"{a_type(value)} cannot be written to a file", self.span)

    def _record(self, record: Record) -> Data:
        names = {
            name: [place.start, place.stop] if isinstance(place, slice) else place
            for name, place in record.names.items()
        }
        return [[self.value(item) for item in record.values], names]

    def _reference(self, function: Closure) -> Data:
        for i, other in enumerate(self.open):
            if other is function:
                return {"$outer": i}
        return {"$function": self.function(function)}

    def function(self, function: Closure) -> dict[str, Data]:
        code, span = function.code, function.code.span
        line, column = span.source.position(span.start)
        self.open.append(function)
        try:
            captured = {name: self.value(value) for name, value in self._captured(function)}
            spaces = {name: space for name, space in self._spaces(function)}
            defaults = {name: self.value(value) for name, value in function.defaults.items()}
        finally:
            self.open.pop()
        data: dict[str, Data] = {
            "function": "lambda" if isinstance(code.node, tree.Lambda) else "def",
            "text": span.text,
            "file": span.source.name,
            "line": line,
            "column": column,
            "names": captured,
            "defaults": defaults,
        }
        if spaces:
            data["members"] = spaces
        return data

    def _captured(self, function: Closure) -> list[tuple[str, Any]]:
        """The names that the function uses, but built-ins, and their values now."""
        context, scope = function.code.context, function.scope
        found: dict[str, Any] = {}
        for name in sorted(context.globals_used):
            value = _value_in(scope, name)
            if value is not UNSET and (
                not isinstance(value, Namespace) or name in context.whole_used
            ):
                found[name] = value
        for name, (up, slot) in sorted(context.cells_used.items()):
            value = cell(function.frame, up, slot)
            if value is not UNSET:
                found[name] = value
        return list(found.items())

    def _spaces(self, function: Closure) -> list[tuple[str, Data]]:
        """Of namespaces such as `rules`, the members that the function uses."""
        context, scope = function.code.context, function.scope
        found: list[tuple[str, Data]] = []
        for name, members in sorted(context.members_used.items()):
            space = _value_in(scope, name) if name in context.globals_used else UNSET
            if isinstance(space, Namespace) and name not in context.whole_used:
                found.append((name, self._members(space, sorted(members))))
        return found

    def _members(self, space: Namespace, names: list[str]) -> Data:
        out: dict[str, Data] = {}
        for name in names:
            try:
                value = space.members[name]
                if isinstance(value, Namespace):
                    out[name] = {"$members": self._members(value, list(value.members))}
                else:
                    out[name] = self.value(value)
            except (KeyError, WorkflowError, Refusal):
                continue  # it would be a fault when the function is called, and still is
        return {"name": space.name, "members": out}


def _value_in(scope: Scope, name: str) -> Any:
    try:
        return scope.get(name)
    except KeyError:
        return UNSET


# --- reading -------------------------------------------------------------------------------------


def value_from_data(data: Data, interpreter: "Interpreter", scope: Scope | None = None) -> Any:
    """The value that `value_to_data` wrote. Raises WorkflowError for what it never writes."""
    return Decoder(interpreter, scope or Scope()).value(data)


def function_from_data(data: Mapping[str, Data], interpreter: "Interpreter", scope: Scope) -> Any:
    return Decoder(interpreter, scope).function(data)


class Decoder:
    def __init__(self, interpreter: "Interpreter", scope: Scope) -> None:
        self.interpreter = interpreter
        self.scope = scope
        self.open: list[Closure] = []
        self.tagged: dict[str, Callable[[Any], Any]] = {
            "$float": float,
            "$dict": lambda pairs: {self.value(key): self.value(item) for key, item in pairs},
            "$tuple": lambda items: tuple([self.value(item) for item in items]),
            "$set": lambda items: {self.value(item) for item in items},
            "$frozenset": lambda items: frozenset([self.value(item) for item in items]),
            "$range": lambda ends: range(*ends),
            "$path": PurePosixPath,
            "$flagged": _flagged,
            "$unpack": lambda function: Unpack(self.value(function)),
            "$function": self.function,
            "$outer": lambda number: self.open[number],
            "$builtin": self._builtin,
            "$namespace": self._namespace,
            "$members": self._members,
        }

    def value(self, data: Data) -> Any:
        if type(data) is list:
            return [self.value(item) for item in data]
        if type(data) is not dict:
            return data
        tag = next(iter(data), "")
        if not tag.startswith("$"):
            return {key: self.value(item) for key, item in data.items()}
        try:
            if tag == "$record":
                return self._record(data[tag], Wildcards if data.get("wildcards") else Record)
            return self.tagged[tag](data[tag])
        except (KeyError, TypeError, ValueError, IndexError) as fault:
            raise fail("bad-data", f"`{tag}` cannot be read: {fault}") from None

    def _record(self, data: Data, kind: type[Record]) -> Record:
        values, names = data
        return kind(
            tuple([self.value(item) for item in values]),
            {n: slice(*place) if type(place) is list else place for n, place in names.items()},
        )

    def _builtin(self, name: str) -> Any:
        first, *rest = name.split(".")
        found = self.interpreter.builtins[first]
        for part in rest:
            found = self.interpreter.members.get(found, part)
        return found

    def _namespace(self, name: str) -> Any:
        return self._builtin(name)

    def _members(self, data: Data) -> Namespace:
        return Namespace(
            data["name"], {name: self.value(item) for name, item in data["members"].items()}
        )

    def function(self, data: Mapping[str, Data]) -> Any:
        kind = data["function"]
        if kind == "expand":
            return self._expand(data)
        names = Scope(parent=self.scope)
        node = _parse_again(data, kind)
        context = Context()
        compiler = self.interpreter.compiler
        if isinstance(node, tree.Lambda):
            make = compile_lambda(compiler, _without_defaults(node), context)
        else:
            make = compile_def(compiler, _without_defaults(node), context)
        frame: Frame = [names, None, *[UNSET] * context.size]
        function: Closure = make(frame)
        self.open.append(function)
        try:
            for name, value in data["names"].items():
                names.names[name] = self.value(value)
            for name, space in data.get("members", {}).items():
                names.names[name] = self._members(space)
            function.defaults = {
                name: self.value(value) for name, value in data["defaults"].items()
            }
        finally:
            self.open.pop()
        return function

    def _expand(self, data: Mapping[str, Data]) -> Any:
        combine = data["combine"]
        return self.interpreter.builtins["expand"](
            self.value(data["patterns"]),
            None if combine is None else self._builtin(combine),
            allow_missing=data["allow_missing"],
            **{name: self.value(value) for name, value in data["values"].items()},
        )


def _flagged(data: Data) -> FlaggedPath:
    path, on, rule = data
    return FlaggedPath(path, Flags(**dict.fromkeys(on, True)), rule)


def _without_defaults(node: Any) -> Any:
    """The function with every default replaced by None: their values are in the data."""
    from dataclasses import replace

    parameters = tuple(
        replace(p, default=tree.Literal(None, p.span)) if p.default is not None else p
        for p in node.parameters
    )
    return replace(node, parameters=parameters)


def _parse_again(data: Mapping[str, Data], kind: str) -> tree.Lambda | tree.Def:
    """The function's tree. Its text is put where it stood, so that messages show that line."""
    from flowc.syntax.parse import parse, parse_expression  # a compiled workflow needs no parser

    line, column, text = data["line"], data["column"], data["text"]
    if kind == "lambda":
        padding = "\n" * (line - 1) + " " * max(0, column - 2) + "("
        source = Source(data["file"], f"{padding}{text})")
        start = len(padding)
        node: Any = parse_expression(source, start, start + len(text))
    else:
        source = Source(data["file"], "\n" * (line - 1) + _dedented(text, column - 1) + "\n")
        node = parse(source).statements[0]
    if not isinstance(node, tree.Lambda | tree.Def):
        raise fail("bad-data", f"this is no function: {text[:60]!r}")
    return node


def _dedented(text: str, width: int) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first] + [row[width:] if not row[:width].strip() else row for row in rest])
