"""Queries over tables, which are lists of dicts: `lookup(query="sample == 'A'", within=ROWS)`.

What pandas' `DataFrame.query` takes as far as it needs no pandas: comparisons of columns, texts,
numbers and lists, `in`, `and`, `or`, `not` (`&` and `|` bind as those two do there), parentheses.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowc.dataclass import dataclass
from flowc.lang.faults import near, short
from flowc.lang.limits import NESTING, Budget, Refusal, a_type
from flowc.lang.values import Record

Row = Mapping[Any, Any]
Value = Callable[[Row], Any]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*")
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | `(?P<quoted>[^`]+)`
    | (?P<name>[^\W\d]\w*)
    | (?P<sign>==|!=|<=|>=|[<>()\[\],&|~-])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"True": True, "False": False, "None": None}
_WORDS = {"&": "and", "|": "or", "~": "not"}
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read. `equals`: a column and a text or number that every row found has,
    if the query says so: then only those rows have to be looked at."""

    holds: Value
    columns: frozenset[str]
    equals: tuple[str, Any] | None


class Table:
    """Rows, and indices over those columns that queries have asked for one value of."""

    def __init__(self, rows: Sequence[Row], budget: Budget) -> None:
        self.rows = rows
        self._budget = budget
        self._indices: dict[str, dict[Any, list[int]]] = {}
        self.columns = dict.fromkeys(str(name) for row in rows for name in row)

    def select(self, text: str) -> list[int]:
        """The numbers of the rows for which the query holds."""
        query = read_query(text)
        unknown = sorted(query.columns - self.columns.keys()) if self.rows else ()
        if unknown:
            message = f"`lookup` knows no column `{unknown[0]}`"
            raise Refusal("missing-key", message, near(unknown[0], self.columns))
        found: Sequence[int] = range(len(self.rows))
        if query.equals is not None:
            column, wanted = query.equals
            found = self._index(column).get(wanted, [])
        self._budget.spend(len(found) + 1)
        return [at for at in found if query.holds(self.rows[at])]

    def _index(self, column: str) -> dict[Any, list[int]]:
        index = self._indices.get(column)
        if index is None:
            self._budget.spend(len(self.rows))
            index = self._indices[column] = {}
            for at, row in enumerate(self.rows):
                index.setdefault(_plain(row.get(column)), []).append(at)
        return index

    def record(self, at: int, columns: Sequence[str] | None) -> Record:
        """One row: `row.sample`. Without a choice of columns its number comes first, as `Index`."""
        row = self.rows[at]
        values: dict[str, Any] = {"Index": at} if columns is None else {}
        values |= {name: row.get(name) for name in columns or self.columns}
        return Record(tuple(values.values()), {name: i for i, name in enumerate(values)})

    def check_columns(self, columns: Sequence[str]) -> None:
        for name in columns:
            if self.rows and name not in self.columns:
                message = f"`lookup` knows no column `{name}`"
                raise Refusal("missing-key", message, near(name, self.columns))


def read_query(text: str) -> Query:
    reader = _Reader(text)
    holds = reader.any_of(0)
    if reader.kind != "end":
        raise reader.fault()
    return Query(holds, frozenset(reader.columns), reader.equals)


class _Reader:
    """Reads a query from left to right. `equals` is what the whole depends on, as long as nothing
    but `and` has been met outside of parentheses."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.columns: set[str] = set()
        self.equals: tuple[str, Any] | None = None
        self.kind, self.token = "", ""
        self._next()

    def fault(self) -> Refusal:
        what = f"`{self.token}`" if self.kind != "end" else "its end"
        return Refusal(
            "wrong-value",
            f"`lookup` cannot read the query {short(self.text)} at {what}",
            "it takes columns, texts and numbers, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `and`, "
            "`or`, `not` and parentheses",
        )

    def _next(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            rest = self.text[self.at :].strip()
            self.kind, self.token = ("?", rest[:1]) if rest else ("end", "")
            return
        self.at = found.end()
        self.kind = str(found.lastgroup)
        self.token = found[self.kind]
        if self.kind == "sign" and self.token in _WORDS:
            self.kind, self.token = "name", _WORDS[self.token]

    def take(self, *tokens: str) -> str | None:
        """The next token, if it is one of these signs and words."""
        if self.kind not in ("sign", "name") or self.token not in tokens:
            return None
        found = self.token
        self._next()
        return found

    def any_of(self, depth: int) -> Value:
        parts = [self.all_of(depth)]
        while self.take("or"):
            parts.append(self.all_of(depth))
            self.equals = None
        return parts[0] if len(parts) == 1 else lambda row: any(p(row) for p in parts)

    def all_of(self, depth: int) -> Value:
        parts = [self.negation(depth)]
        while self.take("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(p(row) for p in parts)

    def negation(self, depth: int) -> Value:
        if depth > _DEEPEST:
            raise Refusal("too-deep", f"the query {short(self.text)} is nested too deeply")
        if self.take("not"):
            before = self.equals
            inner = self.negation(depth + 1)
            self.equals = before
            return lambda row: not inner(row)
        if self.take("("):
            before = self.equals
            inner = self.any_of(depth + 1)
            if not self.take(")"):
                raise self.fault()
            self.equals = before
            return inner
        return self.comparison()

    def comparison(self) -> Value:
        left, column, _ = self.operand()
        steps: list[Value] = []
        while True:
            is_not = self.take("not") is not None
            sign = self.take("in") if is_not else self.take("==", "!=", "in", *_ORDERS)
            if is_not and sign is None:
                raise self.fault()
            if sign is None:
                break
            right, other, constant = self.operand()
            steps.append(_compared(left, "not in" if is_not else sign, right))
            if sign == "==" and column and isinstance(constant, str | int | float):
                self.equals = (column, constant)
            left, column = right, other
        if not steps:
            return lambda row: bool(_plain(left(row)))
        return steps[0] if len(steps) == 1 else lambda row: all(step(row) for step in steps)

    def operand(self) -> tuple[Value, str | None, Any]:
        """What it gives for a row; the column it is, or else its constant value."""
        kind, token = self.kind, self.token
        if kind == "quoted" or (
            kind == "name" and token not in (*_CONSTANTS, *_WORDS.values(), "in")
        ):
            self._next()
            self.columns.add(token)
            return lambda row: row.get(token), token, None
        value = self._constant()
        return lambda row: value, None, value

    def _constant(self) -> Any:
        kind, token = self.kind, self.token
        if self.take("["):
            values: list[Any] = []
            while not self.take("]"):
                if self.token == "[" and self.kind == "sign":
                    raise self.fault()
                values.append(self._constant())
                if not self.take(",") and self.token != "]":
                    raise self.fault()
            return values
        if self.take("-") and self.kind == "number":
            return -self._constant()
        if kind == "text":
            self._next()
            return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
        if kind == "number":
            self._next()
            return int(token) if token.isdecimal() and len(token) < 100 else float(token)
        if kind == "name" and token in _CONSTANTS:
            self._next()
            return _CONSTANTS[token]
        raise self.fault()


def _compared(left: Value, sign: str, right: Value) -> Value:
    if sign in _ORDERS:
        is_so = _ORDERS[sign]
        return lambda row: _in_order(is_so, sign, left(row), right(row))
    wanted = sign in ("==", "in")
    must_be_list = sign in ("in", "not in")

    def compare(row: Row) -> bool:
        value, others = left(row), right(row)
        if type(others) in NESTING:
            return (_plain(value) in [_plain(o) for o in others]) is wanted
        if must_be_list:
            raise Refusal("wrong-type", f"`in` of a query needs a list, not {a_type(others)}")
        value, other = _plain(value), _plain(others)
        if value is None or other is None:  # as pandas: what is missing is like nothing
            return not wanted
        return bool(value == other) is wanted

    return compare


def _in_order(is_so: Callable[[Any, Any], bool], sign: str, left: Any, right: Any) -> bool:
    left, right = _plain(left), _plain(right)
    if left is None or right is None:
        return False
    if isinstance(left, str) != isinstance(right, str):
        raise Refusal(
            "wrong-type", f"a query cannot ask whether {a_type(left)} is `{sign}` {a_type(right)}"
        )
    return is_so(left, right)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    raise Refusal("wrong-type", f"a query compares texts and numbers, not {a_type(value)}")
