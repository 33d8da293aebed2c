"""flowc run: make the targets, running at once as many jobs as cores and memory allow.

Only what is out of date is made: outputs that are missing, older than an input whose content has
changed, or made by another command, with other params or from other inputs.

Examples:
  flowc run --cores 4 --mem 6
  flowc run Workflowfile results/a.txt -k
  flowc run -n                              the same as `flowc plan`
  flowc run --touch                         declare what exists up to date
"""

from argparse import ArgumentParser

from flowc.cli.options import add_choice, add_resources, add_running, add_workflow
from flowc.cli.plan import add_display


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--dry-run", "--dryrun", action="store_true", help="only say what would run"
    )
    add_workflow(parser)
    add_display(parser)
    add_running(parser)
    add_choice(parser)
    add_resources(parser)
