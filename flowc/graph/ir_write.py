"""A `JobGraph` as lines of JSON: one file, job or request a line, so that two versions of a
workflow can be compared by `diff` and a graph of a million jobs is never in memory as text."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flowc import __version__
from flowc.graph.job import JobGraph
from flowc.ids import NO_JOB, JobId
from flowc.lang.encode import value_to_data
from flowc.lang.script import Script
from flowc.lang.template import Placeholder, Template
from flowc.lang.values import FLAG_NAMES, FlaggedPath, Flags
from flowc.lang.workflow import Item, Param, Rule, Setting
from flowc.source import Source, Span

FORMAT = "flowc-ir"
VERSION = 1
"""It grows when a reader of an older version would misread a file. New fields alone do not."""

RequestOf = Callable[[JobId], Mapping[str, Any]]
"""What a job asks for, as data; `Span`s in it are written as places."""


def ir_lines(graph: JobGraph, request_of: RequestOf | None = None) -> Iterator[str]:
    """The file's lines, without newlines."""
    writer = _Writer(graph)
    yield "{"
    yield f'"format": {_encode(FORMAT)},'
    yield f'"version": {VERSION},'
    yield f'"flowc": {_encode(__version__)},'
    yield f'"workflow": {json.dumps(writer.workflow(), indent=1)},'
    yield f'"targets": {_encode({"files": graph.targets, "jobs": graph.target_jobs})},'
    yield from _array("groups", map(_encode, graph.groups), ",")
    yield from _array("files", writer.files(), ",")
    yield from _array("jobs", writer.jobs(request_of), ",")
    yield from _array("requests", iter(writer.requests), "")
    yield "}"


_encode = json.JSONEncoder(ensure_ascii=True).encode


def _array(name: str, items: Iterator[str], behind: str) -> Iterator[str]:
    yield f'"{name}": ['
    held: str | None = None
    for item in items:
        if held is not None:
            yield f"{held},"
        held = item
    if held is not None:
        yield held
    yield f"]{behind}"


class _Writer:
    def __init__(self, graph: JobGraph) -> None:
        self.graph = graph
        self.sources: dict[str, Source] = {s.name: s for s in graph.workflow.sources}
        self.requests: dict[str, int] = {}  # its JSON -> its index; most jobs share a few

    def workflow(self) -> dict[str, Any]:
        w = self.graph.workflow
        names = self.graph.wildcard_names
        rules = [self.rule(rule, names[rule.id]) for rule in w.rules]
        return {
            "rules": rules,
            "default_target": w.default_target,
            "ruleorder": w.ruleorder,
            "limits": dict(w.limits),
            "config": value_to_data(dict(w.config)),
            "shell_executable": w.shell_executable,
            "shell_prefix": w.shell_prefix,
            "shell_suffix": w.shell_suffix,
            "env": list(w.env),  # names alone: values may be secrets
            "sources": [{"name": s.name, "text": s.text} for s in self.sources.values()],
        }

    def rule(self, rule: Rule, wildcards: Sequence[str]) -> dict[str, Any]:
        return {
            "name": rule.name,
            "span": self.span(rule.span),
            "docstring": rule.docstring,
            "wildcards": wildcards,
            "constraints": dict(rule.constraints),
            "inputs": [self.item(item) for item in rule.inputs],
            "outputs": [self.item(item) for item in rule.outputs],
            "logs": [self.item(item) for item in rule.logs],
            "benchmark": None if rule.benchmark is None else self.item(rule.benchmark),
            "benchmark_repeats": rule.benchmark_repeats,
            "params": [self.param(param) for param in rule.params],
            "env": [self.param(param) for param in rule.env],
            "threads": self.setting(rule.threads),
            "mem": self.setting(rule.mem),
            "mem_unit": rule.mem_unit,
            "mem_spelling": rule.mem_spelling,
            "runtime": self.setting(rule.runtime),
            "priority": self.setting(rule.priority),
            "resources": {name: self.setting(s) for name, s in rule.resources.items()},
            "limits": dict(rule.limits),
            "profile": rule.profile,
            "profile_span": self.span(rule.profile_span),
            "command": self.template(rule.command),
            "script": None if rule.script is None else script_to_data(rule.script),
            "message": self.template(rule.message),
            "retries": rule.retries,
            "group": value_to_data(rule.group, rule.span),
            "local": rule.local,
            "checkpoint": rule.is_checkpoint,
            "shadow": rule.shadow,
        }

    def item(self, item: Item) -> dict[str, Any]:
        return {
            "name": item.name,
            "files": [_pattern(path) for path in item.files],
            "list": item.is_list,
            "function": None if item.function is None else item.function.to_data(),
            "unpack": item.unpack,
            "span": self.span(item.span),
        }

    def param(self, param: Param) -> dict[str, Any]:
        return {
            "name": param.name,
            "value": value_to_data(param.value, param.span),
            "span": self.span(param.span),
        }

    def setting(self, setting: Setting | None) -> dict[str, Any] | None:
        if setting is None:
            return None
        value = value_to_data(setting.value, setting.span)
        return {"value": value, "span": self.span(setting.span)}

    def template(self, template: Template | None) -> dict[str, Any] | None:
        if template is None:
            return None
        parts = [p if isinstance(p, str) else self.placeholder(p) for p in template.parts]
        return {"text": template.text, "parts": parts}

    def placeholder(self, part: Placeholder) -> dict[str, Any]:
        return {
            "root": part.root,
            "path": part.path,
            "spec": part.spec,
            "conversion": part.conversion,
            "context": part.context,
            "span": self.span(part.span),
        }

    def span(self, span: Span | None) -> dict[str, Any] | None:
        if span is None:
            return None
        self.sources.setdefault(span.source.name, span.source)
        return span.to_data()

    def files(self) -> Iterator[str]:
        before = self.graph.before_update
        for file, (path, job) in enumerate(zip(self.graph.paths, self.graph.producer, strict=True)):
            made = "null" if job == NO_JOB else job
            more = ', "before_update": true' if before and file in before else ""
            yield f'{{"path": {_encode(path)}, "job": {made}{more}}}'

    def jobs(self, request_of: RequestOf | None) -> Iterator[str]:
        graph = self.graph
        names = graph.wildcard_names
        for job, rule in enumerate(graph.rule_of):
            data: dict[str, Any] = {
                "rule": rule,
                "wildcards": dict(zip(names[rule], graph.wildcards[job], strict=True)),
                "inputs": [r if r >= 0 else {"group": ~r} for r in graph.items_of(JobId(job))],
                "outputs": list(graph.outputs[job]),
            }
            if JobId(job) in graph.input_names:
                data["input_names"] = graph.input_names[JobId(job)]
            if JobId(job) in graph.input_flags:
                flagged = graph.input_flags[JobId(job)]
                data["input_flags"] = {str(f): flag_list(flags) for f, flags in flagged.items()}
            if JobId(job) in graph.opened:
                data["opened"] = ~graph.inputs[job][-1]
            if request_of is not None:
                data["request"] = self.request(request_of(JobId(job)))
            yield _encode(data)

    def request(self, request: Mapping[str, Any]) -> int:
        text = json.dumps(request, default=self.span)
        return self.requests.setdefault(text, len(self.requests))


def _pattern(path: str) -> str | dict[str, Any]:
    if not isinstance(path, FlaggedPath):
        return path
    data: dict[str, Any] = {"path": str(path), "flags": flag_list(path.flags), "rule": path.rule}
    if path.flags.ensure:
        data["ensure"] = [[kind, value_to_data(value)] for kind, value in path.flags.ensure]
    return data


def script_to_data(script: Script) -> dict[str, Any]:
    return {
        "language": script.language,
        "directory": script.directory,
        "file": script.file,
        "line": script.line,
        "preamble": list(script.preamble),
        "names": value_to_data(dict(script.names)),
    }


def flag_list(flags: Flags) -> list[str]:
    return [name for name in FLAG_NAMES if getattr(flags, name)]
