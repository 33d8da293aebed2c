"""Limits on memory that the kernel itself keeps, wherever flowc may make groups for its jobs.

Needs root's rights and cgroups of version 2 with the memory controller; elsewhere all is skipped.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from flowc.events import JobFailed, JobSubmitted
from flowc.record.log import list_runs, read_log

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CGROUPS = Path("/sys/fs/cgroup")
MIB = 1024**2
PATIENCE_S = 120
NOBODY = 65534
EATER = """
import sys, time
kept = bytearray(int(sys.argv[1]) * 1024 * 1024)
time.sleep(float(sys.argv[2]))
"""


class Place:
    """A group in which flowc is run; `above` is the tests' own one, which counts what happens."""

    def __init__(self, above: Path, own: Path, user: int) -> None:
        self.above, self.own, self.user = above, own, user

    def enter(self) -> None:
        """In a new process."""
        (self.own / "cgroup.procs").write_text("0")
        if self.user:
            os.setgid(self.user)
            os.setuid(self.user)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flowc", *arguments],
            preexec_fn=self.enter,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": os.getcwd()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, text: str, *options: str) -> tuple[int, list[object], str]:
        Path("Workflowfile").write_text(text)
        flowc = self.start("run", "--cores", "2", "--mem", "1", *options)
        said, _ = flowc.communicate(timeout=PATIENCE_S)
        return flowc.returncode, list(read_log(list_runs()[-1])), said

    def kills(self) -> int:
        text = (self.above / "memory.events").read_text()
        return int(text.partition("oom_kill ")[2].split()[0])

    def groups(self) -> list[str]:
        """Of flowc."""
        found = [path for path in self.above.rglob("flowc-*") if path.is_dir()]
        return [str(path.relative_to(self.above)) for path in found]

    def is_clean(self) -> bool:
        """Whether there is nothing left, and the group can be entered again."""
        if self.groups():
            return False
        subprocess.run(["true"], preexec_fn=self.enter, check=True)
        return True


def remove(place: Path) -> None:
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
    place.rmdir()


@pytest.fixture
def above() -> Iterator[Path]:
    """A group with the memory controller, for the tests alone."""
    if not (CGROUPS / "cgroup.controllers").exists():
        pytest.skip("cgroups of version 2 are not at /sys/fs/cgroup")
    place = CGROUPS / f"tests-of-flowc-{os.getpid()}"
    try:
        place.mkdir()
    except OSError:
        pytest.skip("no cgroup (version 2) can be made here")
    try:
        if "memory" not in (place / "cgroup.controllers").read_text():
            pytest.skip("the memory controller is not handed down here")
        yield place
    finally:
        until = time.monotonic() + PATIENCE_S
        (place / "cgroup.kill").write_text("1")
        while "populated 1" in (place / "cgroup.events").read_text():
            assert time.monotonic() < until
            time.sleep(0.01)
        remove(place)


def alone(above: Path) -> Place:
    """As the only process of a container, or of a unit of systemd's."""
    own = above / "unit"
    own.mkdir()
    (above / "cgroup.subtree_control").write_text("+memory")
    return Place(above, own, 0)


def beside(above: Path, user: int = 0) -> Place:
    """In a session, with other processes, in a slice that its user may divide."""
    place = alone(above)
    subprocess.Popen(["sleep", str(PATIENCE_S * 10)], preexec_fn=place.enter)
    place.user = user
    for path in (above, place.own):
        for name in ("", "cgroup.procs", "cgroup.subtree_control"):
            os.chown(path / name, user, user)
    return place


def of_a_user(above: Path) -> Place:
    """The same, of somebody who is not root."""
    if subprocess.run([sys.executable, "-c", "import flowc"], cwd=ROOT, user=NOBODY).returncode:
        pytest.skip("nobody else may use this Python, or this checkout")
    os.chown(".", NOBODY, NOBODY)
    return beside(above, NOBODY)


@pytest.fixture(params=[alone, beside, of_a_user])
def place(
    request: pytest.FixtureRequest, above: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    make: Callable[[Path], Place] = request.param
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are for its user alone
        monkeypatch.chdir(directory)
        Path("eat.py").write_text(EATER)
        yield make(above)
        monkeypatch.undo()


EAT = f"{sys.executable} eat.py"


def rule(name: str, command: str, *lines: str) -> str:
    more = "".join(f"    {line}\n" for line in lines)
    return f'rule {name}:\n    output: "{name}"\n{more}    shell: "{command} && touch {{output}}"\n'


def causes(events: list[object]) -> list[str]:
    return [event.cause for event in events if isinstance(event, JobFailed)]


def test_above_its_slack_and_again_with_more(place: Place) -> None:
    code, events, said = place.run(rule("x", f"{EAT} 300 1", "resources: mem_mb=100", "retries: 3"))
    assert code == 0, said
    assert causes(events)[0] == "oom"  # by the kernel, or by who looks at memory in between
    asked = [event.memory_bytes for event in events if isinstance(event, JobSubmitted)]
    assert asked[0] == 100 * MIB and len(asked) >= 2
    assert all(later >= 2 * sooner for sooner, later in pairwise(asked))
    assert place.is_clean()


def test_what_is_said(place: Place) -> None:
    code, _, said = place.run(rule("x", f"{EAT} 300 30", "resources: mem_mb=100"))
    assert code == 1
    assert "it was killed: it used" in said and "had asked for 0.09766 GB" in said


def test_all_processes_of_a_job(place: Place) -> None:
    """Each of them is below the limit. All go, not just the largest."""
    command = f"({EAT} 60 600 & {EAT} 60 600 & setsid {EAT} 60 600 & wait)"
    code, events, said = place.run(rule("x", command, "resources: mem_mb=120"), "--mem-slack", "0")
    assert code == 1 and causes(events) == ["oom"], said
    assert place.is_clean()


def test_what_only_the_kernel_can_see(place: Place) -> None:
    """A daemon, which has left its parents. With it goes the job."""
    daemon = f"(setsid {EAT} 300 600 & ) && sleep 600"
    code, events, said = place.run(rule("x", daemon, "resources: mem_mb=100"))
    assert code == 1 and causes(events) == ["oom"], said
    assert place.kills() >= 1 and place.is_clean()


def test_within_its_limit(place: Place) -> None:
    """Of files only the pages count that the kernel cannot do without."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", "."], stdout=subprocess.PIPE, text=True).stdout
    if kind.strip() in ("tmpfs", "overlayfs"):
        pytest.skip("files may stand in memory here, and then they count")
    command = f"dd if=/dev/zero of=big bs=1M count=250 2>&1 && cat big >big2 && {EAT} 60 0.1"
    code, _, said = place.run(rule("x", command, "resources: mem_mb=100"))
    assert code == 0, said
    assert place.kills() == 0 and place.is_clean()


def test_two_at_once(place: Place) -> None:
    """Each is known to be killed for its own memory."""
    text = 'rule all:\n    input: "a", "b"\n'
    for name in "ab":
        text += rule(name, f"{EAT} 300 30", "resources: mem_mb=100")
    code, events, said = place.run(text, "-k")
    assert code == 1 and causes(events) == ["oom", "oom"], said
    assert place.is_clean()


def test_from_its_first_moment_on(place: Place) -> None:
    """Nobody has to move it. And a flowc within a job stays within the job's limit."""
    inner = f"(cd inner && PYTHONPATH={ROOT} {sys.executable} -m flowc run --cores 1 && cat y)"
    text = rule("x", f"cat /proc/self/cgroup && {inner}", "resources: mem_mb=300")
    Path("inner").mkdir()
    if place.user:
        os.chown("inner", place.user, place.user)
    Path("inner/Workflowfile").write_text(
        'rule y:\n    output: "y"\n    resources: mem_mb=50\n'
        '    shell: "cat /proc/self/cgroup >{output}"\n'
    )
    code, _, said = place.run(text)
    assert code == 0, said
    log = Path(".flowc/logs/x/x.log").read_text()
    lines = [line for line in log.splitlines() if line.startswith("0::")]
    outer, within = lines[0], lines[-1]
    assert "/flowc-" in outer and within.startswith(outer), lines
    assert place.is_clean()


def test_no_job_gets_out_of_a_limit_that_flowc_is_under(
    above: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = beside(above)
    (place.own / "memory.max").write_text(str(1024 * MIB))
    code, _, said = place.run(rule("x", "cat /proc/self/cgroup", "resources: mem_mb=100"))
    assert code == 0, said
    assert Path(".flowc/logs/x/x.log").read_text().endswith(f"/{place.own.name}\n")


def test_flowc_is_killed(place: Place) -> None:
    """What it has started ends, and nothing is left of its groups: also where it had divided the
    one that it was in."""
    Path("Workflowfile").write_text(
        rule("x", "touch begun && sleep 600 & sleep 600; wait", "resources: mem_mb=100")
    )
    flowc = place.start("run", "--cores", "1")
    try:
        until = time.monotonic() + PATIENCE_S
        while not Path("begun").exists():
            assert time.monotonic() < until and flowc.poll() is None
            time.sleep(0.05)
        assert any(name.rpartition("/")[2] != "flowc-self" for name in place.groups())
        flowc.send_signal(signal.SIGKILL)
        flowc.wait()
        while place.groups():
            assert time.monotonic() < until, place.groups()
            time.sleep(0.05)
        assert place.is_clean()
    finally:
        flowc.kill()
        flowc.communicate()
