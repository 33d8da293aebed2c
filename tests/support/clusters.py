"""A real Slurm and a real Grid Engine, started for the tests that ask for one.

Where they cannot be started, such a test is skipped and says why. `FLOWC_CLUSTERS=required` makes
it fail instead, `FLOWC_CLUSTERS=no` starts none. What the tests have started, they end.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "clusters"
BASE = Path(os.environ.get("TMPDIR", "/tmp")) / "flowc-clusters"
_STARTED = "FLOWC_TESTS_STARTED"
"""Names the file where the processes of a test session say which clusters they have started."""
_UP_S = 600
_PIDS = {
    "slurm": {"controller": "slurmctld.pid", "node": "slurmd.t1.pid", "accounting": "slurmdbd.pid"},
    "sge": {"controller": "qmaster/qmaster.pid", "node": "execd/*/execd.pid"},
}
_QUEUES = {
    "slurm": (["squeue", "-h"], ["scancel", "-u", "root"]),
    "sge": (["qstat", "-u", "*"], ["qdel", "-f", "-u", "*"]),
}
"""How to see the queue, and how to end everything that is in it."""


@dataclass(frozen=True)
class Cluster:
    """One that runs. Clients find it by `env`."""

    name: str
    env: dict[str, str]

    def call(self, *argv: str, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            argv, cwd="/", env=self.env, capture_output=True, text=True, timeout=timeout_s
        )

    def pid(self, daemon: str) -> int:
        """Of `controller` or `node`; Slurm has `accounting` as well."""
        (file,) = (BASE / f"{self.name}-tests").glob(_PIDS[self.name][daemon])
        return int(file.read_text())

    def kill(self, daemon: str) -> None:
        """With -9. `up` starts it again."""
        pid = self.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{pid}/exe"))  # a zombie has none

    def forget(self) -> None:
        """Kill the controller, and start it without its state: it knows no job, and begins to count
        anew."""
        self.kill("controller")
        base = BASE / f"{self.name}-tests"
        if self.name == "slurm":
            shutil.rmtree(base / "state")
        else:
            shutil.rmtree(base / "qmaster" / "jobs", ignore_errors=True)
            (base / "qmaster" / "jobseqnum").write_text("1\n")
        self.up()

    def empty(self) -> None:
        """Cancel what earlier tests have left in the queue, and wait until it is gone."""
        look, end = _QUEUES[self.name]
        self.call(*end)
        eventually(lambda: not self.call(*look).stdout.strip())

    def up(self) -> None:
        """Start what does not run."""
        for daemon in _PIDS[self.name]:
            self.call("kill", "-CONT", str(self.pid(daemon)))
        done = _script(f"{self.name}-up")
        assert done.returncode == 0, done.stderr


def eventually(holds: Callable[[], object], timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


@pytest.fixture(params=["slurm", "sge"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Each in turn. Tests in other processes may use it at the same time."""
    yield from _shared(request.param)


@pytest.fixture
def slurm() -> Iterator[Cluster]:
    yield from _shared("slurm")


@pytest.fixture
def sge() -> Iterator[Cluster]:
    yield from _shared("sge")


@pytest.fixture
def lone_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The one of the `cluster` parameter, for nobody else: its daemons may be killed."""
    with alone(request.param) as found:
        yield found


@contextmanager
def alone(name: str) -> Iterator[Cluster]:
    """One for nobody else, with an empty queue."""
    with _locked(name, fcntl.LOCK_EX):
        found = _started(name)
        found.empty()
        try:
            yield found
        finally:
            found.up()


def pytest_configure(config: pytest.Config) -> None:
    """In the process that the others come from, if there are others."""
    if not hasattr(config, "workerinput"):
        handle, os.environ[_STARTED] = tempfile.mkstemp(prefix="flowc-tests-")
        os.close(handle)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    notes = Path(os.environ.pop(_STARTED))
    for name in sorted(set(notes.read_text().split())):
        _script(f"{name}-down")
    notes.unlink()


def _shared(name: str) -> Iterator[Cluster]:
    with _locked(name, fcntl.LOCK_SH):
        yield _started(name)


def _started(name: str) -> Cluster:
    done = _script(f"{name}-up")
    if done.returncode:
        _without(name, done.stderr.strip())
    if "already" not in done.stdout:
        with open(os.environ[_STARTED], "a", encoding="utf-8") as notes:
            notes.write(f"{name}\n")
    env = dict(os.environ)
    for line in (BASE / f"{name}-tests" / "env").read_text().splitlines():
        variable, _, value = line.partition("=")
        env[variable] = value
    env["PATH"] = os.pathsep.join(filter(None, [env.pop("FLOWC_TESTS_PATH", ""), env["PATH"]]))
    return Cluster(name, env)


def _without(name: str, fault: str) -> NoReturn:
    said = f"no cluster for tests ({name}): {fault}"
    if os.environ.get("FLOWC_CLUSTERS") == "required":
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


def _why_not() -> str:
    """Why none can be started here; "" if one can."""
    if os.environ.get("FLOWC_CLUSTERS") == "no":
        return "FLOWC_CLUSTERS is `no`"
    if os.geteuid() != 0:
        return "only root can start one"
    if shutil.which("apt-get") is None:
        return "it is made of Debian's packages, and there is no apt-get"
    return ""


def _script(name: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(SCRIPTS / name)],
        capture_output=True,
        text=True,
        timeout=_UP_S,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    """Those who disturb a cluster wait for those who use it, and the other way round.

    Whoever starts one holds it too, else what a test has killed were started under its hands.
    """
    if fault := _why_not():
        _without(name, fault)
    BASE.mkdir(exist_ok=True)
    with open(BASE / f"{name}-tests.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, how)
        yield
