"""The completion scripts, in the shells that they are for."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.cli.completion import SHELLS
from flowc.cli.main import COMMANDS

Flowc = Callable[..., tuple[int, str, str]]


@pytest.fixture
def programs(flowc: Flowc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flowc:
    """A `flowc` on PATH, for the targets."""
    script = tmp_path / "bin" / "flowc"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m flowc "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    return flowc


def complete_in_bash(flowc: Flowc, line: str) -> list[str]:
    """What bash would offer for the last word of `line`."""
    script = flowc("completion", "bash")[1]
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    program = f"""{script}
COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}
_flowc 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


# fmt: off
OFFERED = {  #                      some of what is offered                    what is not
    "flowc ":                       (list(COMMANDS),                            ["--json"]),
    "flowc pl":                     (["plan"],                                  ["run"]),
    "flowc run --ke":               (["--keep-going", "--keep-incomplete"],     ["--json"]),
    "flowc graph --format m":       (["mermaid"],                               ["dot"]),
    "flowc completion ":            (list(SHELLS),                              ["Workflowfile"]),
    "flowc run ":                   (["all", "gather", "a.n", "Workflowfile"],  ["count"]),
    "flowc run a":                  (["all", "all.txt", "a.n", "a.txt"],        ["gather"]),
    "flowc run -R ga":              (["gather"],                                ["all"]),
    "flowc run -s Work":            (["Workflowfile"],                          ["a.txt"]),
    "flowc run -d b":               (["bin"],                                   ["b.txt"]),
    "flowc profile ":               (["show", "apply", "diff", "import", "all"], ["--json"]),
    "flowc profile sh":             (["show"],                                  ["apply"]),
    "flowc profile show --mo":      (["--model"],                               ["--jobs"]),
    "flowc profile import --from s": (["sacct", "snakemake"],                   ["qacct"]),
    "flowc profile show Work":      (["Workflowfile"],                          ["show"]),
    "flowc profile --ke":           (["--keep-going"],                          ["--model"]),
    "flowc profile -o b":           (["b.txt"],                                 ["show"]),
    "flowc plan --color ":          (["auto", "always", "never"],               ["all"]),
}
# fmt: on


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("line", OFFERED)
def test_bash(programs: Flowc, line: str) -> None:
    some, none = OFFERED[line]
    offered = complete_in_bash(programs, line)
    assert set(some) <= set(offered), offered
    assert not set(none) & set(offered)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_target_of_any_bytes_is_one_word(programs: Flowc) -> None:
    Path("a b;$(touch pwned).txt").write_text("x")
    names = "['a b;$(touch pwned)', b]"
    Path("config.yaml").write_text(f"names: {names}\n")
    text = Path("Workflowfile").read_text()
    Path("Workflowfile").write_text(f'configfile: "config.yaml"\n{text}')
    assert "a b;$(touch pwned).n" in complete_in_bash(programs, "flowc run a")
    assert not Path("pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_valid(flowc: Flowc, shell: str) -> None:
    code, script, _ = flowc("completion", shell)
    assert code == 0
    for command in COMMANDS:
        assert command in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([program, "-n"], input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_knows_the_function(flowc: Flowc) -> None:
    script = flowc("completion", "zsh")[1]
    program = f"{script}\nwhence -w _flowc; print -r -- $_comps[flowc]"
    done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["_flowc:", "function", "_flowc"], done.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    "line",
    [
        "flowc ",
        "flowc run --ke",
        "flowc graph --format m",
        "flowc profile sh",
        "flowc profile show --mo",
        "flowc profile import --from s",
    ],
)
def test_fish(programs: Flowc, line: str) -> None:
    script = programs("completion", "fish")[1]
    program = f"{script}\ncomplete -C '{line}'"
    done = subprocess.run(["fish", "-c", program], capture_output=True, text=True)
    offered = {row.partition("\t")[0] for row in done.stdout.splitlines()}
    assert set(OFFERED[line][0]) <= offered, done.stderr
    assert not set(OFFERED[line][1]) & offered
