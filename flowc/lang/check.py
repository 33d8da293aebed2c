"""From drafts to rules, when the whole file is known: what one rule's directives say together.

Faults are gathered; a rule is made all the same, so that the others are checked too.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flowc.diagnostic import Diagnostic, Label
from flowc.ids import RuleId
from flowc.lang.draft import Draft, Home
from flowc.lang.faults import PoisonedError, near
from flowc.lang.pattern import WILDCARD, Pattern, wildcard_names
from flowc.lang.rules import Faults
from flowc.lang.script import Script
from flowc.lang.template import Template, parse_template
from flowc.lang.template_check import check
from flowc.lang.wording import listing, narrow
from flowc.lang.workflow import Item, Rule, Setting
from flowc.source import Span

Lookup = Callable[[str], Any]
Names = tuple[str, ...]


class Surroundings(NamedTuple):
    """What all rules of a namespace share."""

    constraints: Mapping[str, str]
    profile: Setting | None
    limits: Collection[str]  # declared at the top level or given on the command line
    local_rules: Collection[str]
    lookup: Lookup  # a name of the file, for placeholders; raises KeyError
    with_names: Callable[[Draft], Script | None]  # what the code of a `run:` needs of the file


def surroundings(home: Home, limits: Collection[str]) -> Surroundings:
    """What the namespace in which a rule was written says of it."""
    top = home.top
    shared = (top.constraints, top.profile, limits, top.local_rules)
    return Surroundings(*shared, home.lookup, home.with_names)


def finish(draft: Draft, id: RuleId, around: Surroundings, faults: Faults) -> Rule:
    """The rule that a draft becomes."""
    constraints = {**around.constraints, **draft.constraints}
    names = _check_products(draft, constraints, faults)
    _check_repeated_outputs(draft, faults)
    if "output" not in draft.faulty:
        _check_inputs(draft, names, faults)
        _check_params(draft, names, faults)
    resources, profile = draft.resources, draft.profile or around.profile
    return Rule(
        id=id,
        name=draft.name,
        span=draft.span,
        inputs=draft.inputs,
        outputs=draft.outputs,
        params=draft.params,
        env=draft.env,
        logs=draft.logs,
        benchmark=draft.benchmark,
        benchmark_repeats=draft.benchmark_repeats,
        threads=draft.threads,
        mem=resources.mem,
        mem_unit=resources.mem_unit,
        mem_spelling=resources.mem_spelling,
        runtime=resources.runtime,
        resources=resources.others,
        limits=_limits(draft, around.limits, faults),
        profile=None if profile is None else profile.value,
        profile_span=None if profile is None else profile.span,
        command=_command(draft, around, faults, names),
        script=None if draft.script is None else around.with_names(draft),
        message=_template(draft, draft.message, around, faults, names, shell=False),
        priority=draft.priority,
        retries=draft.retries,
        group=None if draft.group is None else draft.group.value,
        local=draft.local or draft.name in around.local_rules,
        is_checkpoint=draft.is_checkpoint,
        shadow=draft.shadow,
        constraints=constraints,
        docstring=draft.docstring,
    )


def _check_products(draft: Draft, constraints: Mapping[str, str], faults: Faults) -> Names:
    """The rule's wildcards: the same in all outputs, logs and the benchmark."""
    benchmark = () if draft.benchmark is None else (draft.benchmark,)
    first: tuple[str, Item, Names] | None = None
    for item in (*draft.outputs, *draft.logs, *benchmark):
        for path in _one_of_each(item):
            names = _compiled(path, item, constraints, faults)
            if names is None:
                continue
            if first is None:
                first = (path, item, names)
            elif set(names) != set(first[2]):
                faults.append(_differs(path, item, names, first))
                break
    return first[2] if first is not None else ()


def _one_of_each(item: Item) -> Iterable[str]:
    """The paths of an item that are worth a look: of those without wildcards, one."""
    if not item.is_list:
        return item.files
    if "{" not in "".join(item.files):
        return item.files[:1]
    plain = next((f for f in item.files if "{" not in f), None)
    patterns = [f for f in item.files if "{" in f]
    return patterns if plain is None else [*patterns, plain]


def _compiled(
    path: str, item: Item, constraints: Mapping[str, str], faults: Faults
) -> Names | None:
    """The wildcards of a product; None where its pattern is wrong."""
    if "{" not in path and "}" not in path:
        return ()
    try:
        pattern = Pattern(path, constraints)
        if pattern.constraints:  # without them there is nothing in it that could be wrong
            _ = pattern.regex
    except (ValueError, RecursionError, OverflowError) as fault:
        faults.append(Diagnostic("bad-wildcard", str(fault), narrow(item.span, path)))
        return None
    _warn_of_braces(path, item, faults)
    return pattern.names


def _warn_of_braces(path: str, item: Item, faults: Faults) -> None:
    rest = WILDCARD.sub("", path)
    if "{" in rest or "}" in rest:
        faults.append(
            Diagnostic(
                "odd-braces",
                f"not all braces of `{path}` are wildcards; the others are part of the name",
                narrow(item.span, path),
                hint="a wildcard is `{name}` or `{name,regex}`: letters, digits and `_`",
                severity="warning",
            )
        )


def _differs(path: str, item: Item, names: Names, first: tuple[str, Item, Names]) -> Diagnostic:
    first_path, first_item, first_names = first
    missing = [n for n in first_names if n not in names]
    extra = [n for n in names if n not in first_names]
    lacks = f"`{path}` lacks {listing(missing)}" if missing else ""
    has = f"`{first_path}` lacks {listing(extra)}" if extra else ""
    return Diagnostic(
        "wildcards-differ",
        "all outputs, logs and benchmarks of a rule have the same wildcards: "
        + " and ".join(filter(None, (lacks, has))),
        narrow(item.span, path),
        (Label(narrow(first_item.span, first_path), "compare with this one"),),
        hint="jobs that differ in a wildcard would write to the same file",
    )


def _check_repeated_outputs(draft: Draft, faults: Faults) -> None:
    count = sum(len(item.files) for item in draft.outputs)
    if count == len({f for item in draft.outputs for f in item.files}):
        return
    seen: dict[str, Item] = {}
    for item in draft.outputs:
        for path in item.files:
            if path in seen:
                faults.append(
                    Diagnostic(
                        "repeated-output",
                        f"`{path}` is twice among the outputs of rule `{draft.name}`",
                        narrow(item.span, path),
                        (Label(narrow(seen[path].span, path), "the first one"),)
                        if seen[path] is not item
                        else (),
                    )
                )
                return
            seen[path] = item


def _check_inputs(draft: Draft, names: Names, faults: Faults) -> None:
    for item in draft.inputs:
        if item.is_list and "{" not in "".join(item.files):
            continue
        for path in item.files:
            if "{" not in path:
                continue
            if _unknown_wildcards(draft, path, item, "input", names, faults):
                break
            _warn_of_braces(path, item, faults)


def _check_params(draft: Draft, names: Names, faults: Faults) -> None:
    for where, params in (("params", draft.params), ("env", draft.env)):
        for param in params:
            for text in _texts(param.value):
                if _unknown_wildcards(draft, text, param, where, names, faults):
                    break


def _texts(value: Any) -> Sequence[str]:
    """The strings of a parameter in which wildcards are filled in."""
    if isinstance(value, str):
        return (value,) if "{" in value else ()
    if isinstance(value, list | tuple):
        return [v for v in value if isinstance(v, str) and "{" in v]
    return ()


def _unknown_wildcards(
    draft: Draft, path: str, item: Any, where: str, names: Names, faults: Faults
) -> bool:
    unknown = [name for name in wildcard_names(path) if name not in names]
    if not unknown:
        return False
    wildcard = unknown[0]
    hint: str | None
    if names:
        message = f"no output of rule `{draft.name}` has the wildcard `{{{wildcard}}}`"
        are = "wildcard is" if len(names) == 1 else "wildcards are"
        hint = near(wildcard, names) or f"its {are} {listing(names)}"
    else:
        message = (
            f"rule `{draft.name}` has the wildcard `{{{wildcard}}}` in `{where}`, but no output "
            "from which to take its value"
        )
        hint = _expand_hint(path, where, item.span)
    faults.append(
        Diagnostic("unknown-wildcard", message, narrow(item.span, f"{{{wildcard}}}"), hint=hint)
    )
    return True


def _expand_hint(path: str, where: str, span: Span) -> str | None:
    if where != "input":
        return None
    written = f'"{path}"' if path in span.text else span.text
    if len(written) > 60 or "\n" in written:
        return "to read all of them, write `expand(...)`"
    names = ", ".join(f"{name}=..." for name in wildcard_names(path))
    return f"to read all of them, write `expand({written}, {names})`"


def _limits(draft: Draft, declared: Collection[str], faults: Faults) -> dict[str, int]:
    limits: dict[str, int] = {}
    for name, units in draft.limits.items():
        if not name:
            limits[private_limit(draft.name)] = 1
            continue
        limits[name] = units
        if name not in declared:
            faults.append(
                Diagnostic(
                    "undeclared-limit",
                    f"nothing says how many units of limit `{name}` there are",
                    draft.limit_spans.get(name, draft.span),
                    hint=near(name, declared)
                    or f"declare it at the top level, `limits: {name} = 2`, or give "
                    f"`--limit {name}=2`",
                )
            )
    return limits


def private_limit(rule: str) -> str:
    """The name of the limit that a rule declares for itself alone: `limits: 3`."""
    return f"rule:{rule}"


def _command(draft: Draft, around: Surroundings, faults: Faults, names: Names) -> Template | None:
    """The rule's action; code is a text like any other."""
    if draft.command is not None and draft.script is not None and draft.script.language == "run":
        return Template(draft.command.value, (draft.command.value,))
    shell = draft.script is None
    return _template(draft, draft.command, around, faults, names, shell=shell)


def _template(
    draft: Draft,
    text: Setting | None,
    around: Surroundings,
    faults: Faults,
    names: Names,
    *,
    shell: bool,
) -> Template | None:
    if text is None:
        return None
    try:
        template = parse_template(
            text.value, text.span, lookup=around.lookup, faults=faults, shell=shell
        )
    except PoisonedError:  # a name whose own fault is reported already
        return None
    known, counts = _known(draft, names)
    check(template, known, faults, counts=counts)
    return template


def _known(draft: Draft, names: Names) -> tuple[dict[str, Collection[str]], dict[str, int]]:
    """The names that placeholders may ask for, and how many items there are; nothing of what
    only a job knows, or of a directive with a fault."""
    known: dict[str, Collection[str]] = {"wildcards": names}
    counts: dict[str, int] = {}
    for root, items in (("input", draft.inputs), ("output", draft.outputs), ("log", draft.logs)):
        if root in draft.faulty or any(item.unpack for item in items):
            continue
        known[root] = [item.name for item in items if item.name is not None]
        if not any(item.function for item in items):
            counts[root] = sum(len(item.files) for item in items)
    if "params" not in draft.faulty:
        known["params"] = [param.name for param in draft.params if param.name is not None]
        counts["params"] = len(draft.params)
    if not draft.faulty.isdisjoint(("output", "log", "benchmark")):
        del known["wildcards"]
    return known, counts
