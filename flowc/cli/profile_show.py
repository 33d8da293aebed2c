"""flowc profile show: what was measured, rule by rule, and what it would ask for.

With --json, one rule a line.

Examples:
  flowc profile show profile.json
  flowc profile show profile.json --jobs
  flowc profile show profile.json --model map
"""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # nothing that --help does not need
    from collections.abc import Iterator

    from flowc.sizing.figures import Evidence
    from flowc.sizing.profile import Attempt


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_output

    parser.usage = "flowc profile show PROFILE [PROFILE ...] [OPTION ...]"
    parser.add_argument("profiles", nargs="+", metavar="PROFILE", help="what was measured")
    parser.add_argument("--jobs", action="store_true", help="each attempt, not just each rule")
    parser.add_argument("--rule", metavar="RULE", help="of this rule alone")
    parser.add_argument(
        "--model",
        metavar="RULE",
        help="draw the memory of a rule: what was measured and the request",
    )
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.profiles import read_all
    from flowc.cli.show import many, print_json, table, wants_color
    from flowc.diagnostic import fail
    from flowc.sizing.figures import gather, nearest

    pairs = read_all(args.profiles)
    evidence = gather(pairs)
    one_rule = args.model or args.rule
    if one_rule is not None:
        if one_rule not in evidence:
            raise fail(
                "unmatched-rules",
                f"nothing was measured of a rule `{one_rule}`",
                hint=nearest(one_rule, evidence) or None,
            )
        evidence = {one_rule: evidence[one_rule]}
    if args.model is not None:
        for line in drawing(evidence[args.model]):
            print(line)
        return 0
    if args.json:
        for one in evidence.values():
            print_json(_data(one, jobs=args.jobs))
        return 0
    color = wants_color(args, sys.stdout)
    if args.jobs:
        attempts = [a for one in evidence.values() for a in one.attempts]
        has_gpu = any(a.gpu_memory_peak_bytes is not None for a in attempts)
        rows = [_job_row(a)[: None if has_gpu else -1] for a in attempts]
        heads: tuple[str, ...] = ("job", "outcome", "wall ", "cores ", "memory ", "inputs ")
        heads += ("gpus",) if has_gpu else ()
    else:
        rows = [_rule_row(one) for one in evidence.values()]
        heads = ("rule", "jobs ", "wall ", "cores ", "memory ", "threads ", "mem_gb ", "why")
    print(table(heads, rows, color=color))
    runs = {id(run): run for run, _ in pairs}.values()
    tools = sorted({run.tool for run in runs})
    print(f"\n{many(len(runs), 'run')}, measured by {', '.join(tools)}")
    return 0


WIDTH = 60


def drawing(evidence: "Evidence") -> "Iterator[str]":
    """A line for each measurement, by the size of the input: a bar as long as its peak, and marks
    where the fit is, if it goes with the input, and the request."""
    from flowc.units import show_bytes

    fitted = evidence.fitted
    scale = fitted.scale if fitted is not None and fitted.varies else None
    seen = sorted(
        (a.input_bytes or 0, a.memory_peak_bytes, a.input_bytes is not None)
        for a in evidence.sized
        if a.memory_peak_bytes is not None
    )
    rows = [
        (size if known else None, peak, evidence.figures(size if known else None).memory_bytes or 0)
        for size, peak, known in seen
    ]
    if not rows:
        yield f"nobody has measured the memory of rule `{evidence.rule}`"
        return
    most = max(max(peak, asked) for _, peak, asked in rows)
    shown = rows[:: -(-len(rows) // MOST_ROWS)]
    legend = "= peak, o fit, | request" if scale is not None else "= peak, | request"
    yield f"{'input':>9}  {'peak':>8}  {'request':>8}  0 to {show_bytes(most)}: {legend}"
    for size, peak, asked in shown:
        bar = list(("=" * round(WIDTH * peak / most)).ljust(WIDTH + 1))
        if scale is not None and size is not None:
            bar[round(WIDTH * min(max(scale.at(size), 0) / most, 1))] = "o"
        bar[round(WIDTH * asked / most)] = "|"
        line = f"{_size(size):>9}  {show_bytes(peak):>8}  {show_bytes(asked):>8}  "
        yield (line + "".join(bar)).rstrip()
    if fitted is not None:
        yield f"\n{evidence.rule}: {fitted.explain()}"


MOST_ROWS = 40


def _rule_row(evidence: "Evidence") -> list[str]:
    from flowc.sizing.figures import shown_gb

    figures = evidence.figures()
    bad = len(evidence.attempts) - len(evidence.good)
    return [
        evidence.rule,
        f"{len(evidence.good)}" + (f" (+{bad})" if bad else ""),
        _seconds(evidence.wall_s),
        _number(evidence.cores_peak),
        ("under " if evidence.memory_is_bound else "") + _size(evidence.memory_peak_bytes),
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
        f"{_number(attempt.gpu_use_peak)} with {_size(attempt.gpu_memory_peak_bytes)}",
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
