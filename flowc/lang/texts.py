"""The methods of str, as Python has them, bounded in the size of what they make."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flowc.lang.limits import LARGE, Budget, Refusal, a_type
from flowc.lang.members import Methods

_PLAIN = (
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit "
    "isidentifier islower isnumeric isprintable isspace istitle isupper lower lstrip partition "
    "removeprefix removesuffix rfind rindex rpartition rstrip startswith strip swapcase title "
    "upper"
)
_WIDENING = "center ljust rjust zfill"
_SPLITTING = "split rsplit splitlines"


def str_methods(budget: Budget) -> Methods:
    methods: Methods = {name: _plain(budget, getattr(str, name)) for name in _PLAIN.split()}
    methods |= {name: _widening(budget, getattr(str, name)) for name in _WIDENING.split()}
    methods |= {name: _splitting(budget, getattr(str, name)) for name in _SPLITTING.split()}
    return methods | {
        "join": partial(_join, budget),
        "replace": partial(_replace, budget),
        "expandtabs": partial(_expandtabs, budget),
        "translate": partial(_translate, budget),
    }


def _plain(budget: Budget, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, *args: Any, **kwargs: Any) -> Any:
        if len(text) > LARGE:
            budget.text(len(text))
        return method(text, *args, **kwargs)

    return call


def _widening(budget: Budget, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, width: Any, *args: Any) -> Any:
        if isinstance(width, int):
            budget.text(max(width, len(text)))
        return method(text, width, *args)

    return call


def _splitting(budget: Budget, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, *args: Any, **kwargs: Any) -> Any:
        if len(text) > LARGE:
            budget.text(len(text))
            budget.spend(len(text) >> 3)
        return method(text, *args, **kwargs)

    return call


def _join(budget: Budget, separator: str, items: Any) -> str:
    found = items if type(items) is list else budget.listed(items)
    try:
        budget.spend(len(found) >> 2)
        budget.text(sum(map(len, found)) + len(separator) * len(found))
        return separator.join(found)
    except TypeError:
        for item in found:
            if not isinstance(item, str):
                raise Refusal(
                    "wrong-type",
                    f"`join` joins texts, this item is {a_type(item)}",
                    "`map(str, ...)` makes texts of all items",
                ) from None
        raise


def _replace(budget: Budget, text: str, old: Any, new: Any, count: Any = -1) -> str:
    if isinstance(old, str) and isinstance(new, str) and isinstance(count, int):
        budget.text(len(text))
        if len(new) > len(old):
            found = text.count(old)
            if count >= 0:
                found = min(found, count)
            budget.text(len(text) + found * (len(new) - len(old)))
    return text.replace(old, new, count)


def _expandtabs(budget: Budget, text: str, tabsize: Any = 8) -> str:
    if isinstance(tabsize, int):
        budget.text(len(text) + text.count("\t") * max(0, tabsize))
    return text.expandtabs(tabsize)


def _translate(budget: Budget, text: str, table: Any) -> str:
    if type(table) is not dict:
        raise Refusal("wrong-type", f"`translate` needs a dict, not {a_type(table)}")
    widest = max([len(v) for v in table.values() if isinstance(v, str)], default=1)
    budget.text(len(text) * max(1, widest))
    return text.translate(table)
