"""The export commands: their options, and the way from these to files. They differ in a word."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.executing import add_env, environment
from flowc.cli.options import add_choice, add_requests, add_workflow
from flowc.cli.values import positive, seconds

if TYPE_CHECKING:  # not for --help
    from flowc.plan.decision import Plan


def add_export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=None,
        help="the directory to write; it must be new, or empty",
    )  # fmt: skip
    parser.add_argument(
        "--replace", action="store_true", help="write an export anew that is there already"
    )
    add_workflow(parser)
    group = parser.add_argument_group("scripts")
    group.add_argument(
        "--site", metavar="FILE", default=None, help="settings of the cluster, as YAML"
    )
    group.add_argument(
        "--template-dir", metavar="DIR", default=None,
        help="templates that take the place of flowc's own of the same name",
    )  # fmt: skip
    group.add_argument(
        "--group-to", type=seconds, metavar="SECONDS", default=None,
        help="let short jobs of one rule run one after another, together about so long: `10m`",
    )  # fmt: skip
    group.add_argument(
        "--retry-with-more", action="store_true",
        help="where a rule has `retries`, and nothing else is said of its last attempt, let that "
        "be a script of its own, which asks for twice the memory and the time",
    )  # fmt: skip
    group.add_argument(
        "--no-arrays", action="store_true", help="one script for each job, or group of short ones"
    )
    add_env(group)
    add_choice(parser)
    group = parser.add_argument_group("resources")
    group.add_argument(
        "-c", "--cores", type=positive, metavar="N", default=None,
        help="cores of the largest node: no job asks for more (default: as the rules say)",
    )  # fmt: skip
    add_requests(group)


def described(first: str, *examples: str) -> str:
    """A command's description: its own first line, and what is the same of all."""
    return f"{first}\n\n{_IN_THE_DIRECTORY}\nExamples:\n" + "".join(
        f"  {one}\n" for one in examples
    )


_IN_THE_DIRECTORY = """\
In the directory: each script is one job, or an array of the jobs of one rule; `submit.sh`,
`status.sh` and `cancel.sh`; a README and `manifest.json`. A job does not run when one that it needs
has failed, and what is done is not done again when submit.sh is called once more.
"""


def export(dialect: str, args: Namespace) -> int:
    import os
    from dataclasses import replace

    from flowc.api import plan_file
    from flowc.cli.asked import asked
    from flowc.cli.planning import plan_options
    from flowc.diagnostic import fail
    from flowc.export.units import Grouping
    from flowc.export.write import Export, make_room, write_export
    from flowc.site import Site, read_site

    if args.output is None:
        raise fail("bad-option", "`-o DIR` is missing: where to write the scripts")
    output = os.path.abspath(args.output)
    template_dir = args.template_dir and os.path.abspath(args.template_dir)
    site_file = args.site and os.path.abspath(args.site)
    found = asked(args)
    make_room(output, replace=args.replace)
    options = plan_options(args)
    if args.cores is None:  # the jobs run on other machines
        options = replace(options, cores=None)
    plan = plan_file(found.workflow, found.targets, found.reading, options)
    site = read_site(site_file, plan.graph.workflow.by_name) if site_file else Site()
    grouping = Grouping(
        site.settings.get("max_array", 1000),
        args.group_to,
        arrays=not args.no_arrays,
        local=dialect != "script",
        more=args.retry_with_more,
    )
    written = write_export(
        plan,
        Export(
            dialect, output, found.workflow, site, grouping, dict(args.limit or ()),
            template_dir, environment(args),
        ),
        _durations(plan) if args.group_to is not None else {},
    )  # fmt: skip
    if args.json:
        from flowc.cli.show import print_json

        print_json({"directory": output, "jobs": written.jobs, "scripts": written.units})
    else:
        from flowc.diagnostic import printable

        jobs = "1 job" if written.jobs == 1 else f"{written.jobs} jobs"
        scripts = "1 script" if written.units == 1 else f"{written.units} scripts"
        print(f"{jobs} in {scripts}: {printable(args.output)}/submit.sh")
    return 0


def _durations(plan: "Plan") -> "dict[int, float]":
    """By job, where something is known of it: nobody groups by a guess."""
    from flowc.diagnostic import fail
    from flowc.record.history import History
    from flowc.run.durations import expected_durations

    jobs = plan.to_run()
    known = expected_durations(plan.graph, jobs, History(read_only=True))
    if jobs and not known.is_known:
        raise fail(
            "unknown-durations",
            "`--group-to` needs to know how long jobs run, and none has run here yet",
            hint="run some of them with `flowc run`, or leave `--group-to` out",
        )
    return {job: known.seconds[job] for job in jobs}
