"""Jobs that are handed over while there is no place for them yet.

Between the end of a job and the start of the next one lie flowc's own bookkeeping and some turns
between processes: half a millisecond in which a core has nothing to do. Where jobs take little
longer than that, the executor is given the next ones in advance, two for each place, and starts
them by itself. Long jobs are chosen when there is a place: by then a more urgent one may be ready.
"""

from collections.abc import Sequence

from flowc.events import JobEnded
from flowc.executors.base import Executor, Task
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.run.budget import Budget

SHORT_S = 0.05
"""So long at most does each job that was handed over hold up a more urgent one."""
_ENOUGH = 8
"""So many jobs of a rule, the last ones, have to have been short."""


class Ahead:
    """Those that wait in the executor, and those that came back from it."""

    def __init__(self, graph: JobGraph, executor: Executor, budget: Budget) -> None:
        # See `executors.base.Ahead`. A place is a task's, from its start to its end.
        is_plain = not graph.streams.passing and all(
            rule.benchmark_repeats <= 1 for rule in graph.workflow.rules
        )
        self._submit_ahead = getattr(executor, "submit_ahead", None) if is_plain else None
        self._recall = getattr(executor, "recall", None)
        self._executor, self._rule_of, self._budget = executor, graph.rule_of, budget
        self._short: dict[int, int] = {}  # by rule: how many were, since one was not
        self._waiting: dict[JobId, Task] = {}
        self._returned: list[Task] = []
        self._places = 1

    def may(self, job: JobId) -> bool:
        """Whether a job is likely to be short."""
        return self._short.get(self._rule_of[job], 0) >= _ENOUGH

    def room(self, running: int) -> int:
        """How many more can be handed over, while so many run or wait to."""
        if self._submit_ahead is None or self._returned:
            return 0
        return 2 * running - 3 * len(self._waiting)

    def hand_over(self, tasks: Sequence[Task], places: int) -> None:
        """They start as soon as fewer than `places` run."""
        assert self._submit_ahead is not None
        self._places = places
        self._waiting.update((task.job, task) for task in tasks)
        self._submit_ahead(tasks, places)

    def take_back(self) -> None:
        """Have none of them start any more."""
        if self._waiting and self._recall is not None:
            self._recall()

    def again(self) -> Sequence[Task]:
        """Hand over what came back; that."""
        tasks, self._returned = self._returned, []
        if tasks and self._budget.is_kept:
            self._executor.submit(tasks)
        elif tasks:
            self.hand_over(tasks, self._places)
        return tasks

    # ---- what happens

    def started(self, job: JobId) -> None:
        self._waiting.pop(job, None)

    def ended(self, event: JobEnded) -> None:
        rule = self._rule_of[event.job]
        self._short[rule] = self._short.get(rule, 0) + 1 if event.wall_s <= SHORT_S else 0

    def returned(self, job: JobId) -> None:
        self._returned.append(self._waiting.pop(job))

    def dropped(self) -> list[JobId]:
        """Those that came back, and will not run."""
        tasks, self._returned = self._returned, []
        return [task.job for task in tasks]
