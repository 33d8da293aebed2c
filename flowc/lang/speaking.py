"""What a file says to its user: `raise`, `assert` and `sys.exit` are faults of its own wording;
`print` and loggers are taken and say nothing, as reading a workflow prints nothing."""

from functools import partial
from typing import Any

from flowc.diagnostic import WorkflowError, fail
from flowc.lang.callables import Builtin
from flowc.lang.formatting import text_of
from flowc.lang.limits import Budget, Refusal, a_type
from flowc.lang.values import Namespace
from flowc.source import Span

# fmt: off
EXCEPTIONS = frozenset((
    "ArithmeticError", "AssertionError", "AttributeError", "EnvironmentError", "Exception",
    "FileExistsError", "FileNotFoundError", "IOError", "IndexError", "KeyError", "LookupError",
    "NameError", "NotADirectoryError", "NotImplementedError", "OSError", "PermissionError",
    "RuntimeError", "SystemExit", "TypeError", "ValueError", "WorkflowError",
))
# fmt: on
"""What may be raised, by name; `WorkflowError` is Snakemake's own."""

_LOG = ("critical", "debug", "error", "exception", "info", "log", "warn", "warning")
_SETTINGS = ("addHandler", "setLevel", "set_level")


class Raised:
    """An exception that was made, to be raised."""

    __slots__ = ("name", "text")
    type_name = "exception"

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __str__(self) -> str:
        return self.text


def speaking_functions(budget: Budget) -> dict[str, Any]:
    """The built-ins by which a file speaks."""

    def make(name: str, *values: Any) -> Raised:
        return Raised(name, " ".join(text_of(budget, value) for value in values))

    def leave(*status: Any) -> Any:
        text = text_of(budget, status[0]) if status and isinstance(status[0], str) else ""
        raise Refusal("raised", text.strip() or "the file asks to stop here", _SAYS.format("exit"))

    table: dict[str, Any] = {name: Builtin(name, partial(make, name)) for name in EXCEPTIONS}
    table |= {name: Builtin(name, leave) for name in ("exit", "quit")}
    table |= {name: Builtin(name, _silent) for name in ("print", "pprint")}
    logger = _silent_space("logger", *_LOG, *_SETTINGS)
    table["logger"] = logger
    table["logging"] = Namespace(
        "logging",
        {name: Builtin(f"logging.{name}", _silent) for name in ("basicConfig", *_LOG)}
        | {"getLogger": Builtin("logging.getLogger", lambda *name: logger)}
        | {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50},
    )
    table["warnings"] = _silent_space("warnings", "warn", "filterwarnings", "simplefilter")
    return table


def streams(leave: Any) -> dict[str, Any]:
    """The members of `sys` by which a file speaks."""
    names = ("stdout", "stderr")
    return {n: _silent_space(f"sys.{n}", "write", "flush") for n in names} | {"exit": leave}


def _silent(*args: Any, **kwargs: Any) -> None:
    """Its arguments were evaluated; that is all."""


def _silent_space(name: str, *members: str) -> Namespace:
    return Namespace(name, {m: Builtin(f"{name}.{m}", _silent) for m in members})


_SAYS = "the workflow file says so itself, by `{}`"


def raised(budget: Budget, keyword: str, value: Any, span: Span) -> WorkflowError:
    """The fault of `raise value`, or of an `assert`."""
    if keyword == "assert":
        text = "" if value is None else text_of(budget, value).strip()
        return fail("raised", text or "this does not hold", span, hint=_SAYS.format("assert"))
    if isinstance(value, Builtin) and value.name in EXCEPTIONS:
        value = value()
    if not isinstance(value, Raised):
        return fail("wrong-type", f"an exception is raised, not {a_type(value)}", span)
    text = value.text.strip() or f"`{value.name}` is raised"
    return fail("raised", text, span, hint=_SAYS.format(f"raise {value.name}"))
