"""Find a run's record and read it: by its id, by the path of its log, or the last one there is."""

import os

from flowc.diagnostic import fail
from flowc.machine import boot_id, process_start_s
from flowc.record.fold import NO_END, Fold
from flowc.record.foreign import read_foreign
from flowc.record.log import list_runs, log_path, read_log
from flowc.record.story import RunStory


def find_log(which: str | None, directory: str = ".") -> str:
    """The path of a log. Raises WorkflowError where there is none."""
    runs = list_runs(directory)
    if which is None:
        if not runs:
            raise fail(
                "no-run",
                "there is no run here yet",
                hint="`flowc run` makes one; or name the log of a run that was made elsewhere",
            )
        return runs[-1]
    path = log_path(which, directory)
    if path in runs:
        return path
    if os.path.exists(which) or "/" in which:
        return which
    names = [os.path.basename(path).removesuffix(".jsonl") for path in runs]
    last = f"; the last ones: {', '.join(names[:-6:-1])}" if names else ""
    raise fail("unknown-run", f"there is no run and no file `{which}`", hint=f"a run's id{last}")


def last_two_logs(directory: str = ".") -> list[str]:
    """The paths of the logs of the last two runs, the older one first."""
    runs = list_runs(directory)[-2:]
    if len(runs) < 2:
        count = "only one run" if runs else "no run"
        raise fail("no-run", f"there is {count} here, and two are to be compared")
    return runs


def load_story(which: str | None = None, directory: str = ".") -> RunStory:
    """The story of a run, be it flowc's or another tool's."""
    path = find_log(which, directory)
    try:
        found = read_foreign(path)
        return read_story(path) if found is None else found
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail("unreadable-log", f"`{path}` cannot be read: {why}") from None


def read_story(path: str) -> RunStory:
    """The story that a log of flowc's tells."""
    fold, count = Fold(), 0
    for event in read_log(path):
        fold(event)
        count += 1
    if not count and os.path.getsize(path):
        raise fail(
            "foreign-log",
            f"`{path}` holds no event of a run",
            hint="flowc reads its own logs (.flowc/runs/*.jsonl), nipype's callback log, "
            "Nextflow's trace.txt and instances of WfCommons",
        )
    story = fold.story()
    story.is_live = not story.outcome and _is_running(story)
    if story.is_live:
        going_on = "The run is still going: figures are those up to its last event."
        story.notes = [going_on if note == NO_END else note for note in story.notes]
    return story


def _is_running(story: RunStory) -> bool:
    """Whether the run's own process is there: on this machine, since its last start."""
    if not story.pid or not story.boot_id or story.boot_id != boot_id():
        return False
    start_s = process_start_s(story.pid)
    return start_s > 0 and abs(start_s - story.pid_start_s) < 1
