"""A DRMAA session in a process of its own, which does what it is told: a line of JSON each way.

The library has to be found, and room made for it, by variables that are set before Python starts;
and a call of it may never return. So it is not loaded where flowc runs.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

READY = "ready"
"""The only word of the first line, where the session could be opened."""
MORE_TLS = "glibc.rtld.optional_static_tls=16384"
"""Grid Engine's library brings jemalloc, which needs more of this than is kept for what is loaded
late."""
# fmt: off
LIBRARIES = (
    "{root}/lib/lx-amd64/libdrmaa.so", "{root}/lib/lx-arm64/libdrmaa.so",
    "{root}/lib/linux-x64/libdrmaa.so", "/usr/lib/gridengine-drmaa/lib/libdrmaa.so.1.0",
    "/usr/lib/gridengine-drmaa/lib/libdrmaa.so",
)
# fmt: on


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """That of the process: `DRMAA_LIBRARY_PATH` is found where it is not set."""
    found = dict(env)
    root = env.get("SGE_ROOT", "/var/lib/gridengine")
    paths = [pattern.format(root=root) for pattern in LIBRARIES]
    path = next((path for path in paths if os.path.exists(path)), None)
    if path is not None:
        found.setdefault("DRMAA_LIBRARY_PATH", path)
    tunables = env.get("GLIBC_TUNABLES", "")
    if "optional_static_tls" not in tunables:
        found["GLIBC_TUNABLES"] = f"{tunables}:{MORE_TLS}" if tunables else MORE_TLS
    return found


class Session:
    """What the library does, for a caller who sends texts and numbers."""

    def __init__(self) -> None:
        import drmaa  # loads the library

        self._drmaa = drmaa
        self._session = drmaa.Session()
        self._session.initialize()
        self.do: Mapping[str, Callable[..., Any]] = {
            "submit": self.submit,
            "ended": self.ended,
            "control": self.control,
        }

    def submit(
        self, name: str, script: str, elements: Sequence[int], output: str, native: str
    ) -> list[str]:
        """The ids of the elements of an array."""
        template = self._session.createJobTemplate()
        try:
            template.remoteCommand = script
            template.jobName = name
            template.workingDirectory = "/"
            template.joinFiles = True
            template.outputPath = f":{output}"
            template.nativeSpecification = native
            first, last = elements[0], elements[-1]
            return list(self._session.runBulkJobs(template, first, last, 1))
        finally:
            self._session.deleteJobTemplate(template)

    def ended(self) -> list[dict[str, Any]]:
        """Those of the session that have ended since it was asked last."""
        found: list[dict[str, Any]] = []
        session, errors = self._drmaa.Session, self._drmaa.errors
        while True:
            try:
                info = self._session.wait(session.JOB_IDS_SESSION_ANY, session.TIMEOUT_NO_WAIT)
            except (errors.ExitTimeoutException, errors.InvalidJobException):
                return found  # none for now; none at all
            found.append(
                {
                    "id": info.jobId,
                    "code": info.exitStatus if info.hasExited else None,
                    "signal": info.terminatedSignal if info.hasSignal else "",
                    "usage": dict(info.resourceUsage or {}),
                }
            )

    def control(self, action: str, ids: Sequence[str]) -> None:
        """`suspend` or `resume`. What has ended meanwhile is no fault."""
        word = getattr(self._drmaa.JobControlAction, action.upper())
        errors = self._drmaa.errors
        for id in ids:
            try:
                self._session.control(id, word)
            except (
                errors.InvalidJobException,
                errors.SuspendInconsistentStateException,
                errors.ResumeInconsistentStateException,
            ):
                continue


def main() -> int:
    """Until nobody talks to it any more. What the library prints is nobody's answer."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def answer(kind: str, what: Any) -> None:
        answers.write(json.dumps([kind, what]) + "\n")
        answers.flush()

    try:
        session = Session()
    except Exception as fault:  # whatever the library, or its absence, raises
        answer(type(fault).__name__, str(fault))
        return 1
    answer(READY, None)
    for line in sys.stdin:
        what, words = json.loads(line)
        try:
            answer("", session.do[what](**words))
        except Exception as fault:
            answer(type(fault).__name__, str(fault))
    return 0
