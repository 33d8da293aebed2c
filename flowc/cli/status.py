"""flowc status: how far the run in this directory is, or how the last one has ended.

Examples:
  flowc status
  flowc status --json
"""

import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.options import add_output

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.record.overview import Overview


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc status [OPTION ...]"
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.show import print_json  # not for --help, as below
    from flowc.record.overview import overview

    found = overview(latest_log())
    if args.json:
        print_json(_data(found))
    else:
        _print(found, args)
    return 0


def latest_log() -> str:
    """Raises WorkflowError where no run has been."""
    from flowc.diagnostic import fail
    from flowc.record.log import list_runs

    runs = list_runs()
    if not runs:
        raise fail(
            "no-run", "no run has been in this directory", hint="`flowc run` makes the targets"
        )
    return runs[-1]


def run_name(found: "Overview") -> str:
    return found.path.rpartition("/")[2].removesuffix(".jsonl")


def _data(found: "Overview") -> dict[str, object]:
    jobs = [
        {"job": j.job, "name": j.name, "attempt": j.attempt, "since_s": j.at_s, "cores": j.cores}
        for j in found.running.values()
    ]
    return {
        "run": run_name(found),
        "state": found.state,
        "total": found.total,
        "done": found.done,
        "failed": found.failed,
        "running": jobs,
    }


def _print(found: "Overview", args: Namespace) -> None:
    import sys

    from flowc.cli.show import table, wants_color
    from flowc.units import show_gb, show_seconds

    now_s = time.time() if found.ended is None else found.ended.at_s
    began_s = now_s if found.started is None else found.started.at_s
    passed = f" for {show_seconds(now_s - began_s)}" if found.is_alive else ""
    print(f"run {run_name(found)}: {found.state}{passed}")
    print(f"{found.done:,} of {found.total:,} jobs done, {found.failed:,} failed")
    if not found.running:
        return
    rows = []
    for job in found.running.values():
        since = show_seconds(max(0.0, now_s - job.at_s))
        rows.append((job.name, since, str(job.cores), show_gb(job.memory_bytes)))
    if not found.is_alive:
        print("cut short; the next run makes these again:")
    head = ("running", "for ", "cores ", "memory ")
    print(table(head, rows, color=wants_color(args, sys.stdout)))
