"""Which of the words on the command line is the workflow, and which are targets."""

import os
from collections.abc import Sequence

from flowc.diagnostic import WorkflowError, fail

LOOKED_FOR = (
    "Workflowfile",
    "workflow/Workflowfile",
    "Snakefile",
    "snakefile",
    "workflow/Snakefile",
)
"""Tried in this order where no file is named."""

_BEGINNINGS = ("Workflowfile", "Snakefile", "snakefile")
_ENDINGS = (".smk", ".workflow", ".flowc", ".ir.json")


def looks_like_workflow(word: str) -> bool:
    """By its name alone: `Workflowfile`, `Snakefile.test`, `rules/map.smk`, `x.ir.json`."""
    name = os.path.basename(word)
    if name.endswith((".yaml", ".yml")):  # Snakefile.config.yaml
        return False
    return name.startswith(_BEGINNINGS) or name.endswith(_ENDINGS)


def is_workflow(word: str) -> bool:
    return looks_like_workflow(word) and os.path.isfile(word)


def find_workflow(
    named: str | None, words: Sequence[str], directory: str | None = None
) -> tuple[str, list[str]]:
    """The workflow file's path and the targets.

    `named` is what `-s` says. Without it the first word is the workflow if it is a file that
    looks like one; every other word is a target. `directory` is looked into last.
    """
    targets = list(words)
    if named is not None:
        return named, targets
    if targets and is_workflow(targets[0]):
        return targets[0], targets[1:]
    for place in (None, directory):
        for name in LOOKED_FOR:
            path = name if place is None else os.path.join(place, name)
            if os.path.isfile(path):
                return path, targets
    raise _missing(targets)


def _missing(targets: Sequence[str]) -> WorkflowError:
    hint = f"looked for {', '.join(LOOKED_FOR)}; name another with `-s FILE`"
    if targets and looks_like_workflow(targets[0]):
        what = "is a directory" if os.path.isdir(targets[0]) else "does not exist"
        return fail("missing-workflow", f"the workflow file `{targets[0]}` {what}", hint=hint)
    return fail("missing-workflow", "there is no workflow file here", hint=hint)
