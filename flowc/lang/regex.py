"""What a regular expression of the user may cost, known before it is used.

Python's `re` tries all ways to match. For most expressions these are few; where one repetition
stands inside another they may double with every character. `examine` says which kind it is; what
could take for ever is left to `regex_machine`, which takes time in proportion to the text.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

# That `[[a]` and `[a||b]` may have another meaning in a Python to come, `re` says on stderr, with
# lines of flowc's own.
warnings.filterwarnings("ignore", "Possible (nested )?set", FutureWarning, r"flowc\.")

Items = Sequence[tuple[Any, Any]]
"""What `re` makes of an expression: pairs of an operation and its argument."""

MAX_LENGTH = 4096
MAX_SET = 256
"""A set of characters is looked at one by one if there are no more in it."""

ONE_CHARACTER = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_ASSERTIONS = (_constants.ASSERT, _constants.ASSERT_NOT)


class Cost(NamedTuple):
    """How many ways there may be to match `n` characters: `2**choices * n**degree`."""

    degree: int  # repetitions whose ends are free
    choices: int  # optional parts and alternatives
    is_exponential: bool  # the number of ways is not bounded by any such figure
    is_regular: bool  # the machine can run it: no assertions that look around, no references
    refers: bool = False  # has references to groups, or names for them
    repeats_nothing: bool = False  # repeats what may be empty, as in `(a*)*`

    def ways(self, length: int) -> float:
        """An upper bound for a text of `length` characters."""
        if self.is_exponential:
            return 2.0 ** min(length + self.choices, 1000)
        return 2.0 ** min(self.choices, 500) * float(max(length, 1)) ** min(self.degree, 50)


def parse(text: str) -> Any:
    """The expression as `re` reads it. Raises ValueError where it is none."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    try:
        return _parser.parse(text, re.DOTALL)
    except re.error as fault:
        raise ValueError(str(fault)) from None
    except (OverflowError, RecursionError):
        raise ValueError("it is nested too deeply, or repeats too often") from None


@lru_cache(maxsize=4096)
def examine(text: str) -> Cost:
    """What matching `text` may cost. Raises ValueError where it is no regular expression."""
    parsed = parse(text)
    try:
        cost = _sequence(parsed, parsed.state.flags)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if parsed.state.groupdict:
        cost = _and(cost, Cost(0, 0, False, True, True))
    return cost


@lru_cache(maxsize=4096)
def fits_in_a_path(text: str) -> Cost:
    """`examine`, for an expression that will stand inside of another one. Raises ValueError."""
    cost = examine(text)
    if cost.refers:
        raise ValueError("it refers to groups, or names them, which a part of a path cannot")
    if parse(text).state.flags & ~(re.UNICODE | re.DOTALL):
        raise ValueError("its flags stand for the whole path: write `(?i:...)`")
    return cost


_NOTHING = Cost(0, 0, False, True)


def _and(first: Cost, second: Cost) -> Cost:
    return Cost(
        first.degree + second.degree,
        first.choices + second.choices,
        first.is_exponential or second.is_exponential,
        first.is_regular and second.is_regular,
        first.refers or second.refers,
        first.repeats_nothing or second.repeats_nothing,
    )


def _sequence(items: Items, flags: int) -> Cost:
    cost = _NOTHING
    for operation, argument in items:
        if operation not in ONE_CHARACTER:
            cost = _and(cost, _one(operation, argument, flags))
    return cost


def _one(operation: Any, argument: Any, flags: int) -> Cost:
    if operation is _constants.SUBPATTERN:
        _, add, remove, inner = argument
        return _sequence(inner, (flags | add) & ~remove)
    if operation is _constants.AT:
        return _NOTHING
    if operation is _constants.BRANCH:
        cost = _NOTHING
        for branch in argument[1]:
            cost = _and(cost, _sequence(branch, flags))
        if _begin_differently(argument[1], flags):
            return cost
        return _and(cost, Cost(0, (len(argument[1]) - 1).bit_length(), False, True))
    if operation in _REPEATS:
        cost = _repeat(argument, flags)
        if operation is _constants.POSSESSIVE_REPEAT:
            return _and(cost, Cost(0, 0, False, False))
        return cost
    if operation in _ASSERTIONS:
        return _and(_sequence(argument[1], flags), Cost(0, 0, False, False))
    if operation is _constants.ATOMIC_GROUP:
        return _and(_sequence(argument, flags), Cost(0, 0, False, False))
    if operation is _constants.GROUPREF:
        return Cost(0, 0, False, False, True)
    return Cost(0, 0, True, False, True)  # a condition on a group


def _repeat(argument: Any, flags: int) -> Cost:
    least, most, inner = argument
    body = _sequence(inner, flags)
    if most == 1:
        return _and(body, Cost(0, 1 if least == 0 else 0, False, True))
    if inner.getwidth()[0] == 0:
        body = _and(body, Cost(0, 0, False, True, False, True))
    if not _is_definite(inner, body, flags):
        return body._replace(is_exponential=True)
    return body._replace(degree=1 if least != most or body.degree else 0, choices=0)


def _is_definite(inner: Items, body: Cost, flags: int) -> bool:
    """Whether a text can be cut into repetitions of `inner` in one way only, as far as can be
    told: it holds no choice, or begins or ends with a character that is nowhere else in it."""
    if body.is_exponential or body.choices or body.degree > 1:
        return False
    if not body.degree:
        return True
    items = _flattened(inner)
    if not items or flags & re.IGNORECASE:
        return False
    tests = [_single(item, flags) for item in items]
    for edge, others in ((items[0], tests[1:]), (items[-1], tests[:-1])):
        marks = _few(edge)
        if marks and all(test is not None and not any(map(test, marks)) for test in others):
            return True
    return False


def _flattened(items: Items) -> list[tuple[Any, Any]]:
    """A sequence without the groups around its parts."""
    found: list[tuple[Any, Any]] = []
    for operation, argument in items:
        if operation is _constants.SUBPATTERN and not argument[1] and not argument[2]:
            found += _flattened(argument[3])
        else:
            found.append((operation, argument))
    return found


def _begin_differently(branches: Sequence[Items], flags: int) -> bool:
    firsts = [_few(branch[0]) if branch else "" for branch in branches]
    joined = "".join(firsts)
    return not flags & re.IGNORECASE and all(firsts) and len(set(joined)) == len(joined)


def _few(item: tuple[Any, Any]) -> str:
    """The characters that `item` stands for, if they are few and it is one character."""
    operation, argument = item
    if operation is _constants.LITERAL:
        return chr(argument)
    found = ""
    if operation is _constants.IN:
        for kind, value in argument:
            if kind is _constants.LITERAL:
                found += chr(value)
            elif kind is _constants.RANGE and value[1] - value[0] < MAX_SET:
                found += "".join(map(chr, range(value[0], value[1] + 1)))
            else:
                return ""
    return found if len(found) <= MAX_SET else ""


def _single(item: tuple[Any, Any], flags: int) -> Callable[[str], bool] | None:
    """A test for the characters of `item`: one character, or a repetition of one."""
    operation, argument = item
    if operation in _REPEATS and len(argument[2]) == 1:
        item = argument[2][0]
    if item[0] in ONE_CHARACTER:
        return character_test(item, flags)
    return (lambda _: False) if operation is _constants.AT else None


def character_test(item: tuple[Any, Any], flags: int) -> Callable[[str], bool]:
    """Whether a character is one of those that `item` stands for, as Python's `re` says."""
    state = _parser.State()
    state.flags = flags
    compiled: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [item]), flags)
    known: dict[str, bool] = {}
    fullmatch = compiled.fullmatch

    def test(char: str) -> bool:
        found = known.get(char)
        if found is None:
            found = known[char] = fullmatch(char) is not None
        return found

    return test
