"""The JSON form of a `JobGraph`: `flowc compile` writes it; `plan`, `run` and `graph` read it.

`docs/reference/ir.md` explains every field and `ir.schema.json` states the shape. What is read
back is the same graph; only the state of the files is asked of the disk anew.
"""

from flowc.diagnostic import fail
from flowc.disk import Disk
from flowc.graph.ir_read import graph_from_data, parse_ir
from flowc.graph.ir_write import RequestOf, ir_lines
from flowc.graph.job import JobGraph
from flowc.source import Source
from flowc.whole import write_whole

__all__ = ["ir_lines", "read_ir", "write_ir"]


def write_ir(graph: JobGraph, path: str, request_of: RequestOf | None = None) -> None:
    """Write the graph to `path`, wholly or not at all."""
    write_whole(path, (f"{line}\n" for line in ir_lines(graph, request_of)))


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
