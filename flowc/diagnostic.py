"""Faults in the user's input, as data. One renderer for people, one for programs.

A phase gathers all its faults and raises them once, as a `WorkflowError`. flowc's own bugs are
ordinary exceptions and never come here.

    Exception
      WorkflowError             some input is wrong: exit code 2
        ImpossibleRequestError  jobs that can never fit: exit code 3
        LockedError             another flowc is at work here: exit code 4
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from flowc.dataclass import dataclass
from flowc.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the fault, and what to say there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault. `code` is a slug such as `ambiguous-output`, never renamed."""

    code: str
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    hint: str | None = None
    severity: Severity = "error"

    def to_json(self) -> dict[str, Any]:
        """The same facts for programs. Lines and columns are counted from 1."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "span": self.span and self.span.to_data(),
            "labels": [{"text": b.text, "span": b.span.to_data()} for b in self.labels],
            "hint": self.hint,
        }


class WorkflowError(Exception):
    """Some input of the user is wrong. Carries every fault that the phase has found."""

    def __init__(self, diagnostics: Iterable[Diagnostic] | Diagnostic) -> None:
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n".join(d.message for d in self.diagnostics))


class ImpossibleRequestError(WorkflowError):
    """Some jobs ask for more than the run may ever use."""


class LockedError(WorkflowError):
    """Another flowc works in this directory."""


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    hint: str | None = None,
    labels: Sequence[Label] = (),
) -> WorkflowError:
    """An error with a single fault, to be raised by the caller."""
    return WorkflowError(Diagnostic(code, message, span, tuple(labels), hint))


RED, YELLOW, BLUE, BOLD, RESET = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"
LINE_WIDTH = 160
"""Longer lines are cut around the place that is underlined."""


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """The fault as a person reads it: place, line, underline, hint. No newline at the end."""
    paint = _painter(color)
    tone = RED if diagnostic.severity == "error" else YELLOW
    head = paint(tone, f"{diagnostic.severity}[{diagnostic.code}]")
    lines = [f"{head}{paint(BOLD, ': ' + printable(diagnostic.message))}"]
    places = [] if diagnostic.span is None else [Label(diagnostic.span, "")]
    places += diagnostic.labels
    width = max((len(str(b.span.line)) for b in places), default=0)
    for i, label in enumerate(places):
        mark = "^" if i == 0 and diagnostic.span is not None else "-"
        lines += _excerpt(label, width, mark, tone if mark == "^" else BLUE, paint)
    if diagnostic.hint:
        edge = " " * width + paint(BLUE, " = ") if places else paint(BLUE, "  = ")
        lines.append(f"{edge}{paint(BOLD, 'hint')}: {printable(diagnostic.hint)}")
    return "\n".join(lines)


def _excerpt(label: Label, width: int, mark: str, tone: str, paint: Any) -> list[str]:
    """The line a label points at, with the place underlined and the label's text behind it."""
    line, column = label.span.source.position(label.span.start)
    text = label.span.source.line(line)
    start, shown = column - 1, text
    length = max(1, min(label.span.end - label.span.start, len(text) - start))
    if len(text) > LINE_WIDTH:
        cut = max(0, min(start - 40, len(text) - LINE_WIDTH))
        more = cut + LINE_WIDTH < len(text)
        shown = ("…" if cut else "") + text[cut : cut + LINE_WIDTH] + ("…" if more else "")
        start -= cut - (1 if cut else 0)
        length = min(length, len(shown) - start)
    indent = "".join("\t" if c == "\t" else " " for c in shown[:start])
    bar = paint(BLUE, "|")
    note = f" {printable(label.text)}" if label.text else ""
    return [
        f"{' ' * width}{paint(BLUE, '-->')} {printable(str(label.span))}",
        f"{paint(BLUE, str(line).rjust(width))} {bar} {printable(shown, keep_tabs=True)}",
        f"{' ' * width} {bar} {indent}{paint(tone, mark * max(1, length) + note)}",
    ]


def _painter(color: bool) -> Any:
    def paint(tone: str, text: str) -> str:
        return f"{tone}{text}{RESET}" if color else text

    return paint


def printable(text: str, *, keep_tabs: bool = False) -> str:
    """`text` with control characters and stray bytes escaped, so that a name cannot drive a
    terminal and printing never fails."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (c == "\t" and keep_tabs) else _escape(c) for c in text)


def _escape(char: str) -> str:
    if char == "\n":
        return "\\n"
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as `os.fsdecode` gives it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
