"""What every executor must do: the same tests for each of them, flowc's own and other packages'.

Clusters are slow, and skipped where none answers; `conftest.py` says which executors there are.
"""

import time
from pathlib import Path

import pytest

from flowc.events import JobEnded, JobStarted
from flowc.executors.base import Executor, Task
from flowc.ids import JobId


def task(tmp_path: Path, *argv: str, job: int = 0, **more: object) -> Task:
    values: dict[str, object] = {"cwd": None, "env": {}, "limit_s": None, **more}
    log = str(tmp_path / f"{job}.log")
    values.setdefault("memory_bytes", 64 * 1024**2)
    return Task(JobId(job), 1, f"job {job}", argv, cores=1, log=log, **values)  # type: ignore[arg-type]


def ends(executor: Executor, count: int, *known: int) -> dict[int, JobEnded]:
    """The last events of so many jobs; each must have had its first one. `known`: those that have
    had it before."""
    started: set[int] = set(known)
    ended: dict[int, JobEnded] = {}
    until = time.monotonic() + 60
    while len(ended) < count:
        assert time.monotonic() < until
        for event in executor.wait(5.0):
            if isinstance(event, JobStarted):
                started.add(event.job)
            elif isinstance(event, JobEnded):
                assert event.job in started
                assert event.job not in ended
                ended[event.job] = event
    return ended


def run(executor: Executor, one: Task) -> tuple[JobEnded, str]:
    executor.submit([one])
    event = ends(executor, 1)[one.job]
    return event, Path(one.log).read_text(encoding="utf-8", errors="surrogateescape")


def is_alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def assert_ends(pid: int) -> None:
    until = time.monotonic() + 50
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.002)


def wait_for(executor: Executor, path: Path) -> str:
    """What a task that goes on has written. An executor is waited for meanwhile, as in a run."""
    until = time.monotonic() + 50
    while time.monotonic() < until:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text().strip()
        assert all(isinstance(event, JobStarted) for event in executor.wait(0.005))
    raise AssertionError(f"{path} did not appear")


# fmt: off
ENDS = {  #             argv                                  exit code, log
    "well":            (("true",),                            0,   ""),
    "both streams":    (("sh", "-c", "echo a; echo b >&2"),   0,   "a\nb\n"),
    "exit code":       (("sh", "-c", "exit 7"),               7,   ""),
    "the last code":   (("sh", "-c", "exit 255"),             255, ""),
    "signal":          (("sh", "-c", "kill -9 $$"),           137, ""),
    "nothing to read": (("cat",),                             0,   ""),
    "an odd byte":     (("printf", "%s", "\udcff\n"),         0,   "\udcff\n"),
    "odd arguments":   (("printf", "%s|", "", "a b", "*", "$HOME", "a\nb", "'"), 0,
                        "|a b|*|$HOME|a\nb|'|"),
}
NOT_STARTED = {  #      argv                                  exit code
    "no such command": (("no-such-command",),                 127),
    "no such file":    (("./no-such-file",),                  127),
    "a directory":     (("/tmp",),                            126),
    "not executable":  (("/etc/passwd",),                     126),
    "null byte":       (("echo", "a\0b"),                     126),
}
# fmt: on


@pytest.mark.parametrize(("argv", "code", "log"), ENDS.values(), ids=ENDS)
def test_how_a_task_ends(
    executor: Executor, tmp_path: Path, argv: tuple[str, ...], code: int, log: str
) -> None:
    event, text = run(executor, task(tmp_path, *argv))
    assert (event.exit_code, event.cause, text) == (code, "", log)


@pytest.mark.parametrize(("argv", "code"), NOT_STARTED.values(), ids=NOT_STARTED)
def test_what_cannot_be_started_is_an_event(
    executor: Executor, tmp_path: Path, argv: tuple[str, ...], code: int
) -> None:
    event, text = run(executor, task(tmp_path, *argv))
    assert (event.exit_code, event.cause) == (code, "not-started")
    assert text.startswith(f"{argv[0]}: ") and text.endswith("\n"), "the log says why"


def test_environment_and_directory(executor: Executor, tmp_path: Path) -> None:
    place = tmp_path / "a 'place'"
    place.mkdir()
    command = ("sh", "-c", 'echo "$ADDED:$PWD:${PATH:+path}"')
    one = task(tmp_path, *command, cwd=str(place), env={"ADDED": "x y"})
    assert run(executor, one)[1] == f"x y:{place}:path\n"


def test_a_missing_directory_is_an_event(executor: Executor, tmp_path: Path) -> None:
    event, text = run(executor, task(tmp_path, "true", cwd=str(tmp_path / "none")))
    assert event.cause == "not-started"
    assert str(tmp_path / "none") in text


def test_a_task_runs_where_flowc_runs_with_its_umask_and_locale(
    executor: Executor, tmp_path: Path
) -> None:
    """As `conftest.py` has set them. The locale decides what `sort` does."""
    one = task(tmp_path, "sh", "-c", "pwd; umask; locale charmap; touch made; echo $LC_ALL")
    assert run(executor, one)[1] == f"{tmp_path}\n0027\nUTF-8\nC.UTF-8\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640


def test_the_first_event_is_told_while_the_task_runs(executor: Executor, tmp_path: Path) -> None:
    before_s = time.time()
    go = tmp_path / "go"
    executor.submit([task(tmp_path, "sh", "-c", f"until [ -e {go} ]; do sleep 0.02; done")])
    until = time.monotonic() + 60
    events: list[object] = []
    while not any(isinstance(event, JobStarted) for event in events):
        assert time.monotonic() < until
        events += executor.wait(30.0)
    assert not any(isinstance(event, JobEnded) for event in events)
    (first,) = (event for event in events if isinstance(event, JobStarted))
    assert (first.job, first.attempt) == (0, 1)
    assert before_s - 0.1 <= first.at_s <= time.time()
    go.touch()
    assert ends(executor, 1, 0)[0].exit_code == 0


def test_waiting_for_nothing_comes_back(executor: Executor) -> None:
    began_s = time.monotonic()
    assert not executor.wait(0.0)
    assert not executor.wait(0.05)
    assert time.monotonic() - began_s < 5


def test_signals_are_as_a_shell_has_them(executor: Executor, tmp_path: Path) -> None:
    """Python ignores SIGPIPE: with that inherited, `yes | head` would end with an error."""
    event, text = run(executor, task(tmp_path, "bash", "-c", "set -o pipefail; yes | head -1"))
    assert (event.exit_code, text) == (141, "y\n")


def test_a_script_without_interpreter(executor: Executor, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo $1\n")
    script.chmod(0o755)
    assert run(executor, task(tmp_path, str(script), "hello"))[1] == "hello\n"


def test_times_are_measured(executor: Executor, tmp_path: Path) -> None:
    loop = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
    event, _ = run(executor, task(tmp_path, "sh", "-c", loop))
    assert event.wall_s > 0
    if event.cpu_s is not None:  # None: this executor does not measure
        assert event.user_s is not None
        assert 0 < event.user_s <= event.cpu_s


def test_peak_memory_is_measured_or_unknown(executor: Executor, tmp_path: Path) -> None:
    """A process starts in flowc's own memory: a small one's peak is unknown, not flowc's."""
    code = "b = bytearray(300 * 1024**2)"
    event, _ = run(executor, task(tmp_path, "python3", "-c", code, job=1, memory_bytes=1 << 30))
    assert event.peak_rss_bytes is None or event.peak_rss_bytes > 300 * 1024**2
    small, _ = run(executor, task(tmp_path, "true", job=2))
    assert small.peak_rss_bytes is None or small.peak_rss_bytes < 30 * 1024**2


def test_many_at_once(executor: Executor, tmp_path: Path) -> None:
    executor.submit([task(tmp_path, "sh", "-c", f"exit {i}", job=i) for i in range(40)])
    assert {j: e.exit_code for j, e in ends(executor, 40).items()} == {i: i for i in range(40)}


def test_time_limit(executor: Executor, tmp_path: Path) -> None:
    event, _ = run(executor, task(tmp_path, "sleep", "60", limit_s=0.05))
    assert (event.exit_code, event.cause) == (143, "time-limit")


def test_cancel_ends_the_whole_group(executor: Executor, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = f"sleep 60 & echo $! > {pid_file}; wait"
    executor.submit([task(tmp_path, "sh", "-c", command)])
    child = int(wait_for(executor, pid_file))
    executor.cancel([JobId(0)])
    event = ends(executor, 1, 0)[0]
    assert (event.exit_code, event.cause) == (143, "cancelled")
    assert_ends(child)


def test_who_ignores_term_is_killed(executor: Executor, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = f"trap '' TERM; echo $$ > {pid_file}; while :; do sleep 0.01; done"
    executor.submit([task(tmp_path, "sh", "-c", command)])
    wait_for(executor, pid_file)
    executor.cancel([JobId(0)])
    assert not any(isinstance(event, JobEnded) for event in executor.wait(0.1))
    executor.cancel([JobId(0)], kill=True)
    event = ends(executor, 1, 0)[0]
    assert (event.exit_code, event.cause) == (137, "cancelled")


def test_cancel_of_what_does_not_run(executor: Executor, tmp_path: Path) -> None:
    executor.cancel([JobId(99)], kill=True)
    run(executor, task(tmp_path, "true"))
    executor.cancel([JobId(0)])
    assert not executor.wait(0.0)


def test_close_leaves_no_process(executor: Executor, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("stubborn", "child")]
    command = f"trap '' TERM; echo $$ > {files[0]}; sleep 60 & echo $! > {files[1]}; wait; sleep 60"
    executor.submit([task(tmp_path, "sh", "-c", command)])
    pids = [int(wait_for(executor, file)) for file in files]
    executor.close()
    assert [is_alive(pid) for pid in pids] == [False, False]


def test_a_background_writer_is_waited_for(executor: Executor, tmp_path: Path) -> None:
    """`tee >(gzip > x.gz)`: bash ends before gzip has written all."""
    out = tmp_path / "out"
    command = f"echo hello > >(sleep 0.1; cat > {out})"
    run(executor, task(tmp_path, "bash", "-c", command))
    assert out.read_text() == "hello\n"


def test_what_a_failed_job_leaves_is_ended(executor: Executor, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    run(executor, task(tmp_path, "sh", "-c", f"sleep 60 & echo $! > {pid_file}; exit 3"))
    assert_ends(int(wait_for(executor, pid_file)))
