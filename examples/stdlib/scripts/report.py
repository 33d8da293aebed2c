"""Put the tables together into a report in Markdown, on standard output."""

import argparse
import platform
from pathlib import Path

SHOWN = 12


def rows(path: Path) -> list[list[str]]:
    """A table's lines, cut into cells; the first are the heads."""
    return [line.split("\t") for line in path.read_text().splitlines()]


def show(table: list[list[str]]) -> None:
    """A table with its columns aligned: readable as it is, and when rendered."""
    table = [[cell.replace("_", " ") for cell in table[0]], *table[1:]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    figures = [all(c[:1].isdigit() for c in column[1:]) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        cells = zip(row, widths, figures, strict=True)
        print("|", " | ".join(c.rjust(w) if f else c.ljust(w) for c, w, f in cells), "|")
        if number == 0:
            ends = (
                ("-" * (w - 1) + (":" if f else "-")) for w, f in zip(widths, figures, strict=True)
            )
            print("|", " | ".join(ends), "|")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("parts", "functions", "imports", "names"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    parts = rows(args.parts)
    imports = rows(args.imports)
    files, lines, functions = (sum(int(row[i]) for row in parts[1:]) for i in (1, 2, 6))
    with args.names.open() as names:
        used = [line.split() for line, _ in zip(names, range(SHOWN), strict=False)]

    print(f"# The standard library of Python {platform.python_version()}\n")
    print(f"{files:,} files, {lines:,} lines, {functions:,} functions.\n")
    print("## The longest parts\n")
    show(parts[: SHOWN + 1])
    print("## The most intricate functions\n")
    show(rows(args.functions))
    print("## What the others stand on\n")
    show(imports[: SHOWN + 1])
    circle = sum(row[3] == "yes" for row in imports[1:])
    print(
        f"{circle} of the {len(imports) - 1} modules and packages need one another in a circle.\n"
    )
    print("## The names used most\n")
    print(", ".join(f"`{name}` ({int(count):,})" for count, name in used))


main()
