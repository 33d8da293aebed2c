"""Which flowc is tested: the one of this checkout, in this process and in every child.

An installed copy may lie beside it in the environment; PYTHONPATH comes before it.
"""

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

sys.path.insert(0, str(CHECKOUT))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import flowc  # noqa: E402 - it has to be found by the lines above

assert Path(flowc.__file__).parent.parent == CHECKOUT, f"{flowc.__file__} is not this checkout's"
