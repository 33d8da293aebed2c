"""The parse table: kept in the cache, never trusted further than it should be, and lark's own."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from flowc.source import Source
from flowc.syntax import table
from flowc.syntax.layout import Layout
from flowc.syntax.parse import parse
from flowc.syntax.scan import Scanner
from flowc.syntax.statements import Statements
from flowc.syntax.table import build, grammar_path, load_table

GRAMMAR = grammar_path().read_text("utf-8")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "flowc"


built_once = cache(build)


def fresh() -> table.Table:
    return load_table.__wrapped__()


def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each table that is built; but the work is done once for all tests."""
    count: list[int] = []

    def counting(grammar: str) -> dict[str, object]:
        count.append(1)
        return deepcopy(built_once(grammar))

    monkeypatch.setattr(table, "build", counting)
    return count


def test_the_table_is_built_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = built(monkeypatch)
    first, second = fresh(), fresh()
    assert first == second and len(count) == 1
    (kept,) = home.iterdir()
    assert home.stat().st_mode & 0o777 == 0o700 and kept.stat().st_mode & 0o777 == 0o600


def spoil_text(kept: Path) -> None:
    kept.write_text(kept.read_text()[:-100])


def spoil_grammar(kept: Path) -> None:
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"grammar": "other"}))


def spoil_mode(kept: Path) -> None:
    kept.chmod(0o622)


def spoil_kind(kept: Path) -> None:
    kept.write_text("[]")


@pytest.mark.parametrize("spoil", [spoil_text, spoil_grammar, spoil_mode, spoil_kind])
def test_a_spoilt_file_is_not_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, spoil: object
) -> None:
    count = built(monkeypatch)
    fresh()
    (kept,) = home.iterdir()
    spoil(kept)  # type: ignore[operator]
    fresh()
    fresh()
    assert len(count) == 2, "built again, and kept again"


def test_a_directory_that_others_may_write_is_not_used(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o777)
    fresh()
    assert not list(home.iterdir())


def test_no_directory_is_no_fault(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home.parent.write_text("a file in its place")
    assert fresh().rows
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "")
    monkeypatch.chdir(tmp_path)
    assert fresh().rows and not (tmp_path / "relative").exists()


def test_every_reduction_has_its_method() -> None:
    actions = {r.action for r in load_table().reductions if r.action}
    missing = {a for a in actions if not callable(getattr(Statements, a, None))}
    assert not missing - {"$root_file", "$root_expressions"}


def test_lark_itself_reads_our_tokens_as_we_do() -> None:
    """The grammar alone decides what is accepted: our driver adds nothing."""
    from lark import Lark, UnexpectedInput
    from lark import Token as LarkToken
    from lark.lexer import Lexer

    class OurLexer(Lexer):
        def __init__(self, _: object) -> None: ...

        def lex(self, state: object) -> object:  # type: ignore[override]
            raise NotImplementedError

    lark = Lark(GRAMMAR, parser="lalr", start="file", lexer=OurLexer, maybe_placeholders=True)
    good = (Path(__file__).parent / "mutated.workflow").read_text("utf-8")
    for text, fits in [(good, True), ("rule a:\n  input: 1 2\n", False), ("x = (1,\n", False)]:
        faults: list[object] = []
        source = Source("x", text)
        tokens = [*Layout(source, faults).process(Scanner(source, faults).scan())]  # type: ignore[arg-type]
        reader = lark.parse_interactive("")
        try:
            for token in tokens:
                reader.feed_token(LarkToken(token.type, token.text))
            reader.feed_eof()  # type: ignore[no-untyped-call]
        except UnexpectedInput:
            assert not fits
        else:
            assert fits and parse(source)


def test_a_kept_table_saves_the_import_of_lark(home: Path) -> None:
    program = (
        "import sys; from flowc.source import Source; from flowc.syntax.parse import parse;"
        "parse(Source('x', 'rule a: input: 1')); print('lark' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]
