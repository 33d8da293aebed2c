"""The tables of the reference are made from the code, and nothing is missing in them."""

from pathlib import Path

import pytest
from flowc_reference import MARK, TABLES, fill

from flowc.events import KINDS
from flowc.lang.directives import DIRECTIVES, RULE, TOP

ROOT = Path(__file__).resolve().parents[2]


def test_every_table_is_on_a_page() -> None:
    used = {mark[0] for p in (ROOT / "docs").rglob("*.md") for mark in MARK.findall(p.read_text())}
    assert used == set(TABLES)


@pytest.mark.parametrize("where", [RULE, TOP])
def test_every_directive_is_in_the_language_page(where: str) -> None:
    text = fill(f"<!-- table: directives {where} -->") + fill("<!-- table: later -->")
    missing = [row.name for row in DIRECTIVES if row.where == where and f"`{row.name}`" not in text]
    assert not missing


def test_every_event_is_described() -> None:
    text = fill("<!-- table: events -->")
    assert all(f"`{tag}`\n: " in text for tag in KINDS)


def test_every_command_and_its_help_is_described() -> None:
    text = fill("<!-- table: commands -->")
    assert "## flowc run" in text and "`--cores`" in text and "## flowc completion" in text


def test_diagnostics_are_found_with_their_messages() -> None:
    text = fill("<!-- table: diagnostics -->")
    assert "### unknown-command\n" in text and "\n- there is no command `…`" in text
    assert text.count("\n### ") > 100
