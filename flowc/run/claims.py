"""Room for services: none starts that could keep those from running for whom it runs.

A service holds what it has until its consumers are over. So beside all services that have a claim
there is always room for the largest job that one of them waits for: then that job can run, if need
be alone, and in the end each service ends. A service that another waits for has its claim together
with that one.
"""

from collections.abc import Callable, Iterable, Iterator

from flowc.diagnostic import Diagnostic, ImpossibleRequestError
from flowc.graph.job import JobGraph
from flowc.ids import JobId
from flowc.run.budget import Budget, Need, largest, total
from flowc.run.need import asked
from flowc.run.state import RunState


class Claims:
    """Who has a claim. `need`: what a job takes in its first attempt, with those that run at once
    with it."""

    def __init__(self, state: RunState, budget: Budget, need: Callable[[JobId], Need]) -> None:
        self._state, self._budget, self._need = state, budget, need
        self._consumers = state.graph.streams.consumers
        self._asked: dict[JobId, Need] = {}  # later attempts may take more
        self._held: dict[JobId, Need] = {}  # by the services that have a claim
        self._waited_for: dict[JobId, dict[JobId, None]] = {}  # by those, likewise

    def check(self) -> None:
        """Raises ImpossibleRequestError, naming services beside which a job can never run."""
        graph, found = self._state.graph, {}
        for job in self._consumers:
            if self._state.is_active(job) and graph.rule_of[job] not in found:
                services, waited_for = self._with_nested(job)
                taken = total([self._need(one) for one in services])
                for other in waited_for:
                    excess = self._budget.excess(total([taken, self._need(other)]))
                    if excess:
                        found[graph.rule_of[job]] = _fault(graph, services, other, excess)
                        break
        if found:
            raise ImpossibleRequestError(list(found.values()))

    def claim(self, service: JobId) -> bool:
        """Whether a service that is ready may start; it has its claim then."""
        for other in [one for one in self._held if not self._state.is_active(one)]:
            del self._held[other], self._waited_for[other]
        if service in self._held:
            return True
        services, waited_for = self._with_nested(service)
        new = [one for one in services if one not in self._held]
        if self._held:
            jobs = {job for known in (*self._waited_for.values(), waited_for) for job in known}
            active = [self._need(job) for job in jobs if self._state.is_active(job)]
            asked = [self._asked[job] for job in jobs if job in self._asked]
            taken = [*self._held.values(), *map(self._need, new)]
            if self._budget.excess(total([*taken, largest([*active, *asked])])):
                return False
        for one in new:
            self._held[one] = self._budget.beside([*self._held.values()]).lowered(self._need(one))
            self._waited_for[one] = waited_for
        return True

    def excess(self, job: JobId, need: Need) -> list[tuple[str, float, float]]:
        """What a job can never have while those services run that wait for it: (name, asked for,
        what they leave)."""
        others = self._others(job)
        return self._budget.beside(others).excess(need) if others else []

    def lowered(self, job: JobId, need: Need) -> Need:
        """What it can have; it is remembered that it asks for so much."""
        if not self._consumers:
            return need
        others = self._others(job)
        if others:
            need = self._budget.beside(others).lowered(need)
        self._asked[job] = need
        return need

    def _others(self, job: JobId) -> list[Need]:
        """What the services hold among which a job must find room."""
        if job not in self._held and not any(job in jobs for jobs in self._waited_for.values()):
            return []
        return [need for service, need in self._held.items() if service != job]

    def _with_nested(self, service: JobId) -> tuple[list[JobId], dict[JobId, None]]:
        """A service and those that it waits for; and all other jobs that they wait for."""
        services, waited_for = [service], dict[JobId, None]()
        for one in services:  # it grows
            for job in self._waited_by(one):
                if job in self._consumers:
                    if job not in services:
                        services.append(job)
                else:
                    waited_for[job] = None
        return services, waited_for

    def _waited_by(self, service: JobId) -> Iterator[JobId]:
        """The jobs that are to be over before a service can end: its consumers, and what those
        need that it does not need itself."""
        before = dict.fromkeys(self._upstream([service]))
        for job in self._upstream(self._consumers[service]):
            if job not in before:
                yield job

    def _upstream(self, jobs: Iterable[JobId]) -> Iterator[JobId]:
        """These jobs and all that they need, of those that are not over; of jobs that run at once,
        the first."""
        state, graph = self._state, self._state.graph
        rules, rule_of = graph.workflow.rules, graph.rule_of
        seen, groups = set[int](), set[int]()
        waiting: list[int] = list(jobs)
        while waiting:
            first = state.members(JobId(waiting.pop()))[0]
            if first in seen:
                continue
            seen.add(first)
            is_phony = rules[rule_of[first]].command is None
            if not is_phony:
                if not state.is_active(first):
                    continue
                yield first
            for member in state.members(first):
                waiting += graph.waits.get(member, ())
                for ref in graph.inputs[member]:
                    if ref >= 0:
                        waiting.append(graph.producer[ref])
                    elif ref not in groups:
                        groups.add(ref)
                        waiting += graph.group_producers[~ref]
            waiting = [job for job in waiting if job >= 0]


def _fault(
    graph: JobGraph, services: list[JobId], job: JobId, excess: list[tuple[str, float, float]]
) -> Diagnostic:
    what = ", ".join(asked(*one) for one in excess)
    names = " and ".join(f"`{graph.job(one).name}`" for one in services)
    return Diagnostic(
        "impossible-request",
        f"{names} and `{graph.job(job).name}` run at once, as services run until the jobs that "
        f"need them are over, and ask for {what}",
        graph.job(services[0]).rule.span,
        hint="give the run more (`--cores`, `--mem`), let the rules ask for less, or let `--clip` "
        "run them with what there is",
    )
