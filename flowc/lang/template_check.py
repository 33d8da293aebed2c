"""The static check of a template: does everything it names exist?"""

from collections.abc import Collection, Mapping

from flowc.diagnostic import Diagnostic
from flowc.lang.template import Template, unknown_item

EXTRAS = {"input": ("size", "size_kb", "size_mb", "size_gb", "size_files")}
"""Names that a record has of itself."""


def check(
    template: Template,
    known: Mapping[str, Collection[str]],
    faults: list[Diagnostic],
    *,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Does each `{input.ref}` exist? `known` has the names of `input`, `wildcards` and so on, and
    leaves out roots of which not all names are known; `counts` says how many items there are."""
    for part in template.parts:
        if isinstance(part, str) or not part.path:
            continue
        root, first = part.root, part.path[0]
        if isinstance(first, int):
            count = (counts or {}).get(root)
            if count is not None and not -count <= first < count:
                items = f"{count} item" + ("" if count == 1 else "s")
                faults.append(
                    Diagnostic(
                        "unknown-item",
                        f"`{root}` has {items}: there is no `{part}`",
                        part.span,
                        hint="counting starts at 0" if first == count else None,
                    )
                )
        elif root in known and first not in known[root] and first not in EXTRAS.get(root, ()):
            faults.append(unknown_item(part, first, known[root]))
