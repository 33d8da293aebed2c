"""flowc profile diff: what has changed between two profiles, rule by rule.

A difference of less than a tenth is none. With --json, one rule a line.

Examples:
  flowc profile diff before.json after.json
"""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.sizing.figures import Evidence

SAME = 0.1


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_output

    parser.usage = "flowc profile diff A B [OPTION ...]"
    parser.add_argument("before", metavar="A", help="a profile")
    parser.add_argument("after", metavar="B", help="the one to compare it with")
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.profiles import read_all
    from flowc.cli.show import print_json, table, wants_color
    from flowc.sizing.figures import gather

    before, after = gather(read_all([args.before])), gather(read_all([args.after]))
    found = [
        _compare(rule, before.get(rule), after.get(rule))
        for rule in dict.fromkeys([*before, *after])
    ]
    if args.json:
        for one in found:
            print_json(one)
        return 0
    rows = [
        [one["rule"], *(_shown(name, one[name]) for name in NAMES), _note(one)] for one in found
    ]
    print(table(("rule", "wall", "cores", "memory", ""), rows, color=wants_color(args, sys.stdout)))
    return 0


NAMES = ("wall_s", "cores_peak", "memory_peak_bytes")


def _compare(rule: str, before: "Evidence | None", after: "Evidence | None") -> dict[str, Any]:
    data: dict[str, Any] = {"rule": rule}
    for name in NAMES:
        data[name] = [None if e is None else getattr(e, name) for e in (before, after)]
    data["only_in"] = "B" if before is None else "A" if after is None else None
    data["command_changed"] = bool(
        before
        and after
        and before.command_digests
        and after.command_digests
        and not set(before.command_digests) & set(after.command_digests)
    )
    return data


def _shown(name: str, pair: list[Any]) -> str:
    from flowc.units import show_bytes, show_seconds

    show = {"wall_s": show_seconds, "memory_peak_bytes": show_bytes}.get(name, "{:.1f}".format)
    a, b = ("-" if value is None else show(value) for value in pair)
    if None in pair or abs(pair[1] - pair[0]) <= SAME * max(pair):
        return b if pair[1] is not None else a
    share = f" ({100 * (pair[1] / pair[0] - 1):+.0f}%)" if pair[0] else ""
    return f"{a} -> {b}{share}"


def _note(one: dict[str, Any]) -> str:
    if one["only_in"]:
        return f"only in {one['only_in']}"
    return "another command" if one["command_changed"] else ""
