"""What a unit asks for, in the words of an engine. Text alone: nothing is run here."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from flowc.export.units import Unit
from flowc.plan.request import DEFAULT, Request
from flowc.site import FEW_VARIABLES, Site
from flowc.units import MIB

LEAST_MIB = 32
"""For bash and whatever it starts, even where a rule asks for less."""
LEAST_VIRTUAL_MIB = 256
"""The same where the virtual memory is limited: shared libraries count in full."""


class Line(NamedTuple):
    """One option of a script's head, and where its figure comes from."""

    text: str
    why: str = ""


class Dialect(Protocol):
    """One engine's words. `element`: the variable of a job in which its element stands."""

    name: str
    element: str

    def head(self, unit: Unit, site: Site) -> Iterator[Line]:
        """The options in the comments at the head of a unit's script."""
        ...


class Script:
    """Plain bash on one machine: nothing is asked for."""

    name = "script"
    element = "${2:-1}"

    def head(self, unit: Unit, site: Site) -> Iterator[Line]:
        request = unit.request
        for what, figure in _figures(unit).items():
            yield Line("", f"{what}: {figure}, {_origin(request, what)}")


class Slurm:
    """`#SBATCH` lines."""

    name = "slurm"
    element = "${SLURM_ARRAY_TASK_ID:-1}"

    def head(self, unit: Unit, site: Site) -> Iterator[Line]:
        request, rule = unit.request, unit.rule.name
        mib = max(LEAST_MIB, _mib(request.memory_bytes * site.headroom(rule, 1.0)))
        many = len(unit.elements) > 1
        options = [
            Line("--nodes=1"),
            Line("--ntasks=1"),
            Line(f"--cpus-per-task={request.cores}", _origin(request, "cores")),
            Line(f"--output=logs/{unit.name}{'.%a' if many else ''}.log"),
        ]
        if site.text(rule, "environment", "all") == "none":
            options.append(Line(f"--export={','.join(FEW_VARIABLES)}", "site"))
        if site.text(rule, "memory", "mem") == "mem":
            options.append(Line(f"--mem={mib}M", _origin(request, "memory")))
        if unit.limit_s is not None:
            options.append(Line(f"--time={_clock(unit.limit_s)}", _runtime(unit)))
        for key, option in (("queue", "--partition"), ("account", "--account"), ("qos", "--qos")):
            if value := site.text(rule, key):
                options.append(Line(f"{option}={value}", "site"))
        options += _further(unit, site)
        yield from (Line(f"#SBATCH {text}", why) for text, why in options)


class Sge:
    """`#$` lines of Grid Engine."""

    name = "sge"
    element = "${SGE_TASK_ID:-1}"

    def head(self, unit: Unit, site: Site) -> Iterator[Line]:
        request, rule = unit.request, unit.rule.name
        many = len(unit.elements) > 1
        options = [
            Line("-S /bin/bash"),
            Line("-cwd"),
            Line("-j y"),
            Line(f"-o logs/{unit.name}{'.$TASK_ID' if many else ''}.log"),
            Line("-notify", "a signal before the end, so that the script can clean up"),
        ]
        if site.text(rule, "environment", "all") == "all":
            options.append(Line("-V"))
        if request.cores > 1:
            pe = site.text(rule, "pe", "smp")
            options.append(Line(f"-pe {pe} {request.cores}", _origin(request, "cores")))
        options += self._memory(unit, site)
        if unit.limit_s is not None:
            seconds = _ceil(unit.limit_s)
            options.append(Line(f"-l h_rt={seconds}", _runtime(unit)))
        for key, option in (("queue", "-q"), ("account", "-A"), ("project", "-P")):
            if value := site.text(rule, key):
                options.append(Line(f"{option} {value}", "site"))
        options += _further(unit, site)
        yield from (Line(f"#$ {text}", why) for text, why in options)

    def _memory(self, unit: Unit, site: Site) -> Iterator[Line]:
        """Per slot: Grid Engine multiplies by the slots."""
        request, rule = unit.request, unit.rule.name
        kind = site.text(rule, "memory", "h_vmem")
        if kind == "none":
            return
        is_virtual = kind == "h_vmem"
        headroom = site.headroom(rule, 1.5 if is_virtual else 1.0)
        total = max(
            LEAST_VIRTUAL_MIB if is_virtual else LEAST_MIB, _mib(request.memory_bytes * headroom)
        )
        why = _origin(request, "memory")
        why += f": {_mib(request.memory_bytes)}M in all"
        why += f", {headroom:g} times for virtual memory" if headroom != 1 else ""
        why += f", for each of {request.cores} slots" if request.cores > 1 else ""
        yield Line(f"-l {kind}={-(-total // request.cores)}M", why)


DIALECTS: Mapping[str, Dialect] = {"script": Script(), "slurm": Slurm(), "sge": Sge()}


def _further(unit: Unit, site: Site) -> Iterator[Line]:
    """Other resources as the site has them, and its own options."""
    rule = unit.rule.name
    for name, value in unit.request.resources.items():
        pattern = site.resources.get(name)
        if pattern is not None:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            yield Line(pattern.replace("{value}", shown), _origin(unit.request, name))
    yield from (Line(option, "site") for option in site.options(rule))


def _figures(unit: Unit) -> dict[str, str]:
    request = unit.request
    found = {"cores": str(request.cores), "memory": f"{_mib(request.memory_bytes)}M"}
    if unit.limit_s is not None:
        found["runtime"] = _clock(unit.limit_s)
    return found


def _origin(request: Request, what: str) -> str:
    return str(request.origins.get(what, DEFAULT))


def _runtime(unit: Unit) -> str:
    count = max(map(len, unit.elements))
    why = _origin(unit.request, "runtime")
    return f"{why}, for {count} jobs one after another" if count > 1 else why


def _ceil(figure: float) -> int:
    return -int(-figure // 1)


def _mib(count_bytes: float) -> int:
    return max(1, _ceil(count_bytes / MIB))


def _clock(seconds: float) -> str:
    whole = _ceil(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
