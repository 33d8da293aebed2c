"""The JSON form of a `JobGraph`: `flowc compile` writes it; `plan`, `run` and `graph` read it.

`docs/reference/ir.md` explains every field and `ir.schema.json` states the shape. What is read
back is the same graph; only the state of the files is asked of the disk anew.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

from flowc.diagnostic import fail
from flowc.disk import Disk
from flowc.graph.ir_read import graph_from_data, parse_ir
from flowc.graph.ir_write import RequestOf, ir_lines
from flowc.graph.job import JobGraph
from flowc.source import Source

__all__ = ["ir_lines", "read_ir", "write_ir"]


def write_ir(graph: JobGraph, path: str, request_of: RequestOf | None = None) -> None:
    """Write the graph to `path`, wholly or not at all."""
    write_lines(path, ir_lines(graph, request_of))


def read_ir(path: str, disk: Disk) -> JobGraph:
    """The graph of such a file. Raises WorkflowError for one that cannot be understood."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        raise fail("missing-file", f"there is no file `{path}`") from None
    except IsADirectoryError:
        raise fail("is-a-directory", f"`{path}` is a directory, not a file") from None
    except OSError as fault:
        raise fail("unreadable", f"`{path}` cannot be read: {fault.strerror}") from None
    source = Source(path, text)
    return graph_from_data(parse_ir(source), source, disk)


def write_lines(path: str, lines: Iterable[str]) -> None:
    """Write a text beside `path` and rename it there, so that nobody ever sees half of it."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # it was never made
            os.unlink(temporary)
        raise
