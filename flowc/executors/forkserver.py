"""The program that makes the processes of a run and waits for their ends; `spawn` talks to it.

It runs as a process of its own, for three reasons. Making a process stops its maker until the new
program has begun, and meanwhile flowc has better things to do. The kernel counts a maker's memory
as its child's peak, and this one is small. And it outlives flowc when flowc is killed: it then
ends all tasks, since nobody else would.

It reads messages from its standard input and writes messages to its standard output. A message is
a length of 4 bytes, little-endian, and a tuple in `marshal`'s form:

    (START, at_most, number, program, argv, env, log, cwd, group)
                                                    env is added to that of SETTINGS; cwd or None;
                                                    group: None, or the path of the cgroup to start
                                                    in, and whether flowc has divided its own;
                                                    at_most: None, or the task waits here until
                                                    fewer than so many run
    (RECALL,)                                       all that wait
    (SIGNAL, number, signal)                        to the group of a task; one that waits is
                                                    recalled
    (SETTINGS, run, pid, env, default_signals)      the first one: flowc's, and what all tasks have
    (CLOSE,)                                        all is well: the last one

    (STARTED, number, pid, at_s, monotonic_s)
    (FAILED, number, errno, text, is_log)           it was not started; is_log: for its log's sake
    (ENDED, number, status, at_s, monotonic_s, user_s, system_s, maxrss_kib, blocks_in, blocks_out,
     group_lives)
    (RETURNED, number)                              it waited, and will not be started: recalled, or
                                                    a task has not ended well

Nothing of flowc is imported here before it is needed, so that it starts fast and stays small.
"""

from __future__ import annotations

import marshal
import os
import select
import time

TYPE_CHECKING = False  # `typing` would take longer than all the rest
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any

    from flowc.executors.ingroup import Maker
else:
    import _signal as signal  # `signal` without its enums, which take 6 ms

SETTINGS, START, SIGNAL, CLOSE, RECALL = 0, 1, 2, 3, 4
STARTED, FAILED, ENDED, RETURNED = 10, 11, 12, 13

_HEAD_BYTES = 4
_CHUNK_BYTES = 1 << 16
_GATHER_MS = 2
"""A start is told so late at most: many a task has ended by then, and flowc wakes up once."""
_SHORT_S = 1.0
"""Of a longer task the log is kept, even if it is empty: somebody may look for it."""
_LOG_FLAGS = os.O_WRONLY | os.O_APPEND
_STDIN = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
_STDERR = (os.POSIX_SPAWN_DUP2, 1, 2)
_ORPHAN_LOOKS = (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL)
_ORPHAN_GRACE_S = 0.3


class Server:
    """What the process knows."""

    def __init__(self) -> None:
        self.mark = b""
        self.flowc = 0  # its process id
        self.env: dict[bytes, bytes] = {}
        self.default_signals: tuple[int, ...] = ()
        self.home = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self.number_of: dict[int, int] = {}  # by process id
        self.pid_of: dict[int, int] = {}
        self.log_of: dict[int, tuple[str, float]] = {}  # by process id: its log, since when
        self.unused_logs: list[str] = []  # of short tasks that have ended and said nothing
        self.waiting: dict[int, tuple[Any, ...]] = {}  # by number: what START says, in order
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.is_urgent = False  # something in the outbox should be told at once
        self.group: tuple[str, bool] | None = None  # of the last task that has one, as in START
        self.maker: Maker | None = None

    def serve(self) -> bool:
        """Until told to close: True. False: flowc is gone."""
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _note)
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(wake, select.POLLIN)
        is_stuck = False
        while True:
            patience = None if not self.outbox or is_stuck else _GATHER_MS
            ready = [fd for fd, _ in poll.poll(patience)]
            if wake in ready:
                os.read(wake, _CHUNK_BYTES)
                self.reap()
            if 0 in ready:
                data = os.read(0, _CHUNK_BYTES)
                if not data:
                    return False
                self.inbox += data
                if not self.read():
                    return True
            if self.outbox and (self.is_urgent or is_stuck or not ready):
                try:
                    del self.outbox[: os.write(1, self.outbox)]
                except BlockingIOError:
                    pass
                except BrokenPipeError:
                    return False
                self.is_urgent = False
                if bool(self.outbox) != is_stuck:
                    is_stuck = not is_stuck
                    if is_stuck:
                        poll.register(1, select.POLLOUT)
                    else:
                        poll.unregister(1)

    def read(self) -> bool:
        """Do what the inbox says; False: it says to close."""
        for message in taken(self.inbox):
            if message[0] == START:
                if message[1] is None:
                    self.start(*message[2:])
                else:
                    self.waiting[message[2]] = message[1:]
                    self.start_waiting()
                if self.number_of:
                    self.reap()
            elif message[0] == SIGNAL:
                self.signal(*message[1:])
            elif message[0] == RECALL:
                self.give_back()
            elif message[0] == SETTINGS:
                run, self.flowc, self.env, self.default_signals = message[1:]
                self.mark = b"FLOWC_JOB=" + run + b":"
            else:
                return False
        return True

    def start(
        self,
        number: int,
        program: str,
        argv: tuple[str, ...],
        env: dict[bytes, bytes],
        log: str,
        cwd: str | None,
        group: tuple[str, bool] | None,
    ) -> None:
        if os.getppid() != self.flowc:  # killed, and its last wishes are still in the pipe
            return
        at_s, began_s = time.time(), time.monotonic()
        try:
            fd = self.open_log(log)
        except (OSError, ValueError) as fault:
            self.tell(FAILED, number, *_words(fault), True)
            return
        try:
            if cwd is not None:
                os.chdir(cwd)
            full = {**self.env, **env}
            if group is None:
                pid = self.spawn(program, argv, full, fd)
            else:
                pid = self.spawn_in(group, program, argv, full, fd)
        except (OSError, ValueError) as fault:
            self.tell(FAILED, number, *_words(fault), False)
            return
        finally:
            os.close(fd)
            if cwd is not None:
                os.fchdir(self.home)
        self.number_of[pid] = number
        self.pid_of[number] = pid
        self.log_of[pid] = (log, began_s)
        self.tell(STARTED, number, pid, at_s, began_s)

    def open_log(self, path: str) -> int:
        """A log, empty. It gets the file of one that was not used, if there is one: to make a file
        takes longer than to start a task, on some file systems; and nobody misses empty logs."""
        if path in self.unused_logs:  # of the same task, which runs again
            self.unused_logs.remove(path)
        elif self.unused_logs:
            try:
                os.rename(self.unused_logs.pop(), path)
                return os.open(path, _LOG_FLAGS)
            except OSError:  # somebody else has removed it, or a directory
                pass
        return os.open(path, _LOG_FLAGS | os.O_CREAT | os.O_TRUNC, 0o666)

    def start_waiting(self) -> None:
        """Start those for which there is room by now."""
        while self.waiting:
            number, (at_most, *what) = next(iter(self.waiting.items()))
            if len(self.number_of) >= at_most:
                return
            del self.waiting[number]
            self.start(*what)

    def give_back(self) -> None:
        for number in self.waiting:
            self.tell(RETURNED, number)
        self.waiting.clear()

    def spawn(self, program: str, argv: tuple[str, ...], env: dict[bytes, bytes], log: int) -> int:
        return os.posix_spawn(
            program,
            argv,
            env,
            file_actions=(_STDIN, (os.POSIX_SPAWN_DUP2, log, 1), _STDERR),
            setpgroup=0,
            setsigdef=self.default_signals,
            setsigmask=(),
        )

    def spawn_in(
        self,
        group: tuple[str, bool],
        program: str,
        argv: tuple[str, ...],
        env: dict[bytes, bytes],
        log: int,
    ) -> int:
        from flowc.executors import ingroup  # late: few machines let flowc make groups

        if self.maker is None:
            self.maker = ingroup.Maker(self.default_signals)
        self.group = group
        pid = self.maker.make(group[0], program, argv, env, log)
        if pid is None:
            pid = self.spawn(program, argv, env, log)
            ingroup.attach(group[0], pid)
        return pid

    def signal(self, number: int, which: int) -> None:
        pid = self.pid_of.get(number)
        if self.waiting.pop(number, None) is not None:
            self.tell(RETURNED, number)
        elif pid is not None:  # not reaped: so the number is still its own
            send(os.killpg, pid, which)

    def reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self.number_of.pop(pid)
            del self.pid_of[number]
            self.is_urgent = True
            group_lives = send(os.killpg, pid, 0)
            log, began_s = self.log_of.pop(pid)
            is_short = time.monotonic() - began_s < _SHORT_S
            if is_short and status == 0 and not group_lives and _is_unused(log):
                self.unused_logs.append(log)
            self.tell(
                ENDED,
                number,
                status,
                time.time(),
                time.monotonic(),
                used.ru_utime,
                used.ru_stime,
                used.ru_maxrss,
                used.ru_inblock,
                used.ru_oublock,
                group_lives,
            )
            if status != 0 or group_lives:
                self.give_back()
            self.start_waiting()

    def tell(self, *message: Any) -> None:
        self.outbox += framed(message)
        if message[0] in (FAILED, RETURNED):
            self.is_urgent = True

    def end_all(self) -> None:
        """End whatever the run has started, by its mark."""
        for which in _ORPHAN_LOOKS:
            pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
            found = [pid for pid in pids if pid != os.getpid() and self.has_mark(pid)]
            if not found:
                return
            for pid in found:
                for one in (which, signal.SIGCONT):
                    send(os.kill, pid, one)
            time.sleep(_ORPHAN_GRACE_S)
            self.reap()

    def leave_groups(self) -> None:
        """Remove what flowc has made for tasks, once they have ended."""
        if self.group is not None:
            from flowc.executors import ingroup  # late: as above

            place = os.path.dirname(self.group[0])
            ingroup.tidy(place, self.flowc)
            if self.group[1]:
                ingroup.unite(place)

    def has_mark(self, pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                data = file.read()
        except OSError:
            return False
        return data.startswith(self.mark) or b"\0" + self.mark in data


def framed(message: tuple[Any, ...]) -> bytes:
    """A message as it is written."""
    data = marshal.dumps(message)
    return len(data).to_bytes(_HEAD_BYTES, "little") + data


def taken(inbox: bytearray) -> list[tuple[Any, ...]]:
    """The messages that have come as a whole; they are gone from the inbox."""
    found, at = [], 0
    while len(inbox) - at >= _HEAD_BYTES:
        start = at + _HEAD_BYTES
        end = start + int.from_bytes(inbox[at:start], "little")
        if len(inbox) < end:
            break
        found.append(marshal.loads(inbox[start:end]))
        at = end
    del inbox[:at]
    return found


def _is_unused(log: str) -> bool:
    """Whether nobody has written to a log, nor can: a daemon may still have it open."""
    import fcntl  # late: nodes do without it

    try:
        fd = os.open(log, os.O_RDONLY)
    except OSError:
        return False
    try:
        if os.fstat(fd).st_size:
            return False
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)  # refused if it is open for writing
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _words(fault: OSError | ValueError) -> tuple[int, str]:
    if isinstance(fault, OSError):
        return fault.errno or 0, fault.strerror or str(fault)
    return 0, str(fault)


def send(how: Callable[[int, int], None], pid: int, which: int) -> bool:
    """Send a signal (0: none) to a process (`os.kill`) or to a group (`os.killpg`); whether there
    was one."""
    try:
        how(pid, which)
    except ProcessLookupError:
        return False
    except PermissionError:  # it has changed its user: it is there all the same
        return True
    return True


def _note(number: int, frame: object) -> None:
    """The wake-up pipe tells; but a signal needs a handler to be caught at all."""


def main() -> None:
    # With handlers, and not ignored: what a handler catches is at its default in a new program.
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGPIPE,
        signal.SIGIO,
    ):
        signal.signal(number, _note)
    os.set_blocking(1, False)
    server = Server()
    if not server.serve() and server.mark:
        server.end_all()
        server.leave_groups()
