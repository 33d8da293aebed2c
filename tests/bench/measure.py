"""What a command costs: CPU, wall clock and peak memory, its children included."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run. `rss_bytes` is the largest process's, not the sum."""

    cpu_s: float
    wall_s: float
    rss_bytes: int


@dataclass(slots=True)
class Contestant:
    """One tool in a case. `prepare` brings its directory into the state to start from."""

    name: str
    argv: Sequence[str]
    where: Path
    prepare: Callable[[Path], None] | None = None
    rounds: int | None = None  # None: as many as the case has
    expect: bytes = b""  # has to be in the output: what was measured did happen
    costs: list[Cost] = field(default_factory=list)

    def median(self, figure: str) -> float:
        return statistics.median(self.all(figure))

    def all(self, figure: str) -> list[float]:
        return [getattr(cost, figure) for cost in self.costs]


def run_rounds(contestants: Sequence[Contestant], rounds: int) -> None:
    """A B A B ...: what else the machine does meets all of them alike. The first turn of each
    only warms up the disk's cache and Python's bytecode, where there is more than one round."""
    first = 0 if rounds == 1 else -1
    for turn in range(first, rounds):
        for contestant in contestants:
            if turn >= (rounds if contestant.rounds is None else contestant.rounds):
                continue
            if contestant.rounds == 1 and turn < 0:
                continue
            cost = run_once(contestant)
            if turn >= 0:
                contestant.costs.append(cost)


def run_once(contestant: Contestant) -> Cost:
    """One measured run. Raises RuntimeError where the command fails."""
    if contestant.prepare is not None:
        contestant.prepare(contestant.where)
    output = contestant.where / ".bench-output"
    pid = os.fork()
    if pid == 0:  # the parent is small: a child's peak memory counts what it was forked from
        try:
            os.chdir(contestant.where)
            sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            os.execvp(contestant.argv[0], list(contestant.argv))
        finally:
            os._exit(127)
    began = time.perf_counter()
    _, status, used = os.wait4(pid, 0)
    wall_s = time.perf_counter() - began
    said = output.read_bytes()
    code = os.waitstatus_to_exitcode(status)
    if code != 0 or contestant.expect not in said:
        tail = os.fsdecode(said[-2000:])
        raise RuntimeError(f"{contestant.name} in {contestant.where}: exit code {code}\n{tail}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Cost(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss * scale)


def apart(work: Callable[[], None]) -> None:
    """Do it in a child, so that this process stays small. Raises RuntimeError if it fails."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError("a workload could not be made")
