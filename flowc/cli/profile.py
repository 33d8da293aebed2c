"""flowc profile: make the targets and measure what each job uses; work with what was measured.

As `flowc run`, with a profile: cores, threads, memory and bytes of each attempt, over time. Further
words make something of a profile:

  flowc profile show FILE         what was measured, rule by rule
  flowc profile resources FILE    figures for `flowc run --resource-file`
  flowc profile apply FILE        write the figures into the Workflowfile
  flowc profile diff A B          what has changed between two profiles
  flowc profile import FILE       take over what another tool has measured

Examples:
  flowc profile --cores 4 --mem 6 -o profile.json
  flowc profile -F -o profile.json          measure what is up to date, too
  flowc profile resources profile.json -o resources.json
  flowc run --resource-file resources.json
"""

import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli import run

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.measure.others import CpuTimes

DEFAULT = "profile.json"


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=DEFAULT,
        help="add what was measured to this profile (default: %(default)s)",
    )  # fmt: skip
    run.shared_options(parser)


def main(args: Namespace) -> int:
    from flowc.cli.show import say
    from flowc.diagnostic import fail
    from flowc.measure.others import cpu_times

    if args.touch:
        raise fail("bad-option", "`--touch` runs nothing, so there is nothing to measure")
    args.save_profile = args.output
    saved = _saved(args.save_profile)
    before, began_s = cpu_times(), time.monotonic()
    code = run.main(args)
    if args.dry_run or args.json or args.quiet:
        return code
    if _saved(args.save_profile) == saved:
        say("nothing was measured: `-F` runs what is up to date, too")
    else:
        _say_what_is_missing(args, before, time.monotonic() - began_s)
        say(f"measured: `flowc profile show {args.save_profile}`")
    return code


def _say_what_is_missing(args: Namespace, before: "CpuTimes | None", wall_s: float) -> None:
    """Where something could not be measured, or not well."""
    from flowc.cli.profiles import warn
    from flowc.measure.others import cpu_times, crowded_by
    from flowc.sizing.profile import NOT_STARTED, read_profile

    run = read_profile(args.save_profile).runs[-1]
    began = [attempt for attempt in run.attempts if attempt.outcome != NOT_STARTED]
    for rule in dict.fromkeys(a.rule for a in began if a.memory_peak_bytes is None):
        warn(f"the memory of rule `{rule}` could not be measured", args)
    for rule in dict.fromkeys(a.rule for a in began if a.memory_counts_twice):
        warn(
            f"memory that the processes of rule `{rule}` share is counted for each of them: "
            "flowc may not look into them",
            args,
        )
    own_s = sum(a.cpu_s or 0.0 for a in began) + time.process_time()
    others = crowded_by(before, cpu_times(), own_s, wall_s) if args.executor == "local" else None
    if others is not None:
        warn(
            f"other programs had {others:.1f} of this machine's cores meanwhile, and hardly any "
            "was idle: jobs might have used more cores than it is said",
            args,
        )


def _saved(path: str) -> tuple[int, int] | None:
    """Tells whether the file has been written anew."""
    import os

    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
