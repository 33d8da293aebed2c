"""A valid workflow: rules with everything resolved that does not depend on wildcards."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import Diagnostic
from flowc.ids import RuleId
from flowc.lang.script import Script
from flowc.lang.template import Template
from flowc.lang.values import Function
from flowc.source import Source, Span

if TYPE_CHECKING:
    from flowc.lang.checkpoints import Checkpoints


@dataclass(frozen=True, slots=True)
class Item:
    """One item of `input:`, `output:`, `log:` or `benchmark:`.

    `files` are patterns (`{sample}.bam`) or plain paths, a `FlaggedPath` where flags are set.
    A list is one item (`is_list`), with or without a name. An item with a `function` has no
    `files`: they come from calling it with the job's wildcards; with `unpack` it gives a dict.
    """

    name: str | None
    files: tuple[str, ...]
    is_list: bool
    function: Function | None
    unpack: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Param:
    """One item of `params:`: any value, or a function of wildcards and other things by name.

    Strings (also in lists) get their wildcards filled in; what a function returns does not.
    """

    name: str | None
    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Setting:
    """A figure or text as declared: a constant, or a function of `wildcards, input, attempt,
    threads`. `span` is the value's place in the file."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its id is its index in `Workflow.rules`, which is the order of declaration."""

    id: RuleId
    name: str  # unique; a rule without a name gets its number
    span: Span  # of its head, `rule map`
    inputs: tuple[Item, ...] = ()
    outputs: tuple[Item, ...] = ()
    params: tuple[Param, ...] = ()
    env: tuple[Param, ...] = ()  # variables of the environment
    logs: tuple[Item, ...] = ()
    benchmark: Item | None = None
    benchmark_repeats: int = 1
    threads: Setting | None = None
    mem: Setting | None = None
    mem_unit: str = "gb"  # "gb", "mb", "text": how `mem.value` is to be read
    mem_spelling: str = "mem_gb"  # the directive or resource that it was declared as
    runtime: Setting | None = None  # minutes if a number, or a duration as text
    resources: Mapping[str, Setting] = field(default_factory=dict)  # all others, by name
    limits: Mapping[str, int] = field(default_factory=dict)  # a private limit is named `rule:NAME`
    profile: str | None = None  # path of the measurements its figures come from
    profile_span: Span | None = None
    command: Template | None = None  # None: a rule without an action
    script: Script | None = None  # the action is code; `command` is its text, or a script's path
    message: Template | None = None
    priority: Setting | None = None
    retries: int | None = None  # None: the run's default
    group: str | Function | None = None  # for those who read the plan: see `Job.group`
    local: bool = False
    is_checkpoint: bool = False
    shadow: str | None = None  # "minimal", "copy-minimal", "shallow" or "full"
    constraints: Mapping[str, str] = field(default_factory=dict)  # the rule's and the global ones
    docstring: str | None = None


@dataclass(frozen=True)
class Workflow:
    """Everything that was read. Frozen; nothing in it depends on a target."""

    rules: tuple[Rule, ...]
    default_target: RuleId | None
    ruleorder: tuple[tuple[str, ...], ...] = ()  # the later clause wins
    limits: Mapping[str, int] = field(default_factory=dict)  # how many units of each there are
    config: Mapping[str, Any] = field(default_factory=dict)
    shell_executable: str = "bash"
    shell_prefix: str = "set -euo pipefail; "
    shell_suffix: str = ""
    checkpoints: "Checkpoints | None" = None  # which of them are done; None: there are none
    handlers: Mapping[str, tuple[str, Script]] = field(default_factory=dict)
    """`onstart`, `onsuccess`, `onerror`: their code."""
    env: Mapping[str, str] = field(default_factory=dict)  # values of the `envvars:`
    sources: tuple[Source, ...] = ()  # the first is the main file
    warnings: tuple[Diagnostic, ...] = ()  # what is odd, but does not keep the workflow from use

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}
