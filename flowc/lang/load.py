"""From a Workflowfile and its config to a `Workflow`.

The statements of the file run in order, those of an included file where its `include:` stands.
Rules become drafts; when all files have been read, what they say of one another is checked and the
drafts become rules. All faults are gathered and raised once.
"""

import copy
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.disk import Disk
from flowc.ids import RuleId
from flowc.lang import settings
from flowc.lang.check import Surroundings, finish, private_limit
from flowc.lang.directives import BLOCKS, TOP_DIRECTIVES
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import PoisonedError
from flowc.lang.preset import ShellSettings, bind_import, preset
from flowc.lang.rulenames import RuleSpaces
from flowc.lang.rules import Draft, RuleReader, evaluate_items, not_yet, unknown_directive
from flowc.lang.toplevel import TopLevel, unknown_rule
from flowc.lang.workflow import Rule, Workflow
from flowc.source import Source, Span
from flowc.syntax import tree
from flowc.syntax.parse import parse
from flowc.syntax.read import read_source

MAX_INCLUDES = 100
"""Files that include one another in a chain."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_FOLLOWS_A_LOST_FILE = frozenset({"unknown-name", "unknown-attribute", "missing-key"})
"""Faults that say nothing new where an included file could not be read."""


def load_workflow(
    path: str,
    *,
    disk: Disk,
    config: Mapping[str, Any] = _NOTHING,
    configfiles: Sequence[str] = (),
    cores: int | None = None,
    limits: Collection[str] = (),
) -> Workflow:
    """Read a Workflowfile and all that it includes. Raises WorkflowError with all faults.

    `config` are the values of --config, `configfiles` the files of --configfile; they win over
    those that the file names. `limits` are the names given by --limit: the file need not declare
    them.
    """
    given: dict[str, Any] = {}
    if config or configfiles:
        from flowc.lang.config import overrides  # 3 ms, and many workflows have no config

        given = overrides(configfiles, config)
    return _Loader(disk, given, bool(configfiles), cores, limits).load(path)


class _Included(NamedTuple):
    """A file that is being read."""

    identity: str  # its real path
    name: str  # as messages show it
    asked_by: Span | None


class _Loader:
    """One reading of a workflow."""

    def __init__(
        self,
        disk: Disk,
        given_config: dict[str, Any],
        has_configfiles: bool,
        cores: int | None,
        limits: Collection[str],
    ) -> None:
        self.faults: list[Diagnostic] = []
        self.interpreter = Interpreter(disk)
        self.given_config = given_config
        self.has_configfiles = has_configfiles
        self.config = copy.deepcopy(given_config)
        self.cores = cores
        self.given_limits = limits
        self.top = TopLevel()
        self.shell = ShellSettings()
        self.drafts: dict[str, Draft] = {}
        self.broken_rules: set[str] = set()
        self.first_rule: str | None = None  # of the main file
        self.sources: list[Source] = []
        self.stack: list[_Included] = []
        self.seen: set[str] = set()
        self.lost_from: int | None = None  # faults from here on may come of a lost file

    def load(self, path: str) -> Workflow:
        spaces = RuleSpaces(self.drafts, self.broken_rules)
        self.around = Scope(preset(path, self.config, spaces, self.shell, self.cores))
        self.scope = Scope(parent=self.around)
        self.reader = RuleReader(self.interpreter, self.scope, self.faults)
        self._read(path, None)
        rules = self._finish()
        faults = self._worth_saying()
        errors = [fault for fault in faults if fault.severity == "error"]
        if errors:
            raise WorkflowError(errors)
        limits = dict(self.top.limits)
        for draft in self.drafts.values():
            if "" in draft.limits:
                limits[private_limit(draft.name)] = draft.limits[""]
        return Workflow(
            rules=rules,
            default_target=self._default_target(),
            ruleorder=tuple(tuple(n.text for n in names) for names in self.top.order),
            limits=limits,
            config=self._config(),
            shell_executable=self.shell.executable,
            shell_prefix=self.shell.prefix,
            env=self.top.env,
            sources=tuple(self.sources),
            warnings=tuple(fault for fault in faults if fault.severity == "warning"),
        )

    def _worth_saying(self) -> tuple[Diagnostic, ...]:
        """The faults as they stand in the files, each once (a loop says the same in every turn),
        without those that come of a file that could not be included."""
        found = self.faults
        if self.lost_from is not None:
            later = [f for f in found[self.lost_from :] if f.code not in _FOLLOWS_A_LOST_FILE]
            found = found[: self.lost_from] + later
        order = {id(source): i for i, source in enumerate(self.sources)}

        def place(fault: Diagnostic) -> tuple[int, int]:
            if fault.span is None:
                return -1, 0
            return order.get(id(fault.span.source), len(order)), fault.span.start

        return tuple(sorted(dict.fromkeys(found), key=place))

    # --- files ------------------------------------------------------------------------------------

    def _read(self, path: str, asked_by: Span | None) -> None:
        source = read_source(path, asked_by)
        self.sources.append(source)
        statements = parse(source).statements
        identity = os.path.realpath(path)
        self.seen.add(identity)
        self.stack.append(_Included(identity, path, asked_by))
        self.interpreter.execute(statements, self.scope, self._statement, self.faults)
        self.stack.pop()

    def _include(self, directive: tree.Directive) -> None:
        given = evaluate_items(self.interpreter, self.scope, directive, self.faults)
        one = given and settings.read_one(given, "include", directive.name.span, self.faults)
        if not one:
            return
        _, path, span = one
        if isinstance(path, PurePath):
            path = path.as_posix()
        if not isinstance(path, str) or not path:
            self.faults.append(Diagnostic("bad-value", "`include` takes the path of a file", span))
            return
        if "://" in path:
            self.faults.append(
                Diagnostic(
                    "remote-include",
                    f"`{path}` is not on this machine: flowc reads local files only",
                    span,
                    hint="download it, look at it, and include the copy",
                )
            )
            return
        path = os.path.normpath(os.path.join(os.path.dirname(self.stack[-1].name), path))
        if not self._may_include(path, span):
            return
        try:
            self._read(path, span)
        except WorkflowError as error:  # it cannot be read, or it is no Workflowfile
            self.faults += error.diagnostics
            if self.lost_from is None:
                self.lost_from = len(self.faults)

    def _may_include(self, path: str, span: Span) -> bool:
        identity = os.path.realpath(path)
        if any(file.identity == identity for file in self.stack):
            self.faults.append(self._cycle(identity, path, span))
            return False
        if identity in self.seen:
            self.faults.append(
                Diagnostic(
                    "repeated-include",
                    f"`{path}` is included already; this one has no effect",
                    span,
                    severity="warning",
                )
            )
            return False
        if len(self.stack) >= MAX_INCLUDES:
            self.faults.append(
                Diagnostic("too-deep", f"more than {MAX_INCLUDES} files include one another", span)
            )
            return False
        return True

    def _cycle(self, identity: str, path: str, span: Span) -> Diagnostic:
        start = next(i for i, file in enumerate(self.stack) if file.identity == identity)
        chain = [file.name for file in self.stack[start:]] + [path]
        labels = [
            Label(file.asked_by, f"`{file.name}` is included here")
            for file in self.stack[start + 1 :]
            if file.asked_by is not None
        ]
        return Diagnostic(
            "include-cycle",
            "these files include one another: " + " -> ".join(chain),
            span,
            tuple(labels),
        )

    # --- statements -------------------------------------------------------------------------------

    def _statement(self, statement: tree.Statement, scope: Scope) -> None:
        match statement:
            case tree.Directive():
                self._directive(statement)
            case tree.Block():
                self._block(statement)
            case tree.UseRule():
                self.faults.append(not_yet("`use rule`", statement.span, BLOCKS["use rule"][1]))
                self.broken_rules.update(name.text for name in statement.rules)
                self.broken_rules.update(filter(None, [statement.alias]))
            case tree.Unsupported():
                self._unsupported(statement)
            case _:
                self.faults.append(
                    Diagnostic(
                        "misplaced-statement", "this stands outside of a function", statement.span
                    )
                )

    def _unsupported(self, statement: tree.Unsupported) -> None:
        from flowc.lang import refusals  # most workflows have no such statement

        if statement.keyword in ("import", "from"):
            self.faults.extend(refusals.read_import(statement, self._bind))
        else:
            self.faults.append(refusals.refuse(statement))

    def _bind(self, module: str, name: str, alias: str | None) -> bool:
        return bind_import(self.interpreter.builtins, self.scope, module, name, alias)

    def _directive(self, directive: tree.Directive) -> None:
        name = directive.name.text
        row = TOP_DIRECTIVES.get(name)
        if row is None:
            self.faults.append(unknown_directive(directive, "the top level", TOP_DIRECTIVES))
        elif not row.supported:
            self.faults.append(not_yet(f"`{name}`", directive.name.span, row.instead))
        elif directive.body is not None:
            self.faults.append(
                Diagnostic("bad-value", f"`{name}` takes a value, no code", directive.name.span)
            )
        elif name == "include":
            self._include(directive)
        elif name == "configfile":
            self._configfile(directive)
        else:
            self.top.read(directive, self.interpreter, self.scope, self.faults)

    def _configfile(self, directive: tree.Directive) -> None:
        from flowc.lang.config import load_config_file, merge

        before = len(self.faults)
        given = evaluate_items(self.interpreter, self.scope, directive, self.faults)
        path = given and settings.read_text(given, "configfile", directive.name.span, self.faults)
        if path:
            found: dict[str, Any] = {}
            if not self.has_configfiles or os.path.exists(path.value):
                try:
                    found = load_config_file(path.value, path.span)
                except WorkflowError as error:
                    self.faults += error.diagnostics
            config = self._config()
            merge(config, found)
            merge(config, self.given_config)
        if len(self.faults) > before:
            self.around.poison(["config"])

    def _config(self) -> dict[str, Any]:
        """`config` as the file sees it now; a file may put another dict in its place."""
        try:
            found = self.scope.get("config")
        except KeyError:
            return self.config
        return found if isinstance(found, dict) else self.config

    # --- rules ------------------------------------------------------------------------------------

    def _block(self, block: tree.Block) -> None:
        draft = self.reader.read(block, len(self.drafts) + 1)
        if draft is None:
            self.broken_rules.update([block.name.text] if block.name is not None else [])
            return
        first = self.drafts.get(draft.name)
        if first is not None:
            self.faults.append(_repeated_rule(draft, first))
            return
        self.drafts[draft.name] = draft
        if self.first_rule is None and len(self.stack) == 1:
            self.first_rule = draft.name

    def _finish(self) -> tuple[Rule, ...]:
        drafts, top = self.drafts, self.top
        around = Surroundings(
            constraints=top.constraints,
            profile=top.profile,
            limits={*top.limits, *self.given_limits},
            local_rules=top.local_rules,
            lookup=self._lookup,
        )
        rules = tuple(
            finish(draft, RuleId(i), around, self.faults) for i, draft in enumerate(drafts.values())
        )
        for where, names in (
            ("ruleorder", [name for order in top.order for name in order]),
            ("localrules", top.local_rules.values()),
        ):
            self.faults += [
                unknown_rule(name, drafts, where)
                for name in names
                if name.text not in drafts and name.text not in self.broken_rules
            ]
        chosen = [draft for draft in drafts.values() if draft.default_target]
        self.faults += [
            Diagnostic(
                "several-default-targets",
                f"rule `{other.name}` cannot be the default target: `{chosen[0].name}` is",
                other.span,
                (Label(chosen[0].span, "declared here"),),
            )
            for other in chosen[1:]
        ]
        return rules

    def _lookup(self, name: str) -> Any:
        """A name of the file for the placeholders of commands, as it stands at the file's end."""
        try:
            return self.scope.get(name)
        except KeyError:
            if self.scope.is_poisoned(name):
                raise PoisonedError from None
            raise

    def _default_target(self) -> RuleId | None:
        for i, draft in enumerate(self.drafts.values()):
            if draft.default_target:
                return RuleId(i)
        names = list(self.drafts)
        return None if self.first_rule is None else RuleId(names.index(self.first_rule))


def _repeated_rule(draft: Draft, first: Draft) -> Diagnostic:
    in_loop = draft.name_span == first.name_span
    return Diagnostic(
        "repeated-rule",
        f"there is a rule `{draft.name}` already",
        draft.name_span,
        () if in_loop else (Label(first.name_span, "the first one"),),
        hint='in a loop, give each rule a name of its own: `name: f"..."`' if in_loop else None,
    )
