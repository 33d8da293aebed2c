"""For tests of workflows and of flowc itself: a disk in memory, with a clock that ticks by hand.

disk = FakeDisk({"a.txt": 1, "b.txt": 2})   # path -> time of its last change
disk.write("a.txt", "new text")             # at the time `disk.now_ns`, which then ticks
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from flowc.disk import DIRECTORY, DIRECTORY_STAMP, FILE, FileState


class FakeDisk:
    """Satisfies `flowc.disk.Disk`. Every change moves the clock on by `tick_ns`.

    Directories come into being with the files in them; `make_directory` makes an empty one.
    `digested` lists the paths whose content was read, `looked_at` counts the calls of `stat`.
    """

    def __init__(self, mtimes: Mapping[str, int] | None = None, *, tick_ns: int = 1) -> None:
        self.now_ns = 1
        self.tick_ns = tick_ns
        self.digested: list[str] = []
        self.looked_at = 0
        self._states: dict[str, FileState] = {}
        self._contents: dict[str, bytes] = {}
        for path, mtime_ns in (mtimes or {}).items():
            self.write(path, f"{path}\n", mtime_ns)
            self.now_ns = max(self.now_ns, mtime_ns + tick_ns)

    def clock_ns(self) -> int:
        """The time, without any ticking."""
        return self.now_ns

    def tick(self, ns: int | None = None) -> int:
        """Let time pass; the time it was before."""
        before = self.now_ns
        self.now_ns += self.tick_ns if ns is None else ns
        return before

    def write(self, path: str, content: str | bytes = "", mtime_ns: int | None = None) -> None:
        """Write a file, and the directories above it where they are missing."""
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        at_ns = self.tick() if mtime_ns is None else mtime_ns
        self._contents[path] = data
        self._states[path] = FileState(at_ns, len(data), FILE)
        self._make_parents(path, at_ns)
        parent, _, name = path.rpartition("/")
        if name == DIRECTORY_STAMP and parent:
            self._states[parent] = self._states[parent]._replace(mtime_ns=at_ns)

    def make_directory(self, path: str, mtime_ns: int | None = None) -> None:
        at_ns = self.tick() if mtime_ns is None else mtime_ns
        self._states[path] = FileState(at_ns, 4096, DIRECTORY)
        self._make_parents(path, at_ns)

    def touch(self, path: str, mtime_ns: int | None = None) -> None:
        """Give a file a new time, its content unchanged; make an empty one where there is none."""
        if path not in self._states:
            self.write(path, b"", mtime_ns)
            return
        at_ns = self.tick() if mtime_ns is None else mtime_ns
        self._states[path] = self._states[path]._replace(mtime_ns=at_ns)

    def protect(self, path: str) -> None:
        """Take away the right to write."""
        self._states[path] = self._states[path]._replace(writable=False)

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with everything in it. Raises FileNotFoundError."""
        if path not in self._states:
            raise FileNotFoundError(path)
        for name in [p for p in self._states if p == path or p.startswith(f"{path}/")]:
            del self._states[name]
            self._contents.pop(name, None)

    def read(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError."""
        try:
            return self._contents[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def stat(self, path: str) -> FileState | None:
        self.looked_at += 1
        return self._states.get(path)

    def stat_many(self, paths: Iterable[str]) -> list[FileState | None]:
        return [self.stat(path) for path in paths]

    def digest(self, path: str) -> str | None:
        content = self._contents.get(path)
        if content is None:
            return None
        self.digested.append(path)
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        inside = top.rstrip("/")
        prefix = "" if inside == "." else f"{inside.removeprefix('./')}/"
        names = [p[len(prefix) :] for p in self._states if p.startswith(prefix) and p != prefix]
        if not names and self._states.get(prefix.rstrip("/")) is None:
            return
        directories: list[str] = []
        files: list[str] = []
        for name in sorted({name.partition("/")[0] for name in names} - {""}):
            state = self._states.get(prefix + name)
            is_directory = state is None or state.kind == DIRECTORY
            (directories if is_directory else files).append(name)
        yield top, directories, files
        for name in directories:
            yield from self.walk(f"{inside}/{name}")

    def _make_parents(self, path: str, at_ns: int) -> None:
        parent = path.rpartition("/")[0]
        while parent and parent not in self._states:
            self._states[parent] = FileState(at_ns, 4096, DIRECTORY)
            parent = parent.rpartition("/")[0]
