"""Trees that are deeper than Python's stack can walk are refused here, without recursion."""

from typing import Any

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span
from flowc.syntax.tree import Binary
from flowc.syntax.words import MAX_DEPTH


def check_depth(root: Any, faults: list[Diagnostic]) -> None:
    """Note a fault at the first node that is more than MAX_DEPTH nodes below the root.

    A node of few characters cannot hold many nodes above each other, so most are not looked into.
    `a + b + c` leans to the left and may be long: who walks it does so in a loop.
    """
    waiting: list[tuple[Any, int]] = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        span = getattr(node, "span", None)
        if span is not None:
            depth += 1
            if depth > MAX_DEPTH:
                faults.append(
                    Diagnostic(
                        "nested-too-deeply",
                        f"this is nested more than {MAX_DEPTH} deep",
                        span,
                        hint="give parts of it names of their own",
                    )
                )
                return
            if span.end - span.start + depth <= MAX_DEPTH:
                continue
        if type(node) is Binary:
            waiting += [(node.left, depth - (type(node.left) is Binary)), (node.right, depth)]
            continue
        parts = node if isinstance(node, tuple) else fields_of(node)
        waiting += [(p, depth) for p in parts if type(p) is tuple or hasattr(p, "span")]


def fields_of(node: Any) -> list[Any]:
    """What a node is made of, but for its place."""
    return [
        value
        for name in node.__slots__ or node.__dataclass_fields__
        if not isinstance(value := getattr(node, name), Source | Span)
    ]
