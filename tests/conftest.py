"""Which flowc is tested: the one of this checkout, in this process and in every child.

An installed copy may lie beside it in the environment; PYTHONPATH comes before it.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")  # so that what is found there is shown, too
pytest_plugins = ["support.clusters"]

CHECKOUT = Path(__file__).resolve().parent.parent

sys.path.insert(0, str(CHECKOUT))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
)

# Programs of this checkout are started hundreds of times: they need not be compiled each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from support.examples import set_up_hypothesis  # noqa: E402 - found by the lines above

import flowc  # noqa: E402

assert Path(flowc.__file__).parent.parent == CHECKOUT, f"{flowc.__file__} is not this checkout's"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it puts into the background ignore Ctrl-C, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    set_up_hypothesis(is_quick="not slow" in config.getoption("markexpr"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """`-n auto`: half of what tests do is wait, for processes, clusters and clocks."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # pytest-xdist's own answer
    return len(os.sched_getaffinity(0)) + 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave benchmarks out unless `-m` asks for them: on a busy machine they fail for no fault."""
    if "bench" in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker("bench")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
