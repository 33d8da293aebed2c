"""What planning needs to know of each rule, worked out once: its kind, its flags."""

from collections.abc import Sequence

from flowc.dataclass import dataclass
from flowc.graph.job import JobGraph, output_flags
from flowc.ids import JobId
from flowc.lang.pattern import Pattern
from flowc.lang.values import flags_of
from flowc.lang.workflow import Rule, Workflow


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """`is_phony`: a rule without an action, whose job only stands for its inputs. (An output with
    `touch` is an action.)"""

    is_phony: bool
    temp: tuple[bool, ...]  # for each output; pipes and services too
    has_temp: bool
    ancient_items: frozenset[int]  # indices of items that are ancient as a whole
    ancient_places: dict[int, frozenset[int]]  # items that are lists: the places that are ancient
    has_ancient: bool
    has_unpack: bool


def rule_facts(workflow: Workflow) -> Sequence[RuleFacts]:
    """By RuleId."""
    return [_facts(rule) for rule in workflow.rules]


def _facts(rule: Rule) -> RuleFacts:
    flags = output_flags(rule)
    ancient_items: set[int] = set()
    ancient_places: dict[int, frozenset[int]] = {}
    for i, item in enumerate(rule.inputs):
        places = frozenset(k for k, file in enumerate(item.files) if flags_of(file).ancient)
        if places and len(places) == len(item.files):
            ancient_items.add(i)
        elif places:
            ancient_places[i] = places
    return RuleFacts(
        is_phony=rule.command is None and not any(f.touch for f in flags),
        temp=tuple(f.temp or f.passing for f in flags),
        has_temp=any(f.temp or f.passing for f in flags),
        ancient_items=frozenset(ancient_items),
        ancient_places=ancient_places,
        has_ancient=bool(ancient_items or ancient_places),
        has_unpack=any(item.unpack for item in rule.inputs),
    )


def counted_inputs(graph: JobGraph, rules: Sequence[RuleFacts], job: JobId) -> Sequence[int]:
    """Refs of the inputs whose time and content count: all but the `ancient` ones."""
    row = graph.inputs[job]
    facts = rules[graph.rule_of[job]]
    flagged = graph.input_flags.get(job)
    if not facts.has_ancient and not flagged:
        return row
    ancient: set[int] = {f for f, flags in flagged.items() if flags.ancient} if flagged else set()
    if facts.has_ancient and facts.has_unpack:  # items and refs do not match one to one
        ancient |= _ancient_by_path(graph, job)
        return [f for f in graph.files_of(row) if f not in ancient]
    counted: list[int] = []
    for i, ref in enumerate(row):
        if i in facts.ancient_items:
            continue
        places = facts.ancient_places.get(i)
        if places is not None:
            group = graph.groups[~ref]
            counted += [f for k, f in enumerate(group) if k not in places and f not in ancient]
        elif not ancient:
            counted.append(ref)
        elif ref >= 0:
            if ref not in ancient:
                counted.append(ref)
        elif ancient.isdisjoint(graph.groups[~ref]):
            counted.append(ref)
        else:
            counted += [f for f in graph.groups[~ref] if f not in ancient]
    return counted


def _ancient_by_path(graph: JobGraph, id: JobId) -> set[int]:
    job = graph.job(id)
    values = job.wildcard_items
    paths = {
        Pattern(file).fill(values)
        for item in job.rule.inputs
        for file in item.files
        if flags_of(file).ancient
    }
    return {f for f in graph.files_of(graph.inputs[id]) if graph.paths[f] in paths}
