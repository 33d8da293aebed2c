"""The machine that flowc runs on, as an executor of its own."""

from flowc.diagnostic import fail
from flowc.executors.base import Setup
from flowc.executors.local import LocalExecutor


def make_local(setup: Setup) -> LocalExecutor:
    """The entry point of `--executor local`."""
    for name in setup.options:
        raise fail("bad-option", f"the executor `local` has no option `{name}`")
    return LocalExecutor(setup.here, setup.run)
