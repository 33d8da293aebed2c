"""What a rule block says, before the whole file is known."""

from typing import Any, Protocol

from flowc.dataclass import replace
from flowc.lang.pathvars import Pathvars
from flowc.lang.script import Script
from flowc.lang.settings import Resources
from flowc.lang.values import FlaggedPath, Flags, flags_of
from flowc.lang.workflow import Item, Param, Setting
from flowc.source import Span
from flowc.syntax.tree import Name


class Home(Protocol):
    """What a rule needs of the namespace in which it was written."""

    @property
    def top(self) -> "Defaults": ...

    def lookup(self, name: str) -> Any: ...

    def with_names(self, draft: "Draft") -> Script | None: ...


class Defaults(Protocol):
    """What a namespace says of all of its rules."""

    pathvars: Pathvars
    default_flags: dict[str, Flags]
    constraints: dict[str, str]
    profile: Setting | None
    local_rules: dict[str, Name]


class Draft:
    """A rule as its block says it. (No dataclass: making one of so many fields takes 3 ms.)"""

    def __init__(self, name: str, name_span: Span, span: Span, docstring: str | None) -> None:
        self.name = name
        self.name_span = name_span
        self.span = span  # of its head
        self.docstring = docstring
        self.inputs: tuple[Item, ...] = ()
        self.outputs: tuple[Item, ...] = ()
        self.params: tuple[Param, ...] = ()
        self.env: tuple[Param, ...] = ()
        self.logs: tuple[Item, ...] = ()
        self.benchmark: Item | None = None
        self.benchmark_repeats = 1
        self.threads: Setting | None = None
        self.resources = Resources()
        self.limits: dict[str, int] = {}  # "" for the rule's own
        self.limit_spans: dict[str, Span] = {}
        self.profile: Setting | None = None
        self.command: Setting | None = None
        self.script: Script | None = None
        self.message: Setting | None = None
        self.priority: Setting | None = None
        self.retries: int | None = None
        self.group: Setting | None = None
        self.local = False
        self.is_checkpoint = False
        self.shadow: str | None = None
        self.default_target = False
        self.constraints: dict[str, str] = {}
        self.pathvars: dict[str, str] = {}
        self.faulty: set[str] = set()  # directives whose value is not known
        self.home: Home | None = None  # the namespace in which it was written
        self.imported_from: object = None  # the module, if `use rule` has changed nothing in it


def merged_params(old: tuple[Param, ...], new: tuple[Param, ...]) -> tuple[Param, ...]:
    """Params of a rule that is used: those with names are replaced one by one, those without
    names all together, if there are new ones."""
    plain = [p for p in new if p.name is None] or [p for p in old if p.name is None]
    named = {p.name: p for p in (*old, *new) if p.name is not None}
    return (*plain, *named.values())


def with_flags(items: tuple[Item, ...], flags: Flags) -> tuple[Item, ...]:
    """The items with flags that all of them get: `inputflags:`, `outputflags:`."""
    return tuple(
        replace(item, files=tuple([_flagged(path, flags) for path in item.files])) for item in items
    )


def _flagged(path: str, flags: Flags) -> str:
    own = flags_of(path)
    if own.protected or own.passing:
        flags = replace(flags, temp=False)
    if own.temp:
        flags = replace(flags, protected=False)
    rule = path.rule if isinstance(path, FlaggedPath) else None
    return FlaggedPath(path, own | flags, rule)
