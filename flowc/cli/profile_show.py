"""flowc profile show: what was measured, rule by rule, and what it would ask for.

With --json, one rule a line.

Examples:
  flowc profile show profile.json
  flowc profile show profile.json --jobs
"""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.sizing.figures import Evidence
    from flowc.sizing.profile import Attempt


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_output

    parser.usage = "flowc profile show PROFILE [PROFILE ...] [OPTION ...]"
    parser.add_argument("profiles", nargs="+", metavar="PROFILE", help="what was measured")
    parser.add_argument("--jobs", action="store_true", help="each attempt, not just each rule")
    parser.add_argument("--rule", metavar="RULE", help="of this rule alone")
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.profiles import read_all
    from flowc.cli.show import many, print_json, table, wants_color
    from flowc.diagnostic import fail
    from flowc.sizing.figures import gather, nearest

    pairs = read_all(args.profiles)
    evidence = gather(pairs)
    if args.rule is not None:
        if args.rule not in evidence:
            raise fail(
                "unmatched-rules",
                f"nothing was measured of a rule `{args.rule}`",
                hint=nearest(args.rule, evidence) or None,
            )
        evidence = {args.rule: evidence[args.rule]}
    if args.json:
        for one in evidence.values():
            print_json(_data(one, jobs=args.jobs))
        return 0
    color = wants_color(args, sys.stdout)
    if args.jobs:
        rows = [_job_row(a) for one in evidence.values() for a in one.attempts]
        heads: tuple[str, ...] = ("job", "outcome", "wall ", "cores ", "memory ", "inputs ")
    else:
        rows = [_rule_row(one) for one in evidence.values()]
        heads = ("rule", "jobs ", "wall ", "cores ", "memory ", "threads ", "mem_gb ", "why")
    print(table(heads, rows, color=color))
    runs = {id(run): run for run, _ in pairs}.values()
    tools = sorted({run.tool for run in runs})
    print(f"\n{many(len(runs), 'run')}, measured by {', '.join(tools)}")
    return 0


def _rule_row(evidence: "Evidence") -> list[str]:
    from flowc.sizing.figures import shown_gb

    figures = evidence.figures()
    bad = len(evidence.attempts) - len(evidence.good)
    return [
        evidence.rule,
        f"{len(evidence.good)}" + (f" (+{bad})" if bad else ""),
        _seconds(evidence.wall_s),
        _number(evidence.cores_peak),
        _size(evidence.memory_peak_bytes),
        "-" if figures.cores is None else str(figures.cores),
        "-" if figures.memory_bytes is None else f"{shown_gb(figures.memory_bytes):g}",
        figures.why,
    ]


def _job_row(attempt: "Attempt") -> list[str]:
    from flowc.sizing.figures import cores_used

    again = f" (attempt {attempt.attempt})" if attempt.attempt > 1 else ""
    bound = "under " if attempt.memory_is_bound else ""
    return [
        (attempt.name or attempt.rule) + again,
        attempt.outcome,
        _seconds(attempt.wall_s),
        _number(cores_used(attempt)),
        bound + _size(attempt.memory_peak_bytes),
        _size(attempt.input_bytes),
    ]


def _seconds(value: float | None) -> str:
    from flowc.units import show_seconds

    return "-" if value is None else show_seconds(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _size(value: int | None) -> str:
    from flowc.units import show_bytes

    return "-" if value is None else show_bytes(value)


def _data(evidence: "Evidence", *, jobs: bool) -> dict[str, Any]:
    figures = evidence.figures()
    data: dict[str, Any] = {
        "rule": evidence.rule,
        "attempts": len(evidence.attempts),
        "good": len(evidence.good),
        "wall_s": evidence.wall_s,
        "cores_peak": evidence.cores_peak,
        "memory_peak_bytes": evidence.memory_peak_bytes,
        "request": {"cores": figures.cores, "memory_bytes": figures.memory_bytes},
        "why": figures.detail,
    }
    if jobs:
        data["jobs"] = [attempt.to_data() for attempt in evidence.attempts]
    return data
