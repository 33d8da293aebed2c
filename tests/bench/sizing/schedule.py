"""From requests to the end of a run: tasks sized offline, started by flowc's own chooser.

There is no dependency in the traces: the tasks of a sample are a chain in the order in which they
were submitted (where samples have no name: the k-th task of every rule). Simulated time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from statistics import median
from typing import NamedTuple

from bench.sizing.protocol import MOST_BYTES, OFFLINE, Method, Task, Workflow, arrange, attempts

from flowc.ids import JobId
from flowc.run.choose import Budget, Chooser, Need

INFLATION = 1.15


class Job(NamedTuple):
    """One task with its sizes: `asked` for each attempt; the last is enough."""

    task: Task
    asked: list[float]
    expected_s: float  # the median of its rule's history
    largest_bytes: float  # of its rule's history


class Oracle:
    """Knows every peak."""

    def learn(self, task: Task) -> None: ...

    def request(self, task: Task, attempt: int, previous_bytes: float) -> float:
        return max(task.peak_bytes, 1.0)


def chains(workflow: Workflow, make: Callable[[], Method], seed: int) -> list[list[Job]]:
    """All tasks but the history, sized, by sample."""
    samples: Mapping[str, list[Job]] = defaultdict(list)
    for rule, tasks in workflow.items():
        arranged, known = arrange(rule, tasks, OFFLINE, seed)
        method = make()
        history, rest = arranged[:known], arranged[known:]
        for task in history:
            method.learn(task)
        expected_s = median(task.wall_s for task in history)
        largest = max(task.peak_bytes for task in history)
        rest.sort(key=lambda task: task.submitted_ms)
        for k, task in enumerate(rest):
            sample = task.sample if task.sample not in ("", "-") else str(k)
            samples[sample].append(Job(task, attempts(method, task), expected_s, largest))
    return [sorted(jobs, key=lambda job: job.task.submitted_ms) for jobs in samples.values()]


def bound_s(workflow: Workflow, cores: int, seed: int) -> float:
    """No schedule is shorter, whatever it knows: the longest chain, and the work by the width."""
    all_chains = chains(workflow, Oracle, seed)
    tasks = [job.task for chain in all_chains for job in chain]
    return max(
        max(sum(job.task.wall_s for job in chain) for chain in all_chains),
        sum(t.wall_s * min(t.cores, cores) for t in tasks) / cores,
        sum(t.wall_s * t.peak_bytes for t in tasks) / MOST_BYTES,
    )


def makespan_s(
    workflow: Workflow, make: Callable[[], Method], cores: int, seed: int, *, inflate: bool
) -> float:
    """Of the longest remaining chain first, times 1 + the dominant share. A task that is killed
    has run its whole time. `inflate`: where no ready job waits for memory, those just started get
    up to `INFLATION` times the largest seen of what is free: memory that nobody wants saves some
    from being killed."""
    run = _Run(chains(workflow, make, seed), cores, inflate)
    while run.step():
        pass
    return run.now_s


class _Run:
    def __init__(self, all_chains: list[list[Job]], cores: int, inflate: bool) -> None:
        self.jobs = [job for chain in all_chains for job in chain]
        self.following: dict[int, int] = {}
        self.ranks = [0.0] * len(self.jobs)
        self.budget = Budget(cores, MOST_BYTES)
        self.chooser = Chooser(self.budget)
        self.inflate = inflate
        self.attempt = [0] * len(self.jobs)
        self.given = [0.0] * len(self.jobs)
        self.running: list[tuple[float, int]] = []
        self.now_s = 0.0
        heads, at = [], 0
        for chain in all_chains:
            heads.append(at)
            left_s = 0.0
            for k in reversed(range(at, at + len(chain))):
                left_s += self.jobs[k].expected_s
                self.ranks[k] = left_s
                if k + 1 < at + len(chain):
                    self.following[k] = k + 1
            at += len(chain)
        for head in heads:
            self.ready(head)

    def ready(self, k: int) -> None:
        job = self.jobs[k]
        asked = job.asked[min(self.attempt[k], len(job.asked) - 1)]
        need = Need(min(job.task.cores, int(self.budget.cores)), int(asked))
        order = (0.0, -self.ranks[k] * (1 + self.budget.share(need)), JobId(k))
        self.chooser.add(JobId(k), need, order, job.expected_s)
        self.given[k] = asked

    def step(self) -> bool:
        """Start what fits, then jump to the next end. False: all is done."""
        started = []
        while (k := self.chooser.next(self.now_s)) is not None:
            started.append(k)
            heappush(self.running, (self.now_s + self.jobs[k].task.wall_s, k))
        if self.inflate and not self.chooser.lacks_memory():
            self.share_out(started)
        if not self.running:
            return False
        self.now_s = self.running[0][0]
        while self.running and self.running[0][0] <= self.now_s:
            self.ended(heappop(self.running)[1])
        return True

    def share_out(self, started: list[JobId]) -> None:
        for k in started:
            wanted = INFLATION * self.jobs[k].largest_bytes
            more = min(wanted - self.given[k], self.budget.free_memory_bytes)
            if more > 0:
                self.given[k] += more
                self.chooser.give_more(k, int(self.given[k]))

    def ended(self, k: int) -> None:
        self.chooser.ended(JobId(k))
        if self.given[k] + 1 < self.jobs[k].task.peak_bytes:
            self.attempt[k] += 1
            self.ready(k)
        elif k in self.following:
            self.ready(self.following[k])
