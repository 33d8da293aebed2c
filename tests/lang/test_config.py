"""`config`: the types of --config values, YAML and JSON files, and how they are merged."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowc.diagnostic import WorkflowError, render
from flowc.lang.config import load_config_file, merge, overrides, parse_config_item

# fmt: off
ITEMS = {
    "n=3":                ("n", 3),
    "n=-3":               ("n", -3),
    "n=1_000":            ("n", 1000),
    "n=0.5":              ("n", 0.5),
    "n=1e3":              ("n", 1000.0),
    "b=True":             ("b", True),
    "b=False":            ("b", False),
    "b=true":             ("b", "true"),
    "s=text":             ("s", "text"),
    "s=a=b":              ("s", "a=b"),
    "s=a/b-c.txt":        ("s", "a/b-c.txt"),
    "s=":                 ("s", None),
    "s='quoted'":         ("s", "quoted"),
    "s=[1, 2]":           ("s", ["1", "2"]),
    "s={a: 1}":           ("s", {"a": "1"}),
    "s={a: [true, x]}":   ("s", {"a": ["true", "x"]}),
    "s=[1, 2":            ("s", "[1, 2"),
    "s=null":             ("s", "null"),
    "s=$(rm -rf /)":      ("s", "$(rm -rf /)"),
    "with-dash=1":        ("with-dash", 1),
}
# fmt: on


@pytest.mark.parametrize(("item", "expected"), ITEMS.items(), ids=ITEMS)
def test_an_item_has_snakemakes_type(item: str, expected: tuple[str, Any]) -> None:
    found = parse_config_item(item)
    assert found == expected
    assert type(found[1]) is type(expected[1])


@pytest.mark.parametrize("item", ["n", "", "=3", "1a=3", "a.b=3", "a b=3", "-a=1"])
def test_an_item_without_a_proper_name_is_refused(item: str) -> None:
    with pytest.raises(WorkflowError) as error:
        parse_config_item(item)
    assert [d.code for d in error.value.diagnostics] == ["bad-config-item"]


FILES: dict[str, tuple[str, str, Any]] = {
    "yaml": ("c.yaml", "a: 1\nb: [x, 2]\n", {"a": 1, "b": ["x", 2]}),
    "json": ("c.json", '{"a": 1, "b": {"c": null}}', {"a": 1, "b": {"c": None}}),
    "json by content": ("c.yaml", '{"a": 1.5}', {"a": 1.5}),
    "flow style yaml": ("c.yaml", "{a: 1}", {"a": 1}),
    "yaml in json's name": ("c.json", "a: 1", {"a": 1}),
    "empty": ("c.yaml", "", {}),
    "only comments": ("c.yaml", "# nothing\n", {}),
    "a date stays text": ("c.yaml", "d: 2024-01-31\n", {"d": "2024-01-31"}),
    "byte order mark": ("c.yaml", "\ufeffa: 1\n", {"a": 1}),
}


@pytest.mark.parametrize(("name", "text", "expected"), FILES.values(), ids=FILES)
def test_files_are_read(tmp_path: Path, name: str, text: str, expected: Any) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert load_config_file(str(path)) == expected


# fmt: off
WRONG = {  #         file, text, place, a part of the message
    "yaml":         ("c.yaml", "a: 1\nb: [1, 2\nc: 3\n", "3:2", "this is not YAML"),
    "umlauts":      ("c.yaml", "ä: ö\nü: [ö, 'ß\n",      "3:1", "this is not YAML"),
    "tab":          ("c.yaml", "a:\n\tb: 1\n",           "2:1", "this is not YAML"),
    "json":         ("c.json", '{"a": 1,\n "b": }',      "2:7", "this is not JSON"),
    "list":         ("c.yaml", "- a\n- b\n",             "1:1", "holds a list"),
    "text":         ("c.yaml", "just words\n",           "1:1", "holds a text"),
    "python tag":   ("c.yaml", "a: !!python/object/apply:os.system ['true']\n", "1:4", "YAML"),
    "huge integer": ("c.yaml", "a: " + "9" * 5000,       "1:1", "cannot be read"),
    "deep":         ("c.json", '{"a":' + "[" * 100_000,  "1:1", "nested too deeply"),
    "control":      ("c.yaml", "a: \x07\n",              "1:4", "not allowed"),
}
# fmt: on


@pytest.mark.parametrize(("name", "text", "place", "part"), WRONG.values(), ids=WRONG)
def test_a_fault_has_its_place(tmp_path: Path, name: str, text: str, place: str, part: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkflowError) as error:
        load_config_file(str(path))
    (fault,) = error.value.diagnostics
    assert fault.code == "bad-config-file"
    assert part in fault.message
    assert str(fault.span) == f"{path}:{place}"
    assert render(fault)


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as error:
        load_config_file(str(tmp_path / "none.yaml"))
    assert "none.yaml" in error.value.diagnostics[0].message


# fmt: off
MERGED: dict[str, tuple[Any, Any, Any]] = {
    "new key":        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    "other value":    ({"a": 1}, {"a": 2}, {"a": 2}),
    "deep":           ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3, "d": 4}},
                       {"a": {"b": 1, "c": 3, "d": 4}}),
    "list replaced":  ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    "dict over text": ({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    "text over dict": ({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}),
    "none over dict": ({"a": {"b": 1}}, {"a": None}, {"a": None}),
}
# fmt: on


@pytest.mark.parametrize(("into", "other", "expected"), MERGED.values(), ids=MERGED)
def test_dictionaries_are_merged(into: Any, other: Any, expected: Any) -> None:
    merge(into, other)
    assert into == expected


def test_a_dictionary_that_holds_itself_is_merged_in_the_end() -> None:
    into: dict[str, Any] = {}
    into["self"] = into
    other: dict[str, Any] = {"x": 1}
    other["self"] = other
    merge(into, other)
    assert into["x"] == 1


trees: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
configs = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


def merged(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    into: dict[str, Any] = json.loads(json.dumps(a))
    merge(into, json.loads(json.dumps(b)))
    return into


@given(configs, configs)
def test_what_is_merged_wins(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Merging again changes nothing, and all that `b` says holds."""
    once = merged(a, b)
    assert merged(once, b) == once
    for key, value in b.items():
        if not isinstance(value, dict):
            assert once[key] == value
    assert set(once) == set(a) | set(b)


def test_the_values_of_the_command_line_win_over_its_files(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.json"
    first.write_text("a: 1\nd: {x: 1, y: 1}\n")
    second.write_text('{"a": 2, "d": {"y": 2}}')
    values = {"d": {"z": 3}}
    found = overrides([str(first), str(second)], values)
    assert found == {"a": 2, "d": {"x": 1, "y": 2, "z": 3}}
    found["d"]["z"] = 4
    assert values == {"d": {"z": 3}}
