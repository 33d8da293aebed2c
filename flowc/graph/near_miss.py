"""Rules that nearly make a file, and why they do not: for messages about what is missing."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from flowc.diagnostic import Label, WorkflowError
from flowc.lang.items import without_constraints
from flowc.lang.pattern import Pattern
from flowc.lang.workflow import Item, Rule, Workflow

MOST_PATTERNS = 5_000
"""Among so many outputs of rules a near miss is looked for."""

MOST_LABELS = 2


class _Output(NamedTuple):
    rule: Rule
    item: Item
    text: str  # as in the file, without constraints
    pattern: Pattern
    free: Pattern  # the same, without constraints


class NearMisses:
    """The outputs of all rules, read once for all files that are missing."""

    def __init__(self, workflow: Workflow) -> None:
        self._outputs = list(_outputs(workflow))

    def of(self, path: str, values: Mapping[str, str]) -> list[Label]:
        """The rules that come near, the nearest first. `values`: the wildcards of who asks."""
        found = [label for each in self._outputs if (label := _constrained(each, path))]
        return (found or self._misspelt(path, values))[:MOST_LABELS]

    def _misspelt(self, path: str, values: Mapping[str, str]) -> list[Label]:
        """Rules that would make nearly this path, had their wildcards these values."""
        made: dict[str, _Output] = {}
        for each in self._outputs:
            if all(name in values for name in each.pattern.names):
                made.setdefault(each.free.fill(values), each)
        near = get_close_matches(path, [p for p in made if p != path], n=MOST_LABELS, cutoff=0.85)
        return [
            Label(
                made[p].item.span,
                f"rule `{made[p].rule.name}` would make `{p}`, which is nearly the same",
            )
            for p in near
        ]


def _outputs(workflow: Workflow) -> Iterator[_Output]:
    left = MOST_PATTERNS
    for rule in workflow.rules:
        for item in rule.outputs:
            for path in item.files[:left]:
                left -= 1
                text = without_constraints(path)
                yield _Output(rule, item, text, Pattern(path, rule.constraints), Pattern(text))


def _constrained(output: _Output, path: str) -> Label | None:
    """Where only a constraint keeps a rule from making a path."""
    constraints = output.pattern.constraints
    if not constraints:
        return None
    try:
        values = output.free.match(path)
        if values is None or output.pattern.match(path) is not None:
            return None
        for name, value in zip(output.free.names, values, strict=True):
            constraint = constraints.get(name)
            if constraint and Pattern("{x}", {"x": constraint}).match(value) is None:
                return Label(
                    output.item.span,
                    f"rule `{output.rule.name}` makes `{output.text}`; its constraint "
                    f"`{constraint}` does not match {name}={value}",
                )
    except WorkflowError:  # it would take too long to find out
        pass
    return None
