"""What processes use of NVIDIA's GPUs: from NVML where its Python bindings are installed (extra
`gpu`), else from `nvidia-smi`. Where there is neither, nothing is said.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from flowc.machine import which
from flowc.units import MIB

STALE_S = 3.5
"""What `nvidia-smi` has said longer ago is over; it says what there is each second."""
_MONITOR = ("pmon", "-s", "um", "-d", "1")
_MEMORY_ONLY = ("--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits", "-l", "1")
"""For GPUs that `pmon` does not know."""
_READ_BYTES = 1 << 16
_MOST_BYTES = 1 << 50
"""NVML says 2^64 - 1 where it does not know."""


class GpuUse(NamedTuple):
    """Of one process, or of a job, on all GPUs together. None: not told."""

    memory_bytes: int | None
    use: float | None  # 1: one GPU, all of it

    def plus(self, other: "GpuUse") -> "GpuUse":
        """Both together."""
        sizes = [m for m in (self.memory_bytes, other.memory_bytes) if m is not None]
        uses = [u for u in (self.use, other.use) if u is not None]
        return GpuUse(sum(sizes) if sizes else None, sum(uses) if uses else None)


class GpuReader(Protocol):
    """Where figures of GPUs come from."""

    def read(self) -> Mapping[int, GpuUse]:
        """By process id; what is on no GPU is missing."""
        ...

    def close(self) -> None: ...


def open_gpus() -> GpuReader | None:
    """None where nothing tells of GPUs."""
    with suppress(Exception):  # whatever is wrong with bindings and driver, jobs can run
        return Nvml()
    program = which("nvidia-smi", os.environ.get("PATH", os.defpath))
    return None if program is None else NvidiaSmi(program)


class Nvml:
    """NVIDIA's own library. Each question may fail on some GPU that does not know the answer."""

    def __init__(self) -> None:
        """Raises whatever there is where it cannot be used."""
        nvml: Any = import_module("pynvml")  # only for those who have installed it
        nvml.nvmlInit()
        self._nvml = nvml
        count = nvml.nvmlDeviceGetCount()
        self._devices = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)]
        if not self._devices:
            raise OSError("no GPU")
        self._since_us = [0] * len(self._devices)

    def read(self) -> Mapping[int, GpuUse]:
        found: dict[int, GpuUse] = {}
        for number in range(len(self._devices)):
            here = self._memory(self._devices[number])
            for pid, use in self._use(number).items():
                here[pid] = GpuUse(here[pid].memory_bytes if pid in here else None, use)
            for pid, use_here in here.items():
                found[pid] = found[pid].plus(use_here) if pid in found else use_here
        return found

    def _memory(self, device: Any) -> dict[int, GpuUse]:
        found: dict[int, GpuUse] = {}
        for kind in ("Compute", "Graphics"):
            with suppress(Exception):
                ask = getattr(self._nvml, f"nvmlDeviceGet{kind}RunningProcesses")
                for process in ask(device):
                    size = process.usedGpuMemory
                    known = size is not None and 0 <= size < _MOST_BYTES
                    found[process.pid] = GpuUse(int(size) if known else None, None)
        return found

    def _use(self, number: int) -> dict[int, float]:
        """Since it was asked for the last time: the newest sample of each process."""
        newest: dict[int, tuple[int, float]] = {}
        with suppress(Exception):
            samples = self._nvml.nvmlDeviceGetProcessUtilization(
                self._devices[number], self._since_us[number]
            )
            for sample in samples:
                if sample.timeStamp > self._since_us[number] and 0 <= sample.smUtil <= 100:
                    at_us, _ = newest.get(sample.pid, (0, 0.0))
                    if sample.timeStamp >= at_us:
                        newest[sample.pid] = sample.timeStamp, sample.smUtil / 100
            times = [at_us for at_us, _ in newest.values()]
            self._since_us[number] = max([self._since_us[number], *times])
        return {pid: use for pid, (_, use) in newest.items()}

    def close(self) -> None:
        with suppress(Exception):
            self._nvml.nvmlShutdown()


class NvidiaSmi:
    """One `nvidia-smi` that says each second what there is; read when there is something."""

    def __init__(self, program: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._program, self._clock = program, clock
        self._ways = [_MONITOR, _MEMORY_ONLY]
        self._known: dict[tuple[str, int], tuple[float, GpuUse]] = {}  # by GPU and process
        self._columns: list[str] = []
        self._rest = b""
        self._pid = self._pipe = -1
        self._start()

    def read(self) -> Mapping[int, GpuUse]:
        now_s = self._clock()
        if self._pipe >= 0:
            self._take(now_s)
        found: dict[int, GpuUse] = {}
        for key, (at_s, use) in list(self._known.items()):
            if now_s - at_s > STALE_S:
                del self._known[key]
            else:
                found[key[1]] = found[key[1]].plus(use) if key[1] in found else use
        return found

    def close(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pipe = -1

    def _start(self) -> None:
        """The next way to ask; none where all have failed."""
        if not self._ways:
            return
        ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(theirs, True)
        try:
            self._pid = os.posix_spawn(
                self._program,
                (self._program, *self._ways.pop(0)),
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs, 1),
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsigdef=(signal.SIGPIPE,),  # it ends with flowc, however that ends
                setsigmask=(),
            )
            self._pipe, self._columns = ours, []
        except OSError:
            os.close(ours)
        finally:
            os.close(theirs)

    def _take(self, now_s: float) -> None:
        """What has been said since the last time."""
        try:
            data = os.read(self._pipe, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:  # it has ended, which it should not
            said = bool(self._known)
            self.close()
            if not said:
                self._start()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            row = self._row(line.decode("ascii", "replace").split())
            if row is not None:
                gpu, pid, use = row
                self._known[gpu, pid] = now_s, use

    def _row(self, words: list[str]) -> tuple[str, int, GpuUse] | None:
        """A process's line of either way; None for any other."""
        if words[:2] == ["#", "gpu"]:
            self._columns = words[1:]
        if not words or words[0].startswith("#"):
            return None
        if not self._columns:  # "PID, MIB"
            pid, size = words[0].rstrip(","), words[1] if len(words) == 2 else ""
            if not pid.isdecimal():
                return None
            return "", int(pid), GpuUse(_number(size, MIB), None)
        cells = dict(zip(self._columns, words, strict=False))
        if len(cells) < len(self._columns) or not cells.get("pid", "").isdecimal():
            return None
        percent = _number(cells.get("sm", ""))
        use = None if percent is None else percent / 100
        return cells["gpu"], int(cells["pid"]), GpuUse(_number(cells.get("fb", ""), MIB), use)


def _number(text: str, unit: int = 1) -> int | None:
    return int(text) * unit if text.isdecimal() else None
