"""A rule's `profile:`: what was measured of it, and what is to be said about that.

A profile that is not there yet gives nothing; one that is no profile is a mistake.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.lang.workflow import Rule, Workflow
from flowc.plan.call import is_function
from flowc.plan.digest import code_digest
from flowc.plan.request import Origin
from flowc.sizing.figures import THIN, Evidence, evidence_of, nearest
from flowc.sizing.profile import read_profile
from flowc.units import GIB, MIB, parse_bytes, show_gb

FAR_LESS = 4
"""A rule that declares so many times what it needs is told so."""


class Profiles:
    """The profiles that the rules of a workflow name; each is read once, when it is asked for."""

    def __init__(self) -> None:
        self._read: dict[str, Mapping[str, Evidence] | None] = {}

    def of(self, rule: Rule) -> Evidence | None:
        """None where there is no such file yet, or it says nothing of the rule."""
        return (self._of_file(rule) or {}).get(rule.name)

    def cores(self, rule: Rule) -> tuple[int | None, Origin]:
        """What its jobs should ask for, if that is known, and where it comes from."""
        evidence = self.of(rule)
        cores = None if evidence is None else evidence.cores()
        if evidence is None or cores is None:
            return None, self._nothing(rule, "cores")
        return cores, _origin(rule, evidence.figures().detail)

    def memory(
        self, rule: Rule, attempt: int, input_bytes: Callable[[], int | None]
    ) -> tuple[int | None, Origin]:
        """As above, for a job whose inputs are so large (asked for only where it matters)."""
        evidence = self.of(rule)
        if evidence is None:
            return None, self._nothing(rule, "memory")
        size = input_bytes() if evidence.varies else None
        figures = evidence.figures(size, attempt)
        if figures.memory_bytes is None:
            return None, self._nothing(rule, "memory")
        return figures.memory_bytes, _origin(rule, figures.detail)

    def peak_bytes(self, rule: Rule) -> int | None:
        """The most memory that one of its jobs has used. A broken profile tells nothing: a rule
        that declares its figures runs all the same."""
        try:
            evidence = self.of(rule)
        except WorkflowError:
            return None
        return None if evidence is None else evidence.memory_peak_bytes

    def _nothing(self, rule: Rule, what: str) -> Origin:
        detail = self.missing(rule)
        if self.of(rule) is not None:
            detail = f"profile {rule.profile} does not tell its {what}"
        return Origin("default", detail, rule.profile_span)

    def missing(self, rule: Rule) -> str:
        """Why there is no evidence, in words."""
        found = self._of_file(rule)
        if found is None:
            return f"profile {rule.profile} does not exist yet"
        return f"profile {rule.profile} says nothing of it"

    def _of_file(self, rule: Rule) -> Mapping[str, Evidence] | None:
        path = rule.profile
        if path is None:
            return None
        if path not in self._read:
            exists = os.path.exists(path)
            self._read[path] = (
                evidence_of(read_profile(path, rule.profile_span)) if exists else None
            )
        return self._read[path]

    def known(self, rule: Rule) -> Mapping[str, Evidence]:
        return self._of_file(rule) or {}


def _origin(rule: Rule, detail: str) -> Origin:
    return Origin("profile", f"{rule.profile}: {detail}", rule.profile_span)


def check_profiles(workflow: Workflow) -> list[Diagnostic]:
    """Warnings about the rules' profiles; faults of the files themselves are among them.

    Where a measurement contradicts a figure, where it was taken of another command, where it is
    thin, and where there is none."""
    profiles = Profiles()
    found: list[Diagnostic] = []
    broken: set[str] = set()
    for rule in workflow.rules:
        if rule.profile is None or rule.command is None or rule.profile in broken:
            continue
        if not os.path.exists(rule.profile):
            broken.add(rule.profile)  # said once, whatever the number of rules
            found.append(
                _warning(
                    "no-evidence",
                    rule,
                    f"the profile {rule.profile} does not exist yet",
                    f"measure the jobs: `flowc profile -o {rule.profile}`",
                )
            )
            continue
        try:
            found += _check(rule, workflow, profiles)
        except WorkflowError as error:
            broken.add(rule.profile)
            found += error.diagnostics
    return found


def _check(rule: Rule, workflow: Workflow, profiles: Profiles) -> Iterator[Diagnostic]:
    evidence = profiles.of(rule)
    if evidence is None or not evidence.good:
        known = profiles.known(rule)
        hint = nearest(rule.name, known) if known else ""
        yield _warning(
            "no-evidence",
            rule,
            f"rule `{rule.name}`: {profiles.missing(rule)}",
            hint or f"measure it: `flowc profile -o {rule.profile}`",
        )
        return
    if evidence.is_stale(code_digest(rule, workflow)):
        yield _warning(
            "stale-profile",
            rule,
            f"the command of rule `{rule.name}` has changed since it was measured "
            f"({evidence.date or 'no date'})",
            f"measure it anew: `flowc profile -o {rule.profile}`",
        )
    if evidence.is_thin:
        count = len(evidence.good)
        yield _warning(
            "thin-profile",
            rule,
            f"what is known of rule `{rule.name}` comes from "
            f"{count} measurement{'' if count == 1 else 's'}",
            f"headroom is generous until there are {THIN}",
        )
    yield from _contradictions(rule, evidence)


def _contradictions(rule: Rule, evidence: Evidence) -> Iterator[Diagnostic]:
    """Declared constants against what was seen."""
    declared = declared_bytes(rule)
    peak = evidence.memory_peak_bytes
    if declared is not None and peak is not None and rule.mem is not None:
        shown = f"rule `{rule.name}` declares {show_gb(declared)} of memory, and "
        if peak > declared and not evidence.memory_is_bound:
            yield Diagnostic(
                "contradicted-memory",
                f"{shown}{show_gb(peak)} was used when it was measured",
                rule.mem.span,
                severity="warning",
                hint=_apply(rule),
            )
        elif peak * FAR_LESS < declared and declared > GIB // 4:
            yield Diagnostic(
                "contradicted-memory",
                f"{shown}no more than {show_gb(peak)} was ever used",
                rule.mem.span,
                severity="warning",
                hint=_apply(rule),
            )
    threads = rule.threads
    used = evidence.cores_peak
    if threads is None or used is None or not isinstance(threads.value, int | float):
        return
    needed = evidence.cores() or 1
    if used > threads.value + 0.5 or needed * 2 <= threads.value:
        less = "no more than " if needed < threads.value else ""
        yield Diagnostic(
            "contradicted-threads",
            f"rule `{rule.name}` declares {threads.value:g} threads, and {less}{used:.1f} cores "
            "were in use when it was measured",
            threads.span,
            severity="warning",
            hint=_apply(rule),
        )


def _apply(rule: Rule) -> str:
    return f"`flowc profile apply {rule.profile}` writes what was measured into the workflow"


def _warning(code: str, rule: Rule, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, rule.profile_span, severity="warning", hint=hint)


def declared_bytes(rule: Rule) -> int | None:
    """The memory that a rule declares, where it is one figure for all its jobs."""
    if rule.mem is None or is_function(rule.mem.value):
        return None
    value = rule.mem.value
    try:
        if isinstance(value, str):
            return parse_bytes(value) if rule.mem_unit == "text" else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return round(value * (GIB if rule.mem_unit == "gb" else MIB))
    except (ValueError, OverflowError):
        return None


def check_rules_named(names: Mapping[str, object], workflow: Workflow, path: str) -> list[str]:
    """The names that are no rules of the workflow. Raises WorkflowError where none of them is."""
    rules = workflow.by_name
    unknown = [name for name in names if name not in rules]
    if names and len(unknown) == len(names):
        hints = [h for name in unknown if (h := nearest(name, rules))]
        raise fail(
            "unmatched-rules",
            f"none of the rules in `{path}` is one of this workflow's: "
            f"{', '.join(f'`{n}`' for n in unknown[:3])}{', ...' if len(unknown) > 3 else ''}",
            hint=hints[0] if hints else None,
        )
    return unknown
