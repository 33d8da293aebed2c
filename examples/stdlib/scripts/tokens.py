"""Tokenise every source of an archive: count its lines, list the names that it uses."""

import argparse
import io
import json
import keyword
import tarfile
import tokenize
from collections import Counter
from pathlib import Path

LAYOUT = {
    tokenize.ENCODING,
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.COMMENT,
}


def count(text: bytes, names: list[str]) -> Counter[str]:
    """Lines by what is on them. A line that holds code and a comment is a line of code."""
    code: set[int] = set()
    comments: set[int] = set()
    counts = Counter(files=1, lines=text.count(b"\n"))
    for token in tokenize.tokenize(io.BytesIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type not in LAYOUT:
            counts["tokens"] += 1
            code.update(range(token.start[0], token.end[0] + 1))
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                names.append(token.string)
    counts["code"] = len(code)
    counts["comments"] = len(comments - code)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("counts", type=Path)
    parser.add_argument("names", type=Path)
    args = parser.parse_args()
    names: list[str] = []
    total: Counter[str] = Counter()
    with tarfile.open(args.archive) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            assert file is not None
            total += count(file.read(), names)
    args.counts.write_text(json.dumps({"part": args.archive.stem, **total}, indent=1) + "\n")
    args.names.write_text("".join(f"{name}\n" for name in names))


main()
