"""Calling a Workflowfile's functions of `params`, `threads` and the like: the wildcards come first,
under any name, then whatever else the function names."""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from flowc.lang.values import Function, Wildcards


def is_function(value: Any) -> TypeGuard[Function]:
    return hasattr(value, "required") and callable(value)


def call_by_name(function: Function, wildcards: Wildcards, others: Mapping[str, Any]) -> Any:
    """`others`: arguments by name; one that is a `Later` is computed if the function wants it."""
    wanted = {
        name: value() if isinstance(value := others[name], Later) else value
        for name in function.parameters[1:]
        if name in others
    }
    return function(wildcards, **wanted)


class Later:
    """An argument that costs something: it is made when a function asks for it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self) -> Any:
        return self._make()
