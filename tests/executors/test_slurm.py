"""Slurm's words: what its programs are asked, and recorded answers of 22.05."""

from pathlib import Path

import pytest

from flowc.dataclass import replace
from flowc.diagnostic import WorkflowError
from flowc.executors.base import Capacity, Setup
from flowc.executors.grid.base import (
    REST,
    Account,
    Ask,
    Batch,
    LaterError,
    NoAnswerError,
    RefusedError,
    Said,
    State,
    Status,
)
from flowc.executors.slurm import Slurm, make_slurm
from flowc.site import Site, read_site
from flowc.units import MIB

SLURM = Slurm()


def batch(elements: tuple[int, ...] = (1,), **more: object) -> Batch:
    values: dict[str, object] = {"kind": "", "cores": 1, "memory_bytes": MIB, "limit_s": None}
    ask = Ask(**{**values, **more})  # type: ignore[arg-type]
    return Batch("f12-1-map", elements, ask, "/a 5%/s", "/a 5%")


def test_a_batch_is_one_array() -> None:
    argv = SLURM.submit(batch((1, 2, 3, 7, 9, 10), cores=4, memory_bytes=100 * MIB + 1, limit_s=90))
    assert argv[0] == "sbatch" and argv[-1] == "/a 5%/s"
    wanted = ["--array=1-3,7,9-10", "--job-name=f12-1-map", "--output=/a 5%%/%a.out"]
    wanted += ["--cpus-per-task=4", "--mem=101M", "--time=0:01:30", "--no-requeue", "--export=ALL"]
    assert {*wanted} <= {*argv}


def test_resources_that_are_words() -> None:
    words = (("slurm_partition", "long"), ("account", "a"), ("slurm_extra", "-x n1 --nice"))
    argv = SLURM.submit(batch(words=words, kind="map"))
    assert argv[-7:-1] == [
        "--comment=map", "--partition=long", "--account=a", "-x", "n1", "--nice"
    ]  # fmt: skip


def test_other_variables_do_not_change_what_the_programs_do() -> None:
    env = {
        "PATH": "/bin", "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "a", "SLURM_JOB_ID": "5",
        "SBATCH_ARRAY_INX": "1-9", "SQUEUE_FORMAT": "%i", "SLURM_MEM_PER_NODE": "7",
    }  # fmt: skip
    found = SLURM.environment(env)
    assert {*found} == {"PATH", "SLURM_CONF", "SBATCH_ACCOUNT", "LC_ALL", "SLURM_BITSTR_LEN"}


# fmt: off
ANSWERS = {  #       code, stdout, stderr                                           what it means
    "id":            (0, "121\n", "",                                               "121"),
    "federation":    (0, "121;east\n", "",                                          "121"),
    "impossible":    (1, "", "sbatch: error: Memory specification can not be satisfied\n"
                      "sbatch: error: Batch job submission failed: Requested node configuration "
                      "is not available\n",                                         RefusedError),
    "no partition":  (1, "", "sbatch: error: invalid partition specified: x\n",     RefusedError),
    "timed out":     (1, "", "sbatch: error: Batch job submission failed: Socket timed out on "
                      "send/recv operation\n",                                      NoAnswerError),
    "down":          (1, "", "sbatch: error: Batch job submission failed: Unable to contact slurm "
                      "controller (connect failure)\n",                             NoAnswerError),
    "killed":        (137, "", "",                                                  NoAnswerError),
    "full":          (1, "", "sbatch: error: Batch job submission failed: Job violates "
                      "accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
                                                                                    LaterError),
    "rubbish":       (0, "hello", "",                                               NoAnswerError),
}
# fmt: on


@pytest.mark.parametrize(("code", "stdout", "stderr", "means"), ANSWERS.values(), ids=ANSWERS)
def test_answers_to_a_submission(code: int, stdout: str, stderr: str, means: object) -> None:
    if isinstance(means, str):
        assert SLURM.submitted(Said(code, stdout, stderr)) == means
    else:
        assert isinstance(means, type) and issubclass(means, Exception)
        with pytest.raises(means):
            SLURM.submitted(Said(code, stdout, stderr))


QUEUE = """\
12|3-5,8%2|PENDING|Resources|f12-1-map
12|1|RUNNING|None|f12-1-map
12|2|COMPLETING|None|f12-1-map
13|1|FAILED|NonZeroExitCode|f12-2
13|2|FAILED|RaisedSignal:9(Killed)|f12-2
13|3|FAILED|JobLaunchFailure|f12-2
13|4|TIMEOUT|TimeLimit|f12-2
13|5|NODE_FAIL|None|f12-2
13|6|OUT_OF_MEMORY|OutOfMemory|f12-2
13|7|COMPLETED|None|f12-2
14|N/A|CANCELLED|PartitionDown|f12-3
15|N/A|RUNNING|None|somebody's | own
"""


def test_states() -> None:
    found = SLURM.statuses(Said(0, QUEUE, ""))
    shown = {key: (s.state, s.cause, s.exit_code) for key, s in found.items() if key[1] != REST}
    waits, runs, ended = State.WAITING, State.RUNNING, State.ENDED
    assert shown == {
        **{("12", n): (waits, "", None) for n in (3, 4, 5, 8)},
        ("12", 1): (runs, "", None),
        ("12", 2): (runs, "", None),
        ("13", 1): (ended, "", 1),
        ("13", 2): (ended, "signal", 137),
        ("13", 3): (ended, "launch", 137),
        ("13", 4): (ended, "time-limit", None),
        ("13", 5): (ended, "node-failure", None),
        ("13", 6): (ended, "oom", None),
        ("13", 7): (ended, "", 0),
    }
    rest = Status(ended, "f12-3", "cancelled", why="not in its array")
    assert found["14", REST] == rest, "elements that wait and are cancelled are not shown"


def test_a_queue_that_does_not_answer() -> None:
    said = Said(1, "", "slurm_load_jobs error: Unable to contact slurm controller\n")
    with pytest.raises(NoAnswerError):
        SLURM.statuses(said)
    with pytest.raises(NoAnswerError):
        SLURM.found("f12-1-map", said)
    with pytest.raises(NoAnswerError):
        SLURM.cancelled(said)
    SLURM.cancelled(Said(1, "", "scancel: error: Kill job error on job id 5: Invalid job id\n"))


def test_a_batch_is_found_by_its_whole_name() -> None:
    assert SLURM.found("f12-1-map", Said(0, "7|f12-1-map2\n12|f12-1-map\n", "")) == "12"
    assert SLURM.found("f12-1-map", Said(0, "", "")) is None


SACCT = """\
1_1|f12-1-map|COMPLETED|0:0|7|00:04.131||n1
1_1.batch|batch|COMPLETED|0:0|7|00:04.131|34800K|n1
1_2|f12-1-map|FAILED|3:0|1|00:00.057||n1
1_2.batch|batch|FAILED|3:0|1|00:00.057||n1
1_3|f12-1-map|FAILED|0:9|2|1-00:00:02||n1
1_3.batch|batch|CANCELLED by 0|0:9|2|00:00.031|341992K|n1
1_4|f12-1-map|CANCELLED by 0|0:0|1|00:00.051||n1
1_4.batch|batch|FAILED|9:0|1|00:00.051||n1
1_5|f12-1-map|RUNNING|0:0|3|00:00:00||n1
1_[6-9]|f12-1-map|PENDING|0:0|0|00:00:00||None assigned
"""
"""A job that has used too much memory is FAILED here, too."""


def test_accounts() -> None:
    found = SLURM.account(Said(0, SACCT, ""))
    assert found == {
        ("1", 1): Account("f12-1-map", "", 0, 7.0, 4.131, 34800 * 1024, "n1"),
        ("1", 2): Account("f12-1-map", "", 3, 1.0, 0.057, None, "n1"),
        ("1", 3): Account("f12-1-map", "signal", 137, 2.0, 86402.0, 341992 * 1024, "n1"),
        ("1", 4): Account("f12-1-map", "cancelled", 0, 1.0, 0.051, None, "n1"),
    }


def test_accounts_of_what_was_cancelled_while_it_waited() -> None:
    line = "2731_[1,3-4]|wrap|CANCELLED by 0|0:0|0|00:00:00||None assigned\n"
    found = SLURM.account(Said(0, line, ""))
    assert {*found} == {("2731", 1), ("2731", 3), ("2731", 4)}
    assert {account.cause for account in found.values()} == {"cancelled"}


def test_where_there_is_no_accounting_it_is_asked_once() -> None:
    slurm = Slurm()
    (argv,) = slurm.accounts(["12", "13"])
    assert argv[0] == "sacct" and "12,13" in argv
    assert slurm.account(Said(1, "", "Slurm accounting storage is disabled\n")) == {}
    assert slurm.accounts(["12"]) == []


def test_what_slurm_says_of_memory_in_a_jobs_own_output() -> None:
    said = "slurmstepd: error: StepId=168.batch exceeded memory limit (350187520 > 67108864), being"
    assert SLURM.cause_in(said) == "oom"
    assert SLURM.cause_in("slurmstepd: error: *** JOB 168 ON t1 CANCELLED ***") == ""


def test_options_of_the_executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "sbatch"
    program.write_text("")
    program.chmod(0o755)
    setup = Setup("run", Capacity(1, MIB), "slurm", directory=str(tmp_path / "grid"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WorkflowError, match="no `sbatch` here"):
        make_slurm(setup)
    monkeypatch.setenv("PATH", str(tmp_path))
    make_slurm(setup).close()
    for wrong in ({"partitoin": "x"}, {"max_array": "many"}):
        with pytest.raises(WorkflowError, match="takes no option"):
            make_slurm(replace(setup, options=wrong))


def test_options_reach_every_submission() -> None:
    """A rule's own beat them."""
    argv = Slurm(["--partition=long", "--exclusive"]).submit(batch(words=(("queue", "fast"),)))
    assert argv[-4:-1] == ["--partition=long", "--exclusive", "--partition=fast"]


def test_settings_of_a_site(tmp_path: Path) -> None:
    """Least first: the site's, those for one rule, the executor's options, the rule's own."""
    path = tmp_path / "site.yaml"
    path.write_text(
        "queue: long\naccount: lab\nmemory_headroom: 2\noptions: [--exclusive]\n"
        "resources: {gpu: '--gres=gpu:{value}'}\nrules: {map: {queue: fast}}\n"
    )
    slurm = Slurm(["--account=mine"], read_site(str(path), None))
    argv = slurm.submit(
        batch(kind="map", memory_bytes=100 * MIB, resources=(("gpu", 2.0),), words=(("qos", "q"),))
    )
    assert argv[-8:-1] == [
        "--comment=map", "--partition=fast", "--account=lab", "--exclusive", "--account=mine",
        "--gres=gpu:2", "--qos=q",
    ]  # fmt: skip
    assert "--mem=200M" in argv
    path.write_text("memory: none\nqueu: x\n")
    with pytest.raises(WorkflowError, match="queu"):
        read_site(str(path), None)
    assert not [w for w in Slurm(site=Site({"memory": "none"})).submit(batch()) if "mem" in w]
