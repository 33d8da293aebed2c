"""Directives at the top level that concern all rules: constraints, limits, order, environment."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flowc.diagnostic import Diagnostic
from flowc.lang import settings
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import near
from flowc.lang.items import Given
from flowc.lang.rules import Faults, evaluate_items
from flowc.lang.workflow import Setting
from flowc.syntax.tree import Comparison, Directive, Expr, Name, Var


class TopLevel:
    """What the files have said so far that concerns all rules."""

    def __init__(self) -> None:
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
}


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
