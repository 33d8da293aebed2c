"""The topological order of jobs."""

from collections.abc import Sequence
from itertools import chain

from flowc.graph.before import Waits
from flowc.graph.expand import Expansion
from flowc.graph.resolve import Choice
from flowc.ids import NO_JOB


def topological_order(
    choice: Choice, expansion: Expansion, waits: Waits | None = None
) -> list[int] | None:
    """The chosen jobs so that each stands behind all that it needs, and behind those that it
    `waits` for; None if there is a cycle.

    Jobs were discovered in batches, from the targets down, so the batches in reverse are nearly
    always an order already (and within a batch, jobs keep the order in which they were asked
    for): checking it costs one pass, and only where it is none is one worked out (Kahn 1962).
    """
    starts = expansion.batches
    ends = [*starts[1:], len(expansion.rule_of)]
    order = list(chain.from_iterable(map(range, reversed(starts), reversed(ends))))
    if choice.used is not None:
        order = [job for job in order if choice.used[job]]
    if not waits and _is_order(order, expansion, choice.producer):
        return order
    return _kahn(order, expansion, choice.producer, waits or {})


def _is_order(order: Sequence[int], expansion: Expansion, producer: Sequence[int]) -> bool:
    """Whether each job stands behind all that it needs."""
    groups = expansion.groups
    latest: list[int | None] = [None] * len(groups)
    rows = expansion.input_rows
    place = [0] * len(expansion.rule_of)
    for at, job in enumerate(order):
        place[job] = at
    for job in order:
        for ref in rows[job]:
            if ref >= 0:
                maker = producer[ref]
            else:
                known = latest[~ref]
                if known is None:
                    makers = [m for f in groups[~ref] if (m := producer[f]) != NO_JOB]
                    known = latest[~ref] = max(makers, key=place.__getitem__, default=NO_JOB)
                maker = known
            if maker != NO_JOB and place[maker] >= place[job]:
                return False
    return True


def _kahn(
    order: Sequence[int], expansion: Expansion, producer: Sequence[int], waits: Waits
) -> list[int] | None:
    """Jobs by number of open needs; a group counts as a node, so that n jobs that read the same
    m files cost n + m steps."""
    rows, groups = expansion.input_rows, expansion.groups
    open_needs = dict.fromkeys(order, 0)
    waiting: dict[int, list[int]] = {}  # maker -> jobs, and ~group, that need it
    group_open: dict[int, int] = {}
    group_jobs: dict[int, list[int]] = {}
    for job in order:
        for ref in rows[job]:
            if ref >= 0:
                if producer[ref] != NO_JOB:
                    open_needs[job] += 1
                    waiting.setdefault(producer[ref], []).append(job)
                continue
            if ref not in group_open:
                makers = {m for f in groups[~ref] if (m := producer[f]) != NO_JOB}
                group_open[ref] = len(makers)
                for maker in makers:
                    waiting.setdefault(maker, []).append(ref)
            if group_open[ref]:
                open_needs[job] += 1
                group_jobs.setdefault(ref, []).append(job)
    for job, earlier in waits.items():
        open_needs[job] += len(earlier)
        for other in earlier:
            waiting.setdefault(other, []).append(job)
    ready = [job for job in order if not open_needs[job]]
    done: list[int] = []
    for job in ready:  # grows while it is walked
        done.append(job)
        for next_one in waiting.get(job, ()):
            freed = [next_one]
            if next_one < 0:
                group_open[next_one] -= 1
                freed = [] if group_open[next_one] else group_jobs.get(next_one, [])
            for other in freed:
                open_needs[other] -= 1
                if not open_needs[other]:
                    ready.append(other)
    return done if len(done) == len(order) else None
