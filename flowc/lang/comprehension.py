"""Comprehensions and assignment targets, compiled."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from flowc.diagnostic import fail
from flowc.lang.faults import explain
from flowc.lang.limits import NESTING, Refusal
from flowc.lang.names import SCOPE, Context, Frame, Run, target_names
from flowc.lang.operators import set_item
from flowc.lang.values import FlaggedPath
from flowc.source import Span
from flowc.syntax import tree

if TYPE_CHECKING:
    from flowc.lang.compiler import Compiler

Store = Callable[[Frame, Any], None]


def compile_comprehension(compiler: "Compiler", node: tree.Comprehension, context: Context) -> Run:
    depth = len(context.blocks)
    outer_makes, context.makes_functions = context.makes_functions, False
    try:
        clauses = [_clause(compiler, clause, context, i) for i, clause in enumerate(node.clauses)]
        key = compiler.compile(node.key, context) if node.key is not None else None
        element = compiler.compile(node.element, context)
    finally:
        del context.blocks[depth:]
    keeps_frame = context.makes_functions or node.kind == "generator"
    context.makes_functions = outer_makes or keeps_frame
    run = _gather(compiler, node, clauses, key, element)
    if not keeps_frame:
        return run
    # what a lambda inside sees of the loop is this turn of the comprehension, not a later one's
    return lambda frame: run(frame[:])


class _Clause:
    """A compiled `for target in iterable if ...`."""

    __slots__ = ("conditions", "iterable", "slot", "span", "store")

    def __init__(
        self, iterable: Run, slot: int | None, store: Store, conditions: list[Run], span: Span
    ) -> None:
        self.iterable = iterable
        self.slot = slot  # where the target is a single name
        self.store = store
        self.conditions = conditions
        self.span = span  # of the iterable


def _clause(compiler: "Compiler", node: tree.Clause, context: Context, number: int) -> _Clause:
    iterable = compiler.compile(node.iterable, context)
    block = {name: context.new_slot() for name in target_names(node.target)}
    context.always_set.update(block.values())
    context.blocks.append(block)
    store = compile_store(compiler, node.target, context)
    slot = block[node.target.name] if isinstance(node.target, tree.Var) else None
    conditions = [compiler.compile(condition, context) for condition in node.conditions]
    return _Clause(iterable, slot, store, conditions, node.iterable.span)


def _gather(
    compiler: "Compiler",
    node: tree.Comprehension,
    clauses: list[_Clause],
    key: Run | None,
    element: Run,
) -> Run:
    budget, span = compiler.budget, node.span
    loop = _looper(compiler)
    if node.kind == "list" and len(clauses) == 1 and clauses[0].slot is not None:
        return _simple_list(clauses[0], element, loop)
    walk = _walk(clauses, loop)

    def as_generator(frame: Frame) -> Iterator[Any]:
        # the first iterable is evaluated at once, as in Python
        first = loop(clauses[0], frame)
        return (element(frame) for _ in walk(frame, first))

    def as_list(frame: Frame) -> Any:
        return [element(frame) for _ in walk(frame, loop(clauses[0], frame))]

    def as_set(frame: Frame) -> Any:
        found = [element(frame) for _ in walk(frame, loop(clauses[0], frame))]
        try:
            budget.admit(found)
            return set(found)
        except Exception as fault:
            raise explain(fault, span) from None

    def as_dict(frame: Frame) -> Any:
        assert key is not None
        out: dict[Any, Any] = {}
        for _ in walk(frame, loop(clauses[0], frame)):
            name = key(frame)
            value = element(frame)
            try:
                if type(name) in NESTING:
                    budget.admit(name)
                out[name] = value
            except Exception as fault:
                raise explain(fault, span) from None
        return out

    kinds = {"generator": as_generator, "list": as_list, "set": as_set, "dict": as_dict}
    return kinds[node.kind]


def _simple_list(clause: _Clause, element: Run, loop: Any) -> Run:
    """One name, one loop: the common case, in one Python comprehension."""
    conditions = clause.conditions
    assert clause.slot is not None
    slot: int = clause.slot
    if not conditions:
        return lambda frame: [element(frame) for frame[slot] in loop(clause, frame)]
    if len(conditions) == 1:
        test = conditions[0]
        return lambda frame: [element(frame) for frame[slot] in loop(clause, frame) if test(frame)]
    return lambda frame: [
        element(frame)
        for frame[slot] in loop(clause, frame)
        if all(test(frame) for test in conditions)
    ]


def _looper(compiler: "Compiler") -> Callable[[_Clause, Frame], Any]:
    iterate = compiler.budget.iterate

    def loop(clause: _Clause, frame: Frame) -> Any:
        value = clause.iterable(frame)
        try:
            found = iterate(value)
        except Refusal as fault:
            raise explain(fault, clause.span) from None
        return found if type(found) in _STEADY else _watched(found, clause.span)

    return loop


_STEADY = frozenset({islice, tuple, str, FlaggedPath, range})
"""Loops over these end well, whatever is changed meanwhile."""


def _watched(values: Iterable[Any], span: Span) -> Iterator[Any]:
    """The values of what must not be changed while a loop goes over it, or makes them only then."""
    try:
        yield from values
    except Exception as fault:
        raise explain(fault, span) from None


def _walk(clauses: list[_Clause], loop: Any) -> Callable[[Frame, Any], Iterator[None]]:
    """A generator that sets the names of all clauses, and yields once for each combination."""

    def walk(frame: Frame, first: Any, number: int = 0) -> Iterator[None]:
        clause = clauses[number]
        store, conditions, last = clause.store, clause.conditions, number + 1 == len(clauses)
        for value in first:
            store(frame, value)
            for condition in conditions:
                if not condition(frame):
                    break
            else:
                if last:
                    yield
                else:
                    yield from walk(frame, loop(clauses[number + 1], frame), number + 1)

    return walk


# --- targets -------------------------------------------------------------------------------------


def compile_store(compiler: "Compiler", target: tree.Target, context: Context) -> Store:
    """Code that puts a value where `target` says."""
    if isinstance(target, tree.Var):
        return _store_name(target.name, context)
    if isinstance(target, tree.Sequence) and target.kind != "set":
        return _store_sequence(compiler, target, context)
    if isinstance(target, tree.Subscript):
        return _store_item(compiler, target, context)
    if isinstance(target, tree.Attribute):
        raise fail(
            "not-assignable",
            "attributes cannot be assigned in a workflow file",
            target.span,
        )
    raise fail("not-assignable", "this cannot be assigned to", target.span)


def _store_name(name: str, context: Context) -> Store:
    slot = context.own(name)
    if slot is None:

        def store_global(frame: Frame, value: Any) -> None:
            frame[SCOPE].names[name] = value

        return store_global
    place = slot

    def store(frame: Frame, value: Any) -> None:
        frame[place] = value

    return store


def _store_item(compiler: "Compiler", target: tree.Subscript, context: Context) -> Store:
    holder = compiler.compile(target.value, context)
    index = compiler.compile(target.index, context)
    budget, span = compiler.budget, target.span

    def store(frame: Frame, value: Any) -> None:
        found, key = holder(frame), index(frame)
        try:
            set_item(budget, found, key, value)
        except Exception as fault:
            raise explain(fault, span) from None

    return store


def _store_sequence(compiler: "Compiler", target: tree.Sequence, context: Context) -> Store:
    stores: list[Store] = []
    star: int | None = None
    for i, item in enumerate(target.items):
        if isinstance(item, tree.Starred):
            if star is not None:
                raise fail("not-assignable", "only one `*` may stand in a target", item.span)
            star, item = i, item.value
        stores.append(compile_store(compiler, item, context))
    budget, span, wanted = compiler.budget, target.span, len(stores)

    def store(frame: Frame, value: Any) -> None:
        try:
            values = budget.listed(value)
        except Exception as fault:
            raise explain(fault, span) from None
        if star is None:
            if len(values) != wanted:
                raise _wrong_count(len(values), wanted, "", span)
        else:
            extra = len(values) - wanted + 1
            if extra < 0:
                raise _wrong_count(len(values), wanted - 1, "at least ", span)
            values[star : star + extra] = [values[star : star + extra]]
        for put, item in zip(stores, values, strict=True):
            put(frame, item)

    return store


def _wrong_count(found: int, wanted: int, least: str, span: Span) -> Exception:
    values = "value" if found == 1 else "values"
    names = "name" if wanted == 1 else "names"
    return fail(
        "wrong-count", f"{found} {values} cannot be unpacked into {least}{wanted} {names}", span
    )
