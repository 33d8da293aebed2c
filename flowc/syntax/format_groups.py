"""Words to nodes: brackets become groups, and each pair of neighbours gets its blank or none."""

from collections.abc import Iterator

from flowc.syntax.format_lines import Word

STATEMENT, ITEMS, CALL, INDEX, DISPLAY, PARAMETERS = range(6)
"""Where nodes stand: this decides how `=` and `:` are written."""

_CLOSES = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_ENDS_VALUE = frozenset(("NAME", "NUMBER", "STRING", "CONSTANT", "RPAR", "RSQB", "RBRACE"))
SIGNS = frozenset(("SIGN", "STAR", "DSTAR", "TILDE"))
_SIMPLE = frozenset(("NAME", "NUMBER"))


class Group:
    """Brackets and what is in them."""

    __slots__ = ("close", "context", "items", "must_break", "nodes", "opening")

    def __init__(self, opening: Word, nodes: "list[Node]", close: Word, context: int) -> None:
        self.opening = opening
        self.nodes = nodes
        self.close = close
        self.context = context
        self.items = split_items(nodes)
        self.must_break = self._must_break()

    def _must_break(self) -> bool:
        if self.opening.after or self.close.before:
            return True
        if has_comments(self.nodes) or (
            self.nodes and (first_word(self.nodes).before or last_word(self.nodes).after)
        ):
            return True
        if any(isinstance(node, Group) and node.must_break for node in self.nodes):
            return True
        if self.context != INDEX and self.items and self.items[-1][1] is not None:
            return len(self.items) > 1 or self.opening.type != "LPAR" or self.context == CALL
        return self.opening.type == "LPAR" and len(self.nodes) > 1 and all_strings(self.nodes)


Node = Word | Group
Item = tuple[list[Node], Word | None]
"""What stands between two commas, and the comma behind it."""


def first_word(nodes: list[Node]) -> Word:
    node = nodes[0]
    return node.opening if isinstance(node, Group) else node


def last_word(nodes: list[Node]) -> Word:
    node = nodes[-1]
    return node.close if isinstance(node, Group) else node


def all_strings(nodes: list[Node]) -> bool:
    return all(type(node) is Word and node.type == "STRING" for node in nodes)


def has_comments(nodes: list[Node]) -> bool:
    """Whether comments stand between the nodes (not before the first, not behind the last)."""
    last = len(nodes) - 1
    for i, node in enumerate(nodes):
        if i and first_word([node]).before:
            return True
        if i < last and last_word([node]).after:
            return True
    return False


def group(words: list[Word]) -> list[Node]:
    """Nodes of a run of words. No recursion: brackets may be nested deeply."""
    stack: list[tuple[Word, list[Node], int]] = []
    nodes: list[Node] = []
    for word in words:
        if word.type in _CLOSES:
            stack.append((word, nodes, _context(word, nodes)))
            nodes = []
        elif stack and word.type == _CLOSES[stack[-1][0].type]:
            opening, outer, context = stack.pop()
            outer.append(Group(opening, nodes, word, context))
            nodes = outer
        else:
            nodes.append(word)
    return nodes


def _context(opening: Word, before: list[Node]) -> int:
    """What an opening bracket begins, by what stands before it."""
    if not before or last_word(before).type not in _ENDS_VALUE or opening.type == "LBRACE":
        return DISPLAY
    if opening.type == "LSQB":
        return INDEX
    if len(before) > 1 and type(before[-2]) is Word and before[-2].type == "DEF":
        return PARAMETERS
    return CALL


def split_items(nodes: list[Node]) -> list[Item]:
    """At the commas that separate items: not those of a comprehension's `for a, b in`, nor of a
    lambda's parameters."""
    if any(type(node) is Word and node.type == "FOR" for node in nodes):
        return [(nodes, None)]
    items: list[Item] = []
    item: list[Node] = []
    lambdas = 0
    for node in nodes:
        kind = node.type if isinstance(node, Word) else ""
        if kind == "COMMA" and not lambdas and isinstance(node, Word):
            items.append((item, node))
            item = []
            continue
        if kind == "LAMBDA":
            lambdas += 1
        elif kind == "COLON" and lambdas:
            lambdas -= 1
        item.append(node)
    if item:
        items.append((item, None))
    return items


# --- blanks --------------------------------------------------------------------------------------


def spaced(nodes: list[Node], context: int) -> Iterator[tuple[str, Node]]:
    """Each node with the blank, or nothing, before it."""
    previous: Node | None = None
    is_prefix = tight = annotated = False
    lambdas = 0
    wide = context == INDEX and _is_intricate(nodes)
    for i, node in enumerate(nodes):
        kind = _opens(node)
        before = "" if previous is None else _closes(previous)
        ends_value = before in _ENDS_VALUE
        if previous is None or is_prefix or tight or kind == "COMMA":
            gap = ""
        elif kind == "DOT":
            gap = " " if before == "NUMBER" else ""
        elif before == "DOT":
            gap = ""
        elif kind == "COLON":
            gap = " " if before == "COMMA" or (wide and before != "COLON" and not lambdas) else ""
        elif before == "COLON" and context == INDEX and not lambdas:
            gap = " " if wide else ""
        elif kind in ("LPAR", "LSQB") and ends_value:
            gap = ""
        else:
            gap = " "
        if kind == "LAMBDA":
            lambdas += 1
        elif kind == "COMMA":
            annotated = False
        elif kind == "COLON":
            annotated = context == PARAMETERS
            if lambdas:
                lambdas -= 1
        tight = False
        if kind == "EQUAL" and (lambdas or (context >= CALL and not annotated)):
            gap, tight = "", True
        is_prefix = kind in SIGNS and not ends_value
        if kind == "DSTAR" and not is_prefix and before in _SIMPLE and _is_simple(nodes, i + 1):
            gap, tight = "", True
        yield gap, node
        previous = node


def _is_simple(nodes: list[Node], at: int) -> bool:
    return at < len(nodes) and _opens(nodes[at]) in _SIMPLE


def _is_intricate(nodes: list[Node]) -> bool:
    """Whether the bounds of a slice are more than names and numbers."""
    kinds = [_opens(node) for node in nodes]
    for before, kind in zip(["", *kinds], kinds, strict=False):
        if kind in ("LPAR", "LSQB", "LBRACE", "OPERATOR") or (
            kind in SIGNS and before in _ENDS_VALUE
        ):
            return True
    return False


def _opens(node: Node) -> str:
    return node.opening.type if isinstance(node, Group) else node.type


def _closes(node: Node) -> str:
    return node.close.type if isinstance(node, Group) else node.type


def flat(nodes: list[Node], context: int) -> str:
    """The nodes on one line."""
    out: list[str] = []
    for gap, node in spaced(nodes, context):
        out.append(gap)
        if isinstance(node, Group):
            inner = flat(node.nodes, node.context)
            out += (node.opening.text, inner, node.close.text)
        else:
            out.append(node.text or ",")  # only the comma that `limits:` need not have is empty
    return "".join(out)
