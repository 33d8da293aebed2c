"""Two runs side by side: what has changed as a whole, and by rule."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flowc.diagnostic import BOLD, RESET, printable
from flowc.report.exports import summary
from flowc.report.figures import Figures
from flowc.report.rulefigures import RuleFigures
from flowc.report.words import core_hours, gib_hours, percent
from flowc.units import show_bytes, show_seconds

SAME = 0.01
"""A change by less is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both runs. None: not known."""

    name: str
    old: float | None
    new: float | None
    show: Callable[[float], str]
    less_is_better: bool | None = True  # None: neither

    @property
    def change(self) -> float | None:
        """As a share of the old figure."""
        if self.old is None or self.new is None or not self.old:
            return None
        return self.new / self.old - 1

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or nothing."""
        if self.old is None or self.new is None or self.less_is_better is None:
            return ""
        difference = self.new - self.old
        if abs(difference) <= SAME * max(abs(self.old), abs(self.new)):
            return ""
        return "better" if (difference < 0) == self.less_is_better else "worse"

    def texts(self) -> tuple[str, str, str]:
        """Old, new and the change, in words."""
        old, new = ("-" if v is None else self.show(v) for v in (self.old, self.new))
        change = self.change
        if change is None or abs(change) < SAME / 2:
            return old, new, ""
        if change >= 1:
            return old, new, f"× {change + 1:.3g}"
        return old, new, f"{100 * change:+.0f} %"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rules`: those of either run, with the rows of each."""

    old: Figures
    new: Figures
    rows: Sequence[Row]
    rules: Sequence[tuple[str, Sequence[Row]]]


def compare(old: Figures, new: Figures) -> Comparison:
    """Figures of both."""
    rows = [
        Row("makespan", old.makespan_s, new.makespan_s, show_seconds),
        Row("lower bound", old.bound.seconds, new.bound.seconds, show_seconds, None),
        Row("jobs ok", old.states["ok"], new.states["ok"], _count, False),
        Row("jobs failed", old.states["failed"], new.states["failed"], _count),
        Row("failed attempts", old.failed_attempts, new.failed_attempts, _count),
        Row("cores held", old.core_area.utilisation, new.core_area.utilisation, percent, None),
        Row("memory held", old.memory_area.utilisation, new.memory_area.utilisation, percent, None),
        Row("of the cores held, used", old.core_area.efficiency, new.core_area.efficiency,
            percent, False),
        Row("of the memory held, used", old.memory_area.efficiency, new.memory_area.efficiency,
            percent, False),
        Row("cores wasted", old.core_area.wasted, new.core_area.wasted, core_hours),
        Row("memory wasted", old.memory_area.wasted, new.memory_area.wasted, gib_hours),
        Row("waiting of ready jobs", old.wait_s, new.wait_s, show_seconds),
    ]  # fmt: skip
    of_old, of_new = ({r.rule: r for r in f.rules} for f in (old, new))
    names = [*of_new, *(name for name in of_old if name not in of_new)]
    rules = [(name, _rule_rows(of_old.get(name), of_new.get(name))) for name in names]
    return Comparison(old, new, rows, rules)


def _rule_rows(old: RuleFigures | None, new: RuleFigures | None) -> list[Row]:
    def row(
        name: str,
        value: Callable[[RuleFigures], float | None],
        show: Callable[[float], str],
        less_is_better: bool | None = True,
    ) -> Row:
        known = [None if rule is None else value(rule) for rule in (old, new)]
        return Row(name, known[0], known[1], show, less_is_better)

    return [
        row("jobs", lambda r: r.jobs, _count, None),
        row("failed attempts", lambda r: sum(r.causes.values()), _count),
        row("median", lambda r: r.duration_s.p50 if r.duration_s else None, show_seconds),
        row("cores", lambda r: r.cores.most if r.cores else None, _count, None),
        row("memory", lambda r: r.memory_bytes.most if r.memory_bytes else None, show_bytes, None),
        row("peak", lambda r: r.peak_bytes.most if r.peak_bytes else None, show_bytes, None),
        row("cores wasted", lambda r: r.wasted_core_s, core_hours),
        row("memory wasted", lambda r: r.wasted_byte_s, gib_hours),
    ]


def _count(value: float) -> str:
    return f"{value:,.0f}"


def compare_text(found: Comparison, *, color: bool = False) -> str:
    """Two tables: the whole, and by rule what has changed."""
    strong = (lambda text: f"{BOLD}{text}{RESET}") if color else str
    head = ("", _title(found.old), _title(found.new), "change", "")
    rows = [head, *((row.name, *row.texts(), row.verdict) for row in found.rows)]
    lines = _aligned(rows)
    lines[0] = strong(lines[0])
    for rule, of_rule in found.rules:
        changed = [
            row for row in of_rule if row.texts()[2] or (row.old is None) != (row.new is None)
        ]
        lines += ["", strong(printable(rule or "(unknown)"))]
        inside = [(f"  {row.name}", *row.texts(), row.verdict) for row in changed]
        lines += _aligned(inside) if inside else ["  as before"]
    return "\n".join(lines) + "\n"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i in (0, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _title(figures: Figures) -> str:
    return printable(figures.run.run or figures.run.workflow or "a run")[:40]


def compare_json(found: Comparison) -> str:
    """The figures of both, and by rule."""
    data = {
        "format": "flowc-comparison",
        "version": 1,
        "old": {"run": found.old.run.run, **summary(found.old)},
        "new": {"run": found.new.run.run, **summary(found.new)},
        "rules": [
            {
                "rule": rule,
                "old": {r.name: r.old for r in rows},
                "new": {r.name: r.new for r in rows},
            }
            for rule, rows in found.rules
        ],
    }
    return json.dumps(data, ensure_ascii=True, indent=1) + "\n"
