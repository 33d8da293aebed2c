"""`checkpoints.NAME.get(sample="a")`: what a checkpoint has made, for input functions.

Until a checkpoint's job is known to be done, asking for it is noted, and what the function then
returns is not used: the graph leaves its job for later. The function goes on all the same, with the
paths as they will be, so that it can ask for all that it needs in one go.

What a function has read decides what its job reads: so it is an input of the job itself, though not
one of the items of `input`.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flowc.lang.callables import Builtin
from flowc.lang.items import without_constraints
from flowc.lang.limits import MAX_TEXT, Budget, Refusal, a_type, too_large
from flowc.lang.members import Members
from flowc.lang.pattern import Pattern
from flowc.lang.values import FlaggedPath, Namespace, Record
from flowc.lang.workflow import Item

Outputs = Callable[[str], tuple[str, Sequence[Item]] | None]
"""The name that a checkpoint has in the workflow, which a module may know by another, and its
outputs; None where there is no such checkpoint."""


class Checkpoints:
    """Which checkpoints are done, and which have been asked for."""

    def __init__(self) -> None:
        self.done: set[str] = set()  # the first output of each job
        self.asked: list[str] = []  # of those that are not done, since this was last emptied
        self.outputs: set[str] = set()  # all that functions have been told of: these may be read
        self.opened: dict[str, None] = {}  # files that were read, since this was last emptied
        self._to_come: dict[str, str] = {}  # of these, what is not made yet: by what checkpoint
        self._guessed: set[str] = set()  # checkpoints of which a file to come was read as empty

    def get(self, name: str, items: Sequence[Item], wildcards: Mapping[str, Any]) -> Namespace:
        """What `checkpoints.NAME.get(...)` returns."""
        values = {key: str(value) for key, value in wildcards.items()}
        paths: list[str] = []
        names: dict[str, int | slice] = {}
        for item in items:
            at = len(paths)
            for text in item.files:
                try:
                    paths.append(Pattern(without_constraints(text)).fill(values))
                except KeyError as missing:
                    raise Refusal(
                        "missing-wildcard",
                        f"checkpoint `{name}` has a wildcard {missing}, which is not given",
                        f"write `checkpoints.{name}.get(**wildcards)`",
                    ) from None
            if item.name is not None:
                names[item.name] = slice(at, len(paths)) if item.is_list else at
        self.outputs.update(paths)
        if not self.asked:  # another function, or another job
            self._guessed.clear()
        if paths and paths[0] not in self.done:
            if not self._is_guess(name, values):
                self.asked.append(paths[0])
            self._to_come |= dict.fromkeys(paths, name)
        else:
            for path in paths:
                self._to_come.pop(path, None)
        output = Record(tuple(paths), names)
        return Namespace(f"checkpoint {name}", {"output": output, "rule": name})

    def _is_guess(self, name: str, values: Mapping[str, str]) -> bool:
        """Whether it may be asked for only because a file to come was read as empty: a loop asks
        for more of the same checkpoint, what is to be found in a file is known when it is there."""
        return bool(self._guessed) and (name not in self._guessed or "" in values.values())

    def namespace(self, find: Outputs) -> Namespace:
        return Namespace("checkpoints", _Spaces(self, find), _unknown)

    def add_open(self, builtins: dict[str, Any], members: Members, budget: Budget) -> None:
        """Let functions read what checkpoints have made: `open(path)`, `path.open()`."""

        def call(path: Any, mode: Any = "r", **_: Any) -> "OpenFile":
            return OpenFile(self._read(str(path), mode, budget))

        builtins["open"] = Builtin("open", call)
        for kind in (str, FlaggedPath):
            members.tables[kind] = {**members.tables[kind], "open": call}
        members.tables[OpenFile] = {
            "read": OpenFile.read,
            "readline": OpenFile.readline,
            "readlines": lambda file: list(file),
            "close": lambda file: None,
        }

    def is_made(self, path: str) -> bool:
        """Whether a path is what a function was told of, or below that."""
        if path in self.outputs:
            return True
        below = any(path.startswith(f"{o}/") for o in self.outputs)
        return below and ".." not in path.split("/")

    def _read(self, path: str, mode: Any, budget: Budget) -> str:
        if not self.is_made(path):
            raise Refusal(
                "unsupported",
                "`open` reads outputs of checkpoints, and nothing else",
                "ask for these first: `checkpoints.NAME.get(...)`; a list of samples stands in a "
                "config file, `samples: [a, b]`, named by `configfile:`",
            )
        if mode not in ("r", "rt"):
            raise Refusal("unsupported", "`open` only reads: files are written by jobs")
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", opener=_opener) as file:
                text = file.read(MAX_TEXT + 1)
        except FileNotFoundError:
            to_come = self._to_come
            inside = (m for o, m in to_come.items() if path.startswith(f"{o}/"))
            maker = to_come.get(path) or next(inside, None)
            if maker is None or not self.asked:
                raise
            self._guessed.add(maker)
            return ""  # so that the function goes on, and asks for the others as well
        if len(text) > MAX_TEXT:
            raise too_large(f"the file `{path}`")
        budget.text(len(text))
        self.opened[path] = None
        return text


def _opener(path: str, flags: int) -> int:
    """Of ordinary files alone: to read from a pipe or a terminal may take for ever."""
    file = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # of which `open` complains itself
        return file
    os.close(file)
    raise Refusal("unsupported", f"`{path}` is no ordinary file: `open` reads no others")


class OpenFile:
    """A file that was read: its lines, or all of it."""

    type_name = "file"

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        self._at = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readline(self) -> str:
        if self._at >= len(self._lines):
            return ""
        self._at += 1
        return self._lines[self._at - 1]

    def read(self) -> str:
        rest, self._at = "".join(self._lines[self._at :]), len(self._lines)
        return rest


class _Spaces(Mapping[str, Namespace]):
    """The members of `checkpoints`. A checkpoint may be declared below the function."""

    def __init__(self, known: Checkpoints, find: Outputs) -> None:
        self._known = known
        self._find = find

    def __getitem__(self, name: str) -> Namespace:
        def get(*positional: Any, **wildcards: Any) -> Namespace:
            if positional:
                what = a_type(positional[0])
                raise Refusal("wrong-arguments", f"`get` takes wildcards by name, not {what}")
            found = self._find(name)
            if found is None:
                raise Refusal("unknown-attribute", _unknown(name))
            return self._known.get(name, found[1], wildcards)

        known = self._find(name)
        full = f"checkpoints.{name if known is None else known[0]}"  # a compiled file has no others
        return Namespace(full, {"get": Builtin(f"{full}.get", get), "rule": name})

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _unknown(name: str) -> str:
    return f"there is no checkpoint `{name}`"
