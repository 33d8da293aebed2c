"""What real engines account for: whether it agrees with what nodes measure, and what becomes of
jobs while the accounting is late, frozen or not there."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from support.clusters import Cluster, alone, eventually
from support.gridruns import QUICK, Story, task
from support.processes import outermost

from flowc.dataclass import replace
from flowc.events import JobEnded
from flowc.executors.grid.base import Account, Element, Pace, Settings
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.crosscheck import differences
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge import GridEngine
from flowc.executors.slurm import Slurm
from flowc.units import MIB

pytestmark = pytest.mark.slow
DIALECTS: dict[str, Callable[[], Slurm | GridEngine]] = {"slurm": Slurm, "sge": GridEngine}
BURN = "python3 -c 'import time\nb = bytearray(150 << 20)\nwhile time.process_time() < 4: pass'"
EAGER = replace(QUICK, account_s=0.2)
PATIENT = replace(QUICK, late_s=120.0, lost_s=120.0)


class Watched(Commands):
    """Counts how often it was asked for accounts."""

    asked = 0

    def accounts(self, ids: Sequence[str]) -> Mapping[Element, Account]:
        self.asked += 1
        return super().accounts(ids)


Tell = Callable[[Cluster, Pace], tuple[Story, Watched]]


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    made: list[GridExecutor] = []
    monkeypatch.chdir(tmp_path)

    def make(cluster: Cluster, pace: Pace) -> tuple[Story, Watched]:
        for name, value in cluster.env.items():
            monkeypatch.setenv(name, value)
        queue = Watched(DIALECTS[cluster.name]())
        made.append(GridExecutor(queue, Settings(pace=pace)))
        return Story(made[-1]), queue

    yield make
    for executor in made:
        executor.close()


def batch() -> str:
    (path,) = Path(".flowc/grid").glob("*/*")
    return path.name


def accounted(queue: Commands, id: str, count: int) -> dict[int, Account]:
    """What is remembered of the elements of the batch, as soon as it is of so many."""
    found: dict[int, Account] = {}

    def all_there() -> bool:
        for (of, number), account in queue.accounts([id]).items():
            if of == id and account.name == batch():  # the id may have been another's before
                found[number] = account
        return len(found) >= count

    eventually(all_there)
    return found


def test_accounts_agree_with_what_nodes_measure(cluster: Cluster, tell: Tell) -> None:
    story, queue = tell(cluster, QUICK)
    commands = ["true", "exit 3", "kill -9 $$", BURN, "sleep 300"]
    story.executor.submit(
        [task(n, text, memory_bytes=400 * MIB) for n, text in enumerate(commands)]
    )
    story.until(lambda: len(story.started) == 5)
    cluster.call({"slurm": "scancel", "sge": "qdel"}[cluster.name], story.started[4].external_id)
    ends = story.end(*range(5))
    found = accounted(queue, re.split(r"\D", story.started[0].external_id)[0], 5)
    accounts = [found[number] for number in range(1, 6)]
    killed = {"slurm": 9, "sge": 137}[cluster.name]  # sacct takes 128 from what is above it
    assert [account.exit_code for account in accounts[:3]] == [0, 3, killed]
    assert [account.cause for account in accounts[:2]] == ["", ""]
    # Grid Engine has let it end by itself.
    assert (
        (accounts[4].cause == "cancelled")
        if cluster.name == "slurm"
        else accounts[4].exit_code == 143
    )
    assert {account.name for account in accounts} == {accounts[0].name}
    for end, account in zip(ends[:4], accounts[:4], strict=True):
        assert [*differences(end, account)] == []
    end, account = ends[3], accounts[3]
    assert end.cpu_s is not None and account.cpu_s is not None
    assert 4.0 <= end.cpu_s <= account.cpu_s * 1.25
    assert account.peak_rss_bytes is not None and account.peak_rss_bytes > 150 * MIB
    told = [what for what, _ in differences(_idle(end), account)]
    assert told == ["cpu", "memory"], "what a node had not seen were told"


def _idle(end: JobEnded) -> JobEnded:
    return replace(end, cpu_s=0.0, peak_rss_bytes=0, seen_memory_bytes=None)


def test_an_accounting_that_is_frozen_holds_nothing_up(tell: Tell) -> None:
    """`sacct` waits 45 s for it, and is asked again and again."""
    with alone("slurm") as slurm:
        story, queue = tell(slurm, EAGER)
        server = slurm.pid("accounting")
        os.kill(server, signal.SIGSTOP)
        try:
            story.run([task(0, "true")])  # from now on it is asked
            story.executor.submit([task(1, "touch up; sleep 300"), task(2, "exit 3")])
            story.started_files(Path("up"), timeout_s=30)
            story.executor.cancel([task(1, "").job])
            one, other = story.end(1, 2, timeout_s=30)
        finally:
            os.kill(server, signal.SIGCONT)
    assert (one.cause, other.exit_code) == ("cancelled", 3)
    assert queue.asked and story.notices == []


def test_without_its_accounting_slurm_tells_how_jobs_end(tell: Tell) -> None:
    with alone("slurm") as slurm:
        story, queue = tell(slurm, EAGER)
        slurm.kill("accounting")
        hog = "exec python3 -c 'import time; b = bytearray(300 << 20); time.sleep(60)'"
        story.executor.submit([task(0, "true"), task(1, hog), task(2, "touch up; sleep 300")])
        story.until(lambda: Path("up").exists() and 2 in story.started)
        slurm.call("scancel", story.started[2].external_id)
        ends = story.end(0, 1, 2)
        story.until(lambda: queue.asked)
    assert [end.cause for end in ends] == ["", "oom", "cancelled-elsewhere"]
    assert story.notices == []


def test_what_only_the_accounting_knows_may_come_late(tell: Tell) -> None:
    """Somebody cancels a job, then the controller loses its state, and the accounting is down."""
    with alone("slurm") as slurm:
        story, queue = tell(slurm, PATIENT)
        slurm.call("scontrol", "update", "partition=main", "state=down")
        story.executor.submit([task(0, "touch never")])
        story.until(lambda: story.executor._watcher.queries)
        id = queue.find(batch())
        assert id is not None
        slurm.call("scancel", id)
        assert accounted(queue, id, 1)[1].cause == "cancelled"
        slurm.forget()
        slurm.kill("accounting")
        before = queue.asked
        story.until(lambda: queue.asked >= before + 3)
        assert not story.ended
        slurm.up()
        (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (143, "cancelled-elsewhere")
    assert not Path("never").exists()


@pytest.mark.parametrize(("comes", "cause"), [(True, "signal"), (False, "no-result")])
def test_a_file_of_accounts_that_comes_late_or_never(comes: bool, cause: str, tell: Tell) -> None:
    """Grid Engine's queue does not say how a job has ended, and its node has been killed."""
    with alone("sge") as sge:
        story, queue = tell(sge, PATIENT if comes else QUICK)
        story.executor.submit([task(0, "touch up; exec sleep 60")])
        story.until(lambda: Path("up").exists() and story.started)
        os.kill(outermost(f"{batch()}\0".encode()), signal.SIGKILL)
        accounted(queue, story.started[0].external_id.partition(".")[0], 1)
        file = Path(sge.env["SGE_ROOT"], sge.env["SGE_CELL"], "common", "accounting")
        away = file.rename(file.with_name("accounting.away"))
        try:
            before = queue.asked
            story.until(lambda: queue.asked >= before + 2)
            assert not story.ended
            if not comes:
                story.end(0)
        finally:
            away.rename(file)
        (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (137 if comes else 1, cause)
