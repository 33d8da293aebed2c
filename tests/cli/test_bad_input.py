"""Every kind of bad input, from the command line: a message with its place, exit code 2, never a
traceback. `golden/NAME.txt` holds what is printed.

`FLOWC_UPDATE_GOLDEN=1 pytest tests/cli/test_bad_input.py` writes the texts anew.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
Flowc = Callable[..., tuple[int, str, str]]

DEPTH = 10_000
LONG = 1_000_000

CYCLE = """\
rule a:
    input: "b.txt"
    output: "a.txt"
    shell: "cp {input} {output}"

rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "cp {input} {output}"
"""

TWICE = """\
rule all:
    input: "x.out"

rule one:
    output: "{name}.out"
    shell: "echo 1 > {output}"

rule two:
    output: "{name}.out"
    shell: "echo 2 > {output}"
"""

CONFIGURED = 'configfile: "config.yaml"\n\nrule all:\n    input: config["x"]\n'
MADE = 'rule all:\n    input: "made.txt"\n\nrule make:\n    output: "made.txt"\n    shell: ":"\n'
NEEDY = MADE.replace("    output", '    input: "raw.txt"\n    output')

CHAIN = """\
rule all:
    input: "report/a1.txt"

rule report:
    input: "sorted/{sample}.bam"
    output: "report/{sample}.txt"
    shell: "cp {input} {output}"

rule sort:
    input: "mapped/{sample}.bam"
    output: "sorted/{sample}.bam"
    shell: "cp {input} {output}"

rule map:
    input: "{sample}.fq"
    output: "mapped/{sample,[A-Z]+}.bam"
    shell: "cp {input} {output}"
"""

Files = dict[str, str | bytes | None]
"""By path: the content; None: a directory."""

# fmt: off
BAD: dict[str, tuple[Files, list[str]]] = {  # the files, the arguments
    "not-utf-8":            ({"Workflowfile": b'rule a:\n    output: "caf\xe9.txt"\n'}, ["check"]),
    "utf-16":               ({"Workflowfile": "rule a:\n".encode("utf-16")}, ["check"]),
    "a-binary":             ({"Workflowfile": b"\x7fELF\x02\0\0\0rule"}, ["check"]),
    "deep-parentheses":     ({"Workflowfile": f"x = {'(' * DEPTH}1{')' * DEPTH}\n"}, ["check"]),
    "deep-lists":           ({"Workflowfile": f"x = {'[' * DEPTH}{']' * DEPTH}\n"}, ["check"]),
    "deep-unclosed":        ({"Workflowfile": f"x = {'[' * DEPTH}\n"}, ["check"]),
    "deep-not":             ({"Workflowfile": f"x = {'not ' * DEPTH}1\n"}, ["check"]),
    "deep-lambda":          ({"Workflowfile": f"x = {'lambda: ' * DEPTH}1\n"}, ["check"]),
    "deep-indentation":     ({"Workflowfile": "".join(f"{' ' * i}if True:\n" for i in range(500))
                                              + " " * 500 + "x = 1\n"}, ["check"]),
    "a-long-line":          ({"Workflowfile": f"x = '{'y' * LONG}' + nothing\n"}, ["check"]),
    "a-long-line-unclosed": ({"Workflowfile": f"x = '{'y' * LONG}\n"}, ["check"]),
    "include-cycle":        ({"Workflowfile": 'include: "rules/a.smk"\n',
                              "rules/a.smk": 'x = 1\ninclude: "b.smk"\n',
                              "rules/b.smk": 'include: "a.smk"\n'}, ["check"]),
    "include-missing":      ({"Workflowfile": 'include: "rules/a.smk"\n'}, ["check"]),
    "include-a-directory":  ({"Workflowfile": 'include: "rules"\n', "rules": None}, ["check"]),
    "file-is-a-directory":  ({"dir/Workflowfile": "x = 1\n"}, ["check", "-s", "dir"]),
    "no-workflow":          ({}, ["plan", "a.txt"]),
    "no-such-workflow":     ({}, ["plan", "rules.smk"]),
    "nothing-makes-it":     ({"Workflowfile": MADE}, ["plan", "mad.txt"]),
    "nothing-makes-input":  ({"Workflowfile": NEEDY}, ["plan"]),
    "a-constraint-forbids": ({"Workflowfile": CHAIN, "mapped/a1.bma": ""}, ["plan"]),
    "for-a-target":         ({"Workflowfile": CHAIN}, ["plan", "sorted/b2.bam"]),
    "a-misspelt-output":    ({"Workflowfile": CHAIN.replace("mapped/{sample,[A-Z]+}",
                                                             "maped/{sample}")}, ["plan"]),
    "two-unknown-targets":  ({"Workflowfile": MADE}, ["plan", "x.txt", "alll"]),
    "cyclic-graph":         ({"Workflowfile": CYCLE}, ["plan"]),
    "two-rules":            ({"Workflowfile": TWICE}, ["run"]),
    "bad-option":           ({"Workflowfile": MADE}, ["run", "--keep-goin"]),
    "bad-value":            ({"Workflowfile": MADE}, ["run", "--cores", "four"]),
    "bad-config-item":      ({"Workflowfile": MADE}, ["run", "--config", "x y=1"]),
    "bad-config-items":     ({"Workflowfile": MADE}, ["run", "--config", "x", "--config", "9=1"]),
    "bad-config-value":     ({"Workflowfile": CONFIGURED, "config.yaml": "x: [1, 2\n"}, ["plan"]),
    "config-not-a-mapping": ({"Workflowfile": CONFIGURED, "config.yaml": "- x\n"}, ["plan"]),
    "config-missing":       ({"Workflowfile": CONFIGURED}, ["plan"]),
    "config-option-missing": ({"Workflowfile": CONFIGURED}, ["plan", "--configfile", "other.yaml"]),
    "config-a-directory":   ({"Workflowfile": CONFIGURED, "config.yaml": None}, ["plan"]),
    "config-key-missing":   ({"Workflowfile": CONFIGURED, "config.yaml": "y: 1\n"}, ["plan"]),
    "a-number-as-input":    ({"Workflowfile": CONFIGURED, "config.yaml": "x: 7\n"}, ["plan"]),
    "a-cut-ir":             ({"w.ir.json": '{\n"format": "flowc-ir",\n"wo'}, ["plan", "w.ir.json"]),
    "a-foreign-ir":         ({"w.ir.json": '{"nodes": []}\n'}, ["plan", "w.ir.json"]),
    "a-later-ir":           ({"w.ir.json": '{"format": "flowc-ir", "version": 9, "flowc": "3"}\n'},
                             ["plan", "w.ir.json"]),
}
# fmt: on


@pytest.mark.parametrize("name", BAD)
def test_bad_input(
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    flowc: Flowc,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files, argv = BAD[name]
    monkeypatch.chdir(tmp_path_factory.mktemp("bad"))
    for path, content in files.items():
        where = Path(path)
        where.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            where.mkdir()
        else:
            where.write_bytes(content if isinstance(content, bytes) else content.encode())
    started_s = time.process_time()
    code, out, err = flowc(*argv)
    assert time.process_time() - started_s < 5
    assert (code, out) == (2, "")
    assert "Traceback" not in err and "bug" not in err and len(err) < 5000
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("FLOWC_UPDATE_GOLDEN"):
        golden.write_text(err, encoding="utf-8")
    assert err == golden.read_text(encoding="utf-8")
    code, out, err = flowc(*argv, "--json")
    assert (code, err) == (2, "")
    faults = [json.loads(line)["diagnostic"] for line in out.splitlines()]
    assert f"error[{faults[0]['code']}]" in golden.read_text(encoding="utf-8")


def test_there_is_no_golden_file_too_many() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(BAD)
