"""`lookup`, `branch`, `subpath` and `evaluate`: at once where all is known, else a function of the
wildcards, as in Snakemake."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.callables import Builtin
from flowc.lang.encode import Encoder
from flowc.lang.faults import short
from flowc.lang.formatting import repr_of
from flowc.lang.jobfiles import JobFile
from flowc.lang.limits import NESTING, Budget, Refusal, a_type
from flowc.lang.members import Members
from flowc.lang.methods import text_format
from flowc.lang.pattern import wildcard_names
from flowc.source import Source, Span

NOTHING = Builtin("nothing", lambda: None)
"""Stands for a `default` that is not given."""

_NOWHERE = Span(Source("", ""), 0, 0)


class Deferred:
    """A call of a built-in that needs the wildcards, as a `values.Function`."""

    type_name = "function"
    parameters: tuple[str, ...] = ("wildcards",)
    required = 1
    takes_rest = False

    def __init__(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[..., Any]
    ) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.call = call
        functions = [value for value in (*args, *kwargs.values()) if hasattr(value, "span")]
        self.span: Span = functions[0].span if functions else _NOWHERE
        if args and isinstance(args[0], JobFile):
            self.parameters, self.required = args[0].parameters, args[0].required

    def __call__(self, wildcards: Any, **files: Any) -> Any:
        """`files`: those of the job, where an argument is one of them."""
        try:
            return self.call(wildcards, **files)
        except Refusal as fault:  # the built-in's name is all the place there is
            raise fail(fault.code, fault.message, hint=fault.hint) from None

    def to_data(self) -> dict[str, Any]:
        return Encoder(self.span).function(self)

    def write_to(self, encoder: Encoder) -> dict[str, Any]:
        return {
            "function": "call",
            "of": self.name,
            "args": [encoder.value(value) for value in self.args],
            "kwargs": {name: encoder.value(value) for name, value in self.kwargs.items()},
        }

    def __repr__(self) -> str:
        return f"<function {self.name}>"


def resolved(value: Any, wildcards: Any) -> Any:
    return value(wildcards) if _is_function(value) else value


def _is_function(value: Any) -> bool:
    return callable(value) and hasattr(value, "required")


def branch(condition: Any, then: Any = None, otherwise: Any = None, cases: Any = None) -> Any:
    """`branch(condition, then=..., otherwise=...)` or `branch(value, cases={...})`."""
    if cases is not None and type(cases) is not dict:
        raise Refusal("wrong-type", f"`cases` is a dict, not {a_type(cases)}")
    if cases is not None and then is not None:
        raise Refusal("wrong-arguments", "`branch` takes `then` or `cases`, not both")

    def choose(wildcards: Any) -> Any:
        found = resolved(condition, wildcards)
        if cases is None:
            chosen = then if found else otherwise
        elif found in cases:
            chosen = cases[found]
        elif otherwise is None:
            raise Refusal("missing-key", f"no case for {short(found)}")
        else:
            chosen = otherwise
        chosen = resolved(chosen, wildcards)
        return [] if chosen is None else chosen

    if any(map(_is_function, (condition, then, otherwise, *(cases or {}).values()))):
        given = {"then": then, "otherwise": otherwise, "cases": cases}
        return Deferred("branch", (condition,), given, choose)
    return choose(None)


class Lookup:
    """`lookup(dpath="samples/{sample}/reads", within=config)`."""

    def __init__(self, budget: Budget, members: Members) -> None:
        self._budget = budget
        self._fill = text_format(budget, members)

    def __call__(
        self,
        query: Any = None,
        *,
        dpath: Any = None,
        within: Any = None,
        default: Any = NOTHING,
        cols: Any = None,
        is_nrows: Any = None,
        **namespace: Any,
    ) -> Any:
        path = query if dpath is None else dpath
        if query is not None and dpath is not None:
            raise Refusal("wrong-arguments", "`lookup` takes `query` or `dpath`, not both")
        if not isinstance(path, str) and not _is_function(path):
            raise Refusal("wrong-type", f"`lookup` takes a text, not {a_type(path)}")
        given = {"within": within, **namespace}
        if default is not NOTHING:
            given["default"] = default
        asked: tuple[str, ...] = ()
        if isinstance(within, Mapping):
            given["dpath"] = path

            def search(text: str, fill: Callable[[str], str]) -> Any:
                return look_up(text, within, default)

        else:
            asked = _columns(cols, is_nrows)
            given |= {"query": path, "cols": cols, "is_nrows": is_nrows}
            select = self._selection(within, dpath is not None, is_nrows, cols, default)

            def search(text: str, fill: Callable[[str], str]) -> Any:
                return select(text, [fill(column) for column in asked])

        def find(wildcards: Any) -> Any:
            known = {name: resolved(value, wildcards) for name, value in namespace.items()}
            if wildcards is not None:
                known = {n: wildcards.get_name(n) for n in wildcards.names} | known

            def fill(text: str) -> str:
                return self._fill(text, (), known) if "{" in text else text

            return search(fill(resolved(path, wildcards)), fill)

        texts = [path, *asked]
        needs = _is_function(path) or any(
            n not in namespace for t in texts for n in wildcard_names(t)
        )
        if needs or any(map(_is_function, namespace.values())):
            return Deferred("lookup", (), given, find)
        return find(None)

    def _selection(
        self, within: Any, is_path: bool, is_nrows: int | None, cols: Any, default: Any
    ) -> Callable[[str, Sequence[str]], Any]:
        """What a query finds in a table, which is a list of dicts."""
        rows: list[Any] = self._budget.listed(within) if type(within) in (list, tuple) else [None]
        if is_path or not all(isinstance(row, Mapping) for row in rows):
            raise Refusal(
                "unsupported",
                "`lookup` looks into a dict by a `dpath`, or into a list of dicts by a `query`, "
                f"not {a_type(within)}",
                "write `lookup(dpath=..., within=config)`; files with tables are read by jobs",
            )
        from flowc.lang.query import Table  # few workflows have tables

        table = Table(rows, self._budget)

        def select(text: str, columns: Sequence[str]) -> Any:
            found = table.select(text)
            if is_nrows is not None:
                return len(found) == is_nrows
            if not found and default is not NOTHING:
                return default
            table.check_columns(columns)
            if isinstance(cols, str):
                return [rows[at].get(columns[0]) for at in found]
            records = [table.record(at, columns if cols is not None else None) for at in found]
            return records[0] if len(records) == 1 else records

        return select


def _columns(cols: Any, is_nrows: Any) -> tuple[str, ...]:
    """The names of the columns that are asked for."""
    names = [cols] if isinstance(cols, str) else cols
    if names is not None and (
        type(names) not in (list, tuple) or not all(isinstance(n, str) for n in names)
    ):
        raise Refusal("wrong-type", f"`cols` is a text or a list of texts, not {a_type(cols)}")
    if is_nrows is not None and type(is_nrows) is not int:
        raise Refusal("wrong-type", f"`is_nrows` is an integer, not {a_type(is_nrows)}")
    return tuple(names or ())


def look_up(path: str, within: Any, default: Any) -> Any:
    """The value at `a/b/c`; all values, as a list, where a step has a `*`."""
    steps = [step for step in path.split("/") if step]
    found = [within]
    for step in steps:
        found = [value for holder in found for value in _step(holder, step)]
    if "*" in path or "?" in path:
        return found[0] if len(found) == 1 else found
    if found:
        return found[0]
    if default is not NOTHING:
        return default
    raise Refusal("missing-key", f"`lookup` finds nothing at {short(path)}")


def _step(holder: Any, step: str) -> list[Any]:
    if isinstance(holder, Mapping):
        if step in holder:
            return [holder[step]]
        return [value for name, value in holder.items() if fnmatchcase(str(name), step)]
    if type(holder) in NESTING and step.isdigit() and int(step) < len(holder):
        return [holder[int(step)]]
    return list(holder) if step == "*" and type(holder) in NESTING else []


def deferrable(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, whose first argument may be a function of the wildcards."""

    def begin(value: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_function(value):
            return call(value, *args, **kwargs)

        def later(wildcards: Any, **files: Any) -> Any:
            return call(value(wildcards, **files), *args, **kwargs)

        return Deferred(name, (value, *args), kwargs, later)

    return begin


def evaluator(
    budget: Budget, members: Members, run: Callable[[str], Any]
) -> Callable[[Any], Deferred]:
    """`evaluate("{sample} == 'a'")`: an expression of the wildcards."""
    fill = text_format(budget, members)

    def evaluate(expression: Any) -> Deferred:
        if not isinstance(expression, str):
            raise Refusal("wrong-type", f"`evaluate` takes a text, not {a_type(expression)}")

        def call(wildcards: Any) -> Any:
            values = {n: repr_of(budget, str(wildcards.get_name(n))) for n in wildcards.names}
            text = fill(expression, (), values)
            try:
                return run(text)
            except WorkflowError as fault:
                said = fault.diagnostics[0].message
                raise Refusal("wrong-value", f"`evaluate` of {short(text)}: {said}") from None

        return Deferred("evaluate", (expression,), {}, call)

    return evaluate
