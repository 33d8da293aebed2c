"""flowc graph: draw the rules, jobs or files that the targets need.

Arrows lead from what makes something to what uses it. A list that many jobs read becomes one
node where that saves a thousand arrows or more.

Examples:
  flowc graph | dot -Tsvg > rules.svg
  flowc graph --jobs --format mermaid results/a.txt
  flowc graph --files --json | jq '.nodes[].label'
"""

import sys
from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_cores, add_workflow


def options(parser: ArgumentParser) -> None:
    what = parser.add_argument_group("what to draw").add_mutually_exclusive_group()
    for subject, text in (
        ("rules", "a node for each rule (this is what you get without any of the three)"),
        ("jobs", "a node for each job"),
        ("files", "a node for each file and each job"),
    ):
        what.add_argument(
            f"--{subject}", dest="subject", action="store_const", const=subject, help=text
        )
    parser.add_argument(
        "--format",
        choices=("dot", "mermaid", "json"),
        help="dot (Graphviz; the default), mermaid (for Markdown) or json",
    )
    add_workflow(parser)
    add_cores(parser)


def main(args: Namespace) -> int:
    from flowc.api import compile_file  # not for --help
    from flowc.cli.asked import asked
    from flowc.graph.export import export

    workflow, targets, reading = asked(args)
    graph = compile_file(workflow, targets, reading)
    form = args.format or ("json" if args.json else "dot")
    sys.stdout.writelines(f"{line}\n" for line in export(graph, args.subject or "rules", form))
    return 0
