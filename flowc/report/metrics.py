"""A run as OpenMetrics, which Prometheus reads: gauges of the run, by rule where there is one."""

import re
from collections.abc import Callable, Mapping

from flowc.record.story import STATES
from flowc.report.figures import Figures
from flowc.report.rulefigures import RuleFigures, Spread


def to_openmetrics(figures: Figures) -> str:
    """Gauges of one run, by rule where there is one."""
    run, lines = figures.run, list[str]()
    label = {"run": run.run, "workflow": run.workflow}

    def gauge(name: str, text: str, rows: list[tuple[Mapping[str, str], float | None]]) -> None:
        unit = next((u for u in ("seconds", "bytes", "ratio") if name.endswith(f"_{u}")), "")
        lines.append(f"# TYPE flowc_{name} gauge")
        if unit:
            lines.append(f"# UNIT flowc_{name} {unit}")
        lines.append(f"# HELP flowc_{name} {text}")
        for labels, value in rows:
            if value is not None:
                pairs = ",".join(f'{k}="{_label(v)}"' for k, v in {**label, **labels}.items())
                lines.append(f"flowc_{name}{{{pairs}}} {float(value)!r}")

    core, memory = figures.core_area, figures.memory_area
    gauge("run_makespan_seconds", "From start to end.", [({}, figures.makespan_s)])
    gauge("run_lower_bound_seconds", "No order could be faster.", [({}, figures.bound.seconds)])
    gauge("run_start_seconds", "Unix time.", [({}, run.start_s)])
    gauge("run_cores_held_ratio", "Share of all cores that was held.", [({}, core.utilisation)])
    gauge("run_memory_held_ratio", "Share of all memory that was held.", [({}, memory.utilisation)])
    gauge("run_jobs", "Jobs by state.", [({"state": s}, figures.states[s]) for s in STATES])
    gauge(
        "run_failed_attempts", "By cause.", [({"cause": c}, n) for c, n in figures.causes.items()]
    )
    gauge(
        "run_limited_seconds", "By what limited the run.",
        [({"by": what}, s) for what, s in figures.usage.limits_s().items()],
    )  # fmt: skip
    by_rule: list[tuple[str, str, Callable[[RuleFigures], float | None]]] = [
        ("rule_jobs", "Jobs of a rule.", lambda r: r.jobs),
        ("rule_core_seconds", "Core-seconds requested.", lambda r: r.core_s),
        ("rule_wasted_core_seconds", "Core-seconds wasted.", lambda r: r.wasted_core_s),
        ("rule_duration_p50_seconds", "Median.", lambda r: _p50(r.duration_s)),
        ("rule_duration_max_seconds", "Longest.", lambda r: _most(r.duration_s)),
        ("rule_memory_peak_bytes", "Largest.", lambda r: _most(r.peak_bytes)),
        ("rule_memory_bytes", "Largest request.", lambda r: _most(r.memory_bytes)),
    ]
    for name, text, value in by_rule:
        gauge(name, text, [({"rule": rule.rule}, value(rule)) for rule in figures.rules])
    return "\n".join([*lines, "# EOF"]) + "\n"


def _label(text: str) -> str:
    text = re.sub("[\udc80-\udcff]", lambda m: f"\\x{ord(m[0]) - 0xDC00:02x}", text)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _p50(spread: Spread) -> float | None:
    return spread.p50 if spread else None


def _most(spread: Spread) -> float | None:
    return spread.most if spread else None
