"""Run a Snakefile with flowc and with Snakemake, and compare what they leave."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.program import flowc_here

Tree = dict[str, str]

RECORD = Path(__file__).parent.parent / "oracle" / "recorded.json"
"""What Snakemake has left of each case. `FLOWC_RECORD=1 pytest tests/oracle -m slow` writes it."""

_OWN = (".flowc", ".snakemake", "__pycache__")


def write_case(files: dict[str, str], directory: Path) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tree_of(directory: Path) -> Tree:
    """All files with their contents; links and modes where they are not the usual ones."""
    found: Tree = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if any(part in _OWN for part in name.split("/")) or path.name in (
            ".snakemake_timestamp",
            ".flowc_timestamp",
        ):
            continue
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            found[f"{name}/"] = ""
        else:
            guarded = (
                "" if os.access(path, os.W_OK) and path.stat().st_mode & 0o200 else "[guarded]"
            )
            found[name] = guarded + path.read_text()
    return found


def find_snakemake() -> str | None:
    return shutil.which("snakemake") or shutil.which("snakemake", path=Path(sys.executable).parent)


def run_flowc(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return flowc_here("run", "-s", "Snakefile", "--cores", "2", *arguments, cwd=directory)


def run_snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    snakemake = find_snakemake()
    assert snakemake is not None
    command = [snakemake, "--cores", "2", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120)


def recorded() -> dict[str, Tree]:
    found: dict[str, Tree] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    return found
