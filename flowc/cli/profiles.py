"""What the commands that read profiles have in common."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flowc.diagnostic import Diagnostic, fail
from flowc.sizing.fitted import LEVELS
from flowc.sizing.profile import Attempt, ProfileRun, read_profile

if TYPE_CHECKING:
    from flowc.lang.workflow import Workflow

MOST_NAMED = 5
"""More names are counted."""


def add_level(parser: ArgumentParser) -> None:
    """What figures are to be good for."""
    parser.add_argument(
        "--level",
        choices=LEVELS,
        default=LEVELS[0],
        help="what headroom is for: the least memory wasted, or fewer than 1 job in 100 killed "
        "(default: %(default)s)",
    )


def read_all(paths: Sequence[str]) -> list[tuple[ProfileRun, Attempt]]:
    """The attempts of all these profiles. Raises WorkflowError where there is none."""
    pairs = [pair for path in paths for pair in read_profile(path).attempts()]
    if not pairs:
        names = ", ".join(f"`{path}`" for path in paths)
        raise fail("empty-profile", f"nothing was measured in {names}")
    return pairs


def warn_of_unmatched(figures: Mapping[str, object], workflow: "Workflow", args: Namespace) -> None:
    """Names in the resource file that are no rules of the workflow: their figures are nobody's."""
    from flowc.plan.measured import check_rules_named
    from flowc.sizing.figures import nearest

    path = args.resource_file
    unknown = check_rules_named(figures, workflow, path)
    for name in unknown[:MOST_NAMED]:
        hint = nearest(name, workflow.by_name)
        warn(f"`{name}` in `{path}` is no rule of this workflow{hint and f': {hint}'}", args)
    if len(unknown) > MOST_NAMED:
        warn(f"nor are {len(unknown) - MOST_NAMED} other names in `{path}`", args)


def warn(message: str, args: Namespace) -> None:
    """Something that keeps nobody from going on."""
    from flowc.cli.show import print_json, say, wants_color
    from flowc.diagnostic import render

    diagnostic = Diagnostic("profile-warning", message, severity="warning")
    if args.json:
        print_json({"diagnostic": diagnostic.to_json()})
    else:
        import sys

        say(render(diagnostic, color=wants_color(args, sys.stderr)))
