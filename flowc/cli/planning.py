"""From the options of `plan` and `run` to `PlanOptions`, and to what a run may use."""

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowc.dataclass import replace
from flowc.machine import allowed
from flowc.plan.options import TRIGGERS, Figure, PlanOptions

if TYPE_CHECKING:  # nothing that most plans need
    from flowc.sizing.resources import FileFigures


def plan_options(args: Namespace) -> PlanOptions:
    """What the options say about which jobs run and what they ask for."""
    triggers = TRIGGERS
    if args.rerun_triggers is not None:
        triggers = TRIGGERS & frozenset(args.rerun_triggers)
    return replace(
        resource_options(args),
        force_targets=args.force,
        force_all=args.forceall,
        force_rules=_names(args.forcerun),
        until=_names(args.until),
        omit_from=_names(args.omit_from),
        batch=args.batch,
        rerun_triggers=triggers,
    )


def resource_options(args: Namespace) -> PlanOptions:
    """What the options say about what jobs ask for."""
    set_resources: dict[str, dict[str, Figure]] = {}
    for rule, name, value in args.set_resources or ():
        set_resources.setdefault(rule, {})[name] = value
    return PlanOptions(
        cores=cores(args) if getattr(args, "executor", "local") == "local" else args.cores,
        set_threads=dict(args.set_threads or ()),
        set_resources=set_resources,
        default_resources=dict(args.default_resources or ()),
        resource_file=_resource_file(args),
    )


def _resource_file(args: Namespace) -> "Mapping[str, FileFigures]":
    if args.resource_file is None:
        return {}
    from flowc.sizing.resources import read_resources  # only where there is one

    return read_resources(args.resource_file)


def cores(args: Namespace) -> int:
    """`--cores`, or what the machine allows."""
    return args.cores if isinstance(args.cores, int) else allowed().cores


def _names(words: list[str] | None) -> tuple[str, ...]:
    return tuple(word.removeprefix("./") for word in words or ())
