"""The script dialect, run for real: failures, going on, refusals, hostile names."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from export.conftest import NAMES, SUM
from support.program import Flowc

EXPORT = "ex p'%"


def call(workdir: Path, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """From elsewhere: the jobs run in the workflow's directory all the same."""
    argv = [str(workdir / EXPORT / program), *words]
    return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=60)


def ready(flowc: Flowc, *words: str) -> None:
    done = flowc("export-script", "-o", EXPORT, *words)
    assert done.returncode == 0, done.stderr


def test_a_failure_stops_what_depends_on_it_and_the_rest_is_done_later(
    workdir: Path, flowc: Flowc
) -> None:
    ready(flowc)
    (workdir / "fail").touch()
    assert call(workdir, "submit.sh", "-j", "2").returncode == 1
    assert not (workdir / "two/a.txt").exists(), "what a failed job has left is gone"
    assert not (workdir / "ran.sum").exists()
    assert (workdir / "one/a.txt").exists(), "temporary, and still needed"
    assert not (workdir / "one/b c.txt").exists()
    status = call(workdir, "status.sh")
    assert status.returncode == 1 and "exit code 3" in status.stdout
    (workdir / "fail").unlink()
    done = call(workdir, "submit.sh")
    assert done.returncode == 0, done.stderr
    assert "one" not in done.stdout
    assert (workdir / "sum.txt").read_text(encoding="utf-8") == SUM
    assert (workdir / "ran.two").read_text() == "x\n" * len(NAMES)
    assert (workdir / "made/f").read_text() == "x"
    assert not any((workdir / "one").iterdir())
    assert call(workdir, "status.sh").returncode == 0
    assert call(workdir, "submit.sh").stdout == "all is done\n"


def test_what_was_removed_is_made_again_and_with_it_what_is_temporary(
    workdir: Path, flowc: Flowc
) -> None:
    ready(flowc)
    assert call(workdir, "submit.sh").returncode == 0
    (workdir / "two/a.txt").unlink()
    assert call(workdir, "submit.sh").stdout.split() == ["0001-one", "0002-two"]
    assert (workdir / "two/a.txt").read_text() == "a\n"
    assert (workdir / "ran.two").read_text() == "x\n" * (len(NAMES) + 1)


SLOW = """
rule slow:
    output: "slow.txt"
    shell: "echo part > {output}; echo $$ > pid; [ -e quick ] || sleep 30; echo whole > {output}"
"""


@pytest.mark.parametrize("how", ["cancel.sh", "kill -9"])
def test_a_running_export_is_not_started_twice_and_can_be_ended(
    workdir: Path, flowc: Flowc, how: str
) -> None:
    (workdir / "Workflowfile").write_text(SLOW)
    ready(flowc)
    first = subprocess.Popen([workdir / EXPORT / "submit.sh"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 50
    while not (workdir / "pid").exists() or not (workdir / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    command = int((workdir / "pid").read_text())
    assert call(workdir, "submit.sh").returncode == 4
    assert call(workdir, "status.sh").returncode == 3
    assert flowc("export-script", "-o", EXPORT, "--replace").returncode == 2
    if how == "cancel.sh":
        assert call(workdir, "cancel.sh").returncode == 0
        assert first.wait(20) == 143
    else:
        first.kill()
        first.wait(20)
        assert call(workdir, "submit.sh").returncode == 4, "its job still runs"
        (workdir / "quick").touch()
        os.killpg(os.getpgid(command), signal.SIGKILL)
        until = time.monotonic() + 50
        while call(workdir, "submit.sh").returncode == 4:
            assert time.monotonic() < until
    if how == "cancel.sh":
        assert not (workdir / "slow.txt").exists()
        (workdir / "quick").touch()
        assert call(workdir, "submit.sh").returncode == 0
    call(workdir, "submit.sh")
    assert (workdir / "slow.txt").read_text() == "whole\n"


def test_a_time_limit_ends_a_job(workdir: Path, flowc: Flowc) -> None:
    text = SLOW.replace("output:", "resources: runtime='1s'\n    output:")
    (workdir / "Workflowfile").write_text(text)
    ready(flowc)
    assert call(workdir, "submit.sh").returncode == 1
    assert not (workdir / "slow.txt").exists()
    assert "SIGTERM" in call(workdir, "status.sh").stdout


def test_the_manifest_says_where_each_job_is(workdir: Path, flowc: Flowc) -> None:
    ready(flowc)
    manifest = json.loads((workdir / EXPORT / "manifest.json").read_text())
    jobs = {tuple(job["outputs"]): job for job in manifest["jobs"]}
    assert len(jobs) == 2 * len(NAMES) + 2
    job = jobs[("two/x\ny.txt",)]
    assert job["wildcards"] == {"s": "x\ny"} and job["script"] == "jobs/0002-two.sh"
    text = (workdir / EXPORT / job["script"]).read_text(encoding="utf-8")
    assert f"\n{job['element']})\n    job {job['job']} " in text
    assert manifest["units"][1]["by_element"] == [1] and manifest["units"][1]["throttle"] == 1


@pytest.mark.parametrize("dialect", ["script", "slurm", "sge"])
def test_scripts_are_sound(workdir: Path, flowc: Flowc, dialect: str) -> None:
    assert flowc(f"export-{dialect}", "-o", EXPORT).returncode == 0
    scripts = [*(workdir / EXPORT).glob("*.sh"), *(workdir / EXPORT / "jobs").iterdir()]
    assert len(scripts) == 11
    for script in scripts:
        assert subprocess.run(["bash", "-n", script]).returncode == 0, script
        begins = script.read_bytes().split(b"\n")
        assert not any(line.startswith((b"#$ -l noth", b"#SBATCH --mem=9")) for line in begins)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-x", *scripts], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# fmt: off
SITES = {  #                what is wrong               message, hint
    "near":                 ("quue: long",              "no setting `quue`", "`queue`"),
    "two words":            ("queue: a b",              "one word", ""),
    "a choice":             ("memory: much",            "is one of", ""),
    "a count":              ("max_array: 0",            "whole number", ""),
    "a list":               ("options: -l x",           "list of texts", ""),
    "a line":               ('options: ["a\\nb"]',      "one line", ""),
    "a rule":               ("rules: {twoo: {}}",       "no rule `twoo`", "`two`"),
    "a rule's":             ("rules: {two: {pee: x}}",  "no setting `pee`", "`pe`"),
    "no YAML":              ("a: [",                    "is not YAML", ""),
    "no mapping":           ("[1]",                     "NAME: VALUE", ""),
}
# fmt: on


@pytest.mark.parametrize(("text", "message", "hint"), SITES.values(), ids=SITES)
def test_a_site_file_is_checked(
    workdir: Path, flowc: Flowc, text: str, message: str, hint: str
) -> None:
    (workdir / "site.yaml").write_text(text)
    done = flowc("export-sge", "-o", EXPORT, "--site", "site.yaml")
    assert done.returncode == 2 and "error[bad-site]" in done.stderr
    assert message in done.stderr and hint in done.stderr
    assert not (workdir / EXPORT).exists()


def test_what_a_site_says_is_asked_for(workdir: Path, flowc: Flowc) -> None:
    (workdir / "site.yaml").write_text(
        "queue: long\npe: threaded\nmemory_headroom: 2\nmax_running: 3\n"
        "rules:\n  two: {queue: short, options: ['-p -5'], memory: mem_free}\n"
    )
    assert flowc("export-sge", "-o", EXPORT, "--site", "site.yaml").returncode == 0
    one, two = ((workdir / EXPORT / f"jobs/{name}.sh").read_text() for name in
                ("0001-one", "0002-two"))  # fmt: skip
    for line in ("-q long", "-pe threaded 2", "-l h_vmem=128M", "-l h_rt=120"):
        assert f"\n#$ {line}\n" in one
    for line in ("-q short", "-p -5", "-l mem_free=2048M"):
        assert f"\n#$ {line}\n" in two
    assert "# declared (Workflowfile:8)" in one
    submit = (workdir / EXPORT / "submit.sh").read_text()
    assert "\nunit 1 0001-one 8 3 1 '' '' '' 120\n" in submit
    assert "\nunit 2 0002-two 8 1 1 '' '1' '' 0\n" in submit


def test_short_jobs_are_grouped_by_what_they_took(workdir: Path, flowc: Flowc) -> None:
    missing = flowc("export-slurm", "-o", EXPORT, "--group-to", "10m")
    assert missing.returncode == 2 and "unknown-durations" in missing.stderr
    assert flowc("run", "--cores", "2", "--notemp").returncode == 0
    assert flowc("export-slurm", "-o", EXPORT, "-F", "--group-to", "10m").returncode == 0
    one = (workdir / EXPORT / "jobs/0001-one.sh").read_text(encoding="utf-8")
    assert one.count("\n    run 0 ") == len(NAMES) and "\n2)\n" not in one
    assert "\n#SBATCH --mem=64M\n" in one, "the memory is not added up"
    assert f"\n#SBATCH --time=0:{2 * len(NAMES):02}:00\n" in one, "the time is"


def test_a_template_of_ones_own(workdir: Path, flowc: Flowc) -> None:
    (workdir / "mine").mkdir()
    (workdir / "mine/README.j2").write_text("{{ job_count }} jobs\n")
    ready(flowc, "--template-dir", "mine")
    assert (workdir / EXPORT / "README").read_text() == f"{2 * len(NAMES) + 2} jobs\n"
    (workdir / "mine/README.j2").write_text("{{ nothing }}\n")
    done = flowc("export-script", "-o", EXPORT, "--template-dir", "mine", "--replace")
    assert done.returncode == 2 and "bad-template" in done.stderr
