"""Nodes to lines: what does not fit on one line is broken at its brackets, commas and operators."""

import itertools
from collections.abc import Sequence

from flowc.syntax.format_groups import (
    CALL,
    DISPLAY,
    INDEX,
    ITEMS,
    SIGNS,
    STATEMENT,
    Group,
    Node,
    all_strings,
    first_word,
    flat,
    has_comments,
    last_word,
    spaced,
    split_items,
)
from flowc.syntax.format_lines import Comment, Word

LINE_WIDTH = 88
INDENT = 4
MAX_LEVELS = 60
"""What is nested more deeply stays as it is written."""


class OddError(Exception):
    """Comments stand where no line can end. The line is left as it is written."""


def comment_lines(comments: Sequence[Comment], indent: int) -> list[str]:
    return [" " * indent + comment.text for comment in comments]


def with_comment(line: str, comment: str) -> str:
    return f"{line}  {comment}" if comment else line


def fits(text: str, first: int, last: int) -> bool:
    """Whether `text` fits behind `first` columns and before `last`. The inner lines of a string
    are what they are."""
    if "\n" not in text:
        return first + len(text) + last <= LINE_WIDTH
    head, tail = text[: text.index("\n")], text[text.rindex("\n") + 1 :]
    return first + len(head) <= LINE_WIDTH and len(tail) + last <= LINE_WIDTH


def must_break(nodes: list[Node]) -> bool:
    return any(isinstance(node, Group) and node.must_break for node in nodes) or has_comments(nodes)


def check_levels(nodes: list[Node]) -> None:
    """Raise OddError for brackets that are nested more deeply than recursion should go."""
    waiting = [(node, 0) for node in nodes]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, Group):
            if depth > MAX_LEVELS:
                raise OddError
            waiting += [(inner, depth + 1) for inner in node.nodes]


def lines_of(
    nodes: list[Node],
    context: int,
    indent: int,
    *,
    first: int,
    last: int = 0,
    in_brackets: bool = False,
) -> list[str]:
    """The nodes as lines; the first without its indentation, as `first` columns are taken.

    `indent` is that of the line which they begin; `last` columns are needed behind them.
    `in_brackets`: a line may end between any two nodes.
    """
    is_forced = must_break(nodes) or (in_brackets and len(nodes) > 1 and all_strings(nodes))
    if not is_forced:
        text = flat(nodes, context)
        if fits(text, first, last):
            return [text]
    if in_brackets:
        pieces = _pieces(nodes)
        if len(pieces) > 1:
            return _piece_lines(pieces, context, indent, first, last)
    if has_comments(nodes):
        raise OddError
    return _broken_groups(nodes, context, indent, first, last, is_forced)


def _broken_groups(
    nodes: list[Node], context: int, indent: int, first: int, last: int, is_forced: bool
) -> list[str]:
    """Break the groups that must be; or else the last one behind what fits on the line."""
    broken = {
        i
        for i, node in enumerate(nodes)
        if isinstance(node, Group) and node.must_break and is_forced
    }
    if not broken:
        broken = _best_group(nodes, context, first)
    lines: list[str] = []
    current = ""
    for i, (gap, node) in enumerate(spaced(nodes, context)):
        current += gap
        if i in broken and isinstance(node, Group):
            lines.append(with_comment(current + node.opening.text, node.opening.after))
            lines += exploded(node, indent + INDENT)
            current = " " * indent + node.close.text
        else:
            current += flat([node], context)
    lines.append(current)
    return lines


def _best_group(nodes: list[Node], context: int, first: int) -> set[int]:
    """The last brackets whose beginning fits on the line; those of an index if there are no
    others."""
    best: tuple[bool, bool, int] | None = None
    width = first
    for i, (gap, node) in enumerate(spaced(nodes, context)):
        if isinstance(node, Group) and node.nodes:
            best = max(best or (False, False, -1), (node.context != INDEX, width < LINE_WIDTH, i))
        width += len(gap) + len(flat([node], context))
    return set() if best is None else {best[2]}


def exploded(group: Group, indent: int) -> list[str]:
    """The inside of a group, an item a line."""
    lines: list[str] = []
    items = group.items
    commas = len(items) > 1 or (bool(items) and items[0][1] is not None)
    closing = commas if group.context != INDEX else bool(items) and items[-1][1] is not None
    for number, (nodes, comma) in enumerate(items):
        is_last = number == len(items) - 1
        lines += item_lines(nodes, comma, group.context, indent, closing if is_last else commas)
    return lines + comment_lines(group.close.before, indent)


def item_lines(
    nodes: list[Node], comma: Word | None, context: int, indent: int, add_comma: bool
) -> list[str]:
    """One item on lines of its own, with its comments."""
    start, end = first_word(nodes), last_word(nodes)
    after = end.after
    if comma is not None:
        if comma.before or (after and comma.after):
            raise OddError
        after = after or comma.after
    last = 1 if add_comma else 0
    nodes = with_parentheses(nodes, context, indent, last)
    body = lines_of(nodes, context, indent, first=indent, last=last, in_brackets=True)
    body[0] = " " * indent + body[0]
    body[-1] = with_comment(body[-1] + ("," if add_comma else ""), after)
    return comment_lines(start.before, indent) + body


# --- pieces of an expression ---------------------------------------------------------------------

_ARITHMETIC = ({"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%"})
_COMPARES = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"))
_ENDS_VALUE = frozenset(("NAME", "NUMBER", "STRING", "CONSTANT", "RPAR", "RSQB", "RBRACE"))


def _pieces(nodes: list[Node]) -> list[list[Node]]:
    """The nodes, cut before what binds most loosely."""
    scope = _before_lambda(nodes)
    words = [(i, node) for i, node in enumerate(nodes[:scope]) if isinstance(node, Word) and i]
    if any(word.type == "EQUAL" for _, word in words):
        return [nodes]  # `name=value`: the value will be broken at its brackets
    loops = [i for i, word in words if word.type == "FOR"]
    if loops:
        return _cut(nodes, loops + [i for i, w in words if w.type == "IF" and i > loops[0]])
    ternary = [i for i, word in words if word.type in ("IF", "ELSE")]
    if ternary:
        return _cut(nodes, ternary)
    for texts in ({"or"}, {"and"}, _COMPARES, *_ARITHMETIC):
        cuts = [i for i, word in words if word.text in texts and _is_infix(nodes, i)]
        if cuts:
            return _cut(nodes, cuts)
    if scope == len(nodes):
        return _cut(
            nodes, [i for i, word in words if word.type == "STRING" and _after_string(nodes, i)]
        )
    return [nodes]


def _before_lambda(nodes: list[Node]) -> int:
    """Everything behind a `lambda` belongs to it."""
    for i, node in enumerate(nodes):
        if isinstance(node, Word) and node.type == "LAMBDA":
            return i
    return len(nodes)


def _is_infix(nodes: list[Node], at: int) -> bool:
    node = nodes[at]
    if not isinstance(node, Word) or node.type == "STRING":
        return False
    return last_word(nodes[:at]).type in _ENDS_VALUE


def _after_string(nodes: list[Node], at: int) -> bool:
    before = nodes[at - 1]
    return isinstance(before, Word) and before.type == "STRING"


def _cut(nodes: list[Node], cuts: list[int]) -> list[list[Node]]:
    places = [0, *sorted(cuts), len(nodes)]
    return [nodes[a:b] for a, b in itertools.pairwise(places) if a < b]


def _piece_lines(
    pieces: list[list[Node]], context: int, indent: int, first: int, last: int
) -> list[str]:
    lines: list[str] = []
    for number, piece in enumerate(pieces):
        head, start = "", first
        if number:
            lines += comment_lines(first_word(piece).before, indent)
            head, start = " " * indent, indent
            if first_word(piece).type in SIGNS and len(piece) > 1:  # here it is no prefix
                if has_comments(piece[:2]):
                    raise OddError
                head += f"{first_word(piece).text} "
                piece = piece[1:]
        is_last = number == len(pieces) - 1
        made = lines_of(
            piece,
            context,
            indent,
            first=start + len(head.lstrip()),
            last=last if is_last else 0,
            in_brackets=True,
        )
        made[0] = head + made[0]
        if not is_last:
            made[-1] = with_comment(made[-1], last_word(piece).after)
        lines += made
    return lines


# --- parentheses that nobody wrote ---------------------------------------------------------------


def with_parentheses(nodes: list[Node], context: int, first: int, last: int = 0) -> list[Node]:
    """`name = value` or `lambda: value` with the value in parentheses, where only that lets it go
    over several lines. The tree stays the same."""
    start = _value_start(nodes, context)
    value = nodes[start:]
    is_one = len(split_items(value)) < 2
    if is_one and value and isinstance(value[0], Word) and value[0].type == "LAMBDA":
        start += 1 + next(
            i for i, n in enumerate(value) if isinstance(n, Word) and n.type == "COLON"
        )
        value = nodes[start:]
    if not start or (is_one and len(_pieces(value)) < 2):
        return nodes
    if not has_comments(value):
        if must_break(value):
            return nodes
        if fits(flat(nodes, context), first, last) and not (context and all_strings(value)):
            return nodes
    begin, end = first_word(value), last_word(value)
    if begin.before:
        raise OddError
    opening = Word("LPAR", "(", begin.start, begin.start)
    close = Word("RPAR", ")", end.end, end.end)
    close.after, end.after = end.after, ""
    return [*nodes[:start], Group(opening, value, close, DISPLAY)]


def _value_start(nodes: list[Node], context: int) -> int:
    """Where the value of an assignment, a `return` or a named item begins; 0 if it is none."""
    found = lambdas = 0
    if context not in (STATEMENT, ITEMS, CALL):
        return 0
    for i, node in enumerate(nodes):
        kind = node.type if isinstance(node, Word) else ""
        if kind == "LAMBDA":
            lambdas += 1
        elif kind == "COLON" and lambdas:
            lambdas -= 1
        elif not lambdas and (kind in ("EQUAL", "AUGMENT") or (kind == "RETURN" and not i)):
            found = i + 1
    return found
