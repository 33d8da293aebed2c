"""Exits without pidfd, as on kernels before 5.3."""

import os

from flowc.executors.exits import ExitWatch


def _spawn(*argv: str) -> int:
    return os.posix_spawn(argv[0], argv, dict(os.environ))


def test_without_pidfd() -> None:
    watch = ExitWatch(use_pidfd=False)
    try:
        quick, slow = _spawn("/bin/true"), _spawn("/bin/sleep", "0.2")
        for pid in (quick, slow):
            watch.add(pid)
        order: list[int] = []
        while len(order) < 2:
            for pid in watch.wait(None):
                order.append(pid)
                os.waitpid(pid, 0)
                watch.remove(pid)
        assert order == [quick, slow]
        assert watch.wait(0.0) == []
    finally:
        watch.close()
