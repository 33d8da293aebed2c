"""Which executors there are, by the names that `flowc run --executor` takes.

flowc's own are in a table, so that a run on this machine need not look through what is installed.
All others are entry points of the group `flowc.executors`: a line in a package's own metadata.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from flowc.diagnostic import WorkflowError, fail
from flowc.executors.base import Executor, Setup

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "flowc.executors"
LOCAL = "local"
OWN = {
    LOCAL: "flowc.executors.here:make_local",
    "slurm": "flowc.executors.slurm:make_slurm",
    "sge": "flowc.executors.sge:make_sge",
    "drmaa": "flowc.executors.drmaa:make_drmaa",
}
"""The same lines as in flowc's own metadata."""

Maker = Callable[[Setup], Executor]


def find_executor(name: str) -> Maker:
    """Who makes the executor of this name. Raises WorkflowError where there is none, or where its
    package cannot be loaded."""
    if name in OWN:
        module, _, function = OWN[name].partition(":")
        own: Maker = getattr(import_module(module), function)
        return own
    found = _installed().get(name, [])
    if not found:
        raise _unknown(name)
    if len(found) > 1:
        offers = " and ".join(f"`{point.value}`" for point in found)
        raise fail(
            "bad-executor",
            f"two packages offer an executor `{name}`: {offers}",
            hint="uninstall one of them",
        )
    try:
        maker: Maker = found[0].load()
    except Exception as fault:  # somebody else's code: whatever it raises
        raise fail(
            "bad-executor",
            f"the executor `{name}` cannot be loaded from `{found[0].value}`: {_text(fault)}",
            hint="its package is broken, or lacks something that it needs",
        ) from fault
    return maker


def make_executor(maker: Maker, setup: Setup) -> Executor:
    """Raises WorkflowError where it cannot be made: a cluster that does not answer, an option that
    it does not know."""
    try:
        executor = maker(setup)
    except WorkflowError:
        raise
    except Exception as fault:
        if setup.name in OWN:  # a bug of flowc's is told as one
            raise
        raise fail(
            "bad-executor", f"the executor `{setup.name}` could not be made: {_text(fault)}"
        ) from fault
    lacking = [
        what
        for what in ("capacity", "submit", "wait", "cancel", "close")
        if not hasattr(executor, what)
    ]
    if lacking:
        raise fail(
            "bad-executor",
            f"the executor `{setup.name}` has no `{lacking[0]}`",
            hint="`flowc.executors.base.Executor` says what an executor has",
        )
    return executor


def executor_names() -> list[str]:
    """All that can be asked for."""
    return sorted({*OWN, *_installed()})


def _installed() -> "dict[str, list[EntryPoint]]":
    """What other packages offer, by name."""
    from importlib.metadata import entry_points  # 20 ms that a run on this machine need not spend

    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        if point.name not in OWN:
            found.setdefault(point.name, {})[point.value] = point  # one package may be found twice
    return {name: [*points.values()] for name, points in found.items()}


def _unknown(name: str) -> WorkflowError:
    from difflib import get_close_matches  # only after a mistake

    names = executor_names()
    near = get_close_matches(name, names, n=1)
    there_are = ", ".join(f"`{one}`" for one in names)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {there_are}"
    return fail("unknown-executor", f"there is no executor `{name}`", hint=hint)


def _text(fault: Exception) -> str:
    return " ".join(f"{type(fault).__name__}: {fault}".split())
