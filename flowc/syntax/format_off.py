"""What stands between `# fmt: off` and `# fmt: on`: it stays as it is written.

Both stand on a line of their own, between two statements or directives. Without `# fmt: on` on the
same level or further out, the end of the block is meant.
"""

import re
from collections.abc import Iterator

from flowc.syntax.format_lines import Comment, Line, Lines

_OFF, _ON = re.compile(r"#\s*fmt:\s*off\s*"), re.compile(r"#\s*fmt:\s*on\s*")


class Kept:
    """`lines[first:last]`, which are written at `text[start:end]`, behind the comment `off`."""

    __slots__ = ("end", "first", "last", "off", "start")

    def __init__(self, off: Comment, start: int, end: int, first: int, last: int) -> None:
        self.off = off
        self.start = start
        self.end = end
        self.first = first
        self.last = last


def kept_parts(read: Lines) -> Iterator[Kept]:
    """The parts of a file that are not to be formatted, in order."""
    if "fmt:" not in read.text:
        return
    at = 0
    while at < len(read.lines):
        off = _off(read.lines[at])
        if off is None:
            at += 1
            continue
        start = read.text.find("\n", off.start) + 1
        last, end = _end(read, at)
        yield Kept(off, start, end, at, last)
        at = last


def _off(line: Line) -> Comment | None:
    """The comment above a line that switches formatting off for it."""
    found = None
    for comment in line.leading:
        if _ON.fullmatch(comment.text):
            found = None
        elif found is None and _OFF.fullmatch(comment.text):
            found = comment
    return found


def _end(read: Lines, first: int) -> tuple[int, int]:
    """The first line that is formatted again, and where the part ends in the text."""
    depth = read.lines[first].depth
    for at in range(first, len(read.lines)):
        line = read.lines[at]
        if line.depth < depth:
            return at, _end_of(read, read.lines[at - 1], depth)
        if line.depth == depth and at > first:
            for comment in line.leading:
                if _ON.fullmatch(comment.text):
                    return at, _line_start(read.text, comment.start)
        for level, comment in line.trailing:
            if level <= depth and _ON.fullmatch(comment.text):
                return at + 1, _line_start(read.text, comment.start)
    for comment in read.end:
        if _ON.fullmatch(comment.text):
            return len(read.lines), _line_start(read.text, comment.start)
    if depth:
        return len(read.lines), _end_of(read, read.lines[-1], depth)
    return len(read.lines), len(read.text)


def _end_of(read: Lines, line: Line, depth: int) -> int:
    """Where a block ends whose last line this is, with the comments that are in it."""
    inside = [*line.tail, *(comment for level, comment in line.trailing if level >= depth)]
    end = max([line.words[-1].end, *(comment.start for comment in inside)])
    found = read.text.find("\n", end)
    return len(read.text) if found < 0 else found


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1
