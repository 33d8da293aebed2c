"""Placeholders: what they may say, what is wrong with them, what is put in their place."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.lang.template import Template, fill, parse_template
from flowc.lang.template_check import check
from flowc.lang.values import FlaggedPath, Flags, Namespace, Record, Wildcards
from flowc.source import Source, Span

GLOBALS: dict[str, Any] = {
    "SAMPLES": ["A", "B"],
    "PREFIX": "my data",
    "QUOTE": "'",
    "WIDTH": 7,
    "config": {"a": {"b": "x y"}, "n": [1, 2], 3: "three"},
    "HERE": PurePosixPath("/data/genome.fa.gz"),
    "rules": Namespace(
        "rules", {"map": Namespace("rule", {"output": Record(("a", "b"), {"bam": 0})})}
    ),
    "workflow": Namespace("workflow", {"cores": 4}),
    "input": "never seen",
    "double": lambda x: x,
}
VALUES: dict[str, Any] = {
    "input": Record(("g.fa", "1.fq", "2 3.fq"), {"ref": 0, "reads": slice(1, 3)},
                    {"size_mb": lambda: 1.5}),
    "output": Record((FlaggedPath("-out", Flags(temp=True)),), {"bam": 0}),
    "log": Record(("a.log",), {}),
    "wildcards": Wildcards(("A", "b c"), {"sample": 0, "lane": 1}),
    "params": Record(("-x 'y'", 3.14159, ["p", "q r"], {"k": {"z": 1}},
                      [1, [2, "a b", ("c",)], ["d"]]),
                     {"extra": 0, "pi": 1, "list": 2, "d": 3, "nested": 4}),
    "resources": Record((2048,), {"mem_mb": 0}),
    "threads": 4,
    "mem_gb": 1.5,
    "rule": "map",
    "attempt": 1,
}  # fmt: skip


def parse(
    text: str, faults: list[Diagnostic], *, span: Span | None = None, shell: bool = True
) -> Template:
    return parse_template(text, span, lookup=GLOBALS.__getitem__, faults=faults, shell=shell)


def filled(text: str, values: Mapping[str, Any] = VALUES, *, shell: bool = True) -> str:
    faults: list[Diagnostic] = []
    template = parse(text, faults, shell=shell)
    assert not faults
    return fill(template, values)


# fmt: off
FILLED = {
    "items": ("cat {input}", "cat g.fa 1.fq '2 3.fq'"),
    "name": ("cat {input.ref}", "cat g.fa"),
    "name of a list": ("cat {input.reads}", "cat 1.fq '2 3.fq'"),
    "index": ("cat {input[0]} {input[-1]}", "cat g.fa '2 3.fq'"),
    "index in a name": ("cat {input.reads[1]}", "cat '2 3.fq'"),
    "name as a key": ("cat {input[ref]}", "cat g.fa"),
    "a record's own figure": ("x {input.size_mb}", "x 1.5"),
    "a path is no option": ("rm {output} \"{output.bam}\" '{output[0]}' a{output}",
                            "rm ./-out \"./-out\" './-out' a-out"),
    "a wildcard is no path": ("x {wildcards.sample} {wildcards.lane}", "x A 'b c'"),
    "all wildcards": ("echo {wildcards}", "echo 'sample=A,lane=b c'"),
    "braces": ("awk '{{print $1}}' ${{x}}", "awk '{print $1}' ${x}"),
    "params as they are": ("x {params.extra} {params.list}", "x -x 'y' p q r"),
    "params with q": ("x {params.extra:q} {params.list:q}", "x '-x '\\''y'\\''' p 'q r'"),
    "lists in lists": ("x {params.nested} {params}", "x 1 [2, 'a b', ('c',)] ['d'] "
                       "-x 'y' 3.14159 ['p', 'q r'] {'k': {'z': 1}} "
                       "[1, [2, 'a b', ('c',)], ['d']]"),
    "params by key": ("x {params.d[k][z]}", "x 1"),
    "format": ("x {threads:03d} {params.pi:.2f} {WIDTH:>3}", "x 004 3.14   7"),
    "plain values": ("{threads} {mem_gb} {rule} {attempt} {resources.mem_mb}", "4 1.5 map 1 2048"),
    "raw": ("cat {input:raw}", "cat g.fa 1.fq 2 3.fq"),
    "globals": ("x {PREFIX} {SAMPLES} {config[a][b]} {config[n]} {config[3]} {config[n][0]}",
                "x my data A B x y 1 2 three 1"),
    "globals with q": ("x {PREFIX:q} \"{QUOTE:q}\" '{QUOTE:q}' {SAMPLES:q}",
                       "x 'my data' \"'\" ''\\''' A B"),
    "the quotes of a global count": ("x {QUOTE}{input.reads}{QUOTE}", "x '1.fq 2 3.fq'"),
    "other rules": ("x {rules.map.output} {rules.map.output.bam} {workflow.cores}", "x a b a 4"),
    "a path's parts": ("x {HERE.parent} {HERE.stem}", "x /data genome.fa"),
    "a job's names win": ("cat {input.ref}", "cat g.fa"),
    "repr": ("py -c \"open({input.ref!r})\" {params.extra!r}", "py -c \"open('g.fa')\" \"-x 'y'\""),
    "non-ASCII names": ("x {input.ref} é", "x g.fa é"),
    "nothing": ("", ""),
}
# fmt: on


@pytest.mark.parametrize(("text", "command"), FILLED.values(), ids=FILLED)
def test_what_is_put_in(text: str, command: str) -> None:
    assert filled(text) == command


def test_a_message_quotes_nothing() -> None:
    assert filled("{input.reads} 'of {wildcards.lane}", shell=False) == "1.fq 2 3.fq 'of b c"


def test_a_template_keeps_the_authors_text() -> None:
    template = parse("x {SAMPLES} {{}} {input}", [])
    assert template.text == "x {SAMPLES} {{}} {input}"
    assert template.parts[0] == "x A B {} "


SAFE_NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_./@%+:-]{0,20}\.[a-z]", fullmatch=True)


@given(a=SAFE_NAMES, b=SAFE_NAMES, c=SAFE_NAMES)
def test_a_name_without_special_characters_gives_what_str_format_gives(
    a: str, b: str, c: str
) -> None:
    text = (
        "(bwa mem -R '@RG\\tID:{wildcards.w}' {input} \"x/{input[0]}\" | sort -o {output})"
        " 2> {log} # {output}\ncat <<EOF >> {log}\n{input}\nEOF\n"
        "x=$(wc -l < {output}) ${{y:-{input}}} `{log}`"
    )
    values = {
        "input": Record((a, b), {}),
        "output": Record((c,), {}),
        "log": Record((b,), {}),
        "wildcards": Wildcards((a,), {"w": 0}),
    }
    plain = text.replace("{input[0]}", a).replace("{wildcards.w}", a)
    assert filled(text, values) == plain.format(input=f"{a} {b}", output=c, log=b)


# fmt: off
FAULTY = {  # the source, with its literal; code; what is underlined; part of the hint
    "unknown name": ('shell: "cat {inptu}"', "unknown-name", "{inptu}", "did you mean `{input}`?"),
    "a bare wildcard": ('shell: "cat {sample}"', "unknown-name", "{sample}", "{wildcards.sample}"),
    "unknown key": ('shell: "cat {config[aa]}"', "unknown-item", "{config[aa]}", "{config.a}"),
    "unknown deep key": ('shell: "x {config[a][bb]}"', "unknown-item", "{config[a][bb]}", None),
    "attribute": ('shell: "x {PREFIX.upper}"', "unknown-item", "{PREFIX.upper}", None),
    "dunder": ('shell: "x {config.__class__}"', "unknown-item", "{config.__class__}", None),
    "function": ('shell: "x {double}"', "bad-placeholder", "{double}", None),
    "awk": ("shell: \"awk '{print $1}' x\"", "bad-placeholder", "{print $1}", "`{{print $1}}`"),
    "nested": ("shell: \"awk '{if (x) {y}}'\"", "bad-placeholder", "{if (x) {y}}", "double them"),
    "empty": ('shell: "find -exec x {} +"', "empty-placeholder", "{}", "`{{}}`"),
    "number": ('shell: "x {0}"', "empty-placeholder", "{0}", None),
    "blanks": ('shell: "x { input }"', "bad-placeholder", "{ input }", "`{input}`"),
    "unclosed": ('shell: "x {input"', "unbalanced-brace", "{", "`{{`"),
    "unopened": ('shell: "x input}"', "unbalanced-brace", "}", "`}}`"),
    "dollar": ('shell: "x ${input}"', "dollar-before-placeholder", "{input}", "`${{name}}`"),
    "bad format": ('shell: "x {PREFIX:04d}"', "bad-format", "{PREFIX:04d}", None),
    "behind an escape": ('shell: "a\\tb {nope[1]}"', "unknown-name", "{nope[1]}", None),
    "triple": ('shell: """\n a {inptu}\n"""', "unknown-name", "{inptu}", None),
    "second of two": ('shell: "\\t{{nope[1]}} {nope[1]}"', "unknown-name", "{nope[1]}", None),
}
# fmt: on


@pytest.mark.parametrize(("text", "code", "marked", "hint"), FAULTY.values(), ids=FAULTY)
def test_a_fault_has_its_place(text: str, code: str, marked: str, hint: str | None) -> None:
    source = Source("Workflowfile", text)
    literal = Span(source, 7, len(text))
    faults: list[Diagnostic] = []
    parse(literal.text.strip('"').replace("\\t", "\t"), faults, span=literal)
    assert [f.code for f in faults] == [code]
    assert faults[0].span is not None
    assert faults[0].span.text == marked
    assert hint is None or hint in (faults[0].hint or "")


def test_the_same_text_twice_is_told_apart() -> None:
    source = Source("Workflowfile", '"a\\t{nope.x} {nope.x}"')
    faults: list[Diagnostic] = []
    parse("a\t{nope.x} {nope.x}", faults, span=Span(source, 0, len(source.text)))
    assert [(f.span.start, f.span.end) for f in faults if f.span] == [(4, 12), (13, 21)]


def test_all_faults_are_gathered() -> None:
    faults: list[Diagnostic] = []
    parse("{a} {} {b} }", faults)
    assert len(faults) == 4


def test_check_finds_what_cannot_be_filled() -> None:
    faults: list[Diagnostic] = []
    template = parse("{input.ref} {input.rfe} {input.size_mb} {input[3]} {input[2]} {output.any}"
                     " {wildcards.sampl} {log[0]}", faults)  # fmt: skip
    check(template, {"input": ["ref", "reads"], "wildcards": ["sample"]}, faults,
          counts={"input": 3, "log": 0})  # fmt: skip
    assert [f.message for f in faults] == [
        "there is no item `rfe` in `input`",
        "`input` has 3 items: there is no `{input[3]}`",
        "there is no wildcard `sampl`",
        "`log` has 0 items: there is no `{log[0]}`",
    ]
    assert faults[0].hint == "did you mean `{input.ref}`?"
    assert faults[1].hint == "counting starts at 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{input.rfe}", "there is no item `rfe` in `input`"),
        ("{input[9]}", "there is no `{input[9]}`"),
        ("{params.d[x]}", "there is no item `x` in `params.d`"),
        ("{benchmark}", "there is no `benchmark` here"),
        ("{threads.real}", "there is no item `real` in `threads`"),
        ("{params.extra:d}", "`{params.extra}` cannot be written as `:d`"),
    ],
)
def test_what_does_not_exist_is_said_when_filling(text: str, message: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        filled(text)
    assert caught.value.diagnostics[0].message.startswith(message)


@given(st.text(alphabet="{}[]!:.a1 input$'\"\\\n<(`", max_size=30))
def test_any_text_is_read_without_a_traceback(text: str) -> None:
    faults: list[Diagnostic] = []
    template = parse(text, faults)
    if not faults:
        assert template.text == text
