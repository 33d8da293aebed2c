"""Workflows for tests, from one line a rule: `map: out/{s}.bam log=l/{s} <- in/{s}.fq ref.fa`."""

from collections.abc import Sequence

from flowc.ids import RuleId
from flowc.lang.template import Template
from flowc.lang.values import FlaggedPath, Flags
from flowc.lang.workflow import Item, Rule, Workflow
from flowc.source import Source, Span

ACTION = Template("make it", ("make it",))


def workflow(*lines: str, order: Sequence[tuple[str, ...]] = ()) -> Workflow:
    """The first rule is the default target. A rule without outputs has no action. An item such
    as `X:path` on the right is bound to rule X, one such as `[a,b]` is a list."""
    source = Source("Workflowfile", "\n".join(lines))
    rules: list[Rule] = []
    at = 0
    for line in lines:
        name, _, rest = line.partition(":")
        left, _, right = rest.partition("<-")
        span = Span(source, at, at + len(name))
        at += len(line) + 1
        outputs = [t for t in left.split() if not t.startswith("log=")]
        logs = [t.removeprefix("log=") for t in left.split() if t.startswith("log=")]
        rules.append(
            Rule(
                RuleId(len(rules)),
                name,
                span,
                inputs=tuple(_item(text, span) for text in right.split()),
                outputs=tuple(_item(text, span) for text in outputs),
                logs=tuple(_item(text, span) for text in logs),
                command=ACTION if outputs else None,
            )
        )
    default = RuleId(0) if rules else None
    return Workflow(tuple(rules), default, ruleorder=tuple(order), sources=(source,))


def _item(text: str, span: Span) -> Item:
    if text.startswith("["):
        return Item(None, tuple(text[1:-1].split(",")), True, None, False, span)
    maker, colon, path = text.partition(":")
    if colon:
        bound = FlaggedPath(path, Flags(), maker)
        return Item(None, (bound,), False, None, False, span)
    return Item(None, (text,), False, None, False, span)
