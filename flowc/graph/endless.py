"""Rules that ask for their own outputs, without an end: found before they fill the memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.ids import NO_JOB

if TYPE_CHECKING:
    from flowc.graph.expand import Expansion

LONGEST_PATH = 4096
"""No file can have a longer path (PATH_MAX): a candidate that asks for one drops out."""

_REPEATS = 20
"""A wildcard value that ends in so many repeats of one text is a rule feeding itself for ever."""

_MANY_FILES, _GROWING_ROUNDS = 4_000_000, 6
"""With so many files, and paths longer in each of so many rounds, there is no end to expect."""

_ENOUGH_FILES = 50_000
"""From so many files on, it is looked into whether a rule would feed itself for ever."""

_MUCH_LONGER = 20
"""A rule that also matches a path with values so many times as long has no end in itself."""


class Growth:
    """Whether paths get longer and longer, round after round."""

    def __init__(self) -> None:
        self._longest = 0
        self._rounds = 0

    def check(self, expansion: "Expansion", first: int) -> None:
        """Look at a round, whose files begin with `first`. Raises WorkflowError."""
        last = len(expansion.paths) - 1
        if last < _ENOUGH_FILES:
            return
        if _feeds_itself(expansion, last):
            raise _endless(expansion, last)
        size = max(map(len, expansion.paths[first:]))
        self._rounds = self._rounds + 1 if size > self._longest else 0
        self._longest = max(size, self._longest)
        if first > _MANY_FILES and self._rounds >= _GROWING_ROUNDS:
            raise _endless(expansion, first)


def _feeds_itself(expansion: "Expansion", file: int) -> bool:
    """Whether the rule that asks for a file was itself asked for by one of its own jobs, for
    shorter paths, and would match however long a path."""
    job = expansion.asked_by[file]
    if job == NO_JOB:
        return False
    rule = expansion.rule_of[job]
    names = expansion.products.wildcard_names[rule]
    longer = dict(zip(names, (v * _MUCH_LONGER for v in expansion.wildcards[job]), strict=True))
    if not any(
        pattern.names and pattern.match(pattern.fill(longer)) is not None
        for pattern in expansion.products.outputs[rule]
    ):
        return False
    while True:
        asking = min((expansion.asked_by[f] for f in expansion.output_rows[job]), default=NO_JOB)
        if not NO_JOB < asking < job:
            return False
        job = asking
        if expansion.rule_of[job] == rule:
            made = expansion.output_rows[job]
            return all(len(expansion.paths[f]) < len(expansion.paths[file]) for f in made)


def _endless(expansion: "Expansion", file: int) -> WorkflowError:
    rule = expansion.workflow.rules[expansion.rule_of[expansion.asked_by[file]]]
    return WorkflowError(
        Diagnostic(
            "endless-recursion",
            f"the inputs of rule `{rule.name}` ask for ever longer paths, without an end",
            rule.span,
            hint="constrain the rule's wildcards so that it does not match its own inputs",
        )
    )


def grows_for_ever(path: str, values: Sequence[str]) -> bool:
    """Whether a rule seems to feed itself: the path outgrows any file system, or a wildcard's
    value ends in the same text over and over (the check is Snakemake's)."""
    if len(path) > LONGEST_PATH:
        return True
    return any(len(value) > _REPEATS and _is_periodic(value) for value in values)


def _is_periodic(value: str) -> bool:
    size = len(value)
    return any(
        value.endswith(value[size - period :] * _REPEATS)
        for period in range(1, size // _REPEATS + 1)
        if not value[size - period :].isalnum()
    )
