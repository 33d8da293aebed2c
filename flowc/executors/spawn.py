"""Starting a process as cheaply as the system can: `posix_spawn`, which does not copy flowc."""

import errno
import os
import signal
from collections.abc import Mapping

from flowc.executors.base import Task
from flowc.executors.marks import VARIABLE
from flowc.machine import which

_RESET = sorted(
    number
    for number in signal.valid_signals()
    if number not in (signal.SIGKILL, signal.SIGSTOP) and number < 32
)
"""Python ignores SIGPIPE, and a shell may have had others ignored: tasks start with none so."""
_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STDIN = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
_STDERR = (os.POSIX_SPAWN_DUP2, 1, 2)
_MARK = VARIABLE.encode()
_CHANGE_DIRECTORY = ("/bin/sh", "-c", 'cd "$0" && exec "$@"')
"""`posix_spawn` cannot change the directory; a shell can."""


class NotStartedError(Exception):
    """A task's process could not be made. The exit code is the one that a shell would give."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message


class Spawner:
    """Starts processes; remembers where programs are and how the environment looks."""

    def __init__(self, run: str) -> None:
        self._run = os.fsencode(run)
        self._base = {key: value for key, value in os.environb.items() if key and b"=" not in key}
        self._programs: dict[str, str] = {}
        self._environments: dict[tuple[tuple[str, str], ...], dict[bytes, bytes]] = {}

    def spawn(self, task: Task) -> int:
        """The process id. Raises NotStartedError."""
        argv = task.argv
        environment = self._environment(task.env).copy()
        environment[_MARK] = b"%s:%d:%d" % (self._run, task.job, task.attempt)
        if task.cwd is not None:
            if not os.path.isdir(task.cwd):
                raise NotStartedError(126, f"{task.cwd}: no such directory")
            self._find(argv[0], environment, task.cwd)  # for the message, if it is not there
            argv = (*_CHANGE_DIRECTORY, os.path.abspath(task.cwd), *argv)
        actions = (_STDIN, (os.POSIX_SPAWN_OPEN, 1, task.log, _LOG_FLAGS, 0o666), _STDERR)
        program = self._find(argv[0], environment, None)
        for _ in range(2):
            try:
                return os.posix_spawn(
                    program,
                    argv,
                    environment,
                    file_actions=actions,
                    setsid=True,
                    setsigdef=_RESET,
                    setsigmask=(),
                )
            except ValueError as fault:  # a null byte
                raise NotStartedError(126, f"{argv[0]}: {fault}") from None
            except OSError as fault:
                if fault.errno == errno.ENOEXEC and argv[1:2] != (program,):
                    # A script that names no interpreter: shells take it for one of their own.
                    argv = ("bash", program, *argv[1:])
                    program = which("bash", os.environ.get("PATH", os.defpath)) or "/bin/sh"
                    continue
                if fault.errno == errno.ENOENT and self._programs.pop(argv[0], None) is not None:
                    program = self._find(argv[0], environment, None)  # it has moved
                    continue
                raise _explain(fault, argv[0], task.log) from None
        raise NotStartedError(126, f"{argv[0]}: cannot be executed")

    def _environment(self, added: Mapping[str, str]) -> dict[bytes, bytes]:
        key = tuple(added.items())
        found = self._environments.get(key)
        if found is None:
            if len(self._environments) > 64:
                self._environments.clear()
            found = dict(self._base)
            found.update((os.fsencode(name), os.fsencode(value)) for name, value in key)
            self._environments[key] = found
        return found

    def _find(self, name: str, environment: Mapping[bytes, bytes], cwd: str | None) -> str:
        """The path of a program, looked for as a shell does. Raises NotStartedError."""
        found = self._programs.get(name)
        if found is not None and environment.get(b"PATH") == self._base.get(b"PATH"):
            return found
        if "/" in name:
            path = os.path.join(cwd, name) if cwd is not None else name
            if os.path.isdir(path):
                raise NotStartedError(126, f"{name}: is a directory")
            if not os.path.exists(path):
                raise NotStartedError(127, f"{name}: no such file or directory")
            if not os.access(path, os.X_OK):
                raise NotStartedError(126, f"{name}: permission denied")
            return path
        search = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
        program = which(name, search)
        if program is None:
            raise NotStartedError(127, f"{name}: command not found")
        if environment.get(b"PATH") == self._base.get(b"PATH"):
            self._programs[name] = program
        return program


def _explain(fault: OSError, name: str, log: str) -> NotStartedError:
    if fault.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.EISDIR, errno.EROFS):
        try:  # the file actions fail with the same error as the program does
            os.close(os.open(log, _LOG_FLAGS, 0o666))
        except OSError as log_fault:
            return NotStartedError(126, f"cannot write the log {log}: {log_fault.strerror}")
    text = (fault.strerror or str(fault)).lower()
    return NotStartedError(127 if fault.errno == errno.ENOENT else 126, f"{name}: {text}")
