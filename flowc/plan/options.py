"""What the command line (or a program) says about a plan."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowc.dataclass import dataclass, field

if TYPE_CHECKING:  # only for runs with a resource file
    from flowc.sizing.resources import FileFigures

Figure = int | float | str

TRIGGERS = frozenset({"mtime", "params", "input", "code"})
"""The causes that `--rerun-triggers` chooses from. All others always hold."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Part `number` (counted from 1) of `count` of a rule's inputs."""

    rule: str
    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.rule}={self.number}/{self.count}"


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`force_rules`, `until` and `omit_from` hold names of rules and paths of files."""

    force_targets: bool = False  # -f
    force_all: bool = False  # -F
    force_rules: tuple[str, ...] = ()  # -R
    until: tuple[str, ...] = ()  # -U
    omit_from: tuple[str, ...] = ()  # -O
    batch: Batch | None = None  # --batch
    rerun_triggers: frozenset[str] = TRIGGERS
    cores: int | None = None  # of the run: a job that asks for more threads gets so many
    set_threads: Mapping[str, int] = field(default_factory=dict)  # by rule
    set_resources: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)  # by rule, name
    ran: frozenset[str] = frozenset()  # outputs that this run has made: nothing forces them again
    default_resources: Mapping[str, Figure] = field(default_factory=dict)
    resource_file: "Mapping[str, FileFigures]" = field(default_factory=dict)  # by rule
