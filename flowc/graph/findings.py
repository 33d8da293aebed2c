"""What looks like a mistake in a workflow that can be used: found without any target.

Each check yields warnings. None of them is an error: the workflow does what it says, but perhaps
not what its author meant. A comment silences one, see `flowc.lang.silence`.
"""

import os
from collections.abc import Iterator, Sequence

from flowc.diagnostic import Diagnostic, Label
from flowc.graph.overlap import overlapping, witness
from flowc.lang.pattern import Pattern, wildcard_names
from flowc.lang.template import Placeholder, Template
from flowc.lang.unused import unused_names
from flowc.lang.values import FlaggedPath
from flowc.lang.workflow import Item, Rule, Workflow

MAX_FINDINGS = 50
"""Of one kind: more would hide the rest."""
MAX_FILES = 2000
"""Of one list: who makes longer ones is not asked file by file."""


def find_all(workflow: Workflow) -> list[Diagnostic]:
    """Every finding, in the order of the files."""
    found: list[Diagnostic] = []
    for check in (_ambiguous_rules, _unreachable_rules, _unused_wildcards, _outputs_outside):
        found += _first(check(workflow))
    found += _first(unused_names(workflow.sources))
    order = {id(source): i for i, source in enumerate(workflow.sources)}
    return sorted(
        found,
        key=lambda d: (order.get(id(d.span.source), 0), d.span.start) if d.span else (-1, 0),
    )


def _first(found: Iterator[Diagnostic]) -> list[Diagnostic]:
    return [d for d, _ in zip(found, range(MAX_FINDINGS), strict=False)]


def _products(rule: Rule) -> Iterator[tuple[str, Item]]:
    for item in rule.outputs:
        for path in item.files[:MAX_FILES]:
            yield path, item


# --- two rules for one file ----------------------------------------------------------------------


def _ambiguous_rules(workflow: Workflow) -> Iterator[Diagnostic]:
    """Pairs of rules that could make the same file, with nothing that says which of them does."""
    rules: list[Rule] = []
    items: list[Item] = []
    patterns: list[Pattern] = []
    for rule in workflow.rules:
        for path, item in _products(rule):
            patterns.append(Pattern(path, rule.constraints))
            rules.append(rule)
            items.append(item)
    order = [{name: i for i, name in enumerate(names)} for names in workflow.ruleorder]
    settled: set[tuple[str, str]] = set()
    for i, j in overlapping(patterns):
        first, second = rules[i], rules[j]
        pair = (first.name, second.name)
        if first is second or pair in settled:
            continue
        if len(patterns[i].names) != len(patterns[j].names):
            continue  # the rule with fewer wildcards is preferred
        if any(first.name in clause and second.name in clause for clause in order):
            settled.add(pair)
            continue
        file = witness(patterns[i], patterns[j])
        if file is not None:
            settled.add(pair)
            yield Diagnostic(
                "ambiguous-rules",
                f"rules `{first.name}` and `{second.name}` could both make `{file}`",
                items[j].span,
                (Label(items[i].span, f"of rule `{first.name}`"),),
                hint=f"`ruleorder: {first.name} > {second.name}` settles it, or a constraint of a "
                "wildcard",
                severity="warning",
            )


# --- what nobody asks for ------------------------------------------------------------------------


def _unreachable_rules(workflow: Workflow) -> Iterator[Diagnostic]:
    """Rules with wildcards none of whose files any rule reads: they cannot be asked for by name.

    Nothing is said where a function gives inputs, which might be any files, nor where no default
    target says what the workflow is for.
    """
    if workflow.default_target is None or not workflow.rules[workflow.default_target].inputs:
        return
    makers = [rule for rule in workflow.rules if any(wildcard_names(p) for p, _ in _products(rule))]
    wanted: list[Pattern] = []
    literals: set[str] = set()
    for rule in workflow.rules:
        for item in rule.inputs:
            if item.function is not None or len(item.files) > MAX_FILES:
                return
            for path in item.files:
                if "{" in path:
                    wanted.append(Pattern(path, rule.constraints))
                else:
                    literals.add(os.path.normpath(path))
            makers = [m for m in makers if not _is_bound(item, m)]
    asked = _asked_for(makers, wanted, literals)
    for rule in makers:
        if rule.name not in asked:
            yield Diagnostic(
                "unreachable-rule",
                f"no rule reads what rule `{rule.name}` makes, and its wildcards keep it from "
                "being asked for by name",
                rule.span,
                hint="name its files in the `input` of a rule, or as targets",
                severity="warning",
            )


def _is_bound(item: Item, rule: Rule) -> bool:
    return any(isinstance(path, FlaggedPath) and path.rule == rule.name for path in item.files)


def _asked_for(makers: Sequence[Rule], wanted: list[Pattern], literals: set[str]) -> set[str]:
    made: list[Pattern] = []
    makers_of: list[Rule] = []
    for rule in makers:
        for item in (*rule.outputs, *rule.logs, *([rule.benchmark] if rule.benchmark else [])):
            for path in item.files[:MAX_FILES]:
                made.append(Pattern(path, rule.constraints))
                makers_of.append(rule)
    asked: set[str] = set()
    everything = [*made, *wanted, *(Pattern(path) for path in sorted(literals))]
    count = len(made)
    for i, j in overlapping(everything):
        if i < count <= j and makers_of[i].name not in asked:
            reader = everything[j]
            matches = (
                witness(made[i], reader) if reader.names else made[i].match(reader.text)
            ) is not None
            if matches:
                asked.add(makers_of[i].name)
    return asked


# --- wildcards that change nothing ---------------------------------------------------------------


def _unused_wildcards(workflow: Workflow) -> Iterator[Diagnostic]:
    """Wildcards of outputs that neither inputs nor params nor the command depend on: all files
    would be the same."""
    for rule in workflow.rules:
        if rule.command is None or rule.script is not None or not rule.outputs:
            continue
        if any(item.function is not None for item in rule.inputs):
            continue
        params = (*rule.params, *rule.env)
        if any(not isinstance(param.value, str | int | float) for param in params):
            continue
        used = {
            name for item in rule.inputs for path in item.files for name in wildcard_names(path)
        }
        used.update(
            name
            for param in params
            if isinstance(param.value, str)
            for name in wildcard_names(param.value)
        )
        used.update(_of_command(rule.command))
        if "" in used:
            continue
        item = rule.outputs[0]
        for name in wildcard_names(item.files[0]) if item.files else ():
            if name not in used:
                yield Diagnostic(
                    "unused-wildcard",
                    f"rule `{rule.name}` does the same for every `{name}`: neither its inputs nor "
                    "its command depend on it",
                    item.span,
                    hint=f"`{{wildcards.{name}}}` is its value in a command",
                    severity="warning",
                )


def _of_command(command: Template) -> Iterator[str]:
    """The wildcards that a command names; "" if it may use any of them."""
    for part in command.parts:
        if not isinstance(part, Placeholder):
            continue
        if part.root == "wildcards":
            yield str(part.path[0]) if part.path else ""
        elif part.root in ("resources", "threads", "mem_gb", "rule", "jobid"):
            continue
        elif part.root in ("output", "log", "benchmark") and part.spec:
            yield ""


# --- files elsewhere -----------------------------------------------------------------------------


def _outputs_outside(workflow: Workflow) -> Iterator[Diagnostic]:
    """Outputs that are not in the working directory."""
    here = os.getcwd().rstrip("/") + "/"
    for rule in workflow.rules:
        for path, item in _products(rule):
            normal = os.path.normpath(path)
            if normal.startswith("../") or (path.startswith("/") and not path.startswith(here)):
                yield Diagnostic(
                    "output-outside",
                    f"rule `{rule.name}` writes outside of the working directory: `{path}`",
                    item.span,
                    hint="another directory's runs do not know of it; `-d DIR` works elsewhere",
                    severity="warning",
                )
                break
