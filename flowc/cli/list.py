"""flowc list: list the rules with what their docstrings say, or the targets there are.

A rule whose outputs have wildcards cannot be a target by its name; the wildcards are shown.

Examples:
  flowc list
  flowc list --targets
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from flowc.cli.options import add_cores, add_workflow
from flowc.diagnostic import printable
from flowc.lang.pattern import wildcard_names
from flowc.lang.workflow import Rule, Workflow


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--targets", action="store_true",
        help="list what can be asked for: rules, and the files that the default target needs",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="names alone")
    add_workflow(parser)
    add_cores(parser)


def main(args: Namespace) -> int:
    from flowc.api import compile_file, is_compiled, load_file  # not for --help
    from flowc.cli.asked import asked
    from flowc.cli.show import print_json, table, wants_color

    path, targets, reading = asked(args)
    if args.targets or is_compiled(path):
        graph = compile_file(path, targets, reading)
        workflow = graph.workflow
        files = [p for p, job in zip(graph.paths, graph.producer, strict=True) if job >= 0]
    else:
        workflow, files = load_file(path, reading), []
    if args.targets:
        for target in [*_target_rules(workflow), *files]:
            print_json(target) if args.json else print(printable(target))
        return 0
    if args.json:
        for rule in workflow.rules:
            print_json(_rule_data(workflow, rule))
    elif args.quiet:
        print("\n".join(printable(rule.name) for rule in workflow.rules))
    else:
        import sys

        print(
            table(("rule", "wildcards", ""), _rows(workflow), color=wants_color(args, sys.stdout))
        )
    return 0


def _wildcards(rule: Rule) -> tuple[str, ...]:
    items = [*rule.outputs, *rule.logs, *([rule.benchmark] if rule.benchmark else [])]
    return tuple(dict.fromkeys(n for item in items for f in item.files for n in wildcard_names(f)))


def _target_rules(workflow: Workflow) -> Iterator[str]:
    return (rule.name for rule in workflow.rules if not _wildcards(rule))


def _rows(workflow: Workflow) -> list[list[str]]:
    rows = []
    for rule in workflow.rules:
        text = (rule.docstring or "").strip().partition("\n")[0]
        if rule.id == workflow.default_target:
            text = f"(the default) {text}"
        rows.append([rule.name, ", ".join(_wildcards(rule)), text])
    return rows


def _rule_data(workflow: Workflow, rule: Rule) -> dict[str, Any]:
    line, _ = rule.span.source.position(rule.span.start)
    return {
        "rule": rule.name,
        "default": rule.id == workflow.default_target,
        "wildcards": _wildcards(rule),
        "docstring": rule.docstring,
        "inputs": [str(f) for item in rule.inputs for f in item.files],
        "outputs": [str(f) for item in rule.outputs for f in item.files],
        "file": rule.span.source.name,
        "line": line,
    }
