"""Reports, for programs and the command line: the only place where reports and sizing meet."""

from typing import TYPE_CHECKING

from flowc.record.find import load_story
from flowc.record.story import RunStory
from flowc.report.compare import compare, compare_json, compare_text
from flowc.report.exports import EXPORTS
from flowc.report.figures import Figures, figures
from flowc.report.measured import Sizing, add_measured, with_sizings
from flowc.report.text import render_text

if TYPE_CHECKING:
    from flowc.sizing.figures import Evidence

FORMS = ("html", "text", *EXPORTS)
COMPARED = ("html", "text", "json")
"""The forms of two runs side by side."""
_STEPS = 24
"""Points of a drawn model."""


def figures_of(
    which: str | None = None,
    *,
    directory: str = ".",
    profile: str | None = None,
    cores: int | None = None,
) -> Figures:
    """Of the last run in a directory, of one by its id, or of a log by its path: flowc's own, or
    one of nipype, Nextflow or WfCommons. `profile`: for closer measurements and better advice.
    `cores`: how many there were, where the log does not say."""
    return figures_with(load_story(which, directory), profile, cores=cores)


def figures_with(story: RunStory, profile: str | None, *, cores: int | None = None) -> Figures:
    """Likewise of a story that is there already."""
    if profile is None:
        return figures(story, cores=cores)
    from flowc.sizing.figures import evidence_of  # the models are for profiles alone
    from flowc.sizing.profile import read_profile

    known = read_profile(profile)
    count = 0
    for run in known.runs:
        if run.run == story.run:
            count += add_measured(story, [attempt.to_data() for attempt in run.attempts])
    if not count:
        story.notes.append("The profile holds no measurement of this very run.")
    sizings = {rule: _sizing(of, profile) for rule, of in evidence_of(known).items()}
    return with_sizings(figures(story, cores=cores), sizings)


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


def render(found: Figures, form: str = "html", *, chart: bool = False, color: bool = False) -> str:
    """In one of `FORMS`. `chart`: the page is called so, as for logs of other tools."""
    if form == "html":
        from flowc.report.page import render_page  # 30 ms of Jinja

        return render_page(found, is_chart=chart)
    return render_text(found, color=color) if form == "text" else EXPORTS[form](found)


def render_compared(old: Figures, new: Figures, form: str = "html", *, color: bool = False) -> str:
    """Two runs side by side, in one of `COMPARED`."""
    found = compare(old, new)
    if form == "html":
        from flowc.report.page import render_comparison  # 30 ms of Jinja

        return render_comparison(found)
    return compare_json(found) if form == "json" else compare_text(found, color=color)
