"""The options: each does something, and a wrong one says what is wrong with it."""

from argparse import Namespace
from collections.abc import Callable
from functools import cache

import pytest

from flowc.api import Running
from flowc.cli.completion import parsers
from flowc.cli.main import COMMANDS
from flowc.cli.planning import plan_options, resource_options
from flowc.cli.run import _run_options, _running
from flowc.diagnostic import WorkflowError
from flowc.plan.options import PlanOptions
from flowc.run.options import RunOptions

Flowc = Callable[..., tuple[int, str, str]]
every_parser = cache(parsers)


def parse(command: str, *argv: str) -> Namespace:
    args = Namespace(json=False, color=None, argv=[])
    every_parser()[command][1].read(argv, args)
    return args


# fmt: off
PLAN = {  #                          the field            its value
    "-f":                            ("force_targets",     True),
    "--force":                       ("force_targets",     True),
    "-F":                            ("force_all",         True),
    "--forceall":                    ("force_all",         True),
    "-R a ./b -R c":                 ("force_rules",       ("a", "b", "c")),
    "--forcerun a":                  ("force_rules",       ("a",)),
    "-U a":                          ("until",             ("a",)),
    "--until a b":                   ("until",             ("a", "b")),
    "-O a":                          ("omit_from",         ("a",)),
    "--omit-from a":                 ("omit_from",         ("a",)),
    "--rerun-triggers mtime code":   ("rerun_triggers",    frozenset({"mtime", "code"})),
    "--rerun-triggers software-env": ("rerun_triggers",    frozenset()),
    "-j 3":                          ("cores",             3),
    "-c3":                           ("cores",             3),
    "--jobs 3":                      ("cores",             3),
    "--cores=3":                     ("cores",             3),
    "--set-threads a=2 b=3":         ("set_threads",       {"a": 2, "b": 3}),
    "--set-resources a:mem_mb=5 a:note=x b:gpu=1.5":
        ("set_resources", {"a": {"mem_mb": 5, "note": "x"}, "b": {"gpu": 1.5}}),
    "--default-resources mem=2GB":   ("default_resources", {"mem": "2GB"}),
}
RUN = {
    "-k":                            ("keep_going",        True),
    "--keep-going":                  ("keep_going",        True),
    "--env A=1 B= --env A=2":        ("env",               {"A": "2", "B": ""}),
    "-T 2":                          ("retries",           2),
    "--retries 2":                   ("retries",           2),
    "--keep-incomplete":             ("keep_incomplete",   True),
    "--notemp":                      ("keep_temp",         True),
    "--nt":                          ("keep_temp",         True),
    "--clip":                        ("clip",              True),
    "-w 3":                          ("latency_wait_s",    3.0),
    "--latency-wait 1m":             ("latency_wait_s",    60.0),
    "--limit net=2":                 ("limits",            {"net": 2}),
    "--resources gpu=2 x=0.5":       ("resources",         {"gpu": 2, "x": 0.5}),
}
RUNNING = {
    "--mem 6":                       ("memory_bytes",      6 * 2**30),
    "--mem 0.5":                     ("memory_bytes",      2**29),
    "--mem 500MB":                   ("memory_bytes",      500 * 2**20),
    "--nolock":                      ("lock",              False),
    "--log-events x.jsonl":          ("log",               "x.jsonl"),
    "--cores 7":                     ("cores",             7),
    "-j 7":                          ("cores",             7),
    "-j 7 --executor slurm":         ("jobs",              7),
    "-j 7 -c 9 --executor slurm":    ("cores",             9),
    "--executor-option a=1 b=c":     ("executor_options",  {"a": "1", "b": "c"}),
    "--local-cores 3":               ("local_cores",       3),
    "--local-mem 3":                 ("local_memory_bytes", 3 * 2**30),
    "--local-below 1m":              ("local_below_s",     60),
}
# fmt: on


@pytest.mark.parametrize("words", PLAN)
def test_what_a_plan_is_told(words: str) -> None:
    field, value = PLAN[words]
    for command in ("plan", "run", "summary"):
        options = plan_options(parse(command, *words.split()))
        assert getattr(options, field) == value
    assert getattr(PlanOptions(), field) != value


@pytest.mark.parametrize("words", RUN)
def test_what_a_run_is_told(words: str) -> None:
    field, value = RUN[words]
    assert getattr(_run_options(parse("run", *words.split()), "W"), field) == value
    assert getattr(RunOptions(), field) != value


@pytest.mark.parametrize("words", RUNNING)
def test_where_a_run_finds_its_resources(words: str) -> None:
    field, value = RUNNING[words]
    assert getattr(_running(parse("run", *words.split())), field) == value
    assert getattr(Running(), field) != value


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_of_the_help_is_accepted(command: str) -> None:
    """Each is read alone; its value lands in the namespace."""
    samples = {"N": "2", "GB": "2", "SECONDS": "2", "KEY=VALUE": "a=1", "NAME=N": "a=1"}
    samples |= {"RULE=N": "a=1", "RULE:NAME=VALUE": "a:b=1", "NAME=VALUE": "a=1", "CORESxGB": "2x4"}
    samples |= {"NAME[=VALUE]": "a=1", "RULE=GROUP": "a=b", "RULE=I/N": "a=1/2"}
    needed = {"completion": ["bash"], "gantt": ["a.log"], "logs": ["a"]}.get(command, [])
    for action in every_parser()[command][1].options():
        if action.dest == "help":
            continue
        assert action.help, action.option_strings
        for name in action.option_strings:
            others = [str(c) for c in action.choices or () if c != action.default]
            value = others[0] if others else None
            value = value or samples.get(str(action.metavar), "x")
            count = action.nargs if isinstance(action.nargs, int) else 1
            args = parse(command, *needed, name, *[value] * count)
            assert getattr(args, action.dest) != action.default, name


def test_the_words_of_snakemake_and_make() -> None:
    names = set(every_parser()["run"][1].option_names())
    for line in (
        "-n -j --cores -k -p -q -s --snakefile --file -d -f -F -R -U -O -t -T",
        "--config --configfile --touch --forcerun --until --omit-from --dry-run --retries --jobs",
        "--printshellcmds --quiet --keep-going --directory --force --forceall --nolock --notemp",
        "--rerun-triggers --rerun-incomplete --keep-incomplete --latency-wait --resources",
        "--set-threads --set-resources --default-resources",
    ):
        assert set(line.split()) <= names


# fmt: off
WRONG = {  #                         a part of the message                     of the hint
    "run --kep-going":               ("no option `--kep-going`",              "`--keep-going`"),
    "run --snakfile=x":              ("no option `--snakfile`",               "`--snakefile`"),
    "run --xyzzy":                   ("no option `--xyzzy`",                  "--help"),
    "run -j many":                   ("`many` is not a number of 1 or more",  None),
    "run -j 0":                      ("`0` is not a number of 1 or more",     None),
    "run -j":                        ("needs a value",                        None),
    "run --mem lots":                ("`lots` is not a size",                 None),
    "run --mem -1":                  ("`--mem`",                              None),
    "run --mem nan":                 ("`nan` is not",                         None),
    "run -T x":                      ("`x` is not a number of 0 or more",     None),
    "run -w soon":                   ("`soon` is not a duration",             None),
    "run --config names":            ("`names` is not of the form",           None),
    "run --config 1a=2":             ("cannot be a name",                     None),
    "run --set-threads count":       ("NAME=VALUE",                           None),
    "run --set-threads count=0":     ("1 or more",                            None),
    "run --set-resources count=1":   ("RULE:NAME=VALUE",                      None),
    "run --rerun-triggers moon":     ("invalid choice: 'moon'",               None),
    "run -d Workflowfile":           ("cannot work in",                       None),
    "plan -d nowhere":               ("No such file",                         None),
    "run --configfile none.yaml":    ("none.yaml",                            None),
    "plan -R nothing":               ("nothing",                              None),
    "graph --format svg":            ("invalid choice: 'svg'",                None),
    "completion tcsh":               ("invalid choice: 'tcsh'",               None),
    "completion":                    ("shell",                                None),
    "pln":                           ("no command `pln`",                     "`flowc plan`"),
    "-n":                            ("where a command is expected",          "`flowc run -n`"),
    "Workflowfile":                  ("no command `Workflowfile`",            "`flowc run Work"),
    "run -s nowhere":                ("no file `nowhere`",                    None),
    "run missing.smk":               ("missing.smk",                          None),
}
# fmt: on


@pytest.mark.parametrize("words", WRONG)
def test_wrong(flowc: Flowc, words: str) -> None:
    message, hint = WRONG[words]
    code, out, err = flowc(*words.split(" "))
    assert code == 2, err
    assert err.startswith("error[") and err.endswith("1 error\n") and "Traceback" not in err
    first, *rest = err.splitlines()
    assert message in first
    assert hint is None or hint in "\n".join(rest)
    code, out, err = flowc(*words.split(" "), "--json")
    assert code == 2 and '"severity": "error"' in out and not err


def test_all_unknown_options_at_once(flowc: Flowc) -> None:
    code, _, err = flowc("run", "--qick", "--forse")
    assert code == 2 and err.count("error[unknown-option]") == 2 and err.endswith("2 errors\n")


def test_a_compiled_workflow_says_nothing_of_this_machine() -> None:
    assert resource_options(parse("run")).cores is not None
    args = parse("compile")
    assert args.cores is None


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_worth_reading(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(command, "--help")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: flowc {command} ")
    assert "\nexamples:\n  " in text and "\nexit codes: " in text


def test_a_bad_word_is_a_workflow_error() -> None:
    with pytest.raises(WorkflowError):
        parse("run", "--nothing")
