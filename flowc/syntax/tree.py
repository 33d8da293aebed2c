"""The syntax tree of a Workflowfile. Nobody changes a node; each has the span it was read from.

Names of directives and functions are text here: whether they exist is for `lang` to say.
"""

from typing import Any, TypeVar, dataclass_transform

from flowc.dataclass import dataclass
from flowc.source import Source, Span

Constant = str | int | float | bool | None
T = TypeVar("T")


class Node:
    """What all nodes share. Equal nodes have equal fields, spans included."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        fields = zip(self.__slots__, self._fields(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in fields)})"


@dataclass_transform(frozen_default=True)
def node(cls: type[T]) -> type[T]:
    """A dataclass that is frozen for the type checker.

    Freezing, comparing and printing each class by code of its own would take 12 ms of every start,
    and setting fields through `object.__setattr__` a tenth of the time of parsing.
    """
    return dataclass(slots=True, eq=False, repr=False)(cls)


@node
class Name(Node):
    """An identifier used as a label: a rule's name, a directive's, a keyword argument's."""

    text: str
    span: Span


# --- expressions ---------------------------------------------------------------------------------


@node
class Literal(Node):
    """A number, string, True, False or None. Adjacent strings are one literal."""

    value: Constant
    span: Span


@node
class Replacement(Node):
    """`{expr!r:spec}` inside an f-string."""

    value: "Expr"
    conversion: str  # "", "r", "s" or "a"
    spec: "FString | None"
    span: Span


@node
class FString(Node):
    """Text and replacements in order. Plain strings beside an f-string are part of it."""

    parts: tuple[str | Replacement, ...]
    span: Span


@node
class Var(Node):
    """A name that is looked up."""

    name: str
    span: Span


@node
class Attribute(Node):
    """`value.name`."""

    value: "Expr"
    name: Name
    span: Span


@node
class Subscript(Node):
    """`value[index]`."""

    value: "Expr"
    index: "Expr"  # a Slice for a[b:c]
    span: Span


@node
class Slice(Node):
    """`start:stop:step`, inside a Subscript only."""

    start: "Expr | None"
    stop: "Expr | None"
    step: "Expr | None"
    span: Span


@node
class Argument(Node):
    """One argument of a call, or one item of a directive: `x`, `name=x`, `*x` or `**x`."""

    name: Name | None
    value: "Expr"
    stars: int  # 0, 1 or 2
    span: Span


@node
class Call(Node):
    """`function(arguments)`."""

    function: "Expr"
    arguments: tuple[Argument, ...]
    span: Span


@node
class Unary(Node):
    """`operator operand`."""

    operator: str  # "not", "-", "+", "~"
    operand: "Expr"
    span: Span


@node
class Binary(Node):
    """`left operator right`, other than comparisons, `and` and `or`."""

    operator: str  # + - * / // % ** | & ^ << >>
    left: "Expr"
    right: "Expr"
    span: Span


@node
class Logical(Node):
    """`a and b and c`: one node for a whole chain of one operator."""

    operator: str  # "and" or "or"
    operands: tuple["Expr", ...]
    span: Span


@node
class Comparison(Node):
    """`a < b <= c`: `len(operators) == len(operands) - 1`."""

    operators: tuple[str, ...]  # == != < <= > >= "in" "not in" "is" "is not"
    operands: tuple["Expr", ...]
    span: Span


@node
class Conditional(Node):
    """`then if test else otherwise`."""

    test: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span


@node
class Parameter(Node):
    """A parameter of a lambda or a def. `stars` 1: `*name`; 2: `**name`."""

    name: Name
    default: "Expr | None"
    stars: int
    span: Span
    annotation: "Expr | None" = None  # `name: annotation` of a def; means nothing


@node
class Lambda(Node):
    """`lambda parameters: body`."""

    parameters: tuple[Parameter, ...]
    body: "Expr"
    span: Span


@node
class Starred(Node):
    """`*x` inside a list, tuple or set display."""

    value: "Expr"
    span: Span


@node
class Sequence(Node):
    """A list, tuple or set display."""

    kind: str  # "list", "tuple" or "set"
    items: tuple["Expr", ...]
    span: Span


@node
class Dict(Node):
    """A dict display; a pair whose key is None is `**value`."""

    pairs: tuple[tuple["Expr | None", "Expr"], ...]
    span: Span


@node
class Clause(Node):
    """`for target in iterable if c1 if c2` of a comprehension."""

    target: "Target"
    iterable: "Expr"
    conditions: tuple["Expr", ...]
    span: Span


@node
class Comprehension(Node):
    kind: str  # "list", "set", "dict" or "generator"
    element: "Expr"  # the value of a dict comprehension
    key: "Expr | None"  # the key of a dict comprehension
    clauses: tuple[Clause, ...]
    span: Span


Expr = (
    Literal
    | FString
    | Var
    | Attribute
    | Subscript
    | Slice
    | Call
    | Unary
    | Binary
    | Logical
    | Comparison
    | Conditional
    | Lambda
    | Starred
    | Sequence
    | Dict
    | Comprehension
)

Target = Expr
"""What may stand left of `=` or after `for`: Var, Attribute, Subscript, or a Sequence of these."""


# --- statements ----------------------------------------------------------------------------------


@node
class Assign(Node):
    """`a = b = value` or, with an operator, `a += value`."""

    targets: tuple[Target, ...]
    operator: str | None  # "+" for +=
    value: Expr
    span: Span


@node
class Evaluate(Node):
    """An expression as a statement: a call such as `shell.prefix("...")`, or a docstring."""

    value: Expr
    span: Span


@node
class If(Node):
    """`branches` are (test, body) of `if` and every `elif`, in order."""

    branches: tuple[tuple[Expr, tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]
    span: Span


@node
class For(Node):
    """`for target in iterable:`."""

    target: Target
    iterable: Expr
    body: tuple["Statement", ...]
    span: Span


@node
class Def(Node):
    """`def name(parameters): ...`."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple["Statement", ...]
    span: Span
    returns: Expr | None = None  # `-> returns`; means nothing


@node
class Return(Node):
    """`return value`."""

    value: Expr | None
    span: Span


@node
class Flow(Node):
    """`pass`, `break`, `continue`, `raise value`; `assert x, value` is an `if not x:` around it."""

    keyword: str
    span: Span
    value: Expr | None = None


@node
class Unsupported(Node):
    """A statement of Python that the language refuses, `class`, `while`, `try` ..., or `import`.

    Read as far as its end, so that one diagnostic names it and the rest of the file is checked.
    """

    keyword: str
    span: Span


@node
class Directive(Node):
    """`name: items`, at the top level or in a rule. The name keeps its own span, so that a typo
    is underlined alone. `body` is the verbatim text of a code block such as `run:`, else None."""

    name: Name
    items: tuple[Argument, ...]
    body: str | None
    span: Span


@node
class Block(Node):
    """A block with directives in it: `rule a:`, `checkpoint b:`, `module m:`, `rule:`."""

    kind: Name  # "rule", "checkpoint" or "module"
    name: Name | None
    docstring: str | None
    directives: tuple[Directive, ...]
    span: Span  # of the whole block; `kind.span.to(name.span)` is its head


@node
class UseRule(Node):
    """`use rule a, b from m exclude c as m_* with: ...`."""

    rules: tuple[Name, ...]  # a Name "*" for all
    module: Name | None
    exclude: tuple[Name, ...]
    alias: str | None  # may hold one "*"
    directives: tuple[Directive, ...] | None  # None: no `with:`
    span: Span


Statement = (
    Assign | Evaluate | If | For | Def | Return | Flow | Unsupported | Directive | Block | UseRule
)


@node
class Tree(Node):
    """One file, parsed."""

    source: Source
    statements: tuple[Statement, ...]
