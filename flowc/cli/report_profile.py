"""A report with what a profile knows: the only place where reports and sizing meet."""

from typing import TYPE_CHECKING

from flowc.record.story import RunStory
from flowc.report.figures import Figures, figures
from flowc.report.measured import Sizing, add_measured, with_sizings

if TYPE_CHECKING:
    from flowc.sizing.figures import Evidence

_STEPS = 24
"""Points of a drawn model."""


def figures_with(story: RunStory, path: str | None) -> Figures:
    """The figures of a run. `path`: a profile, for closer measurements and better advice."""
    if path is None:
        return figures(story)
    from flowc.sizing.figures import evidence_of  # the models are for profiles alone
    from flowc.sizing.profile import read_profile

    profile = read_profile(path)
    count = 0
    for run in profile.runs:
        if run.run == story.run:
            count += add_measured(story, [attempt.to_data() for attempt in run.attempts])
    if not count:
        story.notes.append("The profile holds no measurement of this very run.")
    evidence = evidence_of(profile)
    return with_sizings(figures(story), {r: _sizing(of, path) for r, of in evidence.items()})


def _sizing(evidence: "Evidence", path: str) -> Sizing:
    found = evidence.figures()
    curve: list[tuple[float, float]] = []
    sizes = [a.input_bytes for a in evidence.sized if a.input_bytes is not None]
    if sizes and evidence.fitted is not None:
        low, high = min(sizes), max(sizes)
        for i in range(_STEPS + 1):
            size = low + (high - low) * i / _STEPS
            curve.append((size, evidence.fitted.request(size).bytes))
    return Sizing(found.cores, found.memory_bytes, found.detail, path, curve)
