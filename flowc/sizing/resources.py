"""Resource files: figures by rule that override a workflow's own for one run.

    {"format": "flowc-resources", "version": 1,
     "rules": {"map": {"threads": 4, "mem_gb": 1.5, "peak_gb": 1.31, "evidence": "40 measurem..."}}}

Where memory goes with the size of the inputs, `memory` has the function (see `fitted`), and
`mem_gb` is for inputs of unknown size; `peak_gb` is what was measured. As JSON or YAML. What
people write by hand needs no more than `{"map": {"threads": 4}}`, and a file of `{name: {ncpu,
cpumax, mem, time}}` (see `columns`) is taken as well.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.sizing.figures import LEAST_BYTES, Evidence, shown_gb
from flowc.sizing.fitted import FittedMemory
from flowc.sizing.profile import malformed, read_json
from flowc.source import Source, Span
from flowc.units import GIB
from flowc.whole import write_whole

FORMAT, VERSION = "flowc-resources", 1
MOST_CORES, MOST_GB = 1_000_000, 1 << 30
_NAMES = {
    "threads": "threads",
    "ncpu": "threads",
    "mem_gb": "mem_gb",
    "mem": "mem_gb",
    "peak_gb": "peak_gb",
}
_OTHERS = frozenset({"evidence", "memory", "cpumax", "time", "wall_s"})


@dataclass(frozen=True, slots=True)
class FileFigures:
    """What a resource file says of one rule. None: nothing."""

    cores: int | None
    memory_bytes: int | None
    detail: str  # where it stands, for people
    path: str = ""
    fitted: FittedMemory | None = None  # the memory, by the size of the inputs
    peak_bytes: int | None = None  # the most that was measured

    @property
    def has_memory(self) -> bool:
        return self.memory_bytes is not None or self.fitted is not None

    def memory(self, input_bytes: Callable[[], int | None], attempt: int) -> int | None:
        """What an attempt at a job asks for; its size is asked for where it matters."""
        if self.fitted is None:
            return self.memory_bytes
        size = input_bytes() if self.fitted.varies else None
        return max(self.fitted.request(size, attempt).bytes, LEAST_BYTES)


def make_resources(evidence: Iterable[Evidence], source: str) -> dict[str, Any]:
    """The content of a resource file made of what was measured."""
    rules: dict[str, dict[str, Any]] = {}
    for one in evidence:
        figures = one.figures()
        entry: dict[str, Any] = {}
        if figures.cores is not None:
            entry["threads"] = figures.cores
        if figures.memory_bytes is not None:
            entry["mem_gb"] = shown_gb(figures.memory_bytes)
            if one.fitted is not None and one.fitted.varies:  # then `mem_gb` is for unknown sizes
                entry["memory"] = one.fitted.to_data()
            if one.memory_peak_bytes:
                entry["peak_gb"] = shown_gb(one.memory_peak_bytes)
        if entry:
            rules[one.rule] = {**entry, "evidence": figures.detail}
    return {"format": FORMAT, "version": VERSION, "from": source, "rules": rules}


def resources_text(data: Mapping[str, Any], *, as_yaml: bool) -> str:
    """As JSON, or as YAML whose values are written as JSON has them."""
    if not as_yaml:
        return json.dumps(data, indent=2) + "\n"
    lines: list[str] = []
    _yaml(data, "", lines)
    return "\n".join(lines) + "\n"


def _yaml(data: Mapping[str, Any], indent: str, lines: list[str]) -> None:
    for name, value in data.items():
        key = name if name.replace("-", "_").isidentifier() and name.isascii() else json.dumps(name)
        if name.lower() in ("y", "n", "yes", "no", "on", "off", "true", "false", "null"):
            key = json.dumps(name)
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{key}:")
            _yaml(value, indent + "  ", lines)
        else:
            lines.append(f"{indent}{key}: {json.dumps(value)}")


def write_resources(path: str, data: Mapping[str, Any]) -> None:
    """By its name: YAML for `.yaml` and `.yml`."""
    write_whole(path, [resources_text(data, as_yaml=is_yaml(path))])


def is_yaml(path: str) -> bool:
    return path.lower().endswith((".yaml", ".yml"))


def read_resources(path: str) -> dict[str, FileFigures]:
    """By rule. Raises WorkflowError."""
    data = _read_yaml(path) if is_yaml(path) else read_json(path, "resource-file")
    if not isinstance(data, dict):
        raise malformed("resource-file", path, "it holds no names of rules with their figures")
    if data.get("format") == "flowc-profile":
        raise fail(
            "foreign-resource-file",
            f"`{path}` is a profile, not a resource file",
            hint=f"make one of it: `flowc profile resources {path} -o resources.json`",
        )
    rules: Any = data
    if "format" in data and not isinstance(data["format"], dict):
        version = data.get("version")
        if data["format"] != FORMAT:
            raise malformed("resource-file", path, f'its format is not "{FORMAT}"')
        if type(version) is int and version > VERSION:
            raise fail(
                "newer-resource-file",
                f"`{path}` has version {version} of the format; this flowc reads {VERSION}",
            )
        rules = data.get("rules")
        if not isinstance(rules, dict):
            raise malformed("resource-file", path, "at `rules`: there are none")
    return {str(rule): _entry(path, str(rule), entry) for rule, entry in rules.items()}


def _entry(path: str, rule: str, entry: Any) -> FileFigures:
    if not isinstance(entry, dict):
        raise malformed("resource-file", path, f"at `{rule}`: these are no figures")
    found: dict[str, float] = {}
    for name, value in entry.items():
        if name in _OTHERS:
            continue
        known = _NAMES.get(name)
        if known is None:
            raise malformed(
                "resource-file", path, f"at `{rule}`: `{name}` is neither `threads` nor `mem_gb`"
            )
        most = MOST_CORES if known == "threads" else MOST_GB
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value <= most:
            what = json.dumps(value, default=str)[:40]
            raise malformed(
                "resource-file",
                path,
                f"at `{rule}.{name}`: expected a number above 0, {most} at most, found {what}",
            )
        found[known] = value
    if not found.keys() - {"peak_gb"}:
        raise malformed("resource-file", path, f"at `{rule}`: no figure is given")
    cores = found.get("threads")
    gb, peak_gb = found.get("mem_gb"), found.get("peak_gb")
    evidence = entry.get("evidence")
    return FileFigures(
        None if cores is None else math.ceil(cores),
        None if gb is None else math.ceil(gb * GIB),
        f"{path}: {evidence}" if isinstance(evidence, str) and evidence else path,
        path,
        _fitted(path, rule, entry["memory"]) if "memory" in entry else None,
        None if peak_gb is None else math.ceil(peak_gb * GIB),
    )


def _fitted(path: str, rule: str, data: Any) -> FittedMemory:
    try:
        if not isinstance(data, dict):
            raise ValueError("it is no object")
        return FittedMemory.from_data(data)
    except ValueError as fault:
        raise malformed("resource-file", path, f"at `{rule}.memory`: {fault}") from None


def _read_yaml(path: str) -> Any:
    import yaml  # only for such files

    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        if not text.strip():
            raise malformed("resource-file", path, "it is empty")
        return yaml.safe_load(text)
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail(
            "unreadable-resource-file", f"the resource file `{path}` cannot be read: {why}"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        raise _not_yaml(path, text, fault) from None


def _not_yaml(path: str, text: str, fault: Exception) -> WorkflowError:
    mark = getattr(fault, "problem_mark", None)
    why = getattr(fault, "problem", None) or "it cannot be read"
    span = None
    if mark is not None:
        source = Source(path, text)
        at = source.offset(mark.line + 1, mark.column + 1)
        span = Span(source, at, at + 1)
    return fail("malformed-resource-file", f"this is not YAML: {why}", span)
