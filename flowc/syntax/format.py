"""A Workflowfile in its canonical form: `parse(format_text(x))` is `parse(x)`, places aside.

Words are never changed, only what stands between them: blanks, line ends, commas at the end of a
list, parentheses around a long value. That is why comments and the spelling of strings stay.

    format_lines     logical lines, with their comments
    format_groups    brackets, and the blanks between two words
    format_break     what is too long for a line
    format_verbatim  what is moved only
    format_off       what stays as it is written
"""

from flowc.diagnostic import WorkflowError
from flowc.source import Source
from flowc.syntax.format_break import (
    INDENT,
    OddError,
    check_levels,
    comment_lines,
    fits,
    item_lines,
    lines_of,
    must_break,
    with_comment,
    with_parentheses,
)
from flowc.syntax.format_groups import (
    ITEMS,
    STATEMENT,
    Item,
    Node,
    all_strings,
    flat,
    group,
    split_items,
)
from flowc.syntax.format_lines import Line, Lines, Word, width_of
from flowc.syntax.format_off import Kept, kept_parts
from flowc.syntax.format_verbatim import code_lines, fixed_lines, moved
from flowc.syntax.parse import parse
from flowc.syntax.same import same_trees
from flowc.syntax.tree import Tree


def format_text(source: Source) -> str:
    """The canonical form of a file. Raises WorkflowError for one with faults in its syntax."""
    tree = parse(source)
    if "\r\r\n" in source.text:  # damaged line ends: what they mean inside of a string is not sure
        return source.text
    text = source.text.replace("\r\n", "\n")
    made = _Formatter(Source(source.name, text)).text()
    if made != text and not _means(made, tree):
        raise AssertionError(f"formatting `{source.name}` would change its meaning")
    if "\r\n" in source.text and source.text.find("\r\n") < source.text.find("\n"):
        made = made.replace("\n", "\r\n")
    return made


def _means(text: str, tree: Tree) -> bool:
    """A last look, so that a mistake of the formatter never reaches a file."""
    try:
        return same_trees(tree, parse(Source(tree.source.name, text)))
    except WorkflowError:
        return False


class _Formatter:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.read = Lines(source)
        self.out: list[str] = []
        self.kinds: list[str] = []  # of the latest line on each level, inside of what is open

    def text(self) -> str:
        lines, at = self.read.lines, 0
        for part in [*kept_parts(self.read), None]:
            for line in lines[at : part.first if part else None]:
                self._space(line)
                self.out += self._lines(line)
                self._comments_below(line)
            if part is not None:
                self._keep(part)
                at = part.last
        for comment in self.read.end:
            self._blank(min(comment.blank_lines, 2))
            self.out.append(comment.text)
        return "\n".join(self.out) + "\n" if self.out else ""

    def _keep(self, part: Kept) -> None:
        """Copy what is not to be formatted, moved with its block, with its comments."""
        lines = self.read.lines
        first, last = lines[part.first], lines[part.last - 1]
        first.leading = [c for c in first.leading if c.start <= part.off.start]
        first.blank_lines = 0
        self._space(first)
        text = self.source.text[part.start : part.end].rstrip("\n")
        by = first.depth * INDENT - (first.column or 0)
        kept = text.split("\n") if text else []
        if first.depth:
            fixed = fixed_lines(self.source.text, part.start, part.end, self.read.long_strings)
            kept = moved(kept, 0, by, fixed)
        self.out += kept
        for line in lines[part.first + 1 : part.last]:
            del self.kinds[line.depth :]
            self.kinds.append("block" if _is_block(line) else line.kind)
        last.trailing = [each for each in last.trailing if each[1].start >= part.end]
        self._comments_below(last)
        if part.last < len(lines):
            following = lines[part.last]
            following.leading = [c for c in following.leading if c.start >= part.end]
        self.read.end = [c for c in self.read.end if c.start >= part.end]

    # --- between lines ---------------------------------------------------------------------------

    def _blank(self, count: int) -> None:
        if self.out:
            self.out += [""] * count

    def _space(self, line: Line) -> None:
        """Empty lines and comments before a line. A block has at least one around it."""
        depth = line.depth
        is_first = len(self.kinds) <= depth
        most = 1 if depth else 2
        least = 0
        above = None if is_first else self.kinds[depth]
        if above is not None and (_is_block(line) or above == "block"):
            least = most
        del self.kinds[depth:]
        self.kinds.append("block" if _is_block(line) else line.kind)
        for comment in line.leading:
            count = min(comment.blank_lines, most)
            self._blank((count or least) if self.out and not is_first else 0)
            self.out += comment_lines([comment], depth * INDENT)
            least, is_first = 0, False
        count = min(line.blank_lines, most)
        self._blank(0 if is_first else count or least)

    def _comments_below(self, line: Line) -> None:
        """Comments at the end of the block that `line` is the last line of."""
        for depth, comment in line.trailing:
            self._blank(min(comment.blank_lines, 1))
            self.out += comment_lines([comment], depth * INDENT)

    # --- lines -----------------------------------------------------------------------------------

    def _lines(self, line: Line) -> list[str]:
        indent = line.depth * INDENT
        words = line.words
        kind = line.kind
        if kind == "USE":
            text = " ".join("use rule" if w is words[0] else _compact(w) for w in words)
            text = text.replace(" ,", ",").replace(" :", ":")
            return [with_comment(" " * indent + text, words[-1].after)]
        if kind == "REFUSED":
            return self._verbatim(line)
        if kind == "WORD" and len(words) > 2 and words[2].type == "CODE":
            return self._code(line)
        nodes = group(words)
        try:
            check_levels(nodes)
            if kind == "WORD":
                return self._directive(nodes, line)
            nodes = with_parentheses(nodes, STATEMENT, indent)
            made = lines_of(nodes, STATEMENT, indent, first=indent)
        except OddError:
            return self._verbatim(line)
        made[0] = " " * indent + made[0]
        end = nodes[-1]
        made[-1] = with_comment(made[-1], end.after if isinstance(end, Word) else end.close.after)
        return made

    def _directive(self, nodes: list[Node], line: Line) -> list[str]:
        """`name: item`, or the items one a line below the name."""
        indent = line.depth * INDENT
        name, colon = line.words[:2]
        head = f"{' ' * indent}{name.text}:"
        items = split_items(nodes[2:])
        if name.after or colon.before:
            raise OddError
        if not items:
            below = comment_lines(line.tail, indent + INDENT)
            return [with_comment(head, colon.after), *below]
        if not (line.tail or colon.after) and _stays_inline(items, len(head) + 1):
            text = flat(nodes[2:], ITEMS)
            return [with_comment(f"{head} {text}", line.words[-1].after)]
        add_comma = len(items) > 1 or items[0][1] is not None or _is_named(items[0])
        below = []
        for found, comma in items:
            below += item_lines(found, comma, ITEMS, indent + INDENT, add_comma)
        return [
            with_comment(head, colon.after),
            *below,
            *comment_lines(line.tail, indent + INDENT),
        ]

    def _code(self, line: Line) -> list[str]:
        indent = line.depth * INDENT
        name, colon, code = line.words
        lines = code_lines(code.text, indent + INDENT)
        head = f"{' ' * indent}{name.text}:"
        if not width_of(code.text):
            lines = [f"{head} {lines[0]}", *lines[1:]]
        else:
            above = comment_lines(code.before, indent + INDENT)
            lines = [with_comment(head, colon.after), *above, *lines]
        lines[-1] = with_comment(lines[-1], code.after)
        return lines + comment_lines(line.tail, indent + INDENT)

    def _verbatim(self, line: Line) -> list[str]:
        """The line as it is written, with its inner lines moved by as much as the first one."""
        text = self.source.text
        start, end = line.words[0].start, line.words[-1].end
        line_start = text.rfind("\n", 0, start) + 1
        indent = line.depth * INDENT
        fixed = fixed_lines(text, start, end, self.read.long_strings)
        lines = moved(
            text[start:end].split("\n"), 1, indent - width_of(text[line_start:start]), fixed
        )
        kept = [each.rstrip() if i + 1 not in fixed else each for i, each in enumerate(lines)]
        kept[0] = " " * indent + kept[0]
        kept[-1] = with_comment(kept[-1], line.words[-1].after)
        return kept + comment_lines(line.tail, indent + INDENT)


def _is_block(line: Line) -> bool:
    return line.kind in ("KIND", "DEF") or (line.kind == "USE" and line.words[-1].type == "COLON")


def _compact(word: Word) -> str:
    return "".join(word.text.split())


def _is_named(item: Item) -> bool:
    nodes = item[0]
    return len(nodes) > 1 and isinstance(nodes[1], Word) and nodes[1].type == "EQUAL"


def _stays_inline(items: list[Item], first: int) -> bool:
    """One unnamed item, or a few bare names, if they fit behind the directive's name."""
    nodes = [node for item, comma in items for node in [*item, *([comma] if comma else [])]]
    if must_break(nodes) or items[-1][1] is not None:
        return False
    if len(items) > 1:
        if not all(len(item) == 1 and isinstance(item[0], Word) for item, _ in items):
            return False
        if any(
            node.type in ("STRING",) for item, _ in items for node in item if isinstance(node, Word)
        ):
            return False
    elif _is_named(items[0]) or (len(nodes) > 1 and all_strings(nodes)):
        return False
    first_node = nodes[0]
    start = first_node if isinstance(first_node, Word) else first_node.opening
    text = flat(nodes, ITEMS)
    return not start.before and "\n" not in text and fits(text, first, 0)
