"""Files that are not text, or not there."""

import os
from pathlib import Path

import pytest

from flowc.diagnostic import WorkflowError, render
from flowc.source import Source, Span
from flowc.syntax import read
from flowc.syntax.read import read_source

# fmt: off
NO_TEXT: dict[str, tuple[bytes, str, str]] = {
    "Latin-1":     (b"a = 1\nb = 'caf\xe9'\n",     "not-utf-8", "byte 0xe9 at offset 14 (line 2)"),
    "cut off":     (b"a = '\xc3",                  "not-utf-8", "byte 0xc3 at offset 5 (line 1)"),
    "UTF-16":      ("rule a:".encode("utf-16"),    "not-utf-8", "but UTF-16"),
    "UTF-16, bare": ("rule a:".encode("utf-16-le"), "not-utf-8", "is not UTF-8"),
    "NUL":         (b"a = 1\nb\0",                 "nul-byte",  "a NUL byte at offset 7 (line 2)"),
}
# fmt: on


def refusal(path: str, asked_by: Span | None = None) -> tuple[str, str]:
    with pytest.raises(WorkflowError) as caught:
        read_source(path, asked_by)
    (diagnostic,) = caught.value.diagnostics
    assert render(diagnostic)
    if asked_by:
        assert diagnostic.span == asked_by
    return diagnostic.code, diagnostic.message


@pytest.mark.parametrize(("data", "code", "part"), NO_TEXT.values(), ids=NO_TEXT)
@pytest.mark.parametrize("included", [False, True])
def test_what_is_no_text(tmp_path: Path, data: bytes, code: str, part: str, included: bool) -> None:
    path = tmp_path / "Workflowfile"
    path.write_bytes(data)
    asked_by = Span(Source("top", "include: 'x'"), 9, 12) if included else None
    found, message = refusal(str(path), asked_by)
    assert found == code and part in message


def test_what_is_no_file(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "none"))[0] == "missing-file"
    assert refusal(str(tmp_path))[0] == "is-a-directory"
    assert refusal("a\0b")[0] == "unreadable-file"
    assert refusal(str(tmp_path / ("x" * 300)))[0] == "unreadable-file"
    (tmp_path / "loop").symlink_to("loop")
    assert refusal(str(tmp_path / "loop"))[0] == "unreadable-file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x = 1")
    path.chmod(0)
    assert refusal(str(path)) == ("unreadable-file", f"cannot read `{path}`: Permission denied")


def test_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big"
    path.write_text("x = 1\n" * 10)
    monkeypatch.setattr(read, "MAX_BYTES", 59)
    assert refusal(str(path))[0] == "too-large"
    monkeypatch.setattr(read, "MAX_BYTES", 60)
    assert len(read_source(str(path)).text) == 60


def test_marks_and_line_ends_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    source = read_source(str(path))
    assert source.text == "a = 1\r\nb = 2\r\n" and source.line(2) == "b = 2"
    path.write_bytes(b"a = 1\rb = 2\r")
    assert read_source(str(path)).text == "a = 1\nb = 2\n"
    path.write_bytes(b"")
    assert read_source(str(path)).text == ""


def test_a_name_may_hold_any_bytes(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n")
    with open(path, "w") as file:
        file.write("x = 1")
    assert read_source(path).text == "x = 1"
    os.unlink(path)
    assert refusal(path)[0] == "missing-file"
