"""From an expression's tree to a Python closure that computes it: each node is visited once.

A closure takes a frame (see `names`) and gives the value. What can fail catches Python's own
exceptions and names the guilty node's span; in CPython a `try` that is not needed costs nothing.
"""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.calls import compile_call
from flowc.lang.comprehension import compile_comprehension
from flowc.lang.faults import PoisonedError, choices, explain, near, short
from flowc.lang.formatting import converted, formatted, text_of
from flowc.lang.functions import compile_lambda
from flowc.lang.limits import LARGE, NESTING, Budget, Refusal, a_type
from flowc.lang.members import Members
from flowc.lang.names import AROUND, SCOPE, UNSET, Context, Frame, Run
from flowc.lang.operations import (
    compile_binary,
    compile_comparison,
    compile_conditional,
    compile_logical,
    compile_unary,
)
from flowc.lang.operators import (
    binary_operators,
    comparison_operators,
    get_item,
    in_place_operators,
)
from flowc.lang.statements import compile_body
from flowc.source import Span
from flowc.syntax import tree

MAX_EXPRESSION_DEPTH = 150


class Compiler:
    """Compiles the expressions of one interpreter; knows its budget and built-ins."""

    def __init__(self, budget: Budget, builtins: dict[str, Any], members: Members) -> None:
        self.budget = budget
        self.builtins = builtins
        self.members = members
        self.binary = binary_operators(budget)
        self.in_place = in_place_operators(budget, self.binary)
        self.compare = comparison_operators(budget)
        self._visit: dict[type, Callable[[Any, Context], Run]] = {
            tree.Literal: self._literal,
            tree.FString: self._fstring,
            tree.Var: self.variable,
            tree.Attribute: self._attribute,
            tree.Subscript: self._subscript,
            tree.Slice: self._slice,
            tree.Call: partial(compile_call, self),
            tree.Unary: partial(compile_unary, self),
            tree.Binary: partial(compile_binary, self),
            tree.Logical: partial(compile_logical, self),
            tree.Comparison: partial(compile_comparison, self),
            tree.Conditional: partial(compile_conditional, self),
            tree.Lambda: partial(compile_lambda, self),
            tree.Starred: self._starred,
            tree.Sequence: self._sequence,
            tree.Dict: self._dict,
            tree.Comprehension: partial(compile_comprehension, self),
        }

    def compile(self, node: tree.Expr, context: Context) -> Run:
        context.depth += 1
        if context.depth > MAX_EXPRESSION_DEPTH:
            context.depth = 0
            raise fail(
                "too-deep",
                f"the expression is nested more than {MAX_EXPRESSION_DEPTH} levels deep",
                node.span,
            )
        run = self._visit[type(node)](node, context)
        context.depth -= 1
        return run

    def body(self, statements: tuple[tree.Statement, ...], context: Context) -> Run:
        """The body of a `def`."""
        return compile_body(self, statements, context)

    # --- leaves ---

    def _literal(self, node: tree.Literal, context: Context) -> Run:
        value = node.value
        return lambda frame: value

    def variable(self, node: tree.Var, context: Context, *, whole: bool = True) -> Run:
        name, span = node.name, node.span
        place = context.resolve(name)
        if place is None:
            context.globals_used.add(name)
            if whole:
                context.whole_used.add(name)
            return self._global(name, span)
        up, slot = place
        if up:
            context.cells_used[name] = place
            return _outer(name, span, up, slot)
        if slot in context.always_set:
            return itemgetter(slot)

        def local(frame: Frame) -> Any:
            value = frame[slot]
            if value is UNSET:
                raise _not_assigned(name, span)
            return value

        return local

    def _global(self, name: str, span: Span) -> Run:
        builtins = self.builtins

        def run(frame: Frame) -> Any:
            scope = frame[SCOPE]
            try:
                return scope.names[name]
            except KeyError:
                pass
            try:
                return scope.get(name)
            except KeyError:
                if scope.is_poisoned(name):
                    raise PoisonedError from None
            if name in builtins:
                return builtins[name]
            raise fail(
                "unknown-name",
                f"the name `{name}` is not defined",
                span,
                hint=near(name, [*scope.all_names(), *builtins]),
            )

        return run

    # --- text ---

    def _fstring(self, node: tree.FString, context: Context) -> Run:
        parts = [
            part if isinstance(part, str) else self._replacement(part, context)
            for part in node.parts
        ]
        if all(isinstance(part, str) for part in parts):
            text = "".join([str(p) for p in parts])
            return lambda frame: text
        if len(parts) == 2 and isinstance(parts[0], str) and not isinstance(parts[1], str):
            return self._prefixed(parts[0], parts[1], node.span)
        budget, span = self.budget, node.span

        def run(frame: Frame) -> str:
            text = "".join([p if type(p) is str else p(frame) for p in parts])  # type: ignore
            if len(text) > LARGE:
                try:
                    budget.text(len(text))
                except Refusal as fault:
                    raise explain(fault, span) from None
            return text

        return run

    def _prefixed(self, prefix: str, run_value: Run, span: Span) -> Run:
        """`f"prefix{value}"`: the most common of all, a call less."""
        budget = self.budget

        def run(frame: Frame) -> str:
            text: str = prefix + run_value(frame)
            if len(text) > LARGE:
                try:
                    budget.text(len(text))
                except Refusal as fault:
                    raise explain(fault, span) from None
            return text

        return run

    def _replacement(self, node: tree.Replacement, context: Context) -> Run:
        value = self.compile(node.value, context)
        spec = self.compile(node.spec, context) if node.spec is not None else None
        conversion, budget, span = node.conversion, self.budget, node.span

        def plain(frame: Frame) -> str:
            found = value(frame)
            kind = type(found)
            if kind is str:
                return found  # type: ignore[no-any-return]
            try:
                return str(found) if kind is int else text_of(budget, found)
            except Exception as fault:
                raise explain(fault, span) from None

        def full(frame: Frame) -> str:
            found = value(frame)
            how = spec(frame) if spec is not None else ""
            try:
                if conversion:
                    found = converted(budget, found, conversion)
                return formatted(budget, found, how)
            except Exception as fault:
                raise explain(fault, span) from None

        return full if conversion or spec is not None else plain

    # --- members and items ---

    def _attribute(self, node: tree.Attribute, context: Context) -> Run:
        name, span = node.name.text, node.name.span
        if isinstance(node.value, tree.Var):
            value = self.variable(node.value, context, whole=False)
            context.members_used.setdefault(node.value.name, set()).add(name)
        else:
            value = self.compile(node.value, context)
        get = self.members.get

        def run(frame: Frame) -> Any:
            found = value(frame)
            try:
                return get(found, name)
            except Exception as fault:
                raise explain(fault, span) from None

        return run

    def _subscript(self, node: tree.Subscript, context: Context) -> Run:
        value = self.compile(node.value, context)
        index = self.compile(node.index, context)
        span, index_span, budget = node.span, node.index.span, self.budget

        def run(frame: Frame) -> Any:
            holder = value(frame)
            key = index(frame)
            try:
                return get_item(budget, holder, key)
            except (KeyError, IndexError) as fault:
                raise missing_item(fault, holder, key, index_span) from None
            except Exception as fault:
                raise explain(fault, span) from None

        return run

    def _slice(self, node: tree.Slice, context: Context) -> Run:
        parts = [
            self.compile(part, context) if part is not None else _none
            for part in (node.start, node.stop, node.step)
        ]
        start, stop, step = parts
        return lambda frame: slice(start(frame), stop(frame), step(frame))

    # --- displays ---

    def _starred(self, node: tree.Starred, context: Context) -> Run:
        raise fail("misplaced-star", "`*` may stand only inside a list, tuple or call", node.span)

    def spread(self, items: tuple[tree.Expr, ...], context: Context) -> Run:
        """A list of the items' values, `*x` spread."""
        if not any(isinstance(item, tree.Starred) for item in items):
            runs = [self.compile(item, context) for item in items]
            return lambda frame: [run(frame) for run in runs]
        parts = [
            (self.compile(item.value, context), item.span)
            if isinstance(item, tree.Starred)
            else (self.compile(item, context), None)
            for item in items
        ]
        budget = self.budget

        def run(frame: Frame) -> Any:
            out: list[Any] = []
            for part, star in parts:
                if star is None:
                    out.append(part(frame))
                    continue
                value = part(frame)
                try:
                    more = budget.listed(value)
                    budget.items(len(out) + len(more))
                except Exception as fault:
                    raise explain(fault, star) from None
                out += more
            return out

        return run

    def _sequence(self, node: tree.Sequence, context: Context) -> Run:
        items = self.spread(node.items, context)
        if node.kind == "list":
            return items
        if node.kind == "tuple":
            return lambda frame: tuple(items(frame))
        budget, span = self.budget, node.span

        def run(frame: Frame) -> Any:
            values = items(frame)
            try:
                budget.admit(values)
                return set(values)
            except Exception as fault:
                raise explain(fault, span) from None

        return run

    def _dict(self, node: tree.Dict, context: Context) -> Run:
        pairs = [
            (None if key is None else self.compile(key, context), self.compile(value, context))
            for key, value in node.pairs
        ]
        spans = [(key or value).span for key, value in node.pairs]
        budget = self.budget

        def run(frame: Frame) -> Any:
            out: dict[Any, Any] = {}
            for (key, value), span in zip(pairs, spans, strict=True):
                found = key(frame) if key is not None else None
                item = value(frame)
                try:
                    if key is None:
                        if type(item) is not dict:
                            raise Refusal("wrong-type", f"`**` needs a dict, not {a_type(item)}")
                        budget.items(len(item))
                        out.update(item)
                    else:
                        if type(found) in NESTING:
                            budget.admit(found)
                        out[found] = item
                except Exception as fault:
                    raise explain(fault, span) from None
            return out

        return run


def missing_item(fault: Exception, holder: Any, key: Any, span: Span) -> WorkflowError:
    """A key or index that is not there: say what is."""
    if type(holder) is dict:
        hint = near(key, [k for k in holder if isinstance(k, str)]) if type(key) is str else None
        hint = hint or choices(list(holder), "the keys are") or "the dict is empty"
        return fail("missing-key", f"there is no key {short(key)}", span, hint=hint)
    if isinstance(fault, IndexError) and hasattr(holder, "__len__"):
        return fail(
            "out-of-range",
            f"the index {short(key)} is out of range",
            span,
            hint=f"the {len(holder)} items are numbered from 0"
            if len(holder)
            else f"{a_type(holder)} without items",
        )
    hint = choices(list(getattr(holder, "names", ())), "the names are")
    return fail("missing-key", f"there is no item {short(key)}", span, hint=hint)


def _outer(name: str, span: Span, up: int, slot: int) -> Run:
    """A name of a function around."""

    def run(frame: Frame) -> Any:
        for _ in range(up):
            frame = frame[AROUND]
        value = frame[slot]
        if value is UNSET:
            raise _not_assigned(name, span)
        return value

    return run


def _not_assigned(name: str, span: Span) -> WorkflowError:
    return fail("unknown-name", f"`{name}` is used before it has a value", span)


def _none(frame: Frame) -> None:
    return None
