"""Where `config` comes from: `configfile:` statements, --configfile files and --config values.

All are merged deeply, dictionary by dictionary. What the command line gives wins over what the
Workflowfile gives, whatever the order in which they are read.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.source import Source, Span
from flowc.syntax.read import read_source

_KEY = re.compile(r"[^\W\d](?:[\w-]*\w)?")
_PLAIN = re.compile(r"[A-Za-z0-9_./][\w./+-]*")
"""A value that YAML reads as the text itself; so YAML need not be imported for it."""


def parse_config_item(item: str) -> tuple[str, Any]:
    """`samples=3` of --config, typed as Snakemake does: int, float, True or False, then YAML whose
    scalars stay text; nothing behind the `=` is None. Raises WorkflowError."""
    key, equals, text = item.partition("=")
    if not equals:
        raise fail("bad-config-item", f"`{item}` is not of the form `name=value`")
    if not _KEY.fullmatch(key):
        raise fail(
            "bad-config-item",
            f"`{key}` cannot be a name in `config`",
            hint="a name begins with a letter and holds letters, digits, `_` and `-`",
        )
    return key, _typed(text.strip("'\""))


def _typed(text: str) -> Any:
    if text == "":
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    if text in ("True", "False"):
        return text == "True"
    if _PLAIN.fullmatch(text):
        return text
    import yaml  # only values with YAML's own characters need it

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return text


def load_config_file(path: str, asked_by: Span | None = None) -> dict[str, Any]:
    """The content of a YAML or JSON file. Raises WorkflowError with the place of a fault."""
    source = read_source(path, asked_by, "a config file")
    text = source.text.removeprefix("\ufeff")
    if not text.strip():
        return {}
    is_json = path.lower().endswith(".json")
    found = _from_json(source, text, required=is_json) if text.lstrip()[0] == "{" else None
    if found is None:
        found = _from_yaml(source, text)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise fail(
            "bad-config-file",
            f"`{path}` holds {_kind(found)}, not names and values",
            Span(source, 0, 0) if asked_by is None else asked_by,
            hint="a config file looks like `samples: [a, b]`, one name a line",
        )
    return found


def merge(into: dict[Any, Any], other: Mapping[Any, Any]) -> None:
    """Put the values of `other` into `into`; dictionaries on both sides are merged in turn."""
    pending = [(into, other)]
    seen: set[tuple[int, int]] = set()  # YAML's anchors can make a dictionary hold itself
    while pending:
        target, source = pending.pop()
        if (id(target), id(source)) in seen:
            continue
        seen.add((id(target), id(source)))
        for key, value in source.items():
            old = target.get(key)
            if isinstance(value, Mapping) and isinstance(old, dict):
                pending.append((old, value))
            else:
                target[key] = value


def overrides(files: Iterable[str], items: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line says: the --configfile files in order, then the --config values."""
    config: dict[str, Any] = {}
    for path in files:
        merge(config, load_config_file(path))
    merge(config, copy.deepcopy(dict(items)))
    return config


def _from_json(source: Source, text: str, *, required: bool) -> Any:
    """None where the text is no JSON and need not be."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        if not required:
            return None
        at = fault.pos + len(source.text) - len(text)
        raise fail(
            "bad-config-file", f"this is not JSON: {_lower(fault.msg)}", _spot(source, at)
        ) from None
    except (RecursionError, ValueError) as fault:
        raise _unreadable(source, fault) from None


def _from_yaml(source: Source, text: str) -> Any:
    import yaml  # 15 ms: only for workflows that have a config

    try:
        try:
            return yaml.load(text, Loader=_yaml_loader(fast=True))
        except yaml.YAMLError:
            # libyaml counts places in bytes; the slow reader counts characters.
            return yaml.load(text, Loader=_yaml_loader(fast=False))
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        at = mark.index if mark else 0
        problem = fault.problem or fault.context or "it cannot be read"
        raise fail(
            "bad-config-file",
            f"this is not YAML: {problem}",
            _spot(source, at + len(source.text) - len(text)),
            hint=_yaml_hint(source, at),
        ) from None
    except yaml.reader.ReaderError as fault:
        raise fail(
            "bad-config-file",
            f"this is not YAML: the character U+{fault.character:04X} is not allowed",
            _spot(source, fault.position),
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as fault:
        raise _unreadable(source, fault) from None


def _yaml_loader(*, fast: bool) -> Any:
    """PyYAML's safe loader, in C where there is one. A date stays the text that was written."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if fast else yaml.SafeLoader

    class Loader(base):  # type: ignore[misc]
        pass

    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)
    return Loader


def _yaml_hint(source: Source, at: int) -> str | None:
    line = source.line(source.position(min(at, len(source.text)))[0])
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "YAML is indented with blanks, not with tabs"
    if re.match(r"\s*[\w-]+\s*=", line):
        return "write `name: value`, with a colon"
    return None


def _unreadable(source: Source, fault: Exception) -> WorkflowError:
    if isinstance(fault, RecursionError):
        problem = "it is nested too deeply"
    else:
        problem = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
    return fail("bad-config-file", f"`{source.name}` cannot be read: {problem}", _spot(source, 0))


def _spot(source: Source, at: int) -> Span:
    at = max(0, min(at, len(source.text)))
    return Span(source, at, at + 1)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "a number" if isinstance(value, int | float) else "a text"
