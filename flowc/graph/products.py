"""Which rule can make a path: an index over the outputs, logs and benchmarks of all rules.

A path is looked up among the literal products, then by the literal prefix of each pattern (one
dictionary look-up for each length of prefix there is) and by its suffix, so the cost does not grow
with the number of rules.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flowc.dataclass import dataclass, replace
from flowc.diagnostic import Diagnostic, WorkflowError
from flowc.ids import RuleId
from flowc.lang.pattern import Pattern
from flowc.lang.workflow import Item, Rule, Workflow
from flowc.source import Span


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One path pattern that a rule makes."""

    rule: RuleId
    pattern: Pattern
    order: tuple[int, ...]  # where the rule's wildcards stand among the pattern's own
    span: Span | None


class Hit(NamedTuple):
    """A product that matches a path, with the rule's wildcard values, in the rule's order."""

    product: Product
    values: tuple[str, ...]


class Products:
    """The index. `wildcard_names[rule]` is the order of the wildcards in every tuple of values."""

    def __init__(self, workflow: Workflow) -> None:
        self.wildcard_names: list[tuple[str, ...]] = []
        self.outputs: list[tuple[Pattern, ...]] = []  # by rule
        self.count: list[int] = []  # products of each rule
        self._exact: dict[str, list[Product]] = {}
        tables: dict[int, dict[str, list[Product]]] = {}
        faults: list[Diagnostic] = []
        for rule in workflow.rules:
            made = _patterns(rule, rule.outputs, faults)
            others = _patterns(rule, (*rule.logs, *_some(rule.benchmark)), faults)
            names = made[0].names if made else others[0].names if others else ()
            self.wildcard_names.append(names)
            self.outputs.append(made)
            self.count.append(len(made) + len(others))
            items = (*rule.outputs, *rule.logs, *_some(rule.benchmark))
            spans = [item.span for item in items for _ in item.files]
            for pattern, span in zip((*made, *others), spans, strict=False):
                if set(pattern.names) != set(names):
                    continue  # the loader has refused such a rule; a log may lack wildcards
                order = tuple(pattern.names.index(n) for n in names)
                product = Product(rule.id, pattern, order, span)
                if names:
                    table = tables.setdefault(len(pattern.prefix), {})
                    table.setdefault(pattern.prefix, []).append(product)
                else:
                    self._exact.setdefault(pattern.text, []).append(product)
        if faults:
            raise WorkflowError(faults)
        self._tables = [
            (length, {prefix: _Bucket(products) for prefix, products in table.items()})
            for length, table in sorted(tables.items())
        ]

    def find(self, path: str) -> list[Hit]:
        """Everything that matches `path`, in no particular order."""
        hits: list[Hit] = []
        exact = self._exact.get(path)
        if exact is not None:
            hits = [Hit(product, ()) for product in exact]
        for length, table in self._tables:
            bucket = table.get(path[:length])
            if bucket is not None:
                bucket.find(path, hits)
        return hits


class _Bucket:
    """Patterns that share a literal prefix, by their suffix."""

    __slots__ = ("tables",)

    def __init__(self, products: Iterable[Product]) -> None:
        tables: dict[int, dict[str, list[Product]]] = {}
        for product in products:
            suffix = product.pattern.suffix
            tables.setdefault(len(suffix), {}).setdefault(suffix, []).append(product)
        self.tables = list(tables.items())

    def find(self, path: str, hits: list[Hit]) -> None:
        size = len(path)
        for length, table in self.tables:
            for product in table.get(path[size - length :] if length else "", ()):
                pattern = product.pattern
                if pattern.is_simple:
                    start, end = len(pattern.prefix), size - length
                    if end > start:
                        hits.append(Hit(product, (path[start:end],)))
                else:
                    try:
                        values = pattern.match(path)
                    except WorkflowError as fault:  # too costly a constraint
                        raise _at(product.span, fault) from None
                    if values is not None:
                        hits.append(Hit(product, tuple([values[i] for i in product.order])))


def _at(span: Span | None, fault: WorkflowError) -> WorkflowError:
    return WorkflowError(replace(d, span=d.span or span) for d in fault.diagnostics)


def _patterns(rule: Rule, items: Sequence[Item], faults: list[Diagnostic]) -> tuple[Pattern, ...]:
    found = []
    for item in items:
        for text in item.files:
            try:
                found.append(Pattern(text, rule.constraints))
            except ValueError as fault:
                faults.append(Diagnostic("bad-constraint", str(fault), item.span))
    return tuple(found)


def _some(item: Item | None) -> tuple[Item, ...]:
    return () if item is None else (item,)
