"""Matching a path against a pattern for which Python's `re` might try too many ways.

How many ways there are is bounded beforehand: by the constraints (see `regex`), by how often the
text between two wildcards occurs in the path. Few: `re` matches, as always. Many: `regex_machine`
does, in time that grows with the path only. What it cannot run is refused.
"""

from functools import lru_cache
from typing import Protocol

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.regex import Cost, fits_in_a_path
from flowc.lang.regex_machine import Machine, TooLargeError

MAX_WAYS = 1e6
MAX_STEPS = 2e7
"""Of the machine: characters times instructions. About ten seconds."""

_ANYTHING = Cost(1, 0, False, True)


class PathPattern(Protocol):
    """What is needed of a `Pattern`."""

    text: str
    names: tuple[str, ...]
    parts: tuple[str | int, ...]
    constraints: dict[str, str]

    @property
    def regex_text(self) -> str: ...

    @property
    def regex(self) -> "object": ...


def _costs(pattern: PathPattern) -> list[Cost]:
    constraints = pattern.constraints
    return [
        fits_in_a_path(constraints[name]) if name in constraints else _ANYTHING
        for name in pattern.names
    ]


def sure_length(pattern: PathPattern) -> float:
    """Paths of up to so many characters can be matched in few ways, whatever is in them."""
    costs = _costs(pattern)
    choices = sum(cost.choices for cost in costs)
    degree = sum(cost.degree for cost in costs) - 1  # the end of the last one is given
    if any(cost.is_exponential for cost in costs):
        return max(0, 18 - choices)
    if choices > 18:
        return 0
    if degree <= 0:
        return float("inf")
    return float((MAX_WAYS / 2.0**choices) ** (1 / degree))


def match_carefully(pattern: PathPattern, path: str) -> tuple[str, ...] | None:
    """`Pattern.match`. Raises WorkflowError where it would take too long."""
    if _ways(pattern, path) <= MAX_WAYS:
        found = pattern.regex.fullmatch(path)  # type: ignore[attr-defined]
        return None if found is None else tuple(found[f"w{i}"] for i in range(len(pattern.names)))
    costs = _costs(pattern)
    repeats = sum(isinstance(part, int) for part in pattern.parts) > len(pattern.names)
    if repeats or not all(cost.is_regular for cost in costs):
        raise _refused(pattern, path)
    if len(costs) > 1 and any(cost.repeats_nothing for cost in costs):
        raise _refused(pattern, path)  # the wildcards might share the path in another way
    try:
        machine = _machine(pattern.regex_text)
    except TooLargeError:
        raise _refused(pattern, path) from None
    if len(machine.program) * len(path) > MAX_STEPS:
        raise _refused(pattern, path)
    return machine.fullmatch(path)


@lru_cache(maxsize=256)
def _machine(text: str) -> Machine:
    return Machine(text)


def _ways(pattern: PathPattern, path: str) -> float:
    """In how many ways the wildcards could share the path, at most."""
    size = len(path)
    ways = 1.0
    for cost in _costs(pattern):
        degree = max(0, cost.degree - 1)
        ways *= Cost(degree, cost.choices, cost.is_exponential, True).ways(size)
    seen: set[int] = set()
    parts = pattern.parts
    for i, part in enumerate(parts[:-1]):  # where a wildcard ends, the text behind it begins
        if isinstance(part, str) or part in seen:
            continue
        seen.add(part)
        following = parts[i + 1]
        if isinstance(following, str):
            if i + 2 < len(parts):
                ways *= max(1, path.count(following) * len(following))
        else:
            ways *= size
    return ways


def _refused(pattern: PathPattern, path: str) -> WorkflowError:
    shown = f"{path[:60]}…" if len(path) > 60 else path
    return fail(
        "costly-pattern",
        f"matching `{shown}` against `{pattern.text}` could take for ever",
        hint=_way_out(pattern),
    )


def _way_out(pattern: PathPattern) -> str:
    """What to write instead."""
    for name, cost in zip(pattern.names, _costs(pattern), strict=True):
        if not cost.is_regular:
            return (
                f"the constraint of `{name}` looks ahead or behind, as `(?=...)` does, or refers "
                "back: there, no repetition may stand inside of another one"
            )
    if sum(isinstance(part, int) for part in pattern.parts) > len(pattern.names):
        return "a wildcard that stands in it twice needs a constraint, as in `{sample,[^/]+}`"
    return "let the constraints say where a wildcard ends, as in `{sample,[^/]+}`"
