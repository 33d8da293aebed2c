"""From requests to the end of a run: tasks sized offline, started by flowc's own chooser.

There is no dependency in the traces: the tasks of a sample are a chain in the order in which they
were submitted (where samples have no name: the k-th task of every rule). Simulated time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from statistics import median
from typing import NamedTuple

from bench.sizing.protocol import MOST_BYTES, OFFLINE, Method, Task, Workflow, arrange, attempts

from flowc.ids import JobId
from flowc.run.choose import Budget, Chooser, Need
from flowc.run.spare import Starting, share_out

SLACK = 0.25
"""What `--mem-slack` is where nobody says otherwise."""


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
    workflow: Workflow, make: Callable[[], Method], cores: int, seed: int, *, as_run: bool
) -> float:
    """Of the longest remaining chain first, times 1 + the dominant share.

    A task that asks for too little is killed, and has run its whole time. `as_run`: as `flowc run`
    has it. Where no ready job waits for memory, those that start get some of what is free; a job
    may exceed what it asked for by a quarter; and where all together use more than there is, the
    kernel kills the largest. For that, all count as if they were at their peaks all the time."""
    run = _Run(chains(workflow, make, seed), cores, as_run)
    while run.step():
        pass
    return run.now_s


class _Run:
    def __init__(self, all_chains: list[list[Job]], cores: int, as_run: bool) -> None:
        self.jobs = [job for chain in all_chains for job in chain]
        self.following: dict[int, int] = {}
        self.ranks = [0.0] * len(self.jobs)
        self.budget = Budget(cores, MOST_BYTES)
        self.chooser = Chooser(self.budget)
        self.as_run = as_run
        self.attempt = [0] * len(self.jobs)
        self.given = [0.0] * len(self.jobs)
        self.running: list[tuple[float, int]] = []
        self.used_bytes = 0.0  # by all that run
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
        job, attempt = self.jobs[k], self.attempt[k]
        asked = job.asked[min(attempt, len(job.asked) - 1)]
        if attempt >= len(job.asked):  # it was enough, and the kernel has killed it all the same
            asked = min(asked * 2 ** (attempt - len(job.asked) + 1), MOST_BYTES)
        need = Need(min(job.task.cores, int(self.budget.cores)), int(asked))
        order = (0.0, -self.ranks[k] * (1 + self.budget.share(need)), JobId(k))
        self.chooser.add(JobId(k), need, order, job.expected_s)
        self.given[k] = asked * (1 + SLACK if self.as_run else 1)

    def step(self) -> bool:
        """Start what fits, then jump to the next end. False: all is done."""
        started = []
        while (k := self.chooser.next(self.now_s)) is not None:
            started.append(k)
            task = self.jobs[k].task
            heappush(self.running, (self.now_s + task.wall_s, k))
            self.used_bytes += task.peak_bytes
        if self.as_run:
            share_out(self.chooser, [self.starting(k) for k in started])
            while self.used_bytes > MOST_BYTES:
                self.kill_largest()
        if not self.running:
            return False
        self.now_s = self.running[0][0]
        while self.running and self.running[0][0] <= self.now_s:
            over = heappop(self.running)[1]
            self.ended(over, self.given[over] + 1 >= self.jobs[over].task.peak_bytes)
        return True

    def starting(self, k: int) -> Starting:
        asked = self.given[k] / (1 + SLACK)
        return Starting(JobId(k), int(asked), int(self.jobs[k].largest_bytes))

    def kill_largest(self) -> None:
        at = max(self.running, key=lambda entry: self.jobs[entry[1]].task.peak_bytes)
        self.running.remove(at)
        heapify(self.running)
        self.ended(at[1], False)

    def ended(self, k: int, went_well: bool) -> None:
        self.chooser.ended(JobId(k))
        self.used_bytes -= self.jobs[k].task.peak_bytes
        if not went_well:
            self.attempt[k] += 1
            self.ready(k)
        elif k in self.following:
            self.ready(self.following[k])
