"""Built-in functions and bound methods as values of the language."""

from collections.abc import Callable, Mapping
from typing import Any

from flowc.lang.limits import Budget, Refusal, a_type


class Builtin:
    """A function that flowc provides. `kind` is set for those that are types (`str`, `list`);
    `members` are functions behind a dot, as `itertools.chain.from_iterable`."""

    __slots__ = ("call", "kind", "members", "name")
    type_name = "built-in function"

    def __init__(
        self,
        name: str,
        call: Callable[..., Any],
        kind: type | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.call = call
        self.kind = kind
        self.members = members or {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<built-in {self.name}>"


class Bound:
    """A method taken from its value, `names.append`, to be called later."""

    __slots__ = ("call", "name", "receiver")
    type_name = "method"

    def __init__(self, name: str, call: Callable[..., Any], receiver: Any) -> None:
        self.name = name
        self.call = call
        self.receiver = receiver

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(self.receiver, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<method {self.name}>"


class Foreign:
    """What a file imports and the language does not know, by its full name. The code of jobs may
    use it; reading a workflow may not."""

    __slots__ = ("name",)
    type_name = "imported name"

    def __init__(self, name: str) -> None:
        self.name = name

    def refusal(self, member: str = "") -> Refusal:
        from flowc.lang.refusals import instead_of_foreign  # most workflows use no such name

        name = f"{self.name}.{member}" if member else self.name
        text = f"`{name}` cannot be used here: reading a workflow runs no code of other modules"
        return Refusal("refused-import", text, instead_of_foreign(name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise self.refusal()


def guarded(budget: Budget, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, for which every argument is first known to be of bearable size."""
    admit = budget.admit

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            kwargs = {name: admit(value) for name, value in kwargs.items()}
        return function(*[admit(value) for value in args], **kwargs)

    return call


def need_callable(value: Any, whose: str) -> Any:
    """`value`, refused where it cannot be called."""
    if not callable(value):
        raise Refusal("not-callable", f"{whose} must be a function, not {a_type(value)}")
    return value
