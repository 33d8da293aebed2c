"""Read the syntax tree of every source of an archive: its functions, how many ways lead through
each of them (cyclomatic complexity), its classes, and what it imports."""

import argparse
import ast
import json
import tarfile
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

FORKS = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.comprehension,
    ast.match_case,
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def complexity(function: Function) -> int:
    """One, and one more for each place where the way forks; inner functions count too."""
    forks = 1
    for node in ast.walk(function):
        if isinstance(node, ast.BoolOp):
            forks += len(node.values) - 1
        elif isinstance(node, FORKS):
            forks += 1
    return forks


def functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """Every function below `node` that is in no other function, with its qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, f"{prefix}{child.name}.")
        else:
            yield from functions(child, prefix)


def imports(tree: ast.AST, module: str, is_package: bool) -> set[str]:
    """The top-level names of the modules that are imported anywhere in the file."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = module.split(".")
            base = here[: len(here) - node.level + is_package] if node.level else []
            found.add(".".join([*base, *([node.module] if node.module else [])]))
    return {name.partition(".")[0] for name in found}


def read(source: tuple[str, bytes]) -> dict[str, Any]:
    """What there is to say of one file."""
    path, text = source
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    tree = ast.parse(text, path)
    return {
        "module": module,
        "classes": sum(isinstance(node, ast.ClassDef) for node in ast.walk(tree)),
        "imports": sorted(imports(tree, module, path.endswith("__init__.py"))),
        "functions": [
            {
                "name": name,
                "line": function.lineno,
                "lines": (function.end_lineno or function.lineno) - function.lineno + 1,
                "complexity": complexity(function),
            }
            for name, function in functions(tree, "")
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("archive", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    with tarfile.open(args.archive) as archive:
        files = [(entry.name, archive.extractfile(entry)) for entry in archive]
        sources = [(name, file.read()) for name, file in files if file is not None]
    if args.processes > 1:
        with Pool(args.processes) as pool:
            modules = pool.map(read, sources, chunksize=1)
    else:
        modules = [read(source) for source in sources]
    found = {"part": args.archive.stem, "modules": modules}
    args.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
