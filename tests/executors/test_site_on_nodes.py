"""What a site's settings make of a live run's jobs, with an engine that is only played."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fakequeue import FakeQueue
from support.gridruns import QUICK, Story, task

from flowc.dataclass import replace
from flowc.diagnostic import WorkflowError
from flowc.executors.base import Capacity, Setup
from flowc.executors.grid.base import Ask, Batch, Settings
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine, site_of
from flowc.executors.slurm import Slurm, make_slurm
from flowc.site import Site
from flowc.units import MIB

HOSTILE = ("a b", "*", "$HOME", "it's", '"', "\n", "", "-x", "\udcff\\")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeQueue]:
    monkeypatch.chdir(tmp_path)
    made = FakeQueue()
    yield made
    made.close()


def run(queue: FakeQueue, site: Site, *words: str, kind: str = "") -> tuple[int, bytes]:
    """A task whose command is `printf`, or these words: its exit code, and its log."""
    executor = GridExecutor(queue, Settings(pace=QUICK, site=site), "grid")
    try:
        one = replace(task(0, "", kind=kind), argv=words, env={"OWN": "the task's"})
        (end,) = Story(executor).run([one])
        return end.exit_code, Path("0.log").read_bytes()
    finally:
        executor.close()


def test_setup_comes_before_each_command(queue: FakeQueue) -> None:
    lines = "echo before; set -- x\nexport SET='by the site' OWN='by the site'; false"
    command = 'echo "$SET, $OWN, $#"; printf "<%s>" "$@"'
    code, log = run(queue, Site({"setup": lines}), "sh", "-c", command, "sh", *HOSTILE)
    words = "".join(f"<{word}>" for word in HOSTILE).encode("utf-8", "surrogateescape")
    assert (code, log) == (0, b"before\nby the site, the task's, 9\n" + words)


def test_setup_may_end_a_job(queue: FakeQueue) -> None:
    assert run(queue, Site({"setup": "echo no licence; exit 3"}), "touch", "x") == (
        3,
        b"no licence\n",
    )
    assert not Path("x").exists()


def test_jobs_may_be_without_the_environment(
    queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SECRET": "s", "LC_TIME": "C", "HOME": "/h"}.items():
        monkeypatch.setenv(name, value)
    site = Site({}, {"open": {"environment": "all"}, "shut": {"environment": "none"}})
    command = ("sh", "-c", "echo ${SECRET-none} $LC_TIME $HOME $OWN")
    assert run(queue, site, *command, kind="shut")[1] == b"none C /h the task's\n"
    assert run(queue, site, *command, kind="open")[1] == b"s C /h the task's\n"


def test_a_rule_that_is_not_there_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sbatch").write_text("")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "site.yaml"
    file.write_text("rules: {asemble: {queue: long}}\n")
    place = Capacity(1, MIB)
    setup = Setup("run", place, "slurm", site=str(file), rules=("align", "assemble"))
    for make in (make_slurm, site_of):
        with pytest.raises(WorkflowError) as caught:
            make(setup)
        (fault,) = caught.value.diagnostics
        assert (fault.message, fault.hint) == (
            "there is no rule `asemble`", "did you mean `assemble`?",
        )  # fmt: skip


def test_so_many_elements_at_once() -> None:
    site = Site({"max_running": 7})
    many = Batch("f1-1", (1, 2, 5), Ask("k", 1, MIB, None), "/s", "/d")
    one = replace(many, elements=(1,))
    assert "--array=1-2,5%7" in Slurm(site=site).submit(many)
    words = " ".join(GridEngine(site).native(many))
    assert "-tc 7" in words
    assert "-tc" not in " ".join(GridEngine(site).native(one))
