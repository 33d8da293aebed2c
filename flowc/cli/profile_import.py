"""flowc profile import: take over what another tool has measured, as a profile.

Names are matched to the rules of the workflow: as they are, without what tells samples apart, or
as `--map` says. Without a workflow each name, folded in this way, is a rule of its own.

Examples:
  flowc profile import trace.txt --from nextflow -o profile.json
  flowc profile import benchmarks/map/*.tsv --from snakemake -s Workflowfile
  flowc profile import run.log --from nipype --map 'wf.bet*=skullstrip'
"""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from typing import TYPE_CHECKING

from flowc.cli.profile import DEFAULT
from flowc.sizing.importers import TOOLS

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.sizing.importers.base import Found
    from flowc.sizing.profile import Attempt


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_output, many

    parser.usage = "flowc profile import FILE [FILE ...] --from TOOL [OPTION ...]"
    parser.add_argument("files", nargs="+", metavar="FILE", help="what the tool has written")
    parser.add_argument(
        "--from", dest="tool", required=True, choices=list(TOOLS), help="; ".join(
            f"{tool}: {text}" for tool, text in TOOLS.items())
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=DEFAULT,
        help="add it to this profile (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "-s", "--snakefile", dest="workflowfile", metavar="FILE",
        help="the workflow whose rules were measured",
    )  # fmt: skip
    parser.add_argument("--rule", metavar="RULE", help="all of it is of this rule")
    many(parser, "--map", "PATTERN=RULE", "names that stand for a rule; `*` fits any text", _pair)
    add_output(parser)


def _pair(text: str) -> tuple[str, str]:
    pattern, equals, rule = text.rpartition("=")
    if not equals or not pattern or not rule:
        raise ArgumentTypeError(f"`{text}` is not of the form PATTERN=RULE")
    return pattern, rule


def main(args: Namespace) -> int:
    from flowc.api import load_file
    from flowc.cli.profiles import warn
    from flowc.cli.show import many, print_json, say
    from flowc.diagnostic import fail
    from flowc.sizing.figures import nearest
    from flowc.sizing.importers import read_measurements
    from flowc.sizing.importers.match import match
    from flowc.sizing.profile import ProfileRun, add_run, may_add_to

    may_add_to(args.output)
    rules = None
    if args.workflowfile is not None:
        rules = [rule.name for rule in load_file(args.workflowfile).rules]
    pairs = [("*", args.rule)] if args.rule else list(args.map or ())
    for _, rule in pairs:
        if rules is not None and rule not in rules:
            message = f"`{rule}` is no rule of `{args.workflowfile}`"
            raise fail("unknown-rule", message, hint=nearest(rule, rules) or None)
    parts = []  # all are read before anything is written
    missed: dict[str, None] = {}
    left_out: Counter[str] = Counter()
    for path in args.files:
        everything = read_measurements(args.tool, path)
        left_out.update(one.left_out for one in everything if one.left_out)
        found = [one for one in everything if not one.left_out]
        for one in found:
            one.name = one.name or _name_of(path, rules)
        matched, unmatched = match(found, rules, pairs)
        missed.update(dict.fromkeys(unmatched))
        attempts = [_attempt(one, matched[one.name]) for one in found if one.name in matched]
        parts.append((path, attempts))
    for name in missed:
        hint = nearest(name, rules or ())
        warn(f"`{name}` is no rule of the workflow" + (f": {hint}" if hint else ""), args)
    for why, count in left_out.items():
        warn(f"{many(count, 'job')} left out: {why}", args)
    total = sum(len(attempts) for _, attempts in parts)
    if not total:
        raise fail(
            "unmatched-rules",
            f"nothing in {', '.join(f'`{p}`' for p in args.files[:3])} is of a rule of "
            f"`{args.workflowfile}`",
            hint="say which name is which rule: `--map 'NAME*=RULE'`",
        )
    for path, attempts in parts:
        if attempts:
            run = ProfileRun(_run_id(args.tool, path), attempts, tool=args.tool, date=_date(path))
            add_run(args.output, run, replace=True)
    names = sorted({attempt.rule for _, attempts in parts for attempt in attempts})
    if args.json:
        print_json({"attempts": total, "rules": names, "unmatched": list(missed)})
    else:
        say(f"{many(total, 'attempt')} of {many(len(names), 'rule')}: {', '.join(names[:10])}")
    return 0


def _attempt(found: "Found", rule: str) -> "Attempt":
    from flowc.sizing.profile import Attempt

    figures = dict(found.figures)
    peak, mean = figures.get("cores_peak"), figures.get("cores_mean")
    if peak is not None and mean is not None:
        figures["cores_peak"] = max(peak, mean)
    name = found.name if not found.tag or found.tag in found.name else f"{found.name} {found.tag}"
    return Attempt(rule, name=name[:200], outcome=found.outcome, **figures)


def _name_of(path: str, rules: list[str] | None) -> str:
    """`benchmarks/map/A.tsv` is of rule `map`, unless there is a rule `A`."""
    stem = os.path.basename(path).partition(".")[0]
    parent = os.path.basename(os.path.dirname(os.path.abspath(path)))
    if rules is not None:
        return next((name for name in (stem, parent) if name in rules), stem)
    return stem if parent in ("benchmarks", "benchmark", "") else parent


def _run_id(tool: str, path: str) -> str:
    """The same file imported again is the same run."""
    from hashlib import blake2b

    with open(path, "rb") as file:
        digest = blake2b(file.read(), digest_size=6).hexdigest()
    return f"{tool}-{digest}"


def _date(path: str) -> str:
    from flowc.measure.profiler import date

    return date(os.stat(path).st_mtime)
