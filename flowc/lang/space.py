"""A namespace: that of the main workflow, or of a module. Each has names, rules and settings of its
own; what they share is the interpreter and the list of faults."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from flowc.dataclass import replace
from flowc.diagnostic import Diagnostic
from flowc.lang.draft import Draft
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import PoisonedError
from flowc.lang.moved import PathChange
from flowc.lang.pathvars import CONFIG, MODULE, Pathvars
from flowc.lang.rulenames import RuleSpaces
from flowc.lang.rules import RuleReader
from flowc.lang.script import Script, needed, used_names
from flowc.lang.toplevel import TopLevel
from flowc.lang.workflow import Item
from flowc.source import Span
from flowc.syntax import tree


class Space:
    """The names and rules of one file with all that it includes."""

    def __init__(
        self,
        interpreter: Interpreter,
        faults: list[Diagnostic],
        config: dict[str, Any],
        pathvars: Pathvars,
        *,
        config_is_given: bool = False,
    ) -> None:
        self.drafts: dict[str, Draft] = {}
        self.broken_rules: set[str] = set()
        self.first_rule: str | None = None
        self.depth = 1  # how many files were open when the first statement was read
        self.interpreter = interpreter
        self.faults = faults
        self.config = config
        self.config_is_given = config_is_given  # by the `module` block: `configfile:` has no effect
        self.pathvars = pathvars
        self.top = TopLevel(pathvars, interpreter.builtins["expand"])
        self.modules: dict[str, Module] = {}
        self.preamble: list[str] = []  # imports and functions, as the code of `run:` needs them
        self.names: dict[str, str] = {}
        """Of a module: the names that its rules have where they are used."""
        self.user: Space | None = None  # of a module: where it is used
        self.is_made: Callable[[str], bool] = lambda path: False  # by a checkpoint that was asked
        self.rules = RuleSpaces(self.drafts, self.broken_rules)
        self.around = Scope()
        self.scope = Scope(parent=self.around)
        self.reader = RuleReader(interpreter, self.scope, faults, self.top)

    @property
    def is_module(self) -> bool:
        return self.depth > 1

    def take_imports(self, statement: tree.Unsupported) -> None:
        """`import ...` at the top level."""
        from flowc.lang.imports import all_of, imported, of_unknown_names, value_of  # few import

        builtins = self.interpreter.builtins
        self.preamble.append(statement.span.text)
        unknown = of_unknown_names(statement, builtins)
        if unknown is not None:
            self.faults.append(unknown)
            return
        for each in imported(statement.span.text):
            if each.name == "*":
                self.scope.names.update(all_of(each.module, builtins) or {})
                continue
            value = value_of(each, builtins, self.scope.get)
            if value is not builtins.get(each.bound):
                self.scope.names[each.bound] = value

    def lookup(self, name: str) -> Any:
        """A name of the file for the placeholders of commands, as it stands at the file's end."""
        try:
            return self.scope.get(name)
        except KeyError:
            if self.scope.is_poisoned(name):
                raise PoisonedError from None
            raise

    def checkpoint(self, name: str) -> tuple[str, Sequence[Item]] | None:
        """The name and the outputs of a checkpoint; of a module's, as they are where it is used."""
        if self.user is not None and name in self.names:
            return self.user.checkpoint(self.names[name])
        draft = self.drafts.get(name)
        return (name, draft.outputs) if draft is not None and draft.is_checkpoint else None

    def with_names(self, draft: Draft) -> Script | None:
        """The script of a rule with what it needs of the file: imports, functions and values."""
        script = draft.script
        if script is None or script.language != "run" or draft.command is None:
            return script
        return self.code(draft.command.value, script)

    def code(self, text: str, script: Script) -> Script:
        """A block of code with what it needs of the file."""
        values = {name: self.scope.names[name] for name in self.scope.names if name != "config"}
        preamble = needed(text, self.preamble)
        paths = [str(one) for one in self.interpreter.builtins["sys"].members["path"]]
        if paths and preamble:  # `sys.path.append(...)` of the file
            preamble = (f"import sys\nsys.path[1:1] = {paths!r}", *preamble)
        return replace(script, preamble=preamble, names=used_names((text, *preamble), values))

    def handlers(self) -> dict[str, tuple[str, Script]]:
        """`onstart` and the like, with what they need of the file."""
        return {n: (t, self.code(t, script)) for n, (t, script) in self.top.handlers.items()}

    def current_config(self) -> dict[str, Any]:
        """`config` as the file sees it now; a file may put another dict in its place."""
        try:
            found = self.scope.get("config")
        except KeyError:
            return self.config
        return found if isinstance(found, dict) else self.config

    def take_pathvars(self) -> None:
        """`pathvars` of the config, which has just changed."""
        given = self.current_config().get("pathvars")
        if isinstance(given, dict):
            self.pathvars.update(given, CONFIG)

    def add(self, draft: Draft) -> Draft | None:
        """Take in a rule. The one that has its name already, if there is one: then nothing is
        taken in."""
        first = self.drafts.setdefault(draft.name, draft)
        if first is draft:
            draft.home = self if draft.home is None else draft.home
            return None
        return first

    def put(self, draft: Draft) -> None:
        """Put a rule in the place of one that has its name."""
        self.drafts[draft.name] = draft
        self.rules.forget(draft.name)


class Module:
    """A `module` block. Its file is read when something of it is used."""

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.path: str | None = None
        self.path_span = span
        self.prefix = ""
        self.replacements: Sequence[tuple[str, str]] = ()
        self.config: dict[str, Any] | None = None
        self.pathvars: Mapping[str, str] = {}
        self.space: Space | None = None
        self.is_broken = False

    def change(self) -> PathChange:
        assert self.space is not None
        names, is_made = self.space.names, self.space.is_made
        return PathChange(self.prefix, self.replacements, None, names, is_made)

    def inner_pathvars(self, around: Pathvars) -> Pathvars:
        found = Pathvars(around)
        found.update(self.pathvars, MODULE)
        given = (self.config or {}).get("pathvars")
        if isinstance(given, dict):
            found.update(given, MODULE)
        return found


def path_text(value: Any) -> str | None:
    """A path as text; None if it is no path."""
    if isinstance(value, PurePath):
        return value.as_posix()
    return str(value) if isinstance(value, str) and value else None


class ModuleMembers(Mapping[str, Any]):
    """The names of a module's file, as the file that uses it sees them: `m.function(...)`."""

    def __init__(self, read: Callable[[], Space | None]) -> None:
        self._read = read

    def _names(self) -> Mapping[str, Any]:
        space = self._read()
        if space is None:
            raise PoisonedError
        return space.scope.names

    def __getitem__(self, name: str) -> Any:
        return self._names()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())
