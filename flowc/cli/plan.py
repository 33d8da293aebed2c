"""flowc plan: say what would run, and why. Nothing is run and nothing written.

Without further options: a table with the jobs of each rule, what they ask for and why they run,
and the first few jobs. With --json, one decision a line: `job` (its number), `name`, `rule`,
`wildcards`, `decision` ("run"; "maybe": only if what is made before it comes out different; with
--all also "skip"), `reasons`, `outputs`, `group` (or null) and `request`; the last
line has the totals.

With --simulate, the run is gone through in simulated time, with the decisions of a real one: jobs
take as long as last time, or as is usual for their rule.

Examples:
  flowc plan
  flowc plan results/a.txt --why        why is it made, or why not?
  flowc plan --origins --all            every job, with the origin of each figure
  flowc plan --simulate --cores 8 --mem 32      how long will it take, and what limits it?
  flowc plan --sweep 4x16 8x32 16x64    on which machine?
  flowc plan --json | jq -r 'select(.decision == "run").name'
"""

from argparse import ArgumentParser, Namespace

from flowc.cli.options import add_choice, add_resources, add_workflow
from flowc.cli.schedule import add_schedule, add_simulation


def options(parser: ArgumentParser) -> None:
    add_workflow(parser)
    add_display(parser)
    parser.add_argument(
        "--why", action="store_true", help="explain the files that are named, down to the cause"
    )
    add_choice(parser)
    add_resources(parser)
    add_schedule(parser)
    add_simulation(parser)


def add_display(parser: ArgumentParser) -> None:
    """How a plan is shown: also for `run -n`."""
    parser.add_argument("-q", "--quiet", action="store_true", help="totals alone")
    parser.add_argument("--all", action="store_true", help="every job, not just the first few")
    parser.add_argument("--origins", action="store_true", help="where each job's figures come from")
    parser.add_argument(
        "-p", "--printshellcmds", action="store_true", help="the jobs' shell commands"
    )


def main(args: Namespace) -> int:
    if args.why:
        from flowc.cli.asked import asked  # not for --help
        from flowc.cli.why import explain  # not for a plain plan

        return explain(asked(args), args)
    if args.simulate or args.sweep is not None:
        from flowc.cli.simulate import show_simulation  # not for a plain plan

        return show_simulation(args)
    return show_plan(args)


def show_plan(args: Namespace) -> int:
    """Print the plan: also for `run -n`."""
    from flowc.api import plan_file  # not for --help
    from flowc.cli.asked import asked
    from flowc.cli.plan_text import print_plan
    from flowc.cli.planning import plan_options

    found = asked(args)
    options = plan_options(args)
    plan = plan_file(found.workflow, found.targets, found.reading, options)
    if options.resource_file:
        from flowc.cli.profiles import warn_of_unmatched  # only where there is one

        warn_of_unmatched(options.resource_file, plan.graph.workflow, args)
    print_plan(plan, args)
    return 0
