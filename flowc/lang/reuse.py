"""`module` blocks, and `use rule`: rules of another file, and rules that differ in a few items.

A rule that is used becomes a draft of its own: a copy with another name, its paths changed as the
module says, and the directives behind `with:` in place of its own.
"""

import copy
from collections.abc import Callable
from typing import Any

from flowc.diagnostic import Diagnostic, Label, WorkflowError
from flowc.lang import settings
from flowc.lang.directives import MODULE_DIRECTIVES
from flowc.lang.draft import Draft
from flowc.lang.evaluate import Interpreter
from flowc.lang.faults import explain, near
from flowc.lang.items import Given
from flowc.lang.limits import Refusal
from flowc.lang.rules import Faults, evaluate_items, not_yet, unknown_directive
from flowc.lang.space import Module, Space, path_text
from flowc.source import Span
from flowc.syntax import tree

Read = Callable[[Module], Any]
"""Reads the file of a module into its space, unless that has been done."""


def read_module_block(
    block: tree.Block, space: Space, interpreter: Interpreter, faults: Faults
) -> Module:
    """What a `module` block says. A faulty one is broken: using it is silent."""
    assert block.name is not None, "the parser asks for a name"
    head = block.kind.span.to(block.name.span)
    module = Module(block.name.text, head)
    before = len(faults)
    for directive in block.directives:
        row = MODULE_DIRECTIVES.get(directive.name.text)
        if row is None:
            faults.append(unknown_directive(directive, "a module", MODULE_DIRECTIVES))
        elif not row.supported:
            faults.append(not_yet(f"`{row.name}`", directive.name.span, row.instead))
        else:
            given = evaluate_items(interpreter, space.scope, directive, faults)
            if given is not None:
                READERS[row.name](module, given, directive, faults)
    if module.prefix and module.replacements:
        text = "a module has a `prefix` or a `replace_prefix`, not both"
        faults.append(Diagnostic("several-prefixes", text, head))
    if module.path is None and len(faults) == before:
        faults.append(
            Diagnostic(
                "module-without-file", f"module `{module.name}` names no file", head,
                hint='write `snakefile: "path/to/file"`',
            )
        )  # fmt: skip
    module.is_broken = any(fault.severity == "error" for fault in faults[before:])
    return module


def _snakefile(
    module: Module, given: list[Given], directive: tree.Directive, faults: Faults
) -> None:
    one = settings.read_text(given, "snakefile", directive.name.span, faults)
    if one is None:
        return
    if "://" in one.value:
        faults.append(
            Diagnostic(
                "remote-include",
                f"`{one.value}` is not on this machine: flowc reads local files only",
                one.span,
                hint="download it, look at it, and name the copy",
            )
        )
        return
    module.path, module.path_span = one.value, one.span


def _config(module: Module, given: list[Given], directive: tree.Directive, faults: Faults) -> None:
    one = settings.read_one(given, "config", directive.name.span, faults)
    if one is not None and isinstance(one[1], dict):
        module.config = one[1]
    elif one is not None:
        faults.append(Diagnostic("bad-value", "`config` of a module is a dict", one[2]))


def _prefix(module: Module, given: list[Given], directive: tree.Directive, faults: Faults) -> None:
    one = settings.read_one(given, "prefix", directive.name.span, faults)
    if one is None or one[1] is None or one[1] == "":
        return
    found = path_text(one[1])
    if found is None:
        faults.append(Diagnostic("bad-value", "`prefix` of a module is a path", one[2]))
    module.prefix = found or ""


def _replace(module: Module, given: list[Given], directive: tree.Directive, faults: Faults) -> None:
    one = settings.read_one(given, "replace_prefix", directive.name.span, faults)
    if one is None or one[1] is None:
        return
    pairs = one[1].items() if isinstance(one[1], dict) else None
    if pairs is None or not all(isinstance(text, str) for pair in pairs for text in pair):
        text = "`replace_prefix` is a dict: from the old beginning of a path to the new one"
        faults.append(Diagnostic("bad-value", text, one[2]))
        return
    module.replacements = tuple(pairs)


def _pathvars(
    module: Module, given: list[Given], directive: tree.Directive, faults: Faults
) -> None:
    module.pathvars = {name.text: value for name, value, _ in given if name is not None}


def _nothing(module: Module, given: list[Given], directive: tree.Directive, faults: Faults) -> None:
    """`skip_validation`: flowc validates no config."""


READERS: dict[str, Callable[[Module, list[Given], tree.Directive, Faults], None]] = {
    "snakefile": _snakefile,
    "config": _config,
    "prefix": _prefix,
    "replace_prefix": _replace,
    "pathvars": _pathvars,
    "skip_validation": _nothing,
}
"""Who reads a directive of a module."""


class Reuse:
    """`use rule`, in one space."""

    def __init__(self, space: Space, read: Read, faults: Faults) -> None:
        self.space = space
        self.read = read
        self.faults = faults

    def use(self, node: tree.UseRule) -> list[Draft]:
        """Take in what the statement names; the rules that are new."""
        module, source = None, self.space
        if node.module is not None:
            module = self._module(node.module)
            if module is None or module.space is None:
                return []
            source = module.space
        taken = []
        for name in self._names(node, source):
            new_name = name.text if node.alias is None else node.alias.replace("*", name.text)
            draft = self._draft(node, name, new_name, source, module)
            if draft is not None:
                taken.append(draft)
        return taken

    def _module(self, name: tree.Name) -> Module | None:
        module = self.space.modules.get(name.text)
        if module is None:
            text = f"there is no module `{name.text}` above"
            hint = near(name.text, self.space.modules)
            self.faults.append(Diagnostic("unknown-module", text, name.span, hint=hint))
            return None
        if not module.is_broken:
            self.read(module)
        return module

    def _names(self, node: tree.UseRule, source: Space) -> list[tree.Name]:
        """The rules that are meant, by their names in `source`."""
        excluded = {name.text for name in node.exclude}
        if any(name.text == "*" for name in node.rules):
            if node.module is None:
                text = "`use rule *` needs the module that the rules come from"
                hint = "write `use rule * from NAME`"
                self.faults.append(Diagnostic("bad-use-rule", text, node.span, hint=hint))
                return []
            names = [tree.Name(n, node.rules[0].span) for n in source.drafts if n not in excluded]
        else:
            names = [name for name in node.rules if name.text not in excluded]
            self.faults += [
                Diagnostic(
                    "unknown-rule", f"there is no rule `{name.text}` {_where(node)}", name.span,
                    hint=near(name.text, source.drafts),
                )
                for name in names
                if name.text not in source.drafts and name.text not in source.broken_rules
            ]  # fmt: skip
        if len(names) > 1 and node.alias is not None and "*" not in node.alias:
            text = f"several rules cannot all be called `{node.alias}`"
            hint = f"write `as {node.alias}_*`: the star stands for each rule's name"
            self.faults.append(Diagnostic("bad-use-rule", text, node.span, hint=hint))
            return []
        return [name for name in names if name.text in source.drafts]

    def _draft(
        self, node: tree.UseRule, name: tree.Name, new_name: str, source: Space, module: Any
    ) -> Draft | None:
        draft = copy.copy(source.drafts[name.text])
        draft.faulty = set(draft.faulty)
        draft.name, draft.name_span = new_name, name.span
        draft.default_target = draft.default_target and module is not None
        whole = name.span if name.text != "*" else node.rules[0].span
        before = self.space.drafts.get(new_name)
        if before is not None and not self._may_replace(before, node, module):
            text = f"there is a rule `{new_name}` already"
            label = Label(before.name_span, "the first one")
            hint = "give it a name of its own: `use rule ... as NAME`"
            self.faults.append(Diagnostic("repeated-rule", text, whole, (label,), hint))
            return None
        draft.imported_from = module if node.directives is None else None
        overridden = self._modify(draft, node)
        if module is not None:
            source.names.setdefault(name.text, new_name)
            self._move(draft, module, overridden, whole)
        if before is not None:
            self.space.put(draft)
            return None
        self.space.add(draft)
        return draft

    def _may_replace(self, before: Draft, node: tree.UseRule, module: Any) -> bool:
        """A rule that has been imported with others may be changed once."""
        return module is not None and before.imported_from is module and node.directives is not None

    def _modify(self, draft: Draft, node: tree.UseRule) -> set[str]:
        if node.directives is None:
            return set()
        return self.space.reader.modify(draft, node.directives)

    def _move(self, draft: Draft, module: Module, overridden: set[str], span: Span) -> None:
        """Change the paths as the module says, but for those that stand behind `with:`."""
        change = module.change()
        try:
            for directive, field in _PATHS.items():
                if directive not in overridden:
                    items = getattr(draft, field)
                    setattr(draft, field, change.items(items, functions=directive == "input"))
            if draft.benchmark is not None and "benchmark" not in overridden:
                draft.benchmark = change.items((draft.benchmark,), functions=False)[0]
        except Refusal as fault:
            error = explain(fault, span)
            self.faults += error.diagnostics if isinstance(error, WorkflowError) else ()


_PATHS = {"input": "inputs", "output": "outputs", "log": "logs"}


def _where(node: tree.UseRule) -> str:
    return "above" if node.module is None else f"in module `{node.module.text}`"
