"""The modules that are there without import, as far as they are pure: `os.path`, `math`, `re` ...

What they ask of the machine is little: the environment's variables, the state of a file.
"""

import math
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import chain, combinations, permutations, product, zip_longest
from pathlib import PurePosixPath
from typing import Any

from flowc.disk import DIRECTORY, FILE, Disk
from flowc.lang.callables import Builtin, guarded
from flowc.lang.limits import NESTING, Budget, Refusal, a_type, bounded_int, too_large, weigh
from flowc.lang.listing import Listing, no_directory
from flowc.lang.regex import examine
from flowc.lang.values import Namespace

MAX_REGEX_TEXT = 1 << 16
"""Characters that a regular expression is tried on: Python's own may take its time."""

MAX_QUADRATIC, MAX_WAYS = 5e9, 2e8
"""Ways to match times places to begin at; one repetition alone is run through quickly."""


def modules(budget: Budget, disk: Disk, env_read: set[str]) -> dict[str, Any]:
    path = Builtin("Path", lambda *parts: PurePosixPath(*parts), PurePosixPath)
    listing = Listing(budget, disk)
    return {
        "glob": Namespace(
            "glob",
            _functions("glob", {"glob": listing.glob, "iglob": listing.glob}),
            _nothing_in("glob"),
        ),
        "os": os_module(budget, disk, env_read),
        "math": math_module(budget),
        "re": re_module(budget),
        "itertools": itertools_module(budget),
        "json": json_module(budget),
        "pathlib": Namespace("pathlib", {"Path": path, "PurePath": path}),
        "sys": Namespace("sys", {"maxsize": 2**63 - 1, "path": []}, _nothing_in("sys")),
    }


def _nothing_in(module: str) -> Callable[[str], str]:
    return lambda name: f"`{module}.{name}` cannot be used in a workflow file"


def _functions(module: str, table: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    return {name: Builtin(f"{module}.{name}", call) for name, call in table.items()}


# --- os ------------------------------------------------------------------------------------------


def os_module(budget: Budget, disk: Disk, env_read: set[str]) -> Namespace:
    def getenv(name: Any, default: Any = None) -> Any:
        if not isinstance(name, str):
            raise Refusal("wrong-type", "the name of an environment variable is a str")
        env_read.add(name)
        return os.environ.get(name, default)

    def expandvars(path: Any) -> str:
        text = os.fspath(path)
        budget.admit_text(text)
        return _VARIABLE.sub(lambda m: str(getenv(m[1] or m[2], m[0])), text)

    paths = os_path(budget, disk)
    paths.members = {**paths.members, "expandvars": Builtin("os.path.expandvars", expandvars)}
    return Namespace(
        "os",
        {
            "path": paths,
            "environ": Environment(getenv),
            "getenv": Builtin("os.getenv", getenv),
            "sep": "/",
            "linesep": "\n",
            "getcwd": Builtin("os.getcwd", os.getcwd),
            "makedirs": Builtin("os.makedirs", no_directory),
            "mkdir": Builtin("os.mkdir", no_directory),
            "listdir": Builtin("os.listdir", Listing(budget, disk).listdir),
            "fspath": Builtin("os.fspath", lambda path: os.fspath(path)),
        },
        _nothing_in("os"),
    )


_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


class Environment:
    """`os.environ`, for reading single variables."""

    __slots__ = ("_get",)
    type_name = "environment"

    def __init__(self, get: Callable[..., Any]) -> None:
        self._get = get

    def get(self, name: Any, default: Any = None) -> Any:
        return self._get(name, default)

    def __getitem__(self, name: Any) -> Any:
        value = self._get(name)
        if value is None:
            raise Refusal(
                "missing-key",
                f"the environment variable `{name}` is not set",
                f'`os.environ.get("{name}", "...")` gives a default',
            )
        return value

    def __contains__(self, name: Any) -> bool:
        return self._get(name) is not None

    def __repr__(self) -> str:
        return "<os.environ>"


_PATH = (
    "abspath basename commonpath commonprefix dirname expanduser isabs join normpath realpath "
    "relpath split splitext"
)


def os_path(budget: Budget, disk: Disk) -> Namespace:
    def kind_of(path: Any) -> str | None:
        state = disk.stat(os.fspath(path))
        return state.kind if state is not None else None

    def getsize(path: Any) -> int:
        state = disk.stat(os.fspath(path))
        if state is None:
            raise Refusal("missing-file", f"there is no file `{path}`")
        return state.size_bytes

    pure: dict[str, Callable[..., Any]] = {
        name: guarded(budget, getattr(posixpath, name)) for name in _PATH.split()
    }
    pure |= {
        "exists": lambda path: kind_of(path) is not None,
        "isfile": lambda path: kind_of(path) == FILE,
        "isdir": lambda path: kind_of(path) == DIRECTORY,
        "getsize": getsize,
    }
    return Namespace("os.path", _functions("os.path", pure) | {"sep": "/"}, _nothing_in("os.path"))


# --- math ----------------------------------------------------------------------------------------

_MATH = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist erf erfc exp "
    "exp2 expm1 fabs floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt "
    "ldexp lgamma log log10 log1p log2 modf nextafter pow radians remainder sin sinh sqrt tan "
    "tanh trunc ulp"
)


def math_module(budget: Budget) -> Namespace:
    def bounded(function: Callable[..., Any], limit: int) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if any(isinstance(arg, int) and arg > limit for arg in args):
                raise too_large(f"the argument of `{function.__name__}`")
            return bounded_int(function(*args))

        return call

    def product_of(values: Any, *, start: Any = 1) -> Any:
        for value in budget.iterate(values):
            start = bounded_int(start * _number(value))
        return start

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        admitted = guarded(budget, function)
        return lambda *args, **kwargs: bounded_int(admitted(*args, **kwargs))

    table = {name: checked(getattr(math, name)) for name in _MATH.split() if hasattr(math, name)}
    table["prod"] = product_of
    table["lcm"] = lambda *values: reduce(lambda a, b: bounded_int(math.lcm(a, b)), values, 1)
    for name in ("comb", "factorial", "perm"):
        table[name] = bounded(getattr(math, name), 2000)
    constants = {name: getattr(math, name) for name in ("e", "inf", "nan", "pi", "tau")}
    return Namespace("math", _functions("math", table) | constants)


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise Refusal("wrong-type", f"this needs a number, not {a_type(value)}")
    return value


# --- re ------------------------------------------------------------------------------------------


def re_module(budget: Budget) -> Namespace:
    def limited(function: Callable[..., Any], text_at: int) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            budget.spend(16)
            if len(args) > text_at and isinstance(args[text_at], str):
                if len(args[text_at]) > MAX_REGEX_TEXT:
                    raise too_large("the text for a regular expression")
                budget.spend(len(args[text_at]) >> 4)
            if args and isinstance(args[0], str):
                if len(args[0]) > 4096:
                    raise too_large("the regular expression")
                text = args[text_at] if len(args) > text_at else ""
                if function is not re.escape and isinstance(text, str):
                    _check_regex(args[0], text)
            return function(*args, **kwargs)

        return call

    def sub(pattern: Any, repl: Any, text: Any, count: int = 0, flags: int = 0) -> str:
        if isinstance(repl, str) and isinstance(text, str):
            budget.text((len(repl) + 1) * (len(text) + 1))
        elif isinstance(text, str):
            budget.spend(len(text))
        return str(re.sub(pattern, repl, text, count=count, flags=flags))

    table: dict[str, Callable[..., Any]] = {
        "compile": limited(re.compile, 1),
        "match": limited(re.match, 1),
        "search": limited(re.search, 1),
        "fullmatch": limited(re.fullmatch, 1),
        "findall": limited(re.findall, 1),
        "finditer": limited(re.finditer, 1),
        "split": limited(re.split, 1),
        "sub": limited(sub, 2),
        "escape": limited(re.escape, 0),
    }
    flags = {
        name: int(getattr(re, name))
        for name in (
            "I",
            "IGNORECASE",
            "M",
            "MULTILINE",
            "S",
            "DOTALL",
            "X",
            "VERBOSE",
            "A",
            "ASCII",
        )
    }
    return Namespace("re", _functions("re", table) | flags, _nothing_in("re"))


def compiled_methods(budget: Budget) -> dict[str, Callable[..., Any]]:
    """Those of what `re.compile` gives: the functions of `re`, with its pattern and flags."""
    functions = re_module(budget).members

    def method(name: str) -> Callable[..., Any]:
        function = functions[name].call
        return lambda self, *args: function(self.pattern, *args, flags=self.flags)

    names = ("match", "search", "fullmatch", "findall", "finditer", "split", "sub")
    return {name: method(name) for name in names}


def _check_regex(pattern: str, text: str) -> None:
    """Refuse what might try too many ways; what is no regular expression is for `re` to say."""
    try:
        cost = examine(pattern)
    except ValueError as fault:
        raise Refusal("wrong-value", f"this is no regular expression: {fault}") from None
    limit = MAX_QUADRATIC if cost.degree < 2 else MAX_WAYS
    if cost.ways(len(text)) * (len(text) + 1) > limit:
        raise Refusal(
            "costly-pattern",
            f"`{pattern[:60]}` could take for ever on a text of {len(text)} characters",
            "write it without a repetition inside of a repetition",
        )


# --- itertools and json --------------------------------------------------------------------------


def itertools_module(budget: Budget) -> Namespace:
    listed = budget.listed

    def of_products(*values: Any, repeat: int = 1) -> Iterator[Any]:
        if not isinstance(repeat, int) or repeat * max(1, len(values)) > 1000:
            raise too_large("the number of lists")
        found = [listed(value) for value in values]
        return budget.tuples(product(*found, repeat=repeat), len(found) * repeat)

    def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(values: Any, *count: Any) -> Any:
            if count and isinstance(count[0], int) and count[0] > 1000:
                raise too_large("the number of items to choose")
            found = listed(values)
            if not count and len(found) > 1000:
                raise too_large("the number of items")
            width = count[0] if count and isinstance(count[0], int) else len(found)
            return budget.tuples(function(found, *count), width)

        return call

    def chained(*values: Any) -> Iterator[Any]:
        return chain(*[budget.iterate(value) for value in values])

    def longest(*values: Any, fillvalue: Any = None) -> Iterator[Any]:
        found = [budget.iterate(value) for value in values]
        return budget.tuples(zip_longest(*found, fillvalue=fillvalue), len(found))

    def chained_within(values: Any) -> Iterator[Any]:
        return chain(*[budget.iterate(value) for value in listed(values)])

    within = Builtin("itertools.chain.from_iterable", chained_within)
    chain_type = Builtin("itertools.chain", chained, members={"from_iterable": within})
    table: dict[str, Callable[..., Any]] = {
        "product": of_products,
        "combinations": choosing(combinations),
        "permutations": choosing(permutations),
        "zip_longest": longest,
    }
    return Namespace(
        "itertools",
        _functions("itertools", table) | {"chain": chain_type},
        _nothing_in("itertools"),
    )


def json_module(budget: Budget) -> Namespace:
    def loads(text: Any) -> Any:
        import json  # costs start-up time, and few files use it

        if not isinstance(text, str):
            raise Refusal("wrong-type", "`json.loads` needs a str")
        budget.text(len(text) * 8)
        try:
            return json.loads(text)
        except ValueError as fault:
            raise Refusal("wrong-value", f"this is not JSON: {fault}") from None

    def dumps(value: Any, *, indent: Any = None, sort_keys: Any = False) -> str:
        import json

        budget.admit_text(value)
        width = indent if isinstance(indent, int) else len(indent or "")
        if width > 16:
            raise too_large("the indent")
        budget.text(weigh(value, with_text=True) * (1 + width) if type(value) in NESTING else 0)
        return json.dumps(value, indent=indent, sort_keys=bool(sort_keys))

    return Namespace("json", _functions("json", {"loads": loads, "dumps": dumps}))
