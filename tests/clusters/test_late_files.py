"""A shared file system that is late: flowc sees what the nodes write some seconds after them.

flowc runs in a mount namespace of its own, in which the directories that nodes write to are other
ones. What is written on either side is copied to the other: from flowc at once, from nodes late.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.clusters import Cluster

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """
rule all:
    input: expand("out/{i}", i=range(3))
rule one:
    output: "out/{i}"
    resources: mem_mb=64
    shell: "echo x >> runs.{wildcards.i}; echo {wildcards.i} > {output}"
"""
MOUNT = 'mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec "$@"'
ENDS_S, OUTPUTS_S = 2.0, 6.0
"""So late are the words of nodes, and what jobs make."""
OF_NODES = (".start", ".end", ".out")


class Mirror:
    """Copies files from one directory to another: each version once, and whole."""

    def __init__(self, source: Path, target: Path, late_s: float) -> None:
        self._source, self._target, self._late_s = source, target, late_s
        self._seen: dict[tuple[Path, int], float] = {}  # when each version was first seen
        self._copied: set[tuple[Path, int]] = set()

    def step(self, of_nodes: bool | None = None) -> None:
        for path in self._source.rglob("*"):
            is_of_nodes = path.name.endswith(OF_NODES)
            if path.name.endswith(".new") or of_nodes not in (None, is_of_nodes):
                continue
            try:
                if path.is_file():
                    self._copy((path, path.stat().st_mtime_ns))
            except FileNotFoundError:
                continue  # it was renamed meanwhile

    def _copy(self, version: tuple[Path, int]) -> None:
        first_s = self._seen.setdefault(version, time.monotonic())
        if version in self._copied or time.monotonic() - first_s < self._late_s:
            return
        target = self._target / version[0].relative_to(self._source)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.new")
        shutil.copy2(version[0], part)
        part.rename(target)
        self._copied.add(version)


def test_results_and_outputs_that_are_seen_late(cluster: Cluster, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here: a cluster's late file system cannot be played")
    place, view = tmp_path / "place", tmp_path / "view"
    grid, seen_grid = place / ".flowc/executors", view / "grid"
    out, seen_out = place / "out", view / "out"
    for path in (grid, seen_grid, out, seen_out):
        path.mkdir(parents=True)
    (place / "Workflowfile").write_text(WORKFLOW)
    mounts = [str(path) for path in (seen_grid, grid, seen_out, out)]
    flowc = [sys.executable, "-m", "flowc", "run", "--executor", cluster.name]
    mirrors = [Mirror(seen_grid, grid, 0.0), Mirror(grid, seen_grid, ENDS_S)]
    outputs = Mirror(out, seen_out, OUTPUTS_S)
    over = threading.Event()

    def mirror() -> None:
        while not over.wait(0.05):
            mirrors[0].step(of_nodes=False)
            mirrors[1].step(of_nodes=True)
            outputs.step()

    thread = threading.Thread(target=mirror)
    thread.start()
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", MOUNT, "sh", *mounts, *flowc, "--latency-wait", "60"],
            cwd=place,
            env=cluster.env | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=180,
        )
    finally:
        over.set()
        thread.join()
    assert done.returncode == 0, done.stderr
    assert [(seen_out / f"{i}").read_text() for i in range(3)] == ["0\n", "1\n", "2\n"]
    assert [(place / f"runs.{i}").read_text() for i in range(3)] == ["x\n"] * 3
    assert not os.listdir(seen_grid / cluster.name), "nothing is left"
