"""The directions of the house: who may import whom, and how large a room may be.

The picture is in docs/explanation/architecture.md. Imports inside of functions count too.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parent.parent / "flowc"
MODULES = {
    ".".join(p.relative_to(CODE.parent).with_suffix("").parts).removesuffix(".__init__"): p
    for p in CODE.rglob("*.py")
}

GROUND = [
    "dataclass", "ids", "source", "diagnostic", "units", "disk", "attempt", "events", "machine",
    "site", "suppress", "whole",
]  # fmt: skip
COMPILE = ["syntax", "lang", "graph", "plan"]
OBSERVE = ["record", "report", "live"]
MEASURE = ["sizing", "measure"]
# fmt: off
MAY_IMPORT = {  # a room: what it may import, besides itself and `flowc`'s version
    "ids": [], "units": [], "disk": [], "lightclass": [], "dataclass": ["lightclass"],
    "suppress": [],
    "machine":    ["dataclass"],
    "source":     ["dataclass"],
    "diagnostic": ["dataclass", "source"],
    "site":       ["dataclass", "source", "diagnostic"],
    "whole":      ["diagnostic"],
    "attempt":    ["dataclass", "ids"],
    "events":     ["attempt", "dataclass", "ids"],
    "syntax":     GROUND,
    "lang":       [*GROUND, "syntax"],
    "graph":      [*GROUND, "syntax", "lang"],
    "sizing":     [*GROUND, "graph.schema"],
    "measure":    [*GROUND, "sizing"],
    "plan":       [*GROUND, "lang", "graph", "record.history", "sizing"],
    "executors":  GROUND,
    "node":       [*GROUND, "executors", "measure"],
    "record":     GROUND,
    "live":       GROUND,
    "report":     [*GROUND, "record"],
    "run":        [*GROUND, "lang", "graph", "plan", "executors.base", "record.history"],
    "export":     [*GROUND, "lang", "graph", "plan", "run.task", "run.values", "run.script",
                   "run.script_runner"],
    "compiling":  [*GROUND, *COMPILE, "record.history"],
    "reporting":  [*GROUND, *OBSERVE, "sizing"],
    "api":        [*GROUND, *COMPILE, *MEASURE, "compiling", "reporting", "run", "executors",
                   "record", "live"],
    "cli":        [*GROUND, *COMPILE, *MEASURE, *OBSERVE, "run", "executors", "api",
                   "export", "reporting"],
    "__main__":   ["cli"],
    "testing":    [*GROUND, *COMPILE, "executors.base"],
}
# Third-party modules, and where they may be used.
OUTSIDE = {"lark": "syntax", "psutil": "measure", "yaml": "lang sizing site",
           "jinja2": "report export",
           "markupsafe": "report"}
# They load what the command at hand needs, no more.
LOADERS = ("cli", "api", "compiling", "reporting", "")
# What may be imported inside of a function, and why; other than in those.
LATE = {
    "dataclasses":         "8 ms, only when its own functions meet a light class",
    "difflib":             "5 ms, only after a mistake",
    "sqlite3":             "8 ms that a directory without history need not spend",
    "flowc.record.database": "as above, and needs it",
    "flowc.plan.batch":    "only for `--batch`",
    "flowc.run.found":     "10 ms, only for `--schedule search`",
    "yaml":                "15 ms, only where there is a config",
    "lark":                "50 ms, only where the tables have to be made",
    "lark.lexer":          "as above",
    "lark.parsers.lalr_analysis": "as above",
    "drmaa":               "it loads a library, and only for `--executor drmaa`",
    "importlib.metadata":  "20 ms, only for executors of other packages",
    "fcntl":               "a library that nodes do without",
    "json":                "3 ms, for benchmarks and `json.loads` in a Workflowfile",
    "shutil":              "5 ms, for jobs that make directories",
    "string":              "not needed by most files",
    "unicodedata":         "a large table that few files need",
    "flowc.executors.cgroup":  "only for tasks with a limit on memory",
    "flowc.executors.ingroup": "as above, and the fork server starts fast",
    "ctypes":              "10 ms, only where a task is started in a cgroup",
    "flowc.events":        "the console needs `json` for --json alone",
    "flowc.lang.config":   "3 ms, only where there is a config",
    "flowc.measure.benchmarks": "only for jobs that are measured closely",
    "flowc.measure.profiler": "as above",
    "flowc.measure.sample":   "as above",
    "flowc.plan.measured": "only for rules with a profile, and runs with a resource file",
    "flowc.lang.data":     "only for a compiled workflow",
    "flowc.lang.imports":  "only for files that import",
    "flowc.lang.pattern":  "graph.job needs it for jobs that run",
    "flowc.lang.query":    "only for `lookup` in a list",
    "flowc.lang.refusals": "only for what is refused",
    "flowc.lang.schema":   "only for `validate`",
    "flowc.lang.values":   "graph.job needs it for jobs that run",
    "flowc.syntax.parse":  "a compiled workflow needs no parser",
}
# fmt: on


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text("utf-8"))


def statements(tree: ast.AST, how: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every statement, and where it stands: "", "late" inside of a function, or "typing"."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for node in getattr(tree, field, ()):
            yield node, how
            inside = how
            if isinstance(node, ast.FunctionDef):
                inside = "late"
            elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                inside = "typing"
            yield from statements(node, inside)


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every module that is imported, and where."""
    for node, how in statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, how) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in MODULES else node.module), how


def room(module: str) -> str:
    """`flowc.lang.values` is in `lang`."""
    return module.removeprefix("flowc").strip(".").partition(".")[0]


@cache
def edges() -> list[tuple[str, str, str]]:
    return sorted({(name, *found) for name in MODULES for found in imports(tree_of(name))})


def test_nothing_imports_upward() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, target, _ in edges()
        if target.startswith("flowc.") and room(target) != room(name)
        if not {room(target), target.removeprefix("flowc.")} & {*MAY_IMPORT.get(room(name), ())}
    ]
    assert not wrong
    assert {room(name) for name in MODULES} - {""} <= MAY_IMPORT.keys(), "a room without a row"


def test_no_executor_knows_another() -> None:
    named = {"local", "grid", "sge", "slurm", "drmaa", "dask"}
    for name, target, _ in edges():
        if room(name) == "run":
            assert target.rpartition(".")[2] not in named, name
        if name.rpartition(".")[2] in named and room(target) == "executors":
            assert target.rpartition(".")[2] not in named - {"sge", "slurm"}, name


def test_third_party_modules_stay_in_their_room() -> None:
    wrong = [
        (name, target)
        for name, target, _ in edges()
        if room(name) not in OUTSIDE.get(target.split(".")[0], room(name)).split()
    ]
    assert not wrong


def test_no_cycle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, target, how in edges():
        if target in MODULES and target != name and how != "typing":
            graph[name].add(target)
    TopologicalSorter(graph).prepare()


def test_late_imports_have_a_reason() -> None:
    late = [(n, t) for n, t, how in edges() if how == "late" and room(n) not in LOADERS]
    wrong = [f"{name} imports {target}" for name, target in late if target not in LATE]
    assert not wrong, "import at the top, or give the reason in LATE"
    assert {*LATE} <= {target for _, target in late}, "a row that is not needed any more"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_budget(name: str) -> None:
    lines = MODULES[name].read_text("utf-8").count("\n")
    assert lines <= 400
    tree = tree_of(name)
    functions = [n for n, _ in statements(tree) if isinstance(n, ast.FunctionDef)]
    lengths = {f"{f.name}:{f.lineno}": (f.end_lineno or 0) - f.lineno + 1 for f in functions}
    assert not {place: length for place, length in lengths.items() if length > 60}
    assert ast.get_docstring(tree), "a file opens with what it is about"
