"""Hostile file names in every quoting context, run through a real bash.

Each case is a template and what the command `show` must get. Many cases run in one bash: `show`
writes the number of its arguments and the arguments themselves, ended by NUL.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from flowc.lang.template import Template, fill, parse_template
from flowc.lang.values import Record, Wildcards

Shown = list[list[str]]
Expected = Callable[[str], Shown]


def path(value: str) -> str:
    """A path where it begins a word: never an option."""
    return "./" + value if value.startswith("-") else value


def one(value: str) -> Shown:
    return [[path(value)]]


def same(value: str) -> Shown:
    return [[value]]


END = "\nshow end"  # whatever came before must not have swallowed this line
LAST = 'show "${{x%?}}"'
LINE = 'show "${{x%??}}"'

# fmt: off
CASES: dict[str, tuple[str, Expected]] = {
    # outside quotes
    "bare": ("show {input}", one),
    "bare, a wildcard": ("show {wildcards.w}", same),
    "bare, between": ("show pre{input}post", lambda v: [[f"pre{v}post"]]),
    "bare, twice": ("show {input}{input}", lambda v: [[path(v) + v]]),
    "bare, behind other words": ("show -o x --in={input} y",
        lambda v: [["-o", "x", f"--in={v}", "y"]]),
    "bare, before a redirection": ("show {wildcards.w}>/dev/null", same),
    "bare, behind a redirection": (">/dev/null show {input} 2>&1", one),
    "bare, backslash": ("show \\{input}", same),
    "bare, two backslashes": ("show \\\\{input}", lambda v: [["\\" + v]]),
    "bare, three backslashes": ("show \\\\\\{input}", lambda v: [["\\" + v]]),
    "bare, continued line": ("show a \\\n  {input}", lambda v: [["a", path(v)]]),
    "bare, word on two lines": ("show a\\\n{input}", lambda v: [["a" + v]]),
    "bare, behind quotes": ("show 'it'\"'\"s{input}", lambda v: [["it's" + v]]),
    "bare, empty quotes": ("show ''{input}\"\"", one),
    "bare, escaped quotes": ("show \\'{input}\\'", lambda v: [[f"'{v}'"]]),
    "bare, hash in a word": ("show a#b {input}", lambda v: [["a#b", path(v)]]),
    "bare, hash behind": ("show {input}#b", lambda v: [[path(v) + "#b"]]),
    "bare, quoted hash": ("show '#' {input}", lambda v: [["#", path(v)]]),
    "bare, $#": ("show $# {input}", lambda v: [["0", path(v)]]),
    "bare, in braces": ("show {{a,{wildcards.w}}}", lambda v: [["a", v]]),
    "assignment": ('x={input}; show "$x"', same),
    "assignment in front": ("X={input} sh -c 'printf \"1\\0%s\\0\" \"$X\" >&3'", same),
    "export": ('export X={input}; show "$X"', same),
    "array": ('a=({input} "{input}"); show "${{a[@]}}"', lambda v: [[path(v), path(v)]]),
    "array, one more": ('a=(b); a+=({input}); show "${{a[@]}}"', lambda v: [["b", path(v)]]),
    "command word": ("no-{wildcards.w} 2>/dev/null || show no", lambda v: [["no"]]),
    # quotes
    "double": ('show "{input}"', one),
    "double, between": ('show "pre{input}post"', lambda v: [[f"pre{v}post"]]),
    "double, twice": ('show "{input}{input}"', lambda v: [[path(v) + v]]),
    "double, backslash": ('show "a\\{input}"', lambda v: [["a\\" + v]]),
    "double, two backslashes": ('show "\\\\{input}"', lambda v: [["\\" + v]]),
    "double, escaped quote": ('show "\\"{input}\\""', lambda v: [[f'"{v}"']]),
    "double, single inside": ("show \"it's '{input}'\"", lambda v: [[f"it's '{v}'"]]),
    "double, hash": ('show "# {input}"', lambda v: [["# " + v]]),
    "single": ("show '{input}'", one),
    "single, between": ("show 'pre{input}post'", lambda v: [[f"pre{v}post"]]),
    "single, backslash": ("show 'a\\{input}'", lambda v: [["a\\" + v]]),
    "single, double inside": ("show 'say \"{input}\"'", lambda v: [[f'say "{v}"']]),
    "single, dollar": ("show '${input}'", lambda v: [["$" + v]]),
    "ansi": ("show $'{input}'", one),
    "ansi, between": ("show $'\\t{input}\\''", lambda v: [[f"\t{v}'"]]),
    "translated": ('show $"{input}"', one),
    # comments
    "comment": ("show a # {input}", lambda v: [["a"]]),
    "comment, then more": ("show a # it's {input}\nshow {input}", lambda v: [["a"], [path(v)]]),
    "comment behind ;": ("show a;# {input}\nshow b", lambda v: [["a"], ["b"]]),
    # substitutions
    "substitution": (f"x=$(printf '%s.' {{input}}); {LAST}", one),
    "substitution in double": (f'x="$(printf \'%s.\' {{input}})"; {LAST}', one),
    "double in substitution in double": (f'x="$(printf \'%s.\' "{{input}}")"; {LAST}', one),
    "single in substitution in double": (f"x=\"$(printf '%s.' '{{input}}')\"; {LAST}", one),
    "three deep": (f'x="$(printf "$(printf %s \'%s.\')" "{{input}}")"; {LAST}', one),
    "comment in substitution": (f"x=$(printf '%s.' {{input}} # it's ) {{input}}\n); {LAST}", one),
    "case in substitution": (
        f"x=$(case {{input}} in (a|b) ;; *) printf '%s.' {{input}};; esac); {LAST}",
        lambda v: [[""]] if v in ("a", "b") else one(v)),
    "backticks": (f"x=`printf '%s.' {{input}}`; {LAST}", one),
    "backticks, double": (f'x=`printf \'%s.\' "{{input}}"`; {LAST}', one),
    "backticks, single": (f"x=`printf '%s.' '{{input}}'`; {LAST}", one),
    "backticks in double": (f"x=\"`printf '%s.' {{input}}`\"; {LAST}", one),
    "backticks in double, single": (f"x=\"`printf '%s.' '{{input}}'`\"; {LAST}", one),
    "backticks in double, double": (f'x="`printf \'%s.\' \\"{{input}}\\"`"; {LAST}', one),
    "backticks in substitution": (f"x=$(printf '%s' `printf '%s.' x`{{input}}.); {LAST}",
        lambda v: [["x." + v]]),
    "process": (f"x=$(cat <(printf '%s.' {{input}})); {LAST}", one),
    "subshell": ("( show {input} )", one),
    "group": ("{{ show {input}; }}", one),
    "behind arithmetic": ("show $((1<<2)) {input} $(( (1) + 1 ))", lambda v: [["4", path(v), "2"]]),
    "behind ((": ("(( 1 << 2 )) && show {input}", one),
    # parameters
    "default": ("show ${{u:-{input}}}", one),
    "default, between": ("show ${{u:-a{input}b}}", lambda v: [[f"a{v}b"]]),
    "default, double inside": ('show ${{u:-"{input}"}}', one),
    "default, single inside": ("show ${{u:-'{input}'}}", one),
    "default in double": ('show "${{u:-{input}}}"', one),
    "default in double, between": ('show "a${{u:-b{input}c}}d"', lambda v: [[f"ab{v}cd"]]),
    "default in default": ('show "${{u:-${{v-{input}}}}}"', one),
    "substitution in default": (f'x="${{{{u:-$(printf %s. {{input}})}}}}"; {LAST}', one),
    "behind a pattern": ('p=a.b; show "${{p%.*}}" {input} ${{p//./\\"}}',
        lambda v: [["a", path(v), 'a"b']]),
    "behind a quote in braces": ('show "${{u:-"q"}}" {input}', lambda v: [["q", path(v)]]),
    "assigned by default": (': "${{y:={input}}}"; show "$y"; unset y', one),
    # commands
    "if": ("if true; then show {input}; fi", one),
    "for": ('for f in {input}; do show "$f"; done', one),
    "for ((": ("for ((i=0; i<1; i++)); do show {input}; done", one),
    "while": ('while read -r _; do show "{input}"; done <<< x', one),
    "function": ('f() {{ show "$@"; }}; f {input}; f "{input}"', lambda v: [[path(v)], [path(v)]]),
    "pipe": (f"printf '%s.' {{input}} | {{{{ x=$(cat); {LAST}; }}}}", one),
    "background": ("show {input} & wait", one),
    "and": ("true&&show {input}||show no", one),
    "condition": ("if [[ {wildcards.w} == {wildcards.w} ]]; then show yes; fi",
        lambda v: [["yes"]]),
    "condition, double": ('[[ "{wildcards.w}" = {wildcards.w} && -n {wildcards.w} ]] && show yes',
        lambda v: [["yes"]]),
    "condition, regex": ("[[ x =~ ^(x|y)$ ]] && show {input}", one),
    "test": ("[ {wildcards.w} = {wildcards.w} ] && show yes", lambda v: [["yes"]]),
    "case": ("case {wildcards.w} in {wildcards.w}) show yes;; *) show no;; esac",
        lambda v: [["yes"]]),
    "case, double": ("case \"{input}\" in\n  (x|y) ;;\n  '{input}') show yes;; esac; show {input}",
        lambda v: [["yes"], [path(v)]] if v not in "xy" else [[v]]),
    # here-documents and here-strings
    "here-string": ("grab <<< {wildcards.w}; " + LINE, same),
    "here-string, double": ("grab <<<\"{wildcards.w}\"; " + LINE, same),
    "document": ("grab <<EOF\n{input}\nEOF\n" + LINE, same),
    "document, between": ("grab <<EOF\na {input} b\nEOF\n" + LINE, lambda v: [[f"a {v} b"]]),
    "document, twice": ("grab <<EOF\nE{input}{input}\nEOF\n" + LINE, lambda v: [[f"E{v}{v}"]]),
    "document, quotes": ("grab <<EOF\n'{input}' \"{input}\"\nEOF\n" + LINE,
        lambda v: [[f"'{v}' \"{v}\""]]),
    "document, backslash": ("grab <<EOF\n\\{input}\nEOF\n" + LINE, lambda v: [["\\" + v]]),
    "document, tabs": ("grab <<-EOF\n\t\t{input}\n\tEOF\n" + LINE, same),
    "document, more on its line": (
        "grab <<EOF && show {input}\nit's\nEOF\nshow {input}", lambda v: one(v) * 2),
    "two documents": ("cat >/dev/null <<A; grab <<B\n\"\nA\n{input}\nB\n" + LINE, same),
    "quoted document before": ("cat >/dev/null <<'A'\n$( ` \" '\nA\nshow {input}", one),
    # flowc's own
    "many": ("show {input.both} x", lambda v: [[path(v), path(v), "x"]]),
    "many behind an option": ("show --in={input.both}", lambda v: [[f"--in={v}", path(v)]]),
    "many in double": ('show "{input.both}"', lambda v: [[f"{path(v)} {v}"]]),
    "q": ("show {params.p:q} \"{params.p:q}\" '{params.p:q}'", lambda v: [[v, v, v]]),
    "params open a quote": ("show {params.quote}{input}{params.quote}", lambda v: [[path(v)]]),
    "params begin a comment": ("show a {params.hash} {input}", lambda v: [["a"]]),
    "eval, quoted twice": ('eval "show {input:q}"', same),
    "bash -c, by argument": ("bash -c 'printf \"1\\0%s\\0\" \"$1\" >&3' _ {input}", one),
    "bash -c, quoted twice": ("bash -c 'printf \"1\\0%s\\0\" {wildcards.w:q} >&3'", same),
}
# fmt: on

NASTY = [
    "a", "b", "x", "a b", " ", "-rf", "--", "-", "$(touch pwned)", "`touch pwned`",
    "$HOME", "${u}", "a;touch pwned",
    "a&b", "a|b", "*", "?", "[a-z]", "~", "~root", "!", "!!", "#", "#x", "'", '"', "''",
    "\\", "a\\", "\\\\",
    "\n", "a\nb", "\nEOF\n", "EOF", "EOF\nshow pwned\n", "\n\nA\nB\n", "a\tb", "\t",
    "\r", "\x01", "\x7f", "(", ")",
    "{", "}", "{a,b}", "a,b", "{1..3}", "1..3", "1", "2", "0", "=", "a=b", "if", "done",
    "esac", "in", "time", "{}",
    "<x", ">x", "<(x)", "$", "$$", "$'a'", '$"a"', "%s", "%", "é", "\u3000", "\xa0",
    "\udcff", "a\udcfe\udc80b",
    "ü" * 127, "\udcc3" * 255, "'" * 85, '"; touch pwned; "', "'; touch pwned; '",
    "a[$(touch pwned)]", "\\n", "\\'",
    "]]", "-eq", "x -o y", ";;", "\\\n", "\n\\", "$(", "`", "${", "EO", "OF", "a\n\tb",
    "\ta", "./x", "../x", "/x/y", "a}",
]  # fmt: skip

SHOW = r"""
exec 3>"$OUT" 2>"$OUT.err"
show() { printf '%s\0' "$#" "$@" >&3; }
grab() { x=$(cat; printf .); }
at() { printf 'CASE\0%s\0' "$1" >&3; }
"""


def template(text: str) -> Template:
    faults: list[object] = []
    made = parse_template(text, None, lookup={}.__getitem__, faults=faults)  # type: ignore[arg-type]
    assert not faults, faults
    return made


TEMPLATES = {name: template(text + END) for name, (text, _) in CASES.items()}


def values_for(value: str) -> dict[str, object]:
    return {
        "input": Both((value,), {}),
        "wildcards": Wildcards((value, "1"), {"w": 0, "n": 1}),
        "params": Record((value, "'", "#"), {"p": 0, "quote": 1, "hash": 2}),
    }


class Both(Record):
    """`input` with one item, which `input.both` names twice."""

    __slots__ = ()

    def get_name(self, name: str) -> object:
        return [self.values[0]] * 2 if name == "both" else super().get_name(name)


def joined(text: str) -> str:
    """Stray bytes that stand side by side may be a character together."""
    return os.fsdecode(os.fsencode(text))


def run_bash(script: str, where: Path) -> dict[int, Shown]:
    """What `show` got in each case."""
    out, file = where / "out", where / "script"
    file.write_bytes(os.fsencode(SHOW + script))
    subprocess.run(
        ["bash", str(file)],
        cwd=where,
        env={**os.environ, "OUT": str(out), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    fields = [os.fsdecode(f) for f in out.read_bytes().split(b"\0")]
    cases: dict[int, Shown] = {}
    at = 0
    while at < len(fields) - 1:
        if fields[at] == "CASE":
            shown: Shown = []
            cases[int(fields[at + 1])] = shown
            at += 2
        else:
            count = int(fields[at])
            shown.append(fields[at + 1 : at + 1 + count])
            at += 1 + count
    return cases


def check_all(names: list[str], values: list[str], where: Path) -> None:
    pairs = [(name, value) for name in names for value in values]
    script = "".join(
        f"at {i}\n{fill(TEMPLATES[name], values_for(value))}\n"
        for i, (name, value) in enumerate(pairs)
    )
    shown = run_bash(script, where)
    for i, (name, value) in enumerate(pairs):
        expected = [[*map(joined, args)] for args in [*CASES[name][1](value), ["end"]]]
        command = fill(TEMPLATES[name], values_for(value))
        assert shown.get(i) == expected, f"{name}: {value!r} in\n{command}"
    assert not (where / "pwned").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_nasty_names_reach_the_command(name: str, tmp_path: Path) -> None:
    check_all([name], NASTY, tmp_path)


BYTES = st.binary(min_size=1, max_size=12)
SPECIAL = st.text(
    alphabet=st.sampled_from(
        sorted("ab1-./ \t\n\r'\"`$\\(){}[]<>|&;*?~!#%=,:^@+EOF\udcff\xe9\u2028")
    ),
    min_size=1,
    max_size=12,
)
NAMES = st.one_of(
    SPECIAL,
    BYTES.map(lambda b: os.fsdecode(b.replace(b"\0", b"0"))),
    st.builds("".join, st.lists(st.sampled_from(NASTY), min_size=2, max_size=4)),
)


@examples(6)
@given(values=st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_any_name_reaches_the_command(values: list[str], tmp_path: Path) -> None:
    check_all(list(CASES), values, tmp_path)
