"""flowc check: read the workflow, and find out whether the targets can be made.

Nothing is run and nothing written. All mistakes are reported at once, each with its place, and what
looks like one: two rules for one file, rules that nobody needs, unused names. A comment
`# flowc: ignore[CODE]` on the line or the line above silences a warning.

Examples:
  flowc check
  flowc check rules/map.smk --json
"""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.options import add_cores, add_workflow

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.diagnostic import Diagnostic
    from flowc.lang.workflow import Workflow


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--syntax-only", action="store_true", help="the workflow alone, not what its targets need"
    )
    add_workflow(parser)
    add_cores(parser)


def main(args: Namespace) -> int:
    from flowc.api import compile_file, is_compiled, load_file  # not for --help
    from flowc.cli.asked import asked
    from flowc.cli.show import count_line, many, print_json, report
    from flowc.graph.findings import find_all
    from flowc.lang.silence import unsilenced

    path, targets, reading = asked(args)
    if is_compiled(path) or not args.syntax_only:
        graph = compile_file(path, targets, reading)
        workflow, jobs = graph.workflow, len(graph)
    else:
        workflow, jobs = load_file(path, reading), None
    findings = [] if is_compiled(path) else find_all(workflow)
    warnings = unsilenced([*workflow.warnings, *_about_profiles(workflow), *findings])
    if warnings:
        report(warnings, args)
        if any(warning.severity == "error" for warning in warnings):  # a profile that is none
            return 2
    rules = len(workflow.rules)
    if args.json:
        print_json({"check": {"workflow": path, "rules": rules, "jobs": jobs, "ok": True}})
        return 0
    what = many(rules, "rule") + ("" if jobs is None else f", {many(jobs, 'job')}")
    print(f"{path}: {what}, {count_line(()) if not warnings else 'no errors'}")
    return 0


def _about_profiles(workflow: "Workflow") -> "list[Diagnostic]":
    """What is to be said of the measurements that rules name."""
    if not any(rule.profile for rule in workflow.rules):
        return []
    from flowc.plan.measured import check_profiles  # only for such workflows

    return check_profiles(workflow)
