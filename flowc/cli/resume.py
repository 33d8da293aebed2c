"""flowc resume: let the run in this directory, that `flowc pause` has paused, go on.

Examples:
  flowc resume
"""

import signal
from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_output
from flowc.cli.pause import send


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc resume [OPTION ...]"
    add_output(parser)


def main(args: Namespace) -> int:
    send(signal.SIGUSR2)
    return 0
