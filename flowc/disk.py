"""The few things flowc asks of the file system: the seam at which tests put a fake disk.

Paths are `str`, relative to the working directory or absolute; bytes that are not UTF-8 are
carried as surrogates, as `os.fsdecode` gives them.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

FILE, DIRECTORY, OTHER = "file", "directory", "other"


class FileState(NamedTuple):
    """What `stat` says of a path, links followed (a link's own time counts if it is newer)."""

    mtime_ns: int
    size_bytes: int
    kind: str  # FILE, DIRECTORY or OTHER
    writable: bool = True


class Disk(Protocol):
    """Facts about files. None stands for a path that does not exist."""

    def stat(self, path: str) -> FileState | None: ...

    def stat_many(self, paths: Iterable[str]) -> list[FileState | None]:
        """The same for many paths at once, in order; a directory is listed at most once."""
        ...

    def digest(self, path: str) -> str | None:
        """A digest of a file's content, hex; None where it cannot be read or is no file."""
        ...

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """(directory, its directories, its files) from `top` down, as `os.walk`."""
        ...


DIRECTORY_STAMP = ".flowc_timestamp"
"""Inside a `directory()` output: its time is the directory's time, as in Snakemake."""

_LIST_FROM = 8
"""From so many paths in one directory on, listing it is cheaper than asking for each."""


class RealDisk:
    """The machine's own file system. A path is looked at anew each time it is asked for."""

    def stat(self, path: str) -> FileState | None:
        try:
            found = os.lstat(path)
            link_ns = 0
            if stat.S_ISLNK(found.st_mode):
                link_ns = found.st_mtime_ns
                found = os.stat(path)
        except (OSError, ValueError):  # among them: too long, a loop of links, a null byte
            return None
        mtime_ns, mode = found.st_mtime_ns, found.st_mode
        if stat.S_ISREG(mode):
            kind = FILE
        elif stat.S_ISDIR(mode):
            kind = DIRECTORY
            mtime_ns = self._stamp(path) or mtime_ns
        else:
            kind = OTHER
        if link_ns > mtime_ns:
            mtime_ns = link_ns
        return FileState(mtime_ns, found.st_size, kind, bool(mode & 0o222))

    def stat_many(self, paths: Iterable[str]) -> list[FileState | None]:
        paths = list(paths)
        asked: dict[str, int] = {}
        for path in paths:
            parent = path[: path.rfind("/") + 1]
            asked[parent] = asked.get(parent, 0) + 1
        names = {d: _names(d) for d, n in asked.items() if n >= _LIST_FROM}
        if not names:
            return [self.stat(path) for path in paths]
        result: list[FileState | None] = []
        nothing: frozenset[str] = frozenset()
        for path in paths:
            cut = path.rfind("/") + 1
            listed = names.get(path[:cut])
            if listed is not None and path[cut:] not in (listed or nothing):
                result.append(None)
            else:
                result.append(self.stat(path))
        return result

    def digest(self, path: str) -> str | None:
        try:
            with open(path, "rb") as file:
                return hashlib.file_digest(file, _new_hash).hexdigest()
        except OSError:
            return None

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        return os.walk(top, followlinks=True)

    def _stamp(self, directory: str) -> int | None:
        try:
            return os.stat(f"{directory}/{DIRECTORY_STAMP}").st_mtime_ns
        except OSError:
            return None


def _new_hash() -> Any:
    return hashlib.blake2b(digest_size=16)


def _names(directory: str) -> set[str] | None:
    """The names in a directory; empty where there is none, None where it cannot be listed."""
    try:
        return set(os.listdir(directory or "."))
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError:
        return None
