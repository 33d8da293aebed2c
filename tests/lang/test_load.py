"""A Workflowfile as a `Workflow`: what each directive becomes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.lang.load import load_workflow
from flowc.lang.values import FlaggedPath, Flags, flags_of
from flowc.lang.workflow import Item, Rule, Workflow

Load = Callable[..., Workflow]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write files (the first is the main one) and load them."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, files: dict[str, str] | None = None, **options: Any) -> Workflow:
        for name, content in {"Workflowfile": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return load_workflow("Workflowfile", disk=RealDisk(), cores=4, **options)

    return run


def codes(load: Load, *args: Any, **options: Any) -> list[str]:
    with pytest.raises(WorkflowError) as error:
        load(*args, **options)
    return [d.code for d in error.value.diagnostics]


def shape(items: tuple[Item, ...]) -> list[tuple[str | None, Any]]:
    """Names, and the paths: a list where the item is one."""
    return [(i.name, list(i.files) if i.is_list else i.files[0]) for i in items]


def rule_of(load: Load, body: str, before: str = "") -> Rule:
    """The last rule of a file whose last rule has this body."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return load(f"{before}\nrule under_test:\n{lines}").rules[-1]


# fmt: off
ITEMS: dict[str, tuple[str, list[tuple[str | None, Any]]]] = {
    "one":             ('"a"',                       [(None, "a")]),
    "adjacent":        ('"a" "b"',                   [(None, "ab")]),
    "several":         ('"a", "b",',                 [(None, "a"), (None, "b")]),
    "named":           ('"a", x="b"',                [(None, "a"), ("x", "b")]),
    "list":            ('["a", "b"]',                [(None, ["a", "b"])]),
    "named list":      ('x=["a", "b"]',              [("x", ["a", "b"])]),
    "nested":          ('x=["a", ["b", ("c",)]]',    [("x", ["a", "b", "c"])]),
    "empty list":      ("[]",                        [(None, [])]),
    "path":            ('Path("a") / "b"',           [(None, "a/b")]),
    "path in a list":  ('[Path("a"), "b"]',          [(None, ["a", "b"])]),
    "set is sorted":   ('{"b", "a"}',                [(None, ["a", "b"])]),
    "expand":          ('expand("{x}", x=["a"])',    [(None, ["a"])]),
    "comprehension":   ('[x for x in "ab"]',         [(None, ["a", "b"])]),
    "generator":       ('(x for x in "ab")',         [(None, ["a", "b"])]),
    "star":            ('*["a", "b"]',               [(None, "a"), (None, "b")]),
    "two stars":       ('**{"x": "a"}',              [("x", "a")]),
    "multiext":        ('multiext("a", ".x", ".y")', [(None, ["a.x", "a.y"])]),
    "named multiext":  ('multiext("a", x=".x")',     [("x", "a.x")]),
    "rule's output":   ("rules.up.output",           [(None, ["u1", "u2", "u3"])]),
    "item of a rule":  ("rules.up.output.one",       [(None, "u1")]),
    "list of a rule":  ("x=rules.up.output.more",    [("x", ["u2", "u3"])]),
    "index of a rule": ("rules.up.output[1]",        [(None, "u2")]),
    "rule's input":    ("rules.up.input",            [(None, ["source"])]),
    "rule's log":      ("rules.up.log[0]",           [(None, "up.log")]),
    "rule's param":    ("rules.up.params.k",         [(None, "value")]),
}
# fmt: on
UP = """
rule up:
    input: "source"
    output: one="u1", more=["u2", "u3"]
    log: "up.log"
    params: k="value"
"""


@pytest.mark.parametrize(("text", "expected"), ITEMS.values(), ids=ITEMS)
def test_items(load: Load, text: str, expected: list[tuple[str | None, Any]]) -> None:
    rule = rule_of(load, f"input: {text}\noutput: 'out'", UP)
    assert shape(rule.inputs) == expected


# fmt: off
FLAGS = {
    'temp("a")':             Flags(temp=True),
    'protected("a")':        Flags(protected=True),
    'directory("a")':        Flags(directory=True),
    'touch("a")':            Flags(touch=True),
    'temp(directory("a"))':  Flags(temp=True, directory=True),
    'temp(["a"])':           Flags(temp=True),
    '"a"':                   Flags(),
}
# fmt: on


@pytest.mark.parametrize(("text", "flags"), FLAGS.items(), ids=FLAGS)
def test_flags_of_outputs(load: Load, text: str, flags: Flags) -> None:
    assert [flags_of(f) for f in rule_of(load, f"output: {text}").outputs[0].files] == [flags]


def test_flags_of_inputs(load: Load) -> None:
    rule = rule_of(load, 'input: ancient("a"), "b"\noutput: "c"')
    assert [flags_of(i.files[0]).ancient for i in rule.inputs] == [True, False]


def test_the_output_of_a_rule_is_bound_to_it_without_its_flags_and_constraints(load: Load) -> None:
    before = 'rule up:\n    output: temp("u/{s,[a-z]+}.txt")\n'
    rule = rule_of(load, 'input: rules.up.output\noutput: "o/{s}"', before)
    (path,) = rule.inputs[0].files
    assert isinstance(path, FlaggedPath)
    assert (str(path), path.rule, path.flags) == ("u/{s}.txt", "up", Flags())


def test_the_names_of_another_rules_outputs_stay_there(load: Load) -> None:
    rule = rule_of(load, 'input: rules.up.output\noutput: "o"', UP)
    assert [item.name for item in rule.inputs] == [None]


def test_functions_and_unpack(load: Load) -> None:
    before = 'def f(wildcards):\n    return {"x": "a"}\n'
    body = 'input: f, y=lambda w: "b"\noutput: "o/{s}"'
    plain, named = rule_of(load, body, before).inputs
    assert (plain.name, plain.files, plain.unpack, named.name) == (None, (), False, "y")
    assert plain.function is not None and named.function is not None
    assert named.function(None) == "b"
    (unpacked,) = rule_of(load, 'input: unpack(f)\noutput: "o/{s}"', before).inputs
    assert unpacked.unpack and unpacked.function is not None
    assert unpacked.function(None) == {"x": "a"}


def test_params_keep_their_values(load: Load) -> None:
    rule = rule_of(load, 'output: "a/{s}"\nparams: 3, "{s}", x=[1, None], f=lambda w, input: 1')
    assert [(p.name, p.value) for p in rule.params[:3]] == [
        (None, 3),
        (None, "{s}"),
        ("x", [1, None]),
    ]
    assert rule.params[3].value.parameters == ("w", "input")


# fmt: off
FIGURES: dict[str, tuple[str, str, Any]] = {
    "threads":         ("threads: 4",                       "threads", 4),
    "half threads":    ("threads: 2.9",                     "threads", 2),
    "no thread":       ("threads: 0",                       "threads", 1),
    "cores":           ("threads: workflow.cores / 2",      "threads", 2),
    "mem_gb":          ("mem_gb: 1.5",                      "mem",     1.5),
    "mem_mb":          ("resources: mem_mb=2048",           "mem",     2048),
    "mem":             ('resources: mem="2 GB"',            "mem",     "2 GB"),
    "runtime":         ("resources: runtime=90",            "runtime", 90),
    "runtime as text": ('resources: runtime="1h 30m"',      "runtime", "1h 30m"),
    "priority":        ("priority: 10",                     "priority", 10),
}
# fmt: on


@pytest.mark.parametrize(("body", "name", "value"), FIGURES.values(), ids=FIGURES)
def test_figures(load: Load, body: str, name: str, value: Any) -> None:
    setting = getattr(rule_of(load, f'{body}\noutput: "a"'), name)
    assert setting.value == value
    assert setting.span.text in body


SPELLINGS = {
    "mem_gb: 2": ("gb", "mem_gb"),
    "resources: mem_gb=2": ("gb", "mem_gb"),
    "resources: mem_mb=2": ("mb", "mem_mb"),
    "resources: mem_mib=2": ("mb", "mem_mib"),
    'resources: mem="2 G"': ("text", "mem"),
}


@pytest.mark.parametrize(("body", "expected"), SPELLINGS.items(), ids=SPELLINGS)
def test_spellings_of_memory(load: Load, body: str, expected: tuple[str, str]) -> None:
    rule = rule_of(load, f'{body}\noutput: "a"')
    assert (rule.mem_unit, rule.mem_spelling) == expected


def test_other_resources(load: Load) -> None:
    rule = rule_of(load, 'output: "a"\nresources: disk_mb=5, gpu=1, kind="x", off=None, yes=True')
    found = {name: setting.value for name, setting in rule.resources.items()}
    assert found == {"disk_mb": 5, "gpu": 1, "kind": "x", "yes": 1}


def test_the_rest_of_a_rule(load: Load) -> None:
    rule = rule_of(
        load,
        '"""What it does."""\n'
        'output: "a"\n'
        "retries: 0\n"
        'group: "g"\n'
        "localrule: True\n"
        'benchmark: repeat("b.tsv", 3)\n'
        'message: "making {output}"\n'
        'profile: "p.json"\n'
        'shell: "touch {output}"',
    )
    assert rule.docstring == "What it does."
    assert (rule.retries, rule.group, rule.local) == (0, "g", True)
    assert rule.benchmark is not None and rule.benchmark.files == ("b.tsv",)
    assert (rule.benchmark_repeats, rule.profile) == (3, "p.json")
    assert rule.command is not None and rule.command.text == "touch {output}"
    assert rule.message is not None and rule.message.text == "making {output}"
    assert rule.span.text == "rule under_test"


def test_what_is_not_said_has_its_default(load: Load) -> None:
    rule = rule_of(load, 'output: "a"')
    assert (rule.threads, rule.mem, rule.runtime, rule.priority) == (None,) * 4
    assert (rule.retries, rule.group, rule.local, rule.profile) == (None, None, False, None)
    assert (rule.command, rule.message, rule.docstring) == (None, None, None)


# --- names and order of rules ---------------------------------------------------------------------


def test_rules_in_a_loop_have_their_values_of_then_and_commands_those_of_the_end(
    load: Load,
) -> None:
    flow = load(
        'for x in ["a", "b"]:\n'
        "    rule:\n"
        '        name: f"make_{x}"\n'
        "        output: x\n"
        '        shell: "echo {x} > {output}"\n'
    )
    assert [r.name for r in flow.rules] == ["make_a", "make_b"]
    assert [r.outputs[0].files for r in flow.rules] == [("a",), ("b",)]
    assert {r.command.parts[0] for r in flow.rules if r.command} == {"echo b > "}


def test_rules_without_a_name_have_their_number(load: Load) -> None:
    flow = load('rule:\n    output: "a"\nrule b:\n    output: "b"\nrule:\n    output: "c"\n')
    assert [r.name for r in flow.rules] == ["1", "b", "3"]
    assert [r.id for r in flow.rules] == [0, 1, 2]


def test_directive_words_name_rules(load: Load) -> None:
    words = ["input", "run", "temp", "report", "shadow"]
    flow = load("".join(f'rule {w}:\n    output: "{w}.txt"\n' for w in words))
    assert [r.name for r in flow.rules] == words


def test_the_chosen_branch_of_an_if_counts(load: Load) -> None:
    flow = load(
        'if False:\n    rule a:\n        output: "a"\nelse:\n    rule b:\n        output: "b"\n'
    )
    assert list(flow.by_name) == ["b"]


# fmt: off
TARGETS = {
    "first":             ("rule a:\n    output: 'a'\nrule b:\n    output: 'b'\n", {}, "a"),
    "marked":            ("rule a:\n    output: 'a'\nrule b:\n    output: 'b'\n"
                          "    default_target: True\n", {}, "b"),
    "not an included":   ("include: 'i'\nrule a:\n    output: 'a'\n",
                          {"i": "rule i:\n    output: 'i'\n"}, "a"),
    "only includes":     ("include: 'i'\n", {"i": "rule i:\n    output: 'i'\n"}, None),
    "marked, included":  ("include: 'i'\nrule a:\n    output: 'a'\n",
                          {"i": "rule i:\n    output: 'i'\n    default_target: True\n"}, "i"),
    "no rule":           ("x = 1\n", {}, None),
}
# fmt: on


@pytest.mark.parametrize(("text", "files", "expected"), TARGETS.values(), ids=TARGETS)
def test_the_default_target(
    load: Load, text: str, files: dict[str, str], expected: str | None
) -> None:
    flow = load(text, files)
    found = None if flow.default_target is None else flow.rules[flow.default_target].name
    assert found == expected


# --- the top level --------------------------------------------------------------------------------


def test_includes_are_relative_to_their_file_and_share_names(load: Load) -> None:
    files = {
        "rules/a.smk": 'include: "more/b.smk"\nX = Y + "a"\n',
        "rules/more/b.smk": 'Y = "b"\nrule inner:\n    output: "inner"\n',
    }
    flow = load('include: "rules/a.smk"\nrule all:\n    input: X\n', files)
    assert flow.by_name["all"].inputs[0].files == ("ba",)
    assert [s.name for s in flow.sources] == ["Workflowfile", "rules/a.smk", "rules/more/b.smk"]


def test_a_long_chain_of_includes_ends(load: Load) -> None:
    files = {f"{i}.smk": f'include: "{i + 1}.smk"\n' for i in range(300)}
    assert codes(load, 'include: "0.smk"\n', files) == ["too-deep"]


def test_a_link_to_the_same_file_is_the_same_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "link.smk").symlink_to("Workflowfile")
    assert codes(load, 'include: "link.smk"\n') == ["include-cycle"]


def test_global_constraints_hold_for_rules_above_and_yield_to_the_rules_own(load: Load) -> None:
    flow = load(
        'rule a:\n    output: "{x}.{y}"\n    wildcard_constraints: x="own"\n'
        'wildcard_constraints: x="global", y="global"\n'
        'rule b:\n    output: "{x}-{y}"\n'
        'wildcard_constraints: y="later"\n'
    )
    assert flow.by_name["a"].constraints == {"x": "own", "y": "later"}
    assert flow.by_name["b"].constraints == {"x": "global", "y": "later"}


# fmt: off
CONFIG: dict[str, tuple[dict[str, Any], Any]] = {
    "the file's own":       ({}, {"a": 1, "d": {"x": 1, "y": 2}, "b": 2}),
    "a value":              ({"config": {"a": 9}}, {"a": 9, "d": {"x": 1, "y": 2}, "b": 2}),
    "a file":               ({"configfiles": ["cli.yaml"]},
                             {"a": 5, "d": {"x": 1, "y": 7}, "b": 2}),
    "a value over a file":  ({"configfiles": ["cli.yaml"], "config": {"a": 9}},
                             {"a": 9, "d": {"x": 1, "y": 7}, "b": 2}),
}
# fmt: on


@pytest.mark.parametrize(("options", "expected"), CONFIG.values(), ids=CONFIG)
def test_config(load: Load, options: dict[str, Any], expected: Any) -> None:
    files = {
        "1.yaml": "a: 1\nd: {x: 1, y: 1}\n",
        "2.json": '{"d": {"y": 2}, "b": 2}',
        "cli.yaml": "a: 5\nd: {y: 7}\n",
    }
    flow = load('configfile: "1.yaml"\nconfigfile: "2.json"\n', files, **options)
    assert flow.config == expected


def test_a_missing_configfile_matters_unless_one_is_given(load: Load) -> None:
    text = 'configfile: "none.yaml"\nrule a:\n    output: config["a"]\n'
    assert codes(load, text) == ["missing-file"]
    flow = load(text, {"cli.yaml": "a: x\n"}, configfiles=["cli.yaml"])
    assert flow.rules[0].outputs[0].files == ("x",)


def test_a_file_changes_its_config_but_not_the_callers(load: Load) -> None:
    given = {"d": {"x": 1}}
    assert load('config["d"]["x"] = 2\n', config=given).config == {"d": {"x": 2}}
    assert given == {"d": {"x": 1}}


def test_a_profile_at_the_top_is_for_rules_that_name_none(load: Load) -> None:
    flow = load(
        'rule a:\n    output: "a"\nprofile: "all.json"\n'
        'rule b:\n    output: "b"\n    profile: "b.json"\n'
    )
    assert [r.profile for r in flow.rules] == ["all.json", "b.json"]


def test_limits(load: Load) -> None:
    flow = load(
        'rule a:\n    output: "a"\n    limits: 3, ftp=2\nlimits:\n    ftp = 2,\n    db = 1\n'
    )
    assert flow.limits == {"ftp": 2, "db": 1, "rule:a": 3}
    assert flow.rules[0].limits == {"ftp": 2, "rule:a": 1}


def test_a_limit_that_the_command_line_gives_need_not_be_declared(load: Load) -> None:
    text = 'rule a:\n    output: "a"\n    limits: ftp=1\n'
    assert codes(load, text) == ["undeclared-limit"]
    assert load(text, limits=["ftp"]).rules[0].limits == {"ftp": 1}


def test_order_and_local_rules(load: Load) -> None:
    flow = load(
        "ruleorder: a > b > c\nruleorder: c > a\nlocalrules: a, c\n"
        + "".join(f'rule {n}:\n    output: "{n}"\n' for n in "abc")
    )
    assert flow.ruleorder == (("a", "b", "c"), ("c", "a"))
    assert [r.local for r in flow.rules] == [True, False, True]


def test_environment_and_shell(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWC_TEST_VARIABLE", "x y")
    flow = load(
        'envvars: "FLOWC_TEST_VARIABLE"\nshell.executable("/bin/zsh")\nshell.prefix("set -x; ")\n'
    )
    assert flow.env == {"FLOWC_TEST_VARIABLE": "x y"}
    assert (flow.shell_executable, flow.shell_prefix) == ("/bin/zsh", "set -x; ")
    assert load("").shell_prefix == "set -euo pipefail; "


def test_workflow_knows_its_place(load: Load, tmp_path: Path) -> None:
    flow = load("rule a:\n    input: workflow.basedir\n    threads: workflow.cores\n")
    assert flow.rules[0].inputs[0].files == (str(tmp_path),)
    assert flow.rules[0].threads is not None and flow.rules[0].threads.value == 4


IMPORTS = {
    "import os": 'os.path.join("a", "b")',
    "import os.path": 'os.path.join("a", "b")',
    "import os.path as p": 'p.join("a", "b")',
    "from os.path import join": 'join("a", "b")',
    "from os.path import (\n    join as j,\n    exists)": 'j("a", "b")',
    "from pathlib import Path": 'Path("a") / "b"',
    "import sys, math, re, json, itertools": '"a/b"',
    "from snakemake.utils import min_version\nmin_version('7.0')": '"a/b"',
    "from snakemake.io import expand, glob_wildcards": 'expand("a/b")',
}


@pytest.mark.parametrize(("text", "path"), IMPORTS.items(), ids=IMPORTS)
def test_imports_of_what_is_known(load: Load, text: str, path: str) -> None:
    (item,) = rule_of(load, f"input: {path}", text + "\n").inputs
    assert item.files == ("a/b",)


# --- faults that need more than one file or a fault in another place ------------------------------


def test_what_a_fault_entails_is_not_said(load: Load) -> None:
    """One fault, one message: names, rules and files that are lost because of it are silent."""
    text = (
        "S = nothing\n"
        "rule a:\n    output: expand('{s}', s=S)\n"
        "rule b:\n    input: rules.a.output\n    output: 'b'\n    shell: 'echo {S}'\n"
        "rule c:\n    input: rules.b.input\n    output: 'c'\n"
    )
    assert codes(load, text) == ["unknown-name"]


def test_faults_come_in_the_order_of_the_files(load: Load) -> None:
    text = (
        "rule a:\n    output: 'a/{x}', 'b'\n    shell: '{nix}'\n"
        "include: 'i.smk'\n"
        "rule b:\n    threads: 'x'\n    output: 'c'\n"
    )
    expected = ["wildcards-differ", "unknown-name", "bad-value", "unknown-directive"]
    assert codes(load, text, {"i.smk": "rule i:\n    outptu: 'x'\n"}) == expected


def test_a_fault_in_a_loop_is_said_once(load: Load) -> None:
    text = "for i in range(50):\n    rule:\n        output: f'{i}'\n        threads: -1\n"
    assert codes(load, text) == ["bad-value"]


def test_a_syntax_fault_in_an_included_file_hides_no_other(load: Load) -> None:
    text = "include: 'i.smk'\nrule a:\n    input: from_i\n    output: 'a'\n    threads: -1\n"
    found = codes(load, text, {"i.smk": "x = (\n"})
    assert "bad-value" in found and "unknown-name" not in found and len(found) == 2


def test_a_list_of_many_plain_paths_is_kept_as_one(load: Load) -> None:
    flow = load('rule all:\n    input: expand("out/{i}.txt", i=range(100_000))\n')
    (item,) = flow.rules[0].inputs
    assert len(item.files) == 100_000
    assert item.is_list and item.files[99_999] == "out/99999.txt"
