"""Options of where jobs run, and what they find there."""

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from flowc.cli.options import many
from flowc.cli.values import memory, pair, positive, seconds


def add_executor(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("where they run")
    group.add_argument(
        "--executor", metavar="NAME", default="local",
        help="what runs the jobs: local (this machine, the default), slurm, sge, drmaa, or what "
        "another package brings",
    )  # fmt: skip
    many(group, "--executor-option", "NAME=VALUE", "what an executor is told besides", pair)
    group.add_argument(
        "--site", metavar="FILE", default=None, help="settings of the cluster, as YAML"
    )
    group.add_argument(
        "--local-cores", type=positive, metavar="N", default=None,
        help="beside a cluster: cores of this machine for the jobs of `localrules` (default: 2)",
    )  # fmt: skip
    group.add_argument(
        "--local-mem", type=memory, metavar="GB", default=None,
        help="beside a cluster: memory of this machine for these jobs (default: a quarter of it)",
    )  # fmt: skip
    group.add_argument(
        "--local-below", type=seconds, metavar="SECONDS", default=None,
        help="beside a cluster: run here, too, what has taken less time before, and fits",
    )  # fmt: skip
    add_env(group)


def add_env(group: Any) -> None:
    """What exported jobs get, too."""
    many(
        group, "--env", "NAME[=VALUE]",
        "a variable of the jobs' environment, whatever their rules say; without a value, as it is "
        "set now", variable,
    )  # fmt: skip


def variable(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, or the name of a variable that is set."""
    name, equals, value = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise ArgumentTypeError(f"`{text}` is not of the form NAME or NAME=VALUE")
    if equals:
        return name, value
    if name not in os.environ:
        raise ArgumentTypeError(f"the variable `{name}` is not set: give it a value, `{name}=...`")
    return name, os.environ[name]


def environment(args: Namespace) -> dict[str, str]:
    """What `--env` says."""
    return dict(args.env or ())
