"""What exported jobs must not lose: files that they update, and files that are protected."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.program import Flowc

UPDATES = """
rule all:
    input: "all.txt"
rule seen:
    input: before_update("count.txt")
    output: "seen.txt"
    shell: "sleep 0.3; cat {input} > {output}"
rule count:
    input: "in.txt"
    output: update("count.txt"), update(directory("it's a dir"))
    shell:
        '''
        cat {input} >> {output[0]}; mkdir -p {output[1]:q}; echo new >> {output[1]:q}/f
        [ ! -e hang ] || {{ echo $$ > pid; sleep 60; }}
        [ ! -e fail ]
        '''
rule join:
    input: "count.txt", "seen.txt"
    output: "all.txt"
    shell: "cat {input} > {output}"
"""


def call(workdir: Path, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    argv = [str(workdir / "out" / program), *words]
    return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=120)


def export(workdir: Path, flowc: Flowc, text: str, *words: str) -> None:
    (workdir / "Workflowfile").write_text(text)
    done = flowc("export-script", "-o", "out", *words)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def updates(workdir: Path, flowc: Flowc) -> Path:
    """An export of jobs of which one updates a file and a directory."""
    (workdir / "in.txt").write_text("1\n")
    (workdir / "count.txt").write_text("0\n")
    (workdir / "it's a dir").mkdir()
    (workdir / "it's a dir/f").write_text("old\n")
    export(workdir, flowc, UPDATES, "-R", "count")
    return workdir


def found(workdir: Path) -> tuple[str, str]:
    return (workdir / "count.txt").read_text(), (workdir / "it's a dir/f").read_text()


def test_what_a_failed_job_updates_is_put_back(updates: Path) -> None:
    (updates / "fail").touch()
    assert call(updates, "submit.sh", "-j", "2").returncode == 1
    assert found(updates) == ("0\n", "old\n")
    (updates / "fail").unlink()
    assert call(updates, "submit.sh", "-j", "2").returncode == 0
    assert found(updates) == ("0\n1\n", "old\nnew\n")
    assert (updates / "all.txt").read_text() == "0\n1\n0\n", "read before the update"
    assert not [*(updates / "out/state/kept").iterdir()]


@pytest.mark.parametrize("then", ["cancel.sh", "submit.sh"])
def test_what_a_killed_job_updates_is_put_back(updates: Path, then: str) -> None:
    (updates / "hang").touch()
    first = subprocess.Popen([updates / "out/submit.sh"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (updates / "pid").exists() or not (updates / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert found(updates) == ("0\n1\n", "old\nnew\n")
    first.kill()
    first.wait(60)
    os.killpg(os.getpgid(int((updates / "pid").read_text())), signal.SIGKILL)
    (updates / "hang").unlink()
    while (code := call(updates, then).returncode) in (1, 4) and time.monotonic() < until:
        time.sleep(0.1)
    assert code == 0
    done = then == "submit.sh"
    assert found(updates) == (("0\n1\n", "old\nnew\n") if done else ("0\n", "old\n"))


def test_an_updated_file_that_was_not_there_goes_if_the_job_fails(
    workdir: Path, flowc: Flowc
) -> None:
    export(
        workdir,
        flowc,
        'rule a:\n    output: update("a")\n    shell: "echo x >> {output}; [ ! -e fail ]"\n',
    )
    (workdir / "fail").touch()
    assert call(workdir, "submit.sh").returncode == 1
    assert not (workdir / "a").exists()
    (workdir / "fail").unlink()
    assert call(workdir, "submit.sh").returncode == 0
    assert (workdir / "a").read_text() == "x\n"


def test_a_protected_file_in_the_way_stays(workdir: Path, flowc: Flowc) -> None:
    (workdir / "in").touch()
    (workdir / "a").write_text("precious\n")
    (workdir / "a").chmod(0o444)
    os.utime(workdir / "a", (0, 0))
    text = 'rule a:\n    input: "in"\n    output: protected("a")\n    shell: "touch {output}"\n'
    export(workdir, flowc, text)
    assert call(workdir, "submit.sh").returncode == 1
    assert "write-protected output" in call(workdir, "status.sh").stdout
    assert (workdir / "a").read_text() == "precious\n"
