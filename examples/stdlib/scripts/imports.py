"""Who imports whom: a table of modules and packages by how many others import them, the
largest circle of modules that need one another, and a graph of the packages."""

import argparse
import json
from collections import defaultdict
from pathlib import Path


def reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
    """Everything that `start` leads to; `start` itself only if something leads back."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for name in edges.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def circle_of(name: str, edges: dict[str, set[str]]) -> set[str]:
    """All that `name` leads to and that leads back to it."""
    return {other for other in reachable(name, edges) if name in reachable(other, edges)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("dot", type=Path)
    parser.add_argument("syntax", type=Path, nargs="+")
    args = parser.parse_args()

    edges: dict[str, set[str]] = defaultdict(set)
    for path in args.syntax:
        for module in json.loads(path.read_text())["modules"]:
            name = module["module"].partition(".")[0]
            edges[name].update(n for n in module["imports"] if n != name)
    known = set(edges)  # compiled modules and what is not analysed have no sources here
    needs = {name: targets & known for name, targets in edges.items()}
    needed_by: dict[str, set[str]] = defaultdict(set)
    for name, targets in needs.items():
        for target in targets:
            needed_by[target].add(name)

    rows = [(name, len(needed_by[name]), len(needs[name])) for name in sorted(known)]
    rows.sort(key=lambda row: (-row[1], row[0]))
    circle = max((circle_of(name, needs) for name in sorted(known)), key=len)
    with args.table.open("w") as table:
        print("name", "imported_by", "imports", "in_circle", sep="\t", file=table)
        for row in rows:
            print(*row, "yes" if row[0] in circle else "no", sep="\t", file=table)

    packages = [path.stem for path in args.syntax if not path.stem.startswith("modules_")]
    with args.dot.open("w") as dot:
        print("digraph packages {", file=dot)
        for name in sorted(packages):
            print(f'    "{name}";', file=dot)
            for target in sorted(needs[name] & set(packages)):
                print(f'    "{name}" -> "{target}";', file=dot)
        print("}", file=dot)


main()
