"""flowc check: read the workflow, and find out whether the targets can be made.

Nothing is run and nothing written. All mistakes are reported at once, each with its place.

Examples:
  flowc check
  flowc check rules/map.smk --json
"""

from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_cores, add_workflow


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

    path, targets, reading = asked(args)
    if is_compiled(path) or not args.syntax_only:
        graph = compile_file(path, targets, reading)
        workflow, jobs = graph.workflow, len(graph)
    else:
        workflow, jobs = load_file(path, reading), None
    if workflow.warnings:
        report(workflow.warnings, args)
    rules = len(workflow.rules)
    if args.json:
        print_json({"check": {"workflow": path, "rules": rules, "jobs": jobs, "ok": True}})
        return 0
    what = many(rules, "rule") + ("" if jobs is None else f", {many(jobs, 'job')}")
    print(f"{path}: {what}, {count_line(()) if not workflow.warnings else 'no errors'}")
    return 0
