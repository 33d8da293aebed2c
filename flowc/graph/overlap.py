"""Which patterns can match one and the same path, and such a path.

Both patterns are run at once, as machines, over all paths of growing length: the first one that
both accept is the witness. It is checked with the patterns themselves, so that none is wrong.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from flowc.diagnostic import WorkflowError
from flowc.lang.pattern import Pattern
from flowc.lang.regex_machine import AT, CHARACTER, END, JUMP, SPLIT, Machine, TooLargeError

MAX_STATES = 4000
"""Pairs of states that are looked at; patterns of people need some dozens."""
MAX_PAIRS = 100_000
_OTHERS = "aA1_-./ "
"""Characters that are tried besides those of the patterns."""


def overlapping(patterns: Sequence[Pattern]) -> Iterator[tuple[int, int]]:
    """Pairs of indices whose literal beginnings and ends agree. At most MAX_PAIRS."""
    suffixes = {pattern.suffix for pattern in patterns}
    sizes = sorted({len(suffix) for suffix in suffixes})
    ending: dict[tuple[str, str], list[int]] = {}  # by prefix, and by every known end
    exactly: dict[tuple[str, str], list[int]] = {}
    ends: list[list[str]] = []
    for i, pattern in enumerate(patterns):
        suffix = pattern.suffix
        ends.append(
            [e for n in sizes if n <= len(suffix) and (e := suffix[len(suffix) - n :]) in suffixes]
        )
        exactly.setdefault((pattern.prefix, suffix), []).append(i)
        for end in ends[-1]:
            ending.setdefault((pattern.prefix, end), []).append(i)
    prefixes = {pattern.prefix for pattern in patterns}
    lengths = sorted({len(prefix) for prefix in prefixes})
    count = 0
    for i, pattern in enumerate(patterns):
        for size in lengths:
            start = pattern.prefix[:size]
            if size > len(pattern.prefix):
                break
            if start not in prefixes:
                continue
            found = list(ending.get((start, pattern.suffix), ()))
            for end in ends[i]:
                if end != pattern.suffix:
                    found += exactly.get((start, end), ())
            for j in found:
                if j != i and (len(patterns[j].prefix) < len(pattern.prefix) or j < i):
                    count += 1
                    if count > MAX_PAIRS:
                        return
                    yield (j, i) if j < i else (i, j)


def witness(first: Pattern, second: Pattern) -> str | None:
    """A shortest path that both patterns match; None if there is none, or it is not found."""
    try:
        found = _search(_Walk(first), _Walk(second))
        if found is None or first.match(found) is None or second.match(found) is None:
            return None
    except (TooLargeError, WorkflowError):
        return None
    return found


def _search(first: "_Walk", second: "_Walk") -> str | None:
    start = (first.start, second.start)
    known = {start: ("", (frozenset[int](), frozenset[int]()))}
    queue = deque([start])
    alphabet = sorted({*first.literals, *second.literals, *_OTHERS}, key=_plainness)
    while queue:
        pair = queue.popleft()
        if first.ends(pair[0]) and second.ends(pair[1]):
            return _path(known, pair)
        for char in alphabet:
            one = first.step(pair[0], char)
            two = second.step(pair[1], char) if one else None
            if one and two and (one, two) not in known:
                if len(known) >= MAX_STATES:
                    return None
                known[one, two] = (char, pair)
                queue.append((one, two))
    return None


def _plainness(char: str) -> tuple[int, str]:
    """Letters first, so that the witness looks like a name."""
    return (_OTHERS + char).index(char), char


def _path(
    known: dict[
        tuple[frozenset[int], frozenset[int]], tuple[str, tuple[frozenset[int], frozenset[int]]]
    ],
    pair: tuple[frozenset[int], frozenset[int]],
) -> str:
    chars: list[str] = []
    while True:
        char, pair = known[pair]
        if not char:
            return "".join(reversed(chars))
        chars.append(char)


class _Walk:
    """The states of one pattern's machine. `^`, `$` and `\\b` are taken to hold everywhere."""

    def __init__(self, pattern: Pattern) -> None:
        # A wildcard's later occurrences may be anything here; the witness is checked.
        out = []
        self.literals: set[str] = set()
        for part in pattern.parts:
            if isinstance(part, str):
                out.append("".join(f"\\x{ord(c):02x}" if ord(c) < 256 else c for c in part))
                self.literals.update(part)
            else:
                constraint = pattern.constraints.get(pattern.names[part], ".+")
                self.literals.update(c for c in constraint if c.isalnum())
                out.append(f"(?:{constraint})")
        self.program = Machine("".join(out)).program
        self.start = self._closure([0])
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def _closure(self, places: list[int]) -> frozenset[int]:
        seen: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            instruction = self.program[place]
            if instruction[0] == JUMP:
                waiting.append(instruction[1])
            elif instruction[0] == SPLIT:
                waiting += instruction[1:]
            elif instruction[0] == AT:
                waiting.append(place + 1)
        return frozenset(p for p in seen if self.program[p][0] in (CHARACTER, END))

    def ends(self, state: frozenset[int]) -> bool:
        return any(self.program[place][0] == END for place in state)

    def step(self, state: frozenset[int], char: str) -> frozenset[int]:
        found = self._steps.get((state, char))
        if found is None:
            reached = [
                place + 1
                for place in state
                if self.program[place][0] == CHARACTER and self.program[place][1](char)
            ]
            found = self._steps[state, char] = self._closure(reached)
        return found
