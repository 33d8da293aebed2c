"""The built-in functions of Python that a workflow file may use, and those it may not, by name."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from flowc.disk import Disk
from flowc.lang.callables import Bound, Builtin, guarded, need_callable
from flowc.lang.formatting import ascii_of, formatted, repr_of, text_of
from flowc.lang.functions import Closure
from flowc.lang.limits import (
    MAX_BITS,
    MAX_ITEMS,
    NESTING,
    RECORDS,
    Budget,
    Refusal,
    a_type,
    bounded_int,
    too_large,
    type_name,
)
from flowc.lang.members import Members
from flowc.lang.modules import modules
from flowc.lang.paths import path_functions
from flowc.lang.speaking import speaking_functions, streams
from flowc.lang.values import FlaggedPath
from flowc.lang.wildcards import DeferredExpand

REFUSED = {
    "open": "files are read by jobs; `configfile:` reads settings",
    "eval": "write the expression itself",
    "exec": "write the statements themselves",
    "compile": "write the expression itself",
    "__import__": "modules cannot be imported; `os.path`, `math` and `re` are there without import",
    "getattr": "take an attribute by `.name`, the item of a dict by `[name]`",
    "setattr": "assign a name, or an item of a dict",
    "delattr": "make a new value without it",
    "hasattr": "`in` asks whether a dict has a key",
    "globals": "names are looked up by themselves",
    "locals": "names are looked up by themselves",
    "vars": "a dict holds values by name",
    "dir": "see the reference of the language",
    "hash": "no value needs it",
    "id": "no value needs it",
    "object": "there are no classes in a workflow file",
    "super": "there are no classes in a workflow file",
    "classmethod": "there are no classes in a workflow file",
    "staticmethod": "there are no classes in a workflow file",
    "property": "there are no classes in a workflow file",
    "memoryview": "there are no bytes in a workflow file",
    "bytes": "there are no bytes in a workflow file; use str",
    "bytearray": "there are no bytes in a workflow file; use str",
    "complex": "there are no complex numbers in a workflow file",
    "dynamic": "declare a `checkpoint` with a `directory(...)`, and ask for what it has made",
    "breakpoint": "the plan shows how values came out",
}
"""Names that Python has and a workflow file has not, with what to use instead."""


def standard_builtins(
    budget: Budget, disk: Disk, members: Members, env_read: set[str]
) -> dict[str, Any]:
    """Everything a file can name without defining it."""
    table: dict[str, Any] = {}
    for name, hint in REFUSED.items():
        table[name] = Builtin(name, partial(_refuse, name, hint))
    _add_types(table, budget)
    _add_ordering(table, budget)
    _add_iteration(table, budget)
    _add_numbers(table, budget)
    _add_texts(table, budget)
    table.update(speaking_functions(budget))
    table.update(modules(budget, disk, env_read))
    table["sys"].members |= streams(table["exit"])
    table.update(path_functions(budget, disk, members))
    return table


def _refuse(name: str, hint: str, *args: Any, **kwargs: Any) -> Any:
    raise Refusal("unsupported", f"`{name}` cannot be used in a workflow file", hint)


def _add_types(table: dict[str, Any], budget: Budget) -> None:
    listed, admit = budget.listed, budget.admit

    def to_dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*[admit(value) for value in args], **kwargs)

    kinds: list[tuple[str, Callable[..., Any], type]] = [
        ("str", lambda value="": text_of(budget, value), str),
        ("int", _to_int, int),
        ("float", lambda value=0.0: float(value), float),
        ("bool", lambda value=False: bool(value), bool),
        ("list", lambda values=(): listed(values), list),
        ("tuple", lambda values=(): tuple(listed(values)), tuple),
        ("set", lambda values=(): set(admit(listed(values))), set),
        ("frozenset", lambda values=(): frozenset(admit(listed(values))), frozenset),
        ("dict", to_dict, dict),
        ("range", lambda *args: range(*args), range),
        ("Path", lambda *parts: PurePosixPath(*parts), PurePosixPath),
    ]
    types = {kind: Builtin(name, call, kind) for name, call, kind in kinds}
    types[FlaggedPath] = types[str]

    def type_of(value: Any) -> Builtin:
        kind = type(value)
        return types.get(kind) or Builtin(type_name(value), type_of, kind)

    table.update({builtin.name: builtin for builtin in types.values()})
    table["type"] = Builtin("type", type_of)
    table["isinstance"] = Builtin("isinstance", _is_instance)
    table["callable"] = Builtin("callable", lambda value: isinstance(value, CALLABLE))
    table["len"] = Builtin("len", length)


CALLABLE = Builtin | Bound | Closure | DeferredExpand


def _to_int(value: Any = 0, *base: Any) -> int:
    if isinstance(value, str) and len(value) > 5000:
        raise too_large("an integer of so many digits")
    return int(value, *base)


def _is_instance(value: Any, kinds: Any) -> bool:
    for kind in kinds if type(kinds) is tuple else (kinds,):
        if not isinstance(kind, Builtin) or kind.kind is None:
            raise Refusal("wrong-type", f"`isinstance` needs a type, not {a_type(kind)}")
        if isinstance(value, kind.kind):
            return True
    return False


def length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:
        raise Refusal("wrong-type", f"{a_type(value)} has no length") from None


def _add_ordering(table: dict[str, Any], budget: Budget) -> None:
    listed = budget.listed

    def ordered(values: Any, *, key: Any = None, reverse: Any = False) -> list[Any]:
        found = budget.admit(listed(values))
        budget.spend(len(found))
        try:
            return sorted(found, key=key, reverse=bool(reverse))
        except TypeError as fault:
            raise _not_ordered(fault) from None

    def extreme(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not set(kwargs) <= {"key", "default"}:
                raise TypeError(f"takes no {next(iter(kwargs))!r}")
            values = budget.admit(list(args) if len(args) != 1 else listed(args[0]))
            if len(args) == 1 and not values and "default" not in kwargs:
                raise Refusal("wrong-value", f"`{function.__name__}` of no values")
            try:
                return function(values, **kwargs)
            except TypeError as fault:
                raise _not_ordered(fault) from None

        return call

    def total(values: Any, start: Any = 0) -> Any:
        if isinstance(start, str):
            raise Refusal("wrong-type", "`sum` adds numbers", 'texts are joined by `"".join(...)`')
        found = listed(values)
        if type(start) is list:
            return _joined_lists(budget, found, start)
        if found and type(found[0]) in NESTING:
            for value in found:
                start = start + value
                budget.items(len(start))
            return start
        return bounded_int(sum(found, start))

    functions: dict[str, Callable[..., Any]] = {
        "sorted": ordered,
        "min": extreme(min),
        "max": extreme(max),
        "sum": total,
    }
    table.update({name: Builtin(name, call) for name, call in functions.items()})


def _add_iteration(table: dict[str, Any], budget: Budget) -> None:
    iterate = budget.iterate

    def zipped(*values: Any, strict: bool = False) -> Iterator[Any]:
        return budget.tuples(zip(*[iterate(value) for value in values], strict=strict), len(values))

    def mapped(function: Any, *values: Any) -> Iterator[Any]:
        need_callable(function, "the first argument of `map`")
        return map(function, *[iterate(value) for value in values])

    def filtered(function: Any, values: Any) -> Iterator[Any]:
        if function is not None:
            need_callable(function, "the first argument of `filter`")
        return filter(function, iterate(values))

    def backwards(values: Any) -> Any:
        if hasattr(values, "__reversed__") or hasattr(values, "__getitem__"):
            budget.spend(length(values))
            return reversed(values)
        raise Refusal("wrong-type", f"{a_type(values)} has no order to reverse")

    def following(iterator: Any, *default: Any) -> Any:
        if not hasattr(iterator, "__next__"):
            raise Refusal("wrong-type", f"`next` needs an iterator, not {a_type(iterator)}")
        return next(iterator, *default)

    functions: dict[str, Callable[..., Any]] = {
        "zip": zipped,
        "map": mapped,
        "filter": filtered,
        "enumerate": lambda values, start=0: enumerate(iterate(values), start),
        "reversed": backwards,
        "any": lambda values: any(iterate(values)),
        "all": lambda values: all(iterate(values)),
        "iter": lambda values: iter(iterate(values)),
        "next": following,
    }
    table.update({name: Builtin(name, call) for name, call in functions.items()})


def _joined_lists(budget: Budget, lists: list[Any], start: list[Any]) -> list[Any]:
    """`sum(lists, start)`, in one go."""
    out = list(start)
    for value in lists:
        if type(value) is not list and type(value) not in RECORDS:
            raise Refusal("wrong-type", f"`sum` cannot join a list and {a_type(value)}")
        budget.items(len(value))
        out += value
        if len(out) > MAX_ITEMS:
            raise too_large("the list")
    return out


def _not_ordered(fault: TypeError) -> Exception:
    """Python's message names the types between quotes: that is what the user needs."""
    words = str(fault).split("'")
    if "not supported between" in str(fault) and len(words) >= 6:
        return Refusal("wrong-type", f"there is no order between {words[3]} and {words[5]}")
    return fault


def _add_numbers(table: dict[str, Any], budget: Budget) -> None:
    def rounded(number: Any, digits: Any = None) -> Any:
        if isinstance(digits, int) and abs(digits) > 400:
            raise too_large("the number of digits")
        return round(number, digits)

    def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            return pow(base, exponent, modulus)
        whole = isinstance(base, int) and isinstance(exponent, int)
        if whole and base.bit_length() * exponent > 2 * MAX_BITS:
            raise too_large("the result of `pow`")
        result = pow(base, exponent)
        if isinstance(result, complex):
            raise Refusal("wrong-value", "a root of a negative number is not a real number")
        return bounded_int(result)

    functions: dict[str, Callable[..., Any]] = {
        "abs": abs,
        "round": rounded,
        "divmod": divmod,
        "pow": power,
        "bin": bin,
        "oct": oct,
        "hex": hex,
    }
    table.update({name: Builtin(name, call) for name, call in functions.items()})


def _add_texts(table: dict[str, Any], budget: Budget) -> None:
    functions: dict[str, Callable[..., Any]] = {
        "repr": lambda value: repr_of(budget, value),
        "ascii": lambda value: ascii_of(budget, value),
        "format": lambda value, spec="": formatted(budget, value, spec),
        "chr": chr,
        "ord": guarded(budget, ord),
    }
    table.update({name: Builtin(name, call) for name, call in functions.items()})
