"""`glob.glob`, `os.listdir` and the methods of `Path` that list: as Python's own, but sorted."""

import glob
import os
from pathlib import Path, PurePosixPath

import pytest

from flowc.disk import DIRECTORY_STAMP, RealDisk
from flowc.lang.limits import Budget, Refusal
from flowc.lang.listing import Listing

FILES = (
    "a.txt b.txt c.csv .hidden.txt sub/a.txt sub/deep/b.txt sub/deep/er/c.csv other/x[1].txt "
    ".git/config sub/.dot/d.txt"
)


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listing:
    for name in FILES.split():
        path = tmp_path / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path / "top")
    return Listing(Budget(1_000_000), RealDisk())


PATTERNS = [
    "*", "*.txt", "?.txt", "[ab].txt", "[!a].*", ".*", "sub/*", "*/*.txt", "**", "**/*.txt",
    "sub/**",    "sub/**/", "**/deep", "**/deep/**/*.csv", "*/", "sub/", "a.txt", "none", "none/*",
    "./*.txt", "sub/../a.*", "other/x[[]1].txt", "*/*/", "../top/*.csv", "s*b/d??p/[b-c].txt",
]  # fmt: skip


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_glob_finds_what_python_finds(listing: Listing, pattern: str, recursive: bool) -> None:
    expected = sorted(set(glob.glob(pattern, recursive=recursive)))
    assert listing.glob(pattern, recursive=recursive) == expected


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if not p.startswith("..")])
def test_glob_of_a_path_finds_what_python_finds(listing: Listing, pattern: str) -> None:
    for top in (".", "sub", "none"):
        expected = sorted({PurePosixPath(path) for path in Path(top).glob(pattern)})
        if pattern.endswith("/"):  # Python 3.11 gives files as well
            expected = [path for path in expected if os.path.isdir(path)]
        assert listing.glob_path(PurePosixPath(top), pattern) == expected


def test_below_another_directory(listing: Listing) -> None:
    assert listing.glob("*.txt", root_dir="sub") == glob.glob("*.txt", root_dir="sub")
    absolute = os.path.abspath("sub")
    assert listing.glob(f"{absolute}/*.txt") == [f"{absolute}/a.txt"]
    found = listing.rglob_path(PurePosixPath("sub"), "*.txt")
    assert found == sorted(PurePosixPath(p) for p in Path("sub").rglob("*.txt"))


def test_directories_are_listed(listing: Listing) -> None:
    assert listing.listdir() == sorted(os.listdir())
    Path(DIRECTORY_STAMP).touch()  # flowc's own
    assert listing.listdir() == sorted({*os.listdir()} - {DIRECTORY_STAMP})
    assert listing.listdir(PurePosixPath("sub")) == [".dot", "a.txt", "deep"]
    assert listing.iterdir(PurePosixPath("sub"))[1:] == [
        PurePosixPath("sub/a.txt"),
        PurePosixPath("sub/deep"),
    ]


def test_what_is_no_directory_is_not_listed(listing: Listing) -> None:
    for path in ("none", "a.txt"):
        with pytest.raises(Refusal, match=f"there is no directory `{path}`"):
            listing.listdir(path)


def test_links_in_a_circle_end(listing: Listing) -> None:
    os.symlink(".", "sub/loop")
    assert Listing(Budget(10**7), RealDisk()).glob("**/*.nothing", recursive=True) == []


def test_a_search_costs_steps(listing: Listing) -> None:
    with pytest.raises(Refusal, match="steps"):
        Listing(Budget(5), RealDisk()).glob("**", recursive=True)
