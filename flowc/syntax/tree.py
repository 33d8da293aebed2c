"""The syntax tree of a Workflowfile. Frozen; every node has the span it was read from.

Names of directives and functions are text here: whether they exist is for `lang` to say.
"""

from dataclasses import dataclass

from flowc.source import Source, Span

Constant = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier used as a label: a rule's name, a directive's, a keyword argument's."""

    text: str
    span: Span


# --- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, True, False or None. Adjacent strings are one literal."""

    value: Constant
    span: Span


@dataclass(frozen=True, slots=True)
class Replacement:
    """`{expr!r:spec}` inside an f-string."""

    value: "Expr"
    conversion: str  # "", "r", "s" or "a"
    spec: "FString | None"
    span: Span


@dataclass(frozen=True, slots=True)
class FString:
    """Text and replacements in order. Plain strings beside an f-string are part of it."""

    parts: tuple[str | Replacement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Var:
    """A name that is looked up."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Attribute:
    value: "Expr"
    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Subscript:
    value: "Expr"
    index: "Expr"  # a Slice for a[b:c]
    span: Span


@dataclass(frozen=True, slots=True)
class Slice:
    start: "Expr | None"
    stop: "Expr | None"
    step: "Expr | None"
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, or one item of a directive: `x`, `name=x`, `*x` or `**x`."""

    name: Name | None
    value: "Expr"
    stars: int  # 0, 1 or 2
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    function: "Expr"
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str  # "not", "-", "+", "~"
    operand: "Expr"
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str  # + - * / // % ** | & ^ << >>
    left: "Expr"
    right: "Expr"
    span: Span


@dataclass(frozen=True, slots=True)
class Logical:
    """`a and b and c`: one node for a whole chain of one operator."""

    operator: str  # "and" or "or"
    operands: tuple["Expr", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b <= c`: `len(operators) == len(operands) - 1`."""

    operators: tuple[str, ...]  # == != < <= > >= "in" "not in" "is" "is not"
    operands: tuple["Expr", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if test else otherwise`."""

    test: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a lambda or a def. `stars` 1: `*name`; 2: `**name`."""

    name: Name
    default: "Expr | None"
    stars: int
    span: Span
    annotation: "Expr | None" = None  # `name: annotation` of a def; means nothing


@dataclass(frozen=True, slots=True)
class Lambda:
    parameters: tuple[Parameter, ...]
    body: "Expr"
    span: Span


@dataclass(frozen=True, slots=True)
class Starred:
    """`*x` inside a list, tuple or set display."""

    value: "Expr"
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set display."""

    kind: str  # "list", "tuple" or "set"
    items: tuple["Expr", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Dict:
    """A dict display; a pair whose key is None is `**value`."""

    pairs: tuple[tuple["Expr | None", "Expr"], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Clause:
    """`for target in iterable if c1 if c2` of a comprehension."""

    target: "Target"
    iterable: "Expr"
    conditions: tuple["Expr", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Comprehension:
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


@dataclass(frozen=True, slots=True)
class Assign:
    """`a = b = value` or, with an operator, `a += value`."""

    targets: tuple[Target, ...]
    operator: str | None  # "+" for +=
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression as a statement: a call such as `shell.prefix("...")`, or a docstring."""

    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`branches` are (test, body) of `if` and every `elif`, in order."""

    branches: tuple[tuple[Expr, tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    target: Target
    iterable: Expr
    body: tuple["Statement", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Def:
    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple["Statement", ...]
    span: Span
    returns: Expr | None = None  # `-> returns`; means nothing


@dataclass(frozen=True, slots=True)
class Return:
    value: Expr | None
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    """`pass`, `break` or `continue`."""

    keyword: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A statement of Python that the language refuses: `import`, `class`, `while`, `try` ...

    Read as far as its end, so that one diagnostic names it and the rest of the file is checked.
    """

    keyword: str
    span: Span


@dataclass(frozen=True, slots=True)
class Directive:
    """`name: items`, at the top level or in a rule. The name keeps its own span, so that a typo
    is underlined alone. `body` is the verbatim text of a code block such as `run:`, else None."""

    name: Name
    items: tuple[Argument, ...]
    body: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """A block with directives in it: `rule a:`, `checkpoint b:`, `module m:`, `rule:`."""

    kind: Name  # "rule", "checkpoint" or "module"
    name: Name | None
    docstring: str | None
    directives: tuple[Directive, ...]
    span: Span  # of the whole block; `kind.span.to(name.span)` is its head


@dataclass(frozen=True, slots=True)
class UseRule:
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


@dataclass(frozen=True, slots=True)
class Tree:
    """One file, parsed."""

    source: Source
    statements: tuple[Statement, ...]
