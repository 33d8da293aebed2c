"""Figures of GPUs, told by a made-up `nvidia-smi` and a made-up NVML; silence without them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from flowc.cli.main import main
from flowc.measure.gpu import GpuReader, GpuUse, NvidiaSmi, Nvml, open_gpus
from flowc.measure.sample import Sampler
from flowc.sizing.profile import read_profile
from flowc.units import MIB

HEAD = """\
# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command
# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name
"""
OLD_HEAD = """\
# gpu        pid  type    sm   mem   enc   dec    fb   command
# Idx          #   C/G     %     %     %     %    MB   name
"""
ROW = "0 42 C 50 10 - - - - 300 0 python\n"
# fmt: off
SAID = {  #                   what `nvidia-smi pmon` says                           of process 42
    "one GPU":       (HEAD + ROW,                                                   (300, 0.5)),
    "two GPUs":      (HEAD + ROW + "1 42 C 90 1 - - - - 200 0 a\n",                 (500, 1.4)),
    "an old one":    (OLD_HEAD + "0 42 C 7 1 - - 120 a b c\n",                      (120, 0.07)),
    "memory alone":  (HEAD + "0 42 C - - - - - - 300 0 python\n",                   (300, None)),
    "use alone":     (HEAD + "0 42 G 30 - - - - - - - Xorg\n",                      (None, 0.3)),
    "nobody":        (HEAD + "0 - - - - - - - - - - -\n",                           None),
    "another":       (HEAD + "0 43 C 50 10 - - - - 300 0 python\n",                 None),
    "a newer one":   (HEAD + ROW + "0 42 C 8 1 - - - - 80 0 a\n",                   (80, 0.08)),
    "nonsense":      ("Failed to initialize NVML: Driver/library version mismatch\n", None),
    "cut off":       (HEAD + ROW + "0 42 C 9",                                      (300, 0.5)),
    "no columns":    ("42, 300\n43, 7\n",                                           (300, None)),
    "not supported": ("42, [N/A]\n",                                                (None, None)),
}
# fmt: on


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program of that name, which runs this, before all others; no NVML is there."""
    monkeypatch.setitem(sys.modules, "pynvml", None)

    def write(script: str) -> Path:
        path = tmp_path / "bin" / "nvidia-smi"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        return path

    return write


def told(reader: GpuReader, enough: Callable[[Mapping[int, GpuUse]], bool]) -> Mapping[int, GpuUse]:
    """What is told in the end."""
    until_s = time.monotonic() + 50
    found = reader.read()
    while not enough(found) and time.monotonic() < until_s:
        time.sleep(0.01)
        found = reader.read()
    return found


@pytest.mark.parametrize(("said", "expected"), SAID.values(), ids=SAID)
def test_what_nvidia_smi_says(
    smi: Callable[[str], Path],
    tmp_path: Path,
    said: str,
    expected: tuple[int | None, float | None] | None,
) -> None:
    (tmp_path / "said").write_text(said + "\n0 1 C 1 1 - - - - 1 0 end\n1, 1\n")
    reader = NvidiaSmi(str(smi(f"cat {tmp_path}/said; sleep 60")))
    found = told(reader, lambda found: 1 in found).get(42)
    reader.close()
    if expected is None:
        assert found is None
        return
    assert found is not None
    size, use = expected
    assert found.memory_bytes == (None if size is None else size * MIB)
    assert found.use == (None if use is None else pytest.approx(use))


def test_what_was_said_long_ago_is_over(smi: Callable[[str], Path]) -> None:
    now = [0.0]
    reader = NvidiaSmi(str(smi("echo '42, 300'; sleep 60")), lambda: now[0])
    assert told(reader, lambda found: 42 in found)
    now[0] = 10.0
    assert reader.read() == {}
    reader.close()


def test_where_pmon_is_not_known_the_memory_is_asked_for(smi: Callable[[str], Path]) -> None:
    script = "case $1 in pmon) exit 3;; --query*) echo '42, 300'; sleep 60;; esac"
    reader = NvidiaSmi(str(smi(script)))
    assert told(reader, lambda found: 42 in found) == {42: GpuUse(300 * MIB, None)}
    reader.close()


def test_an_nvidia_smi_that_fails_is_left_alone(smi: Callable[[str], Path], tmp_path: Path) -> None:
    path = smi(f"echo x >> {tmp_path}/calls; exit 9")
    reader = NvidiaSmi(str(path))
    calls = tmp_path / "calls"
    told(reader, lambda found: calls.exists() and calls.read_text() == "x\nx\n")
    for _ in range(20):
        assert reader.read() == {}
        time.sleep(0.01)
    reader.close()
    assert calls.read_text() == "x\nx\n", "both ways were tried, once each"
    path.write_text("no program at all")
    broken = NvidiaSmi(str(path))
    assert broken.read() == {}
    broken.close()


def test_without_both_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert open_gpus() is None


def nvml(devices: int = 2, broken: str = "") -> ModuleType:
    """A library with that many GPUs. Process 42 is on all; the function `broken` fails."""
    module = ModuleType("pynvml")

    def processes(device: int) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(pid=42, usedGpuMemory=(device + 1) * 100 * MIB),
            SimpleNamespace(pid=43, usedGpuMemory=None),
            SimpleNamespace(pid=44, usedGpuMemory=2**64 - 1),
        ]

    def samples(device: int, since_us: int) -> list[SimpleNamespace]:
        use = [(42, 10, 90), (42, 30, 40), (42, 20, 70), (45, 5, 10), (46, 40, 2**31)]
        return [SimpleNamespace(pid=p, timeStamp=t, smUtil=u) for p, t, u in use if t > since_us]

    for name, function in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: devices,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetComputeRunningProcesses": processes,
        "nvmlDeviceGetGraphicsRunningProcesses": lambda device: [],
        "nvmlDeviceGetProcessUtilization": samples,
    }.items():
        setattr(module, name, function if name != broken else _failing)
    return module


def _failing(*arguments: object) -> object:
    raise RuntimeError("Not Supported")


def test_what_nvml_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    reader = open_gpus()
    assert isinstance(reader, Nvml)
    first = reader.read()
    assert first[42] == GpuUse(300 * MIB, 0.8)  # the newest sample of each GPU
    assert first[43] == first[44] == GpuUse(None, None)
    assert first[45] == GpuUse(None, 0.2)
    assert 46 not in first
    assert reader.read()[42] == GpuUse(300 * MIB, None)  # nothing has happened since
    reader.close()


def test_what_a_gpu_does_not_tell_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(broken="nvmlDeviceGetProcessUtilization"))
    assert Nvml().read()[42] == GpuUse(300 * MIB, None)
    for name in ("nvmlInit", "nvmlDeviceGetCount"):
        monkeypatch.setitem(sys.modules, "pynvml", nvml(broken=name))
        monkeypatch.setenv("PATH", "/nowhere")
        assert open_gpus() is None
    monkeypatch.setitem(sys.modules, "pynvml", nvml(devices=0))
    assert open_gpus() is None


def test_a_job_has_what_its_processes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen(["sleep", "0.4"], start_new_session=True)
    library = nvml(devices=1)
    own = SimpleNamespace(pid=process.pid, usedGpuMemory=70 * MIB)
    library.nvmlDeviceGetGraphicsRunningProcesses = lambda device: [own]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    sampler = Sampler()
    sampler.watch(process.pid)
    process.wait()
    series = sampler.forget(process.pid)
    sampler.close()
    assert series is not None
    assert (series.gpu_memory_peak_bytes, series.gpu_use_peak) == (70 * MIB, None)


def test_it_is_in_the_profile(
    smi: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The job tells the made-up `nvidia-smi` which process it is."""
    monkeypatch.chdir(tmp_path)
    smi(
        "while sleep 0.1; do echo '# gpu pid type sm mem fb command'; "
        f'[ -s {tmp_path}/pid ] && echo "0 $(cat {tmp_path}/pid) C 80 5 512 x"; done'
    )
    Path("Workflowfile").write_text(
        "rule train:\n    output: 'model'\n    shell: 'echo $$ > pid; sleep 1.5; touch {output}'\n"
    )
    assert main(["profile", "-c", "1", "-q", "-o", "p.json"]) == 0
    ((_, attempt),) = read_profile("p.json").attempts()
    assert attempt.gpu_memory_peak_bytes == 512 * MIB
    assert attempt.gpu_use_peak == pytest.approx(0.8)
    series = attempt.series
    assert len(series["gpu_use"]) == len(series["gpu_memory_bytes"]) == len(series["t_s"])
    assert max(size or 0 for size in series["gpu_memory_bytes"]) == 512 * MIB
    capfd.readouterr()
    assert main(["profile", "show", "p.json", "--jobs"]) == 0
    assert "0.8 with 512 MB" in capfd.readouterr().out
