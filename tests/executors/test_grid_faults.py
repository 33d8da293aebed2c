"""What the driver of batch engines makes of what goes wrong: with an engine that is only played."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from support.clusters import eventually
from support.fakequeue import FakeQueue
from support.gridruns import Story, task

from flowc.dataclass import replace
from flowc.events import JobEnded
from flowc.executors.grid import submitter
from flowc.executors.grid.base import (
    Account,
    Element,
    LaterError,
    NoAnswerError,
    Pace,
    RefusedError,
    Settings,
    Status,
)
from flowc.executors.grid.crosscheck import differences
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.grid.files import words
from flowc.ids import JobId
from flowc.units import MIB

pytestmark = pytest.mark.slow

WORDS = "flowc.executors.grid.watcher.words"
PACE = Pace(
    look_s=(0.01, 0.05), query_s=(0.05, 0.2), gather_s=0.0, late_s=0.6, lost_s=0.6, beat_s=0.2,
    close_s=10.0,
)  # fmt: skip


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeQueue]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(submitter, "SURE_S", 0.3)
    made = FakeQueue()
    yield made
    made.close()


@pytest.fixture
def story(queue: FakeQueue) -> Iterator[Story]:
    executor = GridExecutor(queue, Settings(largest=10, pace=PACE), "grid")
    yield Story(executor)
    queue.silent = False
    executor.close()


def ran(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def test_many_alike_jobs_are_a_few_batches(queue: FakeQueue, story: Story) -> None:
    ends = story.run([task(job, "exit 0", cores=1 + job // 12) for job in range(13)], 120)
    assert {end.exit_code for end in ends} == {0}
    sizes = sorted(len(batch.elements) for batch in queue.batches.values())
    assert sizes == [1, 2, 10]


def test_what_is_paused_stays_so_until_it_is_to_end(
    queue: FakeQueue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[list[int], bool]] = []

    def suspend(elements: Sequence[Element], is_paused: bool) -> None:
        told.append((sorted(number for _, number in elements), is_paused))

    monkeypatch.setattr(queue, "suspend", suspend)
    story.executor.submit([task(job, "sleep 300") for job in range(3)])
    story.until(lambda: len(story.started) == 3)
    story.executor.pause(True)
    story.wait(0.5)
    assert told == [([1, 2, 3], True)]
    story.executor.cancel([JobId(0)])
    story.end(0)
    assert told == [([1, 2, 3], True), ([1], False)], "what is stopped does not hear of its end"
    story.executor.pause(False)
    story.wait(0.2)
    assert told[2:] == [([2, 3], False)]


def test_a_lost_answer_is_looked_up(queue: FakeQueue, story: Story) -> None:
    queue.lost = True
    (end,) = story.run([task(0, "sleep 1; echo x >> runs")])
    assert (end.exit_code, ran("runs"), queue.calls.count("submit")) == (0, "x\n", 1)
    assert "find" in queue.calls


def test_a_node_may_be_heard_before_the_lost_answer_is_looked_up(
    queue: FakeQueue, story: Story
) -> None:
    queue.lost = True
    (end,) = story.run([task(0, "echo x >> runs")])
    assert (end.exit_code, ran("runs"), queue.calls.count("submit")) == (0, "x\n", 1)
    assert story.started[JobId(0)].external_id


def test_what_was_never_queued_is_submitted_again(queue: FakeQueue, story: Story) -> None:
    queue.silent = True
    story.executor.submit([task(0, "echo x >> runs")])
    story.until(lambda: queue.calls.count("find") >= 2)
    queue.silent = False
    (end,) = story.end(0)
    assert (end.exit_code, ran("runs")) == (0, "x\n")
    assert [notice.code for notice in story.notices] == ["no-answer", "answers-again"]


def test_what_turns_up_after_it_was_given_up_runs_nothing(queue: FakeQueue, story: Story) -> None:
    """Neither a batch that was looked for in vain, nor a job that had vanished."""
    queue.holds = queue.lost = True
    story.executor.submit([task(0, "echo x >> runs")])
    story.until(lambda: queue.batches)
    late = queue.batches.pop("1")
    story.until(lambda: queue.calls.count("submit") >= 2)
    queue.lost = False
    queue.batches["9"] = late
    queue.release("9")
    assert queue.processes["9", 1].wait(20) == 0
    assert ran("runs") == ""


def test_a_batch_that_is_refused(
    queue: FakeQueue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(batch: object) -> str:
        raise RefusedError("no such partition")

    monkeypatch.setattr(queue, "submit", refuse)
    (end,) = story.run([task(0, "true")])
    assert (end.exit_code, end.cause) == (126, "not-started")
    assert ran("0.log") == "fake: no such partition\n"


def test_a_queue_that_is_full(
    queue: FakeQueue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, times = queue.submit, iter(range(3))

    def full(batch: object) -> str:
        if next(times, None) is not None:
            raise LaterError("job submit limit")
        return submit(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "submit", full)
    (end,) = story.run([task(0, "echo x >> runs")])
    assert (end.exit_code, ran("runs")) == (0, "x\n")


def test_a_job_that_vanishes_is_no_success(queue: FakeQueue, story: Story) -> None:
    queue.holds = True
    story.executor.submit([task(0, "echo x >> runs")])
    story.until(lambda: "status" in queue.calls)
    queue.hidden.add(("1", 1))
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (1, "vanished")
    story.until(lambda: "cancel" in queue.calls)
    queue.start(("1", 1))
    assert queue.processes["1", 1].wait(20) == 0
    assert ran("runs") == "", "should it turn up all the same, it must not run"


def test_a_job_that_the_engine_has_forgotten_and_that_runs(queue: FakeQueue, story: Story) -> None:
    """A controller that was restored from an older state: the node still says that it lives."""
    story.executor.submit([task(0, "echo x >> runs; sleep 2")])
    story.started_files(Path("runs"))
    queue.hidden.add(("1", 1))
    (end,) = story.end(0)
    assert (end.exit_code, end.cause, ran("runs")) == (0, "", "x\n")


def test_an_id_that_is_given_out_again(queue: FakeQueue, story: Story) -> None:
    queue.holds = True
    story.executor.submit([task(0, "true")])
    story.until(lambda: "status" in queue.calls)
    mine = queue.batches["1"]
    queue.batches["1"] = type(mine)("somebody-elses", (1,), mine.ask, "/bin/true", mine.directory)
    (end,) = story.end(0)
    assert end.cause == "vanished"
    story.until(lambda: "cancel" in queue.calls)
    assert not queue.cancelled, "it is somebody else's"


def test_the_accounting_knows_what_the_queue_has_forgotten(queue: FakeQueue, story: Story) -> None:
    queue.holds = True
    story.executor.submit([task(0, "true")])
    story.until(lambda: queue.batches and "status" in queue.calls)
    name = queue.batches["1"].name
    account = Account(name, "oom", 137, 12.0, 3.0, 4096, "n1")
    queue.known_accounts["1", 1] = Account("another", "", 0)
    queue.hidden.add(("1", 1))
    story.until(lambda: "accounts" in queue.calls)
    queue.known_accounts["1", 1] = account
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (137, "oom")
    assert (end.wall_s, end.cpu_s, end.peak_rss_bytes) == (12.0, 3.0, 4096)


def test_what_is_stopped_and_started_again_at_once(queue: FakeQueue, story: Story) -> None:
    """No query has seen it wait in between."""
    story.executor.submit([task(0, "echo x >> runs; exec sleep 60")])
    story.until(lambda: ran("runs"))
    queue.processes["1", 1].terminate()
    queue.processes["1", 1].wait(20)
    queue.start(("1", 1), restarts=1)
    (end,) = story.end(0)
    assert (end.cause, ran("runs")) == ("requeued", "x\n")


def test_a_task_that_is_told_to_end_before_its_wrapper_is(queue: FakeQueue, story: Story) -> None:
    """Engines signal all processes of a job, in any order."""
    story.executor.submit([task(0, "echo $$ > pid; exec sleep 60")])
    story.until(lambda: ran("pid").endswith("\n"))
    os.kill(int(ran("pid")), signal.SIGTERM)
    time.sleep(0.1)
    queue.processes["1", 1].terminate()
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (143, "cancelled-elsewhere")


def test_a_file_system_that_is_late(queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine says that a job has ended before what its node has written can be seen."""
    monkeypatch.setattr(WORDS, lambda directory: iter(()))
    story = Story(GridExecutor(queue, Settings(pace=replace(PACE, late_s=60.0)), "grid"))
    story.executor.submit([task(0, "exit 7")])
    story.until(lambda: [p.poll() for p in queue.processes.values()] == [7])
    story.until(lambda: queue.calls.count("status") >= 2)
    monkeypatch.setattr(WORDS, words)
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (7, "")
    assert end.cpu_s is not None
    story.executor.close()


def test_a_result_that_never_comes(
    queue: FakeQueue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WORDS, lambda directory: iter(()))
    (end,) = story.run([task(0, "true")])
    assert (end.exit_code, end.cause) == (1, "no-result")


def test_a_node_that_is_told_nothing_hears_it_from_the_file_system(
    queue: FakeQueue, story: Story
) -> None:
    story.executor.submit([task(0, "echo $$ > pid; exec sleep 60")])
    story.until(lambda: ran("pid").endswith("\n"))
    queue.silent = True
    story.executor.cancel([JobId(0)])
    (end,) = story.end(0)
    assert (end.exit_code, end.cause) == (143, "cancelled")
    assert not os.path.exists(f"/proc/{ran('pid').strip()}/exe")


def test_who_has_no_patience_with_an_engine_that_is_silent(queue: FakeQueue, story: Story) -> None:
    queue.holds = True
    story.executor.submit([task(0, "echo x >> runs")])
    story.until(lambda: "status" in queue.calls)
    queue.silent = True
    story.executor.cancel([JobId(0)])
    story.executor.cancel([JobId(0)], kill=True)
    (end,) = story.end(0, timeout_s=5)
    assert (end.exit_code, end.cause) == (137, "cancelled")
    queue.start(("1", 1))
    assert queue.processes["1", 1].wait(20) == 0
    assert ran("runs") == ""


def test_queries_get_rarer(queue: FakeQueue, story: Story) -> None:
    queue.holds = True
    story.executor.submit([task(job, "true") for job in range(10)])
    until_s = time.monotonic() + 1.5
    story.until(lambda: time.monotonic() > until_s)
    assert 4 <= queue.calls.count("status") <= 14, "one for all, and at most one in an interval"


def test_an_engine_that_was_silent_for_long_is_soon_asked_again(
    queue: FakeQueue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long no answer came says nothing about what an answer costs."""
    status, silent = queue.status, iter([True])

    def slow(ids: Sequence[str]) -> Mapping[Element, Status]:
        if next(silent, False):
            time.sleep(3)
            raise NoAnswerError("timed out")
        return status(ids)

    queue.holds = True
    monkeypatch.setattr(queue, "status", slow)
    story.executor.submit([task(0, "true")])
    story.until(lambda: queue.calls.count("status") >= 2, timeout_s=30)


def test_two_runs_in_one_directory_one_after_the_other(queue: FakeQueue) -> None:
    """The second takes up what the first has left, and only what is the same."""
    tasks = [task(0, "echo x >> runs.0; sleep 1"), task(1, "echo x >> runs.1; sleep 30")]
    tasks += [task(2, "echo x >> runs.2"), task(3, "exit 3")]
    first = Story(GridExecutor(queue, Settings(pace=PACE), "grid"))
    first.executor.submit(tasks)
    eventually(lambda: all(ran(f"runs.{job}") for job in range(3)))
    eventually(lambda: len([*Path("grid").glob("*/*/*.end")]) == 2)  # nobody has heard of them
    first.executor._engine.caller.close()  # as if it were killed
    second = Story(GridExecutor(queue, Settings(pace=PACE), "grid"))
    taken = [second.executor.takes_up(one) is not None for one in tasks]
    assert taken == [True, True, True, False], "what has failed is begun anew"
    changed = task(1, "echo y >> runs.1")
    assert second.executor.takes_up(changed) is None
    ends = second.run([tasks[0], changed, tasks[2], tasks[3]])
    assert [end.exit_code for end in ends] == [0, 0, 0, 3]
    assert [ran(f"runs.{job}") for job in range(3)] == ["x\n", "x\ny\n", "x\n"]
    second.executor.close()
    assert not [*Path("grid").iterdir()]


def test_what_is_measured_closely_comes_home(queue: FakeQueue) -> None:
    story = Story(GridExecutor(queue, Settings(measure=True, pace=PACE), "grid"))
    (end,) = story.run([task(0, "sleep 0.3 & sleep 0.3; wait")])
    assert end.figures is not None
    assert end.figures["processes_peak"] >= 2
    assert end.figures["memory_kinds"].keys() == {"rss", "vms", "uss", "pss"}
    assert len(end.figures["series"]["t_s"]) >= 2
    story.executor.close()


def test_an_accounting_that_does_not_answer_holds_nothing_up(
    queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def wait(ids: object) -> dict[Element, Account]:
        answers.wait(60)
        raise NoAnswerError("the accounting is down")

    monkeypatch.setattr(queue, "accounts", wait)
    story = Story(GridExecutor(queue, Settings(pace=replace(PACE, account_s=0.1)), "grid"))
    story.run([task(0, "true")])
    story.run([task(1, "true")], timeout_s=30)
    answers.set()
    story.run([task(2, "true")])
    assert story.notices == []
    story.executor.close()


# fmt: off
DIFFERENCES = {  #       accounted for                            what is told
    "nothing known":     (Account("b"),                           []),
    "the same":          (Account("b", "", 0, 9.0, 10.5, 90 * MIB), []),
    "a failure":         (Account("b", "oom", 137),               ["end"]),
    "another exit code": (Account("b", "", 3),                    ["end"]),
    "CPU time":          (Account("b", "", 0, 9.0, 40.0),         ["cpu"]),
    "no CPU time":       (Account("b", "", 0, 9.0, 0.0),          ["cpu"]),
    "memory":            (Account("b", "", 0, 9.0, 10.0, 500 * MIB), ["memory"]),
    "a peak was missed": (Account("b", "", 0, 9.0, 10.0, 1),      []),
}
# fmt: on


@pytest.mark.parametrize(("account", "told"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_an_account_contradicts(account: Account, told: list[str]) -> None:
    event = JobEnded(JobId(0), 1, 0.0, 0, 9.0, 10.0, 100 * MIB)
    assert [what for what, _ in differences(event, account)] == told


def test_the_accounting_is_held_against_what_nodes_say(queue: FakeQueue) -> None:
    """Late as it is; and of several jobs one is enough."""
    executor = GridExecutor(queue, Settings(pace=replace(PACE, account_s=0.3)), "grid")
    story = Story(executor)
    story.run([task(job, "true") for job in range(2)])
    name = queue.batches["1"].name
    for number in (1, 2):
        queue.known_accounts["1", number] = Account(name, "", 7)
    executor.submit([task(2, "sleep 2")])
    story.until(lambda: story.notices)
    story.end(2)
    assert [notice.code for notice in story.notices] == ["accounting-differs"]
    executor.close()
