"""The safe evaluator: expressions and Python-like statements of a workflow file.

In the manner of Starlark: no import, no attribute that reaches Python's own objects, no unbounded
loop, no recursion, limits on steps and sizes, files only through named built-ins. Nothing of the
file is ever handed to Python's `eval`, `exec` or `compile`: each expression becomes closures of
flowc's own.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowc.diagnostic import Diagnostic, WorkflowError, fail
from flowc.disk import Disk
from flowc.lang.builtins import standard_builtins
from flowc.lang.callables import Builtin
from flowc.lang.calls import keywords
from flowc.lang.compiler import Compiler
from flowc.lang.comprehension import compile_store
from flowc.lang.deferred import evaluator
from flowc.lang.encode import value_to_data
from flowc.lang.faults import PoisonedError, explain
from flowc.lang.functions import compile_def
from flowc.lang.limits import STEP_LIMIT, Budget
from flowc.lang.members import Members
from flowc.lang.methods import method_tables
from flowc.lang.names import UNSET, Context, Frame, Scope, assigned
from flowc.lang.statements import compile_assign, compile_raise
from flowc.source import Source, Span
from flowc.syntax import tree

OnStatement = Callable[[tree.Statement, Scope], None]
Compiled = tuple[Any, Callable[[Frame], Any], int]


class Interpreter:
    """Evaluates one workflow: its built-ins, its step limit, what it has read."""

    def __init__(
        self,
        disk: Disk,
        builtins: Mapping[str, Any] | None = None,
        *,
        step_limit: int = STEP_LIMIT,
    ) -> None:
        self.disk = disk
        self.budget = Budget(step_limit)
        self.env_read: set[str] = set()
        """The environment variables that the file has asked for."""
        self.members = Members(method_tables(self.budget, disk))
        self.builtins = standard_builtins(self.budget, disk, self.members, self.env_read)
        self.builtins.update(builtins or {})
        self.compiler = Compiler(self.budget, self.builtins, self.members)
        run = evaluator(self.budget, self.members, self._evaluate_text)
        self.builtins["evaluate"] = Builtin("evaluate", run)
        self._said: set[tuple[str, str, Span | None]] = set()
        self._texts: list[tree.Expr] = []
        self._compiled: dict[int, Compiled] = {}  # by identity; the node is kept, so that it stays

    # --- expressions ---

    def _evaluate_text(self, text: str) -> Any:
        """The value of an expression that is made while the file is read. It sees built-ins."""
        from flowc.syntax.parse import parse_expression  # a compiled workflow needs no parser

        self._texts.append(parse_expression(Source("evaluate", text)))  # kept: known by identity
        return self.evaluate(self._texts[-1], Scope())

    def evaluate(self, expr: tree.Expr, scope: Scope) -> Any:
        """The value of an expression. Raises WorkflowError."""
        return self._run(expr, scope, lambda context: self.compiler.compile(expr, context))

    def arguments(
        self, items: tuple[tree.Argument, ...], scope: Scope
    ) -> list[tuple[tree.Name | None, Any, Span]]:
        """The items of a directive, evaluated; `*x` and `**x` spread."""
        found: list[tuple[tree.Name | None, Any, Span]] = []
        for item in items:
            value = self.evaluate(item.value, scope)
            try:
                if item.stars == 1:
                    found += [(None, each, item.span) for each in self.budget.listed(value)]
                elif item.stars == 2:
                    found += [
                        (tree.Name(name, item.span), each, item.span)
                        for name, each in keywords(value).items()
                    ]
                else:
                    found.append((item.name, value, item.value.span))
            except Exception as fault:
                raise explain(fault, item.span) from None
        return found

    def _run(
        self,
        node: Any,
        scope: Scope,
        compile_node: Callable[[Context], Callable[[Frame], Any]],
    ) -> Any:
        compiled = self._compiled.get(id(node))
        if self.budget.steps <= 0:  # whoever took the last step was told so
            raise PoisonedError
        self.budget.depth += 1
        try:
            if compiled is None:
                context = Context()
                run = compile_node(context)
                compiled = self._compiled[id(node)] = (node, run, context.size)
            _, run, size = compiled
            frame: Frame = [scope, None]
            if size > 2:
                frame += [UNSET] * (size - 2)
            return run(frame)
        except RecursionError:
            raise fail("too-deep", "the expression is nested too deeply", node.span) from None
        except MemoryError:
            raise fail("too-large", "the value does not fit in memory", node.span) from None
        finally:
            self.budget.depth -= 1

    # --- statements ---

    def execute(
        self,
        statements: Iterable[tree.Statement],
        scope: Scope,
        on_statement: OnStatement,
        faults: list[Diagnostic],
    ) -> None:
        """Run the statements of a file. Directives, blocks and what the language refuses go to
        `on_statement`. A fault is added to `faults` and the next statement runs; the names that
        the faulty one would have assigned are poisoned, so that nothing more is said of them."""
        self._execute(statements, scope, on_statement, faults, in_loop=False)

    def _execute(
        self,
        statements: Iterable[tree.Statement],
        scope: Scope,
        on_statement: OnStatement,
        faults: list[Diagnostic],
        *,
        in_loop: bool,
    ) -> str | None:
        """ "break" or "continue" where such a statement was met."""
        for statement in statements:
            try:
                match statement:
                    case tree.Assign():
                        self._assign(statement, scope)
                    case tree.Evaluate(value=value):
                        self.evaluate(value, scope)
                    case tree.Def():
                        scope.names[statement.name.text] = self._define(statement, scope)
                    case tree.If():
                        body = self._chosen(statement, scope)
                        flow = self._execute(body, scope, on_statement, faults, in_loop=in_loop)
                        if flow is not None:
                            return flow
                    case tree.For():
                        self._for(statement, scope, on_statement, faults)
                    case tree.Flow(keyword="raise" | "assert"):
                        self._raise(statement, scope)
                    case tree.Flow(keyword=keyword):
                        if keyword != "pass":
                            if not in_loop:
                                raise fail(
                                    "misplaced-statement",
                                    f"`{keyword}` outside a loop",
                                    statement.span,
                                )
                            return keyword
                    case _:
                        on_statement(statement, scope)
            except WorkflowError as fault:
                faults += self._new(fault)
                scope.poison(assigned([statement]))
        return None

    def _new(self, fault: WorkflowError) -> list[Diagnostic]:
        """Faults that were not said before: each turn of a loop may have the same ones."""
        found = []
        for diagnostic in fault.diagnostics:
            key = (diagnostic.code, diagnostic.message, diagnostic.span)
            if key not in self._said:
                self._said.add(key)
                found.append(diagnostic)
        return found

    def _define(self, node: tree.Def, scope: Scope) -> Any:
        return self._run(node, scope, lambda context: compile_def(self.compiler, node, context))

    def _assign(self, node: tree.Assign, scope: Scope) -> None:
        self._run(node, scope, lambda context: compile_assign(self.compiler, node, context))

    def _raise(self, node: tree.Flow, scope: Scope) -> None:
        self._run(node, scope, lambda context: compile_raise(self.compiler, node, context))

    def _chosen(self, node: tree.If, scope: Scope) -> tuple[tree.Statement, ...]:
        for test, body in node.branches:
            if self.evaluate(test, scope):
                return body
        return node.otherwise

    def _for(
        self,
        node: tree.For,
        scope: Scope,
        on_statement: OnStatement,
        faults: list[Diagnostic],
    ) -> None:
        def compile_turn(context: Context) -> Callable[[Frame], Any]:
            store = compile_store(self.compiler, node.target, context)
            return lambda frame: lambda item: store(frame, item)

        iterable = self.evaluate(node.iterable, scope)
        try:
            values = self.budget.listed(iterable)
        except Exception as fault:
            raise explain(fault, node.iterable.span) from None
        put = self._run(node, scope, compile_turn)
        for item in values:
            before = len(faults)
            put(item)
            if self._execute(node.body, scope, on_statement, faults, in_loop=True) == "break":
                break
            if len(faults) > before and self._fatal(faults[before:]):
                break

    def _fatal(self, faults: list[Diagnostic]) -> bool:
        """Nothing is gained by going on in the loop: every turn would say the same."""
        return any(fault.code == "too-many-steps" for fault in faults)


def function_from_data(data: Mapping[str, Any], interpreter: Interpreter, scope: Scope) -> Any:
    """The function that `Function.to_data` wrote."""
    from flowc.lang.data import function_from_data as read  # only for a compiled workflow file

    return read(data, interpreter, scope)


def value_from_data(data: Any, interpreter: Interpreter, scope: Scope | None = None) -> Any:
    """The value that `value_to_data` wrote."""
    from flowc.lang.data import value_from_data as read  # only for a compiled workflow file

    return read(data, interpreter, scope)


__all__ = [
    "Interpreter",
    "PoisonedError",
    "Scope",
    "function_from_data",
    "value_from_data",
    "value_to_data",
]
