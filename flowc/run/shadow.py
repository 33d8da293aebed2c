"""`shadow:`: a job that works in a directory of its own, from which its outputs are taken.

The directory's name says which job of which directory it is, and what it does: so a run finds it
again whose flowc was killed, and a job that does something else meanwhile has another one.
"""

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from flowc.graph.job import Job, JobGraph
from flowc.ids import JobId

PREFIX = ".flowc"
_OWN = (".flowc", ".snakemake")


class Shadows:
    """The directories of the jobs that run in one."""

    def __init__(self, graph: JobGraph, prefix: str | None = None) -> None:
        self._graph = graph
        self._place = os.path.join(prefix or PREFIX, "shadow")
        self._open: dict[JobId, str] = {}

    def place(self, job: Job, action: str, env: Mapping[str, str]) -> str | None:
        """The directory of a job that does this; None where its rule has no `shadow`."""
        if job.rule.shadow is None:
            return None
        digest = blake2b(digest_size=10)
        variables = [f"{name}={value}" for name, value in sorted(env.items())]
        for word in (os.getcwd(), job.name, action, *variables):
            data = os.fsencode(word)
            digest.update(b"%d:" % len(data) + data)
        return os.path.abspath(f"{self._place}/{digest.hexdigest()}")

    def adopt(self, job: Job, place: str | None) -> None:
        """Its directory is there: it is at work in it, or was, for a run that was killed."""
        if place is not None:
            self._open[job.id] = place

    def begin(self, job: Job, place: str | None) -> None:
        """Make the directory of a job, of what is there now."""
        if place is None:
            return
        kind = job.rule.shadow
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        self._open[job.id] = place
        if kind == "shallow":
            for name in os.listdir():
                if name not in _OWN:
                    os.symlink(os.path.abspath(name), os.path.join(place, name))
        elif kind == "full":
            _link_all(place)
        else:
            _take(job.input_paths, place, copies=kind == "copy-minimal")
        for path in self._made(job):
            os.makedirs(os.path.join(place, os.path.dirname(path)), exist_ok=True)
        for path, flags in zip(job.output_paths, job.output_flags, strict=True):
            inside = os.path.join(place, path)
            if flags.pipe and not os.path.lexists(inside):  # the reader is at the other end
                os.symlink(os.path.abspath(path), inside)

    def end(self, id: JobId, *, well: bool) -> None:
        """Take the outputs, and the logs in any case, to where they belong."""
        place = self._open.pop(id, None)
        if place is None:
            return
        job = self._graph.job(id)
        for path in self._made(job) if well else map(str, job.log):
            made = os.path.join(place, path)
            if os.path.isabs(path) or not os.path.lexists(made):
                continue
            if os.path.realpath(made) == os.path.realpath(path):
                continue  # it was written through a link to its directory
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            if os.path.isdir(path) and os.path.isdir(made):
                shutil.rmtree(path)
            shutil.move(made, path)
        shutil.rmtree(place, ignore_errors=True)

    def _made(self, job: Job) -> list[str]:
        return [*job.output_paths, *map(str, job.log)]


def _take(paths: Iterable[str], place: str, *, copies: bool) -> None:
    """Link the inputs, or copy them, at the same relative paths."""
    for path in paths:
        relative = os.path.relpath(path)
        goal = os.path.join(place, relative)
        if os.path.isabs(path) or relative.startswith("..") or os.path.lexists(goal):
            continue
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        if not copies or stat.S_ISFIFO(os.stat(path).st_mode):
            os.symlink(os.path.abspath(path), goal)
        elif os.path.isdir(path):
            shutil.copytree(path, goal, symlinks=True)
        else:
            shutil.copy2(path, goal)


def _link_all(place: str) -> None:
    """The whole tree: directories are made, files are links."""
    for top, directories, files in os.walk("."):
        directories[:] = [name for name in directories if name not in _OWN]
        for name in directories:
            os.makedirs(os.path.join(place, top, name), exist_ok=True)
        for name in files:
            os.symlink(os.path.abspath(os.path.join(top, name)), os.path.join(place, top, name))
