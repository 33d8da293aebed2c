"""The examples run under flowc, from nothing to their results, and are up to date afterwards."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BOWTIE2 = Path(os.environ.get("BOWTIE2_EXAMPLES", "/usr/share/doc/bowtie2/examples"))
TOOLS = ("bwa", "samtools", "bcftools")


def copy(name: str, to: Path) -> Path:
    """A clean copy of an example: what a run has left in the checkout is not taken along."""
    left = (EXAMPLES / name / ".gitignore").read_text().replace("/", "").split()
    ignore = shutil.ignore_patterns(".flowc", "__pycache__", *left)
    return Path(shutil.copytree(EXAMPLES / name, to / name, ignore=ignore))


def flowc(directory: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What flowc prints; any exit code but 0 fails the test."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "flowc", *arguments],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_stdlib(tmp_path: Path) -> None:
    here = copy("stdlib", tmp_path)
    flowc(here, "run", "Workflowfile", "--cores", "4", "--mem", "6")
    report = (here / "results/report.md").read_text()
    assert report.startswith("# The standard library of Python 3.")
    assert "| modules_p-r" in report and "| re._parser._parse" in report
    assert '"asyncio" -> "logging";' in (here / "results/imports.dot").read_text()
    names = (here / "results/names.txt").read_text().splitlines()
    assert names[0].split()[1] == "self" and len(names) > 10_000
    assert not list((here / "work").rglob("*.tar")), "temp files are left"

    before = {p: p.stat().st_mtime_ns for p in (here / "results").iterdir()}
    flowc(here, "run", "Workflowfile", "--cores", "4", "--mem", "6")
    assert {p: p.stat().st_mtime_ns for p in (here / "results").iterdir()} == before

    # The same content, only newer: nothing to do. Another setting: the table, then the report.
    os.utime(here / "work/syntax/email.json")
    assert planned(here) == []
    config = here / "config.yaml"
    config.write_text(config.read_text().replace("functions_shown: 15", "functions_shown: 3"))
    assert planned(here) == ["ranking", "report"]
    flowc(here, "run", "Workflowfile", "--cores", "4", "--mem", "6")
    shorter = (here / "results/report.md").read_text()
    assert "| re._parser._parse" in shorter and len(shorter) < len(report)


def planned(directory: Path) -> list[str]:
    """Rules of the jobs that would or might run."""
    lines = [json.loads(line) for line in flowc(directory, "plan", "--json").splitlines()]
    return sorted(line["rule"] for line in lines if "rule" in line)


needs_lambda_phage = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)) or not (BOWTIE2 / "reads").is_dir(),
    reason="needs bwa, samtools, bcftools and the reads of Debian's bowtie2-examples",
)


@pytest.mark.slow
@needs_lambda_phage
def test_lambda_phage(tmp_path: Path) -> None:
    here = copy("lambda-phage", tmp_path)
    flowc(here, "run", "Workflowfile", "--cores", "4", "--mem", "6", "--config", f"data={BOWTIE2}")
    summary = (here / "results/summary.txt").read_text().splitlines()
    assert len(summary) == 5
    variants = (here / "results/variants.tsv").read_text().splitlines()
    assert summary[0] == f"variants: {len(variants)}"
    # The reads were simulated with substitutions and indels all along the genome.
    assert 60 < len(variants) < 120
    assert {line.split("\t")[0] for line in variants} >= {"245", "353", "1104"}
    assert all(line.count("\t") == 7 for line in variants), "a genotype for each sample"
    assert not list((here / "mapped").glob("*.bam")), "temp files are left"
