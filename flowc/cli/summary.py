"""flowc summary: list the outputs and the state they are in.

One line for each output, its columns separated by tabs: file, state ("ok", "missing", "stale",
"maybe": stale if what is made before it comes out different, or "removed": temporary and not
needed), date of its last change, size in bytes, rule, and why it is to be made again.

Examples:
  flowc summary | column -t -s $'\\t'
  flowc summary --json | jq -r 'select(.state == "stale").file'
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from flowc.cli.options import add_choice, add_resources, add_workflow
from flowc.diagnostic import printable

COLUMNS = ("file", "state", "date", "size", "rule", "why")


def options(parser: ArgumentParser) -> None:
    add_workflow(parser)
    add_choice(parser)
    add_resources(parser)


def main(args: Namespace) -> int:
    from flowc.api import plan_file  # not for --help
    from flowc.cli.asked import asked
    from flowc.cli.planning import plan_options
    from flowc.cli.show import print_json

    found = asked(args)
    plan = plan_file(found.workflow, found.targets, found.reading, plan_options(args))
    if not args.json:
        print("\t".join(COLUMNS))
    for row in _rows(plan):
        if args.json:
            print_json(row)
        else:
            print("\t".join(_cell(row[column]) for column in COLUMNS))
    return 0


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return printable("; ".join(value))
    return "-" if value is None else printable(str(value))


def _rows(plan: Any) -> Iterator[dict[str, Any]]:
    from flowc.ids import JobId
    from flowc.plan.decision import Decision

    graph = plan.graph
    rules = graph.workflow.rules
    for job, decision in enumerate(plan.decisions):
        why = [str(reason) for reason in plan.reasons(JobId(job))] if decision else []
        for file in graph.outputs[job]:
            state = graph.states[file]
            if decision == Decision.SKIP:
                word = "removed" if state is None else "ok"
            elif state is None:
                word = "missing"
            else:
                word = "stale" if decision == Decision.RUN else "maybe"
            yield {
                "file": graph.paths[file],
                "state": word,
                "date": None if state is None else _date(state.mtime_ns),
                "size": None if state is None else state.size_bytes,
                "rule": rules[graph.rule_of[job]].name,
                "why": why,
            }


def _date(mtime_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(mtime_ns // 10**9))
