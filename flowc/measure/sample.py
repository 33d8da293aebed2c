"""One sampler for all running jobs: a thread that looks at their processes now and then.

A job is the tree below its first process: that process, what has it as an ancestor, and what is in
its session (each local job leads one). A process that is not part of a job when it is first seen
never becomes part of one, so only new processes have to be looked at: a look costs one listing of
`/proc` and one small file for each process of the job.

A young job is looked at every 20 ms, an old one once a second. All looks together may use
`SHARE` of one core, above a credit for beginnings; when that is used up, looks get rarer. Telling
shared memory apart has an allowance of its own, which the jobs share: it takes the kernel some
5 ms for a gigabyte. What is missed between two looks the kernel still counts: its figures at a
job's end are the floor of all that is said (see `record`).

It is a thread because a look is short: some 1 ms for 16 jobs of 4 processes each, once a second.
"""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from heapq import heappop, heappush

from flowc.measure.gpu import GpuReader, GpuUse, open_gpus
from flowc.measure.processes import TICKS_PER_S, Parts, Stat, list_pids, read_parts, read_stat
from flowc.measure.series import Moment, Series

FIRST_S = 0.005
"""From a job's start to the first look."""
SHORTEST_S, LONGEST_S = 0.02, 1.0
YOUNG_S = 1.0
"""So old, a job is looked at less and less often: `AGE_SHARE` of its age apart."""
AGE_SHARE = 0.05
SHARE, CREDIT_S = 0.003, 0.05
URGENT = 0.1
"""Where memory has changed, it is looked at so much sooner than a job's part of the allowance."""
PSS_SHARE, PSS_CREDIT_S = 0.003, 0.05
SAME = 0.02
"""A change of memory by less is none."""
PSS_FIRST_S, PSS_LONGEST_S = 0.05, 10.0
"""How far apart looks at shared memory are, while nothing changes: twice as far each time."""
GPU_EACH_S = 1.0


class Allowance:
    """CPU time that may be used: so much of one core, and a credit for when there is much to do."""

    def __init__(self, share: float, credit_s: float, now_s: float) -> None:
        self.share, self.most_s = share, credit_s
        self.left_s = credit_s
        self._at_s = now_s

    def use(self, cost_s: float, now_s: float) -> None:
        self.refill(now_s)
        self.left_s -= cost_s

    def refill(self, now_s: float) -> float:
        """What is left of it; below zero: nothing, until `-left / share` seconds have passed."""
        self.left_s = min(self.most_s, self.left_s + self.share * (now_s - self._at_s))
        self._at_s = now_s
        return self.left_s


class Watched:
    """One job while it runs."""

    __slots__ = (
        "_last_ticks",
        "_lost_ticks",
        "_parts_at_s",
        "_parts_rss_bytes",
        "_pss_at_s",
        "_pss_bytes",
        "_pss_pids",
        "_pss_rss_bytes",
        "_pss_wait_s",
        "is_told_apart",
        "pids",
        "pss_cost_s",
        "root",
        "series",
        "started_s",
    )

    def __init__(self, root: int, started_s: float, *, is_told_apart: bool = False) -> None:
        self.root = root
        self.started_s = started_s
        self.is_told_apart = is_told_apart
        self._parts_at_s = 0.0
        self._parts_rss_bytes = 0  # it has not been told apart yet
        self.pids: dict[int, int] = {}  # process id -> when it started, to tell it from another
        self.series = Series()
        self._last_ticks = 0
        self._lost_ticks = 0
        self._pss_at_s = 0.0
        self._pss_bytes: int | None = None
        self._pss_rss_bytes = 0
        self._pss_pids: list[int] = []  # of what was alive then
        self._pss_wait_s = PSS_FIRST_S
        self.pss_cost_s = 0.0  # of the last time

    def look(
        self,
        stats: dict[int, Stat],
        now_s: float,
        pss_spacing_s: float | None,
        gpus: Mapping[int, GpuUse],
    ) -> None:
        """Note what its processes use now. `pss_spacing_s`: how long ago shared memory must have
        been looked at last; None: it must not be looked at."""
        if not stats:
            return
        # A process that ends hands its time on to its parent, if that waits for it. If nobody
        # does, the sum falls: what is lost has been used all the same.
        ticks = sum([s.cpu_ticks for s in stats.values()])
        if ticks < self._last_ticks:
            self._lost_ticks += self._last_ticks - ticks
        self._last_ticks = ticks
        at_s = now_s - self.started_s
        rss_bytes = sum([s.rss_bytes for s in stats.values()])
        parts: dict[int, Parts] = {}
        if self.is_told_apart:
            parts = self._tell_apart(stats, rss_bytes, at_s, pss_spacing_s)
        gpu = GpuUse(None, None)
        for pid in gpus.keys() & stats.keys():
            gpu = gpu.plus(gpus[pid])
        moment = Moment(
            at_s,
            (ticks + self._lost_ticks) / TICKS_PER_S,
            rss_bytes,
            self._memory(stats, rss_bytes, at_s, pss_spacing_s, parts),
            sum([s.threads for s in stats.values()]),
            len(stats),
            *gpu,
        )
        self.series.add(moment)

    def _tell_apart(
        self, stats: dict[int, Stat], rss_bytes: int, at_s: float, spacing_s: float | None
    ) -> dict[int, Parts]:
        """Note all kinds of memory, whatever they are in sum; what was read for that."""
        seen = self.series
        virtual_bytes = sum([s.virtual_bytes for s in stats.values()])
        seen.virtual_peak_bytes = max(seen.virtual_peak_bytes, virtual_bytes)
        if spacing_s is None:
            return {}
        before = self._parts_rss_bytes
        if abs(rss_bytes - before) > SAME * before:
            spacing_s *= URGENT
        if before and at_s - self._parts_at_s < spacing_s:
            return {}
        self._parts_at_s, self._parts_rss_bytes = at_s, rss_bytes
        began_s = time.thread_time()
        found = {p: parts for p, s in stats.items() if s.rss_bytes and (parts := read_parts(p))}
        self.pss_cost_s += time.thread_time() - began_s
        pss_bytes = sum([parts.proportional for parts in found.values()])
        unique_bytes = sum([parts.unique for parts in found.values()])
        seen.pss_peak_bytes = max(seen.pss_peak_bytes, pss_bytes)
        seen.unique_peak_bytes = max(seen.unique_peak_bytes, unique_bytes)
        return found

    def _memory(
        self,
        stats: dict[int, Stat],
        rss_bytes: int,
        at_s: float,
        spacing_s: float | None,
        parts: Mapping[int, Parts],
    ) -> int | None:
        """Memory in use, with what is shared between processes counted once.

        Telling it apart is dear, so it is done when it may matter: when memory has changed, and
        otherwise less and less often. No look is needed where all of it is below the peak."""
        alive = [pid for pid, stat in stats.items() if stat.rss_bytes]
        if len(alive) <= 1:
            return rss_bytes
        if rss_bytes <= self.series.memory_peak_bytes:
            return None
        before = self._pss_bytes
        changed = abs(rss_bytes - self._pss_rss_bytes) > SAME * rss_bytes
        if spacing_s is not None and changed:
            spacing_s *= URGENT
        too_soon = before is not None and spacing_s is not None
        if spacing_s is None or (too_soon and at_s - self._pss_at_s < spacing_s):
            if before is None or self._pss_pids != alive:
                return None
            return max(0, rss_bytes - (self._pss_rss_bytes - before))  # as much shared as before
        if not changed and at_s - self._pss_at_s < self._pss_wait_s:
            return None
        began_s = time.thread_time()
        found = [parts.get(pid) or read_parts(pid) for pid in alive]
        self.pss_cost_s += time.thread_time() - began_s
        known = [one.proportional for one in found if one is not None]
        if len(known) < len(found):
            missed = [pid for pid, one in zip(alive, found, strict=True) if one is None]
            if any((s := read_stat(pid)) is not None and s.rss_bytes for pid in missed):
                self.series.every_pss_read = False  # not ours to read: setuid, another user's
                return rss_bytes
            if not known:
                return None
        total = sum(known)
        is_same = before is not None and abs(total - before) <= SAME * total
        self._pss_wait_s = min(self._pss_wait_s * 2, PSS_LONGEST_S) if is_same else PSS_FIRST_S
        self._pss_at_s, self._pss_bytes, self._pss_rss_bytes = at_s, total, rss_bytes
        self._pss_pids = alive
        return total

    def interval_s(self, now_s: float) -> float:
        age_s = now_s - self.started_s
        if age_s < YOUNG_S:
            return SHORTEST_S
        return min(LONGEST_S, max(SHORTEST_S, AGE_SHARE * age_s))


class Sampler:
    """Watches the jobs that it is told of. `watch` and `forget` may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pss_allowance = Allowance(PSS_SHARE, PSS_CREDIT_S, clock())
        self._jobs: dict[int, Watched] = {}  # by the first process
        self._owner: dict[int, int] = {}  # process -> the first process of its job
        self._foreign: set[int] = set()
        self._due: list[tuple[float, int]] = []
        self._gpus: GpuReader | None = None
        self._gpu_uses: Mapping[int, GpuUse] = {}
        self._gpu_at_s = clock() - GPU_EACH_S
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.cost_s = 0.0  # CPU time of all looks so far

    def watch(self, pid: int, *, tell_apart: bool = False) -> None:
        """Look at this process and all below it until `forget`. `tell_apart`: at every kind of
        memory that the kernel knows, and not only at what a job needs."""
        with self._changed:
            now_s = self._clock()
            self._jobs[pid] = Watched(pid, now_s, is_told_apart=tell_apart)
            self._owner[pid] = pid
            # It may have children that were seen before this: ids are given out in rising order.
            self._foreign = {other for other in self._foreign if other < pid}
            heappush(self._due, (now_s + FIRST_S, pid))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, pid: int) -> Series | None:
        """What has been seen of it; None for one that is not watched."""
        with self._changed:
            job = self._jobs.pop(pid, None)
            if job is None:
                return None
            for member in job.pids:
                self._owner.pop(member, None)
            self._owner.pop(pid, None)
            return job.series

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    # ---- the thread

    def _run(self) -> None:
        # Signals are for the main thread, which is waiting for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        allowance = Allowance(SHARE, CREDIT_S, self._clock())
        self._gpus = open_gpus()
        try:
            self._look_on(allowance)
        finally:
            if self._gpus is not None:
                self._gpus.close()

    def _look_on(self, allowance: Allowance) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._due:
                    self._changed.wait()
                if self._closed:
                    return
                patience_s = self._due[0][0] - self._clock()
                if patience_s > 0:
                    self._changed.wait(patience_s)
                    continue
                began_s = time.thread_time()
                pss_s = self._look()
                cost_s = time.thread_time() - began_s
            self.cost_s += cost_s
            allowance.use(cost_s - pss_s, self._clock())
            if allowance.left_s < 0:  # wait until there is some again
                self._rest(-allowance.left_s / SHARE)

    def _rest(self, duration_s: float) -> None:
        until_s = self._clock() + duration_s
        with self._changed:
            while not self._closed and (left_s := until_s - self._clock()) > 0:
                self._changed.wait(left_s)

    def _look(self) -> float:
        """Look at every job whose turn it is. CPU time that telling shared memory apart took."""
        now_s = self._clock()
        due: list[int] = []
        while self._due and self._due[0][0] <= now_s + SHORTEST_S / 4:
            pid = heappop(self._due)[1]
            if pid in self._jobs:
                due.append(pid)
        if not due:
            return 0.0
        self._find_new()
        if self._gpus is not None and now_s - self._gpu_at_s >= GPU_EACH_S:
            self._gpu_uses, self._gpu_at_s = self._gpus.read(), now_s
        pss_s = 0.0
        for root in due:
            job = self._jobs[root]
            stats: dict[int, Stat] = {}
            for pid, started_ticks in list(job.pids.items()):
                stat = read_stat(pid)
                if stat is None or stat.started_ticks != started_ticks:
                    del job.pids[pid]
                    if pid != root:
                        self._owner.pop(pid, None)
                else:
                    stats[pid] = stat
            may_tell_apart = self._pss_allowance.refill(now_s) > 0
            before_s, job.pss_cost_s = job.pss_cost_s, 0.0
            spacing_s = before_s * len(self._jobs) / PSS_SHARE if may_tell_apart else None
            job.look(stats, now_s, spacing_s, self._gpu_uses)
            pss_s += job.pss_cost_s
            self._pss_allowance.use(job.pss_cost_s, now_s)
            job.pss_cost_s = job.pss_cost_s or before_s
            heappush(self._due, (now_s + job.interval_s(now_s), root))
        return pss_s

    def _find_new(self) -> None:
        """Give each process that has not been seen before to the job that it belongs to."""
        pids = list_pids()
        self._foreign &= pids
        new: dict[int, Stat] = {}
        for pid in pids:
            if pid in self._foreign:
                continue
            root = self._owner.get(pid)
            if root is not None and pid in self._jobs[root].pids:
                continue
            stat = read_stat(pid)
            if stat is not None:
                new[pid] = stat
        for pid, stat in new.items():
            owner = self._owner_of(pid, stat, new)
            if owner is None:
                self._foreign.add(pid)
            else:
                self._owner[pid] = owner
                self._jobs[owner].pids[pid] = stat.started_ticks

    def _owner_of(self, pid: int, stat: Stat, new: dict[int, Stat]) -> int | None:
        if pid in self._jobs:
            return pid
        if stat.session in self._jobs:
            return stat.session
        for _ in range(len(new) + 1):  # its ancestors, as far as they are new as well
            owner = self._owner.get(stat.parent)
            if owner is not None and owner in self._jobs:
                return owner
            above = new.get(stat.parent)
            if above is None:
                return None
            stat = above
        return None
