"""Options of where jobs run: the executor, and what it is told."""

from argparse import ArgumentParser

from flowc.cli.options import many, pair


def add_executor(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("where they run")
    group.add_argument(
        "--executor", metavar="NAME", default="local",
        help="what runs the jobs (default: local, this machine); a package can bring others",
    )  # fmt: skip
    many(group, "--executor-option", "NAME=VALUE", "what an executor is told besides", pair)
    group.add_argument(
        "--site", metavar="FILE", default=None, help="settings of the cluster, as YAML"
    )
