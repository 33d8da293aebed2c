"""Shell commands with placeholders, and how values are escaped for the place where they stand."""

from dataclasses import dataclass

from flowc.source import Span


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{input.reads[0]:q}`: what stands there is filled in when the job starts."""

    root: str  # "input", "output", "log", "wildcards", "params", "threads", "resources" ...
    path: tuple[str | int, ...]  # ("reads", 0)
    spec: str  # the text behind ":", such as "q", "raw", "04d"; "" for none
    conversion: str  # "", "r" or "s"
    context: str  # how the shell reads this place: "bare", "double", "single" ...
    span: Span | None


@dataclass(frozen=True, slots=True)
class Template:
    """A command (or message). `text` is the author's own, before anything is filled in: its
    digest says whether the code of a rule has changed. Globals are already in `parts`."""

    text: str
    parts: tuple[str | Placeholder, ...]
