"""The parse table that lark makes of grammar/workflow.lark, kept so that lark is not imported.

Importing lark and building the table costs 150 ms, more than all else that a small plan does. The
table is plain data, so it is kept as JSON in the user's cache directory; the whole grammar is in it
and must be equal, so a stale one is never used. Where no such file can be trusted or written, the
table is built afresh, and nothing is said.
"""

import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from flowc.dataclass import dataclass

STARTS = ("file", "expressions")
FORMAT = 1  # of the cached file

Row = dict[str, int]
"""By terminal: the next state, or ~rule to reduce by. By nonterminal: the next state."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A rule of the grammar: `length` symbols become one `symbol`."""

    symbol: str
    length: int
    action: str | None  # the method to call; None: the only symbol's value is the value
    places: tuple[int, ...] | None  # the index of each argument's symbol, -1 for one left out


@dataclass(frozen=True, slots=True)
class Table:
    rows: list[Row]
    reductions: list[Reduction]
    starts: dict[str, tuple[int, int]]  # by start symbol: first and last state


@cache
def load_table() -> Table:
    grammar = grammar_path().read_text(encoding="utf-8")
    kept = _cache_path(grammar)
    data = _read(kept, grammar) if kept else None
    if data is None:
        data = build(grammar)
        if kept:
            _write(kept, data)
    return Table(
        data["rows"],
        [Reduction(s, n, a, None if p is None else tuple(p)) for s, n, a, p in data["reductions"]],
        {name: (first, last) for name, (first, last) in data["starts"].items()},
    )


def grammar_path() -> Path:
    """In a wheel the grammar is inside the package, in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "grammar" / "workflow.lark"
    return inside if inside.exists() else package.parent / "grammar" / "workflow.lark"


def build(grammar: str) -> dict[str, Any]:
    """The table as data that JSON can hold. Some 150 ms."""
    from lark import Lark  # see above
    from lark.lexer import Lexer
    from lark.parsers.lalr_analysis import Shift

    class NoLexer(Lexer):
        def __init__(self, _conf: object) -> None: ...

        def lex(self, *_: Any) -> Any:
            raise NotImplementedError

    lark = Lark(
        grammar,
        parser="lalr",
        start=list(STARTS),
        lexer=NoLexer,
        keep_all_tokens=True,
        maybe_placeholders=True,
    )
    table: Any = lark.parser.parser._parse_table
    numbers = {rule: i for i, rule in enumerate(lark.rules)}
    rows = [
        {
            symbol: target if action is Shift else ~numbers[target]
            for symbol, (action, target) in table.states[state].items()
        }
        for state in range(len(table.states))
    ]
    starts = {name: (table.start_states[name], table.end_states[name]) for name in STARTS}
    return {
        "grammar": grammar,
        "rows": rows,
        "reductions": [_reduction(rule) for rule in lark.rules],
        "starts": starts,
    }


def _reduction(rule: Any) -> tuple[str, int, str | None, list[int] | None]:
    """A rule of lark's as the fields of a `Reduction`."""
    length = len(rule.expansion)
    action = rule.alias or rule.origin.name
    if rule.options.expand1 and rule.alias is None and length == 1:
        action = None
    places = None
    if any(rule.options.empty_indices):
        given = iter(range(length))
        places = [-1 if empty else next(given) for empty in rule.options.empty_indices]
        places += given
    return rule.origin.name, length, action, places


def _cache_path(grammar: str) -> Path | None:
    """Where the table is kept. None: there is no directory that is the user's alone to write."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = os.environ.get("HOME", "")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".cache")
    folder = os.path.join(base, "flowc")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        facts = os.stat(folder, follow_symlinks=False)
    except OSError:
        return None
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        return None
    return Path(folder, f"grammar-{FORMAT}-{crc32(grammar.encode()):08x}.json")


def _read(path: Path, grammar: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                return None
            data = json.load(file)
        if data["grammar"] != grammar or not data["complete"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(data)


def _write(path: Path, data: dict[str, Any]) -> None:
    """Put the file in place whole: others may read it at any time."""
    part = f"{path}.{os.getpid()}"
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "w", encoding="utf-8") as out:
            json.dump(data | {"complete": True}, out, separators=(",", ":"))
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)
