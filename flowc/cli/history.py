"""flowc history: list the runs in this directory, the latest last.

Examples:
  flowc history
  flowc history --last 5 --json
"""

import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.options import add_output
from flowc.cli.values import positive

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.record.overview import Overview


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc history [OPTION ...]"
    parser.add_argument(
        "--last", type=positive, default=20, metavar="N", help="how many runs (default: 20)"
    )
    add_output(parser)


def main(args: Namespace) -> int:
    import sys

    from flowc.cli.show import print_json, table, wants_color  # not for --help, as below
    from flowc.cli.status import latest_log
    from flowc.record.log import list_runs
    from flowc.record.overview import summary

    latest_log()
    found = [summary(path) for path in list_runs()[-args.last :]]
    if args.json:
        for one in found:
            print_json(_data(one))
        return 0
    head = ("run", "began", "took ", "state", "done ", "failed ", "command")
    print(table(head, [_row(one) for one in found], color=wants_color(args, sys.stdout)))
    return 0


def _row(found: "Overview") -> tuple[str, ...]:
    from flowc.cli.status import run_name
    from flowc.units import show_seconds

    began, ended = found.started, found.ended
    return (
        run_name(found),
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(began.at_s)) if began else "?",
        show_seconds(max(0.0, ended.at_s - began.at_s)) if began and ended else "?",
        found.state,
        f"{found.done:,}",
        f"{found.failed:,}",
        " ".join(began.argv) if began else "?",
    )


def _data(found: "Overview") -> dict[str, object]:
    from flowc.cli.status import run_name

    return {
        "run": run_name(found),
        "state": found.state,
        "began_s": found.started.at_s if found.started else None,
        "ended_s": found.ended.at_s if found.ended else None,
        "exit_code": found.ended.exit_code if found.ended else None,
        "done": found.done,
        "failed": found.failed,
        "argv": found.started.argv if found.started else None,
    }
