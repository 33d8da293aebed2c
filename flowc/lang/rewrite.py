"""Figures put into a workflow's files; every other byte stays as it is.

A figure that is a constant is replaced where it stands; one that is not there gets a line of its
own before the rule's action. A function stays: whoever wrote it knew more than one number.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from flowc.lang.workflow import Rule, Setting, Workflow
from flowc.source import Source, Span
from flowc.syntax.parse import parse
from flowc.syntax.tree import Block, For, If, Statement
from flowc.units import GIB, MIB

ACTIONS = ("shell", "run", "script")


class Written(NamedTuple):
    """What is to stand in a rule. None: leave it."""

    threads: int | None
    memory_gb: float | None
    profile: str | None


class Edit(NamedTuple):
    """`text` takes the place of `source.text[start:end]`."""

    source: Source
    start: int
    end: int
    text: str


class Rewriting(NamedTuple):
    """The edits, and what was left alone: (rule, why)."""

    edits: list[Edit]
    kept: list[tuple[str, str]]


def rewrite(workflow: Workflow, figures: Mapping[str, Written]) -> Rewriting:
    """Edits that put these figures into the rules."""
    blocks = {
        (source.name, block.span.start): block
        for source in workflow.sources
        for block in _blocks(parse(source).statements)
    }
    edits: list[Edit] = []
    kept: list[tuple[str, str]] = []
    for (name, start), rules in _by_place(workflow, figures).items():
        block = blocks.get((name, start))
        if block is None:
            kept += [
                (rule.name, "all stays as it is, for its block was not found") for rule in rules
            ]
            continue
        _rule(rules, _largest([figures[rule.name] for rule in rules]), block, edits, kept)
    return Rewriting(edits, kept)


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The new text of a file. `text` may have a byte order mark that its `Source` has not."""
    shift = 1 if text.startswith("\ufeff") else 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end), reverse=True):
        text = text[: edit.start + shift] + edit.text + text[edit.end + shift :]
    return text


def _by_place(
    workflow: Workflow, figures: Mapping[str, Written]
) -> dict[tuple[str, int], list[Rule]]:
    """A block in a loop makes several rules."""
    found: dict[tuple[str, int], list[Rule]] = {}
    for rule in workflow.rules:
        if rule.name in figures:
            found.setdefault((rule.span.source.name, rule.span.start), []).append(rule)
    return found


def _blocks(statements: Sequence[Statement]) -> Iterator[Block]:
    for statement in statements:
        if isinstance(statement, Block):
            yield statement
        elif isinstance(statement, If):
            for _, body in statement.branches:
                yield from _blocks(body)
            yield from _blocks(statement.otherwise)
        elif isinstance(statement, For):
            yield from _blocks(statement.body)


def _largest(many: Sequence[Written]) -> Written:
    threads = [w.threads for w in many if w.threads is not None]
    sizes = [w.memory_gb for w in many if w.memory_gb is not None]
    return Written(max(threads, default=None), max(sizes, default=None), many[0].profile)


def _rule(
    rules: Sequence[Rule],
    written: Written,
    block: Block,
    edits: list[Edit],
    kept: list[tuple[str, str]],
) -> None:
    rule = rules[0]
    lines: list[str] = []
    for name, setting, text in (
        ("threads", rule.threads, None if written.threads is None else str(written.threads)),
        (rule.mem_spelling, rule.mem, _memory(rule, written.memory_gb)),
    ):
        if text is None:
            continue
        if setting is None:
            lines.append(f"{'mem_gb' if name != 'threads' else name}: {text}")
        elif hasattr(setting.value, "required"):
            kept.append((rule.name, f"its `{name}` stays as it is, for it is a function"))
        elif not _inside(setting.span, block):
            kept.append(
                (rule.name, f"its `{name}` stays, for it is not written in the rule itself")
            )
        elif not _says(setting, text):
            edits.append(_replace(setting.span, text))
    if written.profile is not None and rule.profile != written.profile:
        text = json.dumps(written.profile, ensure_ascii=False)
        if rule.profile_span is not None and _inside(rule.profile_span, block):
            edits.append(_replace(rule.profile_span, text))
        else:
            lines.append(f"profile: {text}")
    if not lines:
        return
    place = _place(block)
    if place is None:
        kept.append((rule.name, f"there is no line of its own for `{lines[0]}`"))
        return
    at, indent, newline = place
    edits.append(Edit(block.span.source, at, at, "".join(f"{indent}{x}{newline}" for x in lines)))


def _memory(rule: Rule, memory_gb: float | None) -> str | None:
    """In the unit in which the rule has it."""
    if memory_gb is None:
        return None
    if rule.mem is None or rule.mem_unit == "gb":
        return f"{memory_gb:g}"
    if rule.mem_unit == "mb":
        return str(-int(-memory_gb * GIB // MIB))
    return f'"{memory_gb:g} GB"'


def _says(setting: Setting, text: str) -> bool:
    """Whether the figure is there already."""
    if setting.span.text == text:
        return True
    try:
        return bool(setting.value == float(text))
    except ValueError:
        return bool(setting.value == text.strip('"'))


def _inside(span: Span, block: Block) -> bool:
    is_same = span.source is block.span.source or span.source.name == block.span.source.name
    return is_same and block.span.start <= span.start and span.end <= block.span.end


def _replace(span: Span, text: str) -> Edit:
    return Edit(span.source, span.start, span.end, text)


def _place(block: Block) -> tuple[int, str, str] | None:
    """Where a new line goes, its indentation and its end: before the action, or else before the
    first directive that has a line of its own."""
    text = block.span.source.text
    candidates = [d for d in block.directives if d.name.text in ACTIONS] + list(block.directives)
    for directive in candidates:
        start = text.rfind("\n", 0, directive.span.start) + 1
        indent = text[start : directive.span.start]
        if start > block.span.start and not indent.strip():
            return start, indent, "\r\n" if text[start - 2 : start] == "\r\n" else "\n"
    return None
