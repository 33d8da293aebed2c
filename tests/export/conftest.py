"""A workflow that goes through everything an export has to get right, and its results."""

from pathlib import Path

import pytest
from support.program import Done, Flowc, flowc_here

NAMES = ["a", "b c", "it's", "$HOME", "-n;x", "é", "x\ny", "*"]

WORKFLOW = f"""
limits: db=1
S = {NAMES!r}
rule all:
    input: "sum.txt", "made"
rule one:
    output: temp("one/{{s}}.txt")
    threads: 2
    resources: mem_mb=64, runtime=2
    log: "lg/{{s}}.log"
    shell:
        '''
        #$ -l nothing=1
        #SBATCH --mem=9999T
        echo {{wildcards.s:q}} > {{output}}; printf 'l' > {{log}}
        '''
rule two:
    input: "one/{{s}}.txt"
    output: "two/{{s}}.txt"
    limits: db=1
    shell:
        '''
        echo partial > {{output}}
        [ ! -e fail ] || [ {{wildcards.s}} != a ] || exit 3
        cat {{input}} > {{output}}; echo x >> ran.two
        '''
rule sum:
    input: expand("two/{{s}}.txt", s=S)
    output: "sum.txt"
    shell: "cat {{input}} > {{output}}; echo x >> ran.sum"
rule made:
    input: "sum.txt"
    output: directory("made")
    run:
        import os
        os.makedirs(output[0])
        open(output[0] + "/f", "w").write("x")
"""
SUM = "".join(f"{name}\n" for name in NAMES)


def most_at_once(log: Path) -> int:
    """Of jobs that write `+` when they begin, and `-` when they end."""
    running = most = 0
    for word in log.read_text().split():
        running += 1 if word == "+" else -1
        most = max(most, running)
    return most


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "it's % a dir"
    path.mkdir()
    (path / "Workflowfile").write_text(WORKFLOW, encoding="utf-8")
    return path


@pytest.fixture
def flowc(workdir: Path) -> Flowc:
    def call(*words: str) -> Done:
        return flowc_here(*words, cwd=workdir, env={"NO_COLOR": "1"})

    return call
