"""Grid Engine through DRMAA: what the library is told, and what becomes of its answers.

The library is a made-up one here; tests/clusters has the real one.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError
from flowc.executors.base import Capacity, Setup
from flowc.executors.drmaa import DrmaaQueue, make_drmaa
from flowc.executors.drmaa_session import environment
from flowc.executors.grid.base import (
    Ask,
    Batch,
    LaterError,
    NoAnswerError,
    RefusedError,
    State,
)

PLAYED = """
class Session:
    JOB_IDS_SESSION_ANY, TIMEOUT_NO_WAIT = "any", 0
    ended, known = [], []
    def initialize(self): pass
    def createJobTemplate(self): return type("Template", (), {})()
    def deleteJobTemplate(self, template): pass
    def runBulkJobs(self, template, first, last, step):
        print("noise on the standard output")
        how = template.jobName
        if how.startswith("denied"): raise errors.DeniedByDrmException("code 17: no such queue")
        if how.startswith("full"):
            raise errors.DeniedByDrmException("only 1 jobs are allowed per user")
        if how.startswith("later"): raise errors.TryLaterException("code 20")
        if how.startswith("silent"): raise errors.DrmCommunicationException("unable to contact")
        if how.startswith("dies"): import os; os._exit(3)
        if how.startswith("hangs"): import time; time.sleep(60)
        with open(template.outputPath[1:].rpartition("/")[0] + "/told", "w") as file:
            print(template.outputPath, template.nativeSpecification, file=file)
        ids = [f"7.{n}" for n in range(first, last + 1)]
        usage = {"cpu": "1.5", "ru_maxrss": "2048.0", "ru_wallclock": "3.0", "exit_status": "0.0"}
        Session.ended = [Info(ids[0], True, 0, usage), Info(ids[1], True, 143, usage),
                         Info(ids[2], False, 0, {}, "SIGKILL")]
        return ids
    def wait(self, which, timeout):
        if not Session.ended: raise errors.ExitTimeoutException("code 23")
        return Session.ended.pop(0)
class Info:
    def __init__(self, jobId, hasExited, exitStatus, usage, signal=""):
        self.jobId, self.hasExited, self.exitStatus = jobId, hasExited, exitStatus
        self.resourceUsage, self.hasSignal, self.terminatedSignal = usage, bool(signal), signal
class errors: pass
for name in ("DeniedByDrm", "TryLater", "DrmCommunication", "ExitTimeout", "InvalidJob"):
    setattr(errors, name + "Exception", type(name + "Exception", (Exception,), {}))
"""
QSTAT = "#!/bin/sh\necho '<job_info/>'\n"


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrmaaQueue:
    (tmp_path / "drmaa.py").write_text(PLAYED)
    for name in ("qstat", "qacct"):
        program = tmp_path / name
        program.write_text(QSTAT)
        program.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return DrmaaQueue(timeout_s=5.0)


def batch(name: str, directory: Path) -> Batch:
    words = (("account", "lab"),)
    return Batch(name, (1, 2, 3), Ask("k", 2, 2**30, 60.0, (), words), "/s", str(directory))


def test_an_array_is_submitted_and_its_ends_are_told_once(
    queue: DrmaaQueue, tmp_path: Path
) -> None:
    place = tmp_path / "it's 5%"
    place.mkdir()
    assert queue.submit(batch("well", place)) == "7"
    told = (place / "told").read_text()
    assert told.startswith(f":{place}/$drmaa_incr_ph$.out ")
    assert "-C '' -w e -r n -notify -pe smp 2 -l h_vmem=768M -l h_rt=60 -A lab" in told
    found = queue.status(["7"])
    assert {key: (s.state, s.exit_code, s.name) for key, s in found.items()} == {
        ("7", 1): (State.ENDED, 0, "well"),
        ("7", 2): (State.ENDED, None, "well"),  # why, the accounting has to tell
        ("7", 3): (State.ENDED, None, "well"),
    }
    used = queue.accounts(["7"])
    first = used["7", 1]
    assert (first.cpu_s, first.wall_s, first.peak_rss_bytes) == (1.5, 3.0, 2**21)
    assert (used["7", 2].exit_code, used["7", 3].cause) == (143, "signal")
    assert queue.status(["7"]) == found, "as long as somebody asks"
    assert queue.status([]) == {} and queue.accounts([]) == {}
    queue.close()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("denied", RefusedError),
        ("full", LaterError),
        ("later", LaterError),
        ("silent", NoAnswerError),
        ("dies", NoAnswerError),
    ],
)
def test_what_faults_mean(
    queue: DrmaaQueue, tmp_path: Path, name: str, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        queue.submit(batch(name, tmp_path))
    assert queue.submit(batch("well", tmp_path)) == "7", "the next one goes on"
    queue.close()


def test_a_library_that_does_not_answer_is_given_up(tmp_path: Path, queue: DrmaaQueue) -> None:
    hasty = DrmaaQueue(timeout_s=1.0)
    with pytest.raises(NoAnswerError, match="no answer"):
        hasty.submit(batch("hangs", tmp_path))
    hasty.close()


def test_a_library_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drmaa.py").write_text("raise RuntimeError('Could not find drmaa library')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RefusedError, match="cannot be used"):
        DrmaaQueue().submit(batch("well", tmp_path))


def test_variables_that_must_be_set_before_python_starts() -> None:
    env = environment({"GLIBC_TUNABLES": "glibc.malloc.check=1", "DRMAA_LIBRARY_PATH": "/x"})
    assert env["DRMAA_LIBRARY_PATH"] == "/x"
    assert env["GLIBC_TUNABLES"].startswith("glibc.malloc.check=1:glibc.rtld.optional_static_tls=")
    set_already: Mapping[str, str] = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=9"}
    assert environment(set_already)["GLIBC_TUNABLES"] == "glibc.rtld.optional_static_tls=9"


def test_what_is_missing_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup("run", Capacity(1, 2**30), "drmaa", directory=str(tmp_path))
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", str(tmp_path / "none.so"))
    (tmp_path / "drmaa.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WorkflowError, match=r"none\.so` is not there"):
        make_drmaa(setup)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "site-packages" not in p][1:])
    monkeypatch.delitem(sys.modules, "drmaa", raising=False)
    with pytest.raises(WorkflowError, match="needs the package `drmaa`"):
        make_drmaa(setup)
