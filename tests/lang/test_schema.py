"""`validate`: what it says of a config is what jsonschema says, and it fills in the defaults."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from flowc.lang.limits import Budget, Refusal
from flowc.lang.schema import validate

CONFIG: dict[str, Any] = {
    "samples": ["a", "b"],
    "n": 3,
    "ratio": 0.5,
    "name": "abc",
    "really": True,
    "none": None,
    "inner": {"x": 1, "long-name": "y"},
}

# ruff: noqa: E501 - a row of the table is a schema
# fmt: off
SCHEMAS = {  #             the schema                                                  fits?
    "type":               ("{type: object}",                                            True),
    "wrong type":         ("{properties: {n: {type: string}}}",                         False),
    "one of types":       ("{properties: {none: {type: [string, 'null']}}}",            True),
    "true is no number":  ("{properties: {really: {type: integer}}}",                       False),
    "a number":           ("{properties: {ratio: {type: number}}}",                     True),
    "no integer":         ("{properties: {ratio: {type: integer}}}",                    False),
    "required":           ("{required: [n, name]}",                                     True),
    "missing":            ("{required: [n, other]}",                                    False),
    "missing inside":     ("{properties: {inner: {required: [z]}}}",                    False),
    "nothing more":       ("{properties: {n: {}}, additionalProperties: false}",        False),
    "all others":         ("{properties: {n: {}}, additionalProperties: {type: object}}", False),
    "patterns of names":  ("{properties: {inner: {patternProperties: {'^long': {type: number}}}}}", False),
    "enum":               ("{properties: {name: {enum: [abc, abd]}}}",                  True),
    "not in enum":        ("{properties: {n: {enum: [1, 2]}}}",                         False),
    "const":              ("{properties: {n: {const: 4}}}",                             False),
    "minimum":            ("{properties: {n: {minimum: 3, exclusiveMaximum: 4}}}",      True),
    "less":               ("{properties: {n: {exclusiveMinimum: 3}}}",                  False),
    "more":               ("{properties: {n: {maximum: 2.5}}}",                         False),
    "multiple":           ("{properties: {n: {multipleOf: 2}}}",                        False),
    "pattern":            ("{properties: {name: {pattern: 'b'}}}",                      True),
    "no match":           ("{properties: {name: {pattern: '^b'}}}",                     False),
    "short":              ("{properties: {name: {minLength: 4}}}",                      False),
    "items":              ("{properties: {samples: {items: {type: string}, maxItems: 2, uniqueItems: true}}}", True),
    "wrong items":        ("{properties: {samples: {items: {pattern: '^a$'}}}}",        False),
    "too many items":     ("{properties: {samples: {maxItems: 1}}}",                    False),
    "first items":        ("{properties: {samples: {prefixItems: [{const: b}]}}}",      False),
    "any":                ("{anyOf: [{required: [q]}, {required: [n]}]}",               True),
    "none of any":        ("{anyOf: [{required: [q]}, {required: [r]}]}",               False),
    "two of one":         ("{oneOf: [{required: [name]}, {required: [n]}]}",            False),
    "all":                ("{allOf: [{required: [name]}, {required: [q]}]}",            False),
    "not":                ("{not: {required: [n]}}",                                    False),
    "if, then":           ("{if: {required: [n]}, then: {required: [q]}}",              False),
    "if, else":           ("{if: {required: [q]}, then: false, else: {required: [n]}}", True),
    "reference":          ("{definitions: {t: {type: string}}, properties: {n: {$ref: '#/definitions/t'}}}", False),
    "true and false":     ("{properties: {n: true, name: false}}",                      False),
}
# fmt: on


def check(schema: Path, config: Any, set_default: bool = True) -> None:
    validate(Budget(100_000), re.search, str(schema), config, set_default)


@pytest.mark.parametrize(("text", "fits"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_config_fits_where_jsonschema_says_so(text: str, fits: bool, tmp_path: Path) -> None:
    assert Draft202012Validator(yaml.safe_load(text)).is_valid(CONFIG) is fits
    schema = tmp_path / "schema.yaml"
    schema.write_text(text)
    if fits:
        check(schema, copy.deepcopy(CONFIG))
    else:
        with pytest.raises(Refusal, match="does not fit"):
            check(schema, copy.deepcopy(CONFIG))


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        """{"properties": {
            "a": {"default": [1]},
            "n": {"default": 9},
            "deep": {"default": {}, "properties": {"x": {"default": {"y": 1}}}}}}"""
    )
    config: dict[str, Any] = {"n": 3}
    check(schema, config, set_default=False)
    assert config == {"n": 3}
    check(schema, config)
    assert config == {"a": [1], "n": 3, "deep": {"x": {"y": 1}}}


def test_all_faults_are_told_with_their_places(tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text("""
required: [genome]
properties:
  n: {type: string, maximum: 2}
  inner:
    properties:
      long-name: {enum: [a, b]}
""")
    with pytest.raises(Refusal) as refusal:
        check(schema, CONFIG)
    message = refusal.value.message.partition(": ")[2]
    assert message.split("; ") == [
        "`config` has no `genome`",
        '`config["n"]` is 3, not of type string',
        '`config["n"]` is 3, more than 2',
        """`config["inner"]["long-name"]` is 'y', not one of 'a', 'b'""",
    ]


def test_a_schema_refers_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.yaml").write_text("definitions: {a/b: {type: string}}\n")
    schema = tmp_path / "schema.yaml"
    schema.write_text("properties: {n: {$ref: 'parts/one.yaml#/definitions/a~1b'}}\n")
    with pytest.raises(Refusal, match="not of type string"):
        check(schema, {"n": 1})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{$ref: '#'}", "refers to itself"),
        ("{properties: {n: {$ref: '#/nothing'}}}", "names nothing"),
        ("{$ref: 'https://example.org/a.json'}", "not fetched"),
    ],
)
def test_a_schema_that_leads_nowhere_is_refused(text: str, words: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(text)
    with pytest.raises(Refusal, match=words):
        check(schema, {"n": 1})


def test_only_dicts_are_validated(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="takes a dict such as `config`, not a list"):
        check(tmp_path / "none.yaml", [1])
