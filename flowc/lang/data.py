"""Values and functions read back from the JSON data that `encode` writes."""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flowc.dataclass import replace
from flowc.diagnostic import fail
from flowc.lang.callables import Foreign
from flowc.lang.encode import Data
from flowc.lang.functions import Closure, compile_def, compile_lambda
from flowc.lang.moved import read_moved
from flowc.lang.names import UNSET, Context, Frame, Scope
from flowc.lang.values import FlaggedPath, Namespace, Record, Unpack, Wildcards, flags_named
from flowc.source import Source
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.evaluate import Interpreter


def value_from_data(data: Data, interpreter: "Interpreter", scope: Scope | None = None) -> Any:
    """The value that `value_to_data` wrote. Raises WorkflowError for what it never writes."""
    return Decoder(interpreter, scope or Scope()).value(data)


def function_from_data(data: Mapping[str, Data], interpreter: "Interpreter", scope: Scope) -> Any:
    return Decoder(interpreter, scope).function(data)


class Decoder:
    """`is_made`: whether a checkpoint has told a function of this path."""

    def __init__(
        self,
        interpreter: "Interpreter",
        scope: Scope,
        is_made: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self.interpreter = interpreter
        self.scope = scope
        self.is_made = is_made
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
            "$foreign": Foreign,
            "$regex": lambda made: re.compile(*made),
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
        if kind == "call":
            args = [self.value(value) for value in data["args"]]
            given = {name: self.value(value) for name, value in data["kwargs"].items()}
            return self.interpreter.builtins[data["of"]](*args, **given)
        if kind == "job-file":
            return self.interpreter.builtins[data["of"]][data["key"]]
        if kind == "moved":
            return read_moved(data, self.function, self.is_made)
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
    return FlaggedPath(path, flags_named(on), rule)


def _without_defaults(node: Any) -> Any:
    """The function with every default replaced by None: their values are in the data."""
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
    elif column == 1:
        source = Source(data["file"], "\n" * (line - 1) + text + "\n")
        node = parse(source).statements[0]
    else:  # it was inside something that began above
        above = "\n" * max(0, line - 2) + "if 1:\n"
        source = Source(data["file"], f"{above}{_indent(text, column - 1)}{text}\n")
        node = parse(source).statements[0]
        node = node.branches[0][1][0] if isinstance(node, tree.If) else node
    if not isinstance(node, tree.Lambda | tree.Def):
        raise fail("bad-data", f"this is no function: {text[:60]!r}")
    return node


def _indent(text: str, width: int) -> str:
    """What stands before the function: its body shows whether these are blanks or tabs."""
    for row in text.split("\n")[1:]:
        if row.strip() and not row[:width].strip():
            return row[:width]
    return " " * width
