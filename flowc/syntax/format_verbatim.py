"""What stays as it is written, moved to another column: code blocks, what is refused, odd lines."""

from collections.abc import Collection, Sequence

from flowc.source import Source
from flowc.syntax.format_break import INDENT
from flowc.syntax.format_lines import long_strings, width_of
from flowc.syntax.scan import Scanner


def moved(lines: Sequence[str], first: int, by: int, fixed: Collection[int]) -> list[str]:
    """`lines` from index `first` on with an indentation that is larger by `by` columns.

    `fixed` are the indices of lines that begin inside of a string: they are not touched.
    """
    out = list(lines[:first])
    for i, line in enumerate(lines[first:], first):
        if i in fixed:
            out.append(line)
        elif not line.strip():
            out.append("")
        else:
            out.append(" " * max(0, width_of(line) + by) + line.lstrip(" \t\f"))
    return out


def fixed_lines(text: str, start: int, end: int, strings: Sequence[tuple[int, int]]) -> set[int]:
    """Which lines of `text[start:end]`, counted from 0, begin inside of a string."""
    found: set[int] = set()
    for begin, stop in strings:
        if start <= begin and stop <= end:
            line = text.count("\n", start, begin)
            found.update(range(line + 1, line + text.count("\n", begin, stop) + 1))
    return found


def code_lines(
    body: str, indent: int, strings: Sequence[tuple[int, int]] | None = None
) -> list[str]:
    """A code block with its first line, or all behind one on the head's line, at `indent`.

    `strings`: those of several lines, by their offsets in `body`.
    """
    if strings is None:
        strings = strings_of(body)
    fixed = fixed_lines(body, 0, len(body), strings)
    lines = body.split("\n")
    first = 0 if width_of(body) else 1
    widths = [
        width_of(line)
        for i, line in enumerate(lines[first:], first)
        if i not in fixed and line.strip()
    ]
    if not widths:
        return lines
    # In what is no Python, a line may stand so far left of the first that it would leave the block.
    leaves = min(widths) <= widths[0] - INDENT
    base = min(widths) if first or leaves else widths[0]
    return moved(lines, first, indent - base, fixed)


def strings_of(body: str) -> list[tuple[int, int]]:
    """The strings of several lines in a code block, by their offsets."""
    return list(long_strings(Scanner(Source("", body), []).scan(), body))
