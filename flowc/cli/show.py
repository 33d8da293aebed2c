"""What every command prints in the same way: diagnostics, tables, colours, bytes that are no text.

Results go to stdout; what is said about the work goes to stderr. With `--json` diagnostics are
results too: a JSON object a line on stdout.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TextIO

from flowc.diagnostic import BOLD, RESET, Diagnostic, printable, render


def set_up_streams() -> None:
    """Names may hold any bytes: they leave as they came, and printing never fails."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            is_utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
            reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def wants_color(args: Namespace, stream: TextIO) -> bool:
    """`--color` decides; without it, terminals get colours unless NO_COLOR is set."""
    choice = getattr(args, "color", None)
    if choice in ("always", "never"):
        return bool(choice == "always")
    return not os.environ.get("NO_COLOR") and stream.isatty()


def say(text: str) -> None:
    """A line for people, on stderr. A terminal that has gone away is no fault."""
    try:
        print(text, file=sys.stderr)
    except OSError:
        return


def report(diagnostics: Iterable[Diagnostic], args: Namespace) -> None:
    """Print diagnostics and how many there were, for people or, with --json, for programs."""
    found = list(diagnostics)
    if getattr(args, "json", False):
        for diagnostic in found:
            print_json({"diagnostic": diagnostic.to_json()})
        return
    color = wants_color(args, sys.stderr)
    for diagnostic in found:
        say(render(diagnostic, color=color))
        say("")
    say(count_line(found))


def count_line(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = len(diagnostics) - errors
    counts = []
    if errors:
        counts.append(many(errors, "error"))
    if warnings:
        counts.append(many(warnings, "warning"))
    return ", ".join(counts) or "no mistakes found"


def many(count: int, thing: str) -> str:
    """`1 job`, `2,000 jobs`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


_encode = json.JSONEncoder(ensure_ascii=True, default=str).encode


def print_json(data: object) -> None:
    """One line. Stray bytes of names are escapes such as `\\udcff`."""
    print(_encode(data))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, color: bool = False) -> str:
    """Columns aligned to the widest entry; figures (right-aligned heads end in a blank) right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(h.rstrip()), *(len(r[i]) for r in cells), 0) for i, h in enumerate(head)]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if title.endswith(" ") else cell.ljust(width)
            for cell, width, title in zip(row, widths, head, strict=True)
        ]
        return "  ".join(parts).rstrip()

    first = line([h.rstrip() for h in head])
    return "\n".join([f"{BOLD}{first}{RESET}" if color else first, *map(line, cells)])
