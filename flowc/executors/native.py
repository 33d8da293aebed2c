"""`posix_spawn` that lets other threads run while the kernel makes the process.

Python's own holds the interpreter's lock until the child has executed its program, most of a
millisecond in which flowc could look after the job that has just ended. A call through `ctypes`
gives the lock back.
"""

import ctypes
import os
import signal
from collections.abc import Iterable, Mapping, Sequence

_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80  # glibc's <spawn.h>
_ROOM_BYTES = 1024  # more than any libc's posix_spawnattr_t, posix_spawn_file_actions_t, sigset_t


def load() -> "NativeSpawn | None":
    """None where the system's C library is another one than glibc."""
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
        return NativeSpawn(ctypes.CDLL(None, use_errno=False))
    except (OSError, ValueError, AttributeError):
        return None


class NativeSpawn:
    """Starts programs in a session of their own, signals reset, stdin /dev/null, both outputs in
    one log."""

    def __init__(self, libc: ctypes.CDLL) -> None:
        self._spawn = libc.posix_spawn
        self._init_actions = libc.posix_spawn_file_actions_init
        self._add_open = libc.posix_spawn_file_actions_addopen
        self._add_dup2 = libc.posix_spawn_file_actions_adddup2
        self._destroy_actions = libc.posix_spawn_file_actions_destroy
        self._attributes = ctypes.create_string_buffer(_ROOM_BYTES)
        default = ctypes.create_string_buffer(_ROOM_BYTES)
        nothing = ctypes.create_string_buffer(_ROOM_BYTES)
        libc.sigemptyset(nothing)
        libc.sigemptyset(default)
        for number in _reset():
            libc.sigaddset(default, number)
        libc.posix_spawnattr_init(self._attributes)
        libc.posix_spawnattr_setsigdefault(self._attributes, default)
        libc.posix_spawnattr_setsigmask(self._attributes, nothing)
        flags = ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID)
        libc.posix_spawnattr_setflags(self._attributes, flags)

    def __call__(
        self,
        program: bytes,
        argv: Sequence[bytes],
        environment: Mapping[bytes, bytes],
        log: bytes,
        log_flags: int,
    ) -> int:
        """The process id. Raises OSError, and ValueError for a null byte."""
        actions = ctypes.create_string_buffer(_ROOM_BYTES)
        self._init_actions(actions)
        try:
            self._add_open(actions, 0, b"/dev/null", os.O_RDONLY, 0)
            self._add_open(actions, 1, _c(log), log_flags, 0o666)
            self._add_dup2(actions, 1, 2)
            pid = ctypes.c_int()
            fault = self._spawn(
                ctypes.byref(pid),
                _c(program),
                actions,
                self._attributes,
                _array(argv),
                _array([b"%s=%s" % pair for pair in environment.items()]),
            )
        finally:
            self._destroy_actions(actions)
        if fault:
            raise OSError(fault, os.strerror(fault))
        return pid.value


def _reset() -> Iterable[int]:
    kept = (signal.SIGKILL, signal.SIGSTOP)
    return [n for n in signal.valid_signals() if n not in kept and n < 32]


def _c(text: bytes) -> bytes:
    if b"\0" in text:
        raise ValueError("embedded null byte")
    return text


def _array(items: Sequence[bytes]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * (len(items) + 1))(*[_c(item) for item in items], None)
