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
from flowc.run.budget import Budget, Need
from flowc.run.choose import Chooser
from flowc.run.need import SLACK_BYTES
from flowc.run.spare import Starting, share_out


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


class Rules(NamedTuple):
    """How jobs are held to what they ask for."""

    spare: bool = False  # those that start get some of what nobody waits for
    slack: float = 0.0  # a job may exceed what it has by this share
    ran_share: float = 1.0  # how much of its run time a job that is killed has run


AT_REQUEST = Rules()
AS_RUN = Rules(spare=True, slack=0.25)
"""What `flowc run` does where nobody says otherwise."""


def makespan_s(
    workflow: Workflow, make: Callable[[], Method], cores: int, seed: int, rules: Rules
) -> float:
    """Of the longest remaining chain first, times 1 + the dominant share.

    With slack or spare memory all together may use more than there is: then the kernel kills the
    largest. For that, all count as if they were at their peaks all the time."""
    run = _Run(chains(workflow, make, seed), cores, rules)
    while run.step():
        pass
    return run.now_s


class _Run:
    def __init__(self, all_chains: list[list[Job]], cores: int, rules: Rules) -> None:
        self.jobs = [job for chain in all_chains for job in chain]
        self.following: dict[int, int] = {}
        self.ranks = [0.0] * len(self.jobs)
        self.budget = Budget(cores, MOST_BYTES)
        self.chooser = Chooser(self.budget)
        self.rules = rules
        self.asked = [job.asked[0] for job in self.jobs]
        self.limit = [0.0] * len(self.jobs)
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
        job = self.jobs[k]
        need = Need(min(job.task.cores, int(self.budget.cores)), int(self.asked[k]))
        order = (0.0, -self.ranks[k] * (1 + self.budget.share(need)), JobId(k))
        self.chooser.add(JobId(k), need, order, job.expected_s)

    def step(self) -> bool:
        """Start what fits, then jump to the next end. False: all is done."""
        started = []
        while (k := self.chooser.next(self.now_s)) is not None:
            started.append(k)
            self.limit[k] = self.asked[k] * (1 + self.rules.slack)
        if self.rules.spare:
            begin = [Starting(k, int(self.asked[k]), self.largest(k)) for k in started]
            for k, given in share_out(self.chooser, begin).items():
                self.limit[k] = max(self.limit[k], given)
        for k in started:
            wall_s = self.jobs[k].task.wall_s
            if not self.has_enough(k):
                wall_s *= self.rules.ran_share
            heappush(self.running, (self.now_s + wall_s, k))
            self.used_bytes += self.used(k)
        while self.used_bytes > MOST_BYTES and len(self.running) > 1:
            self.kill_largest()
        if not self.running:
            return False
        self.now_s = self.running[0][0]
        while self.running and self.running[0][0] <= self.now_s:
            over = heappop(self.running)[1]
            self.ended(over, self.has_enough(over))
        return True

    def largest(self, k: int) -> int:
        return int(self.jobs[k].largest_bytes)

    def used(self, k: int) -> float:
        """At its peak, or when it is killed."""
        return min(self.jobs[k].task.peak_bytes, self.limit[k])

    def has_enough(self, k: int) -> bool:
        return self.limit[k] + 1 >= self.jobs[k].task.peak_bytes

    def kill_largest(self) -> None:
        at = max(self.running, key=lambda entry: self.used(entry[1]))
        self.running.remove(at)
        heapify(self.running)
        self.ended(at[1], False)

    def ended(self, k: int, went_well: bool) -> None:
        self.chooser.ended(JobId(k))
        self.used_bytes -= self.used(k)
        if not went_well:
            self.asked[k] = self.again(k)
            self.ready(k)
        elif k in self.following:
            self.ready(self.following[k])

    def again(self, k: int) -> float:
        """What the method asks for next; where `flowc run` decides, that is the largest seen, or
        else twice what the job has had."""
        job = self.jobs[k]
        if not self.rules.spare:
            return next((asked for asked in job.asked if asked > self.asked[k]), job.asked[-1])
        had = self.limit[k]
        enough = job.largest_bytes + SLACK_BYTES
        return min(enough if job.largest_bytes > had else 2 * had, MOST_BYTES)
