"""flowc compile: write the workflow's graph as one JSON file.

It holds every job that the targets need, each file and what each job asks for, and takes the
Workflowfile's place wherever one is named. docs/reference/ir.md explains its fields.

Examples:
  flowc compile Workflowfile -o workflow.ir.json
  flowc run workflow.ir.json --cores 4
  flowc compile | jq '.jobs | length'
"""

import sys
from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_resources, add_workflow


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="where to write (default: stdout)"
    )
    add_workflow(parser)
    add_resources(parser)


def main(args: Namespace) -> int:
    import os
    from dataclasses import replace

    from flowc.api import compile_file, ir_of
    from flowc.cli.asked import asked
    from flowc.cli.planning import resource_options
    from flowc.whole import write_whole

    output = args.output if args.output == "-" else os.path.abspath(args.output)
    found = asked(args)
    graph = compile_file(found.workflow, found.targets, found.reading)
    options = resource_options(args)
    if args.cores is None:  # the file may be run on another machine
        options = replace(options, cores=None)
    lines = (f"{line}\n" for line in ir_of(graph, options))
    if output == "-":
        sys.stdout.writelines(lines)
    else:
        write_whole(output, lines)
    return 0
