"""Grid Engine through DRMAA: arrays are submitted by a call of a library, which is some 10 times
faster than `qsub`, and tells of ends and usage without being asked about each.

All that DRMAA has no words for is said in Grid Engine's own: one query for everything, finding a
batch by its name, and what has become of jobs of a session that was lost (`qacct`).
"""

import json
import os
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from flowc.dataclass import replace
from flowc.diagnostic import fail
from flowc.executors.base import Executor, Setup
from flowc.executors.drmaa_session import READY, environment
from flowc.executors.grid.base import (
    Account,
    Batch,
    Element,
    LaterError,
    NoAnswerError,
    RefusedError,
    State,
    Status,
)
from flowc.executors.grid.commands import Commands
from flowc.executors.sge import GridEngine, fault_of, grid_engine, output_path
from flowc.site import Site

_RUN = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from flowc.executors.drmaa_session import main; sys.exit(main())"
)
_SAID_NO = (
    "DeniedByDrmException",
    "InternalException",
    "InvalidAttributeFormatException",
    "InvalidAttributeValueException",
)
_LATER = ("TryLaterException",)
_NO_LIBRARY = ("RuntimeError", "OSError", "ModuleNotFoundError", "ImportError", "AttributeError")


class Library:
    """The session's process. It is started when it is needed, and anew after it was lost."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def ask(self, what: str, **words: Any) -> Any:
        """What comes of a call. RefusedError, LaterError or NoAnswerError where it fails."""
        if self._process is None:
            self._start()
        return self._read(json.dumps([what, words]).encode() + b"\n")

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _start(self) -> None:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN.format(root=root)],
            env=environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for flowc
        )
        self._read(b"")

    def _read(self, request: bytes) -> Any:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
            kind, answer = json.loads(self._line())
        except (OSError, ValueError) as fault:
            self._kill()
            raise NoAnswerError(f"the DRMAA library has ended: {fault}") from None
        if kind == READY or not kind:
            return answer
        if not request:
            self.close()
        raise _fault(kind, answer)

    def _line(self) -> bytes:
        """The next line of its answers."""
        assert self._process is not None and self._process.stdout is not None
        until_s = time.monotonic() + self._timeout_s
        while b"\n" not in self._rest:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([self._process.stdout], [], [], left_s)[0]:
                raise OSError(f"no answer in {self._timeout_s:g} s")
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise OSError("it has said nothing more")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.close()


class DrmaaQueue:
    """A `Queue`."""

    name = "drmaa"
    sparse = False
    element, job, restarts = GridEngine.element, GridEngine.job, GridEngine.restarts

    def __init__(
        self, site: Site | None = None, timeout_s: float = 120.0, *, suspends: bool = False
    ) -> None:
        """`suspends`: whether jobs are stopped while a run is paused."""
        self.suspend = self._suspend if suspends else None
        self._words = GridEngine(site)
        self._programs = Commands(self._words, timeout_s)
        self._library = Library(timeout_s)
        self._names: dict[str, str] = {}
        self._ends: dict[Element, Status] = {}  # as the library has told them
        self._used: dict[Element, Account] = {}
        self.find, self.cancel = self._programs.find, self._programs.cancel
        self.cause_in, self.element_id = self._programs.cause_in, self._programs.element_id

    def submit(self, batch: Batch) -> str:
        words = ["-b", "n", "-S", "/bin/sh", "-C", "", "-w", "e", *self._words.native(batch)]
        ids = self._library.ask(
            "submit",
            name=batch.name,
            script=batch.script,
            elements=[batch.elements[0], batch.elements[-1]],
            output=output_path(batch.directory).replace("$TASK_ID", "$drmaa_incr_ph$"),
            native=shlex.join(words),
        )
        id = str(ids[0]).partition(".")[0]
        self._names[id] = batch.name
        return id

    def status(self, ids: Sequence[str]) -> Mapping[Element, Status]:
        self._forget(ids)
        with suppress(NoAnswerError, RefusedError, LaterError):  # the query tells the same
            for one in self._library.ask("ended") if self._names else ():
                self._ended(one)
        return {**self._programs.status(ids), **self._ends}

    def accounts(self, ids: Sequence[str]) -> Mapping[Element, Account]:
        """Those of `qacct`, which know causes; where it has none yet, those of the library."""
        return {**self._used, **self._programs.accounts(ids)}

    def close(self) -> None:
        self._library.close()

    def _suspend(self, elements: Sequence[Element], is_paused: bool) -> None:
        ids = [self.element_id(id, number) for id, number in elements]
        self._library.ask("control", action="suspend" if is_paused else "resume", ids=ids)

    def _ended(self, one: Mapping[str, Any]) -> None:
        id, _, number = str(one["id"]).partition(".")
        if not number.isdecimal():
            return
        key, name = (id, int(number)), self._names.get(id, "")
        code = one["code"]
        # Why one has not ended well it does not tell: the accounting does.
        self._ends[key] = Status(State.ENDED, name, exit_code=0 if code == 0 else None)
        if code is not None or one["signal"]:
            self._used[key] = account_of(name, code, str(one["signal"]), one["usage"])

    def _forget(self, ids: Sequence[str]) -> None:
        """What nobody asks about any more."""
        known = {*ids}
        for what in (self._ends, self._used):
            for key in [key for key in what if key[0] not in known]:
                del what[key]


def make_drmaa(setup: Setup) -> Executor:
    """The entry point of `--executor drmaa`."""
    if find_spec("drmaa") is None:
        raise fail(
            "bad-executor",
            "the executor `drmaa` needs the package `drmaa`",
            hint="`pip install 'flowc[drmaa]'`; or `--executor sge`, which needs none",
        )
    path = environment(os.environ).get("DRMAA_LIBRARY_PATH", "")
    if not os.path.exists(path):
        where = f"`{path}` is not there" if path else "none is where it usually is"
        raise fail(
            "bad-executor",
            f"the executor `drmaa` needs Grid Engine's DRMAA library, and {where}",
            hint="set DRMAA_LIBRARY_PATH to its path, or use `--executor sge`, which needs none",
        )
    options = dict(setup.options)
    pause = options.pop("pause", "go-on")
    if pause not in ("go-on", "suspend"):
        raise fail("bad-option", f"`pause={pause}`: jobs of a paused run `go-on`, or `suspend`")
    setup = replace(setup, options=options)
    return grid_engine(setup, lambda site: DrmaaQueue(site, suspends=pause == "suspend"))


def account_of(name: str, code: int | None, signal: str, usage: Mapping[str, str]) -> Account:
    """Usage comes as numbers in texts: seconds, bytes, and KiB for what the kernel counts so."""
    rss_kib = _number(usage, "ru_maxrss")
    return Account(
        name=name,
        cause="signal" if signal else "",
        exit_code=int(_number(usage, "exit_status") or 1) if code is None else code,
        wall_s=_number(usage, "ru_wallclock"),
        cpu_s=_number(usage, "cpu"),
        peak_rss_bytes=int(rss_kib * 1024) if rss_kib else None,
    )


def _number(usage: Mapping[str, str], name: str) -> float | None:
    try:
        return float(usage[name])
    except (KeyError, ValueError):
        return None


def _fault(kind: str, text: str) -> NoAnswerError | LaterError | RefusedError:
    """What the library's exceptions mean."""
    if kind in _SAID_NO:
        return fault_of(text)
    if kind in _LATER:
        return LaterError(text)
    if kind in _NO_LIBRARY:
        return RefusedError(f"the DRMAA library cannot be used: {text}")
    return NoAnswerError(f"{kind}: {text}")
