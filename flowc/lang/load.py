"""From a Workflowfile and its config to a `Workflow`.

The statements of the file run in order, those of an included file where its `include:` stands.
Rules become drafts; when all files have been read, what they say of one another is checked and the
drafts become rules. All faults are gathered and raised once.
"""

import copy
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.disk import Disk
from flowc.ids import RuleId
from flowc.lang import settings
from flowc.lang.check import finish, private_limit, surroundings
from flowc.lang.checkpoints import Checkpoints
from flowc.lang.directives import TOP_DIRECTIVES
from flowc.lang.draft import Draft
from flowc.lang.evaluate import Interpreter, Scope
from flowc.lang.faults import explain
from flowc.lang.files import Included, OpenFiles
from flowc.lang.limits import Refusal
from flowc.lang.names import assigned
from flowc.lang.pathvars import Pathvars
from flowc.lang.preset import ShellSettings, preset
from flowc.lang.reuse import Reuse, read_module_block
from flowc.lang.rules import evaluate_items, not_yet, unknown_directive
from flowc.lang.script import makes_function
from flowc.lang.space import Module, ModuleMembers, Space
from flowc.lang.toplevel import unknown_rule
from flowc.lang.values import Namespace
from flowc.lang.workflow import Rule, Workflow
from flowc.source import Span
from flowc.syntax import tree
from flowc.syntax.parse import parse
from flowc.syntax.read import read_source

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def load_workflow(
    path: str,
    *,
    disk: Disk,
    config: Mapping[str, Any] = _NOTHING,
    configfiles: Sequence[str] = (),
    cores: int | None = None,
    limits: Collection[str] = (),
    scatter: Mapping[str, int] = _NOTHING,
    workdir: bool = True,
    replace_config: bool = False,
) -> Workflow:
    """Read a Workflowfile and all that it includes. Raises WorkflowError with all faults.

    `config` are the values of --config, `configfiles` the files of --configfile; they win over
    those that the file names, or with `replace_config` stand in place of them. `limits` are the
    names given by --limit: the file need not declare them. `scatter` are numbers of parts that
    beat those of the file. A `workdir:` of the file is gone to, unless `workdir` says no.
    """
    given: dict[str, Any] = {}
    if config or configfiles:
        from flowc.lang.config import overrides  # 3 ms, and many workflows have no config

        given = overrides(configfiles, config)
    loader = _Loader(disk, given, bool(configfiles), cores, limits)
    loader.set_scatter, loader.may_move, loader.replace_config = scatter, workdir, replace_config
    return loader.load(path)


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
        self.cores = cores
        self.given_limits = limits
        self.set_scatter: Mapping[str, int] = _NOTHING
        self.may_move = True
        self.replace_config = False
        self.shell = ShellSettings()
        self.files = OpenFiles(self.faults)
        self.checkpoints = Checkpoints()
        self.main = ""

    def load(self, path: str) -> Workflow:
        self.main, self.files.main = path, os.path.abspath(path)
        interpreter = self.interpreter
        self.checkpoints.add_open(interpreter.builtins, interpreter.members, interpreter.budget)
        self.space = self._new_space(copy.deepcopy(self.given_config), Pathvars())
        self._read(path, None)
        space = self.space
        rules = self._finish()
        faults = self.files.worth_saying()
        errors = [fault for fault in faults if fault.severity == "error"]
        if errors:
            raise WorkflowError(errors)
        limits = dict(space.top.limits)
        for draft in space.drafts.values():
            if "" in draft.limits:
                limits[private_limit(draft.name)] = draft.limits[""]
        return Workflow(
            rules=rules,
            default_target=self._default_target(),
            ruleorder=tuple(tuple(n.text for n in names) for names in space.top.order),
            limits=limits,
            config=space.current_config(),
            shell_executable=self.shell.executable,
            shell_prefix=self.shell.prefix,
            shell_suffix=self.shell.suffix,
            checkpoints=self.checkpoints if any(r.is_checkpoint for r in rules) else None,
            handlers=space.handlers(),
            env=space.top.env,
            sources=tuple(self.files.sources),
            warnings=tuple(fault for fault in faults if fault.severity == "warning"),
        )

    def _new_space(
        self, config: dict[str, Any], pathvars: Pathvars, *, config_is_given: bool = False
    ) -> Space:
        space = Space(
            self.interpreter, self.faults, config, pathvars, config_is_given=config_is_given
        )
        space.top.set_scatter, space.is_made = self.set_scatter, self.checkpoints.is_made
        space.around.names.update(
            preset(
                self.main, config, space.rules, self.shell, self.cores, space.top.scatter,
                self.files.source_path, self.checkpoints.namespace(space.checkpoint),
                self.interpreter,
            )
        )  # fmt: skip
        if not config_is_given:
            space.take_pathvars()
        return space

    # --- files ------------------------------------------------------------------------------------

    def _read(self, path: str, asked_by: Span | None) -> None:
        source = read_source(path, asked_by)
        self.files.sources.append(source)
        statements = parse(source).statements
        identity = os.path.realpath(path)
        self.files.seen.add(identity)
        self.files.stack.append(Included(identity, path, os.path.abspath(path), asked_by))
        reader = self.space.reader
        before, reader.directory = reader.directory, os.path.dirname(self.files.stack[-1].path)
        self.space.preamble += [s.span.text for s in statements if makes_function(s)]
        self.interpreter.execute(statements, self.space.scope, self._statement, self.faults)
        reader.directory = before
        self.files.stack.pop()

    def _include(self, directive: tree.Directive) -> None:
        given = evaluate_items(self.interpreter, self.space.scope, directive, self.faults)
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
        path = self.files.beside(path)
        if not self.files.may_include(path, span):
            return
        self._read_if_possible(path, span)

    def _read_if_possible(self, path: str, span: Span) -> None:
        try:
            self._read(path, span)
        except WorkflowError as error:  # it cannot be read, or it is no Workflowfile
            self.faults += error.diagnostics
            if self.files.lost_from is None:
                self.files.lost_from = len(self.faults)

    # --- statements -------------------------------------------------------------------------------

    def _statement(self, statement: tree.Statement, scope: Scope) -> None:
        match statement:
            case tree.Directive():
                self._directive(statement)
            case tree.Block():
                self._block(statement)
            case tree.UseRule():
                self._use(statement)
            case tree.Unsupported():
                self._unsupported(statement)
            case _:
                self.faults.append(
                    Diagnostic(
                        "misplaced-statement", "this stands outside of a function", statement.span
                    )
                )

    def _unsupported(self, statement: tree.Unsupported) -> None:
        if statement.keyword in ("import", "from"):
            self.space.take_imports(statement)
            return
        from flowc.lang.refusals import refuse  # most workflows have no such statement

        self.faults.append(refuse(statement))
        self.space.scope.poison(assigned([statement]))

    def _directive(self, directive: tree.Directive) -> None:
        name = directive.name.text
        row = TOP_DIRECTIVES.get(name)
        if row is None:
            self.faults.append(unknown_directive(directive, "the top level", TOP_DIRECTIVES))
        elif not row.supported:
            self.faults.append(not_yet(f"`{name}`", directive.name.span, row.instead))
        elif (directive.body is None) is (row.kind == "code"):
            takes = "a block of Python" if row.kind == "code" else "a value, no code"
            self.faults.append(
                Diagnostic("bad-value", f"`{name}` takes {takes}", directive.name.span)
            )
        elif name == "include":
            self._include(directive)
        elif name == "configfile":
            self._configfile(directive)
        elif name == "workdir":
            self._workdir(directive)
        else:
            space = self.space
            space.top.read(directive, self.interpreter, space.scope, self.faults)

    def _configfile(self, directive: tree.Directive) -> None:
        from flowc.lang.config import load_config_file, merge

        space, before = self.space, len(self.faults)
        given = evaluate_items(self.interpreter, space.scope, directive, self.faults)
        path = given and settings.read_text(given, "configfile", directive.name.span, self.faults)
        if path and not space.config_is_given and not self.replace_config:
            found: dict[str, Any] = {}
            if not self.has_configfiles or os.path.exists(path.value):
                try:
                    found = load_config_file(path.value, path.span)
                except WorkflowError as error:
                    self.faults += error.diagnostics
            config = space.current_config()
            merge(config, found)
            if not space.is_module:
                merge(config, self.given_config)
            self._guarded(space.take_pathvars, path.span)
        if len(self.faults) > before:
            space.around.poison(["config"])

    def _guarded(self, act: Callable[[], Any], span: Span) -> Any:
        """The result of `act`; None, and a fault more, where it refuses."""
        try:
            return act()
        except Refusal as fault:
            error = explain(fault, span)
            self.faults += error.diagnostics if isinstance(error, WorkflowError) else ()
            return None

    def _workdir(self, directive: tree.Directive) -> None:
        given = evaluate_items(self.interpreter, self.space.scope, directive, self.faults)
        path = given and settings.read_text(given, "workdir", directive.name.span, self.faults)
        if not path or not self.may_move:
            return
        self.files.has_moved = True
        try:
            os.chdir(path.value)
        except OSError as error:
            text = f"cannot work in `{path.value}`: {error.strerror}"
            hint = "make it, or name another one with `-d DIR`"
            self.faults.append(Diagnostic("bad-directory", text, path.span, hint=hint))

    # --- rules ------------------------------------------------------------------------------------

    def _block(self, block: tree.Block) -> None:
        space = self.space
        if block.kind.text == "module":
            module = read_module_block(block, space, self.interpreter, self.faults)
            if module.path is not None:
                module.path = self.files.beside(module.path)
            space.modules[module.name] = module
            members = ModuleMembers(lambda: self._read_module(module))
            space.scope.names[module.name] = Namespace(module.name, members)
            return
        draft = space.reader.read(block, len(space.drafts) + 1)
        if draft is None:
            space.broken_rules.update([block.name.text] if block.name is not None else [])
            return
        first = space.add(draft)
        if first is not None:
            self.faults.append(_repeated_rule(draft, first))
            return
        self._note_first([draft])

    def _use(self, node: tree.UseRule) -> None:
        reuse = Reuse(self.space, self._read_module, self.faults)
        self._note_first(reuse.use(node))

    def _note_first(self, drafts: Sequence[Draft]) -> None:
        """The first rule of the main file is the default target."""
        space = self.space
        if space.first_rule is None and drafts and len(self.files.stack) == space.depth:
            space.first_rule = drafts[0].name

    def _read_module(self, module: Module) -> Space | None:
        """The space of a module, whose file is read when this is first asked for."""
        if module.space is not None or module.is_broken or module.path is None:
            return module.space
        path, around = module.path, self.space
        identity = os.path.realpath(path)
        if any(file.identity == identity for file in self.files.stack):
            self.faults.append(self.files.cycle(identity, path, module.path_span))
            module.is_broken = True
            return None
        pathvars = self._guarded(lambda: module.inner_pathvars(around.pathvars), module.span)
        config = {} if module.config is None else module.config
        space = self._new_space(
            config, pathvars or Pathvars(), config_is_given=module.config is not None
        )
        module.space = self.space = space
        space.depth, space.user = len(self.files.stack) + 1, around
        seen, self.files.seen = self.files.seen, set()
        self._read_if_possible(path, module.path_span)
        self.files.seen, self.space = seen, around
        return space

    def _finish(self) -> tuple[Rule, ...]:
        space = self.space
        drafts, top = space.drafts, space.top
        limits = {*top.limits, *self.given_limits}
        rules = tuple(
            finish(draft, RuleId(i), surroundings(draft.home or space, limits), self.faults)
            for i, draft in enumerate(drafts.values())
        )
        for where, names in (
            ("ruleorder", [name for order in top.order for name in order]),
            ("localrules", top.local_rules.values()),
        ):
            self.faults += [
                unknown_rule(name, drafts, where)
                for name in names
                if name.text not in drafts and name.text not in space.broken_rules
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

    def _default_target(self) -> RuleId | None:
        drafts, first = self.space.drafts, self.space.first_rule
        for i, draft in enumerate(drafts.values()):
            if draft.default_target:
                return RuleId(i)
        return None if first is None else RuleId(list(drafts).index(first))


def _repeated_rule(draft: Draft, first: Draft) -> Diagnostic:
    in_loop = draft.name_span == first.name_span
    return Diagnostic(
        "repeated-rule",
        f"there is a rule `{draft.name}` already",
        draft.name_span,
        () if in_loop else (Label(first.name_span, "the first one"),),
        hint='in a loop, give each rule a name of its own: `name: f"..."`' if in_loop else None,
    )
