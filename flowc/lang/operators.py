"""The operators on values: Python's own, with a bound on what they can make."""

import operator
from collections.abc import Callable
from typing import Any

from flowc.lang.formatting import percent_format
from flowc.lang.limits import (
    MAX_BITS,
    NESTING,
    RECORDS,
    SCALARS,
    Budget,
    Refusal,
    a_type,
    bounded_int,
    too_large,
    type_name,
)

Operator = Callable[[Any, Any], Any]

_TEXT_OR_NUMBER = SCALARS | {str}


def binary_operators(budget: Budget) -> dict[str, Operator]:
    """By symbol, the functions that a compiled file uses. They raise what Python raises, or
    `Refusal`."""

    def add(a: Any, b: Any) -> Any:
        a, b = _plain(a), _plain(b)
        if isinstance(a, str) and isinstance(b, str):
            budget.text(len(a) + len(b))
        elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
            budget.items(len(a) + len(b))
        return bounded_int(a + b)

    def multiply(a: Any, b: Any) -> Any:
        a, b = _plain(a), _plain(b)
        if isinstance(a, int) and not isinstance(b, int):
            a, b = b, a
        if isinstance(b, int):
            if isinstance(a, str):
                budget.text(len(a) * max(0, b))
            elif isinstance(a, list | tuple):
                budget.items(len(a) * max(0, b))
        return bounded_int(a * b)

    def modulo(a: Any, b: Any) -> Any:
        return percent_format(budget, a, b) if isinstance(a, str) else a % b

    def of_sets(function: Operator) -> Operator:
        def run(a: Any, b: Any) -> Any:
            if type(a) not in SCALARS:
                budget.items(len(a) if type(a) in NESTING else 0)
                budget.items(len(b) if type(b) in NESTING else 0)
            return function(a, b)

        return run

    return {
        "+": add,
        "-": of_sets(operator.sub),
        "*": multiply,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": modulo,
        "**": _power,
        "|": of_sets(operator.or_),
        "&": of_sets(operator.and_),
        "^": of_sets(operator.xor),
        "<<": _shift_left,
        ">>": operator.rshift,
        "@": _no_matrices,
    }


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and a.bit_length() * b > 2 * MAX_BITS:
        raise too_large("the result of `**`")
    result = bounded_int(a**b)
    if isinstance(result, complex):
        raise Refusal("wrong-value", "a root of a negative number is not a real number")
    return result


def _shift_left(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and b > MAX_BITS:
        raise too_large("the result of `<<`")
    return bounded_int(a << b)


def in_place_operators(budget: Budget, binary: dict[str, Operator]) -> dict[str, Operator]:
    """`a += b` and the like: lists, sets and dicts are changed where they are, as in Python."""

    def add(a: Any, b: Any) -> Any:
        if type(a) is list:
            more = budget.listed(b)
            budget.items(len(a) + len(more) if len(more) > len(a) else len(more))
            a += more
            if len(a) > (1 << 24):
                raise too_large("the list")
            return a
        return binary["+"](a, b)

    def of(symbol: str, function: Operator) -> Operator:
        def run(a: Any, b: Any) -> Any:
            if type(a) is set or type(a) is dict:
                budget.items(len(b) if type(b) in NESTING else 0)
                return function(a, b)
            return binary[symbol](a, b)

        return run

    return binary | {
        "+": add,
        "|": of("|", operator.ior),
        "&": of("&", operator.iand),
        "-": of("-", operator.isub),
        "^": of("^", operator.ixor),
    }


def comparison_operators(budget: Budget) -> dict[str, Operator]:
    def guarded(function: Operator) -> Operator:
        def run(a: Any, b: Any) -> Any:
            if type(a) in _TEXT_OR_NUMBER:
                return function(a, b)
            if type(b) in _TEXT_OR_NUMBER:
                return function(a, b)
            a, b = _plain(a), _plain(b)
            if type(a) in NESTING and type(b) in NESTING:
                budget.admit(a)
                budget.admit(b)
            return function(a, b)

        return run

    def contains(a: Any, b: Any) -> bool:
        kind = type(b)
        if kind is dict or kind is set or kind is frozenset:
            if type(a) not in _TEXT_OR_NUMBER:
                budget.admit(a)
            return a in b
        if kind in RECORDS:
            return a in b.values
        if isinstance(b, str):
            budget.text(len(b))
            return a in b
        if kind is range:
            return a in b if type(a) is int else a in budget.listed(b)
        if kind is list or kind is tuple:
            budget.spend(len(b) >> 4)
            if type(a) not in _TEXT_OR_NUMBER:
                budget.admit(a)
                budget.admit(b)
            return a in b
        if hasattr(kind, "__contains__"):  # the environment
            return a in b
        return a in budget.listed(b)

    return {
        "==": guarded(operator.eq),
        "!=": guarded(operator.ne),
        "<": guarded(operator.lt),
        "<=": guarded(operator.le),
        ">": guarded(operator.gt),
        ">=": guarded(operator.ge),
        "in": contains,
        "not in": lambda a, b: not contains(a, b),
        "is": operator.is_,
        "is not": operator.is_not,
    }


UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "not": operator.not_,
}


def get_item(budget: Budget, value: Any, index: Any) -> Any:
    """`value[index]`, with messages that say what there is."""
    kind = type(value)
    if type(index) is slice:
        if kind is dict or not hasattr(value, "__getitem__"):
            raise Refusal("wrong-type", f"{a_type(value)} cannot be sliced")
        result = value[index]
        if hasattr(result, "__len__") and kind is not range:
            budget.text(len(result)) if isinstance(result, str) else budget.items(len(result))
        return result
    if kind is dict:
        if type(index) not in _TEXT_OR_NUMBER:
            budget.admit(index)
        return value[index]
    if not hasattr(value, "__getitem__"):
        raise Refusal("wrong-type", f"{a_type(value)} has no items to take by `[...]`")
    if kind in RECORDS or isinstance(index, int) or not isinstance(value, list | tuple | str):
        return value[index]
    raise Refusal("wrong-type", f"an index of {a_type(value)} is an int, not {a_type(index)}")


def set_item(budget: Budget, value: Any, index: Any, item: Any) -> None:
    """`value[index] = item`."""
    kind = type(value)
    if kind is dict:
        if type(index) not in _TEXT_OR_NUMBER:
            budget.admit(index)
        value[index] = item
    elif kind is list:
        if type(index) is slice:
            item = budget.listed(item)
            budget.items(len(item) + (len(value) >> 6))
        value[index] = item
        if len(value) > (1 << 24):
            raise too_large("the list")
    else:
        hint = None
        if type_name(value) == "environment":
            hint = 'write `env: NAME="value"` in the rules, or `export NAME=value` before flowc'
        raise Refusal("wrong-type", f"the items of {a_type(value)} cannot be assigned", hint)


def _plain(value: Any) -> Any:
    """A record as the list that it is in Snakemake."""
    return list(value.values) if type(value) in RECORDS else value


def _no_matrices(a: Any, b: Any) -> Any:
    raise Refusal("unsupported", "`@` has no meaning in a workflow file")
