"""Digests of large inputs, read in a thread while the jobs that read them run themselves.

A job's end remembers what its inputs held. To read a large file for it takes up to half a second,
in which nothing else would start; so it begins with the job, and is over when the job is, as a
rule.
"""

import time
from queue import SimpleQueue
from threading import Thread

from flowc.disk import FILE, Disk, FileState
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.plan.digest import LARGEST_READ_BYTES, FileDigests
from flowc.plan.rules import counted_inputs, rule_facts

SMALLEST_BYTES = 1024**2
"""What is smaller is read when it is asked for: that takes some milliseconds."""
_YOUNG_NS = 60_000_000
"""A file that has just been made may change again unseen: it is looked at once more, so much
later."""


class Contents:
    """Reads ahead for `FileDigests`."""

    def __init__(self, graph: JobGraph, disk: Disk, files: FileDigests) -> None:
        self._graph, self._disk, self._files = graph, disk, files
        self._facts = rule_facts(graph.workflow)
        self._seen: set[int] = set()  # files, and ~groups, that were looked at
        self._waiting: set[int] = set()  # files that are still to be read
        self._of_group: dict[int, list[int]] = {}  # those of a group that are read here
        self._queue: SimpleQueue[tuple[int, str, FileState]] = SimpleQueue()
        self._thread: Thread | None = None

    def begin(self, job: JobId) -> None:
        """Have the large inputs of a job read, if they are not known."""
        for ref in counted_inputs(self._graph, self._facts, job):
            if ref in self._seen:
                continue
            self._seen.add(ref)
            if ref >= 0:
                self._begin(ref)
                continue
            found = [file for file in self._graph.groups[~ref] if self._begin(file)]
            if found:
                self._of_group[~ref] = found

    def is_ready(self, job: JobId) -> bool:
        """Whether nothing of a job's inputs is still being read."""
        waiting = self._waiting
        if not waiting:
            return True
        for ref in counted_inputs(self._graph, self._facts, job):
            if ref in waiting if ref >= 0 else not waiting.isdisjoint(self._of_group.get(~ref, ())):
                return False
        return True

    def _begin(self, file: int) -> bool:
        path = self._graph.paths[file]
        state = self._disk.stat(path)
        if state is None or state.kind != FILE:
            return False
        if not SMALLEST_BYTES <= state.size_bytes <= LARGEST_READ_BYTES:
            return False
        kept = self._files.new.get(path)
        if kept is not None and kept[:2] == (state.mtime_ns, state.size_bytes):
            return False
        if self._files.history.file_digest(path, state) is not None:
            return False
        self._waiting.add(file)
        self._queue.put((file, path, state))
        if self._thread is None:
            self._thread = Thread(target=self._read, name="contents", daemon=True)
            self._thread.start()
        return True

    def _read(self) -> None:
        while True:
            file, path, state = self._queue.get()
            read = self._disk.digest(path)
            left_s = (state.mtime_ns + _YOUNG_NS - time.time_ns()) / 1e9
            if 0 < left_s <= _YOUNG_NS / 1e9:
                time.sleep(left_s)
            if read is not None and self._disk.stat(path) == state:
                self._files.new[path] = (state.mtime_ns, state.size_bytes, read)
            self._waiting.discard(file)
