"""The methods of the language's values, type by type: Python's own, bounded in what they make.

Methods that take a moment whatever the size are Python's functions as they are; the others first
make sure (`guarded`) that going through their values is affordable.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from flowc.disk import DIRECTORY, FILE, Disk
from flowc.lang.callables import guarded
from flowc.lang.formatting import TextFormat
from flowc.lang.limits import MAX_TEXT, Budget, Refusal, a_type, too_large
from flowc.lang.listing import Listing, absolute, no_directory, resolved
from flowc.lang.members import Members, Methods
from flowc.lang.modules import Environment, compiled_methods
from flowc.lang.operators import get_item
from flowc.lang.texts import str_methods
from flowc.lang.values import FlaggedPath, Record, Wildcards


def method_tables(budget: Budget, disk: Disk) -> dict[type, Methods]:
    texts = str_methods(budget)
    records = record_methods(budget)
    tables: dict[type, Methods] = {
        str: texts,
        FlaggedPath: texts,
        list: list_methods(budget),
        dict: dict_methods(budget),
        set: set_methods(budget, frozen=False),
        frozenset: set_methods(budget, frozen=True),
        tuple: {
            "count": guarded(budget, tuple.count),
            "index": guarded(budget, tuple.index),
        },
        int: {"bit_length": int.bit_length, "bit_count": int.bit_count},
        bool: {"bit_length": int.bit_length, "bit_count": int.bit_count},
        float: {"is_integer": float.is_integer, "hex": float.hex},
        Record: records,
        Wildcards: records,
        PurePosixPath: path_methods(budget, disk),
        re.Pattern: compiled_methods(budget),
        re.Match: {
            "group": re.Match.group,
            "groups": re.Match.groups,
            "groupdict": re.Match.groupdict,
            "start": re.Match.start,
            "end": re.Match.end,
            "span": re.Match.span,
        },
        Environment: {"get": Environment.get},
        range: {"count": guarded(budget, range.count), "index": guarded(budget, range.index)},
    }
    # `format` looks members up in the table that it is part of
    fill = text_format(budget, Members(tables))

    def format_map(text: str, mapping: Any) -> str:
        if type(mapping) is not dict:
            raise Refusal("wrong-type", f"`format_map` needs a dict, not {a_type(mapping)}")
        return fill(text, (), mapping)

    texts["format"] = lambda text, *args, **kwargs: fill(text, args, kwargs)
    texts["format_map"] = format_map
    return tables


def text_format(budget: Budget, members: Members) -> TextFormat:
    return TextFormat(budget, members.get, lambda value, key: get_item(budget, value, key))


def list_methods(budget: Budget) -> Methods:
    def extend(values: list[Any], more: Any) -> None:
        items = budget.listed(more)
        budget.items(len(items))
        _room(len(values) + len(items))
        values.extend(items)

    def append(values: list[Any], item: Any) -> None:
        values.append(item)

    def insert(values: list[Any], index: Any, item: Any) -> None:
        budget.spend(len(values) >> 10)
        values.insert(index, item)

    def pop(values: list[Any], *index: Any) -> Any:
        if index:
            budget.spend(len(values) >> 10)
        return values.pop(*index)

    def sort(values: list[Any], *, key: Any = None, reverse: Any = False) -> None:
        budget.admit(values)
        budget.spend(len(values))
        values[:] = sorted(values, key=key, reverse=bool(reverse))

    def copy(values: list[Any]) -> list[Any]:
        budget.items(len(values))
        return values.copy()

    return {
        "append": append,
        "clear": list.clear,
        "copy": copy,
        "count": guarded(budget, list.count),
        "extend": extend,
        "index": guarded(budget, list.index),
        "insert": insert,
        "pop": pop,
        "remove": guarded(budget, list.remove),
        "reverse": guarded(budget, list.reverse),
        "sort": sort,
    }


def _room(count: int) -> None:
    if count > MAX_TEXT >> 2:
        raise too_large(f"a list of {count:,} items")


def dict_methods(budget: Budget) -> Methods:
    admit = budget.admit

    def by_key(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(values: dict[Any, Any], *args: Any) -> Any:
            if args:
                admit(args[0])
            return method(values, *args)

        return call

    def update(values: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
        values.update(*[admit(value) for value in args], **kwargs)

    def copy(values: dict[Any, Any]) -> dict[Any, Any]:
        budget.items(len(values))
        return values.copy()

    def fromkeys(values: dict[Any, Any], *args: Any) -> Any:
        return dict.fromkeys(*[admit(value) for value in args])

    return {
        "clear": dict.clear,
        "copy": copy,
        "fromkeys": fromkeys,
        "get": by_key(dict.get),
        "items": dict.items,
        "keys": dict.keys,
        "pop": by_key(dict.pop),
        "popitem": dict.popitem,
        "setdefault": by_key(dict.setdefault),
        "update": update,
        "values": dict.values,
    }


_SET_ALGEBRA = (
    "copy difference intersection isdisjoint issubset issuperset symmetric_difference union"
)
_SET_CHANGES = (
    "difference_update discard intersection_update remove symmetric_difference_update update"
)


def set_methods(budget: Budget, *, frozen: bool) -> Methods:
    kind: Any = frozenset if frozen else set
    methods: Methods = {name: guarded(budget, getattr(kind, name)) for name in _SET_ALGEBRA.split()}
    if not frozen:
        admit = budget.admit

        def add(values: set[Any], item: Any) -> None:
            admit(item)
            values.add(item)

        methods |= {name: guarded(budget, getattr(set, name)) for name in _SET_CHANGES.split()}
        methods |= {"add": add, "clear": set.clear, "pop": set.pop}
    return methods


def record_methods(budget: Budget) -> Methods:
    def names(record: Record) -> list[str]:
        return list(record.names)

    def get(record: Record, name: Any, default: Any = None) -> Any:
        if isinstance(name, str):
            return record.get_name(name) if name in record.names else default
        return record.values[name] if -len(record) <= name < len(record) else default

    def count(record: Record, item: Any) -> int:
        budget.admit(record)
        return record.values.count(item)

    def index(record: Record, item: Any) -> int:
        budget.admit(record)
        return record.values.index(item)

    return {
        "get": get,
        "keys": names,
        "values": lambda record: list(record.values),
        "items": lambda record: [(name, record.get_name(name)) for name in record.names],
        "count": count,
        "index": index,
    }


_PATH_METHODS = (
    "as_posix is_absolute is_relative_to joinpath match relative_to with_name with_stem with_suffix"
)


def path_methods(budget: Budget, disk: Disk) -> Methods:
    def kind_of(path: PurePosixPath) -> str | None:
        state = disk.stat(str(path))
        return state.kind if state is not None else None

    methods: Methods = {name: getattr(PurePosixPath, name) for name in _PATH_METHODS.split()}
    listing = Listing(budget, disk)
    return methods | {
        "absolute": absolute,
        "expanduser": lambda path: PurePosixPath(posixpath.expanduser(path)),
        "glob": listing.glob_path,
        "iterdir": listing.iterdir,
        "mkdir": no_directory,
        "resolve": resolved,
        "rglob": listing.rglob_path,
        "exists": lambda path: kind_of(path) is not None,
        "is_file": lambda path: kind_of(path) == FILE,
        "is_dir": lambda path: kind_of(path) == DIRECTORY,
    }
