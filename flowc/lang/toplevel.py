"""Directives at the top level that concern all rules: constraints, limits, order, environment."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.lang import settings
from flowc.lang.callables import Builtin
from flowc.lang.directives import TOP_DIRECTIVES
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import explain, near
from flowc.lang.items import Given
from flowc.lang.limits import Refusal
from flowc.lang.pathvars import TOP, Pathvars
from flowc.lang.rules import Faults, code_of, evaluate_items, not_acted_upon
from flowc.lang.script import Script
from flowc.lang.values import FLAG_NAMES, NO_FLAGS, Flags, flags_named
from flowc.lang.workflow import Setting
from flowc.syntax.tree import Comparison, Directive, Expr, Name, Var

_MOST_PARTS = 1_000_000


class TopLevel:
    """What the files have said so far that concerns all rules."""

    def __init__(self, pathvars: Pathvars, expand: Callable[..., Any]) -> None:
        self.pathvars = pathvars
        self.expand = expand
        self.default_flags: dict[str, Flags] = {}  # "input", "output": what all paths get
        self.handlers: dict[str, tuple[str, Script]] = {}  # `onstart` and the like
        self.scatter: dict[str, Builtin] = {}  # the members of `scatter` and `gather`
        self.set_scatter: Mapping[str, int] = {}  # --set-scatter
        self.constraints: dict[str, str] = {}
        self.limits: dict[str, int] = {}
        self.order: list[tuple[Name, ...]] = []
        self.local_rules: dict[str, Name] = {}
        self.profile: Setting | None = None
        self.env: dict[str, str] = {}

    def read(
        self, directive: Directive, interpreter: Interpreter, scope: Scope, faults: Faults
    ) -> None:
        """Take in one directive; `NAMES` and `VALUES` have a reader for each."""
        name = directive.name.text
        if directive.body is not None:
            self.handlers[name] = (directive.body, code_of(directive))
            return
        if name in NAMES:
            NAMES[name](self, directive, faults)
            return
        given = evaluate_items(interpreter, scope, directive, faults)
        if given is not None:
            VALUES[name](self, given, directive, faults)

    def _constraints(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        self.constraints.update(settings.read_constraints(given, faults))

    def _limits(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        for name, units in settings.read_limits(given, None, faults).items():
            if self.limits.setdefault(name, units) != units:
                faults.append(
                    Diagnostic(
                        "repeated-limit",
                        f"limit `{name}` is {self.limits[name]} already",
                        directive.name.span,
                        hint="declare it once; `--limit` changes it for a run",
                    )
                )

    def _profile(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        profile = settings.read_text(given, "profile", directive.name.span, faults)
        self.profile = profile or self.profile

    def _envvars(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        for _, value, span in given:
            for name in value if isinstance(value, list | tuple) else (value,):
                if not isinstance(name, str):
                    faults.append(Diagnostic("bad-value", "the name of a variable is a text", span))
                elif name in os.environ:
                    self.env[name] = os.environ[name]
                else:
                    faults.append(
                        Diagnostic(
                            "undefined-envvar",
                            f"the environment variable `{name}` is not set",
                            span,
                            hint=near(name, os.environ) or f"`export {name}=...` before flowc",
                        )
                    )

    def _pathvars(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        try:
            self.pathvars.update({n.text: v for n, v, _ in given if n is not None}, TOP)
        except Refusal as fault:
            error = explain(fault, directive.name.span)
            faults += error.diagnostics if isinstance(error, WorkflowError) else ()

    def _scatter(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        for name, parts, span in given:
            if name is None or not isinstance(parts, int) or not 1 <= parts <= _MOST_PARTS:
                faults.append(
                    Diagnostic(
                        "bad-scattergather",
                        "`scattergather` takes names and numbers of parts",
                        span,
                        hint="write `split=8`",
                    )
                )
                continue
            count = self.set_scatter.get(name.text, parts)
            call = _scatterer(self.expand, count)
            self.scatter[name.text] = Builtin(f"scatter.{name.text}", call)

    def _flags(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        """`inputflags: ancient`: in place of what was said before."""
        flags = NO_FLAGS
        for name, value, span in given:
            flag = value.name if isinstance(value, Builtin) and name is None else ""
            if flag in FLAG_NAMES:
                flags |= flags_named([flag])
            elif not flag.startswith("access."):
                text = f"`{directive.name.text}` takes names of flags, such as `temp` or `ancient`"
                faults.append(Diagnostic("bad-value", text, span))
        self.default_flags.pop(directive.name.text.removesuffix("flags"), None)
        if flags != NO_FLAGS:
            self.default_flags[directive.name.text.removesuffix("flags")] = flags

    def _unheeded(self, given: list[Given], directive: Directive, faults: Faults) -> None:
        faults.append(not_acted_upon(directive, TOP_DIRECTIVES[directive.name.text].instead))

    def _order(self, directive: Directive, faults: Faults) -> None:
        for item in directive.items:
            value = item.value
            names = _rule_names(value.operands) if isinstance(value, Comparison) else None
            greater = isinstance(value, Comparison) and set(value.operators) == {">"}
            if names is None or not greater or item.name is not None:
                faults.append(
                    Diagnostic(
                        "bad-ruleorder",
                        "an order of rules has the form `a > b > c`: the first one is preferred",
                        item.span,
                    )
                )
                continue
            self.order.append(names)

    def _local_rules(self, directive: Directive, faults: Faults) -> None:
        for item in directive.items:
            names = _rule_names((item.value,))
            if names is None or item.name is not None:
                faults.append(
                    Diagnostic(
                        "bad-localrules",
                        "`localrules` takes names of rules, with commas between them",
                        item.span,
                    )
                )
                continue
            self.local_rules[names[0].text] = names[0]


NAMES: Mapping[str, Callable[[TopLevel, Directive, Faults], None]] = {
    "ruleorder": TopLevel._order,
    "localrules": TopLevel._local_rules,
}
"""Directives whose items are names of rules, not expressions."""

VALUES: Mapping[str, Callable[[TopLevel, list[Given], Directive, Faults], None]] = {
    "wildcard_constraints": TopLevel._constraints,
    "limits": TopLevel._limits,
    "profile": TopLevel._profile,
    "envvars": TopLevel._envvars,
    "pathvars": TopLevel._pathvars,
    "scattergather": TopLevel._scatter,
    "inputflags": TopLevel._flags,
    "outputflags": TopLevel._flags,
    "conda": TopLevel._unheeded,
    "container": TopLevel._unheeded,
    "containerized": TopLevel._unheeded,
    "singularity": TopLevel._unheeded,
    "envmodules": TopLevel._unheeded,
    "report": TopLevel._unheeded,
    "resource_scopes": TopLevel._unheeded,
}


def _scatterer(expand: Callable[..., Any], count: int) -> Callable[..., Any]:
    """`scatter.split("a/{scatteritem}.txt")`: the path of each part, `1-of-8` to `8-of-8`."""
    items = [f"{i}-of-{count}" for i in range(1, count + 1)]
    return lambda *patterns, **values: expand(*patterns, scatteritem=items, **values)


def _rule_names(values: tuple[Expr, ...]) -> tuple[Name, ...] | None:
    if all(isinstance(value, Var) for value in values):
        return tuple(Name(v.name, v.span) for v in values if isinstance(v, Var))
    return None


def unknown_rule(name: Name, known: Mapping[str, Any], where: str) -> Diagnostic:
    """A warning: Snakemake says nothing, as the rule may stand behind an `if`."""
    return Diagnostic(
        "unknown-rule",
        f"`{where}` names a rule `{name.text}`, which does not exist",
        name.span,
        hint=near(name.text, known),
        severity="warning",
    )
