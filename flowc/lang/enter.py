"""What `.name` and `[key]` of a placeholder reach: parts of records, mappings, namespaces,
sequences and paths. No attribute of any other object can be reached."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from flowc.lang.values import Namespace, Record

PATH_PARTS = frozenset({"name", "stem", "suffix", "parent"})


def names_in(value: Any) -> Sequence[str]:
    """The names by which something of a value can be reached."""
    if isinstance(value, Record):
        return list(value.names)
    return [name for name in _mapping(value) if isinstance(name, str)]


def _mapping(value: Any) -> Mapping[Any, Any]:
    """What can be entered by name; of any other value, nothing."""
    if isinstance(value, Namespace):
        return value.members
    return value if isinstance(value, Mapping) else {}


def enter(value: Any, step: str | int) -> Any:
    """What stands behind a name or key. Raises KeyError, IndexError or TypeError."""
    if isinstance(value, Record):
        return value[step] if isinstance(step, int) else value.get_name(step)
    if isinstance(value, Namespace | Mapping):
        members = _mapping(value)
        return members[step] if step in members else members[str(step)]
    if isinstance(value, (list, tuple, str)) and isinstance(step, int):
        return value[step]
    if isinstance(value, PurePath) and step in PATH_PARTS:
        return getattr(value, str(step))
    raise KeyError(step)
