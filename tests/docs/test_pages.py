"""Every example in the README and the docs is run.

In fenced blocks of a page, in order, in one empty directory:

    ```workflow                      a whole Workflowfile: it is read without a fault
    ```workflow fragment             part of one: not checked
    ```TYPE file=PATH                is written to PATH before what follows is run
    ```console                       lines with `$ ` are run by bash; below each, what it prints
                                     (a line `...` stands for any lines, ` ... ` for any text)
    ```console fails=2               the same; the last command ends with this exit code
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import pytest
from support.program import flowc_here

from flowc.api import load_file
from flowc.diagnostic import WorkflowError, render

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(
    r"^(?P<mark>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=mark)[ \t]*$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind its fence, and its text."""

    language: str
    words: tuple[str, ...]
    options: dict[str, str]
    body: str
    line: int


def blocks(text: str) -> list[Block]:
    found = []
    for fence in FENCE.finditer(text):
        language, *words = fence["info"].split() or [""]
        options = dict(w.partition("=")[::2] for w in words if "=" in w)
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(language, tuple(words), options, fence["body"], line))
    return found


def commands(body: str) -> list[tuple[str, str]]:
    """`(command, what it prints)` for each `$ ` line; `> ` lines continue a command."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines():
        command, output = found[-1] if found else ("", "")
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not output:
            found[-1] = (f"{command}\n{line[2:]}", "")
        elif found:
            found[-1] = (command, f"{output}{line}\n")
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is what the page shows. Blanks at the ends of lines do not count."""
    regex = "".join(
        "(?:.*\n)?" if line == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + "\n"
        for line in pattern.strip().splitlines()
    )
    seen = "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
    return re.fullmatch(regex, seen, re.S) is not None


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """PATH begins with a `flowc` that is this checkout's; no colours, no user's settings."""
    programs = tmp_path_factory.mktemp("bin")
    flowc = programs / "flowc"
    flowc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m flowc "$@"\n')
    flowc.chmod(0o755)
    (programs / "python3").symlink_to(sys.executable)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(programs),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }


def call(command: str, directory: Path, environment: dict[str, str]) -> CompletedProcess[str]:
    """Run a command by bash; if it is flowc and nothing else, in this process."""
    if re.fullmatch(r"flowc [^|&;<>()$`*?\[\]{}~#!\\\n]*", command):
        with patch.dict(os.environ, environment, clear=True):
            return flowc_here(*shlex.split(command)[1:], cwd=directory, together=True)
    return subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="surrogateescape",
        timeout=120,
    )


def run(block: Block, directory: Path, environment: dict[str, str]) -> None:
    """Run a console block; compare exit codes and outputs."""
    steps = commands(block.body)
    assert steps, f"line {block.line}: no line begins with `$ `"
    for command, expected in steps:
        done = call(command, directory, environment)
        is_last = command == steps[-1][0]
        wanted = int(block.options.get("fails", 0)) if is_last else 0
        shown = f"line {block.line}: $ {command}\n{done.stdout}"
        assert done.returncode == wanted, f"{shown}\nexit code {done.returncode}"
        if expected.strip():
            assert matches(expected, done.stdout), (
                f"{shown}\nis not what the page shows:\n{expected}"
            )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_examples(
    page: Path, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks(page.read_text("utf-8"))):
        if name := block.options.get("file"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(block.body)
        if block.language == "console":
            run(block, tmp_path, environment)
        elif block.language == "workflow" and "fragment" not in block.words:
            name = name or f"block-{number}"
            (tmp_path / name).write_text(block.body)
            try:
                load_file(name)
            except WorkflowError as error:
                pytest.fail(f"line {block.line}:\n" + "\n".join(map(render, error.diagnostics)))


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{target}: there is no such file"


# fmt: off
SHOWN = {  #           the page shows   the command prints   same?
    "equal":           ("a\nb\n",       "a\nb\n",            True),
    "other":           ("a\n",          "b\n",               False),
    "more":            ("a\n",          "a\nb\n",            False),
    "any lines":       ("a\n...\nd\n",  "a\nb\nc\nd\n",      True),
    "no lines":        ("a\n...\nd\n",  "a\nd\n",            True),
    "any text":        ("took ... s\n", "took 1.5 s\n",      True),
    "no regex":        ("a.c\n",        "abc\n",             False),
}
# fmt: on


@pytest.mark.parametrize(("pattern", "text", "same"), SHOWN.values(), ids=SHOWN)
def test_comparison(pattern: str, text: str, same: bool) -> None:
    assert matches(pattern, text) is same
