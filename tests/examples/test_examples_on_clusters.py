"""The lambda-phage example on real clusters leaves what a run on this machine leaves."""

import time
from pathlib import Path

import pytest
from examples.test_examples import BOWTIE2, copy, flowc, needs_lambda_phage
from support.clusters import Cluster

pytestmark = [pytest.mark.slow, needs_lambda_phage]
DATA = f"data={BOWTIE2}"
DATED = ("calls/", "logs/", ".flowc/")
"""Calls tell in their header when they were made, logs how long the tools took."""


def contents(directory: Path) -> dict[str, bytes]:
    files = (p for p in directory.rglob("*") if p.is_file())
    found = {str(p.relative_to(directory)): p.read_bytes() for p in files}
    return {name: data for name, data in found.items() if not name.startswith(DATED)}


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    here = copy("lambda-phage", tmp_path_factory.mktemp("local"))
    flowc(here, "run", "--cores", "4", "--mem", "6", "--config", DATA)
    return contents(here)


def assert_same(made: dict[str, bytes], request: pytest.FixtureRequest) -> None:
    local = request.getfixturevalue("local")  # only now: not where there is no cluster
    assert made.keys() == local.keys()
    assert made == local


def test_exported(tmp_path: Path, cluster: Cluster, request: pytest.FixtureRequest) -> None:
    here = copy("lambda-phage", tmp_path)
    flowc(here, f"export-{cluster.name}", "Workflowfile", "-o", "../export", "--config", DATA)
    export = tmp_path / "export"
    submitted = cluster.call(str(export / "submit.sh"))
    assert submitted.returncode == 0, submitted.stderr
    until = time.monotonic() + 240
    while (status := cluster.call(str(export / "status.sh"))).returncode == 3:
        assert time.monotonic() < until, status.stdout
        time.sleep(0.5)
    assert status.returncode == 0, status.stdout
    assert_same(contents(here), request)


@pytest.mark.parametrize("executor", ["slurm", "sge", "drmaa"])
def test_executed(executor: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue("slurm" if executor == "slurm" else "sge")
    here = copy("lambda-phage", tmp_path)
    flowc(here, "run", "--executor", executor, "--config", DATA, env=cluster.env)
    assert_same(contents(here), request)
