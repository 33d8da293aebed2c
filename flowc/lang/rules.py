"""A `rule` block, evaluated: a `Draft`, which becomes a `Rule` when the whole file is known.

The expressions of a rule are evaluated where it stands (a loop variable has its value of then).
What depends on the whole file, as global constraints and the names in commands do, comes later.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.lang import settings
from flowc.lang.directives import ACTIONS, BLOCKS, RULE_DIRECTIVES
from flowc.lang.draft import Defaults, Draft, merged_params, with_flags
from flowc.lang.env import read_env
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import explain, near
from flowc.lang.items import Given, ItemReader, check_function
from flowc.lang.limits import Refusal
from flowc.lang.moved import PathChange
from flowc.lang.pathvars import RULE as RULE_LEVEL
from flowc.lang.pathvars import Pathvars
from flowc.lang.script import Script, language_of
from flowc.lang.workflow import Item, Param, Setting
from flowc.source import Span
from flowc.syntax.tree import Block, Directive

Faults = list[Diagnostic]


class RuleReader:
    """Reads rule blocks. `interpreter` and `scope` evaluate their items."""

    def __init__(
        self, interpreter: Interpreter, scope: Scope, faults: Faults, top: Defaults
    ) -> None:
        self.interpreter = interpreter
        self.scope = scope
        self.faults = faults
        self.top = top
        self.directory = ""  # of the file that is being read
        self._unheeded: set[str] = set()

    def read(self, block: Block, number: int) -> Draft | None:
        """The rule of a block; `number` is the name of one without a name."""
        supported, instead = BLOCKS[block.kind.text]
        if not supported:
            self.faults.append(not_yet(f"a `{block.kind.text}` block", block.kind.span, instead))
            return None
        head = block.kind.span if block.name is None else block.kind.span.to(block.name.span)
        draft = Draft(
            name=block.name.text if block.name is not None else str(number),
            name_span=block.name.span if block.name is not None else head,
            span=head,
            docstring=block.docstring,
        )
        draft.is_checkpoint = block.kind.text == "checkpoint"
        chosen = self._choose(block.directives)
        if "name" in chosen:
            self._name(draft, chosen.pop("name"))
        self._take(draft, chosen)
        return draft

    def modify(self, draft: Draft, directives: tuple[Directive, ...]) -> set[str]:
        """Put what stands behind `with:` in the place of what the rule has; which directives."""
        chosen = self._choose(directives)
        for name in sorted(ACTIONS & chosen.keys()):
            self.faults.append(
                Diagnostic(
                    "action-in-use",
                    "`use rule` keeps the action of the rule that it uses",
                    chosen.pop(name).name.span,
                    hint="params, input and output can be others; or write a rule of its own",
                )
            )
        if "name" in chosen:
            self._name(draft, chosen.pop("name"))
        draft.faulty -= chosen.keys()
        params = draft.params
        if chosen.keys() & {"mem_gb", "resources"}:
            draft.resources = draft.resources.without(chosen.keys())
        self._take(draft, chosen)
        if "params" in chosen:
            draft.params = merged_params(params, draft.params)
        return set(chosen)

    def _take(self, draft: Draft, chosen: dict[str, Directive]) -> None:
        """Read directives into a draft."""
        if "pathvars" in chosen:  # the paths of the others may need them
            chosen = {"pathvars": chosen["pathvars"], **chosen}
        for name, directive in chosen.items():
            before = len(self.faults)
            given = evaluate_items(self.interpreter, self.scope, directive, self.faults)
            if given is None:
                draft.faulty.add(name)
                continue
            READERS[name](self, draft, given, directive)
            if any(f.severity == "error" for f in self.faults[before:]):
                draft.faulty.add(name)

    def _choose(self, directives: tuple[Directive, ...]) -> dict[str, Directive]:
        """The directives that count: known ones, each the first time it stands."""
        chosen: dict[str, Directive] = {}
        action: Directive | None = None
        for directive in directives:
            name = directive.name.text
            row = RULE_DIRECTIVES.get(name)
            if row is None:
                self.faults.append(unknown_directive(directive, "a rule", RULE_DIRECTIVES))
                continue
            if name in ACTIONS:
                if action is not None:
                    self.faults.append(_two_actions(directive, action))
                    continue
                action = directive
            if not row.supported:
                self.faults.append(not_yet(f"`{name}`", directive.name.span, row.instead))
            elif name in chosen:
                self.faults.append(
                    Diagnostic(
                        "repeated-directive",
                        f"this rule has `{name}` already; only the first counts",
                        directive.name.span,
                        (Label(chosen[name].name.span, "the first one"),),
                        severity="warning",
                    )
                )
            elif (directive.body is None) is (row.kind == "code"):
                takes = "a block of Python" if row.kind == "code" else "a value, no code"
                self.faults.append(
                    Diagnostic("bad-value", f"`{name}` takes {takes}", directive.name.span)
                )
            else:
                chosen[name] = directive
        return chosen

    def _name(self, draft: Draft, directive: Directive) -> None:
        given = evaluate_items(self.interpreter, self.scope, directive, self.faults)
        if given is None:
            return
        name = settings.read_text(given, "name", directive.name.span, self.faults)
        if name is None:
            return
        if not name.value:
            self.faults.append(Diagnostic("bad-value", "the name of a rule is empty", name.span))
            return
        draft.name, draft.name_span = str(name.value), name.span

    # --- one method for each directive, or a line for several -----------------------------------

    def _items(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        name = directive.name.text
        items = ItemReader(name, draft.name, self.faults).read(given)
        flags = self.top.default_flags.get(name)
        if flags is not None:
            items = with_flags(items, flags)
        setattr(draft, _FIELDS[name], self._with_pathvars(draft, items, directive))

    def _benchmark(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        one = settings.read_one(given, "benchmark", directive.name.span, self.faults)
        if one is None:
            return
        name, value, span = one
        if isinstance(value, Repeat):
            draft.benchmark_repeats = value.count
            value = value.path
        items = ItemReader("benchmark", draft.name, self.faults).read([(name, value, span)])
        items = self._with_pathvars(draft, items, directive)
        if len(items) == 1 and len(items[0].files) == 1:
            draft.benchmark = items[0]
        elif items:
            self.faults.append(Diagnostic("bad-value", "`benchmark` takes one path", span))

    def _with_pathvars(
        self, draft: Draft, items: tuple[Item, ...], directive: Directive
    ) -> tuple[Item, ...]:
        """The items with path variables filled in."""
        pathvars = self.top.pathvars
        try:
            if draft.pathvars:
                pathvars = Pathvars(pathvars)
                pathvars.update(draft.pathvars, RULE_LEVEL)
            if not pathvars.is_declared and "<" not in directive.span.text:
                return items
            return PathChange(pathvars=pathvars).items(items, functions=True)
        except Refusal as fault:
            error = explain(fault, directive.name.span)
            self.faults += error.diagnostics if isinstance(error, WorkflowError) else ()
            return items

    def _pathvars(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.pathvars = {name.text: value for name, value, _ in given if name is not None}
        try:
            Pathvars(self.top.pathvars).update(draft.pathvars, RULE_LEVEL)
        except Refusal as fault:
            error = explain(fault, directive.name.span)
            self.faults += error.diagnostics if isinstance(error, WorkflowError) else ()
            draft.pathvars = {}

    def _unheeded_directive(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        """Say once for each directive that nothing comes of it."""
        name = directive.name.text
        if name not in self._unheeded and not all(value in (None, False) for _, value, _ in given):
            self._unheeded.add(name)
            self.faults.append(not_acted_upon(directive, RULE_DIRECTIVES[name].instead))

    def _params(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        params = []
        for name, value, span in given:
            if type(value).__name__ == "Unpack":
                self.faults.append(
                    Diagnostic(
                        "misplaced-unpack",
                        "`unpack` works for `input` alone",
                        span,
                        hint="let the function return a dict and write `{params.name[key]}`",
                    )
                )
                continue
            if settings.is_function(value):
                check_function(
                    value, settings.PARAM_ARGUMENTS, "a function of `params`", span, self.faults
                )
            params.append(Param(name.text if name is not None else None, value, span))
        draft.params = tuple(params)

    def _env(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.env = read_env(given, self.faults)

    def _threads(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.threads = settings.read_threads(given, directive.name.span, self.faults)

    def _mem_gb(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        settings.read_mem_gb(given, directive.name.span, draft.resources, self.faults)

    def _resources(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        settings.read_resources(given, draft.resources, self.faults)

    def _limits(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.limits = settings.read_limits(given, draft.name, self.faults)
        draft.limit_spans = {n.text if n is not None else "": span for n, _, span in given}

    def _text(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        name = directive.name.text
        text = settings.read_text(given, name, directive.name.span, self.faults)
        setattr(draft, _FIELDS[name], text)

    def _group(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.group = settings.read_group(given, directive.name.span, self.faults)

    def _run(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        """The code of a `run:`. It is kept as it is: nobody looks into it before the job runs."""
        draft.command = Setting(directive.body or "", directive.span)
        draft.script = code_of(directive)

    def _script(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        path = settings.read_text(given, "script", directive.name.span, self.faults)
        if path is None:
            return
        language = language_of(path.value)
        if language is None:
            text = f"`{path.value}`: a script is one of Python, R or bash"
            hint = "its name ends in .py, .R or .sh; or start it in a `shell:`"
            self.faults.append(Diagnostic("unknown-script", text, path.span, hint=hint))
            return
        draft.command, draft.script = path, Script(language, self.directory)

    def _shadow(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.shadow = settings.read_shadow(given, directive.name.span, self.faults)

    def _flag(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        name = directive.name.text
        flag = settings.read_flag(given, name, directive.name.span, self.faults)
        setattr(draft, _FIELDS[name], flag)

    def _priority(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.priority = settings.read_priority(given, directive.name.span, self.faults)

    def _retries(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.retries = settings.read_retries(given, directive.name.span, self.faults)

    def _constraints(self, draft: Draft, given: list[Given], directive: Directive) -> None:
        draft.constraints = settings.read_constraints(given, self.faults)


_FIELDS = {
    "input": "inputs",
    "output": "outputs",
    "log": "logs",
    "shell": "command",
    "message": "message",
    "profile": "profile",
    "localrule": "local",
    "default_target": "default_target",
}
"""The field of a Draft that a directive fills."""

READERS: Mapping[str, Callable[[RuleReader, Draft, list[Given], Directive], None]] = {
    "input": RuleReader._items,
    "output": RuleReader._items,
    "log": RuleReader._items,
    "benchmark": RuleReader._benchmark,
    "params": RuleReader._params,
    "env": RuleReader._env,
    "threads": RuleReader._threads,
    "mem_gb": RuleReader._mem_gb,
    "resources": RuleReader._resources,
    "limits": RuleReader._limits,
    "shell": RuleReader._text,
    "run": RuleReader._run,
    "script": RuleReader._script,
    "shadow": RuleReader._shadow,
    "message": RuleReader._text,
    "profile": RuleReader._text,
    "group": RuleReader._group,
    "localrule": RuleReader._flag,
    "default_target": RuleReader._flag,
    "priority": RuleReader._priority,
    "retries": RuleReader._retries,
    "wildcard_constraints": RuleReader._constraints,
    "pathvars": RuleReader._pathvars,
    "conda": RuleReader._unheeded_directive,
    "container": RuleReader._unheeded_directive,
    "containerized": RuleReader._unheeded_directive,
    "singularity": RuleReader._unheeded_directive,
    "envmodules": RuleReader._unheeded_directive,
    "cache": RuleReader._unheeded_directive,
    "handover": RuleReader._unheeded_directive,
}
"""Who reads a directive; `name` is read before all others."""


class Repeat:
    """`repeat(path, n)`: a benchmark of `n` runs. (No tuple: that would be a list of paths.)"""

    def __init__(self, path: Any, count: int) -> None:
        self.path = path
        self.count = count


def evaluate_items(
    interpreter: Interpreter, scope: Scope, directive: Directive, faults: Faults
) -> list[Given] | None:
    """A directive's items with their values; None, and a fault more, where there is one."""
    try:
        return interpreter.arguments(directive.items, scope)
    except WorkflowError as error:
        faults.extend(error.diagnostics)
        return None


def code_of(directive: Directive) -> Script:
    """The place of a block of code. It is kept as it is: nobody looks into it before it runs."""
    source, body = directive.span.source, directive.body or ""
    start = source.text.find(body, directive.span.start)
    line = source.position(start + len(body) - len(body.lstrip()))[0]
    return Script("run", os.path.dirname(source.name), source.name, line)


def not_acted_upon(directive: Directive, instead: str) -> Diagnostic:
    return Diagnostic(
        "not-acted-upon",
        f"`{directive.name.text}` is read, but nothing comes of it yet",
        directive.name.span,
        hint=instead or None,
        severity="warning",
    )


def _two_actions(directive: Directive, first: Directive) -> Diagnostic:
    return Diagnostic(
        "several-actions",
        "a rule has one action",
        directive.name.span,
        (Label(first.name.span, "the first one"),),
        hint="make two rules, or join the commands in one `shell:`",
    )


def unknown_directive(directive: Directive, owner: str, known: Mapping[str, Any]) -> Diagnostic:
    name = directive.name
    verb = "a rule has" if owner == "a rule" else f"{owner} has"
    return Diagnostic(
        "unknown-directive",
        f"{verb} no directive `{name.text}`",
        name.span,
        hint=_GONE.get(name.text) or near(name.text, known),
    )


_GONE = {
    "version": "delete it: Snakemake has none any more",
    "subworkflow": "use `module`: its rules become part of this workflow",
}


def not_yet(what: str, span: Span, instead: str) -> Diagnostic:
    return Diagnostic(
        "not-supported-yet", f"{what} is not supported yet", span, hint=instead or None
    )
