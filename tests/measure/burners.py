"""Programs that use a known amount of something, for a known time.

burners.py cores KIND N SECONDS     N busy "threads" or "processes"
burners.py work KIND N CPU_S        N "threads" or "processes" that each use so much CPU time
burners.py forks N CPU_S            so many processes, one after the other, each with so much
burners.py memory MB SECONDS        so much memory, every page written to
burners.py shared MB N SECONDS      so much memory, inherited by N processes
burners.py tree SECONDS             processes that fork and end, one after the other
"""

import hashlib
import os
import sys
import threading
import time


def busy(until_s: float) -> None:
    """Without holding Python's lock, so that threads are busy at once."""
    block = bytes(1 << 20)
    while time.monotonic() < until_s:
        hashlib.blake2b(block)


def fork(work: object, *arguments: object) -> int:
    pid = os.fork()
    if pid == 0:
        work(*arguments)  # type: ignore[operator]
        os._exit(0)
    return pid


def cores(kind: str, count: str, duration_s: str) -> None:
    until_s = time.monotonic() + float(duration_s)
    if kind == "threads":
        threads = [threading.Thread(target=busy, args=(until_s,)) for _ in range(int(count))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for pid in [fork(busy, until_s) for _ in range(int(count))]:
            os.waitpid(pid, 0)


def spend(cpu_s: float) -> None:
    """However busy the machine is, this is what it takes."""
    block = bytes(1 << 18)
    until_s = time.thread_time() + cpu_s
    while time.thread_time() < until_s:
        hashlib.blake2b(block)


def spend_and_stay(cpu_s: float, stay_s: float) -> None:
    spend(cpu_s)
    time.sleep(stay_s)


def work(kind: str, count: str, cpu_s: str) -> None:
    # All of them are there at once for a while, though one be quicker: looks may come late.
    each = (float(cpu_s), 0.3 if int(count) > 1 else 0.0)
    if kind == "threads":
        threads = [threading.Thread(target=spend_and_stay, args=each) for _ in range(int(count))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for pid in [fork(spend_and_stay, *each) for _ in range(int(count))]:
            os.waitpid(pid, 0)


def forks(count: str, cpu_s: str) -> None:
    for _ in range(int(count)):
        os.waitpid(fork(spend, float(cpu_s)), 0)


def memory(size_mb: str, duration_s: str) -> None:
    block = bytearray(int(size_mb) << 20)
    block[::4096] = b"x" * len(block[::4096])
    time.sleep(float(duration_s))


def shared(size_mb: str, count: str, duration_s: str) -> None:
    block = bytearray(int(size_mb) << 20)
    block[::4096] = b"x" * len(block[::4096])
    for pid in [fork(time.sleep, float(duration_s)) for _ in range(int(count))]:
        os.waitpid(pid, 0)


def tree(duration_s: str) -> None:
    until_s = time.monotonic() + float(duration_s)
    while time.monotonic() < until_s:
        os.waitpid(fork(busy, time.monotonic() + 0.03), 0)


if __name__ == "__main__":
    kinds = [cores, work, forks, memory, shared, tree]
    {kind.__name__: kind for kind in kinds}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
