"""A job in a shadow directory on a cluster, whose flowc is killed and started again."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.clusters import Cluster, eventually

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """
rule one:
    input: "in.txt"
    output: "o/one.txt"
    shadow: "KIND"
    resources: mem_mb=64
    shell:
        '''
        echo x >> HERE/runs
        until [ -e HERE/go ]; do ls HERE; sleep 0.1; done
        cat {input} > {output}; pwd >> {output}; touch rest; echo x >> HERE/ended
        '''
"""


@pytest.mark.parametrize("kind", ["minimal", "full"])
def test_it_is_taken_up_where_it_works(cluster: Cluster, tmp_path: Path, kind: str) -> None:
    """While it runs (`minimal`), or after it has ended well with nobody to hear (`full`)."""
    text = WORKFLOW.replace("HERE", str(tmp_path)).replace("KIND", kind)
    (tmp_path / "Workflowfile").write_text(text)
    (tmp_path / "in.txt").write_text("in\n")
    words = [sys.executable, "-m", "flowc", "run", "--executor", cluster.name]
    env = cluster.env | {"PYTHONPATH": str(ROOT)}

    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    first = start()
    eventually((tmp_path / "runs").exists)
    first.kill()
    first.communicate()
    if kind == "full":
        (tmp_path / "go").touch()
        eventually(lambda: [*tmp_path.glob(".flowc/executors/*/*/*/1.end")])
    second = start()
    if kind == "minimal":
        eventually(lambda: len([*tmp_path.glob(".flowc/runs/*")]) == 2)
        log = max(tmp_path.glob(".flowc/runs/*"))
        eventually(lambda: "job-started" in log.read_text())
        (tmp_path / "go").touch()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert (tmp_path / "runs").read_text() == "x\n", "once"
    found, place = (tmp_path / "o/one.txt").read_text().splitlines()
    assert found == "in" and place.startswith(f"{tmp_path}/.flowc/shadow/")
    assert not (tmp_path / "rest").exists()
    assert not [*tmp_path.glob(".flowc/shadow/*")]
