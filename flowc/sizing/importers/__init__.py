"""What other tools have measured, as attempts of a profile. One file for each tool.

Each has `read(lines)`: the text of a file to `Found`s, whose names are the tool's own. Whatever is
malformed raises `MalformedError` with the number of the line; nothing is guessed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module

from flowc.diagnostic import fail
from flowc.sizing.importers.base import Found, MalformedError
from flowc.source import Source, Span

TOOLS: Mapping[str, str] = {
    "nipype": "nipype's callback log, or its resource_monitor.json",
    "snakemake": "a file of Snakemake's `benchmark:`, TSV or JSONL",
    "nextflow": "Nextflow's trace.txt",
    "time": "GNU time's report: `time -v`",
    "sacct": "Slurm's `sacct --parsable2`",
    "qacct": "Grid Engine's `qacct -j`",
}


def read_measurements(tool: str, path: str) -> list[Found]:
    """What a file of another tool says. Raises WorkflowError with the place of a fault."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail("unreadable-measurements", f"`{path}` cannot be read: {why}") from None
    if not text.strip():
        raise fail("malformed-measurements", f"`{path}` is empty")
    read: Callable[[str], list[Found]] = import_module(f"flowc.sizing.importers.{tool}").read
    try:
        found = read(text)
    except MalformedError as fault:
        source = Source(path, text)
        start = source.offset(fault.line, 1) if fault.line else 0
        end = start + max(1, len(source.line(fault.line or 1)))
        is_other = fault.line <= 1
        wrong = f"`{path}` is not {TOOLS[tool]}" if is_other else f"`{path}` is malformed"
        hint = fault.hint or ("another tool is named with `--from`" if is_other else "")
        span = Span(source, start, end)
        raise fail(
            "malformed-measurements", f"{wrong}: {fault.message}", span, hint=hint or None
        ) from None
    if all(one.left_out for one in found):
        raise fail("malformed-measurements", f"`{path}` has no job that was measured")
    return found
