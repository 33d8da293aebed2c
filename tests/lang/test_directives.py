"""The table of directives: complete, without doubles, and each supported row has a reader."""

import re

import pytest

from flowc.lang import directives as table
from flowc.lang.directives import DIRECTIVES, KINDS, MODULE, RULE, TOP, DirectiveRow
from flowc.lang.reuse import READERS as MODULE_READERS
from flowc.lang.rules import READERS
from flowc.lang.toplevel import NAMES, VALUES

HANDLERS = ("onstart", "onsuccess", "onerror")


def test_no_directive_stands_twice() -> None:
    rows = [(row.where, row.name) for row in DIRECTIVES]
    assert len(rows) == len(set(rows))
    by_where = (table.RULE_DIRECTIVES, table.TOP_DIRECTIVES, table.MODULE_DIRECTIVES)
    assert sum(map(len, by_where)) == len(DIRECTIVES)


def test_what_is_supported_is_read_and_nothing_else() -> None:
    in_rules = {row.name for row in DIRECTIVES if row.where == RULE and row.supported}
    assert in_rules == {*READERS, "name"}
    at_top = {row.name for row in DIRECTIVES if row.where == TOP and row.supported}
    assert at_top == {*NAMES, *VALUES, "include", "configfile", "workdir", *HANDLERS}
    in_modules = {row.name for row in DIRECTIVES if row.where == MODULE and row.supported}
    assert in_modules == {*MODULE_READERS}


@pytest.mark.parametrize("row", DIRECTIVES, ids=lambda row: f"{row.where}-{row.name}")
def test_a_row_is_fit_for_the_reference(row: DirectiveRow) -> None:
    assert row.where in (RULE, TOP, MODULE)
    assert row.kind in KINDS
    assert re.fullmatch(r"[A-Z].*\.", row.doc), "one sentence"
    assert "\n" not in row.doc
    assert row.supported or row.instead, "what is refused says what to do instead"


def test_every_action_is_a_directive_of_rules() -> None:
    assert set(table.RULE_DIRECTIVES) >= table.ACTIONS
