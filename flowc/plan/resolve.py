"""What a job asks for: its rule's figures, evaluated for the job, with their origins."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import Diagnostic, WorkflowError, printable
from flowc.disk import Disk
from flowc.graph.job import Job, JobGraph
from flowc.ids import NO_JOB, JobId, RuleId
from flowc.lang.values import Record
from flowc.lang.workflow import Rule, Setting
from flowc.plan.call import Later, call_by_name, is_function
from flowc.plan.options import Figure, PlanOptions
from flowc.plan.request import DEFAULT, Origin, Request
from flowc.source import Span
from flowc.units import GIB, MIB, parse_bytes, parse_seconds

if TYPE_CHECKING:  # only for rules with a profile
    from flowc.plan.measured import Profiles

DEFAULT_MEMORY_BYTES = GIB

MEMORY_UNITS = {"mem_gb": "gb", "mem_mb": "mb", "mem_mib": "mb", "mem": "text"}
"""Spellings of memory as a resource, and how their values are read."""

RUNTIME = "runtime"


class _NotYetError(WorkflowError):
    """A figure depends on a file that does not exist yet."""

    def __init__(self) -> None:
        super().__init__(())


@dataclass(slots=True)
class _Draft:
    """A request in the making."""

    job: Job
    attempt: int
    cores: int = 1
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    limit_s: float | None = None
    resources: dict[str, Figure] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    faults: list[Diagnostic] = field(default_factory=list)
    missing: bool = False  # an input that a function has asked for the size of


class Resolver:
    """Requests of the jobs of one graph. A rule without functions is worked out once."""

    def __init__(self, graph: JobGraph, disk: Disk, options: PlanOptions) -> None:
        self.graph = graph
        self.disk = disk
        self.options = options
        self._fixed: dict[RuleId, Request | None] = {}  # None: differs from job to job
        self._group_bytes: dict[int, int] = {}
        self._profiles: Profiles | None = None

    def request(self, job: JobId, attempt: int = 1) -> Request:
        """What the job asks for at this attempt (counted from 1).

        Raises WorkflowError where a function of the rule fails or gives what is no such figure."""
        rule_id = RuleId(self.graph.rule_of[job])
        if rule_id in self._fixed:
            fixed = self._fixed[rule_id]
            return self._resolve(job, attempt) if fixed is None else fixed
        rule = self.graph.workflow.rules[rule_id]
        settings = (rule.threads, rule.mem, rule.runtime, rule.priority, *rule.resources.values())
        request = self._resolve(job, attempt)
        given = self.options.resource_file.get(rule.name)
        varies = rule.profile is not None or (given is not None and given.fitted is not None)
        varies = varies or any(s is not None and is_function(s.value) for s in settings)
        self._fixed[rule_id] = None if varies else request
        return request

    def measured(self, id: JobId) -> int | None:
        """The most memory that a job of its rule has used when that was measured."""
        rule = self.graph.job(id).rule
        given = self.options.resource_file.get(rule.name)
        if given is not None and given.has_memory:
            return given.peak_bytes
        return None if rule.profile is None else self._profile().peak_bytes(rule)

    def _resolve(self, id: JobId, attempt: int) -> Request:
        draft = _Draft(self.graph.job(id), attempt)
        rule = draft.job.rule
        overrides = dict(self.options.set_resources.get(rule.name, {}))
        self._cores(draft, rule)
        self._memory(draft, rule, overrides)
        self._runtime(draft, rule, overrides)
        self._others(draft, rule, overrides)
        priority = self._priority(draft, rule)
        if draft.faults:
            raise WorkflowError(draft.faults)
        return Request(
            cores=draft.cores,
            memory_bytes=draft.memory_bytes,
            limit_s=draft.limit_s,
            resources=draft.resources,
            limits=rule.limits,
            priority=priority,
            origins=draft.origins,
            unknown=tuple(draft.unknown),
        )

    # --- figures --------------------------------------------------------------------------------

    def _cores(self, draft: _Draft, rule: Rule) -> None:
        value: Any = None
        origin = DEFAULT
        if rule.name in self.options.set_threads:
            value = self.options.set_threads[rule.name]
            origin = Origin("override", "--set-threads")
        elif (given := self.options.resource_file.get(rule.name)) and given.cores is not None:
            value, origin = given.cores, Origin("override", given.detail)
        elif rule.threads is not None:
            value = self._value(draft, "threads", rule.threads)
            if value is not None:
                origin = _declared(rule, rule.threads.span, with_profile=True)
        elif rule.profile is not None:
            value, origin = self._profile().cores(rule)
        if value is not None:
            number = self._number(draft, "threads", value, rule.threads, least=0)
            draft.cores = max(1, int(number))
        most = self.options.cores
        if most is not None and draft.cores > most:
            draft.cores, origin = most, Origin("scaled", f"--cores {most}")
        draft.origins["cores"] = origin

    def _memory(self, draft: _Draft, rule: Rule, overrides: dict[str, Figure]) -> None:
        found = _spelled(overrides)
        origin, told = Origin("override", "--set-resources"), DEFAULT
        setting = None
        given = self.options.resource_file.get(rule.name)
        size = None
        if found is None and given is not None:
            size = given.memory(lambda: self._size(draft), draft.attempt)
        if given is not None and size is not None:
            draft.memory_bytes = size
            draft.origins["memory"] = Origin("override", given.detail)
            return
        if found is None and rule.mem is not None:
            value = self._value(draft, rule.mem_spelling, rule.mem, figure="memory")
            if value is not None:
                found, setting = (rule.mem_spelling, rule.mem_unit, value), rule.mem
                origin = _declared(rule, rule.mem.span, with_profile=True)
        elif found is None and rule.profile is not None:
            size, told = self._profile().memory(rule, draft.attempt, lambda: self._size(draft))
            if size is not None:
                draft.memory_bytes, draft.origins["memory"] = size, told
                return
        if found is None:
            found = _spelled(self.options.default_resources)
            origin = Origin("default", "--default-resources")
        if found is None:
            draft.origins["memory"] = told
            return
        spelling, unit, value = found
        read = _bytes(value, unit)
        if read is None:
            needed = 'a size such as "2 GB"' if unit == "text" else "a number larger than 0"
            self._wrong(draft, spelling, needed, value, setting)
            return
        draft.memory_bytes = read
        draft.origins["memory"] = origin

    def _runtime(self, draft: _Draft, rule: Rule, overrides: dict[str, Figure]) -> None:
        value: Any = overrides.pop(RUNTIME, None)
        origin, setting = Origin("override", "--set-resources"), None
        if value is None and rule.runtime is not None:
            setting = rule.runtime
            value = self._value(draft, RUNTIME, setting)
            origin = _declared(rule, setting.span)
        if value is None:
            value = self.options.default_resources.get(RUNTIME)
            origin, setting = Origin("default", "--default-resources"), None
        if value is None:
            draft.origins[RUNTIME] = DEFAULT
            return
        seconds = _seconds(value)
        if seconds is None:
            self._wrong(draft, RUNTIME, 'minutes or a time such as "1h 30m"', value, setting)
            return
        draft.limit_s = seconds
        draft.origins[RUNTIME] = origin

    def _others(self, draft: _Draft, rule: Rule, overrides: dict[str, Figure]) -> None:
        for name, figure in self.options.default_resources.items():
            if name not in MEMORY_UNITS and name != RUNTIME:
                draft.resources[name] = figure
                draft.origins[name] = Origin("default", "--default-resources")
        for name, setting in rule.resources.items():
            if name in overrides:
                continue
            value = self._value(draft, name, setting)
            if value is None:  # unset, also where there is a default for it
                if name not in draft.unknown:
                    draft.resources.pop(name, None)
                    draft.origins.pop(name, None)
                continue
            if isinstance(value, bool):
                value = int(value)
            is_figure = isinstance(value, int | float) and math.isfinite(value) and value >= 0
            if not isinstance(value, str) and not is_figure:
                self._wrong(draft, name, "a number from 0 on, or a text", value, setting)
                continue
            draft.resources[name] = str(value) if isinstance(value, str) else value
            draft.origins[name] = _declared(rule, setting.span)
        for name, figure in overrides.items():
            if name in MEMORY_UNITS:
                continue
            draft.resources[name] = figure
            draft.origins[name] = Origin("override", "--set-resources")

    def _priority(self, draft: _Draft, rule: Rule) -> float:
        if rule.priority is None:
            return 0
        value = self._value(draft, "priority", rule.priority)
        return 0 if value is None else self._number(draft, "priority", value, rule.priority)

    # --- values ---------------------------------------------------------------------------------

    def _value(self, draft: _Draft, name: str, setting: Setting, figure: str = "") -> Any:
        """None where it is unset, or depends on what does not exist yet."""
        if not is_function(setting.value):
            return setting.value
        draft.missing = False
        try:
            return call_by_name(setting.value, draft.job.wildcards, self._arguments(draft))
        except WorkflowError as fault:
            if draft.missing:
                draft.unknown.append("cores" if name == "threads" else figure or name)
            else:
                draft.faults += fault.diagnostics
        return None

    def _arguments(self, draft: _Draft) -> Mapping[str, Any]:
        job = draft.job
        return {
            "input": Later(lambda: self._input(draft)),
            "output": Later(lambda: job.output),
            "attempt": draft.attempt,
            "threads": draft.cores,
            "rulename": job.rule.name,
            "resources": Later(lambda: _so_far(draft)),
        }

    def _input(self, draft: _Draft) -> Record:
        record = draft.job.input
        size = Later(lambda: self._input_bytes(draft))
        extras: dict[str, Callable[[], Any]] = {
            "size": size,
            "size_kb": lambda: size() / 1024,
            "size_mb": lambda: size() / MIB,
            "size_gb": lambda: size() / GIB,
        }
        return Record(record.values, record.names, extras)

    def _input_bytes(self, draft: _Draft) -> int:
        """The size of all inputs. A list of sources, which many jobs may share, is added up once:
        nothing in the run changes them."""
        graph, total = self.graph, 0
        for ref in graph.items_of(draft.job.id):
            if ref >= 0:
                total += self._file_bytes(draft, ref)
                continue
            known = self._group_bytes.get(~ref)
            if known is None:
                group = graph.groups[~ref]
                known = sum(self._file_bytes(draft, file) for file in group)
                if all(graph.producer[file] == NO_JOB for file in group):
                    self._group_bytes[~ref] = known
            total += known
        return total

    def _size(self, draft: _Draft) -> int | None:
        """The size of all inputs; None where that is not known yet."""
        try:
            return self._input_bytes(draft)
        except _NotYetError:
            return None

    def _profile(self) -> "Profiles":
        from flowc.plan.measured import Profiles

        if self._profiles is None:
            self._profiles = Profiles()
        return self._profiles

    def _file_bytes(self, draft: _Draft, file: int) -> int:
        graph = self.graph
        if graph.producer[file] == NO_JOB:
            state = graph.states[file]
        else:
            state = self.disk.stat(graph.paths[file])
        if state is None:
            draft.missing = True
            raise _NotYetError
        return state.size_bytes

    def _number(
        self,
        draft: _Draft,
        name: str,
        value: Any,
        setting: Setting | None,
        least: float = -math.inf,
    ) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = value
            if math.isfinite(number) and number >= least:
                return number
        self._wrong(draft, name, "a number" if least else "a number from 0 on", value, setting)
        return 0

    def _wrong(
        self, draft: _Draft, name: str, needed: str, value: Any, setting: Setting | None
    ) -> None:
        shown = printable(repr(value))
        shown = shown if len(shown) < 60 else shown[:57] + "..."
        draft.faults.append(
            Diagnostic(
                "bad-value",
                f"`{name}` of job `{draft.job.name}` is {needed}, not {shown}",
                None if setting is None else setting.span,
            )
        )


def _so_far(draft: _Draft) -> Record:
    """`resources`, as far as they are known."""
    figures: dict[str, Any] = {
        "mem_gb": draft.memory_bytes / GIB,
        "mem_mb": draft.memory_bytes // MIB,
        **draft.resources,
    }
    if draft.limit_s is not None:
        figures[RUNTIME] = draft.limit_s / 60
    return Record(tuple(figures.values()), {name: i for i, name in enumerate(figures)})


def _spelled(figures: Mapping[str, Figure]) -> tuple[str, str, Figure] | None:
    """Memory among resources: its spelling, how the value is to be read, the value."""
    for spelling, unit in MEMORY_UNITS.items():
        if spelling in figures:
            return spelling, unit, figures[spelling]
    return None


def _bytes(value: Any, unit: str) -> int | None:
    """A figure of memory in bytes; None if it is none."""
    try:
        if isinstance(value, str):
            text = value.strip()
            if _is_plain(text):
                return None if unit == "text" else _bytes(float(text), unit)
            size: float = parse_bytes(text)
        elif unit == "text" or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        else:
            size = value * (GIB if unit == "gb" else MIB)
        return max(1, round(size)) if size > 0 else None
    except (ValueError, OverflowError):
        return None


def _seconds(value: Any) -> float | None:
    """A figure of time in seconds; a number is in minutes."""
    try:
        if isinstance(value, str):
            text = value.strip()
            seconds = float(text) * 60 if _is_plain(text) else parse_seconds(text)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            return None
        else:
            seconds = float(value) * 60
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _is_plain(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}"


def _declared(rule: Rule, span: Span, *, with_profile: bool = False) -> Origin:
    detail = _place(span)
    if with_profile and rule.profile is not None:
        detail += f", profile {rule.profile}"
    return Origin("declared", detail, span)
