"""Slurm's words, and the executor made of them. Its traps are noted where they are met."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from flowc.diagnostic import fail
from flowc.executors.base import Executor, Setup
from flowc.executors.grid.base import (
    REST,
    Account,
    Batch,
    Element,
    LaterError,
    NoAnswerError,
    RefusedError,
    Said,
    Settings,
    State,
    Status,
)
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.machine import which
from flowc.site import Site, read_site
from flowc.units import MIB

LEAST_MIB = 64
"""For what runs the job on its node, and the job itself, where a rule asks for less."""
_LARGEST = Settings().largest
_ENVIRONMENT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")
"""Of Slurm's own variables only these are for its programs: others change what they do or print,
as those do that stand in a job's environment when flowc itself is one."""
_DROPPED = ("SLURM_", "SBATCH_", "SQUEUE_", "SCANCEL_", "SACCT_")
_KEPT = ("SBATCH_ACCOUNT", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION")

_STATES = {
    "PENDING": State.WAITING,
    "REQUEUED": State.WAITING,
    "REQUEUE_FED": State.WAITING,
    "REQUEUE_HOLD": State.WAITING,
    "SPECIAL_EXIT": State.WAITING,
    "RESV_DEL_HOLD": State.WAITING,
    "COMPLETED": State.ENDED,
    "FAILED": State.ENDED,
}
_CAUSES = {
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled",
    "TIMEOUT": "time-limit",
    "DEADLINE": "time-limit",
    "OUT_OF_MEMORY": "oom",
    "NODE_FAIL": "node-failure",
    "BOOT_FAIL": "node-failure",
    "PREEMPTED": "node-failure",
}
_SILENT = re.compile(
    r"unable to contact|connect failure|socket timed out|connection refused|connection timed out"
    r"|zero bytes were transmitted|temporarily unable to accept|resource temporarily unavailable"
    r"|communication|unexpected message|backup controller|transport",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"submit limit|submission limit|job limit|maxsubmitjob|maximum number of jobs|too many jobs"
    r"|MaxJobCount",
    re.IGNORECASE,
)
_SIGNAL = re.compile(r"RaisedSignal:(\d+)")
_MEMORY = re.compile(r"exceeded (?:\w+ )?memory limit|oom[-_ ]kill|out of memory", re.IGNORECASE)


class Slurm:
    """A `Dialect`."""

    name = "slurm"
    sparse = True
    element = "$SLURM_ARRAY_TASK_ID"
    job = "$SLURM_ARRAY_JOB_ID"
    restarts = "$SLURM_RESTART_COUNT"

    def __init__(self, options: Sequence[str] = (), site: Site | None = None) -> None:
        """`options`: further ones for `sbatch`; they beat the site's."""
        self._options = tuple(options)
        self._site = site or Site()
        self._has_accounts = True

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in env.items()
            if not name.startswith(_DROPPED) or name in _ENVIRONMENT or name in _KEPT
        }
        # Without the last one, long lists of waiting elements are cut: `1-5,7,...`.
        return {**kept, "LC_ALL": "C", "SLURM_BITSTR_LEN": "0"}

    def submit(self, batch: Batch) -> list[str]:
        ask = batch.ask
        directory = batch.directory.replace("%", "%%")
        argv = ["sbatch", "--parsable", "--no-requeue", "--open-mode=append"]
        # The node sets a task's environment. Other values than this one have Slurm start a login
        # shell of the user's for each job, and jobs find their `srun` bereft of their variables.
        argv.append("--export=ALL")
        at_once = self._site.text("", "max_running")
        array = _ranges(batch.elements) + (f"%{at_once}" if at_once else "")
        argv += [f"--array={array}", f"--job-name={batch.name}"]
        argv += [f"--output={directory}/%a.out", "--nodes=1", "--ntasks=1"]
        argv.append(f"--cpus-per-task={max(1, ask.cores)}")
        site, kind = self._site, ask.kind
        if site.text(kind, "memory", "mem") == "mem":
            argv.append(f"--mem={_mib(ask.memory_bytes * site.headroom(kind, 1.0))}M")
        if ask.kind:
            argv.append(f"--comment={ask.kind}")
        if ask.limit_s is not None:
            argv.append(f"--time={_clock(ask.limit_s)}")
        # Of two options that are alike, the last one counts.
        for key, option in (("queue", "partition"), ("account", "account"), ("qos", "qos")):
            if value := site.text(kind, key):
                argv.append(f"--{option}={value}")
        argv += [word for text in site.options(kind) for word in text.split()]
        argv += self._options
        for name, figure in (*ask.resources, *ask.words):
            shown = figure if isinstance(figure, str) else f"{figure:g}"
            pattern = site.resources.get(name)
            if pattern is not None:
                argv += pattern.replace("{value}", shown).split()
            elif isinstance(figure, str):
                argv += _word(name, shown)
        return [*argv, batch.script]

    def submitted(self, said: Said) -> str:
        if said.code:
            raise _fault(said)
        id = said.stdout.strip().partition(";")[0]  # `id;cluster` in a federation
        if not id.isdecimal():
            raise NoAnswerError(f"sbatch: {said.stdout.strip()!r} is not an id")
        return id

    def find(self, name: str) -> list[str]:
        return ["squeue", "-h", "-t", "all", f"--name={name}", "-o", "%F|%j"]

    def found(self, name: str, said: Said) -> str | None:
        if said.code:
            raise _no_answer(said)
        for line in said.stdout.splitlines():
            id, _, found = line.partition("|")
            if found == name:
                return id
        return None

    def status(self, ids: Sequence[str]) -> list[str]:
        # By user and not by id: an id that is not known any more would be a fault, and what has
        # ended is told for some minutes (MinJobAge).
        return ["squeue", "-h", "-t", "all", "-u", str(os.getuid()), "-o", "%F|%K|%T|%r|%j"]

    def statuses(self, said: Said) -> Mapping[Element, Status]:
        if said.code:
            raise _no_answer(said)
        found: dict[Element, Status] = {}
        for line in said.stdout.splitlines():
            fields = line.split("|", 4)
            if len(fields) == 5:
                id, elements, state, why, name = fields
                status = _status(state, why, name)
                found.update(((id, number), status) for number in _numbers(elements))
                # Waiting elements that are cancelled are not shown any more.
                found[id, REST] = Status(State.ENDED, name, "cancelled", why="not in its array")
        return found

    def cancel(self, elements: Mapping[str, Sequence[int]], *, kill: bool) -> list[list[str]]:
        names = [f"{id}_[{_ranges(numbers)}]" for id, numbers in elements.items()]
        plain = ["scancel", *names]
        # What waits is cancelled by the first alone, what runs is killed by the second at once.
        return [plain, ["scancel", "--full", "--signal=KILL", *names]] if kill else [plain]

    def cancelled(self, said: Said) -> None:
        if said.code and _SILENT.search(said.stderr):
            raise _no_answer(said)

    def accounts(self, ids: Sequence[str]) -> list[list[str]]:
        if not self._has_accounts:
            return []
        columns = "JobID,JobName,State,ExitCode,ElapsedRaw,TotalCPU,MaxRSS,NodeList"
        return [["sacct", "-nP", "--units=K", "-j", ",".join(ids), f"--format={columns}"]]

    def account(self, said: Said) -> Mapping[Element, Account]:
        if said.code:  # the accounting is late, down, or not there: nobody need wait for it
            self._has_accounts = "disabled" not in said.stderr
            return {}
        return _accounts(said.stdout)

    def cause_in(self, output: str) -> str:
        # Where memory is watched by looking, Slurm calls it FAILED, and says why here alone.
        return "oom" if _MEMORY.search(output) else ""

    def element_id(self, id: str, element: int) -> str:
        return f"{id}_{element}"


def make_slurm(setup: Setup) -> Executor:
    """The entry point of `--executor slurm`."""
    if which("sbatch", os.environ.get("PATH", os.defpath)) is None:
        raise fail(
            "bad-executor",
            "the executor `slurm` needs Slurm's programs, and there is no `sbatch` here",
            hint="start flowc on a machine from which jobs can be submitted",
        )
    site = Site() if setup.site is None else read_site(setup.site, setup.rules)
    options, largest = _options(setup.options, int(site.text("", "max_array", str(_LARGEST))))
    settings = Settings(largest=largest, measure=setup.measure, site=site)
    return GridExecutor(Commands(Slurm(options, site)), settings, setup.directory)


def _options(given: Mapping[str, str], largest: int) -> tuple[list[str], int]:
    """`--executor-option NAME=VALUE` as words for `sbatch`, and how large an array may be."""
    found: list[str] = []
    for name, value in given.items():
        if name in ("partition", "account", "qos", "reservation", "constraint"):
            found.append(f"--{name}={value}")
        elif name == "options":
            found += value.split()
        elif name == "max_array" and value.isdecimal() and int(value) > 0:
            largest = int(value)
        else:
            raise fail(
                "bad-option",
                f"the executor `slurm` takes no option `{name}={value}`",
                hint="there are: partition, account, qos, reservation, constraint, options, "
                "max_array",
            )
    return found, largest


def _status(state: str, why: str, name: str) -> Status:
    if state in _CAUSES:
        return Status(State.ENDED, name, _CAUSES[state], why=why)
    if state == "FAILED":
        raised = _SIGNAL.match(why)
        if raised is not None:
            return Status(State.ENDED, name, "signal", 128 + int(raised[1]), why)
        if why.startswith("JobLaunchFailure"):
            return Status(State.ENDED, name, "launch", 137, why)
        return Status(State.ENDED, name, why=why, exit_code=1)
    if state == "COMPLETED":
        return Status(State.ENDED, name, exit_code=0, why=why)
    return Status(_STATES.get(state, State.RUNNING), name, why=why)


def _accounts(text: str) -> dict[Element, Account]:
    """Each element has a line, and one for each of its steps, in which its memory stands; those
    that were cancelled while they waited have one together."""
    found: dict[Element, Account] = {}
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) != 8:
            continue
        job, step = fields[0].partition(".")[::2]
        id, _, elements = job.partition("_")
        rss = int(float(fields[6][:-1]) * 1024) if fields[6].endswith("K") else None
        keys = [(id, number) for number in _numbers(elements)]
        if step:
            before = found.get(keys[0]) if keys else None
            if before is not None and rss is not None:
                most = max(rss, before.peak_rss_bytes or 0)
                found[keys[0]] = Account(
                    before.name, before.cause, before.exit_code, before.wall_s, before.cpu_s,
                    most, before.host,
                )  # fmt: skip
            continue
        state = fields[2].split()[0] if fields[2] else ""  # `CANCELLED by 1000`
        if state in ("", "PENDING", "RUNNING", "REQUEUED", "SUSPENDED"):
            continue
        # `CODE:SIGNAL`; from a code above 128, which shells make of a signal, sacct takes 128.
        code, _, number_ = fields[3].partition(":")
        raised = int(number_ or 0)
        account = Account(
            name=fields[1],
            cause=_CAUSES.get(state, "signal" if raised else ""),
            exit_code=128 + raised if raised else int(code or 0),
            wall_s=float(fields[4] or 0),
            cpu_s=_seconds(fields[5]),
            peak_rss_bytes=rss,
            host=fields[7],
        )
        found.update((key, account) for key in keys)
    return found


def _seconds(text: str) -> float | None:
    """`1-02:03:04`, `02:03.456`."""
    days, dash, rest = text.rpartition("-")
    try:
        seconds = 0.0
        for part in rest.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds + (int(days) * 86400 if dash else 0)
    except ValueError:
        return None


def _fault(said: Said) -> NoAnswerError | LaterError | RefusedError:
    """What it means that `sbatch` has failed. Where it is not sure that Slurm has said no, the
    batch may have been queued all the same: a controller that was frozen runs it later."""
    text = said.stderr.strip()
    if _SILENT.search(text) or not text:
        return NoAnswerError(text or f"sbatch has ended with {said.code}")
    if _FULL.search(text):
        return LaterError(text)
    return RefusedError(text)


def _no_answer(said: Said) -> NoAnswerError:
    return NoAnswerError(said.stderr.strip() or f"it has ended with {said.code}")


def _word(name: str, value: str) -> list[str]:
    """An option for a resource that is text."""
    name = name.removeprefix("slurm_")
    if name in ("partition", "queue"):
        return [f"--partition={value}"]
    if name in ("account", "qos", "constraint", "reservation", "gres", "clusters"):
        return [f"--{name}={value}"]
    if name == "extra":
        return value.split()
    return []


def _ranges(numbers: Sequence[int]) -> str:
    """`1-3,7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def _numbers(text: str) -> Iterator[int]:
    """Of `1-3,7%2`; nothing for what is no array."""
    for part in text.partition("%")[0].strip("[]").split(","):
        first, dash, rest = part.partition("-")
        last, _, step = rest.partition(":")
        if first.isdecimal() and (last.isdecimal() or not dash):
            yield from range(int(first), int(last if dash else first) + 1, int(step or 1))


def _mib(count_bytes: float) -> int:
    return max(LEAST_MIB, int(-(-count_bytes // MIB)))


def _clock(seconds: float) -> str:
    whole = -int(-seconds // 1)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
