"""flowc gantt: draw the log of a run as a chart: flowc's own, nipype's, Nextflow's, WfCommons's.

The page is that of `flowc report`, with as much as the log tells.

Examples:
  flowc gantt callback.log --cores 8 -o gantt.html
  flowc gantt trace.txt
"""

from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_output
from flowc.cli.values import positive


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc gantt LOG [-o FILE] [OPTION ...]"
    parser.add_argument("log", metavar="LOG", help="an event log, or a log of another tool")
    group = parser.add_argument_group("chart")
    group.add_argument("-o", "--output", metavar="FILE", help="where to (default: gantt.html)")
    group.add_argument(
        "--cores", type=positive, metavar="N", help="how many cores there were, where no log says"
    )
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.report import put, rendered  # not for --help, as below
    from flowc.reporting import figures_of

    found = figures_of(args.log, cores=args.cores)
    put(args, "html", rendered("html", found, args, is_chart=True), "gantt.html")
    return 0
