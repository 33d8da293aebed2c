"""The executors that the contract is tested with.

`nice` is somebody else's package, in `third_party/`: what an installer would write of it is made
here, so that it is found as any package that is installed.
"""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.clusters import Cluster
from support.fakequeue import FakeQueue

from flowc.executors.base import Capacity, Executor, Setup
from flowc.executors.grid.base import Pace, Settings
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.registry import find_executor, make_executor

PACKAGE = Path(__file__).parent / "third_party"
CLUSTERS = {"slurm": "slurm", "sge": "sge", "drmaa": "sge"}
"""Executors, and the cluster that each runs on."""


def install_metadata(project: Path, place: Path) -> None:
    """Write what an installer writes of a package: its name and its entry points."""
    about = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = place / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    )
    lines = []
    for group, points in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {where}" for name, where in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """A PYTHONPATH on which the third party's package is installed; so it is in this process."""
    place = tmp_path_factory.mktemp("site")
    install_metadata(PACKAGE, place)
    paths = [str(place), str(PACKAGE)]
    for path in paths:
        monkeypatch.syspath_prepend(path)
    return os.pathsep.join(paths)


@pytest.fixture(
    params=["local", "nice", "grid", *(pytest.param(n, marks=pytest.mark.slow) for n in CLUSTERS)]
)
def executor(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    installed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Executor]:
    """One that flowc makes in `tmp_path`, with an umask and a locale of its own."""
    name = request.param
    if name in CLUSTERS:
        cluster: Cluster = request.getfixturevalue(CLUSTERS[name])
        for variable, value in cluster.env.items():
            monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    before = os.umask(0o027)
    here = Capacity(4, 1 << 30)
    directory = str(tmp_path / "executor")
    try:
        # Lost jobs are looked for by this, among those of other tests too.
        made = _make(name, Setup(f"contract-{uuid4().hex[:8]}", here, name, directory=directory))
        yield made
        made.close()
    finally:
        os.umask(before)


def _make(name: str, setup: Setup) -> Executor:
    if name == "grid":  # what all batch engines share, with an engine that is only played
        quick = Pace(
            look_s=(0.005, 0.05), query_s=(0.05, 0.2), gather_s=0.0, late_s=1.0, beat_s=1.0
        )
        return GridExecutor(FakeQueue(), Settings(pace=quick), setup.directory)
    return make_executor(find_executor(name), setup)
