"""Grid Engine's words against a real one; with FLOWC_RECORD=1 what it says is kept."""

import os
from pathlib import Path

import pytest
from support import sge_facts
from support.clusters import Cluster
from support.sge_scenes import Stage, write

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lone_cluster", ["sge"], indirect=True)
def test_what_a_real_grid_engine_says_is_understood(lone_cluster: Cluster, tmp_path: Path) -> None:
    stage = Stage(lone_cluster, tmp_path)
    stage.play()
    lone_cluster.kill("controller")
    stage.play_silence()
    if os.environ.get("FLOWC_RECORD"):
        version = lone_cluster.call("qstat", "-help").stdout.splitlines()[0]
        write(version, stage.scenes)
    sge_facts.check(stage.scenes)
