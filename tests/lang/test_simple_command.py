"""Commands told to need no shell mean the same to bash."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.lang.simple import BASH_WORDS, bash_is_untouched, is_simple_command

# fmt: off
SIMPLE = {
    "touch a/b.txt": ["touch", "a/b.txt"],
    "  cp a  b\n": ["cp", "a", "b"],
    "touch 'a b' \"c d\" e\\ f \\'": ["touch", "a b", "c d", "e f", "'"],
    "x \\\n  --y=z": ["x", "--y=z"],
    "x --a='b c'd": ["x", "--a=b cd"],
    "./x '' \"\"": ["./x", "", ""],
    "x 'a\nb'": ["x", "a\nb"],
    "x '\udcff'": ["x", "\udcff"],
}
NOT_SIMPLE = [
    "", " ", "\n", "echo a", "cd x", "true", "if x", "[ a ]", "a=b c", "a+=b", "x > y",
    "x | y", "x; y",
    "x & y", "x\ny", "x $y", "x `y`", 'x "$y"', 'x "\\a"', "x *", "x a?", "x [a]", "x ~",
    "x ~/a", "x {a,b}", "x {}",
    "! x", "x !", "x # y", "'x' y", "\\x y", "x 'y", 'x "y', "x \\", "a\\\nb c", "%1",
    "-x", "{ x; }", "(x)",
    "x é", "x ^a", "x <(y)", "x\0", "x '\0'", "x\ty\rz", "time x", "coproc x", "exec x", ". x", ":",
]  # fmt: skip
# fmt: on


@pytest.mark.parametrize(("command", "argv"), SIMPLE.items())
def test_literal_words_are_simple(command: str, argv: list[str]) -> None:
    assert is_simple_command(command) == argv


@pytest.mark.parametrize("command", NOT_SIMPLE)
def test_anything_else_is_for_bash(command: str) -> None:
    assert is_simple_command(command) is None


def test_every_word_of_bash_is_known() -> None:
    done = subprocess.run(["bash", "-c", "compgen -b; compgen -k"], capture_output=True, text=True)
    names = {name for name in done.stdout.split() if name.isidentifier()}
    assert names
    assert names <= BASH_WORDS


@pytest.mark.parametrize(
    ("env", "untouched"),
    [
        ({"PATH": "/bin"}, True),
        ({"BASH_ENV": "x"}, False),
        ({"BASH_FUNC_touch%%": "() { :; }"}, False),
        ({"SHELLOPTS": "noglob"}, False),
    ],
)
def test_the_environment_may_change_bash(env: dict[str, str], untouched: bool) -> None:
    assert bash_is_untouched(env) is untouched


ARGUMENTS = st.text(
    alphabet="ab1 \t\n'\"\\$`{}~!#*?[]()<>|&;=,%^@+:/.-_\udcff\xe9", min_size=0, max_size=14
)
QUOTED = st.lists(
    st.sampled_from(["a", "-b=c", "'d e'", '"f\n"', "\\ ", "\\'", "\\\n", " ", "\t",
    "''", "%", "~", "#", "="]),
    max_size=8,
).map("".join)  # fmt: skip


@examples(15)
@given(tails=st.lists(st.one_of(ARGUMENTS, QUOTED), min_size=60, max_size=100))
def test_bash_runs_a_simple_command_with_the_same_arguments(
    tails: list[str], tmp_path: Path
) -> None:
    """`show` is a function here: bash looks words up in the same way for one."""
    simple = [(c, argv) for c in (f"show {t}" for t in tails) if (argv := is_simple_command(c))]
    script = 'show() { printf \'%s\\0\' "$#" "$@"; }\n' + "".join(f"{c}\n" for c, _ in simple)
    file = tmp_path / "script"
    file.write_bytes(os.fsencode(script))
    out = subprocess.run(["bash", "-euo", "pipefail", str(file)], stdout=subprocess.PIPE).stdout
    expected = b"".join(
        b"%d\0" % (len(argv) - 1) + b"".join(os.fsencode(a) + b"\0" for a in argv[1:])
        for _, argv in simple
    )
    assert out == expected
