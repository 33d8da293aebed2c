"""What the command line changes in a workflow that was read: `--all-temp`, `--groups`."""

from collections.abc import Mapping

from flowc.dataclass import replace
from flowc.diagnostic import fail
from flowc.lang.values import FlaggedPath, Flags, flags_of
from flowc.lang.workflow import Item, Rule, Workflow

_TEMP = Flags(temp=True)


def override(
    workflow: Workflow, *, all_temp: bool = False, groups: Mapping[str, str] | None = None
) -> Workflow:
    """The workflow with every output `temp`, and with rules put into groups, by name. Raises
    WorkflowError for a rule that there is not."""
    groups = groups or {}
    for name in groups:
        if name not in workflow.by_name:
            from difflib import get_close_matches  # only for a fault

            near = get_close_matches(name, workflow.by_name, n=1)
            hint = f"did you mean `{near[0]}`?" if near else None
            raise fail("unknown-name", f"--groups {name}: there is no rule `{name}`", hint=hint)
    if not all_temp and not groups:
        return workflow
    rules = [
        replace(rule, group=groups.get(rule.name, rule.group)) if groups else rule
        for rule in workflow.rules
    ]
    if all_temp:
        rules = [_all_temp(rule) for rule in rules]
    return replace(workflow, rules=tuple(rules))


def _all_temp(rule: Rule) -> Rule:
    """Also what is `protected`, as in Snakemake; a pipe or service goes anyway."""
    return replace(rule, outputs=tuple(_temp_item(item) for item in rule.outputs))


def _temp_item(item: Item) -> Item:
    return replace(item, files=tuple(_temp(file) for file in item.files))


def _temp(file: str) -> str:
    flags = flags_of(file)
    if flags.passing:
        return file
    rule = file.rule if isinstance(file, FlaggedPath) else None
    return FlaggedPath(file, flags | _TEMP, rule)
