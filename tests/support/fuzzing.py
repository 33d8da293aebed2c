"""Inputs that nobody would write, and what must hold for every one of them.

`input_text(seed)` is a Workflowfile by grammar, or a kept seed with bytes changed; the same for the
same number. `survive` reads, formats and plans it: a `WorkflowError` is the only exception, and a
second for each KB the longest time. `failures` does so with many, in several processes.
"""

import gc
import os
import random
import resource
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from support.generated import workflow_text

from flowc.api import compile_file, load_file, plan_graph
from flowc.diagnostic import Diagnostic, WorkflowError, render
from flowc.graph.findings import find_all
from flowc.lang.silence import unsilenced
from flowc.syntax.format import format_text
from flowc.syntax.read import read_source

SEEDS = Path(__file__).resolve().parents[1] / "fuzz" / "seeds"
S_PER_KB = 1.0
HANGS_AFTER_S = 20.0
MOST_MEMORY_BYTES = 4 << 30
PIECES = (
    b"", b" ", b"\n", b"\n    ", b"\t", b"(", b")", b"[", b"]", b"{", b"}", b"{x}", b"{x,(a+)+}",
    b'"', b"'", b'"""', b"f'{", b"#", b"\\", b":", b",", b"=", b"*", b"**", b"lambda: ", b" if ",
    b" else ", b"for x in ", b"rule ", b"rule a:", b"input:", b"output:", b"shell:", b"params:",
    b"\xff", b"\xc3\xa9", b"\0", b"\r\n", b"9" * 30, b"1e999", b"-", b"not ", b"expand(", b"temp(",
    b"range(10**9)", b"'a' * 10**9", b"2 ** 10**6", b"[0] * 10**8", b"config", b"include: 'W'",
    b"..", b"/", b"use rule a as b with:", b"module m:", b"checkpoint ", b"def f(): return f()",
)  # fmt: skip


@cache
def kept() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(SEEDS.iterdir()))


def input_bytes(seed: int) -> bytes:
    """One in eight is written by the grammar; one in eight of those that are left, and changed."""
    chance = random.Random(seed)
    kind = chance.randrange(16)
    if kind < 2:
        text = workflow_text(chance, 2).encode("utf-8", "surrogateescape")
        return text if kind else mutated(text, chance)
    return mutated(chance.choice(kept()), chance)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with bytes put in, taken out, doubled, moved or replaced at up to six places."""
    for _ in range(chance.randrange(1, 7)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 0, 1, 1, 3, 20, 80)))
        kind = chance.randrange(4)
        if kind == 0:
            piece = bytes([chance.randrange(256)])
        elif kind == 1:
            other = chance.choice(kept())
            start = chance.randrange(len(other))
            piece = other[start : start + chance.choice((1, 8, 40))]
        elif kind == 2:
            piece = data[at:end] * 2
        else:
            piece = chance.choice(PIECES)
        data = data[:at] + piece + data[end:]
    return data[:4096]


class HangError(Exception):
    """An input is not done with after a long time."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def survive(data: bytes, path: Path) -> None:
    """Do with the input all that starts no job. It is written to `path`, in the directory in which
    the process is."""
    path.write_bytes(data)
    started = time.process_time()
    with deadline(HANGS_AFTER_S):
        for step in (_format, _plan):
            try:
                step(path.name)
            except WorkflowError as error:
                assert error.diagnostics
                _said(error.diagnostics)
                break
    took_s = time.process_time() - started
    assert took_s <= S_PER_KB * max(1.0, len(data) / 1024), f"took {took_s:.1f} s"


def _format(name: str) -> None:
    made = format_text(read_source(name))
    made.encode("utf-8")


def _plan(name: str) -> None:
    """What `flowc check` and `flowc plan` do."""
    try:
        graph = compile_file(name)
    except WorkflowError as error:
        _said(error.diagnostics)
        graph = None
    workflow = load_file(name) if graph is None else graph.workflow
    _said(unsilenced(find_all(workflow)))
    if graph is not None:
        assert len(plan_graph(graph).decisions) == len(graph)


def _said(diagnostics: "tuple[Diagnostic, ...] | list[Diagnostic]") -> None:
    for diagnostic in diagnostics[:5]:
        assert render(diagnostic)
        diagnostic.to_json()


# --- many inputs, several processes --------------------------------------------------------------


CHUNK = 1000


def failures(first: int, count: int, processes: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """For each lot of inputs, in order: how many are done by then, and which of the lot did not
    survive, and why. A process that dies ends all."""
    end = first + count
    lots = [(at, min(at + CHUNK, end)) for at in range(first, end, CHUNK)]
    done = 0
    with ProcessPoolExecutor(processes, get_context("spawn"), _confine) as pool:
        for (at, to), failed in zip(lots, pool.map(_chunk, lots), strict=True):
            done += to - at
            yield done, failed


def _confine() -> None:
    """A process that takes more memory than any of these inputs should fails, and nothing else."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    gc.freeze()


def _chunk(bounds: tuple[int, int]) -> list[tuple[int, str]]:
    """The seeds between two numbers that did not survive, and why."""
    failed = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as top:
        os.chdir(top)
        for seed in range(*bounds):
            try:
                survive(input_bytes(seed), Path(top, "Workflowfile"))
            except BaseException as error:
                failed.append((seed, f"{type(error).__name__}: {error}"[:200]))
        os.chdir("/")
    return failed
