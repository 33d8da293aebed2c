"""flowc profile resources: make a resource file of what was measured.

For each rule, threads from the cores really used and memory with headroom. `flowc run
--resource-file FILE` uses them in place of the workflow's own figures. With `--format columns` the
file is `{name: {ncpu, cpumax, mem, time}}`.

Examples:
  flowc profile resources profile.json -o resources.json
  flowc profile resources a.json b.json -o resources.yaml
"""

from argparse import ArgumentParser, Namespace


def options(parser: ArgumentParser) -> None:
    from flowc.cli.options import add_output
    from flowc.cli.profiles import add_level

    parser.usage = "flowc profile resources PROFILE [PROFILE ...] [OPTION ...]"
    parser.add_argument("profiles", nargs="+", metavar="PROFILE", help="what was measured")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-",
        help="where to write (default: -, stdout); YAML where the name ends in .yaml or .yml",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("flowc", "columns"), default="flowc", help="(default: %(default)s)"
    )
    add_level(parser)
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.profiles import read_all, warn
    from flowc.sizing.columns import column_figures
    from flowc.sizing.figures import gather
    from flowc.sizing.resources import is_yaml, make_resources, resources_text, write_resources

    pairs = read_all(args.profiles)
    if args.format == "columns":
        data = column_figures(attempt for _, attempt in pairs)
    else:
        evidence = gather(pairs, args.level)
        data = make_resources(evidence.values(), ", ".join(args.profiles))
        unsized = [rule for rule in evidence if rule not in data["rules"]]
        for rule in unsized:
            warn(f"rule `{rule}` gets no figures: nothing of it was measured", args)
    if args.output == "-":
        print(resources_text(data, as_yaml=is_yaml(args.output)), end="")
    else:
        write_resources(args.output, data)
    return 0
