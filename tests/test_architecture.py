"""The directions of the house: who may import whom, and how large a room may be.

The picture is in docs/explanation/architecture.md. Imports inside of functions count too.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parent.parent / "flowc"
MODULES = {
    ".".join(p.relative_to(CODE.parent).with_suffix("").parts).removesuffix(".__init__"): p
    for p in CODE.rglob("*.py")
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}

GROUND = ["ids", "source", "diagnostic", "units", "disk", "events", "machine"]
COMPILE = ["syntax", "lang", "graph", "plan"]
# fmt: off
MAY_IMPORT = {  # a room: what it may import, besides itself and `flowc`'s version
    "ids": [], "source": [], "units": [], "disk": [], "machine": [],
    "diagnostic": ["source"],
    "events":     ["ids"],
    "syntax":     GROUND,
    "lang":       [*GROUND, "syntax"],
    "graph":      [*GROUND, "syntax", "lang"],
    "plan":       [*GROUND, "lang", "graph"],
    "executors":  GROUND,
    "record":     GROUND,
    "live":       GROUND,
    "run":        [*GROUND, "lang", "graph", "plan", "executors.base"],
    "api":        [*GROUND, *COMPILE, "run", "executors", "record", "live"],
    "cli":        [*GROUND, *COMPILE, "run", "executors", "record", "live", "api"],
    "__main__":   ["cli"],
}
# Third-party modules, and where they may be used.
OUTSIDE = {"lark": "syntax", "psutil": "executors", "yaml": "lang", "jinja2": "report"}
# Imports inside of a function, other than in `cli` (which loads one command at a time): why.
LATE: dict[str | tuple[str, str], str] = {
}
# fmt: on


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every module that is imported, and whether that happens inside of a function."""
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in MODULES else node.module), node in inner


def room(module: str) -> str:
    """`flowc.lang.values` is in `lang`."""
    return module.removeprefix("flowc").strip(".").partition(".")[0]


EDGES = sorted(
    (name, target, late)
    for name, tree in TREES.items()
    for target, late in imports(tree)
    if target.split(".")[0] in ("flowc", *OUTSIDE)
)


def test_nothing_imports_upward() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, target, _ in EDGES
        if target.startswith("flowc.") and room(target) != room(name)
        if not {room(target), target.removeprefix("flowc.")} & {*MAY_IMPORT.get(room(name), ())}
    ]
    assert not wrong
    assert {room(name) for name in MODULES} - {""} <= MAY_IMPORT.keys(), "a room without a row"


def test_no_executor_knows_another() -> None:
    named = {"local", "grid", "sge", "slurm", "drmaa", "dask"}
    for name, target, _ in EDGES:
        if room(name) == "run":
            assert target.rpartition(".")[2] not in named, name
        if name.rpartition(".")[2] in named and room(target) == "executors":
            assert target.rpartition(".")[2] not in named - {"sge", "slurm"}, name


def test_third_party_modules_stay_in_their_room() -> None:
    wrong = [(n, t) for n, t, _ in EDGES if OUTSIDE.get(t.split(".")[0], room(n)) != room(n)]
    assert not wrong


def test_no_cycle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, target, _ in EDGES:
        if target in MODULES and target != name:
            graph[name].add(target)
    TopologicalSorter(graph).prepare()


def test_late_imports_have_a_reason() -> None:
    late = {
        (name, target)
        for name, tree in TREES.items()
        if room(name) not in ("cli", "", "__main__")
        for target, is_late in imports(tree)
        if is_late
    }
    wrong = [pair for pair in late if pair[1] not in LATE and pair not in LATE]
    assert not wrong, "import at the top, or give the reason in LATE"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_budget(name: str) -> None:
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 400
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
    assert ast.get_docstring(TREES[name]), "a file opens with what it is about"
