"""Tables of the parts, by length, and of the functions, by complexity."""

import argparse
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shown", type=int, required=True, help="how many functions")
    parser.add_argument("parts", type=Path)
    parser.add_argument("functions", type=Path)
    parser.add_argument("--tokens", type=Path, nargs="+", required=True)
    parser.add_argument("--syntax", type=Path, nargs="+", required=True)
    args = parser.parse_args()

    counts = {data["part"]: data for data in (json.loads(p.read_text()) for p in args.tokens)}
    rows = []
    ranking = []
    for path in args.syntax:
        data = json.loads(path.read_text())
        seen = counts[data["part"]]
        total = 0
        for module in data["modules"]:
            for function in module["functions"]:
                total += function["complexity"]
                name = f"{module['module']}.{function['name']}"
                ranking.append((function["complexity"], function["lines"], name))
        functions = sum(len(module["functions"]) for module in data["modules"])
        classes = sum(module["classes"] for module in data["modules"])
        mean = f"{total / max(1, functions):.2f}"
        part = (data["part"], seen["files"], seen["lines"], seen["code"], seen.get("comments", 0))
        rows.append((*part, classes, functions, mean))

    rows.sort(key=lambda row: (-row[2], row[0]))
    heads = ("part", "files", "lines", "code", "comments", "classes", "functions", "complexity")
    with args.parts.open("w") as table:
        for row in (heads, *rows):
            print(*row, sep="\t", file=table)
    ranking.sort(key=lambda row: (-row[0], -row[1], row[2]))
    with args.functions.open("w") as table:
        print("complexity", "lines", "function", sep="\t", file=table)
        for entry in ranking[: args.shown]:
            print(*entry, sep="\t", file=table)


main()
