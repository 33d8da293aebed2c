"""JSON back to a `JobGraph`. The file may come from anywhere, so nothing in it is believed: first
its shape is checked against the schema, then that its numbers fit together."""

import json
import os
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.disk import Disk
from flowc.graph.ir_rules import RuleReader
from flowc.graph.ir_write import FORMAT, VERSION
from flowc.graph.job import Columns, JobGraph
from flowc.graph.schema import ShapeError, compile_schema
from flowc.graph.streams import with_streams
from flowc.ids import NO_JOB, FileId, JobId, RuleId
from flowc.lang.values import Flags, flags_named
from flowc.lang.workflow import Rule, Workflow
from flowc.source import Source, Span


def parse_ir(source: Source) -> dict[str, Any]:
    """The JSON of such a file, of a known version and of the right shape."""
    try:
        data = json.loads(source.text, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        cut = not source.text.rstrip().endswith("}") and source.text.lstrip()[:1] in ("", "{")
        why = "the file ends too early" if cut else fault.msg[:1].lower() + fault.msg[1:]
        raise fail(
            "malformed-ir",
            f"this is not JSON: {why}",
            Span(source, fault.pos, fault.pos + 1),
            hint="write it anew with `flowc compile`",
        ) from None
    except (ValueError, RecursionError) as fault:
        why = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise fail("malformed-ir", f"`{source.name}` cannot be read: {why}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise fail(
            "malformed-ir",
            f"`{source.name}` is not a workflow that `flowc compile` has written",
            hint='such a file begins with `"format": "flowc-ir"`',
        )
    version = data.get("version")
    if type(version) is int and version > VERSION:
        raise fail(
            "newer-ir",
            f"`{source.name}` has version {version} of the format; this flowc reads {VERSION}",
            hint=f"it was written by flowc {data.get('flowc', '?')}: use that one or a later one",
        )
    try:
        _shape()(data)
    except ShapeError as fault:
        where = f"at `{fault.path}`: " if fault.path else ""
        raise _malformed(source, f"{where}{fault.message}") from None
    return data


def graph_from_data(data: Mapping[str, Any], source: Source, disk: Disk) -> JobGraph:
    """The graph; the state of its files as `disk` has it now."""
    try:
        return _Reader(data, source, disk).graph(disk)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as fault:
        # Functions and values are opaque to the schema.
        raise _malformed(source, f"{type(fault).__name__}: {fault}") from fault


def _shape() -> Callable[[Any], None]:
    with open(os.path.join(os.path.dirname(__file__), "ir.schema.json"), "rb") as file:
        return compile_schema(json.load(file))


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _malformed(source: Source, message: str) -> WorkflowError:
    return fail(
        "malformed-ir",
        f"`{source.name}` is damaged: {message}",
        hint="write it anew with `flowc compile`",
    )


class _Reader:
    def __init__(self, data: Mapping[str, Any], source: Source, disk: Disk) -> None:
        self.data = data
        self.source = source
        self.faults: list[str] = []
        sources = data["workflow"].get("sources", [])
        self.sources = tuple(Source(s["name"], s["text"]) for s in sources)
        self.rules = RuleReader(self.sources, source, disk)

    def graph(self, disk: Disk) -> JobGraph:
        data = self.data
        workflow = self.workflow()
        names = [tuple(r.get("wildcards", ())) for r in data["workflow"]["rules"]]
        paths = [file["path"] for file in data["files"]]
        producer = array("i", [NO_JOB if f["job"] is None else f["job"] for f in data["files"]])
        groups = [tuple(group) for group in data["groups"]]
        before_update = frozenset(
            FileId(i) for i, file in enumerate(data["files"]) if file.get("before_update")
        )
        self.check_paths([p for i, p in enumerate(paths) if i not in before_update])
        self.check_paths([paths[file] for file in before_update])
        if any(producer[file] != NO_JOB for file in before_update):
            self.faults.append("a job makes a file as it is before its update")
        self.check_ids("a group", (f for group in groups for f in group), len(paths))
        self.check_ids("a file", (j for j in producer if j != NO_JOB), len(data["jobs"]))
        self.check_ids("the targets", data["targets"]["files"], len(paths))
        self.check_ids("the targets", data["targets"]["jobs"], len(data["jobs"]))
        self.stop_at_faults()
        jobs = self.jobs(workflow.rules, names, len(paths), producer, groups)
        self.stop_at_faults()
        graph = JobGraph(
            workflow=workflow,
            paths=paths,
            producer=producer,
            states=disk.stat_many(paths),
            groups=groups,
            wildcard_names=names,
            targets=tuple(FileId(f) for f in data["targets"]["files"]),
            target_jobs=tuple(JobId(j) for j in data["targets"]["jobs"]),
            before_update=before_update,
            opened=frozenset(JobId(j) for j, job in enumerate(data["jobs"]) if "opened" in job),
            **jobs,
        )
        if any(earlier >= job for job, found in graph.waits.items() for earlier in found):
            self.faults.append("a job that reads a file before its update stands behind it")
            self.stop_at_faults()
        return with_streams(graph)

    def workflow(self) -> Workflow:
        data = self.data["workflow"]
        rules = tuple(self.rules.rule(RuleId(i), rule) for i, rule in enumerate(data["rules"]))
        checkpoints = [rule for rule in rules if rule.is_checkpoint]
        self.rules.outputs.update({rule.name: (rule.name, rule.outputs) for rule in checkpoints})
        if len({rule.name for rule in rules}) < len(rules):
            self.faults.append("two rules have the same name")
        default = data.get("default_target")
        if default is not None:
            self.check_ids("the default target", [default], len(rules))
        config = self.rules.value(data.get("config", {}))
        if not isinstance(config, dict):
            self.faults.append("the config is no dict")
            config = {}
        return Workflow(
            rules=rules,
            default_target=None if default is None else RuleId(default),
            ruleorder=tuple(tuple(clause) for clause in data.get("ruleorder", ())),
            limits=data.get("limits", {}),
            config=config,
            shell_executable=data.get("shell_executable", "bash"),
            shell_prefix=data.get("shell_prefix", Workflow.shell_prefix),
            shell_suffix=data.get("shell_suffix", ""),
            env=_environment(data.get("env", ())),
            sources=self.sources,
            checkpoints=self.rules.checkpoints if checkpoints else None,
        )

    def jobs(
        self,
        rules: Sequence[Rule],
        names: Sequence[tuple[str, ...]],
        file_count: int,
        producer: Sequence[int],
        groups: Sequence[tuple[int, ...]],
    ) -> dict[str, Any]:
        """The columns that have an entry for each job."""
        rule_of, wildcards = array("i"), []
        inputs, outputs = Columns(), Columns()
        input_names: dict[JobId, tuple[str | None, ...]] = {}
        input_flags: dict[JobId, dict[FileId, Flags]] = {}
        newest = [max((producer[f] for f in group), default=NO_JOB) for group in groups]
        output_counts = [sum(len(item.files) for item in rule.outputs) for rule in rules]
        for job, data in enumerate(self.data["jobs"]):
            rule = data["rule"]
            if rule >= len(rules):
                self.faults.append(f"job {job} names rule {rule}, and there are {len(rules)}")
                continue
            values = data["wildcards"]
            if values.keys() != set(names[rule]):
                self.faults.append(f"job {job} has other wildcards than rule `{rules[rule].name}`")
                continue
            refs = [r if type(r) is int else ~r["group"] for r in data["inputs"]]
            made = data["outputs"]
            if "input_names" in data:
                input_names[JobId(job)] = tuple(data["input_names"])
            items = data.get("input_names", rules[rule].inputs)
            opened = [~data["opened"]] if "opened" in data else []
            refs += opened
            if (
                len(items) + len(opened) != len(refs)
                or len(made) != output_counts[rule]
                or any(r >= file_count or ~r >= len(groups) for r in refs)
                or any(f >= file_count or producer[f] != job for f in made)
                or any((producer[r] if r >= 0 else newest[~r]) >= job for r in refs)
            ):
                self.faults.append(
                    f"the inputs and outputs of job {job} do not fit its rule, the files or the "
                    "order of the jobs"
                )
                continue
            if "input_flags" in data:
                input_flags[JobId(job)] = {
                    FileId(int(f)): flags_named(flags) for f, flags in data["input_flags"].items()
                }
            rule_of.append(rule)
            wildcards.append(tuple(values[name] for name in names[rule]))
            inputs.append(refs)
            outputs.append(made)
        return {
            "rule_of": rule_of,
            "wildcards": wildcards,
            "inputs": inputs,
            "outputs": outputs,
            "input_names": input_names,
            "input_flags": input_flags,
        }

    def check_paths(self, paths: Sequence[str]) -> None:
        if len(set(paths)) < len(paths):
            self.faults.append("a path occurs twice among the files")
        if any(not path or "\0" in path for path in paths):
            self.faults.append("a path is empty or holds a null byte")

    def check_ids(self, what: str, ids: Any, count: int) -> None:
        if any(id >= count for id in ids):
            self.faults.append(f"{what} has a number that is too large")

    def stop_at_faults(self) -> None:
        if self.faults:
            more = len(self.faults) - 5
            shown = self.faults[:5] + ([f"and {more} more such faults"] if more > 0 else [])
            raise _malformed(self.source, "; ".join(shown))


def _environment(names: Sequence[str]) -> dict[str, str]:
    """The variables that the workflow needs: a file holds their names, never their values."""
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise WorkflowError(
            Diagnostic("missing-envvar", f"the environment variable `{name}` is not set")
            for name in missing
        )
    return {name: os.environ[name] for name in names}
