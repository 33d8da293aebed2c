"""Whether two trees mean the same: all but where it stands."""

from typing import Any

from flowc.source import Source, Span
from flowc.syntax.format_verbatim import code_lines
from flowc.syntax.tree import Directive, Node, Tree, Unsupported


def same_trees(first: Tree, second: Tree) -> bool:
    """Without regard to spans. A code block is the same in another column."""
    waiting: list[tuple[Any, Any]] = [(first.statements, second.statements)]
    while waiting:
        a, b = waiting.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, Unsupported):
            if a.keyword != b.keyword or a.span.text.split() != b.span.text.split():
                return False
        elif isinstance(a, tuple):
            if len(a) != len(b):
                return False
            waiting += zip(a, b, strict=True)
        elif isinstance(a, Node):
            if isinstance(a, Directive) and _code(a.body) != _code(b.body):
                return False
            waiting += [
                (getattr(a, name), getattr(b, name))
                for name in a.__slots__
                if name not in ("span", "body")
            ]
        elif not isinstance(a, Source | Span) and repr(a) != repr(b):  # 1 is not True, nor 1.0
            return False
    return True


def _code(body: str | None) -> list[str] | None:
    return None if body is None else code_lines(body.replace("\r\n", "\n"), 0)
