"""Starting processes without waiting for them: a small process (`forkserver`) does the work."""

from __future__ import annotations

import errno
import os
import select
import sys

from flowc.dataclass import dataclass
from flowc.executors import forkserver
from flowc.executors.marks import VARIABLE
from flowc.machine import which
from flowc.suppress import suppress

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from typing import Any

    from flowc.executors.base import Task
else:
    import _signal as signal  # `signal` without its enums, which take 6 ms

_RESET = tuple(
    sorted(
        int(number)
        for number in signal.valid_signals()
        if number not in (signal.SIGKILL, signal.SIGSTOP) and number < 32
    )
)
"""Python ignores SIGPIPE, and a shell may have had others ignored: tasks start with none so."""
_MARK = VARIABLE.encode()
_START = """
import sys
sys.path.append(sys.argv.pop())
from flowc.executors import forkserver
del sys.path[-1]
forkserver.main()
"""
_ROOT = os.path.abspath(f"{forkserver.__file__}/../../..")
_CHUNK_BYTES = 1 << 16


class NotStartedError(Exception):
    """A task's process could not be made. The exit code is the one that a shell would give."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message


class LostError(Exception):
    """The fork server is gone, and with it all knowledge of how tasks end."""


@dataclass(frozen=True, slots=True)
class Started:
    number: int
    pid: int
    at_s: float
    began_s: float  # monotonic


@dataclass(frozen=True, slots=True)
class Failed:
    number: int
    why: NotStartedError


@dataclass(frozen=True, slots=True)
class Returned:
    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    number: int
    status: int  # as of `wait`
    at_s: float
    ended_s: float  # monotonic
    user_s: float
    system_s: float
    peak_rss_kib: int  # not less than what the fork server has itself: some 10 MB
    blocks_in: int
    blocks_out: int
    group_lives: bool  # whether other processes of its group are there, perhaps as zombies


@dataclass(slots=True)
class _Request:
    """A start that has not been answered."""

    task: Task
    program: str
    env: dict[bytes, bytes]
    argv: tuple[str, ...]
    group: tuple[str, bool] | None


class Spawner:
    """Talks to a fork server of its own; remembers where programs are.

    Each start has a number, by which all is told. What is sent may be sent from a signal handler,
    also in the middle of sending something else.
    """

    def __init__(self, run: str, *, as_copy: bool = False) -> None:
        """`as_copy`: the fork server is a copy of this process, which is small and has one thread:
        it is there at once. Raises OSError where no process can be made."""
        self._run = os.fsencode(run)
        self._path = os.environb.get(b"PATH")
        self._programs: dict[str, str] = {}
        self._environments: dict[tuple[tuple[str, str], ...], dict[bytes, bytes]] = {}
        self._asked: dict[int, _Request] = {}
        self._outbox: list[bytes] = []
        self._is_sending = False
        self._inbox = bytearray()
        self._pid, self._to, self._from = _start(_copy if as_copy else _program, self._run)
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        base = {key: value for key, value in os.environb.items() if key and b"=" not in key}
        self._send(forkserver.SETTINGS, self._run, os.getpid(), base, _RESET)

    def start(
        self,
        number: int,
        task: Task,
        group: tuple[str, bool] | None = None,
        at_most: int | None = None,
    ) -> None:
        """Ask for a process. Raises NotStartedError where it is known at once that none can be.
        `group`: the path of the cgroup it is to be in, and whether flowc has divided its own.
        `at_most`: only once fewer than so many run; if one ends badly before, it is returned."""
        env = self._environment(task.env).copy()
        cwd = task.cwd
        if cwd is not None and not os.path.isdir(cwd):
            raise NotStartedError(126, f"{cwd}: no such directory")
        program = self._find(task.argv[0], env, cwd)
        env[_MARK] = b"%s:%d:%d" % (self._run, task.job, task.attempt)
        self._ask(number, _Request(task, program, env, task.argv, group), at_most)

    def recall(self) -> None:
        """Have all returned that wait for others to end."""
        self._send(forkserver.RECALL)

    def signal(self, number: int, which: int) -> None:
        """Send a signal to the group of a task whose end has not been told."""
        self._send(forkserver.SIGNAL, number, int(which))

    def wait(self, timeout_s: float | None) -> list[Started | Failed | Ended | Returned]:
        """What has happened; blocks until something has, at most so long. Raises LostError."""
        if not self._poll.poll(None if timeout_s is None else timeout_s * 1000):
            return []
        data = os.read(self._from, _CHUNK_BYTES)
        if not data:
            raise LostError
        self._inbox += data
        replies = map(self._understand, forkserver.taken(self._inbox))
        return [reply for reply in replies if reply is not None]

    def close(self) -> None:
        """Let it go. Tasks that still run are no longer looked after."""
        self._send(forkserver.CLOSE)
        os.close(self._to)
        os.close(self._from)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    # ---- messages

    def _ask(self, number: int, request: _Request, at_most: int | None = None) -> None:
        self._asked[number] = request
        task = request.task
        cwd = None if task.cwd is None else os.path.abspath(task.cwd)
        self._send(
            forkserver.START,
            at_most,
            number,
            request.program,
            request.argv,
            request.env,
            task.log,
            cwd,
            request.group,
        )

    def _understand(self, message: tuple[Any, ...]) -> Started | Failed | Ended | Returned | None:
        kind = message[0]
        if kind == forkserver.ENDED:
            return Ended(*message[1:])
        request = self._asked.pop(message[1])
        if kind == forkserver.STARTED:
            return Started(*message[1:])
        if kind == forkserver.RETURNED:
            return Returned(*message[1:])
        _, number, code, text, is_log = message
        name = request.task.argv[0]
        if is_log:
            why = f"cannot write the log {request.task.log}: {text}"
            return Failed(number, NotStartedError(126, why))
        if code == errno.ENOEXEC and request.argv is request.task.argv:
            # A script that names no interpreter: shells take it for one of their own.
            request.argv = ("bash", request.program, *request.task.argv[1:])
            request.program = which("bash", os.environ.get("PATH", os.defpath)) or "/bin/sh"
            self._ask(number, request)
            return None
        if code == errno.ENOENT and self._programs.pop(name, None) is not None:
            try:
                request.program = self._find(name, request.env, request.task.cwd)  # it has moved
            except NotStartedError as fault:
                return Failed(number, fault)
            self._ask(number, request)
            return None
        exit_code = 127 if code == errno.ENOENT else 126
        return Failed(number, NotStartedError(exit_code, f"{name}: {text.lower()}"))

    def _send(self, *message: Any) -> None:
        self._outbox.append(forkserver.framed(message))
        while self._outbox and not self._is_sending:
            self._is_sending = True
            try:
                while self._outbox:
                    left = memoryview(self._outbox.pop(0))
                    while left:
                        left = left[os.write(self._to, left) :]
            except BrokenPipeError:  # it is gone: whoever waits will hear
                self._outbox.clear()
            finally:
                self._is_sending = False

    # ---- programs

    def _environment(self, added: Mapping[str, str]) -> dict[bytes, bytes]:
        key = tuple(added.items())
        found = self._environments.get(key)
        if found is None:
            if len(self._environments) > 64:
                self._environments.clear()
            found = {os.fsencode(name): os.fsencode(value) for name, value in key}
            self._environments[key] = found
        return found

    def _find(self, name: str, added: Mapping[bytes, bytes], cwd: str | None) -> str:
        """The path of a program, looked for as a shell does. Raises NotStartedError."""
        is_usual = b"PATH" not in added
        found = self._programs.get(name) if is_usual else None
        if found is not None:
            return found
        if "/" in name:
            path = os.path.join(cwd, name) if cwd is not None else name
            if os.path.isdir(path):
                raise NotStartedError(126, f"{name}: is a directory")
            if not os.path.exists(path):
                raise NotStartedError(127, f"{name}: no such file or directory")
            if not os.access(path, os.X_OK):
                raise NotStartedError(126, f"{name}: permission denied")
            return os.path.abspath(path)
        usual = os.fsencode(os.defpath) if self._path is None else self._path
        program = which(name, os.fsdecode(added.get(b"PATH", usual)))
        if program is None:
            raise NotStartedError(127, f"{name}: command not found")
        program = os.path.abspath(program)
        if is_usual:
            self._programs[name] = program
        return program


def _start(
    make: Callable[[int, int, tuple[int, int], bytes], int], run: bytes
) -> tuple[int, int, int]:
    """A fork server: its process id, and the ends of the pipes to it and from it."""
    theirs_in, to = os.pipe()
    come, theirs_out = os.pipe()
    try:
        pid = make(theirs_in, theirs_out, (to, come), run)
    except OSError:
        os.close(to)
        os.close(come)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    return pid, to, come


def _program(read: int, write: int, ours: tuple[int, int], run: bytes) -> int:
    # With a mark of this run: should flowc be killed, the next run makes sure that this is gone and
    # starts nothing more. Not with another's: where flowc itself is a task, who ends it must not
    # end this as well, which has to end what it has started.
    env = {key: value for key, value in os.environb.items() if key and b"=" not in key}
    env[_MARK] = run + b":server"
    python = sys.executable or which("python3", os.environ.get("PATH", os.defpath)) or "python3"
    return os.posix_spawn(
        python,
        (python, "-I", "-S", "-c", _START, _ROOT),
        env,
        file_actions=((os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_DUP2, write, 1)),
        setsid=True,
        setsigdef=_RESET,
        setsigmask=(),
    )


def _copy(read: int, write: int, ours: tuple[int, int], run: bytes) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(read, 0)
        os.dup2(write, 1)
        for fd in (read, write, *ours):  # or it would never see that this process is gone
            if fd > 2:
                os.close(fd)
        forkserver.main()
    finally:
        os._exit(0)
