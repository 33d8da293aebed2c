"""What the engine is given to run, and what all elements of a batch share."""

import os
import shlex
import sys
from typing import Any

import flowc
from flowc.executors.grid.base import Batch, Queue, Settings
from flowc.executors.grid.files import VERSION

_RUN = (
    "import os, sys; sys.path[:0] = [{root!r}]; "
    "from flowc.node.element import main; os._exit(main(sys.argv[1:]))"  # nothing is left to do
)


def job_script(queue: Queue, directory: str) -> bytes:
    """A shell script that becomes the program which runs an element. It needs the same Python and
    the same flowc at the same place on the node, and nothing of what is installed beside them."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(flowc.__file__)))
    words = [sys.executable, "-I", "-S", "-c", _RUN.format(root=root), directory]
    quoted = " ".join(map(shlex.quote, words))
    found = f'"{queue.element}" "{queue.job}" "{queue.restarts}"'
    return os.fsencode(f"#!/bin/sh\nexec {quoted} {found}\n")


def common_data(
    batch: Batch, queue: Queue, submitted_s: float, settings: Settings
) -> dict[str, Any]:
    """For the nodes, and for a later run."""
    umask = os.umask(0o022)
    os.umask(umask)
    return {
        "version": VERSION,
        "name": batch.name,
        "queue": queue.name,
        "submitted_s": submitted_s,
        "directory": os.getcwd(),
        "umask": umask,
        "env": settings.site.environment(batch.ask.kind, os.environ),
        "setup": settings.site.text("", "setup"),
        "beat_s": settings.pace.beat_s,
        "measure": settings.measure,
    }
