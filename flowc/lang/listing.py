"""What stands in a directory, asked for in Python's ways: `glob.glob`, `os.listdir`, `Path.glob`.

In the order of the alphabet, so that a plan does not depend on the order of the file system.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import PurePosixPath
from typing import Any

from flowc.disk import DIRECTORY, DIRECTORY_STAMP, Disk
from flowc.lang.limits import Budget, Refusal, a_type

_MAGIC = re.compile(r"[*?[]")
_DEEPEST = 100
"""Directories inside one another that `**` goes into: links may lead in circles."""


class Listing:
    """Directories of one disk, and what it costs to look into them."""

    def __init__(self, budget: Budget, disk: Disk) -> None:
        self.budget = budget
        self.disk = disk

    def listdir(self, path: Any = ".") -> list[str]:
        """`os.listdir`."""
        text = _text(path, "os.listdir")
        if not self._is_directory(text):
            raise Refusal("missing-file", f"there is no directory `{text}`")
        directories, files = self._names(text)
        return sorted(directories + files)

    def iterdir(self, path: PurePosixPath) -> list[PurePosixPath]:
        """`Path.iterdir`."""
        return [path / name for name in self.listdir(path)]

    def glob(self, pattern: Any, *, root_dir: Any = None, recursive: Any = False) -> list[str]:
        """`glob.glob`: names that begin with a dot are found only if the pattern says so."""
        text = _text(pattern, "glob")
        root = "" if root_dir is None else _text(root_dir, "root_dir").rstrip("/") + "/"
        finder = _Finder(self, hidden=False, recursive=bool(recursive))
        found = finder.find(root, text)
        return sorted(dict.fromkeys(path.removeprefix(root) for path in found))

    def glob_path(self, path: PurePosixPath, pattern: Any) -> list[PurePosixPath]:
        """`Path.glob`: `**` goes into all directories, and a dot is a letter like any other."""
        text = _text(pattern, "glob")
        if not text or text.startswith("/"):
            raise Refusal("wrong-value", "`glob` takes a relative pattern")
        root = "" if str(path) == "." else f"{path}/".replace("//", "/")
        finder = _Finder(self, hidden=True, recursive=True)
        found = [PurePosixPath(one) for one in finder.find(root, text)]
        return sorted(dict.fromkeys(found))

    def rglob_path(self, path: PurePosixPath, pattern: Any) -> list[PurePosixPath]:
        return self.glob_path(path, f"**/{_text(pattern, 'rglob')}")

    def _names(self, directory: str) -> tuple[list[str], list[str]]:
        """Of a directory, the names of its directories and of its files."""
        _, directories, files = next(iter(self.disk.walk(directory or ".")), ("", [], []))
        self.budget.spend(len(directories) + len(files) + 1)
        return directories, [name for name in files if name != DIRECTORY_STAMP]

    def _exists(self, path: str) -> bool:
        return self.disk.stat(path or ".") is not None

    def _is_directory(self, path: str) -> bool:
        state = self.disk.stat(path or ".")
        return state is not None and state.kind == DIRECTORY


class _Finder:
    """One search. A path before its next part is "", or ends with a slash."""

    def __init__(self, listing: Listing, *, hidden: bool, recursive: bool) -> None:
        self.listing = listing
        self.hidden = hidden
        self.recursive = recursive

    def find(self, root: str, pattern: str) -> Iterator[str]:
        if pattern.startswith("/"):
            root, pattern = "/", pattern.lstrip("/")
        return self._below(root, re.split("/+", pattern), 0)

    def _below(self, base: str, parts: Sequence[str], depth: int) -> Iterator[str]:
        part, rest = parts[0], parts[1:]
        listing = self.listing
        listing.budget.spend(1)
        if part == "**" and self.recursive:
            yield from self._deep(base, rest, depth)
        elif not part:  # `a/*/`: directories alone
            if listing._is_directory(base):
                yield base
        elif not _MAGIC.search(part):
            if rest:
                yield from self._below(f"{base}{part}/", rest, depth)
            elif listing._exists(base + part):
                yield base + part
        else:
            directories, files = listing._names(base)
            matches = re.compile(translate(part)).match
            for name in directories if rest else directories + files:
                if matches(name) and (self.hidden or part[0] == "." or name[0] != "."):
                    if rest:
                        yield from self._below(f"{base}{name}/", rest, depth)
                    else:
                        yield base + name

    def _deep(self, base: str, rest: Sequence[str], depth: int) -> Iterator[str]:
        """`**`: no directory, or any number of them."""
        if rest:
            yield from self._below(base, rest, depth)
        elif (self.hidden or (base and not depth)) and self.listing._is_directory(base):
            yield base or "."
        if depth >= _DEEPEST:
            return
        directories, files = self.listing._names(base)
        for name in directories:
            if self.hidden or name[0] != ".":
                if not rest and not self.hidden:
                    yield base + name
                yield from self._deep(f"{base}{name}/", rest, depth + 1)
        if not rest and not self.hidden:
            yield from (base + name for name in files if name[0] != ".")


def _text(path: Any, whose: str) -> str:
    if isinstance(path, str | PurePosixPath):
        return str(path)
    raise Refusal("wrong-type", f"`{whose}` takes a path, not {a_type(path)}")


def no_directory(path: Any, *mode: Any, **how: Any) -> None:
    """`os.makedirs`: reading a workflow makes nothing; those of outputs and logs are made by the
    jobs that need them."""
    _text(path, "mkdir")


def resolved(path: PurePosixPath, *strict: Any, **also: Any) -> PurePosixPath:
    """`Path.resolve`."""
    return PurePosixPath(posixpath.realpath(path))


def absolute(path: PurePosixPath) -> PurePosixPath:
    """`Path.absolute`."""
    return PurePosixPath(posixpath.abspath("."), path)
