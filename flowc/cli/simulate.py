"""What `flowc plan --simulate` prints: a prediction for people, or as JSON; a table of machines."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from flowc.dataclass import replace

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.plan.decision import Plan
    from flowc.run.durations import Durations
    from flowc.run.predict import Prediction

_SHOWN_JOBS = 8
_MOST_CORES = 256


def show_simulation(args: Namespace) -> int:
    """Print what `--simulate` and `--sweep` ask for."""
    from flowc.api import plan_file  # not for --help, as below
    from flowc.cli.asked import asked
    from flowc.cli.planning import cores, plan_options
    from flowc.machine import allowed
    from flowc.record.history import History
    from flowc.run.durations import expected_durations

    found = asked(args)
    machine = (cores(args), args.mem or allowed().memory_bytes)
    sizes = args.sweep if args.sweep is None else args.sweep or _doubled(machine)
    most = max([machine[0], *(count for count, _ in sizes or ())])
    options = replace(plan_options(args), cores=most)
    plan = plan_file(found.workflow, found.targets, found.reading, options)
    durations = expected_durations(plan.graph, plan.to_run(), History(read_only=True))
    if sizes is None:
        prediction = _predict(plan, machine, durations, args)
        if args.json:
            from flowc.cli.show import print_json

            print_json(_data(plan, prediction, durations))
        else:
            _print(plan, prediction, durations, args)
    else:
        _print_sweep(plan, sizes, durations, args)
    return 0


def _predict(
    plan: "Plan", machine: tuple[int, int], durations: "Durations", args: Namespace
) -> "Prediction":
    from flowc.executors.base import Capacity
    from flowc.run.need import budget_of
    from flowc.run.predict import predict

    resources = {n: v for n, v in args.resources or () if not isinstance(v, str)}
    budget = budget_of(plan.graph, Capacity(*machine), resources, dict(args.limit or ()))
    return predict(
        plan,
        budget,
        durations,
        schedule=args.schedule,
        search_s=args.search_time,
        clip=args.clip,
    )


def _doubled(machine: tuple[int, int]) -> list[tuple[int, int]]:
    """1, 2, 4 ... cores, with as much memory for each as the machine at hand has."""
    per_core = machine[1] / machine[0]
    counts = [2**i for i in range(_MOST_CORES.bit_length())]
    return [(count, round(count * per_core)) for count in counts]


# --- text ----------------------------------------------------------------------------------------


def _print(plan: "Plan", prediction: "Prediction", durations: "Durations", args: Namespace) -> None:
    from flowc.cli.show import many
    from flowc.diagnostic import printable
    from flowc.units import show_gb, show_seconds

    machine = f"{prediction.cores:g} cores and {show_gb(prediction.memory_bytes)}"
    names = [printable(plan.graph.job(job).name) for job in prediction.critical_path]
    if len(names) > _SHOWN_JOBS and not args.all:
        left_out = len(names) - _SHOWN_JOBS
        names[_SHOWN_JOBS // 2 : -_SHOWN_JOBS // 2] = [f"({left_out:,} more)"]
    rows = [
        ("jobs", f"{prediction.jobs:,} on {machine}, schedule {args.schedule}"),
        *([("chosen by", how)] if (how := prediction.simulated.how) != args.schedule else []),
        ("makespan", show_seconds(prediction.makespan_s)),
        (
            "lower bound",
            f"{show_seconds(prediction.bound.seconds)} ({_what(prediction.bound.what)})",
        ),
        ("cores used", f"{prediction.cores_used:.0%}"),
        ("memory used", f"{prediction.memory_used:.0%}"),
        ("limited by", _limits(prediction)),
        ("critical path", f"{show_seconds(prediction.critical_path_s)}: {' > '.join(names)}"),
        ("run times", _sources(durations)),
    ]
    for name, text in rows if prediction.jobs else rows[:1]:
        print(f"{name:<14} {text}")
    if not durations.is_known and prediction.jobs:
        print(f"\nNothing is known of {many(prediction.jobs, 'job')}: each is taken to run 1 s.")


def _limits(prediction: "Prediction") -> str:
    parts = [f"{_what(what)} {part:.0%}" for what, part in prediction.limited.items()]
    return ", ".join(parts) + " of the time" if parts else "nothing"


def _what(what: str) -> str:
    if what.startswith("limit:rule:"):
        return f"own limit of {what.removeprefix('limit:rule:')}"
    if what.startswith("limit:"):
        return f"limit {what.removeprefix('limit:')}"
    return what


def _sources(durations: "Durations") -> str:
    parts = [
        (durations.same_job, "as last time"),
        (durations.by_rule, "the median of the rule"),
        (durations.by_profile, "from the profile"),
        (durations.guessed, "guessed"),
    ]
    return ", ".join(f"{count:,} {text}" for count, text in parts if count)


def _print_sweep(
    plan: "Plan", sizes: list[tuple[int, int]], durations: "Durations", args: Namespace
) -> None:
    from flowc.cli.show import print_json, table, wants_color
    from flowc.diagnostic import ImpossibleRequestError
    from flowc.units import show_gb, show_seconds

    rows = []
    best_s = None
    for size in sizes:
        try:
            found = _predict(plan, size, durations, args)
        except ImpossibleRequestError as fault:
            if args.json:
                rules = [d.message for d in fault.diagnostics]
                print_json({"cores": size[0], "memory_bytes": size[1], "impossible": rules})
            elif args.sweep:  # asked for by name
                rows.append([str(size[0]), show_gb(size[1]), "too small", "", "", "", ""])
            continue
        if args.json:
            print_json(_data(plan, found, durations))
            continue
        rows.append(_row(found, show_gb(size[1]), show_seconds))
        if not args.sweep and best_s is not None and found.makespan_s > 0.99 * best_s:
            break  # more cores gain nothing
        best_s = found.makespan_s
    if not args.json:
        heads = ("cores ", "mem ", "makespan ", "core hours ", "cores used ", "mem used ", "limit")
        print(table(heads, rows, color=wants_color(args, sys.stdout)))


def _row(found: "Prediction", mem: str, show_seconds: Any) -> list[str]:
    return [
        f"{found.cores:g}",
        mem,
        show_seconds(found.makespan_s),
        f"{found.cores * found.makespan_s / 3600:.3g}",
        f"{found.cores_used:.0%}",
        f"{found.memory_used:.0%}",
        _what(found.limit),
    ]


# --- JSON ----------------------------------------------------------------------------------------


def _data(plan: "Plan", found: "Prediction", durations: "Durations") -> dict[str, Any]:
    return {
        "cores": found.cores,
        "memory_bytes": found.memory_bytes,
        "jobs": found.jobs,
        "chosen_by": found.simulated.how,
        "makespan_s": found.makespan_s,
        "lower_bound_s": found.bound.seconds,
        "bound_by": found.bound.what,
        "cores_used": found.cores_used,
        "memory_used": found.memory_used,
        "limited": found.limited,
        "limit": found.limit,
        "critical_path_s": found.critical_path_s,
        "critical_path": [plan.graph.job(job).name for job in found.critical_path],
        "durations": {
            "same_job": durations.same_job,
            "rule": durations.by_rule,
            "profile": durations.by_profile,
            "guessed": durations.guessed,
        },
    }
