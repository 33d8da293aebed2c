"""Regular expressions in time that grows with the text only: all ways are followed at once.

The machine of Thompson and Pike. What it finds is what Python's `re` finds: the ways are kept in
the order in which `re` would try them, and the first one that reaches the end of the text counts.
Only where something is repeated that may be empty, as in `(a*)*`, the order can differ: then the
groups may, too, but not whether there is a match.
"""

import re
from collections.abc import Callable
from re import _constants
from typing import Any

from flowc.lang.regex import ONE_CHARACTER, Items, character_test, parse

MAX_PROGRAM = 5000
"""Instructions; `{1000}` means a thousand copies."""

CHARACTER, SPLIT, JUMP, SAVE, AT, END = range(6)


class TooLargeError(Exception):
    """The program would be larger than is reasonable."""


class Machine:
    """Matches whole texts. `named` groups are reported, in the order of their numbers."""

    def __init__(self, text: str) -> None:
        parsed = parse(text)
        self.program: list[tuple[Any, ...]] = []
        self.slots = {
            2 * number + side for number in parsed.state.groupdict.values() for side in (0, 1)
        }
        self._sequence(parsed, parsed.state.flags)
        self._emit(END)
        self.order = sorted(self.slots)

    def fullmatch(self, text: str) -> tuple[str, ...] | None:
        """The texts of the named groups; None where `text` does not match."""
        program = self.program
        threads: list[tuple[int, tuple[int, ...]]] = []
        start = tuple([-1] * len(self.order))
        self._follow(0, start, threads, set(), text, 0)
        for at, char in enumerate(text):
            following: list[tuple[int, tuple[int, ...]]] = []
            seen: set[int] = set()
            for place, saved in threads:
                instruction = program[place]
                if instruction[0] == CHARACTER and instruction[1](char):
                    self._follow(place + 1, saved, following, seen, text, at + 1)
            threads = following
            if not threads:
                return None
        for place, saved in threads:
            if program[place][0] == END:
                return tuple(text[saved[i] : saved[i + 1]] for i in range(0, len(saved), 2))
        return None

    def _follow(
        self,
        place: int,
        saved: tuple[int, ...],
        threads: list[tuple[int, tuple[int, ...]]],
        seen: set[int],
        text: str,
        at: int,
    ) -> None:
        """Go on to the instructions that read a character, the preferred way first."""
        waiting = [(place, saved)]
        program = self.program
        while waiting:
            place, saved = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            instruction = program[place]
            kind = instruction[0]
            if kind == JUMP:
                waiting.append((instruction[1], saved))
            elif kind == SPLIT:
                waiting.append((instruction[2], saved))
                waiting.append((instruction[1], saved))
            elif kind == SAVE:
                slot = instruction[1]
                waiting.append((place + 1, (*saved[:slot], at, *saved[slot + 1 :])))
            elif kind == AT:
                if instruction[1](text, at):
                    waiting.append((place + 1, saved))
            else:
                threads.append((place, saved))

    # --- the program -----------------------------------------------------------------------------

    def _emit(self, *instruction: Any) -> int:
        if len(self.program) >= MAX_PROGRAM:
            raise TooLargeError
        self.program.append(instruction)
        return len(self.program) - 1

    def _sequence(self, items: Items, flags: int) -> None:
        for operation, argument in items:
            if operation in ONE_CHARACTER:
                self._emit(CHARACTER, character_test((operation, argument), flags))
            elif operation is _constants.SUBPATTERN:
                self._group(argument, flags)
            elif operation is _constants.BRANCH:
                self._branch(argument[1], flags)
            elif operation is _constants.AT:
                self._emit(AT, _place_test(argument, flags))
            elif operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
                self._repeat(argument, flags, operation is _constants.MAX_REPEAT)
            else:
                raise TooLargeError  # nothing that `Cost.is_regular` admits

    def _group(self, argument: Any, flags: int) -> None:
        number, add, remove, inner = argument
        is_named = number is not None and 2 * number in self.slots
        order = sorted(self.slots)
        if is_named:
            self._emit(SAVE, order.index(2 * number))
        self._sequence(inner, (flags | add) & ~remove)
        if is_named:
            self._emit(SAVE, order.index(2 * number + 1))

    def _branch(self, branches: Any, flags: int) -> None:
        ends = []
        for branch in branches[:-1]:
            split = self._emit(SPLIT)
            self._sequence(branch, flags)
            ends.append(self._emit(JUMP))
            self.program[split] = (SPLIT, split + 1, len(self.program))
        self._sequence(branches[-1], flags)
        for end in ends:
            self.program[end] = (JUMP, len(self.program))

    def _repeat(self, argument: Any, flags: int, is_greedy: bool) -> None:
        least, most, inner = argument
        for _ in range(least):
            self._sequence(inner, flags)
        if most is _constants.MAXREPEAT or most >= _constants.MAXREPEAT:
            split = self._emit(SPLIT)
            self._sequence(inner, flags)
            self._emit(JUMP, split)
            self._aim(split, is_greedy, len(self.program))
            return
        splits = []
        for _ in range(most - least):
            splits.append(self._emit(SPLIT))
            self._sequence(inner, flags)
        for split in splits:
            self._aim(split, is_greedy, len(self.program))

    def _aim(self, split: int, is_greedy: bool, end: int) -> None:
        self.program[split] = (SPLIT, split + 1, end) if is_greedy else (SPLIT, end, split + 1)


def _place_test(code: Any, flags: int) -> Callable[[str, int], bool]:
    """`^`, `$`, `\\b` and their like, as Python's `re` decides them."""
    text = {
        _constants.AT_BEGINNING: "^",
        _constants.AT_BEGINNING_STRING: r"\A",
        _constants.AT_BOUNDARY: r"\b",
        _constants.AT_NON_BOUNDARY: r"\B",
        _constants.AT_END: "$",
        _constants.AT_END_STRING: r"\Z",
    }[code]
    match = re.compile(text, flags & (re.ASCII | re.MULTILINE)).match
    return lambda whole, at: match(whole, at) is not None
