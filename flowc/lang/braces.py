"""`{...}` in a string, as Python's `str.format` reads it: the pieces, and their faults."""

import re
from collections.abc import Iterator

from flowc.diagnostic import Diagnostic
from flowc.source import Span

BRACES = re.compile(r"\{\{|\}\}|\{|\}")
FIELD = re.compile(
    r"(?P<root>[^\W\d]\w*)(?P<steps>(?:\.\w+|\[[^\[\]{}]+\])*)(?:!(?P<conversion>[rs]))?"
    r"(?::(?P<spec>[^{}]*))?"
)


def split(text: str) -> Iterator[tuple[str, str, int, int]]:
    """(kind, content, start, end): "text", "field" (content without braces), or "fault"."""
    at = 0
    while (mark := BRACES.search(text, at)) is not None:
        if mark.start() > at:
            yield "text", text[at : mark.start()], at, mark.start()
        at = mark.end()
        if len(mark[0]) == 2:
            yield "text", mark[0][0], mark.start(), at
        elif mark[0] == "}":
            yield "fault", "unopened", mark.start(), at
        else:
            end = _matching(text, at)
            if end < 0:
                yield "fault", "unclosed", mark.start(), at
                continue
            content = text[at : end - 1]
            at = end
            nested = "{" in content
            yield (
                ("fault" if nested else "field"),
                ("nested" if nested else content),
                (mark.start()),
                end,
            )
    if at < len(text):
        yield "text", text[at:], at, len(text)


def _matching(text: str, at: int) -> int:
    """The offset behind the brace that closes the one before `at`; -1 if there is none."""
    depth = 1
    for mark in re.compile(r"[{}]").finditer(text, at):
        depth += 1 if mark[0] == "{" else -1
        if not depth:
            return mark.end()
    return -1


def brace_fault(kind: str, shown: str, place: Span | None) -> Diagnostic:
    if kind == "unclosed":
        return Diagnostic(
            "unbalanced-brace",
            "this `{` is never closed",
            place,
            hint="write `{{` for a brace that the command itself needs",
        )
    if kind == "unopened":
        return Diagnostic(
            "unbalanced-brace",
            "this `}` closes nothing",
            place,
            hint="write `}}` for a brace that the command itself needs",
        )
    inner = shown[1:-1]
    if not inner.strip() or inner.strip().isdigit():
        return Diagnostic(
            "empty-placeholder",
            f"`{shown}` names nothing",
            place,
            hint="name what belongs here, such as `{input}`; for braces in the command itself "
            f"write `{{{shown}}}`",
        )
    if FIELD.fullmatch(inner.strip()) is not None and inner.strip() != inner:
        hint = f"no blanks in the braces: `{{{inner.strip()}}}`"
    else:
        doubled = shown.replace("{", "{{").replace("}", "}}")
        hint = f"for braces in the command itself double them: `{doubled}`"
    return Diagnostic("bad-placeholder", f"`{shown}` is no placeholder", place, hint=hint)


LITERAL = re.compile(r"[A-Za-z]{0,2}(\"\"\"|\'\'\'|\"|\')")


def locate(text: str, span: Span | None, start: int, end: int) -> Span | None:
    """The place of `text[start:end]` in the source. Where escapes or joined literals hide it: the
    occurrence with the same number, if the source has as many; else the whole literal."""
    if span is None:
        return None
    written = span.text
    quote = LITERAL.match(written)
    if quote is not None and written[quote.end() : -len(quote[1])] == text:
        offset = span.start + quote.end()
        return Span(span.source, offset + start, offset + end)
    piece = text[start:end]
    if len(piece) > 2 and written.count(piece) == text.count(piece):
        at = -1
        for _ in range(text.count(piece, 0, start) + 1):
            at = written.find(piece, at + 1)
        return Span(span.source, span.start + at, span.start + at + len(piece))
    return span
