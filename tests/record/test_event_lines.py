"""Events as lines of JSON: what is written by hand is what `json` would write, and reads back."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowc.events import KINDS, Event, from_line, to_line
from flowc.ids import JobId

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70) | st.booleans() | st.none()
VALUES = st.recursive(
    TEXT | NUMBERS,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FLOATS = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70)
OF_KIND: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**70), 2**70),
    JobId: st.integers(-1, 2**31),
    str: TEXT,
    float: FLOATS,
    float | None: FLOATS | st.none(),
    int | None: st.integers(-(2**70), 2**70) | st.none(),
    tuple[str, ...]: st.lists(TEXT, max_size=3).map(tuple),
    Mapping[str, str]: st.dictionaries(TEXT, TEXT, max_size=3),
    Mapping[str, float]: st.dictionaries(TEXT, FLOATS, max_size=3),
}
"""By annotation. Fields of other kinds may hold anything."""


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(data=st.data())
def test_a_line_is_what_json_makes_of_the_fields(kind: type[Any], data: st.DataObject) -> None:
    event: Event = kind(**{f.name: data.draw(OF_KIND.get(f.type, VALUES)) for f in fields(kind)})
    values = {field.name: getattr(event, field.name) for field in fields(kind)}
    expected = json.dumps({"event": kind.kind, **values}, separators=(",", ":"))
    assert to_line(event) == expected + "\n"


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e300, -0.0])
def test_odd_numbers(number: float) -> None:
    line = to_line(KINDS["files-removed"](number, ("a",), "temp"))
    assert json.dumps(number) in line
    found = from_line(line)
    assert found is not None and repr(found.at_s) == repr(number)
