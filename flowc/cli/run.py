"""flowc run: make the targets, running at once as many jobs as cores and memory allow.

Only what is out of date is made: outputs that are missing, older than an input whose content has
changed, or made by another command, with other params or from other inputs.

Examples:
  flowc run --cores 4 --mem 6
  flowc run Workflowfile results/a.txt -k
  flowc run -n                              the same as `flowc plan`
  flowc run --touch                         declare what exists up to date
"""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from flowc.cli.executing import add_executor, environment
from flowc.cli.options import add_choice, add_resources, add_running, add_workflow
from flowc.cli.plan import add_display
from flowc.cli.schedule import add_schedule

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.api import Listener, Running
    from flowc.graph.job import JobGraph
    from flowc.plan.decision import Plan
    from flowc.plan.options import PlanOptions
    from flowc.record.fold import Fold
    from flowc.run.options import RunOptions


def options(parser: ArgumentParser) -> None:
    shared_options(parser)
    parser.add_argument(
        "--save-profile", metavar="FILE",
        help="measure the jobs closely, and add what was measured to this profile",
    )  # fmt: skip


def shared_options(parser: ArgumentParser) -> None:
    """Those of `flowc profile`, too."""
    parser.add_argument(
        "-n", "--dry-run", "--dryrun", action="store_true", help="only say what would run"
    )
    parser.add_argument(
        "--list", "--list-rules", "-l", action="store_true", help="the same as `flowc list`"
    )
    parser.add_argument("--summary", "-S", action="store_true", help="the same as `flowc summary`")
    add_workflow(parser)
    add_display(parser)
    add_running(parser)
    add_executor(parser)
    add_choice(parser)
    add_resources(parser)
    add_schedule(parser)


def main(args: Namespace) -> int:
    if args.unlock:
        from flowc.cli.show import say  # not for a real run

        say("nothing to unlock: the lock of a run that is gone never holds")
        return 0
    if args.list or args.summary:
        return _other_command("list" if args.list else "summary", args)
    if args.dry_run:
        from flowc.cli.plan import show_plan  # not for a real run

        return show_plan(args)
    from flowc.api import compile_file, run_graph  # not for --help, as below
    from flowc.cli.asked import asked
    from flowc.cli.planning import plan_options

    found = asked(args, create_directory=True)
    options = plan_options(args)
    graph = compile_file(found.workflow, found.targets, found.reading)
    if args.touch:
        return _touch(graph, options, args, found.workflow)
    reports = _reports(args)
    outcome = run_graph(
        graph,
        options,
        running=_running(args),
        run=_run_options(args, found.workflow),
        listeners=[_listener(args), *reports],
        planned=lambda plan: _announce(plan, options, args),
    )
    for fold in reports:
        from flowc.cli.report import write_report  # only where one is asked for

        write_report(args, fold.story())
    return outcome.exit_code


def _other_command(name: str, args: Namespace) -> int:
    """What Snakemake has as options of its one command."""
    from importlib import import_module

    args.targets = False
    code: int = import_module(f"flowc.cli.{name}").main(args)
    return code


def _reports(args: Namespace) -> "list[Fold]":
    """What listens to the run for `--report`."""
    if args.report is None:
        return []
    from flowc.cli.report import may_write  # only where one is asked for
    from flowc.record.fold import Fold  # as above

    may_write(args.report)
    return [Fold()]


def _touch(graph: "JobGraph", options: "PlanOptions", args: Namespace, workflow: str) -> int:
    from flowc.api import touch_graph
    from flowc.cli.show import many, print_json, say
    from flowc.diagnostic import printable

    outcome = touch_graph(graph, options, running=_running(args), run=_run_options(args, workflow))
    if args.json:
        print_json({"touched": outcome.touched, "missing": outcome.missing})
    elif not args.quiet:
        say(f"{many(outcome.touched, 'file')} touched")
        for path in outcome.missing[:10]:
            say(f"not touched, for it does not exist: {printable(path)}")
        if len(outcome.missing) > 10:
            say(f"... and {len(outcome.missing) - 10:,} more")
    return 0


def _announce(plan: "Plan", options: "PlanOptions", args: Namespace) -> None:
    """Say how much there is to do."""
    if options.resource_file:
        from flowc.cli.profiles import warn_of_unmatched  # only where there is one

        warn_of_unmatched(options.resource_file, plan.graph.workflow, args)
    if args.quiet or args.json:
        return
    from flowc.cli.plan_text import totals
    from flowc.cli.show import say

    say(totals(plan))


def _listener(args: Namespace) -> "Listener":
    """Who tells of the run: events on stdout with --json, else a person's view on stderr."""
    from flowc.cli.show import wants_color
    from flowc.live.console import Console, JsonStream

    if args.json:
        return JsonStream()
    color = wants_color(args, sys.stderr)
    return Console(quiet=args.quiet, commands=args.printshellcmds, color=color)


def _run_options(args: Namespace, workflow: str) -> "RunOptions":
    from flowc.run.options import RunOptions

    return RunOptions(
        resources={n: v for n, v in args.resources or () if not isinstance(v, str)},
        limits=dict(args.limit or ()),
        env=environment(args),
        keep_going=args.keep_going,
        retries=args.retries,
        keep_incomplete=args.keep_incomplete,
        keep_temp=args.notemp,
        shadow_prefix=args.shadow_prefix,
        memory_slack=args.mem_slack if args.enforce == "mem" else None,
        clip=args.clip,
        schedule=args.schedule,
        search_s=args.search_time,
        latency_wait_s=args.latency_wait,
        argv=("flowc", *args.argv),
        workflow_path=workflow,
    )


def _running(args: Namespace) -> "Running":
    from flowc.api import Running

    return Running(
        args.cores if isinstance(args.cores, int) else None,
        args.mem,
        lock=not args.nolock,
        log=args.log_events,
        save_profile=args.save_profile,
        callback_log=args.callback_log,
        executor=args.executor,
        jobs=args.at_once if isinstance(args.at_once, int) else None,
        local_cores=args.local_cores,
        local_memory_bytes=args.local_mem,
        local_below_s=args.local_below,
        executor_options=dict(args.executor_option or ()),
        site=args.site,
    )
