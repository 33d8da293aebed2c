"""The files of a workflow: which are open, which may be included, and what was found in all."""

import os
from pathlib import PurePath
from typing import Any, NamedTuple

from flowc.diagnostic import Diagnostic, Label
from flowc.lang.limits import Refusal
from flowc.source import Source, Span

MAX_INCLUDES = 100
"""Files that include one another in a chain."""

_FOLLOWS_A_LOST_FILE = frozenset({"unknown-name", "unknown-attribute", "missing-key"})
"""Faults that say nothing new where an included file could not be read."""


class Included(NamedTuple):
    """A file that is being read."""

    identity: str  # its real path
    name: str  # as messages show it
    path: str  # absolute, as a `workdir:` may move us
    asked_by: Span | None


class OpenFiles:
    """The files that are being read, and those that have been."""

    def __init__(self, faults: list[Diagnostic]) -> None:
        self.faults = faults
        self.sources: list[Source] = []
        self.stack: list[Included] = []
        self.main = ""  # the absolute path of the first file
        self.seen: set[str] = set()
        self.lost_from: int | None = None  # faults from here on may come of a lost file
        self.has_moved = False  # by a `workdir:`

    def beside(self, path: str) -> str:
        """A path that is relative to the file being read."""
        here = self.stack[-1]
        start = here.name if not self.has_moved else here.path
        return os.path.normpath(os.path.join(os.path.dirname(start), path))

    def source_path(self, path: Any) -> str:
        """`workflow.source_path("x")`: a path relative to the file that asks; to the main file
        for a function that is called later on."""
        if not isinstance(path, str | PurePath):
            raise Refusal("wrong-type", "`workflow.source_path` takes a path")
        asking = self.stack[-1].path if self.stack else self.main
        return os.path.normpath(os.path.join(os.path.dirname(asking), os.fspath(path)))

    def may_include(self, path: str, span: Span) -> bool:
        identity = os.path.realpath(path)
        if any(file.identity == identity for file in self.stack):
            self.faults.append(self.cycle(identity, path, span))
            return False
        if identity in self.seen:
            self.faults.append(
                Diagnostic(
                    "repeated-include",
                    f"`{path}` is included already; this one has no effect",
                    span,
                    severity="warning",
                )
            )
            return False
        if len(self.stack) >= MAX_INCLUDES:
            self.faults.append(
                Diagnostic("too-deep", f"more than {MAX_INCLUDES} files include one another", span)
            )
            return False
        return True

    def cycle(self, identity: str, path: str, span: Span) -> Diagnostic:
        start = next(i for i, file in enumerate(self.stack) if file.identity == identity)
        chain = [file.name for file in self.stack[start:]] + [path]
        labels = [
            Label(file.asked_by, f"`{file.name}` is included here")
            for file in self.stack[start + 1 :]
            if file.asked_by is not None
        ]
        return Diagnostic(
            "include-cycle",
            "these files include one another: " + " -> ".join(chain),
            span,
            tuple(labels),
        )

    def worth_saying(self) -> tuple[Diagnostic, ...]:
        """The faults as they stand in the files, each once (a loop says the same in every turn),
        without those that come of a file that could not be included."""
        found = self.faults
        if self.lost_from is not None:
            later = [f for f in found[self.lost_from :] if f.code not in _FOLLOWS_A_LOST_FILE]
            found = found[: self.lost_from] + later
        order = {id(source): i for i, source in enumerate(self.sources)}

        def place(fault: Diagnostic) -> tuple[int, int]:
            if fault.span is None:
                return -1, 0
            return order.get(id(fault.span.source), len(order)), fault.span.start

        return tuple(sorted(dict.fromkeys(found), key=place))
