"""From the names that other tools use to rules: one rule for many samples."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from flowc.sizing.importers.base import Found

_TAG = re.compile(r"(?P<name>[^()]+?)\s*\((?P<tag>.*)\)")
_SNAKEJOB = re.compile(r"snakejob\.(?P<name>.+)\.\d+\.sh")
_INDEX = re.compile(r"(?<=[A-Za-z])_?\d+$")


def fold(name: str) -> str:
    """A name without what tells samples apart: `wf._subject_01.align` and `ALIGN (S1)` are
    `align` and `ALIGN`."""
    name = name.strip()
    snakejob = _SNAKEJOB.fullmatch(name)
    if snakejob is not None:
        return snakejob["name"]
    tagged = _TAG.fullmatch(name)
    if tagged is not None:
        name = tagged["name"]
    name = name.rpartition(":")[2]
    parts = [part for part in name.split(".") if part]
    if len(parts) > 1:
        plain = [p for p in parts if not p.startswith("_") and "=" not in p]
        name = plain[-1] if plain else parts[-1]
    if name.startswith("_"):  # nipype's MapNodes: `_align0`, `_align1`
        name = _INDEX.sub("", name.lstrip("_"))
    return name


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def match(
    found: Iterable[Found], rules: Sequence[str] | None, pairs: Sequence[tuple[str, str]] = ()
) -> tuple[dict[str, str], list[str]]:
    """The rule for each name, and the names without one. `rules`: those of a workflow, if one is
    known; `pairs`: (pattern, rule) as the user says, which come first."""
    known = None if rules is None else {_plain(rule): rule for rule in rules}
    matched: dict[str, str] = {}
    unmatched: list[str] = []
    for name in dict.fromkeys(one.name for one in found):
        rule = next((rule for pattern, rule in pairs if fnmatchcase(name, pattern)), None)
        if rule is None:
            rule = fold(name) if known is None else _known(name, known)
        if rule:
            matched[name] = rule
        else:
            unmatched.append(name)
    return matched, unmatched


def _known(name: str, rules: Mapping[str, str]) -> str | None:
    """The rule of a workflow that a name stands for: itself, folded, or its beginning."""
    for candidate in (name, fold(name)):
        rule = rules.get(_plain(candidate))
        if rule is not None:
            return rule
    plain = _plain(fold(name))
    begins = [rule for rule in rules if plain.startswith(f"{rule}_")]
    if begins:
        return rules[max(begins, key=len)]
    shortened = re.sub(r"_?\d+$", "", plain)
    return rules.get(shortened)
