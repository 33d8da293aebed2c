"""A site's settings: `site.yaml`, what a cluster wants to be told that a workflow does not know."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowc.dataclass import dataclass, field
from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.source import Source, Span

_ONE_WORD = re.compile(r"[^\s'\"\\]+")

# fmt: off
KEYS = {  #              what it takes, and what it is for
    "queue":            ("word",    "the queue, or Slurm's partition"),
    "account":          ("word",    "who is charged"),
    "project":          ("word",    "Grid Engine's project"),
    "qos":              ("word",    "Slurm's quality of service"),
    "pe":               ("word",    "Grid Engine's parallel environment (default: smp)"),
    "memory":           ("memory",  "what the memory is asked for with"),
    "memory_headroom":  ("factor",  "how many times the memory is asked for"),
    "environment":      ("scope",   "whether jobs get the environment of who submits them"),
    "options":          ("options", "further options, one in each text"),
    "setup":            ("text",    "lines of bash that each job script runs first"),
    "max_array":        ("count",   "how many elements an array may have (default: 1000)"),
    "max_running":      ("count",   "how many elements of one array may run at once"),
    "resources":        ("options by name", "an option for a resource, with `{value}` in it"),
    "rules":            ("settings by rule", "any of the settings above, for one rule"),
}
# fmt: on
BY_RULE = frozenset(KEYS) - {"max_array", "max_running", "resources", "rules", "setup"}
FEW_VARIABLES = ("HOME", "LOGNAME", "PATH", "SHELL", "USER")
"""What a job has of the environment of who submits it even where it shall have none."""
CHOICES = {"memory": ("mem", "h_vmem", "mem_free", "none"), "scope": ("all", "none")}


@dataclass(frozen=True, slots=True)
class Site:
    """Settings of a cluster; those of a rule beat the others."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def text(self, rule: str, key: str, default: str = "") -> str:
        value = self.rules.get(rule, {}).get(key, self.settings.get(key, default))
        return str(value)

    def headroom(self, rule: str, default: float) -> float:
        return float(self.text(rule, "memory_headroom") or default)

    def options(self, rule: str) -> list[str]:
        """The site's, then the rule's."""
        return [*self.settings.get("options", ()), *self.rules.get(rule, {}).get("options", ())]

    def environment(self, rule: str, env: Mapping[str, str]) -> dict[str, str]:
        """What a job gets of this environment. Its locale it has in any case."""
        if self.text(rule, "environment", "all") == "all":
            return dict(env)
        kept = (*FEW_VARIABLES, "LANG", "LANGUAGE")
        return {n: value for n, value in env.items() if n in kept or n.startswith("LC_")}

    @property
    def resources(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.settings.get("resources", {})
        return found


def read_site(path: str, rules: Iterable[str] | None) -> Site:
    """Raises WorkflowError with every fault of the file. `rules`: names that there are; None:
    nobody knows here."""
    import yaml  # only with --site

    try:
        with open(path, encoding="utf-8") as file:
            source = Source(path, file.read())
        tree = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise fail("bad-site", f"cannot read `{path}`: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise fail("bad-site", f"`{path}` is not YAML: {' '.join(str(error).split())}") from None
    known = None if rules is None else frozenset(rules)
    reader = _Reader(source, known, yaml.SafeLoader(""))
    found = reader.settings(tree, frozenset(KEYS)) if tree is not None else {}
    if reader.faults:
        raise WorkflowError(reader.faults)
    by_rule = found.pop("rules", {})
    return Site(found, by_rule)


class _Reader:
    """Reads the nodes of a YAML file, each with its place."""

    def __init__(self, source: Source, rules: frozenset[str] | None, loader: Any) -> None:
        self._source, self._rules, self._loader = source, rules, loader
        self.faults: list[Diagnostic] = []

    def settings(self, node: Any, allowed: frozenset[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, key, value in self._pairs(node):
            if name not in allowed:
                self._unknown(name, key, allowed, "a site has no setting")
                continue
            read = self._value(name, KEYS[name][0], value)
            if read is not None:
                found[name] = read
        return found

    def _pairs(self, node: Any) -> Iterator[tuple[str, Any, Any]]:
        if node.id != "mapping":
            self._fault(node, "settings are `NAME: VALUE` lines")
            return
        for key, value in node.value:
            yield str(key.value), key, value

    def _value(self, name: str, kind: str, node: Any) -> Any:
        if kind == "settings by rule":
            return self._by_rule(node)
        if kind == "options by name":
            pairs = self._pairs(node)
            return {n: text for n, _, v in pairs if (text := self._option(v)) is not None}
        if kind == "options":
            if node.id != "sequence":
                self._fault(node, f'`{name}` is a list of texts: `["--exclusive"]`')
                return None
            return [text for one in node.value if (text := self._option(one)) is not None]
        value = self._plain(node)
        wrong = _wrong(kind, value)
        if wrong:
            self._fault(node, f"`{name}` {wrong}")
            return None
        return value

    def _by_rule(self, node: Any) -> dict[str, Any]:
        found = {}
        for name, key, value in self._pairs(node):
            if self._rules is not None and name not in self._rules:
                self._unknown(name, key, self._rules, "there is no rule")
            else:
                found[name] = self.settings(value, BY_RULE)
        return found

    def _option(self, node: Any) -> str | None:
        value = self._plain(node)
        if isinstance(value, str) and value.isprintable():
            return value
        self._fault(node, "an option is a text of one line")
        return None

    def _plain(self, node: Any) -> Any:
        return self._loader.construct_object(node, deep=True)

    def _unknown(self, name: str, node: Any, known: Iterable[str], what: str) -> None:
        from difflib import get_close_matches  # only after a mistake

        near = get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(known))}"
        span = self._span(node)
        self.faults.append(Diagnostic("bad-site", f"{what} `{name}`", span, hint=hint))

    def _fault(self, node: Any, message: str) -> None:
        self.faults.append(Diagnostic("bad-site", message, self._span(node)))

    def _span(self, node: Any) -> Span:
        return Span(self._source, node.start_mark.index, node.end_mark.index)


def _wrong(kind: str, value: Any) -> str:
    """What is wrong with a value; "" if nothing is."""
    if kind in CHOICES:
        return "" if value in CHOICES[kind] else f"is one of {', '.join(CHOICES[kind])}"
    if kind == "count":
        fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return "" if fits else "is a whole number, 1 or more"
    if kind == "factor":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if fits and 0 < value < 1000 else "is a number, such as 1.5"
    if kind == "text":
        return "" if isinstance(value, str) else "is a text"
    fits = isinstance(value, str | int) and bool(_ONE_WORD.fullmatch(str(value)))
    return "" if fits else "is one word without quotes"
