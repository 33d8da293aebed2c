"""flowc as a program that is called with words.

To start one takes ten times as long as most of what tests ask of it. So it is called in this
process, but where a process of its own is the point: signals, kills, what it costs to start.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from threading import Timer
from typing import IO

from flowc.cli.main import main

Done = CompletedProcess[str]
Flowc = Callable[..., Done]

_PATIENCE_S = 300


def flowc_here(
    *words: str,
    cwd: str | os.PathLike[str] = ".",
    env: Mapping[str, str] | None = None,
    umask: int | None = None,
    together: bool = False,
) -> Done:
    """What `flowc WORDS` ends with and prints, in that directory. `env` is added; `together`: all
    that is printed is in `stdout`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as other:
        err = out if together else other
        with _printing_to(out, "stdout"), _printing_to(err, "stderr"), _place(cwd, env, umask):
            code = _within_limits(words)
        texts = [_text(out), _text(other)]
    return CompletedProcess(("flowc", *words), code, *texts)


def left() -> list[str]:
    """What is in the working directory, but for what is flowc's own."""
    return sorted(path.name for path in Path().iterdir() if not path.name.startswith("."))


def _within_limits(words: tuple[str, ...]) -> int:
    """What would take for ever is ended, and fails its test by its exit code."""
    timer = Timer(_PATIENCE_S, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        return main(words)
    finally:
        timer.cancel()


@contextmanager
def _printing_to(file: IO[bytes], name: str) -> Iterator[None]:
    """Of this process and of those that it starts."""
    usual = getattr(sys, name)
    usual.flush()
    number = {"stdout": 1, "stderr": 2}[name]
    kept = os.dup(number)
    os.dup2(file.fileno(), number)
    try:
        with open(number, "w", buffering=1 if name == "stderr" else -1, closefd=False) as stream:
            setattr(sys, name, stream)
            yield
    finally:
        setattr(sys, name, usual)
        os.dup2(kept, number)
        os.close(kept)


@contextmanager
def _place(
    cwd: str | os.PathLike[str], env: Mapping[str, str] | None, umask: int | None
) -> Iterator[None]:
    variables, directory, mask = os.environ.copy(), os.getcwd(), os.umask(0)
    os.umask(mask if umask is None else umask)
    os.environ.update(env or {})
    os.chdir(cwd)
    try:
        yield
    finally:
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(variables)
        os.umask(mask)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="surrogateescape")
