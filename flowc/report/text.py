"""The report in a terminal: the same figures, and a chart of what was in use."""

from collections.abc import Sequence

from flowc.diagnostic import BOLD, RED, RESET, printable
from flowc.record.story import STATES
from flowc.report.figures import Figures
from flowc.report.words import core_hours, gib_hours, percent
from flowc.units import show_bytes, show_seconds

WIDTH = 72
_BLOCKS = " ▁▂▃▄▅▆▇█"
_FAILED_SHOWN = 10
_NAME = 28


def render_text(figures: Figures, *, color: bool = False) -> str:
    """Some thirty lines."""
    run = figures.run
    strong = (lambda text: f"{BOLD}{text}{RESET}") if color else str
    lines = [strong(f"{_short(run.workflow or 'a run', 50)}  {printable(run.run)}").rstrip()]
    lines += _summary(figures)
    lines += [f"note: {note}" for note in figures.notes]
    if figures.bars and figures.makespan_s > 0:
        lines += ["", strong("over time"), *_over_time(figures)]
    if figures.rules:
        lines += ["", strong("by rule"), *_rule_table(figures)]
    failed = [job for job in run.jobs.values() if job.state == "failed"]
    if failed:
        tone = RED if color else ""
        lines += ["", f"{tone}failed{RESET if color else ''}"]
        for job in failed[:_FAILED_SHOWN]:
            last = job.last
            why = "" if last is None else last.message or last.cause or ""
            lines.append(f"  {_short(job.name, 60)}: {_short(why, 100)}")
            if job.log:
                lines.append(f"    log: {printable(job.log)}")
        if len(failed) > _FAILED_SHOWN:
            lines.append(f"  ... and {len(failed) - _FAILED_SHOWN:,} more")
    return "\n".join(lines) + "\n"


def _summary(figures: Figures) -> list[str]:
    run, bound = figures.run, figures.bound
    outcome = run.outcome or ("still running" if run.is_live else "no end known")
    states = [f"{figures.states[s]:,} {s}" for s in STATES if figures.states[s]]
    rows = [
        ("outcome", f"{printable(outcome)}: {', '.join(states) or 'no jobs'}"),
        ("makespan", show_seconds(figures.makespan_s) + _beside(figures)),
    ]
    if bound.seconds:
        rows[-1] = (rows[-1][0], f"{rows[-1][1]} by the {bound.by})")
    for name, area, show, total in (
        ("cores", figures.core_area, core_hours, str(run.cores)),
        ("memory", figures.memory_area, gib_hours, show_bytes(run.memory_bytes)),
    ):
        held = (
            f"{percent(area.utilisation)} of {total} held"
            if area.utilisation is not None
            else f"{show(area.requested)} requested"
        )
        used = "" if area.efficiency is None else f", {percent(area.efficiency)} of that used"
        rows.append((name, f"{held}{used}; {show(area.wasted)} wasted"))
    if figures.failed_attempts:
        causes = ", ".join(f"{n} {printable(cause)}" for cause, n in figures.causes.items())
        rows.append(
            ("failures", f"{figures.failed_attempts} of {figures.attempts} attempts: {causes}")
        )
    limits_s = figures.usage.limits_s()
    total_s = sum(limits_s.values())
    if total_s > 0:
        shares = [
            f"{printable(name)} {percent(seconds / total_s)}"
            for name, seconds in limits_s.items()
            if seconds >= total_s / 200
        ]
        rows.append(("limited by", ", ".join(shares)))
    return [f"{name:<11}{text}" for name, text in rows]


def _beside(figures: Figures) -> str:
    if not figures.bound.seconds:
        return ""
    return f" (no order could beat {show_seconds(figures.bound.seconds)}, set"


def _over_time(figures: Figures) -> list[str]:
    usage = figures.usage
    cores = max(figures.run.cores, *usage.cores, 1)
    memory = max(figures.run.memory_bytes, *usage.memory_bytes, 1)
    waiting = max(*usage.waiting, 1)
    rows = [
        ("cores", sparkline(usage.times_s, usage.cores, cores), str(cores)),
        ("memory", sparkline(usage.times_s, usage.memory_bytes, memory), show_bytes(memory)),
        ("waiting", sparkline(usage.times_s, usage.waiting, waiting), f"{waiting:,} jobs"),
    ]
    end = show_seconds(figures.makespan_s)
    lines = [f"{name:<11}|{line}| {top}" for name, line, top in rows]
    return [*lines, f"{'':<11} 0{end:>{WIDTH - 1}}"]


def sparkline(times_s: Sequence[float], values: Sequence[float], most: float) -> str:
    """The mean of a step function over `WIDTH` stretches of time, as blocks."""
    end_s = times_s[-1]
    if end_s <= 0:
        return " " * WIDTH
    sums = [0.0] * WIDTH
    scale = WIDTH / end_s
    for i, value in enumerate(values[:-1]):
        left, right = times_s[i] * scale, times_s[i + 1] * scale
        cell = int(left)
        while left < right and cell < WIDTH:
            edge = min(right, cell + 1.0)
            sums[cell] += value * (edge - left)
            left, cell = edge, cell + 1
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[max(s > 0, min(top, round(s / most * top)))] for s in sums)


def _rule_table(figures: Figures) -> list[str]:
    head = ("rule", "jobs", "median", "cores", "used", "memory", "peak", "advice")
    rows = [head]
    rows += [
        (
            _short(rule.rule or "(unknown)", _NAME),
            f"{rule.jobs:,}",
            show_seconds(rule.duration_s.p50) if rule.duration_s else "-",
            f"{rule.cores.most:g}" if rule.cores else "-",
            f"{rule.used_cores.p95:.2g}" if rule.used_cores else "-",
            show_bytes(rule.memory_bytes.most) if rule.memory_bytes else "-",
            show_bytes(rule.peak_bytes.most) if rule.peak_bytes else "-",
            ", ".join(map(printable, rule.advice.lines)),
        )
        for rule in figures.rules
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    last = len(head) - 1
    return [
        "  ".join(
            cell.ljust(width) if i in (0, last) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _short(text: str, most: int) -> str:
    text = printable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"
