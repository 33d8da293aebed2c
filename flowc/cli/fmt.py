"""flowc fmt: write workflow files in their canonical form.

What a file means stays the same, and so do its comments. A file that cannot be parsed is left as
it is. Without files the workflow that is found is formatted, with what lies beside it in `rules/`;
`-` reads stdin and writes stdout. With --check or --diff nothing is written, and the exit code is
1 if there is something to change.

Examples:
  flowc fmt
  flowc fmt Workflowfile rules/*.smk --diff
  flowc fmt --check
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from difflib import unified_diff

from flowc.cli.options import add_output
from flowc.cli.show import many, print_json, say
from flowc.cli.workflowfile import find_workflow
from flowc.diagnostic import Diagnostic, WorkflowError, printable
from flowc.whole import write_whole

CHANGES = 1


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc fmt [FILE ...] [--check] [--diff]"
    parser.add_argument("files", nargs="*", metavar="FILE", help="files to format")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name the files that would change"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.syntax.format import format_text  # not for --help
    from flowc.syntax.read import read_source

    if args.files == ["-"]:
        source = read_source("/dev/stdin")
        made = format_text(source)
        if args.check or args.diff:
            return _show("<stdin>", source.text, made, args)
        sys.stdout.write(made)
        return 0
    faults: list[Diagnostic] = []
    changed = total = 0
    for path in args.files or _found():
        total += 1
        try:
            source = read_source(path)
            made = format_text(source)
        except WorkflowError as error:
            faults += error.diagnostics
            continue
        if made == source.text:
            continue
        changed += 1
        if args.check or args.diff:
            _show(path, source.text, made, args)
        else:
            write_whole(path, [made])
            _say(path, "formatted", args)
    if faults:
        raise WorkflowError(faults)
    if not changed and not args.json:
        say(f"{many(total, 'file')} as {'it' if total == 1 else 'they'} should be")
    return CHANGES if changed and (args.check or args.diff) else 0


def _found() -> list[str]:
    """The workflow here, and the files that are its parts by custom."""
    path, _ = find_workflow(None, ())
    rules = os.path.join(os.path.dirname(path), "rules")
    parts = sorted(os.listdir(rules)) if os.path.isdir(rules) else []
    return [path, *(os.path.join(rules, name) for name in parts if name.endswith(".smk"))]


def _show(path: str, before: str, after: str, args: Namespace) -> int:
    if before == after:
        return 0
    if args.diff and not args.json:
        sys.stdout.writelines(_diff(path, before, after))
    else:
        _say(path, "would be formatted", args)
    return CHANGES


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    for line in unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), path, path
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _say(path: str, what: str, args: Namespace) -> None:
    if args.json:
        print_json({"fmt": {"file": path, "changed": True, "written": what == "formatted"}})
    else:
        say(f"{printable(path)}: {what}")
