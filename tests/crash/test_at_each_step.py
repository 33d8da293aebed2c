"""flowc killed before each single thing that it does to the file system, then run again.

`FLOWC_CRASHES=1000 pytest tests/crash/test_at_each_step.py` takes every step, not a few of them.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STEPS_TAKEN = 2 * int(os.environ.get("FLOWC_CRASHES", "50"))  # of some 600

FLAGS = """
N = ["0", "1"]

rule all:
    input: "out/all.txt", "out/kept.txt", "out/known.txt"

rule first:
    output: temp("out/first/{n}.txt")
    log: "logs/{n}.log"
    shell: "echo {wildcards.n} > {output}; echo said >&2"

rule tree:
    input: "out/first/{n}.txt"
    output: temp(directory("out/tree/{n}"))
    benchmark: "bench/{n}.tsv"
    shell: "mkdir {output}; cp {input} {output}/a"

rule pair:
    input: "out/tree/{n}"
    output: protected("out/{n}.left"), temp("out/{n}.right")
    shell: "cat {input}/a > {output[0]}; cat {input}/a > {output[1]}"

rule kept:
    input: expand("out/{n}.left", n=N)
    output: protected("out/kept.txt"), touch("out/touched")
    shell: "cat {input} > {output[0]}"

rule known:
    output: update("out/known.txt")
    shell: "echo once >> {output}"

rule all_of_them:
    input: expand("out/{n}.right", n=N)
    output: "out/all.txt"
    shadow: "minimal"
    shell: "cat {input} > {output}; echo > left-in-shadow"
"""

KINDS = """
rule all:
    input: "known.txt", "counted.txt", "thrice.txt"

checkpoint split:
    input: "source.txt"
    output: directory("parts")
    shell: "mkdir {output}; for n in `cat {input}`; do echo $n > {output}/$n; done"

def parts(wildcards):
    place = checkpoints.split.get().output[0]
    return expand("made/{p}", p=glob_wildcards(place + "/{p}").p)

rule made:
    input: "parts/{p}"
    output: temp("made/{p}")
    run:
        with open(output[0], "w") as file:
            file.write(open(input[0]).read())

rule known:
    input: parts
    output: update("known.txt")
    shell: "cat {input} >> {output}"

rule numbers:
    input: "source.txt"
    output: pipe("numbers")
    shell: "seq 1000 > {output}"

rule count:
    input: "numbers"
    output: "counted.txt"
    shell: "wc -l < {input} > {output}"

rule thrice:
    input: "source.txt"
    output: "thrice.txt"
    retries: 2
    shell: "echo half > {output}; test {resources.tries} = 3; echo whole > {output}"
    resources: tries=lambda wildcards, attempt: attempt
"""

MANY = """
N = range(24)

rule all:
    input: "all.txt"

rule short:
    output: temp("short/{n}")
    shell: "echo {wildcards.n} > {output}"

rule next:
    input: "short/{n}"
    output: "next/{n}"
    shell: "cp {input} {output}"

rule all_of_them:
    input: expand("next/{n}", n=N)
    output: "all.txt"
    shell: "cat {input} > {output}"
"""

VICTIM = """
import os, signal, sys

from flowc.cli.main import main

me, steps, last = os.getpid(), 0, int(sys.argv.pop(1))
NAMES = {
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "os.link",
    "os.symlink", "os.truncate", "os.posix_spawn", "sqlite3.connect", "socket.sendmsg",
}


def step():
    global steps
    if os.getpid() == me:
        steps += 1
        if steps == last:
            os.kill(me, signal.SIGKILL)


def audited(name, arguments):
    if name in NAMES:
        step()
    elif name == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
        step()


def write(fd, data, write=os.write):
    step()
    return write(fd, data)


os.write = write
sys.addaudithook(audited)
code = main(sys.argv[1:])
with open(".steps", "w") as file:
    file.write(str(steps))
sys.exit(code)
"""


@dataclass
class Place:
    """A directory in which flowc is run, and killed at a step."""

    directory: Path

    def run(self, last_step: int = 0) -> int:
        done = subprocess.run(
            [sys.executable, "-c", VICTIM, str(last_step), "run", "--cores", "2", "-q"],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def steps(self) -> int:
        return int((self.directory / ".steps").read_text())

    def tree(self) -> dict[str, tuple[int, str]]:
        """What there is but for flowc's own: by path the mode and what stands in it."""
        found = {}
        for path in sorted(self.directory.rglob("*")):
            name = str(path.relative_to(self.directory))
            if not name.startswith((".flowc/", ".steps")) and not path.is_dir():
                text = "" if name.startswith("bench/") else path.read_text()
                found[name] = (path.stat().st_mode & 0o777, text)
        return found

    def scraps(self) -> list[str]:
        """What flowc has put aside for a while."""
        own = self.directory / ".flowc"
        return [
            str(path.relative_to(own))
            for name in ("removed", "shadow", "kept")
            for path in (own / name).glob("*")
        ]


@dataclass
class Undisturbed:
    before: Path  # a directory in which there is something to run
    tree: dict[str, tuple[int, str]]  # what the run leaves
    steps: int  # of it


def fresh(place: Place) -> None:
    (place.directory / "Workflowfile").write_text(FLAGS)


def many(place: Place) -> None:
    """Short jobs, which are handed over before there is a place for them."""
    (place.directory / "Workflowfile").write_text(MANY)


def run_before(place: Place) -> None:
    """All has been made already, from another source."""
    (place.directory / "Workflowfile").write_text(KINDS)
    (place.directory / "source.txt").write_text("1\n")
    assert place.run() == 0
    (place.directory / "source.txt").write_text("1\n2\n")


@pytest.fixture(scope="module", params=[fresh, run_before, many])
def undisturbed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    top = tmp_path_factory.mktemp("steps")
    before, place = Place(top / "before"), Place(top / "after")
    before.directory.mkdir()
    request.param(before)
    shutil.copytree(before.directory, place.directory, symlinks=True)
    assert place.run() == 0
    return Undisturbed(before.directory, place.tree(), place.steps())


@pytest.mark.parametrize("part", range(5))
def test_killed_at_a_step(part: int, undisturbed: Undisturbed, tmp_path: Path) -> None:
    mine = range(1 + part, undisturbed.steps + 1, 5)
    taken = random.Random(part).sample(mine, min(len(mine), STEPS_TAKEN // 5))
    for step in sorted(taken):
        place = Place(tmp_path / str(step))
        shutil.copytree(undisturbed.before, place.directory, symlinks=True)
        if place.run(step) != -signal.SIGKILL:
            continue  # another order of events has made the run shorter
        assert place.run() == 0, step
        assert place.tree() == undisturbed.tree, step
        assert place.scraps() == [], step


def test_an_undisturbed_run_leaves_what_it_should(undisturbed: Undisturbed) -> None:
    tree = undisturbed.tree
    if "known.txt" in tree:
        assert tree["known.txt"][1] == "1\n1\n2\n"
        assert tree["counted.txt"][1] == "1000\n"
        assert not any(path.startswith("made") for path in tree)
    elif "all.txt" in tree:
        assert tree["all.txt"][1].split() == [str(n) for n in range(24)]
        assert not any(path.startswith("short") for path in tree)
    else:
        assert tree["out/kept.txt"] == (0o444, "0\n1\n")
        assert "out/0.left" in tree
        assert tree["out/known.txt"][1] == "once\n"
        assert "out/0.right" not in tree
