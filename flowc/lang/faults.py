"""From what went wrong in Python to a diagnostic in the user's terms, at the place in the file."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from flowc.diagnostic import Diagnostic, Label, WorkflowError, fail
from flowc.lang.limits import MAX_NESTING, Refusal, a_type
from flowc.source import Span

MAX_LABELS = 4
"""Call sites shown with a fault inside a function."""


class PoisonedError(WorkflowError):
    """A name was used whose own fault has been reported already: nothing more to say."""

    def __init__(self) -> None:
        super().__init__(())


CODES: dict[type[Exception], str] = {
    TypeError: "wrong-type",
    ValueError: "wrong-value",
    UnicodeError: "wrong-value",
    KeyError: "missing-key",
    IndexError: "out-of-range",
    ZeroDivisionError: "division-by-zero",
    OverflowError: "too-large",
    RuntimeError: "changed-in-loop",
    MemoryError: "too-large",
    RecursionError: "too-deep",
    StopIteration: "wrong-value",
    OSError: "unreadable",
    re.error: "wrong-value",
}
"""Any other exception is a fault of flowc itself and goes on as it is."""


def explain(fault: Exception, span: Span, subject: str | None = None) -> Exception:
    """The error to raise for `fault`, which came up while the text of `span` was evaluated."""
    if isinstance(fault, WorkflowError):
        return fault
    if isinstance(fault, Refusal):
        return fail(fault.code, fault.message, span, hint=fault.hint)
    for kind in type(fault).__mro__:
        code = CODES.get(kind)
        if code:
            break
    else:
        return fault
    message = _message(fault)
    if isinstance(fault, ValueError) and message.startswith("Exceeds the limit"):
        return fail("too-large", "an integer with more than 4300 digits has no text form", span)
    if subject and not message.startswith(f"`{subject}"):
        message = f"`{subject}`: {message}"
    return fail(code, message, span)


def _message(fault: Exception) -> str:
    if isinstance(fault, ZeroDivisionError):
        return "division by zero"
    if isinstance(fault, RecursionError):
        return f"nested too deeply (more than {MAX_NESTING} levels)"
    if isinstance(fault, MemoryError):
        return "too large for the memory"
    if isinstance(fault, StopIteration):
        return "there is no item left"
    if isinstance(fault, KeyError):
        return f"there is no key {short(fault.args[0] if fault.args else None)}"
    if isinstance(fault, OverflowError):
        return "a number is too large"
    # Python names its own functions: `Class._method() got ...`, the user's is the subject
    return re.sub(r"^[\w.<>]+\(\) ", "", str(fault))


def explain_binary(fault: Exception, symbol: str, left: Any, right: Any, span: Span) -> Exception:
    """A fault of `left symbol right`."""
    if isinstance(fault, TypeError):
        hint = None
        if symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
            other = right if isinstance(left, str) else left
            if isinstance(other, int | float):
                hint = "`str(...)` makes a text of a number"
        verb = OPERATOR_VERBS.get(symbol, "take")
        return fail(
            "wrong-type",
            f"`{symbol}` cannot {verb} {a_type(left)} and {a_type(right)}",
            span,
            hint=hint,
        )
    return explain(fault, span)


OPERATOR_VERBS = {
    "+": "join",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "<": "compare",
    ">": "compare",
    "<=": "compare",
    ">=": "compare",
}


def called_from(fault: WorkflowError, span: Span, name: str) -> WorkflowError:
    """The fault inside a function, with the place of the call as a label."""
    label = Label(span, f"in this call of `{name}`")
    return type(fault)(
        Diagnostic(d.code, d.message, d.span, (*d.labels, label), d.hint, d.severity)
        if len(d.labels) < MAX_LABELS
        else d
        for d in fault.diagnostics
    )


def near(name: str, known: Iterable[str]) -> str | None:
    """A hint: the known name that the user may have meant."""
    from difflib import get_close_matches  # only for a fault: costs 5 ms at start-up

    found = get_close_matches(name, list(known), n=1)
    return f"did you mean `{found[0]}`?" if found else None


def choices(known: Sequence[Any], what: str = "there are") -> str | None:
    """A hint that lists what there is."""
    if not known:
        return None
    shown = ", ".join(short(k) for k in known[:12])
    return f"{what} {shown}{', …' if len(known) > 12 else ''}"


def short(value: Any, limit: int = 60) -> str:
    """A value as it may stand in a message; never long, never a fault of its own."""
    if isinstance(value, str):
        text = repr(str(value[: limit + 1]))
    elif value is None or isinstance(value, bool | float):
        text = repr(value)
    elif isinstance(value, int):
        text = str(value) if value.bit_length() < 200 else "a large integer"
    else:
        return a_type(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
