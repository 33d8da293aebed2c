"""flowc run: make the targets, running at once as many jobs as cores and memory allow.

Only what is out of date is made: outputs that are missing, older than an input whose content has
changed, or made by another command, with other params or from other inputs.

Examples:
  flowc run --cores 4 --mem 6
  flowc run Workflowfile results/a.txt -k
  flowc run -n                              the same as `flowc plan`
  flowc run --touch                         declare what exists up to date
"""

from argparse import ArgumentParser

from flowc.cli.options import add_choice, add_resources, add_running, add_workflow
from flowc.cli.plan import add_display

if TYPE_CHECKING:
    from flowc.api import Running
    from flowc.run.options import RunOptions


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--dry-run", "--dryrun", action="store_true", help="only say what would run"
    )
    add_workflow(parser)
    add_display(parser)
    add_running(parser)
    add_choice(parser)
    add_resources(parser)


def main(args: Namespace) -> int:
    from flowc.cli.asked import asked  # not for --help
    from flowc.cli.planning import plan_options

    if args.dry_run:
        from flowc.cli.plan import show_plan

        return show_plan(args)
    found = asked(args, create_directory=True)
    options = plan_options(args)
    from flowc.api import compile_file, run_graph

    graph = compile_file(found.workflow, found.targets, found.reading)
    if args.touch:
        from flowc.cli.touching import touch

        return touch(graph, options, args)
    screen = _screen(args)
    outcome = run_graph(
        graph,
        options,
        running=_running(args),
        run=_run_options(args, found.workflow),
        listeners=[] if screen is None else [screen],
        planned=lambda plan: _announce(plan, args),
    )
    return outcome.exit_code


def _run_options(args: Namespace, workflow: str) -> "RunOptions":
    from flowc.run.options import RunOptions

    return RunOptions(
        resources={n: v for n, v in args.resources or () if not isinstance(v, str)},
        limits=dict(args.limit or ()),
        keep_going=args.keep_going,
        retries=args.retries,
        keep_incomplete=args.keep_incomplete,
        keep_temp=args.notemp,
        clip=args.clip,
        latency_wait_s=args.latency_wait,
        argv=tuple(sys.argv),
        workflow_path=workflow,
    )


def _running(args: Namespace) -> "Running":
    from flowc.api import Running
    from flowc.cli.planning import cores

    return Running(cores(args), args.mem, lock=not args.nolock, log=args.log_events)
