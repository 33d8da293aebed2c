"""Rules read back from the IR's JSON: settings, items, templates, and where they were written."""

from collections.abc import Mapping, Sequence
from typing import Any

from flowc.dataclass import replace
from flowc.disk import Disk
from flowc.ids import RuleId
from flowc.lang.checkpoints import Checkpoints
from flowc.lang.data import Decoder
from flowc.lang.evaluate import Interpreter
from flowc.lang.names import Scope
from flowc.lang.script import Script
from flowc.lang.template import Placeholder, Template
from flowc.lang.values import FlaggedPath, flags_named
from flowc.lang.workflow import Item, Param, Rule, Setting
from flowc.source import Source, Span

Data = Mapping[str, Any]


class RuleReader:
    """Data of the right shape to rules. `sources` are the texts that places refer to; a place
    that is not given is the beginning of `fallback`, the file that is being read."""

    def __init__(self, sources: Sequence[Source], fallback: Source, disk: Disk) -> None:
        self.interpreter = Interpreter(disk)
        self.scope = Scope()
        self.checkpoints = Checkpoints()
        self.outputs: dict[str, tuple[str, Sequence[Item]]] = {}  # of checkpoints
        builtins = self.interpreter.builtins
        builtins["checkpoints"] = self.checkpoints.namespace(self.outputs.get)
        self.checkpoints.add_open(builtins, self.interpreter.members, self.interpreter.budget)
        self.sources = {source.name: source for source in sources}
        self.nowhere = Span(fallback, 0, 0)

    def rule(self, id: RuleId, data: Data) -> Rule:
        benchmark = data.get("benchmark")
        profile_span = data.get("profile_span")
        resources = data.get("resources", {})
        return Rule(
            id=id,
            name=data["name"],
            span=self.span(data.get("span")),
            docstring=data.get("docstring"),
            constraints=data.get("constraints", {}),
            inputs=self.items(data.get("inputs", ())),
            outputs=self.items(data.get("outputs", ())),
            logs=self.items(data.get("logs", ())),
            benchmark=None if benchmark is None else self.item(benchmark),
            benchmark_repeats=data.get("benchmark_repeats", 1),
            params=tuple(self.param(param) for param in data.get("params", ())),
            env=tuple(self.param(param) for param in data.get("env", ())),
            threads=self.setting(data.get("threads")),
            mem=self.setting(data.get("mem")),
            mem_unit=data.get("mem_unit", "gb"),
            mem_spelling=data.get("mem_spelling", "mem_gb"),
            runtime=self.setting(data.get("runtime")),
            priority=self.setting(data.get("priority")),
            resources={n: s for n, d in resources.items() if (s := self.setting(d)) is not None},
            limits=data.get("limits", {}),
            profile=data.get("profile"),
            profile_span=None if profile_span is None else self.span(profile_span),
            command=self.template(data.get("command")),
            script=self.script(data.get("script")),
            message=self.template(data.get("message")),
            retries=data.get("retries"),
            group=self.value(data.get("group")),
            local=data.get("local", False),
            is_checkpoint=data.get("checkpoint", False),
            shadow=data.get("shadow"),
        )

    def items(self, data: Sequence[Data]) -> tuple[Item, ...]:
        return tuple(self.item(item) for item in data)

    def item(self, data: Data) -> Item:
        return Item(
            name=data.get("name"),
            files=tuple(self.pattern(file) for file in data["files"]),
            is_list=data.get("list", False),
            function=self.function(data.get("function")),
            unpack=data.get("unpack", False),
            span=self.span(data.get("span")),
        )

    def pattern(self, data: Any) -> str:
        if isinstance(data, str):
            return data
        flags = flags_named(data.get("flags", ()))
        if "ensure" in data:
            checks = tuple((kind, self.value(value)) for kind, value in data["ensure"])
            flags = replace(flags, ensure=checks)
        return FlaggedPath(data["path"], flags, data.get("rule"))

    def param(self, data: Data) -> Param:
        return Param(data.get("name"), self.value(data["value"]), self.span(data.get("span")))

    def setting(self, data: Data | None) -> Setting | None:
        if data is None:
            return None
        return Setting(self.value(data["value"]), self.span(data.get("span")))

    def script(self, data: Data | None) -> Script | None:
        if data is None:
            return None
        names = self.value(data["names"])
        return Script(**{**data, "preamble": tuple(data["preamble"]), "names": names})

    def template(self, data: Data | None) -> Template | None:
        if data is None:
            return None
        parts = tuple(p if isinstance(p, str) else self.placeholder(p) for p in data["parts"])
        return Template(data["text"], parts)

    def placeholder(self, data: Data) -> Placeholder:
        span = data.get("span")
        return Placeholder(
            root=data["root"],
            path=tuple(data["path"]),
            spec=data.get("spec", ""),
            conversion=data.get("conversion", ""),
            context=data["context"],
            span=None if span is None else self.span(span),
        )

    def function(self, data: Data | None) -> Any:
        return None if data is None else self._decoder().function(data)

    def value(self, data: Any) -> Any:
        return self._decoder().value(data)

    def _decoder(self) -> Decoder:
        return Decoder(self.interpreter, self.scope, self.checkpoints.is_made)

    def span(self, data: Data | None) -> Span:
        source = None if data is None else self.sources.get(data["file"])
        if source is None or data is None:
            return self.nowhere
        start = source.offset(data["line"], data["column"])
        end = source.offset(data["end_line"], data["end_column"])
        return Span(source, start, max(start, end))
