"""What the commands that read profiles have in common."""

from argparse import Namespace
from collections.abc import Sequence

from flowc.diagnostic import Diagnostic, fail
from flowc.sizing.profile import Attempt, ProfileRun, read_profile


def read_all(paths: Sequence[str]) -> list[tuple[ProfileRun, Attempt]]:
    """The attempts of all these profiles. Raises WorkflowError where there is none."""
    pairs = [pair for path in paths for pair in read_profile(path).attempts()]
    if not pairs:
        names = ", ".join(f"`{path}`" for path in paths)
        raise fail("empty-profile", f"nothing was measured in {names}")
    return pairs


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
