"""Shell commands with placeholders, and how values are escaped for the place where they stand.

`parse_template` reads `{...}` as Python's `str.format` does, puts in what is known already (the
workflow file's own variables), and notes for each other placeholder how bash reads its place.
`fill` puts in the values of one job. What comes from `input`, `output`, `log`, `benchmark` and
`wildcards` is escaped; everything else is the author's own text and goes in as it is.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flowc.dataclass import dataclass, replace
from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.lang.braces import FIELD, brace_fault, locate, split
from flowc.lang.enter import enter, names_in
from flowc.lang.escape import (
    HARMLESS,
    RESERVED,
    CannotQuoteError,
    ends_document,
    escape,
    next_item,
    single,
)
from flowc.lang.formatting import NESTED, literal
from flowc.lang.place import Place
from flowc.lang.quoting import SLOT, read_places
from flowc.lang.values import Record, Wildcards
from flowc.source import Span


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{input.reads[0]:q}`: what stands there is filled in when the job starts."""

    root: str  # "input", "output", "log", "wildcards", "params", "threads", "resources" ...
    path: tuple[str | int, ...]  # ("reads", 0)
    spec: str  # the text behind ":", such as "q", "raw", "04d"; "" for none
    conversion: str  # "", "r" or "s"
    context: str  # how the shell reads this place: "bare", "double", "single" ...: a `Place`
    span: Span | None

    @property
    def is_escaped(self) -> bool:
        """Whether its value is written so that the shell reads exactly it."""
        if self.spec in ("raw", "u"):
            return False
        return self.root in ESCAPED or self.spec == "q"

    def __str__(self) -> str:
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.path)
        return "{" + self.root + steps + "}"


@dataclass(frozen=True, slots=True)
class Template:
    """A command (or message). `text` is the author's own, before anything is filled in: its
    digest says whether the code of a rule has changed. Globals are already in `parts`."""

    text: str
    parts: tuple[str | Placeholder, ...]


JOB_ROOTS = frozenset(
    [
        "input",
        "output",
        "log",
        "params",
        "wildcards",
        "threads",
        "mem_gb",
        "resources",
        "rule",
        "attempt",
        "jobid",
        "benchmark",
    ]
)
"""What is known only when a job starts. These names win over variables of the file."""

ESCAPED = frozenset({"input", "output", "log", "benchmark", "wildcards"})
PATHS = frozenset({"input", "output", "log", "benchmark"})
SPECS = frozenset({"", "q", "u", "raw"})
"""Specs that are flowc's own (or Snakemake's) and not Python's."""

Lookup = Callable[[str], Any]

STEP = re.compile(r"\.(\w+)|\[([^\[\]]+)\]")


def parse_template(
    text: str,
    span: Span | None,
    *,
    lookup: Lookup,
    faults: list[Diagnostic],
    shell: bool = True,
) -> Template:
    """Read a command (`shell`) or message. `lookup` gives the value of a variable of the workflow
    file or raises KeyError; `span` is the string literal. Appends what is wrong to `faults`."""
    parts: list[str | Placeholder] = []
    quoted: dict[int, Any] = {}  # the values of globals with `:q`, by their index in `parts`
    for kind, content, start, end in split(text):
        if kind == "text":
            _add_text(parts, content)
            continue
        place = locate(text, span, start, end)
        if kind == "fault":
            faults.append(brace_fault(content, text[start:end], place))
            continue
        found = FIELD.fullmatch(content)
        if found is None:
            faults.append(brace_fault("no-name", text[start:end], place))
            continue
        steps = tuple(_step(*step.groups()) for step in STEP.finditer(found["steps"]))
        hole = Placeholder(
            found["root"], steps, found["spec"] or "", found["conversion"] or "", "plain", place
        )
        if hole.root in JOB_ROOTS:
            parts.append(hole)
            continue
        value = _global(hole, lookup, faults)
        if hole.spec == "q":
            quoted[len(parts)] = value
            parts.append(hole)
        else:
            _add_text(parts, value)
    return Template(text, _with_places(parts, quoted, faults, shell))


def _step(name: str | None, key: str | None) -> str | int:
    if name is not None:
        return name
    assert key is not None
    return int(key) if re.fullmatch(r"-?[0-9]{1,9}", key) else key


def _add_text(parts: list[str | Placeholder], text: str) -> None:
    """Append text, joined to text that is already at the end."""
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    elif text:
        parts.append(text)


def _global(hole: Placeholder, lookup: Lookup, faults: list[Diagnostic]) -> Any:
    """The value of a variable of the workflow file; "" where there is a fault."""
    try:
        value = lookup(hole.root)
    except KeyError:
        faults.append(_unknown_name(hole))
        return ""
    try:
        value = _walk(value, hole)
        if callable(value):
            raise fail("bad-placeholder", f"`{hole}` is a function, not a value", hole.span)
        return value if hole.spec == "q" else as_text(value, hole)
    except WorkflowError as error:
        faults += error.diagnostics
        return ""


def _unknown_name(hole: Placeholder) -> Diagnostic:
    from difflib import get_close_matches  # only for faults

    near = get_close_matches(hole.root, sorted(JOB_ROOTS | {"config"}), n=1)
    if near:
        hint = f"did you mean `{{{near[0]}}}`?"
    elif hole.path or hole.spec or hole.conversion:
        hint = None
    else:
        hint = (
            f"a wildcard is written `{{wildcards.{hole.root}}}`; for braces in the command itself "
            f"double them: `{{{{{hole.root}}}}}`"
        )
    return Diagnostic("unknown-name", f"there is no `{hole.root}`", hole.span, hint=hint)


def _with_places(
    parts: list[str | Placeholder],
    quoted: Mapping[int, Any],
    faults: list[Diagnostic],
    shell: bool,
) -> tuple[str | Placeholder, ...]:
    """The parts with the context of each placeholder worked out."""
    text = "".join([p if isinstance(p, str) else SLOT for p in parts])
    places = iter(read_places(text) if shell else [Place("plain")] * len(parts))
    done: list[str | Placeholder] = []
    for i, part in enumerate(parts):
        if isinstance(part, str):
            done.append(part)
            continue
        place = next(places)
        part = replace(part, context=str(place))
        try:
            if part.is_escaped and place.kind == "dollar":
                raise fail(
                    "dollar-before-placeholder",
                    f"`$` before `{part}` would make its value the name of a variable",
                    part.span,
                    hint="for a variable of the shell double the braces: `${{name}}`",
                )
            done.append(_write(part, place, quoted[i]) if i in quoted else part)
        except WorkflowError as error:
            faults += error.diagnostics
    return tuple(done)


def unknown_item(hole: Placeholder, name: str, names: Collection[str]) -> Diagnostic:
    """A record that has no item of that name, and what it has."""
    from difflib import get_close_matches  # only for faults

    near = get_close_matches(name, sorted(names), n=1)
    if near:
        hint = f"did you mean `{{{hole.root}.{near[0]}}}`?"
    elif names:
        listed = ", ".join(f"`{n}`" for n in sorted(names))
        hint = f"there is {listed}" if len(names) == 1 else f"there are {listed}"
    else:
        hint = None
    kind = "wildcard" if hole.root == "wildcards" else f"item `{name}` in `{hole.root}`"
    said = f"there is no wildcard `{name}`" if kind == "wildcard" else f"there is no {kind}"
    return Diagnostic("unknown-item", said, hole.span, hint=hint)


def fill(template: Template, values: Mapping[str, Any]) -> str:
    """The command of one job. `values` has what the roots stand for. Raises WorkflowError."""
    out: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            out.append(part)
            continue
        value = _value(part, values)
        if not part.is_escaped:
            out.append(as_text(value, part))
            continue
        items = _items(value, part)
        if part.context[-1:] == "!" or part.conversion:
            return _fill_carefully(template, values)
        for item in items:
            if item in RESERVED or HARMLESS(item) is None:
                return _fill_carefully(template, values)
        out.append(" ".join(items))
    return "".join(out)


def _fill_carefully(template: Template, values: Mapping[str, Any]) -> str:
    """`fill` where some value means something to the shell. The author's own values are put in
    before the places are read, because they may change how what stands behind them is read."""
    slots: list[Placeholder] = []
    pieces = [""]
    for part in template.parts:
        if isinstance(part, str):
            pieces[-1] += part
        elif part.is_escaped:
            slots.append(part)
            pieces.append("")
        else:
            pieces[-1] += as_text(_value(part, values), part)
    if len(slots) == sum(isinstance(p, Placeholder) for p in template.parts) or (
        slots[0].context == "plain"
    ):
        places = [Place.parse(slot.context) for slot in slots]
    else:
        places = read_places(SLOT.join(pieces))
    chunks = pieces[:1]
    length = len(pieces[0])
    verbatim: list[tuple[Placeholder, Place, int, int]] = []
    for slot, place, piece in zip(slots, places, pieces[1:], strict=True):
        text = _write(slot, place, _value(slot, values))
        if place.kind == "verbatim":
            verbatim.append((slot, place, length, length + len(text)))
        chunks += (text, piece)
        length += len(text) + len(piece)
    command = "".join(chunks)
    for slot, place, start, end in verbatim:
        if ends_document(command, start, end, place):
            raise _cannot(slot, command[start:end], "it would end the here-document")
    return command


def _write(slot: Placeholder, place: Place, value: Any) -> str:
    """The text for one escaped placeholder, whatever its value."""
    is_path = slot.root in PATHS
    texts: list[str] = []
    for item in _items(value, slot):
        if slot.conversion == "r" and place.kind != "bare":
            item = repr(item)
        if SLOT in item:
            raise _cannot(slot, item, "no command can hold a NUL byte")
        try:
            if place.kind == "plain":
                texts.append(single(item) if slot.spec == "q" else item)
            else:
                texts.append(escape(item, place, is_path=is_path, twice=slot.spec == "q"))
        except CannotQuoteError as why:
            raise _cannot(slot, item, str(why)) from None
        place = next_item(place)
    return " ".join(texts)


def _cannot(slot: Placeholder, value: str, why: str) -> WorkflowError:
    return fail(
        "cannot-quote",
        f"`{slot}` cannot stand here with the value `{value}`: {why}",
        slot.span,
        hint="hand it to the command as an argument, outside of such text",
    )


def _items(value: Any, slot: Placeholder) -> list[str]:
    """The items of an escaped placeholder, each to be one word."""
    if isinstance(value, str):
        found = [value]
    elif isinstance(value, (Record, list, tuple)) and not isinstance(value, Wildcards):
        found = [item if isinstance(item, str) else str(item) for item in value]
        if slot.conversion == "r":
            found = [str(list(value))]
    else:
        found = [str(value)]  # {wildcards}: a=x,b=y
    return found if slot.spec in SPECS else [_format(item, slot) for item in found]


def as_text(value: Any, slot: Placeholder) -> str:
    """The value as the author's own text: items joined by a space, nothing quoted."""
    if isinstance(value, (Record, list, tuple, set, frozenset)) and not isinstance(
        value, Wildcards
    ):
        if slot.conversion == "r":
            return repr(value if not isinstance(value, Record) else list(value))
        return " ".join([literal(i) if type(i) in NESTED else as_text(i, slot) for i in value])
    if slot.conversion:
        value = repr(value) if slot.conversion == "r" else str(value)
    if slot.spec in SPECS:
        return value if isinstance(value, str) else str(value)
    return _format(value, slot)


def _format(value: Any, slot: Placeholder) -> str:
    try:
        return format(value, slot.spec)
    except (ValueError, TypeError, OverflowError) as why:
        raise fail(
            "bad-format", f"`{slot}` cannot be written as `:{slot.spec}`: {why}", slot.span
        ) from None


def _value(slot: Placeholder, values: Mapping[str, Any]) -> Any:
    """What a placeholder stands for in this job."""
    try:
        value = values[slot.root]
    except KeyError:
        if slot.root in values:
            raise
        raise fail("unknown-name", f"there is no `{slot.root}` here", slot.span) from None
    return _walk(value, slot) if slot.path else value


def _walk(value: Any, slot: Placeholder) -> Any:
    """Follow `.name` and `[key]`."""
    shown = slot.root
    for step in slot.path:
        try:
            value = enter(value, step)
        except (KeyError, IndexError, TypeError):
            if isinstance(step, str):
                fault = unknown_item(replace(slot, root=shown), step, names_in(value))
            else:
                fault = Diagnostic("unknown-item", f"there is no `{slot}`", slot.span)
            raise WorkflowError(fault) from None
        shown += f"[{step}]" if isinstance(step, int) else f".{step}"
    return value
