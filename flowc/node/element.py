"""Runs one element of a batch, measures it as a local run does, and writes down how it ended.

Called by the batch's script: DIRECTORY ELEMENT ID RESTARTS. The end is written before the process
ends; where there is none although the engine says that it is over, somebody has killed this.
"""

from __future__ import annotations

import os
import time

from flowc.attempt import JobEnded, JobStarted
from flowc.dataclass import replace
from flowc.executors.base import Capacity
from flowc.executors.grid.files import is_forbidden, read_task, read_word, write_word
from flowc.executors.local import LocalExecutor
from flowc.ids import JobId
from flowc.suppress import suppress

TYPE_CHECKING = False  # every job pays for what is imported here: `typing` alone takes 6 ms
if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from types import FrameType
    from typing import Any

    from flowc.executors.base import Task
else:
    import _signal as signal  # `signal` without its enums, which take another 6

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU)
"""What engines send before they kill."""
_STOPPED = frozenset(128 + number for number in STOPS)
_ECHO_S = 1.0
"""What was sent to a task may reach this so much later."""
GRACE_S = 5.0
"""From TERM to KILL, for a task that somebody wants to end. Engines kill after some more."""
LATE_S = 60.0
"""A batch's files may take so long to be seen on a node."""
REQUEUED = 75
_SPECIAL = (99, 100)
"""Exit codes by which a job asks Grid Engine to run it again, or to hold what waits for it."""
_OWN = ("SLURM", "SGE_", "PBS", "LSB_", "CUDA_", "ROCR_", "GPU_", "ZE_", "NVIDIA_", "XDG_RUNTIME")
# fmt: off
_OWN_NAMES = frozenset((
    "TMPDIR", "TMP", "TEMP", "HOSTNAME", "JOB_ID", "JOB_NAME", "NSLOTS", "NHOSTS", "NQUEUES", "PE",
    "PE_HOSTFILE", "QUEUE", "RESTARTED", "REQUEST", "ARC", "TASK_ID", "ENVIRONMENT",
))
# fmt: on
"""What an engine sets for a job beats what stood in flowc's environment."""
_NOT_OWN = "SLURM_BITSTR_LEN"
"""Comes from how flowc calls Slurm's programs, and is not meant for jobs."""
_BEFORE = 'flowc_count=$1 flowc_words=("${@:2}")\nset --\n'
_AFTER = """\
((flowc_count == 0)) || export "${flowc_words[@]:0:flowc_count}"
flowc_words=("${flowc_words[@]:flowc_count}")
exec "${flowc_words[@]}"
"""
"""Around a site's lines of bash: `set --` since what they source would see these words."""


def main(argv: Sequence[str]) -> int:
    """The exit code is the task's own, so that the engine's accounting tells the same."""
    directory, element, id = argv[0], int(argv[1]), argv[2]
    restarts = int(argv[3]) if argv[3].isdecimal() else 0
    runner = Runner(directory, element)
    for number in STOPS:
        signal.signal(number, runner.stop)
    signal.signal(signal.SIGALRM, runner.kill)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # Grid Engine's word that it will suspend a job
    if is_forbidden(directory, element) or os.path.exists(f"{directory}/{element}.told"):
        return 0
    word: dict[str, Any] = {"id": id, "host": os.uname().nodename, "at_s": time.time()}
    end = f"{directory}/{element}.end"
    if restarts or os.path.exists(f"{directory}/{element}.start"):
        # What it has made so far may be half; only flowc knows what to clear away.
        before = read_word(end)
        if before is None or before.get("cause") == "stopped":  # to be started again, as it seems
            write_word(end, word | _end(REQUEUED, "requeued", 0.0))
        return REQUEUED
    write_word(f"{directory}/{element}.start", word)
    ended = runner.run()
    write_word(end, word | ended)
    return 1 if ended["exit_code"] in _SPECIAL else int(ended["exit_code"])


class Runner:
    """Runs one element to its end."""

    def __init__(self, directory: str, element: int) -> None:
        self._directory, self._element = directory, element
        self._executor: LocalExecutor | None = None
        self._sampler: Any = None
        self._job = JobId(0)
        self._signal: int | None = None  # the first that came from outside

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Somebody wants it to end. Called by signals, in the middle of anything."""
        if self._signal is None:
            self._signal = number
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)
            if self._executor is not None:
                self._executor.cancel([self._job])

    def kill(self, number: int, frame: FrameType | None) -> None:
        if self._executor is not None:
            self._executor.cancel([self._job], kill=True)

    def run(self) -> dict[str, Any]:
        """How it has ended."""
        common, task = self._read()
        os.umask(common["umask"])
        os.chdir(common["directory"])
        _set_environment(common["env"])
        if common["setup"]:
            task = _with_setup(task, common["setup"])
        self._job = task.job
        if common["measure"]:
            from flowc.measure.sample import Sampler  # only where jobs are measured closely

            self._sampler = Sampler()
        # Not the mark of flowc's run: what that run has left on its machine is ended by it.
        mark = f"node-{os.path.basename(self._directory)}-{self._element}"
        room = Capacity(task.cores, task.memory_bytes)
        executor = self._executor = LocalExecutor(room, mark, is_small=not common["measure"])
        try:
            executor.submit([task])
            if self._signal is not None:
                executor.cancel([task.job])
            return self._wait(executor, common["beat_s"])
        finally:
            executor.close()

    def _read(self) -> tuple[dict[str, Any], Task]:
        """The task, which another machine has written a moment ago."""
        until_s = time.monotonic() + LATE_S
        while True:
            try:
                return read_task(self._directory, self._element)
            except FileNotFoundError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(0.5)

    def _wait(self, executor: LocalExecutor, beat_s: float) -> dict[str, Any]:
        pid = 0
        beat_at_s = time.monotonic() + beat_s
        while True:
            for event in executor.wait(max(0.0, beat_at_s - time.monotonic())):
                if isinstance(event, JobEnded):
                    return self._ended(event, pid)
                if not isinstance(event, JobStarted):
                    continue
                pid = int(event.external_id or 0)
                if self._sampler is not None and pid:
                    self._sampler.watch(pid, tell_apart=True)
            if time.monotonic() >= beat_at_s:
                beat_at_s = time.monotonic() + beat_s
                self._beat()

    def _beat(self) -> None:
        """Say that it lives, and hear whether it may go on."""
        with suppress(OSError):
            os.utime(f"{self._directory}/{self._element}.start")
        if is_forbidden(self._directory, self._element):
            self.stop(signal.SIGTERM, None)

    def _is_to_end(self) -> bool:
        """Engines signal all processes of a job, one after the other, perhaps the task first."""
        until_s = time.monotonic() + _ECHO_S
        while self._signal is None and time.monotonic() < until_s:
            time.sleep(0.02)
        return self._signal is not None

    def _ended(self, event: JobEnded, pid: int) -> dict[str, Any]:
        cause = "stopped" if event.cause == "cancelled" else event.cause  # by whom, flowc knows
        if not cause and event.exit_code in _STOPPED and self._is_to_end():
            cause = "stopped"
        found = _end(event.exit_code, cause, event.wall_s) | {
            "ended_s": event.at_s,
            "cpu_s": event.cpu_s,
            "user_s": event.user_s,
            "system_s": event.system_s,
            "peak_rss_bytes": event.peak_rss_bytes,
            "seen_memory_bytes": event.seen_memory_bytes,
            "read_bytes": event.read_bytes,
            "written_bytes": event.written_bytes,
            "signal": self._signal,
        }
        if self._sampler is not None:
            from flowc.measure.benchmarks import KINDS, memory_of  # only where jobs are measured
            from flowc.measure.profiler import measured  # closely

            series = self._sampler.forget(pid) if pid else None
            found["figures"] = measured(event, series) | {KINDS: memory_of(series)}
            self._sampler.close()
        return found


def _end(exit_code: int, cause: str, wall_s: float) -> dict[str, Any]:
    return {
        "exit_code": exit_code,
        "cause": cause,
        "wall_s": wall_s,
        "ended_s": time.time(),
    }


def _with_setup(task: Task, setup: str) -> Task:
    """The same task behind lines of bash. What it has of its own beats what they set."""
    variables = [f"{name}={value}" for name, value in task.env.items()]
    lines = f"{_BEFORE}{setup}\n{_AFTER}"
    argv = ("bash", "-c", lines, "bash", str(len(variables)), *variables, *task.argv)
    return replace(task, argv=argv)


def _set_environment(env: Mapping[str, str]) -> None:
    """That of flowc, with what the engine has set for this job."""
    own = {
        name: value
        for name, value in os.environ.items()
        if (name.startswith(_OWN) or name in _OWN_NAMES) and name != _NOT_OWN
    }
    os.environ.clear()
    os.environ.update({**env, **own})
