"""flowc report: show how a run went, as a page, a text, or for other tools.

Made from the run's log alone, here or on another machine: of the last run, of one by its id, or of
a log by its path. A log of nipype, a trace of Nextflow and an instance of WfCommons are read too.

Examples:
  flowc report                              the last run as report.html
  flowc report 20260131-142501-4242 -o a.html
  flowc report --text                       in the terminal
  flowc report --format trace -o run.json   to be opened in Perfetto
  flowc report --compare                    what has changed from the run before to the last
  flowc report --compare OLD NEW            or from one run to another
"""

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.options import add_output
from flowc.diagnostic import fail
from flowc.whole import write_whole

if TYPE_CHECKING:
    from flowc.record.story import RunStory
    from flowc.report.figures import Figures

FORMATS = (
    "html", "text", "json", "csv", "trace", "openmetrics", "nextflow-trace", "wfformat", "ro-crate",
)  # fmt: skip


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc report [RUN] [-o FILE] [OPTION ...]"
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's id, or the path of a log")
    group = parser.add_argument_group("report")
    group.add_argument("-o", "--output", metavar="FILE", help="where to (default: report.html)")
    group.add_argument(
        "--format", choices=FORMATS, default=None, metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: html); all but html to stdout unless told",
    )  # fmt: skip
    group.add_argument("--text", action="store_true", help="the same as --format text")
    group.add_argument(
        "--compare", nargs="*", metavar="RUN",
        help="two runs side by side, OLD and NEW (default: the last two)",
    )  # fmt: skip
    group.add_argument(
        "--profile", metavar="FILE",
        help="with what a profile knows: cores and memory over time, advice from its models",
    )  # fmt: skip
    group.add_argument("-d", "--directory", metavar="DIR", help="where the runs are (default: .)")
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.record.find import last_two_logs  # not for --help
    from flowc.reporting import COMPARED, figures_of, render_compared

    directory = args.directory or "."
    form = args.format or ("text" if args.text else "json" if args.json else "html")
    if args.compare is not None:
        if args.run is not None or len(args.compare) not in (0, 2) or form not in COMPARED:
            raise fail("bad-option", "`--compare OLD NEW` takes two runs, as html, text or json")
        names = args.compare or last_two_logs(directory)
        old, new = (figures_of(name, directory=directory) for name in names)
        text = render_compared(old, new, form, color=_color(args))
        put(args, form, text, "comparison.html")
        return 0
    found = figures_of(args.run, directory=directory, profile=args.profile)
    put(args, form, rendered(form, found, args), "report.html")
    return 0


def rendered(form: str, found: "Figures", args: Namespace, *, is_chart: bool = False) -> str:
    """The report in one of its forms."""
    from flowc.reporting import render  # not for --help

    return render(found, form, chart=is_chart, color=_color(args))


def _color(args: Namespace) -> bool:
    import sys

    from flowc.cli.show import wants_color

    return args.output in (None, "-") and wants_color(args, sys.stdout)


def put(args: Namespace, form: str, text: str, otherwise: str) -> None:
    """Write a report where it is wanted: a page into a file, all else to stdout."""
    path = args.output or (otherwise if form == "html" else "-")
    if path == "-":
        print(text, end="")
        return
    write(path, text)
    if not getattr(args, "quiet", False):
        from flowc.cli.show import say

        say(f"written: {path}")


def write_report(args: Namespace, story: "RunStory") -> None:
    """For `--report` of a run that is over, with what it has added to a profile."""
    from flowc.cli.show import say
    from flowc.reporting import figures_with, render

    if not story.run:
        say("no report: nothing was run")
        return
    is_measured = args.save_profile is not None and os.path.exists(args.save_profile)
    found = figures_with(story, args.save_profile if is_measured else None)
    write(args.report, render(found))
    if not args.quiet:
        say(f"report: {args.report}")


def may_write(path: str) -> None:
    """Raises WorkflowError where `write` would: better before a long run than behind it."""
    directory = os.path.dirname(path) or "."
    if not os.access(directory, os.W_OK) or os.path.isdir(path):
        raise fail("unwritable-report", f"`{path}` cannot be written: there is no place for it")


def write(path: str, text: str) -> None:
    """A whole file or none. Stray bytes of names leave as they came."""
    write_whole(path, [text], code="unwritable-report")
