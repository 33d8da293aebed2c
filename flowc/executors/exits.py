"""Noticing that child processes end, without polling."""

import os
import select
import signal

_LOOK_S = 1.0
"""Without pidfd: another thread of this process might take the signal, so look now and then."""


class ExitWatch:
    """Watches processes of this one's own; they are left for `wait4`.

    With a pidfd for each process where the kernel (5.3) has them; else SIGCHLD is held back and
    waited for.
    """

    def __init__(self, *, use_pidfd: bool | None = None) -> None:
        self._use_pidfd = _has_pidfd() if use_pidfd is None else use_pidfd
        self._pid_of: dict[int, int] = {}  # by pidfd
        self._fd_of: dict[int, int] = {}
        self._pids: set[int] = set()
        self._old_mask: set[signal.Signals] | set[int] | None = None
        if self._use_pidfd:
            self._epoll = select.epoll()
        else:
            self._old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})

    def add(self, pid: int) -> None:
        if not self._use_pidfd:
            self._pids.add(pid)
            return
        fd = os.pidfd_open(pid)
        self._epoll.register(fd, select.EPOLLIN)
        self._pid_of[fd] = pid
        self._fd_of[pid] = fd

    def remove(self, pid: int) -> None:
        """It has been reaped."""
        if not self._use_pidfd:
            self._pids.discard(pid)
            return
        fd = self._fd_of.pop(pid)
        del self._pid_of[fd]
        # Closing alone is not enough: a child that is just being made may hold a copy for a while.
        self._epoll.unregister(fd)
        os.close(fd)

    def wait(self, timeout_s: float | None) -> list[int]:
        """Processes that have ended and are not removed yet; blocks until there is one, at most
        so long. May return early with none."""
        if self._use_pidfd:
            ready = self._epoll.poll(timeout_s)
            return [self._pid_of[fd] for fd, _ in ready]
        ended = self._look()
        if ended or timeout_s == 0:
            return ended
        patience = _LOOK_S if timeout_s is None else min(timeout_s, _LOOK_S)
        signal.sigtimedwait({signal.SIGCHLD}, patience)
        return self._look()

    def close(self) -> None:
        if self._use_pidfd:
            for fd in self._pid_of:
                os.close(fd)
            self._epoll.close()
        elif self._old_mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._old_mask)
        self._pid_of.clear()
        self._fd_of.clear()
        self._pids.clear()

    def _look(self) -> list[int]:
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return [pid for pid in self._pids if os.waitid(os.P_PID, pid, flags) is not None]


def _has_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True
