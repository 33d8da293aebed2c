"""What the placeholders of a command stand for: `input`, `params`, `resources` ... of one job."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowc.diagnostic import fail
from flowc.graph.job import Job
from flowc.lang.pattern import Pattern, wildcard_names
from flowc.lang.values import FlaggedPath, Record, variable_text
from flowc.lang.workflow import Param
from flowc.plan.call import call_by_name, is_function
from flowc.plan.request import Request
from flowc.units import GIB, MIB


class JobValues(Mapping[str, Any]):
    """The values of one attempt at one job, each computed when asked for."""

    def __init__(self, job: Job, attempt: int, request: Request) -> None:
        self.job = job
        self.attempt = attempt
        self.request = request
        self._known: dict[str, Any] = {}

    def __getitem__(self, root: str) -> Any:
        """The value of a placeholder's first word. Raises KeyError for one that there is not."""
        if root not in self._known:
            self._known[root] = _MAKERS[root](self)
        return self._known[root]

    def __contains__(self, root: object) -> bool:
        return root in _MAKERS

    def __iter__(self) -> Iterator[str]:
        return iter(_MAKERS)

    def __len__(self) -> int:
        return len(_MAKERS)

    def input(self) -> Record:
        record = self.job.input
        paths = record.values
        sizes = {
            name: (lambda unit=unit: _total_bytes(paths) / unit)
            for name, unit in (("size", 1), ("size_kb", 1024), ("size_mb", MIB), ("size_gb", GIB))
        }
        return Record(record.values, record.names, sizes)

    def output(self) -> Record:
        return self.job.output

    def wildcards(self) -> Record:
        return self.job.wildcards

    def log(self) -> Record:
        return self.job.log

    def benchmark(self) -> str:
        item = self.job.rule.benchmark
        return "" if item is None else str(self.job.fill((item,)))

    def params(self) -> Record:
        values: list[Any] = []
        names: dict[str, int | slice] = {}
        for param in self.job.rule.params:
            if param.name is not None:
                names[param.name] = len(values)
            values.append(self._param(param))
        return Record(tuple(values), names)

    def env(self) -> dict[str, str]:
        """The variables that the rule sets. Raises WorkflowError where a function gives none."""
        found = {}
        for param in self.job.rule.env:
            text = variable_text(self._param(param))
            if text is None:
                what = f"`env` of rule `{self.job.rule.name}`: `{param.name}` is no text or number"
                raise fail("bad-value", what, param.span)
            found[str(param.name)] = text
        return found

    def _param(self, param: Param) -> Any:
        if is_function(param.value):
            return call_by_name(param.value, self["wildcards"], self)
        return _fill(param.value, self.job.wildcard_items)

    def resources(self) -> Record:
        request = self.request
        found: dict[str, Any] = {
            "_cores": request.cores,
            "_nodes": 1,
            "mem_gb": _whole(request.memory_bytes / GIB),
            "mem_mb": -(-request.memory_bytes // MIB),
            "mem_mib": -(-request.memory_bytes // MIB),
            "tmpdir": os.environ.get("TMPDIR") or "/tmp",
        }
        if request.limit_s is not None:
            found["runtime"] = _whole(request.limit_s / 60)
        found.update(request.resources)
        return Record(tuple(found.values()), {name: i for i, name in enumerate(found)})


def _total_bytes(paths: tuple[str, ...]) -> int:
    return sum(os.stat(path).st_size for path in paths)


def _whole(figure: float) -> int | float:
    """2.0 reads `2` in a command."""
    return int(figure) if figure == int(figure) else figure


def _fill(value: Any, wildcards: dict[str, str]) -> Any:
    """Wildcards filled in where they are: in texts, also in those of lists and dicts."""
    kind = type(value)
    if kind is str or kind is FlaggedPath:
        if "{" not in value or not wildcard_names(value):
            return str(value)
        return Pattern(value).fill(wildcards)
    if kind is list:
        return [_fill(v, wildcards) for v in value]
    if kind is tuple:
        return tuple(_fill(v, wildcards) for v in value)
    if kind is dict:
        return {k: _fill(v, wildcards) for k, v in value.items()}
    return value


_MAKERS: dict[str, Callable[[JobValues], Any]] = {
    "input": JobValues.input,
    "output": JobValues.output,
    "wildcards": JobValues.wildcards,
    "log": JobValues.log,
    "benchmark": JobValues.benchmark,
    "params": JobValues.params,
    "resources": JobValues.resources,
    "threads": lambda values: values.request.cores,
    "mem_gb": lambda values: _whole(values.request.memory_bytes / GIB),
    "attempt": lambda values: values.attempt,
    "rule": lambda values: values.job.rule.name,
    "rulename": lambda values: values.job.rule.name,
    "jobid": lambda values: int(values.job.id),
}
