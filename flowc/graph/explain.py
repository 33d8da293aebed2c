"""Messages about the graph: what cannot be made and why, ambiguous files, cycles."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from flowc.diagnostic import Diagnostic, Label
from flowc.disk import FileState
from flowc.graph.expand import Expansion
from flowc.graph.near_miss import NearMisses
from flowc.ids import NO_JOB
from flowc.source import Span

MOST_FAULTS = 20
"""So many missing files are named one by one."""

MOST_LABELS = 5
"""So many jobs of a chain are shown."""

MOST_PATHS = 10_000
"""Among so many paths a near miss is looked for."""


def missing_inputs(
    expansion: Expansion,
    targets: Sequence[int],
    target_jobs: Sequence[int],
    bad_files: Collection[int],
    states: Sequence[FileState | None],
) -> list[Diagnostic]:
    """What the targets lack: one fault for each missing file, with the chain of jobs to it."""
    faults: dict[object, Diagnostic] = {}
    misses: NearMisses | None = None
    seen: set[int] = set()
    queue: list[tuple[int, tuple[int, ...]]] = [(file, ()) for file in reversed(targets)]
    for job in reversed(target_jobs):
        _follow(expansion, job, (job,), bad_files, queue, faults)
    while queue:
        file, chain = queue.pop()
        if file in seen:
            continue
        seen.add(file)
        jobs = expansion.options.get(file) or [expansion.producer[file]]
        jobs = [job for job in jobs if job != NO_JOB and job not in chain]
        if not jobs:
            if len(faults) >= MOST_FAULTS:  # will only be counted
                faults[file] = Diagnostic("missing-input", "one of many")
                continue
            misses = misses or NearMisses(expansion.workflow)
            faults[file] = _missing_file(expansion, file, chain, states, misses, targets)
        for job in jobs[:1]:
            _follow(expansion, job, (*chain, job), bad_files, queue, faults)
    found = list(faults.values())
    if len(found) > MOST_FAULTS:
        more = len(found) - MOST_FAULTS
        found[MOST_FAULTS:] = [Diagnostic("missing-input", f"and {more} more files are missing")]
    return found


def _follow(
    expansion: Expansion,
    job: int,
    chain: tuple[int, ...],
    bad_files: Collection[int],
    queue: list[tuple[int, tuple[int, ...]]],
    faults: dict[object, Diagnostic],
) -> None:
    if job in expansion.faults:
        for fault in expansion.faults[job].diagnostics:
            faults.setdefault((fault.code, fault.message, str(fault.span)), fault)
    inputs = expansion.group_files(expansion.input_rows[job])
    queue.extend((f, chain) for f in reversed(list(inputs)) if f in bad_files)


def _missing_file(
    expansion: Expansion,
    file: int,
    chain: Sequence[int],
    states: Sequence[FileState | None],
    misses: NearMisses,
    targets: Sequence[int],
) -> Diagnostic:
    path = expansion.paths[file]
    if not chain:
        near = _near(path, expansion, states)
        rules = get_close_matches(path, list(expansion.workflow.by_name), n=1)
        hint = f"did you mean `{near}`?" if near else None
        if rules and not near:
            hint = f"did you mean the rule `{rules[0]}`?"
        return Diagnostic(
            "unknown-target",
            f"no rule makes `{path}`, and there is no such file",
            labels=tuple(misses.of(path, {})),
            hint=hint,
        )
    rule = expansion.workflow.rules[expansion.rule_of[chain[-1]]]
    if file in expansion.output_rows[chain[-1]]:
        return Diagnostic(
            "cyclic-graph",
            f"rule `{rule.name}` needs its own output `{path}`",
            _input_span(expansion, chain[-1], file),
            hint="a rule cannot make its own input: give one of the two another name",
        )
    labels = [
        Label(expansion.workflow.rules[expansion.rule_of[job]].span, f"needed by {asked}")
        for job, asked in zip(reversed(chain[:-1]), _names(expansion, chain), strict=False)
    ]
    labels += _target(expansion, chain, targets)
    wildcards = _wildcards(expansion, chain[-1])
    where = f" with {wildcards}" if wildcards else ""
    values = dict(
        zip(expansion.products.wildcard_names[rule.id], expansion.wildcards[chain[-1]], strict=True)
    )
    near = _near(path, expansion, states)
    return Diagnostic(
        "missing-input",
        f"rule `{rule.name}`{where} needs `{path}`, which is not there, and no rule makes it",
        _input_span(expansion, chain[-1], file),
        (*misses.of(path, values), *_shortened(labels)),
        f"there is `{near}`: did you mean that?" if near else None,
    )


def _target(expansion: Expansion, chain: Sequence[int], targets: Sequence[int]) -> list[Label]:
    """The file that was asked for, where it is one and no rule."""
    rule = expansion.workflow.rules[expansion.rule_of[chain[0]]]
    made = [file for file in targets if file in expansion.output_rows[chain[0]]]
    return [Label(rule.span, f"makes the target `{expansion.paths[file]}`") for file in made[:1]]


def _shortened(labels: list[Label]) -> list[Label]:
    """The job that asks and the ones next to it, and the target at the far end."""
    return labels if len(labels) <= MOST_LABELS else [*labels[: MOST_LABELS - 1], labels[-1]]


def _names(expansion: Expansion, chain: Sequence[int]) -> list[str]:
    """What each job of the chain (from the target down) hands to the one above it."""
    names = []
    for job in reversed(chain[:-1]):
        rule = expansion.workflow.rules[expansion.rule_of[job]]
        wildcards = _wildcards(expansion, job)
        names.append(f"rule `{rule.name}`" + (f" with {wildcards}" if wildcards else ""))
    return names


def _wildcards(expansion: Expansion, job: int) -> str:
    names = expansion.products.wildcard_names[expansion.rule_of[job]]
    pairs = zip(names, expansion.wildcards[job], strict=True)
    return ", ".join(f"{name}={value}" for name, value in pairs)


def _input_span(expansion: Expansion, job: int, file: int) -> Span:
    """The item of the rule's `input:` that asks for the file."""
    rule = expansion.workflow.rules[expansion.rule_of[job]]
    row = expansion.input_rows[job]
    for ref, item in zip(row, rule.inputs, strict=False):
        if ref == file or (ref < 0 and file in expansion.groups[~ref]):
            return rule.span if job in expansion.input_names else item.span
    return rule.span


def _near(path: str, expansion: Expansion, states: Sequence[FileState | None]) -> str | None:
    """A file that exists, or that a rule makes, whose path is nearly the same."""
    parent = path[: path.rfind("/") + 1]
    known = [
        p
        for p, state, maker in zip(
            expansion.paths[:MOST_PATHS], states, expansion.producer, strict=False
        )
        if p != path and (state is not None or maker != NO_JOB)
    ]
    top = parent.rstrip("/") or "."
    for _, _, files in expansion.disk.walk(top):
        known.extend(parent + name for name in files[:MOST_PATHS])
        break
    found = get_close_matches(path, known, n=1, cutoff=0.8)
    return found[0] if found else None


def ambiguous_output(expansion: Expansion, file: int, best: int, other: int) -> Diagnostic:
    """Two rules could make a file and nothing prefers one of them."""
    a = expansion.workflow.rules[expansion.rule_of[best]]
    b = expansion.workflow.rules[expansion.rule_of[other]]
    return Diagnostic(
        "ambiguous-output",
        f"rules `{a.name}` and `{b.name}` can both make `{expansion.paths[file]}`",
        a.span,
        (Label(b.span, "the other one"),),
        f"say which one with `ruleorder: {a.name} > {b.name}`, or constrain their wildcards",
    )


def conflicting_outputs(expansion: Expansion, file: int, first: int, second: int) -> Diagnostic:
    """Two jobs of one run would both write a file."""
    a = expansion.workflow.rules[expansion.rule_of[first]]
    b = expansion.workflow.rules[expansion.rule_of[second]]
    return Diagnostic(
        "conflicting-outputs",
        f"rules `{a.name}` and `{b.name}` would both run, and both write `{expansion.paths[file]}`",
        a.span,
        (Label(b.span, "the other one"),),
        "let only one of them declare this output",
    )


def cyclic_graph(expansion: Expansion, cycle: Sequence[int]) -> Diagnostic:
    """The files of the cycle, each needed to make the one before."""
    paths = [expansion.paths[file] for file in cycle]
    job = expansion.producer[cycle[0]]
    if job == NO_JOB:
        job = expansion.options[cycle[0]][0]
    rule = expansion.workflow.rules[expansion.rule_of[job]]
    labels = []
    for file in cycle[1:6]:
        maker = expansion.producer[file]
        if maker == NO_JOB:
            continue
        other = expansion.workflow.rules[expansion.rule_of[maker]]
        if other is not rule:
            labels.append(Label(other.span, f"makes `{expansion.paths[file]}`"))
    ring = " needs ".join(f"`{p}`" for p in [*paths, paths[0]])
    return Diagnostic(
        "cyclic-graph",
        f"these files need each other: {ring}",
        rule.span,
        tuple(labels),
        "no order of jobs can make them: take one of these inputs away",
    )
