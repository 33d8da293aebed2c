"""A directory with a small workflow, and `flowc` called in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.cli.main import main

SMALL = """\
rule all:
    "Everything."
    input: "all.txt"

rule count:
    input: "{name}.txt"
    output: "{name}.n"
    threads: 2
    shell: "wc -w < {input} > {output}"

rule gather:
    input: expand("{name}.n", name=config.get("names", ["a", "b"]))
    output: "all.txt"
    mem_gb: 0.5
    shell: "cat {input} > {output}"

rule fails:
    output: "never.txt"
    shell: "echo no luck; exit 3"

rule huge:
    output: "huge.txt"
    mem_gb: 100
    shell: "touch {output}"
"""

Flowc = Callable[..., tuple[int, str, str]]
"""Takes arguments; gives the exit code and what stands on stdout and on stderr."""


@pytest.fixture
def flowc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Flowc:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FLOWC_DEBUG", raising=False)
    (tmp_path / "Workflowfile").write_text(SMALL)
    (tmp_path / "a.txt").write_text("one two\n")
    (tmp_path / "b.txt").write_text("three\n")

    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(list(argv))
        out, err = capfd.readouterr()
        return code, out, err

    return call
