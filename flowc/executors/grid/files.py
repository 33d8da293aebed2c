"""A batch on the shared file system: what its tasks are, and what the nodes say of them.

`.flowc/grid/RUN/BATCH/` holds

    tasks        a record for all, where the others begin, and a record for each element
    script       what the engine runs for each element
    id           the engine's id, once it is known
    N.start      the node's word that element N runs; touched now and then as long as it does
    N.end        the node's word that it has ended, and how
    N.told       the same, once the run has made use of it
    N.void, void what stands there must not run any more: not this element, not any
    N.out        what the engine itself has printed

Small files of their own, replaced whole: no two machines ever write to one. A record is a length,
a value in `marshal`'s form, and an end: both sides are the same Python, and `json` would take 8 ms
of each job.
"""

from __future__ import annotations

import marshal
import os

from flowc.executors.base import Task
from flowc.suppress import suppress

TYPE_CHECKING = False  # nodes import this for each job
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, BinaryIO

GRID = ".flowc/grid"
VERSION = 2
_NUMBER_BYTES = 8
_END = b"."
_MOST_BYTES = 1 << 30
"""A length above it is none."""
_FORM = 4
"""Of `marshal`: the same for all versions of Python since 3.4."""


def write_tasks(directory: str, common: Mapping[str, Any], tasks: Mapping[int, Task]) -> None:
    """`common`: what all elements share. `tasks`: by element."""
    head = _record({**common, "elements": [*tasks]})
    records = [_record(_data(task)) for task in tasks.values()]
    at = len(head) + _NUMBER_BYTES * len(records)
    places = []
    for record in records:
        places.append(_number(at))
        at += len(record)
    replace_file(f"{directory}/tasks", b"".join([head, *places, *records]))


def read_task(directory: str, element: int) -> tuple[dict[str, Any], Task]:
    """What all elements of a batch share, and one of them, without reading the others."""
    with open(f"{directory}/tasks", "rb") as file:
        common: dict[str, Any] = _read(file)
        place = common["elements"].index(element)
        file.seek(place * _NUMBER_BYTES, os.SEEK_CUR)
        file.seek(int.from_bytes(file.read(_NUMBER_BYTES), "little"))
        return common, Task(**_read(file))


def read_tasks(directory: str) -> tuple[dict[str, Any], dict[int, Task]]:
    """All of a batch. Raises OSError, ValueError, KeyError or TypeError where it was not written
    whole."""
    with open(f"{directory}/tasks", "rb") as file:
        common: dict[str, Any] = _read(file)
        file.seek(_NUMBER_BYTES * len(common["elements"]), os.SEEK_CUR)
        tasks = {n: Task(**_read(file)) for n in common["elements"]}
    return common, tasks


def _record(value: Any) -> bytes:
    data = marshal.dumps(value, _FORM)
    return b"".join((_number(len(data)), data, _END))


def _read(file: BinaryIO) -> Any:
    """The next record. Raises ValueError where it is not whole."""
    length = int.from_bytes(file.read(_NUMBER_BYTES), "little")
    if length < _MOST_BYTES:
        data = file.read(length + len(_END))
        if len(data) > length and data.endswith(_END):
            with suppress(EOFError, TypeError):
                return marshal.loads(data)
    raise ValueError("a file of a batch is not whole")


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER_BYTES, "little")


def _data(task: Task) -> dict[str, Any]:
    return {
        "job": task.job,
        "attempt": task.attempt,
        "name": task.name,
        "argv": task.argv,
        "cwd": task.cwd,
        "env": dict(task.env),
        "cores": task.cores,
        "memory_bytes": task.memory_bytes,
        "limit_s": task.limit_s,
        "log": task.log,
        "memory_limit_bytes": task.memory_limit_bytes,
    }


def replace_file(path: str, data: bytes) -> None:
    """Whole, or not at all; nobody else writes to it at the same time."""
    with open(f"{path}.new", "wb") as file:
        file.write(data)
    os.replace(f"{path}.new", path)


def write_word(path: str, data: Mapping[str, Any]) -> None:
    replace_file(path, _record(data))


def read_word(path: str) -> dict[str, Any] | None:
    """None where there is none, or none that is whole."""
    try:
        with open(path, "rb") as file:
            found = _read(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def words(directory: str) -> Iterator[tuple[int, str]]:
    """(element, "start" | "end" | "told" | "void") for all that nodes have said."""
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        number, _, what = name.partition(".")
        if number.isdecimal() and what in ("start", "end", "told", "void"):
            yield int(number), what


def poke(directory: str) -> None:
    """Change a directory, so that a file system that remembers what was in it looks again."""
    with suppress(OSError):
        path = f"{directory}/look"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
        os.unlink(path)


def forbid(directory: str, elements: Sequence[int] | None) -> None:
    """Let these elements (None: all) not run any more, whatever the engine thinks of it."""
    names = ["void"] if elements is None else [f"{n}.void" for n in elements]
    for name in names:
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
            os.close(os.open(f"{directory}/{name}", flags, 0o666))


def is_forbidden(directory: str, element: int) -> bool:
    return os.path.exists(f"{directory}/void") or os.path.exists(f"{directory}/{element}.void")


def last_words(path: str, most_bytes: int = 4000) -> str:
    """The end of what an engine has printed for an element; "" for nothing."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most_bytes))
            return os.fsdecode(file.read())
    except OSError:
        return ""
