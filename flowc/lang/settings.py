"""The figures and texts of a rule: threads, memory, resources, limits and directives of one value.

Each function reads the evaluated items of one directive and puts what is wrong into `faults`.
"""

import math
import re
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any

from flowc.diagnostic import Diagnostic, Label
from flowc.lang.faults import short
from flowc.lang.items import Given, check_function
from flowc.lang.workflow import Setting
from flowc.source import Span
from flowc.units import parse_bytes, parse_seconds

FIGURE_ARGUMENTS = ("wildcards", "input", "attempt", "threads", "rulename", "output", "resources")
"""What a function of `threads`, `mem_gb`, `resources` or `priority` may take."""

PARAM_ARGUMENTS = ("wildcards", "input", "output", "threads", "resources", "attempt", "rulename")
"""What a function of `params` may take."""

_MEMORY = {"mem_gb": "gb", "mem_mb": "mb", "mem_mib": "mb", "mem": "text"}
_DISK = ("disk", "disk_mb", "disk_mib", "disk_gb")
_MOST = {"gb": 2.0**30, "mb": 2.0**40}  # one exbibyte: more is a slip of the pen
_MOST_THREADS = 1_000_000
_MOST_MINUTES = 100 * 366 * 24 * 60
_RESERVED = {"_cores": "threads:", "_nodes": "threads:", "threads": "threads:", "cores": ""}

Faults = list[Diagnostic]


class Resources:
    """What `mem_gb:` and `resources:` of a rule say."""

    def __init__(self) -> None:
        self.mem: Setting | None = None
        self.mem_unit = "gb"
        self.mem_spelling = "mem_gb"
        self.runtime: Setting | None = None
        self.others: dict[str, Setting] = {}
        self._spans: dict[str, tuple[str, Span]] = {}

    def without(self, directives: Collection[str]) -> "Resources":
        """What is left where these directives are written anew."""
        left = Resources()
        if "resources" not in directives:
            left.runtime, left.others = self.runtime, self.others
        declared_by = "mem_gb" if self.mem_spelling == "mem_gb" else "resources"
        if "mem_gb" not in directives and declared_by not in directives:
            left.mem, left.mem_unit, left.mem_spelling = self.mem, self.mem_unit, self.mem_spelling
        return left

    def claim(self, what: str, spelling: str, span: Span, faults: Faults) -> bool:
        """Note that `what` is declared here; false where it has been declared before."""
        first = self._spans.setdefault(what, (spelling, span))
        if first[1] is span:
            return True
        faults.append(
            Diagnostic(
                "repeated-resource",
                f"`{spelling}` and `{first[0]}` both say how much {what} a job may use",
                span,
                (Label(first[1], "it was declared here"),),
                hint="keep one of them",
            )
        )
        return False


def read_one(given: Sequence[Given], directive: str, at: Span, faults: Faults) -> Given | None:
    """The single value of a directive that takes one."""
    if len(given) == 1 and given[0][0] is None:
        return given[0]
    hint = None
    if given and given[0][0] is not None:
        span, problem = given[0][2], f"`{directive}` takes a value without a name"
    elif given:
        span, problem = given[1][2], f"`{directive}` takes one value, not {len(given)}"
        hint = "texts without a comma between them are one text" if directive == "shell" else None
    else:
        span, problem = at, f"`{directive}` has no value"
    faults.append(Diagnostic("bad-value", problem, span, hint=hint))
    return None


def read_text(given: Sequence[Given], directive: str, at: Span, faults: Faults) -> Setting | None:
    """The text of `shell`, `group`, `profile` ...; a `Path` counts as text."""
    one = read_one(given, directive, at, faults)
    if one is None:
        return None
    _, value, span = one
    if isinstance(value, PurePath):
        value = value.as_posix()
    if not isinstance(value, str):
        hint = "join the lines in one text" if isinstance(value, list | tuple) else None
        faults.append(_wrong(directive, "a text", value, span, hint))
        return None
    return Setting(value, span)


def read_group(given: Sequence[Given], at: Span, faults: Faults) -> Setting | None:
    """A text with wildcards, or a function of them."""
    if len(given) == 1 and is_function(given[0][1]):
        check_function(given[0][1], ("wildcards",), "a function of `group`", given[0][2], faults)
        return Setting(given[0][1], given[0][2])
    return read_text(given, "group", at, faults)


def read_flag(given: Sequence[Given], directive: str, at: Span, faults: Faults) -> bool:
    one = read_one(given, directive, at, faults)
    if one is None:
        return False
    if not isinstance(one[1], bool):
        faults.append(_wrong(directive, "True or False", one[1], one[2]))
        return False
    return one[1]


SHADOWS = ("minimal", "copy-minimal", "shallow", "full")


def read_shadow(given: Sequence[Given], at: Span, faults: Faults) -> str | None:
    one = read_one(given, "shadow", at, faults)
    if one is None or one[1] is None or one[1] is False:
        return None
    if one[1] is True:
        return "full"
    if one[1] not in SHADOWS:
        faults.append(_wrong("shadow", f"one of {', '.join(SHADOWS)}", one[1], one[2]))
        return None
    return str(one[1])


def read_retries(given: Sequence[Given], at: Span, faults: Faults) -> int | None:
    one = read_one(given, "retries", at, faults)
    if one is None:
        return None
    _, value, span = one
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        faults.append(_wrong("retries", "a whole number from 0 on", value, span))
        return None
    return value


def read_priority(given: Sequence[Given], at: Span, faults: Faults) -> Setting | None:
    one = read_one(given, "priority", at, faults)
    if one is None:
        return None
    _, value, span = one
    if is_function(value):
        check_function(value, FIGURE_ARGUMENTS, "a function of `priority`", span, faults)
        return Setting(value, span)
    if not is_number(value) or not math.isfinite(value):
        faults.append(_wrong("priority", "a number", value, span))
        return None
    return Setting(value, span)


def read_threads(given: Sequence[Given], at: Span, faults: Faults) -> Setting | None:
    """A number is rounded down, and 0 is 1, as in Snakemake."""
    one = read_one(given, "threads", at, faults)
    if one is None:
        return None
    _, value, span = one
    if is_function(value):
        check_function(value, FIGURE_ARGUMENTS, "a function of `threads`", span, faults)
        return Setting(value, span)
    if not _figure("threads", value, span, 0, _MOST_THREADS, faults):
        return None
    return Setting(max(1, int(value)), span)


def read_mem_gb(given: Sequence[Given], at: Span, into: Resources, faults: Faults) -> None:
    one = read_one(given, "mem_gb", at, faults)
    if one is not None:
        _memory("mem_gb", one[1], one[2], into, faults)


def read_resources(given: Sequence[Given], into: Resources, faults: Faults) -> None:
    for name, value, span in given:
        if name is None:
            faults.append(
                Diagnostic(
                    "unnamed-resource",
                    "a resource has a name",
                    span,
                    hint="write `mem_mb=...`, `gpu=...`",
                )
            )
        elif value is None:
            continue  # unset, as in Snakemake
        elif name.text in _MEMORY:
            _memory(name.text, value, span, into, faults)
        elif name.text == "runtime":
            if into.claim("time", "runtime", span, faults) and _runtime(value, span, faults):
                into.runtime = Setting(value, span)
        else:
            _other(name.text, value, span, into, faults)


def read_limits(given: Sequence[Given], rule: str | None, faults: Faults) -> dict[str, int]:
    """Named counts. A bare number, allowed for a rule only, is kept under the name `""`."""
    limits: dict[str, int] = {}
    for name, value, span in given:
        if name is None and (rule is None or "" in limits):
            problem = (
                "a limit at the top level has a name"
                if rule is None
                else "a rule has one limit of its own"
            )
            faults.append(Diagnostic("bad-limit", problem, span, hint="write `name = 2`"))
            continue
        label = "" if name is None else name.text
        what = f"limit `{label}`" if label else "limits"
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
            faults.append(_wrong(what, "a whole number from 1 on", value, span, quote=False))
            continue
        limits[label] = value
    return limits


def read_constraints(given: Sequence[Given], faults: Faults) -> dict[str, str]:
    """`wildcard_constraints:`, each a regular expression."""
    constraints: dict[str, str] = {}
    for name, value, span in given:
        if name is None:
            faults.append(
                Diagnostic(
                    "bad-constraint",
                    "a constraint has the name of its wildcard",
                    span,
                    hint='write `sample="[A-Z]+"`',
                )
            )
            continue
        if is_number(value):
            value = str(value)
        if not isinstance(value, str):
            faults.append(_wrong(f"constraint of {name.text}", "a text", value, span, quote=False))
            continue
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError) as fault:
            faults.append(
                Diagnostic(
                    "bad-constraint",
                    f"the constraint of wildcard `{name.text}` is no regular expression: {fault}",
                    span,
                )
            )
            continue
        constraints[name.text] = value
    return constraints


def _memory(spelling: str, value: Any, span: Span, into: Resources, faults: Faults) -> None:
    if not into.claim("memory", spelling, span, faults):
        return
    unit = _MEMORY[spelling]
    if is_function(value):
        check_function(value, FIGURE_ARGUMENTS, f"a function of `{spelling}`", span, faults)
    elif unit == "text":
        if not _memory_text(value, span, faults):
            return
    elif isinstance(value, str):
        hint = f'write `resources: mem="{value}"`' if _size(value) else None
        faults.append(_wrong(spelling, "a number", value, span, hint))
        return
    elif not _figure(spelling, value, span, math.ulp(0.0), _MOST[unit], faults):
        return
    into.mem, into.mem_unit, into.mem_spelling = Setting(value, span), unit, spelling


def _memory_text(value: Any, span: Span, faults: Faults) -> bool:
    if is_number(value):
        hint = f'write `mem="{value} GB"` or `mem_mb={value}`'
        faults.append(_wrong("mem", "a text with a unit", value, span, hint))
        return False
    if not isinstance(value, str):
        faults.append(_wrong("mem", 'a text such as "2 GB"', value, span))
        return False
    size = _size(value)
    if size is None or size <= 0 or value.strip().replace(".", "").isdigit():
        faults.append(_wrong("mem", 'a size such as "2 GB"', value, span))
        return False
    return True


def _size(text: str) -> int | None:
    try:
        return parse_bytes(text)
    except (ValueError, OverflowError):
        return None


def _runtime(value: Any, span: Span, faults: Faults) -> bool:
    if is_function(value):
        check_function(value, FIGURE_ARGUMENTS, "a function of `runtime`", span, faults)
        return True
    if isinstance(value, str):
        try:
            seconds = parse_seconds(value)
        except (ValueError, OverflowError):
            hint = f"write `runtime={value.strip()}` for minutes" if value.strip().isdigit() else ""
            faults.append(
                _wrong("runtime", 'minutes or a time such as "1h 30m"', value, span, hint or None)
            )
            return False
        return _figure("runtime", seconds / 60, span, math.ulp(0.0), _MOST_MINUTES, faults)
    return _figure("runtime", value, span, math.ulp(0.0), _MOST_MINUTES, faults)


def _other(name: str, value: Any, span: Span, into: Resources, faults: Faults) -> None:
    if name in _RESERVED:
        instead = _RESERVED[name]
        faults.append(
            Diagnostic(
                "reserved-resource",
                f"`{name}` is no resource of a rule",
                span,
                hint=f"write `{instead}`" if instead else "write `threads:`",
            )
        )
        return
    if name in _DISK and not into.claim("disk space", name, span, faults):
        return
    if is_function(value):
        check_function(value, FIGURE_ARGUMENTS, f"a function of `{name}`", span, faults)
    elif is_number(value) or isinstance(value, bool):
        value = int(value) if isinstance(value, bool) else value
        if not _figure(name, value, span, 0, 2.0**63, faults):
            return
    elif not isinstance(value, str):
        faults.append(_wrong(name, "a number or a text", value, span))
        return
    into.others[name] = Setting(value, span)


def _figure(what: str, value: Any, span: Span, least: float, most: float, faults: Faults) -> bool:
    """Whether `value` is a number that makes sense; else there is one more fault."""
    if not is_number(value):
        faults.append(_wrong(what, "a number", value, span))
        return False
    if isinstance(value, float) and not math.isfinite(value):
        faults.append(_wrong(what, "a finite number", value, span))
        return False
    if value < least:
        needed = "a number from 0 on" if least == 0 else "larger than 0"
        faults.append(_wrong(what, needed, value, span))
        return False
    if value > most:
        faults.append(Diagnostic("bad-value", f"`{what}` is more than any machine has", span))
        return False
    return True


def _wrong(
    what: str, needed: str, value: Any, span: Span, hint: str | None = None, *, quote: bool = True
) -> Diagnostic:
    subject = f"`{what}`" if quote else f"the {what}"
    return Diagnostic(
        "bad-value", f"{subject} must be {needed}, not {short(value)}", span, hint=hint
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_function(value: Any) -> bool:
    return hasattr(value, "required") and callable(value)
