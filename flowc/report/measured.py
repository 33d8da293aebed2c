"""What a profile knows in addition: closer measurements of attempts, sizes of inputs, and what the
models of sizing make of them. They come as plain data: a report knows nothing of models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowc.record.story import AttemptStory, JobStory, RunStory
from flowc.report.figures import Figures
from flowc.report.rulefigures import Advice
from flowc.units import GIB


@dataclass(frozen=True, slots=True)
class Sizing:
    """What jobs of a rule should ask for by all that was measured of it."""

    threads: int | None
    memory_bytes: int | None
    why: str
    profile: str  # the path of the file, for the rule's `profile:`
    curve: Sequence[tuple[float, float]] = ()  # size of the input, request: where it varies


def add_measured(run: RunStory, attempts: Iterable[Mapping[str, Any]]) -> int:
    """Put measurements of this very run into its story; how many attempts there were."""
    known: dict[tuple[str, int], tuple[JobStory, AttemptStory]] = {
        (job.name, attempt.number): (job, attempt) for job, attempt in run.attempts()
    }
    count = 0
    for measured in attempts:
        found = known.get((measured.get("name", ""), measured.get("attempt", 1)))
        if found is None:
            continue
        job, attempt = found
        count += 1
        if measured.get("cpu_s") is not None:
            attempt.cpu_s = measured["cpu_s"]
        peak_bytes = measured.get("memory_peak_bytes")
        if peak_bytes is not None and not measured.get("memory_is_bound"):
            attempt.peak_bytes = peak_bytes
        attempt.series = measured.get("series", {})
        if measured.get("input_bytes") is not None:
            job.input_bytes = measured["input_bytes"]
    return count


def with_sizings(figures: Figures, sizings: Mapping[str, Sizing]) -> Figures:
    """The same, with advice from the models in place of the simple one."""
    rules = []
    for rule in figures.rules:
        sizing = sizings.get(rule.rule)
        if sizing is not None:
            memory_bytes = sizing.memory_bytes
            advice = Advice(
                sizing.threads,
                None if memory_bytes is None else round(memory_bytes / GIB, 3),
                sizing.why,
                sizing.profile,
            )
            rule = replace(rule, advice=advice, curve=tuple(sizing.curve))
        rules.append(rule)
    return replace(figures, rules=rules)
