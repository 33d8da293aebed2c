"""Write the sources of one part of the standard library into a tar archive, in order of name.

A part is a package, such as `email`, or `modules_a-c`: the single-file modules whose names begin
with these letters. Tests are left out, and the file that only says how this Python was built.
"""

import argparse
import sysconfig
import tarfile
from pathlib import Path

LEFT_OUT = {"test", "tests"}


def sources(library: Path, part: str) -> list[Path]:
    """The part's files, sorted."""
    kind, _, letters = part.partition("_")
    if kind == "modules":
        first, _, last = letters.partition("-")
        files = (f for f in library.glob("*.py") if not f.name.startswith("_sysconfigdata"))
        return sorted(f for f in files if first <= f.name.strip("_").lower()[0] <= last)
    files = (library / part).rglob("*.py")
    return sorted(f for f in files if LEFT_OUT.isdisjoint(f.relative_to(library).parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part")
    parser.add_argument("archive", type=Path)
    args = parser.parse_args()
    library = Path(sysconfig.get_path("stdlib"))
    files = sources(library, args.part)
    if not files:
        raise SystemExit(f"there is no `{args.part}` in {library}")
    with tarfile.open(args.archive, "w") as archive:
        for file in files:
            # Debian links a few files elsewhere; what counts here is what they say.
            entry = tarfile.TarInfo(file.relative_to(library).as_posix())
            entry.size = file.stat().st_size
            with file.open("rb") as source:
                archive.addfile(entry, source)


main()
