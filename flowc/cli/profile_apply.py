"""flowc profile apply: write measured figures into the workflow file.

Of the rules that were measured, `threads`, `mem_gb` and `profile` are written; every other byte
stays as it is. A figure that is a function stays a function. With --diff nothing is written.

Examples:
  flowc profile apply profile.json
  flowc profile apply profile.json Workflowfile --diff
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.lang.rewrite import Edit, Written
    from flowc.lang.workflow import Workflow


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_workflow
    from flowc.cli.profiles import add_level

    parser.usage = "flowc profile apply PROFILE [WORKFLOWFILE] [OPTION ...]"
    parser.add_argument("profile", metavar="PROFILE", help="what was measured")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    add_level(parser)
    add_workflow(parser)


def main(args: Namespace) -> int:
    from flowc.api import is_compiled, load_file
    from flowc.cli.asked import asked
    from flowc.cli.profiles import warn
    from flowc.cli.show import many, print_json, say
    from flowc.diagnostic import fail
    from flowc.lang.rewrite import rewrite

    args.profile = os.path.abspath(args.profile) if args.directory else args.profile
    if args.words and args.workflowfile is None:  # whatever its name: nothing else can be meant
        args.workflowfile = args.words.pop(0)
    found = asked(args)
    if found.targets or is_compiled(found.workflow):
        word = found.targets[0] if found.targets else found.workflow
        raise fail("bad-option", f"`{word}` is not a Workflowfile that can be written to")
    workflow = load_file(found.workflow, found.reading)
    rewriting = rewrite(workflow, _figures(args, workflow))
    for rule, why in rewriting.kept:
        warn(f"rule `{rule}`: {why}", args)
    by_file: dict[str, list[Edit]] = {}
    for edit in rewriting.edits:
        by_file.setdefault(edit.source.name, []).append(edit)
    for path, edits in by_file.items():
        _write(path, edits, args)
    if args.json:
        print_json({"changed": sorted(by_file), "edits": len(rewriting.edits)})
    elif not args.diff:
        say(f"{many(len(rewriting.edits), 'change')} in {many(len(by_file), 'file')}")
    return 0


def _figures(args: Namespace, workflow: "Workflow") -> "dict[str, Written]":
    """By rule. Raises WorkflowError where none of what was measured is a rule of the workflow."""
    from flowc.cli.profiles import read_all, warn
    from flowc.lang.rewrite import Written
    from flowc.plan.digest import code_digest
    from flowc.plan.measured import check_rules_named
    from flowc.sizing.figures import gather, shown_gb

    evidence = gather(read_all([args.profile]), args.level)
    for name in check_rules_named(evidence, workflow, args.profile):
        warn(f"`{name}` is no rule of this workflow", args)
    found = {}
    for name, one in evidence.items():
        rule = workflow.by_name.get(name)
        if rule is None or not one.good:
            continue
        if one.is_stale(code_digest(rule, workflow)):
            warn(f"the command of rule `{name}` has changed since it was measured", args)
        figures = one.figures()
        size = figures.memory_bytes
        found[name] = Written(figures.cores, None if size is None else shown_gb(size), args.profile)
    return found


def _write(path: str, edits: "list[Edit]", args: Namespace) -> None:
    from flowc.lang.rewrite import apply_edits
    from flowc.source import Source
    from flowc.syntax.parse import parse
    from flowc.whole import write_whole

    with open(path, "rb") as file:
        before = file.read().decode("utf-8")
    after = apply_edits(before, edits)
    parse(Source(path, after.removeprefix("\ufeff")))  # a fault here is raised before harm is done
    if not args.diff:
        write_whole(path, [after])
        return
    from difflib import unified_diff

    name = os.path.relpath(path)
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, name
    )
    sys.stdout.writelines(line if line.endswith("\n") else f"{line}\n" for line in lines)
