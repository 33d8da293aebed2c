"""Grid Engine's words (Son of Grid Engine 8.1.9, and those that descend from the same), and the
executor that is made of them. Its traps are noted where they are met."""

import os
import pwd
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from flowc.diagnostic import fail
from flowc.executors.base import Executor, Setup
from flowc.executors.grid.base import (
    Account,
    Ask,
    Batch,
    Element,
    LaterError,
    NoAnswerError,
    Queue,
    RefusedError,
    Said,
    Settings,
    State,
    Status,
)
from flowc.executors.grid.commands import Commands
from flowc.executors.grid.driver import GridExecutor
from flowc.executors.sge_account import accounts_in
from flowc.machine import which
from flowc.site import Site, read_site
from flowc.units import MIB

LEAST_VIRTUAL_MIB = 256
"""For what runs the job on its node, and the job itself, where a rule asks for less."""
LEAST_MIB = 64
LEAST_S = 10
"""Of time: the node keeps to shorter limits itself, once it is under way."""
_MOST_WORDS = 500
"""In one call of `qdel`."""
_OPTIONS = {
    "queue": re.compile(r"\S+"),
    "account": re.compile(r"\S+"),
    "project": re.compile(r"\S+"),
    "pe": re.compile(r"\S+"),
    "memory": re.compile("h_vmem|mem_free|none"),
    "memory_headroom": re.compile(r"0*[1-9]\d{0,2}(\.\d+)?|0?\.\d*[1-9]\d*"),
    "max_array": re.compile(r"0*[1-9]\d{0,8}"),
    "options": re.compile(r".*"),
}
"""By `--executor-option`; settings of a site have the same names."""
_STUCK = "it is in error state and will not start: `qstat -j ID` says why"

_ID = re.compile(r"^(\d+)\.\d", re.MULTILINE)
_FIELD = re.compile(r"\s*<(JB_job_number|JB_name|state|tasks)>(.*?)</")
_SILENT = re.compile(
    r"unable to (?:send|contact|receive|read)|commlib error|got (?:send|select|read|write|no) "
    r"|can't get (?:answer|connection)|timeout|timed out|no answer|connection refused",
    re.IGNORECASE,
)
_FULL = re.compile(r"only \d+ jobs are allowed", re.IGNORECASE)
_ODD_IN_PATHS = re.compile(r"[,:$\n\\]")


class GridEngine:
    """A `Dialect`."""

    name = "sge"
    sparse = False
    element = "$SGE_TASK_ID"
    job = "$JOB_ID"
    restarts = "$RESTARTED"

    def __init__(self, site: Site | None = None) -> None:
        self._site = site or Site()
        self._user = _user()

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in env.items() if not name.startswith("SGE_LONG")}
        return {**kept, "LC_ALL": "C"}

    def submit(self, batch: Batch) -> list[str]:
        # -C: no line of the script is an option. -w e: what can never run is refused, not kept
        # waiting for ever.
        argv = ["qsub", "-terse", "-C", "", "-w", "e", "-N", batch.name, "-S", "/bin/sh"]
        argv += ["-t", f"{batch.elements[0]}-{batch.elements[-1]}", "-wd", "/", "-j", "y"]
        return [*argv, "-o", output_path(batch.directory), *self.native(batch), batch.script]

    def native(self, batch: Batch) -> list[str]:
        """What any way of submitting has to say in these words."""
        # -notify: jobs hear of their end before it comes. -r n: none is started again.
        at_once = self._site.text("", "max_running")
        throttle = ["-tc", at_once] if at_once and len(batch.elements) > 1 else []
        return ["-r", "n", "-notify", *throttle, *_asked(batch.ask, self._site)]

    def submitted(self, said: Said) -> str:
        if said.code:
            raise fault_of(said.stderr or said.stdout)
        found = _ID.search(said.stdout)
        if found is None:
            raise NoAnswerError(f"qsub: {said.stdout.strip()!r} has no id")
        return found[1]

    def find(self, name: str) -> list[str]:
        return self.status(())

    def found(self, name: str, said: Said) -> str | None:
        return next((id for id, known, _, _ in _jobs(said) if known == name), None)

    def status(self, ids: Sequence[str]) -> list[str]:
        # The last of those that have ended (`z`) are told as well, until the master is restarted.
        return ["qstat", "-xml", "-s", "prsz", "-u", self._user]

    def statuses(self, said: Said) -> Mapping[Element, Status]:
        found: dict[Element, Status] = {}
        for id, name, state, elements in _jobs(said):
            status = _status(state, name)
            for number in _numbers(elements):
                # An array can be there several times, once for each state of its elements.
                if status.state is not State.ENDED or (id, number) not in found:
                    found[id, number] = status
        return found

    def cancel(self, elements: Mapping[str, Sequence[int]], *, kill: bool) -> list[list[str]]:
        # There is no other way for KILL: a job that has been notified is killed in any case.
        words = [f"{id}.{part}" for id, numbers in elements.items() for part in _parts(numbers)]
        return [["qdel", *words[at : at + _MOST_WORDS]] for at in range(0, len(words), _MOST_WORDS)]

    def cancelled(self, said: Said) -> None:
        text = said.stderr + said.stdout
        if said.code and _SILENT.search(text):
            raise NoAnswerError(text.strip())

    def accounts(self, ids: Sequence[str]) -> list[list[str]]:
        return [["qacct", "-j", id] for id in ids]

    def account(self, said: Said) -> Mapping[Element, Account]:
        # A job that is not there yet, or never will be, is a fault to qacct.
        return {} if said.code else accounts_in(said.stdout)

    def cause_in(self, output: str) -> str:
        return ""  # Grid Engine writes nothing there

    def element_id(self, id: str, element: int) -> str:
        return f"{id}.{element}"


def make_sge(setup: Setup) -> Executor:
    """The entry point of `--executor sge`."""
    return grid_engine(setup, lambda site: Commands(GridEngine(site)))


def grid_engine(setup: Setup, queue: Callable[[Site], Queue]) -> Executor:
    """An executor of Grid Engine's, whose programs are needed in any case."""
    if which("qsub", os.environ.get("PATH", os.defpath)) is None:
        raise fail(
            "bad-executor",
            f"the executor `{setup.name}` needs Grid Engine's programs: there is no `qsub`",
            hint="start flowc on a machine from which jobs can be submitted",
        )
    site = site_of(setup)
    largest = int(site.text("", "max_array", str(Settings().largest)))
    settings = Settings(largest=largest, measure=setup.measure, site=site)
    return GridExecutor(queue(site), settings, setup.directory)


def site_of(setup: Setup) -> Site:
    """`--site`, and over it `--executor-option`. WorkflowError for what makes no sense."""
    site = Site() if setup.site is None else read_site(setup.site, setup.rules)
    settings = dict(site.settings)
    for name, text in setup.options.items():
        known = _OPTIONS.get(name)
        if known is None:
            raise fail(
                "bad-option",
                f"the executor `{setup.name}` takes no option `{name}={text}`",
                hint=f"there are: {', '.join(_OPTIONS)}",
            )
        if not known.fullmatch(text):
            raise fail("bad-option", f"the option `{name}={text}` makes no sense")
        settings[name] = [*settings.get(name, ()), text] if name == "options" else text
    return Site(settings, site.rules)


def output_path(directory: str) -> str:
    """Where the engine's own output goes. Its words for paths have no way to quote a character."""
    if _ODD_IN_PATHS.search(directory):
        return "/dev/null"
    return f"{directory}/$TASK_ID.out"


def fault_of(text: str) -> NoAnswerError | LaterError | RefusedError:
    """What it means that a submission has failed. Where it is not sure that Grid Engine has said
    no, the batch may be in its queue all the same."""
    said = " ".join(text.replace("Exiting.", "").split())
    if _FULL.search(said):
        return LaterError(said)
    if not said or _SILENT.search(said):
        return NoAnswerError(said or "qsub has failed and says nothing")
    return RefusedError(said)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _asked(ask: Ask, site: Site) -> Iterator[str]:
    """Memory is by slot, and Grid Engine multiplies: the total is shared out."""
    cores, rule = max(1, ask.cores), ask.kind
    if cores > 1:
        yield from ("-pe", site.text(rule, "pe", "smp"), str(cores))
    memory = site.text(rule, "memory", "h_vmem")
    if memory in ("h_vmem", "mem_free"):
        is_virtual = memory == "h_vmem"
        factor = site.headroom(rule, 1.5 if is_virtual else 1.0)
        least = LEAST_VIRTUAL_MIB if is_virtual else LEAST_MIB
        total_mib = max(least, -int(-ask.memory_bytes * factor // MIB))
        yield from ("-l", f"{memory}={-(-total_mib // cores)}M")
    if ask.limit_s is not None:
        yield from ("-l", f"h_rt={max(LEAST_S, -int(-ask.limit_s // 1))}")
    for key, option in (("queue", "-q"), ("account", "-A"), ("project", "-P")):
        if value := site.text(rule, key):
            yield from (option, value)
    for text in site.options(rule):
        yield from text.split()
    for name, figure in (*ask.resources, *ask.words):
        shown = figure if isinstance(figure, str) else f"{figure:g}"
        pattern = site.resources.get(name)
        if pattern is not None:
            yield from pattern.replace("{value}", shown).split()
        elif isinstance(figure, str):
            yield from _word(name.removeprefix("sge_"), shown)


def _word(name: str, value: str) -> list[str]:
    """Options for a resource that is text."""
    options = {"queue": "-q", "partition": "-q", "project": "-P", "account": "-A"}
    if name in options:
        return [options[name], value]
    return value.split() if name == "extra" else []


def _jobs(said: Said) -> Iterator[tuple[str, str, str, str]]:
    """(id, name, state, elements). Line by line: it looks like XML, but names are not escaped as
    they should be, and one such name of somebody's must not hide all others."""
    if said.code:
        raise NoAnswerError(" ".join(said.stderr.split()) or f"qstat has ended with {said.code}")
    fields: dict[str, str] = {}
    for line in said.stdout.splitlines():
        found = _FIELD.match(line)
        if found is not None:
            fields[found[1]] = found[2]
        elif "</job_list>" in line:
            if fields.keys() >= {"JB_job_number", "JB_name", "state", "tasks"}:
                yield fields["JB_job_number"], fields["JB_name"], fields["state"], fields["tasks"]
            fields = {}


def _status(letters: str, name: str) -> Status:
    if letters == "z":
        return Status(State.ENDED, name)
    if "E" in letters:
        return Status(State.ENDED, name, "node-failure", why=_STUCK, stuck=True)
    waits = "q" in letters or "w" in letters
    return Status(State.WAITING if waits else State.RUNNING, name, why=letters)


def _numbers(text: str) -> Iterator[int]:
    """Of `1-3:1,7`; nothing for what is no array."""
    for part in text.split(","):
        first, dash, rest = part.partition("-")
        last, _, step = rest.partition(":")
        if first.isdecimal() and (last.isdecimal() or not dash):
            yield from range(int(first), int(last if dash else first) + 1, int(step or 1))


def _parts(numbers: Iterable[int]) -> Iterator[str]:
    """`1-3`, `7`."""
    first = last = 0
    for number in sorted(numbers):
        if first and number == last + 1:
            last = number
            continue
        if first:
            yield str(first) if first == last else f"{first}-{last}"
        first = last = number
    if first:
        yield str(first) if first == last else f"{first}-{last}"
