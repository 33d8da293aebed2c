"""flowc pause: let the run in this directory start no new jobs; what runs goes on.

`flowc resume` lets it go on. The run stays paused for as long as it lasts.

Examples:
  flowc pause
"""

import os
import signal
from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_output


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc pause [OPTION ...]"
    add_output(parser)


def main(args: Namespace) -> int:
    send(signal.SIGUSR1)
    return 0


def send(number: int) -> None:
    """Tell the run in this directory. Raises WorkflowError where there is none."""
    from flowc.cli.status import latest_log  # not for --help, as below
    from flowc.diagnostic import fail
    from flowc.record.overview import summary

    found = summary(latest_log())
    if not found.is_alive or found.started is None:
        raise fail(
            "no-run",
            "no run is at work in this directory, on this machine",
            hint="`flowc history` lists the runs that have been",
        )
    os.kill(found.started.pid, number)
