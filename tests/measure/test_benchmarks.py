"""The memory that a benchmark tells of, against a program that uses a known amount."""

import csv
import json
from pathlib import Path

import pytest

from flowc.api import Running, run_file
from flowc.dataclass import replace
from flowc.events import JobEnded
from flowc.ids import JobId
from flowc.measure.benchmarks import KINDS, BenchmarkMemory
from flowc.measure.sample import Sampler

SIZE_MB = 50
COLUMNS = ("max_rss", "max_vms", "max_uss", "max_pss")
HOLD = f"""
import os, time
held = bytearray({SIZE_MB} << 20)
while not os.path.exists("seen"):
    time.sleep(0.01)
"""


class TellingSampler(Sampler):
    """Makes a file when it has seen the memory: the job ends then, however slow the machine is."""

    def _look(self) -> float:
        cost_s = super()._look()
        if any(job.series.unique_peak_bytes > SIZE_MB << 20 for job in self._jobs.values()):
            Path("seen").touch()
        return cost_s


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flowc.measure.benchmarks.Sampler", TellingSampler)
    Path("hold.py").write_text(HOLD)


def write_and_run(text: str) -> None:
    Path("Workflowfile").write_text(text)
    assert run_file("Workflowfile", running=Running(cores=2)).exit_code == 0


def read_rows() -> list[dict[str, str]]:
    return list(csv.DictReader(Path("bench.tsv").read_text().splitlines(), delimiter="\t"))


@pytest.mark.usefixtures("run")
def test_all_kinds_of_memory_in_each_repetition() -> None:
    write_and_run("""
rule hold:
    output: "a"
    benchmark: repeat("bench.tsv", 2)
    shell: "rm -f seen; python3 hold.py; touch {output}"
""")
    rows = read_rows()
    assert len(rows) == 2
    for row in rows:
        rss, vms, uss, pss = (float(row[kind]) for kind in COLUMNS)
        assert SIZE_MB < uss < SIZE_MB + 30
        assert uss <= pss <= rss <= vms


@pytest.mark.usefixtures("run")
def test_processes_together_and_numbers_in_json() -> None:
    write_and_run("""
rule hold:
    output: "a"
    benchmark: "bench.jsonl"
    shell: "python3 hold.py & python3 hold.py; wait; touch {output}"
""")
    (line,) = Path("bench.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert all(isinstance(row[kind], float) for kind in COLUMNS)
    assert row["max_uss"] <= row["max_pss"] <= row["max_rss"] <= row["max_vms"]


@pytest.mark.usefixtures("run")
def test_what_ends_unseen_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowc.measure.sample.FIRST_S", 3600.0)
    write_and_run("""
rule short:
    output: "a"
    benchmark: "bench.tsv"
    shell: "touch {output}"
""")
    (row,) = read_rows()
    assert [row[kind] for kind in COLUMNS[1:]] == ["NA", "NA", "NA"]
    assert float(row["max_rss"]) > 0  # the kernel knows it


def test_only_rules_with_a_benchmark_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: list[frozenset[str]] = []

    class Noting(BenchmarkMemory):
        def __init__(self, rules: frozenset[str]) -> None:
            made.append(rules)
            super().__init__(rules)

    monkeypatch.setattr("flowc.measure.benchmarks.BenchmarkMemory", Noting)
    text = """
rule all:
    input: "a", "b"

rule with_one:
    output: "a"
    benchmark: "bench.tsv"
    shell: "touch {output}"

rule without:
    output: "b"
    shell: "touch {output}"
"""
    write_and_run(text)
    assert made == [{"with_one"}]
    Path("b").unlink()
    write_and_run(text)  # the job with a benchmark does not run: nothing is made for it
    assert len(made) == 1


def test_what_a_node_has_measured_is_taken_from_there() -> None:
    memory = BenchmarkMemory({"a"})
    ended = JobEnded(JobId(0), 1, 2.0, 0, 1.0, None, None, figures={KINDS: {"uss": 5}})
    assert memory.of(ended) == {"uss": 5}
    assert memory.of(replace(ended, figures={})) == {}
    memory.close()
