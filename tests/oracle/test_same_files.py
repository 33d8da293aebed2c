"""flowc leaves the files that Snakemake leaves.

The quick tests hold flowc against what Snakemake has been seen to leave; the slow one sees to it
that Snakemake, where it is installed, still leaves that.
"""

import json
import os
from pathlib import Path

import pytest
from support import pythonic, snakefiles
from support.oracle import (
    RECORD,
    find_snakemake,
    recorded,
    run_flowc,
    run_snakemake,
    tree_of,
    write_case,
)

CASES = snakefiles.CASES | pythonic.CASES


@pytest.mark.parametrize("name", sorted(CASES))
def test_flowc_leaves_the_same_files(name: str, tmp_path: Path) -> None:
    write_case(CASES[name], tmp_path)
    for arguments in snakefiles.RUNS.get(name, [()]):
        done = run_flowc(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
    assert tree_of(tmp_path) == recorded()[name]


@pytest.mark.slow
@pytest.mark.skipif(find_snakemake() is None, reason="snakemake is not installed")
def test_snakemake_leaves_what_is_recorded(tmp_path: Path) -> None:
    known, found, failed = recorded(), {}, {}
    is_recording = "FLOWC_RECORD" in os.environ
    for name, files in CASES.items():
        if is_recording and known.get(name) and os.environ["FLOWC_RECORD"] != "all":
            found[name] = known[name]
            continue
        directory = tmp_path / name
        write_case(files, directory)
        for arguments in snakefiles.RUNS.get(name, [()]):
            done = run_snakemake(directory, *arguments)
            if done.returncode:
                failed[name] = done.stderr
        if name not in failed:
            found[name] = tree_of(directory)
    if is_recording:
        RECORD.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    assert not failed, "\n\n".join(failed.values())
    assert found == recorded()
