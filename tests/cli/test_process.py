"""flowc as a process: start-up, streams, signals, and its own bugs."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc import __version__

Flowc = Callable[..., tuple[int, str, str]]
FLOWC = [sys.executable, "-P", "-m", "flowc"]


def test_version_loads_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "sys.argv = ['flowc', '--version']\n"
        "from flowc.cli import entry; code = entry()\n"
        "print(sorted(set(sys.modules) - before)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"flowc {__version__}\n['flowc', 'flowc.cli']\n"


def test_version_is_quick() -> None:
    """60 ms of CPU, Python's own start included."""

    def spent_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*FLOWC, "--version"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(spent_s() for _ in range(3)) < 0.06


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_help(flowc: Flowc, argv: list[str]) -> None:
    code, out, _ = flowc(*argv)
    assert code == 0 and "exit codes:" in out and "completion" in out
    assert flowc("help", "plan") == flowc("plan", "--help")


def test_a_reader_that_goes_away(flowc: Flowc, tmp_path: Path) -> None:
    names = ",".join(f"n{i}" for i in range(3000))
    command = f"'{sys.executable}' -P -m flowc plan --all --config 'names=[{names}]' | head -n 1"
    for i in range(3000):
        (tmp_path / f"n{i}.txt").touch()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[:2] == ["rule", "jobs"]


def test_a_full_disk(flowc: Flowc) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*FLOWC, "plan"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error[os-error]: ") and "Traceback" not in done.stderr


def test_a_bug_is_one_message(flowc: Flowc, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("flowc.api.compile_file", broken)
    code, out, err = flowc("graph")
    assert (code, out) == (70, "")
    assert err.startswith("flowc has a bug: KeyError: 'x' at ") and "Traceback" not in err
    monkeypatch.setenv("FLOWC_DEBUG", "1")
    with pytest.raises(KeyError):
        flowc("graph")


def test_ctrl_c_anywhere(flowc: Flowc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flowc.api.compile_file", interrupted)
    assert flowc("graph") == (130, "", "")


SLOW = 'rule slow:\n    output: "slow.txt"\n    shell: "sleep 60; touch {output}"\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_a_run(flowc: Flowc, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "Workflowfile").write_text(SLOW)
    child = subprocess.Popen([*FLOWC, "run"], stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    logs = tmp_path / ".flowc/runs"
    until = time.monotonic() + 50
    while not (logs.is_dir() and any("job-submitted" in p.read_text() for p in logs.iterdir())):
        assert time.monotonic() < until and child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    _, err = child.communicate(timeout=50)
    assert child.returncode == 128 + number
    assert "Traceback" not in err
    assert not (tmp_path / "slow.txt").exists()


def test_python_s_own_warnings_about_expressions_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "Workflowfile").write_text("""
wildcard_constraints: s="[[a-z]+"

rule a:
    input: re.sub("[a||b]", "x", "a") + "/ab.txt"

rule b:
    output: "x/{s}.txt"
    shell: "echo {wildcards.s} > {output}"
""")
    done = subprocess.run([*FLOWC, "plan"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "b(s=ab)" in done.stdout
