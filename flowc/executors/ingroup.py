"""Processes that are in a cgroup (version 2) from their first moment on; what is left of groups.

To move a process to a group takes some 15 ms, in which the kernel waits for all others, and what it
has used or started before stays where it was. So it is made there, as far as the kernel can.

The fork server imports this, if at all; so nothing of flowc is imported here.
"""

from __future__ import annotations

import marshal
import os
import sys
import time

TYPE_CHECKING = False  # `typing` would take longer than all the rest
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable, Mapping
else:
    import _signal as signal  # `signal` without its enums, which take 6 ms

PREFIX = "flowc-"
"""How the names of groups begin. A process id follows, and a number."""
OWN = f"{PREFIX}self"
"""The group that flowc moves to when it divides the one in which it is alone."""
_UNITE_TRIES = 100
_TIDY_LOOKS, _TIDY_LOOK_S = 100, 0.02
_CLONE3, _VFORK, _INTO_CGROUP = 435, 1 << 14, 1 << 33
_MOST_BYTES = 1 << 16


class Maker:
    """Makes processes in groups."""

    def __init__(self, default_signals: Iterable[int]) -> None:
        self._default_signals = tuple(default_signals)
        self._clone = _find_clone()

    def make(
        self, group: str, program: str, argv: tuple[str, ...], env: Mapping[bytes, bytes], log: int
    ) -> int | None:
        """Start a program, as the leader of a process group, without input, its output to `log`.
        None where the kernel makes no process in a group; raises OSError where the program is not
        to be had."""
        if self._clone is None:
            return None
        failed, tell = os.pipe()
        try:
            pid = self._clone(group)
            if pid == 0:
                self._become(program, argv, env, log, tell)
            os.close(tell)
            if pid < 0:
                return None
            told = os.read(failed, _MOST_BYTES)
        finally:
            os.close(failed)
        if told:
            os.waitpid(pid, 0)
            raise OSError(*marshal.loads(told))
        return pid

    def _become(
        self,
        program: str,
        argv: tuple[str, ...],
        env: Mapping[bytes, bytes],
        log: int,
        tell: int,
    ) -> None:
        """In the new process: be the program, or tell why not. Never returns."""
        try:
            for number in self._default_signals:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.setpgid(0, 0)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(1, 2)
            os.execve(program, argv, env)
        except OSError as fault:
            os.write(tell, marshal.dumps((fault.errno, fault.strerror)))
        except ValueError as fault:
            os.write(tell, marshal.dumps((0, str(fault))))
        finally:
            os._exit(127)


def attach(group: str, pid: int) -> bool:
    """Move a process to a group; False where it has ended, or the kernel refuses."""
    return _is_written(f"{group}/cgroup.procs", pid)


def tidy(place: str, flowc: int) -> None:
    """Remove the groups below `place` of a flowc that was killed, by its process id."""
    for _ in range(_TIDY_LOOKS):
        try:
            names = [name for name in os.listdir(place) if name.startswith(f"{PREFIX}{flowc}-")]
        except OSError:  # it is gone with all that was in it
            return
        if not names:
            return
        for name in names:
            end(f"{place}/{name}")
            remove(f"{place}/{name}")
        time.sleep(_TIDY_LOOK_S)


def end(group: str) -> bool:
    """Kill all that is in a group; False where the kernel cannot."""
    return _is_written(f"{group}/cgroup.kill", 1)


def remove(group: str) -> bool:
    """Whether a group is gone, with those that were made below it: not while there is a process."""
    try:
        os.rmdir(group)
    except FileNotFoundError:
        return True
    except OSError:
        for path, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                return False
    return True


def unite(place: str) -> None:
    """Make one group again of one that flowc had divided: else nobody could ever enter it."""
    own = f"{place}/{OWN}"
    try:
        write(f"{place}/cgroup.subtree_control", "-memory")
        for _ in range(_UNITE_TRIES):  # what is in it may make others meanwhile
            with open(f"{own}/cgroup.procs", encoding="ascii") as file:
                pids = file.read().split()
            if not pids:
                break
            for pid in pids:
                attach(place, int(pid))
        os.rmdir(own)
    except OSError:
        pass  # somebody else has changed it, or it is no more


def write(path: str, value: int | str) -> None:
    """To a file of the kernel's. Raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)  # it is there, or not for us
    try:
        os.write(file, str(value).encode())
    finally:
        os.close(file)


def _is_written(path: str, value: int | str) -> bool:
    try:
        write(path, value)
    except OSError:
        return False
    return True


def _find_clone() -> Callable[[str], int] | None:
    """A fork whose child is in a group: 0 in the child, negative where the kernel refuses. The
    parent waits until the child is another program: they would copy memory for each other."""
    try:
        import ctypes  # late: 10 ms; and some Pythons have none

        syscall = ctypes.PyDLL(None).syscall
    except (ImportError, OSError, AttributeError):
        return None

    def clone(group: str) -> int:
        try:
            fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return -1
        fields = (_VFORK | _INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, fd)
        data = b"".join([int(field).to_bytes(8, sys.byteorder) for field in fields])
        try:
            return int(syscall(ctypes.c_long(_CLONE3), data, ctypes.c_size_t(len(data))))
        finally:
            os.close(fd)

    return clone
