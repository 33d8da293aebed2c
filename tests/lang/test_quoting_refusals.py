"""Places where nothing can be quoted: harmless names stand there, others are refused."""

import pytest

from flowc.diagnostic import WorkflowError
from flowc.lang.place import Place
from flowc.lang.quoting import SLOT, read_places
from flowc.lang.template import Template, fill, parse_template
from flowc.lang.values import Record, Wildcards

# fmt: off
REFUSED = {
    "eval": ("eval 'cat {input}'", "a;b"),
    "eval behind builtin": ("command eval cat {input}", "a b"),
    "eval in a substitution": ("x=$(eval {input})", "$(ls)"),
    "bash -c": ('bash -c "wc -l {input}"', "a b"),
    "sh -ec behind time": ("if timeout 5 /bin/sh -ec 'wc {input}'; then :; fi", "a'b"),
    "ssh": ("ssh host cat {input}", "a;b"),
    "trap": ("trap 'rm {input}' EXIT", "a b"),
    "arithmetic": ("echo $(( {wildcards.w} + 1 ))", "a[$(ls)]"),
    "arithmetic command": ("(( x = {wildcards.w} ))", "a[$(ls)]"),
    "for ((": ("for ((i=0; i<{wildcards.w}; i++)); do :; done", "$(ls)"),
    "old arithmetic": ("echo $[ {wildcards.w} ]", "$(ls)"),
    "let": ("let 'x={wildcards.w}'", "a[$(ls)]"),
    "subscript": ("a[{wildcards.w}]=1", "b[$(ls)]"),
    "number in [[": ("[[ {wildcards.w} -gt 3 ]]", "a[$(ls)]"),
    "number in [[, quoted": ("[[ '{wildcards.w}' -gt 3 ]]", "a[$(ls)]"),
    "name of a variable": ("echo ${{{wildcards.w}}}", "x:-$(ls)"),
    "slice of a variable": ("echo ${{x:{wildcards.w}}}", "$(ls)"),
    "pattern in double": ('echo "${{x%{wildcards.w}}}"', "*"),
    "substitution in a document": ("cat <<EOF\n$(cat {input})\nEOF\n", "a b"),
    "backticks in backticks": ("echo `cat \\`echo {input}\\``", "a b"),
    "quotes in a default": ('echo "${{x:-"{input}"}}"', "a b"),
    "a document ends": ("cat <<'EOF'\n{input}\nEOF\n", "EOF"),
    "a document ends, two values": ("cat <<'EOF'\nE{wildcards.w}{wildcards.w}\nEOF\n", "\nEOF\n"),
    "a document ends, tabs": ("cat <<-\\EOF\n\t{input}\nEOF\n", "EOF"),
    "a document drops tabs": ("cat <<-'EOF'\n{input}\nEOF\n", "\ta"),
    "NUL": ("cat {input}", "a\0b"),
    "too deep": ("echo " + "$(echo " * 60 + "{input}" + ")" * 60, "a b"),
    "params make it eval": ("{params.eval} {input}", "a b"),
    "backslash in ansi": ("echo $'\\{input}'", "n"),
}
HARMLESS = {
    "eval": ("eval 'cat {input}'", "eval 'cat a.b'"),
    "bash -c, as an argument": ("bash -c 'cat \"$1\"' _ {input}", "bash -c 'cat \"$1\"' _ a.b"),
    "arithmetic": ("echo $(( {wildcards.n} + 1 ))", "echo $(( 7 + 1 ))"),
    "subscript": ("a[{wildcards.n}]=1", "a[7]=1"),
    "number in [[": ("[[ {wildcards.n} -gt 3 ]]", "[[ 7 -gt 3 ]]"),
    "quoted document": ("cat <<'EOF'\n{input}\nEOF\n", "cat <<'EOF'\na.b\nEOF\n"),
    "file descriptor": ("exec {wildcards.n}>{output}", "exec '7'>c"),
}
# fmt: on


def template(text: str) -> Template:
    faults: list[object] = []
    made = parse_template(text, None, lookup={}.__getitem__, faults=faults)  # type: ignore[arg-type]
    assert not faults
    return made


@pytest.mark.parametrize(("text", "value"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_quoted_is_refused(text: str, value: str) -> None:
    values = {
        "input": Record((value,), {}),
        "wildcards": Wildcards((value,), {"w": 0}),
        "params": Record(("eval",), {"eval": 0}),
    }
    with pytest.raises(WorkflowError) as caught:
        fill(template(text), values)
    assert caught.value.diagnostics[0].code == "cannot-quote"


@pytest.mark.parametrize(("text", "command"), HARMLESS.values(), ids=HARMLESS)
def test_a_harmless_name_may_stand_there(text: str, command: str) -> None:
    values = {
        "input": Record(("a.b",), {}),
        "output": Record(("c",), {}),
        "wildcards": Wildcards(("7",), {"n": 0}),
    }
    assert fill(template(text), values) == command


def test_raw_is_the_way_out() -> None:
    values = {"input": Record(("a b",), {})}
    assert fill(template("eval 'cat {input:raw} {input:u}'"), values) == "eval 'cat a b a b'"


PLACES = [
    Place("bare", starts_word=True, before_redirect=True),
    Place("double", escaped=True, backtick="double", reread=True),
    Place("here", delimiter="END OF delimiter=x !", line_is_free=False, strips_tabs=True),
    Place("verbatim"),
    Place("bare", in_braces=True, backtick="bare"),
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_place_is_read_back_from_its_text(place: Place) -> None:
    assert Place.parse(str(place)) == place


def test_a_long_command_is_read_in_little_time() -> None:
    lines = "echo 'a' \"b $(c) ${d:-e}\" \0 # f\n" * 5_000
    document = "cat <<EOF\n" + "x $y \0\n" * 20_000 + "EOF\n"
    assert len(read_places(lines + document)) == 25_000


@pytest.mark.parametrize("text", ["'", '"', "$(", "`", "${", "$((", "<<EOF\n", "\\", "$'", "(("])
def test_unfinished_shell_does_not_stop_the_reader(text: str) -> None:
    for command in (text + SLOT, SLOT + text, text + SLOT + text, text * 500 + SLOT):
        assert len(read_places(command)) == command.count(SLOT)
