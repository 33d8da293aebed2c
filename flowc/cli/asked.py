"""What the options of a command ask for, in the terms of `flowc.api`."""

import os
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NamedTuple

from flowc.api import Reading
from flowc.cli.workflowfile import find_workflow
from flowc.diagnostic import Diagnostic, WorkflowError, fail


class Asked(NamedTuple):
    """The workflow file, what to make of it, and how to read it."""

    workflow: str
    targets: list[str]
    reading: Reading


def asked(args: Namespace, *, create_directory: bool = False) -> Asked:
    """Find the workflow, read --config, and go to the directory that `-d` names.

    Files named on the command line are where they are before that; targets are inside.
    """
    directory = args.directory
    workflow, targets = find_workflow(args.workflowfile, args.words, directory)
    configfiles = list(args.configfile or ())
    reading_config = _config(args.config or ())
    if getattr(args, "site", None) is not None:  # read when the workflow may be elsewhere
        args.site = os.path.abspath(args.site)
    if directory is not None:
        workflow = os.path.abspath(workflow)
        configfiles = [os.path.abspath(file) for file in configfiles]
        for name in ("resource_file", "save_profile", "callback_log"):
            if (file := getattr(args, name, None)) is not None:
                setattr(args, name, os.path.abspath(file))
        _go_to(directory, create=create_directory)
    cores = getattr(args, "cores", None)
    limits = [name for name, _ in getattr(args, "limit", None) or ()]
    reading = Reading(
        reading_config,
        configfiles,
        cores if isinstance(cores, int) else None,
        limits,
        scatter=dict(args.set_scatter or ()),
        workdir=directory is None,
        replace_config=args.replace_workflow_config,
        all_temp=args.all_temp,
        groups=dict(args.groups or ()),
    )
    _check_envvars(args.envvars or ())
    return Asked(workflow, targets, reading)


def _config(items: Sequence[str]) -> dict[str, Any]:
    if not items:
        return {}
    from flowc.lang.config import parse_config_item  # only where --config is used

    found: dict[str, Any] = {}
    faults: list[Diagnostic] = []
    for item in items:
        try:
            key, value = parse_config_item(item)
        except WorkflowError as error:
            faults += error.diagnostics
        else:
            found[key] = value
    if faults:
        raise WorkflowError(faults)
    return found


def _check_envvars(names: Sequence[str]) -> None:
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise WorkflowError(
            Diagnostic(
                "undefined-envvar",
                f"the environment variable `{name}` is not set",
                hint=f"`export {name}=...` before flowc, or leave it out of `--envvars`",
            )
            for name in missing
        )


def _go_to(directory: str, *, create: bool) -> None:
    try:
        if create:
            os.makedirs(directory, exist_ok=True)
        os.chdir(directory)
    except OSError as error:
        raise fail(
            "bad-directory", f"cannot work in `{directory}`: {error.strerror}", hint="see `-d DIR`"
        ) from None
