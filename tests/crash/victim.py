"""A workflow that is run, killed and resumed, and what must hold whatever the instant.

Each job writes its outputs in two steps and notes in a ledger that it has begun, so that half an
output, or a job that has run without need, is seen.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from flowc.events import JobDone, JobPlanned, JobSubmitted
from flowc.executors.marks import find_marked, run_mark
from flowc.record.log import list_runs, read_log

ROOT = Path(__file__).resolve().parents[2]
CORES = 3

WORKFLOW = """
N = [str(i) for i in range(6)]

rule all:
    input: "out/all.txt", "out/kept.txt"

rule first:
    output: "out/first/{n}.txt"
    shell: "printf 'a{wildcards.n} ' > {output}; sleep 0.1{wildcards.n}; echo whole >> {output}"

rule pair:
    input: "out/first/{n}.txt"
    output: "out/pair/{n}.left", temp("out/pair/{n}.right")
    shell: "cat {input} > {output[0]}; sleep 0.1; cat {input} {input} > {output[1]}"

rule tree:
    input: "out/pair/{n}.right"
    output: directory("out/tree/{n}")
    shell: "mkdir {output}; cp {input} {output}/a; sleep 0.1; cp {input} {output}/b"

rule late:
    input: "out/tree/{n}"
    output: "out/late/{n}.txt"
    shell: "(cat {input}/a; sleep 0.1; cat {input}/b) > {output}"

rule kept:
    input: expand("out/pair/{n}.left", n=N)
    output: protected("out/kept.txt")
    shell: "cat {input} > {output}; sleep 0.1; echo end >> {output}"

rule all_of_them:
    input: expand("out/late/{n}.txt", n=N)
    output: "out/all.txt"
    shell: "for f in {input}; do cat $f >> {output}; sleep 0.02; done"
"""
JOBS = 6 * 4 + 2


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "flowc", "run", "--cores", str(CORES), "-q", *more]


@dataclass
class Victim:
    """A directory in which flowc is run."""

    directory: Path
    chance: random.Random = field(default_factory=random.Random)
    undisturbed_s: float = 2.0

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "Workflowfile").write_text(WORKFLOW)

    def start(self) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with open(self.directory / "said.txt", "ab") as said:
            return subprocess.Popen(
                command(), cwd=self.directory, env=env, stdout=said, stderr=said, process_group=0
            )

    def finish(self) -> None:
        """Run to the end, which must be a good one."""
        process = self.start()
        assert process.wait(timeout=120) == 0, (self.directory / "said.txt").read_text()

    def strike(self, number: int, *, server_too: bool = False) -> int | None:
        """Start, and send a signal at some instant; the exit code, None if it was over before."""
        before = len(list_runs(str(self.directory)))
        process = self.start()
        if self.chance.random() < 0.8:  # not in the time in which it only reads the workflow
            while len(list_runs(str(self.directory))) == before and process.poll() is None:
                time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.4 * self.undisturbed_s))
        if process.poll() is not None:
            return None
        servers = children(process.pid, b"forkserver") if server_too else []
        process.send_signal(number)
        for server in servers:
            with suppress(ProcessLookupError):  # it has seen that flowc is gone, and is so too
                os.kill(server, signal.SIGKILL)
        return process.wait(timeout=60)

    def python_has_ended_it(self) -> bool:
        """Whether the last signal came before anything of flowc was read."""
        return "Fatal Python error: init_" in (self.directory / "said.txt").read_text()

    def orphans(self) -> list[int]:
        runs = [Path(path).stem for path in list_runs(str(self.directory))]
        return [pid for run in runs for pid in find_marked(run_mark(run))]

    def assert_no_orphan(self, patience_s: float = 10.0) -> None:
        until = time.monotonic() + patience_s
        while self.orphans() and time.monotonic() < until:
            time.sleep(0.02)
        assert not self.orphans()

    def assert_nothing_done_twice(self) -> None:
        """A job that a log calls done is never submitted again: but for one whose temp output was
        removed while a reader of it was not done."""
        done: set[tuple[str, ...]] = set()
        for path in list_runs(str(self.directory)):
            reasons: dict[int, tuple[str, ...]] = {}
            for event in read_log(path):
                if isinstance(event, JobPlanned):
                    reasons[event.job] = event.reasons
                elif isinstance(event, JobSubmitted):
                    why = f"{event.name} ran twice: {reasons[event.job]}"
                    assert event.outputs not in done, why
                elif isinstance(event, JobDone):
                    done.add(event.outputs)
        assert len(done) == JOBS

    def tree(self) -> dict[str, str]:
        """Every output by its path, and what stands in it."""
        return dict(self._tree())

    def _tree(self) -> Iterator[tuple[str, str]]:
        top = self.directory / "out"
        for path in sorted(top.rglob("*")):
            if path.is_file() and path.name != ".flowc_timestamp":
                yield str(path.relative_to(top)), hashlib.sha256(path.read_bytes()).hexdigest()


def children(pid: int, word: bytes) -> list[int]:
    """The child processes of one, of those that have a word in their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                stat = Path(f"/proc/{name}/stat").read_bytes()
                line = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(b")")[2].split()[1]) == pid and word in line:
                found.append(int(name))
    return found
