"""Rules, or a few jobs, as a drawing: layers from the left, what needs it further right.

A node stands in the layer behind the last of what it needs; inside of a layer nodes are ordered by
the mean place of their neighbours, a few times back and forth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowc.record.story import FAILED, OK, RUNNING, STATES, UP_TO_DATE, RunStory
from flowc.report.columns import plain

WIDTH, HEIGHT, GAP_X, GAP_Y = 168, 44, 56, 14
FEW_JOBS = 60
"""A graph of so many jobs is drawn job by job too."""
MOST_NODES = 400
_ROUNDS = 6


@dataclass(slots=True)
class Node:
    """A rule or a job, with its place."""

    key: int
    label: str
    note: str
    state: str
    full: str = ""
    layer: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes with their places, and the curves between them."""

    nodes: Sequence[Node]
    curves: Sequence[str]  # SVG paths
    width: float
    height: float
    needs: Sequence[tuple[str, Sequence[str]]]  # the same in words


def rule_graph(run: RunStory) -> Drawing | None:
    """None where there are too many rules to be drawn."""
    rules = {rule: i for i, rule in enumerate(dict.fromkeys(j.rule for j in run.jobs.values()))}
    if not rules or len(rules) > MOST_NODES:
        return None
    states: dict[str, dict[str, int]] = {rule: dict.fromkeys(STATES, 0) for rule in rules}
    for job in run.jobs.values():
        states[job.rule][job.state] += 1
    of_group = {
        number: {run.jobs[n].rule for n in group.needs if n in run.jobs}
        for number, group in run.groups.items()
    }
    edges: set[tuple[int, int]] = set()
    for job in run.jobs.values():
        needed = {run.jobs[n].rule for n in job.needs if n in run.jobs}
        needed.update(*(of_group.get(number, ()) for number in job.groups))
        edges |= {(rules[rule], rules[job.rule]) for rule in needed}
    nodes = [
        Node(i, plain(rule, 22), _counts(states[rule]), _worst(states[rule]), plain(rule))
        for rule, i in rules.items()
    ]
    return _lay_out(nodes, edges)


def job_graph(run: RunStory) -> Drawing | None:
    """None where there are too many jobs to be drawn."""
    if not 1 <= len(run.jobs) <= FEW_JOBS:
        return None
    places = {id: i for i, id in enumerate(run.jobs)}
    nodes = [
        Node(i, plain(job.name, 22), plain(job.state), job.state, plain(job.name))
        for i, job in enumerate(run.jobs.values())
    ]
    edges = {
        (places[need], places[job.id])
        for job in run.jobs.values()
        for need in run.needs_of(job)
        if need in places
    }
    return _lay_out(nodes, edges)


def _counts(states: Mapping[str, int]) -> str:
    known = [f"{count:,} {state}" for state, count in states.items() if count]
    return ", ".join(known)


def _worst(states: Mapping[str, int]) -> str:
    if states[FAILED]:
        return FAILED
    others = [state for state, count in states.items() if count]
    if RUNNING in others:
        return RUNNING
    if all(state in (OK, UP_TO_DATE) for state in others):
        return OK
    return next(state for state in others if state not in (OK, UP_TO_DATE))


def _lay_out(nodes: Sequence[Node], edges: set[tuple[int, int]]) -> Drawing:
    forward = _without_cycles(len(nodes), edges)
    needs: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    users: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    for first, second in sorted(forward):
        needs[second].append(first)
        users[first].append(second)
    layers: list[list[int]] = []
    for i in _topological(needs, users):
        nodes[i].layer = max((nodes[n].layer + 1 for n in needs[i]), default=0)
        while len(layers) <= nodes[i].layer:
            layers.append([])
        layers[nodes[i].layer].append(i)
    place = {i: p for layer in layers for p, i in enumerate(layer)}
    for turn in range(_ROUNDS):
        near = users if turn % 2 else needs
        for layer in reversed(layers) if turn % 2 else layers:
            layer.sort(key=lambda i: (_mean([place[n] for n in near[i]], place[i]), i))
            place.update((i, p) for p, i in enumerate(layer))
    height = max(len(layer) for layer in layers) * (HEIGHT + GAP_Y) + GAP_Y
    for depth, layer in enumerate(layers):
        top = (height - len(layer) * (HEIGHT + GAP_Y) + GAP_Y) / 2
        for p, i in enumerate(layer):
            nodes[i].x = GAP_X / 2 + depth * (WIDTH + GAP_X)
            nodes[i].y = round(top + p * (HEIGHT + GAP_Y), 1)
    curves = [_curve(nodes[a], nodes[b]) for a, b in sorted(forward)]
    words = [(node.full, [nodes[n].full for n in needs[i]]) for i, node in enumerate(nodes)]
    return Drawing(nodes, curves, len(layers) * (WIDTH + GAP_X), height, words)


def _mean(values: Sequence[int], otherwise: int) -> float:
    return sum(values) / len(values) if values else otherwise


def _without_cycles(count: int, edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """A rule may need another one's jobs and be needed by them: such an edge is left out, as is
    one from a rule to itself."""
    users: dict[int, list[int]] = {i: [] for i in range(count)}
    for first, second in sorted(edges):
        if first != second:
            users[first].append(second)
    state = [0] * count  # 1: on the way, 2: done
    kept: set[tuple[int, int]] = set()
    for root in range(count):
        stack = [(root, iter(users[root]))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            at, rest = stack[-1]
            after = next(rest, None)
            if after is None:
                state[at] = 2
                stack.pop()
            elif state[after] != 1:
                kept.add((at, after))
                if not state[after]:
                    state[after] = 1
                    stack.append((after, iter(users[after])))
    return kept


def _topological(
    needs: Mapping[int, Sequence[int]], users: Mapping[int, Sequence[int]]
) -> list[int]:
    missing = {i: len(of) for i, of in needs.items()}
    order = [i for i, count in missing.items() if not count]
    for i in order:
        for user in users[i]:
            missing[user] -= 1
            if not missing[user]:
                order.append(user)
    return order


def _curve(a: Node, b: Node) -> str:
    x1, y1 = a.x + WIDTH, a.y + HEIGHT / 2
    x2, y2 = b.x, b.y + HEIGHT / 2
    bend = max(GAP_X / 2, (x2 - x1) / 2)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
