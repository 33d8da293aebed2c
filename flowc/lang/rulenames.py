"""`rules.NAME.output`: what a rule above has declared, as a value of the language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowc.lang.draft import Draft
from flowc.lang.faults import PoisonedError
from flowc.lang.items import without_constraints
from flowc.lang.limits import Refusal
from flowc.lang.values import NO_FLAGS, FlaggedPath, Namespace, Record
from flowc.lang.workflow import Item, Param


class RuleSpaces(Mapping[str, Namespace]):
    """The members of `rules`: each rule declared so far, made when it is first asked for."""

    def __init__(self, drafts: Mapping[str, Draft], broken: set[str]) -> None:
        self.drafts = drafts
        self.broken = broken  # rules that could not be read: asking for one is silent
        self._spaces: dict[str, Namespace] = {}

    def forget(self, name: str) -> None:
        """Another rule has been put in the place of this one."""
        self._spaces.pop(name, None)

    def __getitem__(self, name: str) -> Namespace:
        space = self._spaces.get(name)
        if space is None:
            if name in self.broken:
                raise PoisonedError
            space = Namespace(f"rules.{name}", RuleMembers(self.drafts[name]))
            self._spaces[name] = space
        return space

    def __iter__(self) -> Iterator[str]:
        return iter(self.drafts)

    def __len__(self) -> int:
        return len(self.drafts)


class RuleMembers(Mapping[str, Any]):
    """The members of `rules.NAME`."""

    NAMES = ("input", "output", "params", "log", "benchmark", "name")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.NAMES:
            raise KeyError(name)
        if name in self.draft.faulty:
            raise PoisonedError
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)

    def _make(self, name: str) -> Any:
        draft = self.draft
        if name == "name":
            return draft.name
        if name == "params":
            return _params(draft.params)
        if name == "output":
            # Taken from here, a path is made by this rule, whatever others match it; the flags
            # speak of the output, not of those who read it.
            return _paths(draft, "output", draft.outputs, draft.name)
        if name == "benchmark":
            items = () if draft.benchmark is None else (draft.benchmark,)
            return _paths(draft, "benchmark", items, None)
        return _paths(draft, name, draft.inputs if name == "input" else draft.logs, None)


def _paths(draft: Draft, what: str, items: Sequence[Item], rule: str | None) -> Record:
    values: list[str] = []
    names: dict[str, int | slice] = {}
    for item in items:
        if item.function is not None:
            raise Refusal(
                "function-as-value",
                f"the {what} of rule `{draft.name}` comes from a function and is not known here",
                "call the function itself, or use the same expression in both rules",
            )
        at = len(values)
        if rule is not None:
            values += [FlaggedPath(without_constraints(f), NO_FLAGS, rule) for f in item.files]
        else:
            values += [without_constraints(f) for f in item.files]
        if item.name is not None:
            names[item.name] = slice(at, len(values)) if item.is_list else at
    return Record(tuple(values), names)


def _params(params: Sequence[Param]) -> Record:
    return Record(
        tuple(p.value for p in params),
        {p.name: i for i, p in enumerate(params) if p.name is not None},
    )
