"""Options of the schedule, and of its simulation."""

from argparse import ArgumentParser, ArgumentTypeError

from flowc.cli.values import memory, positive, seconds

SCHEDULES = ("rank", "mem-thread", "fifo", "search")  # as in run/order.py, which --help spares


def add_schedule(parser: ArgumentParser) -> None:
    """In what order ready jobs start: also for `run`."""
    group = parser.add_argument_group("schedule")
    group.add_argument(
        "--schedule", choices=SCHEDULES, default="rank", metavar="ORDER",
        help="which ready job starts first: rank (the longest chain of work, the default), "
        "mem-thread (most memory, then most threads), fifo, search (look for a better order first)",
    )  # fmt: skip
    group.add_argument(
        "--search-time", type=seconds, default=1.0, metavar="SECONDS",
        help="how long `--schedule search` may look before the run begins (default: 1); it looks "
        "where it is known of nearly every job how long it took last time",
    )  # fmt: skip


def add_simulation(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("simulation")
    group.add_argument(
        "--simulate", action="store_true",
        help="predict the run: how long it takes, what of the machine it uses, what limits it",
    )  # fmt: skip
    group.add_argument(
        "--sweep", nargs="*", type=machine_size, metavar="CORESxGB", default=None,
        help="predict it for several machines, such as `4x16 8x32`; without any: 1, 2, 4 ... cores",
    )  # fmt: skip


def machine_size(text: str) -> tuple[int, int]:
    """`8x32`: cores and GB of memory."""
    cores, x, size = text.lower().partition("x")
    if not x or not size:
        raise ArgumentTypeError(f"`{text}` is not of the form CORESxGB, such as `8x32`")
    return positive(cores), memory(size)
